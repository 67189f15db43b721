# /// script
# requires-python = ">=3.10"
# dependencies = ["numpy>=2.0", "matplotlib>=3.9"]
# ///
"""One line cannot do XOR. Can two hidden units, and how often do they get stuck?

    X (N, 2) -> W1 (2, H) -> sigmoid -> a1 (N, H) -> W2 (H, 1) -> sigmoid -> a2 (N, 1)

N = 4 corners of a square, H hidden units; z1 and z2 are the sums before each sigmoid,
y the targets. Every array may have one more axis in front, of T networks: a thousand
then learn at once, by the same lines. (2.1) is the number of an equation in README.md.

    python xor_mlp.py                        a thousand networks, about 7 seconds
    python xor_mlp.py --activation tanh --loss bce --scale 1 --lr 0.5
    python xor_mlp.py --hidden 4 --seed 3 --epochs 2000
"""

import argparse
import json
import math
import sys
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LinearSegmentedColormap

SIGNED = LinearSegmentedColormap.from_list("signed", ["#0072B2", "#FFFFFF", "#E69F00"])
TRUTH = {"color": "#000000", "linestyle": "--"}  # the truth, a bound, a theory line
STYLE = {"axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False,
         "axes.titlelocation": "left", "axes.titlesize": 11, "axes.titleweight": "bold"}


class InputError(ValueError):
    """Bad input that the user can mend; the message is one sentence that says how."""


# --- Data -----------------------------------------------------------------------------


def make_data(signed=False):
    """Return the corners X (4, 2), 0 and 1 or -1 and 1, and their XOR, y (4, 1)."""
    X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    y = np.array([[0.0], [1.0], [1.0], [0.0]])
    return (2 * X - 1 if signed else X), y


# --- Model ----------------------------------------------------------------------------


def sigmoid(z):
    """Return 1 / (1 + exp(-z)), element by element, in a form that cannot overflow."""
    return 0.5 * (1.0 + np.tanh(0.5 * z))


HIDDEN_ACTIVATIONS = {  # name: (function of z, its derivative from z and a)
    "sigmoid": (sigmoid, lambda z, a: a * (1 - a)),
    "tanh": (np.tanh, lambda z, a: 1 - a**2),
    "relu": (lambda z: np.maximum(0.0, z), lambda z, a: np.where(z > 0, 1.0, 0.0)),
    "identity": (lambda z: z, lambda z, a: np.ones_like(z)),  # two layers, yet one line
}


def init_params(n_hidden, init, scale, rng):
    """Return random W1 (2, H), b1 (H,), W2 (H, 1), b2 (1,); T of each if scale is (T,).

    "uniform": all from -scale to scale; "normal": standard deviation scale, biases 0.
    """
    shapes = {"W1": (2, n_hidden), "b1": (n_hidden,), "W2": (n_hidden, 1), "b2": (1,)}
    params = {}
    for key, shape in shapes.items():
        size = (*np.shape(scale), *shape)
        values = rng.normal(size=size) if init == "normal" else rng.uniform(-1, 1, size)
        if init == "normal" and key in ("b1", "b2"):
            values = np.zeros(size)
        params[key] = (values.T * scale).T  # .T: network t is scaled by scale[t]
    return params


def forward(params, X, activation):
    """Return the cache X (N, 2), z1, a1 (N, H), z2, a2 (N, 1) of one or T networks."""
    b1, b2 = params["b1"][..., None, :], params["b2"][..., None, :]  # as rows
    phi, _ = HIDDEN_ACTIVATIONS[activation]
    z1 = X @ params["W1"] + b1  # (N, H)  (2.1)
    a1 = phi(z1)  # (N, H)  (2.1)
    z2 = a1 @ params["W2"] + b2  # (N, 1)  (2.2)
    a2 = sigmoid(z2)  # (N, 1)
    return {"X": X, "z1": z1, "a1": a1, "z2": z2, "a2": a2}


# --- Loss and gradients ---------------------------------------------------------------


def transpose(matrix):
    """Return the transpose of a matrix, or of each matrix behind the leading axes."""
    return np.swapaxes(matrix, -1, -2)


def loss(cache, y, kind):
    """Return half the squared error ("mse") or the cross-entropy ("bce"), a mean."""
    if kind == "mse":
        return np.sum((cache["a2"] - y) ** 2, axis=(-2, -1)) / (2 * len(y))  # (2.3)
    z2 = cache["z2"]
    return np.sum(np.logaddexp(0.0, z2) - y * z2, axis=(-2, -1)) / len(y)  # (2.3)


def backward(params, cache, y, activation, kind):
    """Return the gradient of the loss, with the keys and shapes of ``params``."""
    _, derivative = HIDDEN_ACTIVATIONS[activation]
    dz2 = (cache["a2"] - y) / len(y)  # (N, 1)  (2.4)
    if kind == "mse":
        dz2 = dz2 * cache["a2"] * (1 - cache["a2"])  # (N, 1)
    dW2 = transpose(cache["a1"]) @ dz2  # (H, 1)  (2.5)
    db2 = dz2.sum(axis=-2)  # (1,)
    da1 = dz2 @ transpose(params["W2"])  # (N, H)  (2.6)
    dz1 = da1 * derivative(cache["z1"], cache["a1"])  # (N, H)  (2.6)
    dW1 = transpose(cache["X"]) @ dz1  # (2, H)  (2.7)
    db1 = dz1.sum(axis=-2)  # (H,)
    return {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}


# --- Training -------------------------------------------------------------------------


def train(params, X, y, activation, kind, epochs, lr, momentum, show=False):
    """Descend with momentum on all corners at once: one network, or T side by side.

    Returns params and the history: ``loss``, a number or (T,), of the epochs listed in
    ``epoch``, under 1000; ``right`` and ``close``, how many epochs it took until every
    output stayed within 0.5 and 0.05 of its target. ``show`` prints progress (T only).
    Raises FloatingPointError if the first network diverges; others count as failed.
    """
    velocity = {k: np.zeros_like(v) for k, v in params.items()}
    history = {"epoch": [], "loss": [], "right": 0, "close": 0}
    try:
        for epoch in range(1, epochs + 1):
            cache = forward(params, X, activation)
            cost = loss(cache, y, kind)
            error = np.abs(cache["a2"] - y).max(axis=(-2, -1))
            if not np.isfinite(np.ravel(cost)[0]):
                raise FloatingPointError(f"training diverged in epoch {epoch}; try a "
                                         "smaller --lr")
            history["right"] = np.where(error < 0.5, history["right"], epoch)
            history["close"] = np.where(error < 0.05, history["close"], epoch)
            if (epoch - 1) % max(1, epochs // 500) == 0:
                history["epoch"].append(epoch)
                history["loss"].append(cost)
            if show and (epoch == 1 or epoch % max(1, epochs // 10) == 0):
                print(f"{epoch:5d}  {cost[0]:10.5f}  {error[0]:13.4f}  "
                      f"{np.sum(error < 0.5):10d}")
            grads = backward(params, cache, y, activation, kind)
            velocity = {k: momentum * velocity[k] - lr * grads[k] for k in params}
            params = {k: params[k] + velocity[k] for k in params}  # (2.8)
    except KeyboardInterrupt:
        print("Stopped by Ctrl-C; what was learnt so far is kept.")
    return params, history


def wilson(solved, z=1.959964):
    """Return the share of true values, and its 95 % interval (Wilson, 1927)."""
    trials, p = len(solved), solved.mean()
    centre = p + z**2 / (2 * trials)
    half = z * math.sqrt(p * (1 - p) / trials + (z / (2 * trials)) ** 2)
    bounds = (centre + np.array([-half, half])) / (1 + z**2 / trials)  # (2.10)
    low, high = np.clip(bounds, 0.0, 1.0)  # rounding must not leave the interval
    return {"rate": p, "low": low, "high": high}


def resting_loss(tied, kind):
    """Return the least loss of a network giving ``tied`` of 4 corners one output."""
    p = 1 / 3 if tied == 3 else 1 / 2  # of these corners, those that want a 1 (or a 0)
    each = p * (1 - p) / 2 if kind == "mse" else -p * np.log(p) - (1 - p) * np.log1p(-p)
    return float(tied / 4 * each)  # (2.9): the other corners can cost nothing


def train_and_judge(start, X, y, activation, epochs, args, show=False):
    """Train T networks; return params, history, cache and what became of each.

    That is, (T,) each: ``loss``; ``error``, the largest of the four; ``missed``, how
    many corners are off by more than 0.25, 0 if XOR is solved; ``slope``, the steepest
    that a hidden unit is at one of these corners.
    """
    params, history = train(start, X, y, activation, args.loss, epochs, args.lr,
                            args.momentum, show)
    cache = forward(params, X, activation)
    error = np.abs(cache["a2"] - y)  # (T, 4, 1)
    worst, off = error.max(axis=(-2, -1)), error > 0.25
    _, derivative = HIDDEN_ACTIVATIONS[activation]
    slope = derivative(cache["z1"], cache["a1"])  # (T, 4, H)
    return {"params": params, "history": history, "cache": cache,
            "error": worst, "loss": loss(cache, y, args.loss),
            "missed": np.where(worst < 0.5, 0, off.sum(axis=(-2, -1))),
            "slope": np.where(off, slope, 0.0).max(axis=(-2, -1))}


# --- Figures --------------------------------------------------------------------------

ACTIVATION_COLOURS = {"sigmoid": "#009E73", "tanh": "#CC79A7", "relu": "#D55E00"}
SCALES, WIDTHS = (0.1, 0.3, 1.0, 3.0), (2, 4, 8)  # of the table of success rates
MISSED = {1: "1 corner wrong", **{n: f"{n} corners tied" for n in (2, 3, 4)}}


def square(low, high, n):
    """Return points (n * n, 2) of the rectangle from low (2,) to high (2,)."""
    return np.stack(np.meshgrid(*np.linspace(low, high, n).T), axis=-1).reshape(-1, 2)


def draw_outputs(ax, points, values, corners, y, notes, mesh=None):
    """Colour a plane by values at points (n * n, 2); mark corners (4, 2), draw mesh."""
    n = math.isqrt(len(values))
    u, v, surface = (a.reshape(n, n) for a in (*points.T, values))
    edges = (u.min(), u.max(), v.min(), v.max())
    ax.imshow(surface, cmap=SIGNED, vmin=-0.4, vmax=1.4, origin="lower", extent=edges,
              aspect="auto", interpolation="bilinear")
    ax.set(xlim=edges[:2], ylim=edges[2:], box_aspect=1)
    if mesh is not None:
        for rows in (mesh.reshape(25, 25, 2), mesh.reshape(25, 25, 2).swapaxes(0, 1)):
            ax.plot(*rows.T, color="#444444", linewidth=0.5)
        if values.min() < 0.5 < values.max():
            ax.contour(u, v, surface, [0.5], colors="#000000", linewidths=2)
    places = ("left", -18), ("left", 9), ("right", -18), ("right", 9)  # none overlap
    for corner, target, note, (side, lift) in zip(corners, y[:, 0], notes, places):
        ax.scatter(*corner, s=80, marker="os"[int(target)], color=SIGNED(target),
                   edgecolor="white", zorder=3)
        ax.annotate(note, corner, (0, lift), ha=side, textcoords="offset points")


def plot_folding(params, X, y, activation):
    """Draw what a line and the network compute, and where it takes the plane."""
    two, corners = params["W1"].shape[1] == 2, forward(params, X, activation)
    right = ((corners["a2"] > 0.5) == y).sum()
    names = [f"({a:g}, {b:g})" for a, b in X]
    plane, mesh = (square(X[0] - 0.4, X[3] + 0.4, n) for n in (150, 25))
    nand = sigmoid(50 * (1.5 - plane.sum(axis=1)))  # no line is nearer to XOR
    titles = "Best line: 3 of 4", f"The network: {right} of 4"
    fig, axs = plt.subplots(1, 2 + two, figsize=(8, 3.1), layout="constrained")
    output = forward(params, plane, activation)["a2"]
    for ax, values, title in zip(axs, (nand, output), titles):
        draw_outputs(ax, plane, values, X, y, names, mesh)
        ax.set(xlabel="x1", ylabel="x2", title=title)
    if two:  # where they take the corners and the mesh
        folded = forward(params, mesh, activation)["a1"]
        pad = 0.2 * np.ptp(folded, axis=0) + 1e-3
        hidden = square(folded.min(axis=0) - pad, folded.max(axis=0) + pad, 150)
        output = sigmoid(hidden @ params["W2"] + params["b2"])
        draw_outputs(axs[2], hidden, output, corners["a1"], y, names, folded)
        axs[2].set(xlabel="hidden unit 1", ylabel="hidden unit 2",
                   title=f"Folded, a line: {right} of 4")
    return fig


def plot_loss(many, line, kind):
    """Draw the loss of up to 80 networks, and the levels (2.9) where they can rest."""
    fig, ax = plt.subplots(figsize=(8, 5), layout="constrained")
    epochs, losses = many["history"]["epoch"], np.array(many["history"]["loss"])
    won = many["error"] < 0.5
    for chosen, colour, name in ((won, "#56B4E9", "do"), (~won, "#D55E00", "do not")):
        ax.plot(epochs, losses[:, chosen][:, :40], color=colour, lw=0.8, alpha=0.7)
        ax.plot([], color=colour, label=f"{chosen.sum():,} {name} (at most 40 drawn)")
    ax.plot(line["epoch"], line["loss"], color="#000000", lw=2.5, label="one line")
    ax.plot(epochs, losses[:, 0], color="#0072B2", lw=2.5, label="the first network")
    for tied in (2, 3, 4):
        rest = resting_loss(tied, kind)
        ax.axhline(rest, linewidth=1, zorder=0, **TRUTH)
        ax.text(1.01, rest, f"{MISSED[tied]}\n{rest:.4f}", va="center",
                transform=ax.get_yaxis_transform())
    ax.set(xscale="log", xmargin=0, xlabel="epoch", ylabel=f"loss ({kind})",
           ylim=(0, 1.15 * rest),
           title=f"{won.sum():,} solve XOR; others can rest where the dashed lines are")
    ax.legend(loc="lower left")
    return fig


def plot_rates(rates):
    """Draw success rates with their 95 % intervals, by initial scale and by width."""
    fig, axs = plt.subplots(1, 3, figsize=(8, 3.6), sharey=True, layout="constrained")
    for k, ax in enumerate(axs):
        for (name, colour), shift in zip(ACTIVATION_COLOURS.items(), (-0.08, 0, 0.08)):
            rate, low, high = 100 * np.array([[*r.values()] for r in rates[name][k]]).T
            ax.errorbar(np.arange(4) + shift, rate, np.abs([rate - low, high - rate]),
                        color=colour, capsize=3, marker="o", linewidth=2, label=name)
        shares = [r["rate"] for name in rates for r in rates[name][k]]
        ax.set(xticks=range(4), xticklabels=SCALES, xlabel="initial scale",
               title=f"{WIDTHS[k]} units: {min(shares):.0%} to {max(shares):.0%}")
    axs[0].set(ylabel="share that solves XOR, in %", ylim=(0, 103))
    fig.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return fig


def plot_stuck(groups, X, y):
    """Draw a network of each kind that fails, for each activation, with the counts."""
    fig, axs = plt.subplots(3, 4, figsize=(8, 7.5), layout="constrained")
    grid = square(X[0] - 0.4, X[3] + 0.4, 80)
    fig.suptitle("Networks that fail: what they answer at the corners, and how many do",
                 fontsize=11, fontweight="bold")
    for row, (name, many) in zip(axs, groups.items()):
        row[0].set_ylabel(name, fontsize=12, fontweight="bold")
        for ax, missed in zip(row, MISSED):
            members = np.flatnonzero(many["missed"] == missed)
            ax.set(xticks=[], yticks=[], box_aspect=1)
            ax.set_title(f"{MISSED[missed]}: {len(members)}", loc="center")
            ax.spines[:].set_visible(False)
            for t in members[len(members) // 2 :][:1]:  # one from the middle, if any
                params = {k: v[t] for k, v in many["params"].items()}
                outputs = [f"{a:.2f}" for a in many["cache"]["a2"][t, :, 0]]
                draw_outputs(ax, grid, forward(params, grid, name)["a2"], X, y, outputs)
                rest, slope = many["loss"][t], many["slope"][t]
                ax.set_xlabel(f"loss {rest:.4f}, slope {slope:.1g}")
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
    parser.add_argument("--activation", choices=["sigmoid", "tanh", "relu"],
                        default="sigmoid",
                        help="of the hidden layer (default: %(default)s)")
    parser.add_argument("--loss", choices=["mse", "bce"], default="mse",
                        help="half the squared error, or cross-entropy (default: "
                             "%(default)s)")
    parser.add_argument("--init", choices=["uniform", "normal"], default="uniform",
                        help="of the weights; normal: biases 0 (default: %(default)s)")
    parser.add_argument("--signed", action="store_true", help="inputs -1, 1, not 0, 1")
    for flag, kind, low, high, default, words in (
            ("--hidden", int, 1, 50, 2, "hidden units"),
            ("--scale", float, 0, 100, 0.3, "largest weight, or standard deviation"),
            ("--epochs", int, 1, 10**6, 5000, "steps, each on all corners"),
            ("--lr", float, 1e-9, 1e6, 2.0, "learning rate"),
            ("--momentum", float, 0, 0.999, 0.9, "share of the last step kept"),
            ("--trials", int, 10, 20_000, 1000, "networks that learn side by side")):
        parser.add_argument(flag, type=number(kind, low, high), default=default,
                            help=f"{words} (default: %(default)s)")
    return parser.parse_args(argv)


def report_networks(many, kind):
    """Print what the networks compute and where they rest; return the metrics."""
    first = int(many["history"]["close"][0]) if many["error"][0] < 0.05 else None
    answers = " ".join(f"{a:.3f}" for a in many["cache"]["a2"][0, :, 0])
    when = "not within 0.05" if first is None else f"within 0.05 after {first} epochs"
    print(f"The first answers {answers}: {when}.")
    solved, stuck, median = many["error"] < 0.5, {}, None
    success = wilson(solved)
    print("{} of {} solve XOR: {rate:.1%}, 95 % interval {low:.1%} to {high:.1%}."
          .format(solved.sum(), len(solved), **success))
    if solved.any():
        median = np.median(many["history"]["right"][solved])
        print(f"Half of these take {median:g} epochs or fewer.")
    print("\nthe others      networks    loss  theory  slope there")
    for missed, name in MISSED.items():
        chosen = many["missed"] == missed
        if chosen.any():
            rest, slope = (np.median(many[k][chosen]) for k in ("loss", "slope"))
            theory = f"{resting_loss(missed, kind):.4f}" if missed > 1 else "-"
            print(f"{name:16s}{chosen.sum():8d}{rest:8.4f}{theory:>8s}{slope:13.1g}")
            stuck[missed] = {"networks": chosen.sum(), "loss": rest, "slope": slope}
    return {"final_loss": many["loss"][0], "max_error": many["error"][0],
            "epochs_to_converge": first, "trials": len(solved), "median_epochs": median,
            **{f"success_{key}": v for key, v in success.items()}, "stuck": stuck}


def sweep(args, X, y, rng):
    """Return success rates by activation, width, scale; and the networks of width 2."""
    n, epochs, rates, groups = min(100, args.trials), min(1000, args.epochs), {}, {}
    print(f"\nShare of {n} that solve XOR in {epochs} epochs, from scales {SCALES}:\n"
          f"hidden units  {WIDTHS[0]:5d}{WIDTHS[1]:20d}{WIDTHS[2]:20d}")
    for name in ACTIVATION_COLOURS:
        starts = [init_params(h, args.init, np.repeat(SCALES, n), rng) for h in WIDTHS]
        many = [train_and_judge(start, X, y, name, epochs, args) for start in starts]
        rates[name] = [[wilson(error < 0.5) for error in m["error"].reshape(-1, n)]
                       for m in many]
        groups[name] = many[0]
        print(f"{name:13s}", *(f"{r['rate']:4.0%}" for row in rates[name] for r in row))
    return rates, groups


def solve_xor(args):
    """Train a line and many networks; judge, draw and save."""
    rng = np.random.default_rng(args.seed)
    X, y = make_data(args.signed)
    make_folder(args.out)
    print(f"XOR: {args.trials} networks 2-{args.hidden}-1, {args.activation}, "
          f"{args.loss}, scale {args.scale:g}, lr {args.lr:g}, seed {args.seed}")
    start = init_params(args.hidden, args.init, np.full(args.trials, args.scale), rng)
    line, history = train({k: v[0] for k, v in start.items()}, X, y, "identity",
                          args.loss, args.epochs, args.lr, args.momentum)
    print("One line learns to answer",
          *(f"{a:.3f}" for a in forward(line, X, "identity")["a2"][:, 0]))
    print("\nepoch  first loss  largest error      solved")
    many = train_and_judge(start, X, y, args.activation, args.epochs, args, show=True)
    metrics = report_networks(many, args.loss)
    metrics["rates"], groups = sweep(args, X, y, rng)
    first = {k: v[0] for k, v in many["params"].items()}
    save_results(args, {"folding": plot_folding(first, X, y, args.activation),
                        "loss": plot_loss(many, history, args.loss),
                        "rates": plot_rates(metrics["rates"]),
                        "stuck": plot_stuck(groups, X, y)}, metrics)


def main(argv=None):
    """Run the lesson from the command line; return the exit status."""
    return run_safely(solve_xor, parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
