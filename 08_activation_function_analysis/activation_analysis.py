# /// script
# requires-python = ">=3.10"
# dependencies = ["numpy>=2.0", "matplotlib>=3.9", "scikit-learn>=1.5"]
# ///
"""What does the choice of the activation function do to speed, depth and death?

    X = a0 (N, D) -> W1 (D, H) -> phi -> a1 (N, H) -> ... -> WL -> sigmoid -> aL (N, K)

N examples, L layers, by a loop. Every array may have axes in front: S networks, or S at
each of R learning rates, train by the same lines. (8.3) is an equation in README.md.

    python activation_analysis.py              seven activations, about 20 seconds
    python activation_analysis.py --lr 0.1     one rate for all: is that fair?
"""

import argparse
import json
import math
import sys
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

TRUTH = {"color": "#000000", "linestyle": "--"}  # the truth, a bound, a theory line
STYLE = {"axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False,
         "axes.titlelocation": "left", "axes.titlesize": 11, "axes.titleweight": "bold"}


class InputError(ValueError):
    """Bad input that the user can mend; the message is one sentence that says how."""


# --- Data -----------------------------------------------------------------------------


def make_data(n_networks, n_points, noise, rng):
    """Return {part: (X (S, N, 2), y (S, N, 1))}: two moons of its own for each network.

    The parts are training, validation and test, the last with 1000 points.
    """
    from sklearn.datasets import make_moons

    data = {}
    for part, n in ("training", n_points), ("validation", n_points), ("test", 1000):
        seeds = rng.integers(2**31, size=n_networks)
        moons = [make_moons(n, noise=noise, random_state=int(seed)) for seed in seeds]
        X, y = (np.stack(arrays) for arrays in zip(*moons))
        data[part] = X - [0.5, 0.25], y[..., None].astype(float)  # centred
    return data


# --- Model ----------------------------------------------------------------------------


def sigmoid(z):
    """Return 1 / (1 + exp(-z)), element by element, in a form that cannot overflow."""
    return 0.5 * (1.0 + np.tanh(0.5 * z))


def gelu_gate(z):
    """Return Phi(z) in the tanh form of Hendrycks & Gimpel (2016), within 5e-4."""
    return sigmoid(np.sqrt(8 / np.pi) * (z + 0.044715 * z * z**2))


def gelu_slope(z, a):
    """Return the derivative of a = z Phi(z), Phi in its tanh form."""
    gate = gelu_gate(z)
    return gate + a * (1 - gate) * np.sqrt(8 / np.pi) * (1 + 3 * 0.044715 * z**2)


PHI = {  # name: (phi of z, its derivative from z and a, the usual init)  (8.1)
    "sigmoid": (sigmoid, lambda z, a: a * (1 - a), "Xavier"),
    "tanh": (np.tanh, lambda z, a: 1 - a**2, "Xavier"),
    "relu": (lambda z: np.maximum(0.0, z), lambda z, a: 1.0 * (z > 0), "He"),
    "leaky_relu": (lambda z: np.maximum(z, 0.01 * z),
                   lambda z, a: np.where(z > 0, 1.0, 0.01), "He"),
    "elu": (lambda z: np.maximum(z, 0.0) + np.expm1(np.minimum(z, 0.0)),
            lambda z, a: np.minimum(a + 1, 1.0), "He"),
    "gelu": (lambda z: z * gelu_gate(z), gelu_slope, "He"),
    "silu": (lambda z: z * sigmoid(z), lambda z, a: a + sigmoid(z) * (1 - a), "He"),
}
GAIN = {"Xavier": 1.0, "He": 2.0}  # n Var W where a layer has n inputs and n outputs


def init_params(sizes, init, rng, networks=()):
    """Return W1 (D, H), b1 (H,), ..., WL, bL, with the axes ``networks`` in front."""
    params = {}
    for k, (n_in, n_out) in enumerate(zip(sizes, sizes[1:]), start=1):
        variance = 2 / (n_in + n_out) if init == "Xavier" else 2 / n_in  # (8.2)
        params[f"W{k}"] = np.sqrt(variance) * rng.normal(size=(*networks, n_in, n_out))
        params[f"b{k}"] = np.zeros((*networks, n_out))
    return params


def forward(params, X, activation):
    """Return the cache a0 = X (N, D), z1, a1 (N, H), ..., zL, aL (N, K)."""
    cache, L = {"a0": X}, len(params) // 2
    for k in range(1, L + 1):
        bias = params[f"b{k}"][..., None, :]  # (1, n_k)
        cache[f"z{k}"] = z = cache[f"a{k - 1}"] @ params[f"W{k}"] + bias  # (8.3)
        cache[f"a{k}"] = PHI[activation][0](z) if k < L else sigmoid(z)  # (N, n_k)
    return cache


def slope(cache, k, activation):
    """Return phi'(z_k), (N, n_k)."""
    return PHI[activation][1](cache[f"z{k}"], cache[f"a{k}"])


# --- Loss and gradients ---------------------------------------------------------------


def loss(cache, y):
    """Return the mean cross-entropy for y (N, K), a number or one for each network."""
    z = cache[f"z{len(cache) // 2}"]
    return np.sum(np.logaddexp(0, z) - y * z, axis=(-2, -1)) / y.shape[-2]  # (8.3)


def backward(params, cache, y, activation):
    """Return the gradient of the loss, with the keys and shapes of ``params``."""
    grads, L = {}, len(params) // 2
    dz = (cache[f"a{L}"] - y) / y.shape[-2]  # (N, K)  (8.4)
    for k in range(L, 0, -1):
        grads[f"W{k}"] = cache[f"a{k - 1}"].swapaxes(-1, -2) @ dz  # like W_k  (8.4)
        grads[f"b{k}"] = dz.sum(axis=-2)  # (n_k,)
        if k > 1:
            da = dz @ params[f"W{k}"].swapaxes(-1, -2)  # (N, n_{k-1})
            dz = da * slope(cache, k - 1, activation)  # (N, n_{k-1})  (8.5)
    return grads


# --- Training -------------------------------------------------------------------------


def stop_if_diverged(value, epoch):
    """Raise FloatingPointError, with advice, when a loss has exploded."""
    if not abs(value) < 1e9:  # nan, too
        raise FloatingPointError(f"training diverged in epoch {epoch}: the loss is "
                                 f"{value:.3g}; try a smaller --lr")


def accuracy_of(cache, y):
    """Return the share of right answers for y (N, 1), a number or one per network."""
    return np.mean((cache[f"z{len(cache) // 2}"] > 0) == y, axis=(-2, -1))


def train(params, data, activation, rates, args, goal=None, watch=None):
    """Descend with momentum on all examples: S networks at each of the R rates.

    Returns params, with axes (R, S) in front, and by epoch ``loss``, validation
    ``accuracy`` (R, S) and ``watch(cache)``. Ends early where the best rate has a mean
    accuracy of ``goal``. Without a goal, raises FloatingPointError when a loss at every
    rate has exploded. After Ctrl-C each later call does one epoch only.
    """
    (X, y), (X_val, y_val) = data["training"], data["validation"]
    params = {k: np.broadcast_to(v, (len(rates), *v.shape)) for k, v in params.items()}
    velocity, history = {k: np.zeros_like(v) for k, v in params.items()}, []
    try:
        for epoch in range(1, 2 if args.stopped else args.epochs + 1):
            cache = forward(params, X, activation)
            cost = loss(cache, y)  # (R, S)
            for k, grad in backward(params, cache, y, activation).items():
                velocity[k] = 0.9 * velocity[k] - (rates * grad.T).T  # R is axis 0
                params[k] = params[k] + velocity[k]  # (8.6)
            right = accuracy_of(forward(params, X_val, activation), y_val)  # (R, S)
            history.append((cost, right, watch and watch(cache)))
            if goal is None:
                stop_if_diverged(np.fmin.reduce(cost.mean(axis=1)), epoch)
            elif right.mean(axis=1).max() >= goal:
                break
    except KeyboardInterrupt:
        if not history:
            raise  # nothing was learnt yet
        print("Stopped by Ctrl-C; what was learnt so far is kept.")
        args.stopped = True
    cost, right, seen = map(np.array, zip(*history))
    return params, {"loss": cost, "accuracy": right, "watch": seen}


# --- Experiments ----------------------------------------------------------------------


def slope_factors(depth, init, activation, X):
    """Return chi (depth, N): what |dL/dz|^2 is multiplied by on its way down a layer.

    For inputs X (N, n) to wide layers of n units: their z are normal, of variance q.
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(100)
    weights /= weights.sum()
    q, chi = GAIN[init] * np.mean(X**2, axis=1), []  # (N,)
    for _ in range(depth):
        z = np.sqrt(q)[:, None] * nodes  # (N, 100)
        a = PHI[activation][0](z)
        chi.append(GAIN[init] * (PHI[activation][1](z, a) ** 2 @ weights))  # (8.7)
        q = GAIN[init] * (a**2 @ weights)  # (8.8)
    return np.array(chi)


def dead_share(cache, activation):
    """Return the share of units with a slope below 0.001 on every example, by layer."""
    steepest = [np.abs(slope(cache, k, activation)).max(axis=-2)  # (n_k,)
                for k in range(1, len(cache) // 2)]
    return np.array([np.mean(slopes < 0.001, axis=-1) for slopes in steepest])


def try_rates(name, data, args, rng):
    """Train S networks at every rate, choose one by validation data, read the test.

    Returns the metrics, and the history at the chosen rate, (epochs, S).
    """
    rates = np.array([args.lr] if args.lr else [0.1, 0.3, 1.0, 3.0, 10.0])
    params = init_params([2, 16, 16, 1], PHI[name][2], rng, (args.seeds,))
    params, history = train(params, data, name, rates, args)
    best = history["accuracy"].mean(axis=(0, 2)).argmax()  # quick and steady
    params = {k: v[best] for k, v in params.items()}
    history = {k: history[k][:, best] for k in ("loss", "accuracy")}
    X, y = data["test"]
    right = accuracy_of(forward(params, X, name), y)  # (S,)
    there = history["accuracy"] >= 0.95  # (epochs, S)
    epochs = np.median(np.where(there.any(axis=0), 1 + there.argmax(axis=0), np.inf))
    dead = dead_share(forward(params, data["training"][0], name), name)  # (2, S)
    return {"init": PHI[name][2], "lr": rates[best], "accuracy_mean": right.mean(),
            "accuracy_sd": right.std(ddof=1), "dead_fraction": dead.mean(),
            "epochs_to_95": epochs if epochs < np.inf else None}, history


def measure_gradients(depth, rng, n=100, networks=12):
    """Return {(name, init): |dL/dz_k| over the output's, measured, theory (2, depth)}.

    Medians over untrained networks with one example each. The error at the output is
    random, independent of the weights, as (8.9) asks.
    """
    deep = init_params([n] * (depth + 2), "Xavier", rng, (networks,))
    X, error = rng.normal(size=(2, networks, 1, n))
    found = {}
    for name, init in [(name, init) for name in PHI for init in GAIN]:
        params = {k: np.sqrt(GAIN[init]) * v for k, v in deep.items()}
        cache = forward(params, X, name)
        grads = backward(params, cache, cache[f"a{depth + 1}"] - error, name)
        norms = np.array([np.linalg.norm(grads[f"b{k}"], axis=1)  # one example: dL/dz_k
                          for k in range(1, depth + 2)])  # (depth + 1, networks)
        chi = slope_factors(depth, init, name, X[:, 0])  # (depth, networks)
        theory = np.sqrt(np.cumprod(chi[::-1], axis=0)[::-1])  # (8.9)
        found[name, init] = np.median([norms[:-1] / norms[-1], theory], axis=2)
    return found


def deepest_learnt(name, init, args, rng):
    """Return the largest depth at which networks 16 units wide still learn 92 %.

    Two networks at each of three rates; the best rate counts. 0 if none learns.
    """
    deepest, rates = 0, np.array([0.01, 0.1, 1.0])
    for depth in [d for d in (1, 2, 4, 8, 16) if d < args.depth] + [args.depth]:
        data = make_data(2, 60, args.noise, rng)
        params = init_params([2] + [16] * depth + [1], init, rng, (2,))
        _, history = train(params, data, name, rates, args, goal=0.92)
        if history["accuracy"][-1].mean(axis=1).max() < 0.92:
            break
        deepest = depth
    return deepest


def watch_saturation(name, lr, data, args, rng):
    """Train nets 2-32-32-32-32-32-1; return loss (epochs,), saturated (epochs, 5)."""
    limit = 0.1 * PHI[name][1](0.0, PHI[name][0](0.0))  # a tenth of the slope at 0
    params = init_params([2] + [32] * 5 + [1], "Xavier", rng, (args.seeds,))
    _, history = train(params, data, name, np.array([lr]), args, watch=lambda cache: [
        np.mean(slope(cache, k, name) < limit) for k in range(1, 6)])
    return history["loss"].mean(axis=(1, 2)), history["watch"]


def count_births(X, depth, rng):
    """Return the shares of ReLUs and of networks dead at birth, by layer, and theory.

    ReLUs: off for all of X (N, 2). In wide layers their z are normal, with correlations
    C after Cho & Saul (2009). Networks: all units of a layer off for one input.
    """
    layers, unit = np.arange(1, depth + 1), X / np.linalg.norm(X, axis=1, keepdims=True)
    C, zeros, chances = unit @ unit.T, np.zeros(len(X)), []  # (N, N), (N,)
    for _ in layers:
        C = C.clip(-1, 1)  # rounding may leave the interval
        z = rng.multivariate_normal(zeros, C, 10_000, "ignore", method="eigh")
        chances.append(np.mean(np.all(z <= 0, axis=1)))  # (8.10)
        C = (np.sqrt(1 - C**2) + C * (np.pi - np.arccos(C))) / np.pi  # (8.11)
    wide = init_params([2] + [100] * depth + [1], "He", rng, (5,))
    thin = init_params([2] + [3] * depth + [1], "He", rng, (2000,))
    cache = forward(thin, X[:1], "relu")
    return {"units": dead_share(forward(wide, X, "relu"), "relu").mean(axis=1),
            "units_theory": chances,
            "networks": [np.mean(np.all(cache[f"a{k}"] == 0, axis=-1)) for k in layers],
            "networks_theory": 1 - (1 - 0.5**3) ** layers}  # (8.12)


# --- Figures --------------------------------------------------------------------------

COLOURS = dict(zip(PHI, ["#009E73", "#CC79A7", "#D55E00", "#E69F00", "#56B4E9",
                         "#0072B2", "#888888"]))


def plot_functions():
    """Draw each activation function, thick, and its derivative, thin."""
    fig, axs = plt.subplots(2, 4, figsize=(9, 4.4), sharey=True, layout="constrained")
    z = np.linspace(-4, 4, 801)
    for ax, (name, (phi, derivative, _)) in zip(axs.flat, PHI.items()):
        slopes = derivative(z, phi(z))
        ax.plot(z, phi(z), color=COLOURS[name], linewidth=3.5, label=r"$\phi(z)$")
        ax.plot(z, slopes, color="#444444", label=r"$\phi'(z)$")
        ax.set(title=f"{name}: slope to {slopes.max():.3g}", ylim=(-1.1, 2))
    fig.supxlabel("z")
    axs[1, 3].set_axis_off()
    axs[1, 3].legend(*ax.get_legend_handles_labels(), loc="center", fontsize=14)
    return fig


def plot_learning(histories):
    """Draw loss and accuracy by epoch: the mean over networks, and a band of one sd."""
    fig, axs = plt.subplots(1, 2, figsize=(9, 4.4), layout="constrained")
    for ax, key in zip(axs, ("loss", "accuracy")):
        for name, history in histories.items():
            mean, sd = history[key].mean(axis=1), history[key].std(axis=1, ddof=1)
            epochs, colour = np.arange(1, len(mean) + 1), COLOURS[name]
            ax.fill_between(epochs, mean - sd, mean + sd, color=colour, alpha=0.1, lw=0)
            ax.semilogx(epochs, mean, color=colour, linewidth=2, label=name)
        ax.set_xlabel("epoch (line: mean of the networks, band: one sd)")
    reach = [h["accuracy"].mean(axis=1).max() >= 0.95 for h in histories.values()]
    fig.suptitle(f"{sum(reach)} of {len(reach)} reach 95 % in the mean", weight="bold")
    axs[0].set(ylim=(0, 0.8), ylabel="training loss")
    axs[1].set(ylim=(0.5, 1), ylabel="validation accuracy")
    axs[1].axhline(0.95, **TRUTH)
    axs[0].legend(loc="lower left")
    return fig


def plot_gradients(gradients):
    """Draw the gradient in each layer of untrained networks, and theory, dashed."""
    fig, axs = plt.subplots(1, 2, figsize=(9, 5), layout="constrained")
    for ax, init in zip(axs, GAIN):
        for name in PHI:
            measured, theory = gradients[name, init]
            layers = np.arange(1, len(theory) + 1)
            ax.semilogy(layers, measured, "o", color=COLOURS[name], label=name)
            ax.semilogy(layers, theory, **TRUTH, linewidth=1)
        left = gradients["sigmoid", init][0][0]
        ax.set(xlabel="layer", title=f"{init}: sigmoid's falls to {left:.0e}")
    axs[0].set_ylabel("gradient in this layer / gradient at the output")
    axs[0].legend(loc="lower right")
    return fig


def plot_flat(runs, births):
    """Draw saturation while nets of five layers train, and death at birth, by layer."""
    fig, axs = plt.subplots(2, 2, figsize=(9, 7), sharey=True, layout="constrained")
    for ax, (name, (lr, cost, shares)) in zip(axs[0], runs.items()):
        for k, share in enumerate(shares.T, start=1):
            ax.semilogx(np.arange(1, len(share) + 1), share, linewidth=2,
                        label=f"layer {k}", color=plt.cm.viridis_r(k / 5))
        ax.set(xlabel="epoch", ylabel="share saturated", ylim=(-0.02, 1.02),
               title=f"{name}, rate {lr:g}: loss ends at {cost[-1]:.2f}")
    for ax, key, kind in zip(axs[1], ("units", "networks"), ("ReLUs", "nets 3 wide")):
        layers = np.arange(1, len(births[key]) + 1)
        ax.plot(layers, births[f"{key}_theory"], **TRUTH, label="theory")
        ax.plot(layers, births[key], "o", color=COLOURS["relu"], label="measured")
        ax.set(title=f"Layer {layers[-1]}: {births[key][-1]:.0%} of {kind} born dead",
               xlabel="layer", ylabel="share dead")
    for ax in axs[:, 0]:
        ax.legend(loc="upper left")
    return fig


def plot_verdict(rows):
    """Draw the table of the verdict: one column of dots for each measure."""
    fig, axs = plt.subplots(1, 5, figsize=(9, 4), sharey=True, layout="constrained")
    columns = {"accuracy_mean": "test accuracy", "epochs_to_95": "epochs to 95 %",
               "gradient_ratio": "gradient left", "learns_to_he": "learns to depth",
               "dead_fraction": "dead units"}
    for ax, (key, title) in zip(axs, columns.items()):
        values = np.array([row[key] for row in rows.values()], dtype=float)  # None: nan
        ax.scatter(values, range(len(rows)), s=80, color=list(COLOURS.values()))
        ax.set_title(title, fontweight="normal")
        ax.margins(x=0.12)
    for i, (name, row) in enumerate(rows.items()):
        mean, sd = row["accuracy_mean"], row["accuracy_sd"]
        axs[0].plot([mean - sd, mean + sd], [i, i], color=COLOURS[name])
        axs[2].semilogx(row["gradient_theory"], i, "k|", markersize=18)
        axs[3].scatter(row["learns_to_xavier"], i, s=80, facecolor="none",
                       edgecolor=COLOURS[name])
    axs[0].set(yticks=range(len(rows)), yticklabels=rows, xlabel="mean and sd",
               ylim=(len(rows) - 0.7, -0.3))
    axs[2].set_xlabel("| theory")
    axs[3].set_xlabel("filled He, hollow Xavier")
    least = min(rows, key=lambda name: rows[name]["gradient_ratio"])
    dead = max(rows, key=lambda name: rows[name]["dead_fraction"])
    fig.suptitle(f"{least} keeps {rows[least]['gradient_ratio']:.0e} of its gradient, "
                 f"{dead} loses {rows[dead]['dead_fraction']:.0%} of its units",
                 fontweight="bold")
    return fig


# --- Command line ---------------------------------------------------------------------


def number(kind, low, high):
    """Return an argparse type: an int or a float from ``low`` to ``high``."""

    def parse(text):
        try:
            value = kind(text)
        except ValueError:
            value = math.nan  # lies in no interval
        if not low <= value <= high:
            noun = "a whole number" if kind is int else "a number"
            raise argparse.ArgumentTypeError(
                f"{text!r} is not {noun} from {low:g} to {high:g}")
        return value

    return parse


class Parser(argparse.ArgumentParser):
    """A parser with the flags of all ten scripts, whose errors are one sentence."""

    def __init__(self):
        super().__init__(description=__doc__, allow_abbrev=False,
                         formatter_class=argparse.RawDescriptionHelpFormatter)
        self.add_argument("--seed", type=number(int, 0, 2**32 - 1), default=0,
                          help="seed of all random numbers (default: %(default)s)")
        self.add_argument("--out", type=Path, metavar="DIR",
                          default=Path(__file__).resolve().parent / "output",
                          help="where to write (default: output/ beside this script)")
        self.add_argument("--no-show", action="store_true",
                          help="save the pictures, open no window")

    def error(self, message):
        self.exit(2, f"{self.prog}: {message}\n")


def run_safely(story, args):
    """Call ``story(args)``; say what failed in one sentence; return the exit status."""
    sys.stdout.reconfigure(errors="replace")  # a console that lacks a letter shows "?"
    plt.rcParams.update(STYLE)
    try:
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            story(args)  # training looks for numbers that are not finite itself
        return 0
    except KeyboardInterrupt:
        status, message = 130, "stopped by Ctrl-C"
    except FloatingPointError as error:  # training diverged
        status, message = 1, error
    except (InputError, OSError, MemoryError) as error:
        status, message = 2, error
    print(f"{Path(__file__).name}: {message}", file=sys.stderr)
    return status


def make_folder(folder):
    """Create the folder, and prove before any work is done that it can be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise InputError(f"cannot write to {folder} ({error.strerror}); choose another "
                         "folder with --out DIR") from None


def save_results(args, figures, metrics, others=()):
    """Write {name: Figure} and the metrics to ``args.out``, then open the windows.

    ``others`` names the files that the run has already written there.
    """
    for name, fig in figures.items():
        fig.savefig(args.out / f"{name}.png", dpi=150)
    settings = {k: v for k, v in vars(args).items() if k not in ("out", "no_show")}
    text = json.dumps({**metrics, "settings": settings}, indent=2,
                      default=lambda v: v.name if isinstance(v, Path) else v.tolist())
    (args.out / "metrics.json").write_text(text + "\n", encoding="utf-8")
    names = [*(f"{name}.png" for name in figures), *others, "metrics.json"]
    print(f"Wrote {', '.join(names)} to {args.out}")
    if not args.no_show and plt.gcf().canvas.required_interactive_framework:
        plt.show()
    plt.close("all")


def parse_args(argv=None):
    """Return the settings on the command line."""
    parser = Parser()
    flag = parser.add_argument
    flag("--epochs", type=number(int, 1, 10**5), default=200,
         help="of each training, at most (default: %(default)s)")
    flag("--lr", type=number(float, 1e-9, 1e9), help="one learning rate for all "
         "activations (default: for each the best of five)")
    flag("--seeds", type=number(int, 2, 100), default=10,
         help="networks of each kind (default: %(default)s)")
    flag("--noise", type=number(float, 0, 10), default=0.15,
         help="of the two moons (default: %(default)s)")
    flag("--depth", type=number(int, 2, 50), default=30,
         help="hidden layers at most (default: %(default)s)")
    parser.set_defaults(stopped=False)
    return parser.parse_args(argv)


HEAD = """
                    best  test accuracy  epochs  gradient, layer 1   learns to   dead
activation  init    rate      in %      to 95 %  measured   theory  Xavier  He  units"""
ROW = ("{:10s}  {init:6s} {lr:5g}  {:5.2f} +- {:4.2f}  {:>7s}  {gradient_ratio:8.1e} "
       "{gradient_theory:8.1e}  {learns_to_xavier:6d}  {learns_to_he:2d}  {:5.1%}")


def analyse(args):
    """Compare, measure, judge, draw and save."""
    rng = np.random.default_rng(args.seed)
    make_folder(args.out)
    print(f"Seven activations on two moons: 2-16-16-1, {args.seeds} networks each, "
          f"{args.epochs} epochs, seed {args.seed}\n{HEAD}")
    data, rows, histories = make_data(args.seeds, 100, args.noise, rng), {}, {}
    gradients = measure_gradients(args.depth, rng)
    for name in PHI:
        row, histories[name] = try_rates(name, data, args, rng)
        row |= {f"learns_to_{init.lower()}": deepest_learnt(name, init, args, rng)
                for init in GAIN}
        measured, theory = gradients[name, row["init"]]
        rows[name] = row | {"gradient_ratio": measured[0], "gradient_theory": theory[0]}
        print(ROW.format(name, 100 * row["accuracy_mean"], 100 * row["accuracy_sd"],
                         str(row["epochs_to_95"] or "-"), row["dead_fraction"],
                         **rows[name]))
    births = count_births(data["training"][0][0], args.depth, rng)
    runs = {name: (lr, *watch_saturation(name, lr, data, args, rng))
            for name, lr in (("sigmoid", 3.0), ("tanh", 0.3))}
    reach = sorted((row["epochs_to_95"], name) for name, row in rows.items()
                   if row["epochs_to_95"])
    ends = f", {reach[0][1]} first and {reach[-1][1]} last" if reach else ""
    print(f"\n{len(reach)} of {len(PHI)} reach 95 % in the median{ends}.")
    print("Dead at birth in layer {}: {:.1%} of ReLUs (theory {:.1%}), {:.1%} of nets "
          "of width 3 ({:.1%}).".format(args.depth, *(v[-1] for v in births.values())))
    figures = {"verdict": plot_verdict(rows), "functions": plot_functions(),
               "learning": plot_learning(histories), "flat": plot_flat(runs, births),
               "gradients": plot_gradients(gradients)}
    save_results(args, figures, {**rows, "births": births, "saturated": {
        name: shares[-1] for name, (_, _, shares) in runs.items()}})


def main(argv=None):
    """Run the lesson from the command line; return the exit status."""
    return run_safely(analyse, parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
