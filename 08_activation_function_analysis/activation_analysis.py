# /// script
# requires-python = ">=3.10"
# dependencies = ["numpy>=2.0", "matplotlib>=3.9"]
# ///
"""ReLU, sigmoid or tanh: what does the choice of the activation function change?

    X = a[0] (N, 2) -> W[1] -> phi -> a[1] (N, H_1) -> ... -> W[L] -> sigmoid -> a[L]

phi is the activation function. (8.2) is the number of an equation in README.md.

    python activation_analysis.py                  ReLU, sigmoid and tanh: 10 seconds
    python activation_analysis.py --start Xavier   is it the function, or its start?
"""

import argparse
import contextlib
import json
import os
import re
import signal
import sys
import tempfile
import warnings
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # two threads would wait for each other

import matplotlib.pyplot as plt
import numpy as np

# --- Data -----------------------------------------------------------------------------


def make_data(networks, n_points, noise, rng):
    """Return X (S, N, 2) and y (S, N, 1): two moons of N points for S networks each."""
    angle = np.pi * rng.random((networks, n_points, 1))  # from 0 to half a turn
    upper = np.concatenate([np.cos(angle), np.sin(angle)], axis=-1)  # (S, N, 2)
    lower = [1.0, 0.5] - upper  # turned over, and moved into the other  (8.1)
    y = np.tile([[0.0], [1.0]], (networks, n_points // 2, 1))  # 0, 1, 0, 1, ...
    X = np.where(y == 1, lower, upper) - [0.5, 0.25]  # their middle becomes the origin
    return X + noise * rng.normal(size=X.shape), y  # moved by ``noise`` or so, in radii


# --- Model ----------------------------------------------------------------------------


def sigmoid(z):
    """Return 1 / (1 + exp(-z)), element by element."""
    return 1 / (1 + np.exp(-z))  # (2.1) of lesson 02; if exp(-z) is inf, 1 / inf is 0


def phi(z, name):
    """Return the activation function called ``name`` of z, element by element."""
    if name == "relu":
        return np.maximum(0.0, z)  # (8.2)
    if name == "sigmoid":
        return sigmoid(z)  # (8.3)
    if name == "tanh":
        return np.tanh(z)  # (8.4)
    if name == "stretched":
        return 4 * sigmoid(z) - 2  # (8.5)
    return more_functions(z, name)[0]  # four others, in Going further


def phi_prime(z, a, name):
    """Return the derivative of that function at z, where a = phi(z, name)."""
    if name == "relu":
        return np.where(z > 0, 1.0, 0.0)  # (8.6)
    if name == "sigmoid":
        return a * (1 - a)  # (8.7)
    if name == "tanh":
        return 1 - a**2  # (8.8)
    if name == "stretched":
        return 1 - a**2 / 4  # (8.9)
    return more_functions(z, name)[1]


def init_params(sizes, start, rng, networks=()):
    """Return W {k: (H_{k-1}, H_k)} and b {k: (1, H_k)}; networks=(S,): a stack of S."""
    W, b = {}, {}
    for k in range(1, len(sizes)):
        n_in, n_out = sizes[k - 1], sizes[k]
        variance = {"Xavier": 2 / (n_in + n_out),  # (8.27)
                    "He": 2 / n_in,  # (8.28)
                    "Large": 100 / n_in}[start]  # for sigmoid  (8.29)
        W[k] = np.sqrt(variance) * rng.normal(size=networks + (n_in, n_out))
        b[k] = np.zeros(networks + (1, n_out))
    return W, b


def forward(W, b, X, name):
    """Return z {1: z1, ..., L: zL} and a {0: X, 1: a1, ..., L: aL} for X (N, 2)."""
    z, a, L = {}, {0: X}, len(W)
    for k in range(1, L + 1):
        z[k] = a[k - 1] @ W[k] + b[k]  # (N, H_k)  (8.10)
        a[k] = phi(z[k], name) if k < L else sigmoid(z[k])  # (N, H_k)
    return z, a


# --- Loss and gradients ---------------------------------------------------------------


def loss(z_last, y):
    """Return the mean cross-entropy of z_last = z[L] (N, K), one number a network."""
    costs = np.logaddexp(0, z_last) - y * z_last  # log(1 + e^z) - y z, (N, K)  (8.12)
    return np.sum(costs, axis=(-2, -1)) / y.shape[-2]


def backward(W, z, a, y, name):
    """Return dW and db, dicts by layer with the shapes of W and b; y is (N, K)."""
    dW, db, L = {}, {}, len(W)
    dz = (a[L] - y) / y.shape[-2]  # (N, K)  (8.13)
    for k in range(L, 0, -1):  # .mT: the transpose, of each matrix of a stack
        dW[k] = a[k - 1].mT @ dz  # (H_{k-1}, H_k)  (8.14)
        db[k] = dz.sum(axis=-2, keepdims=True)  # (1, H_k)
        if k > 1:
            da = dz @ W[k].mT  # (N, H_{k-1})  (8.15)
            dz = da * phi_prime(z[k - 1], a[k - 1], name)  # (N, H_{k-1})  (8.16)
    return dW, db


def measure_lengths(depth, start, name, rng):
    """Return |dz_k| / |dz_L|, k = 1 ... depth, a median over 12 untrained networks."""
    W, b = init_params([100] * (depth + 2), start, rng, (12,))  # wide: less chance
    X, error = rng.normal(size=(2, 12, 1, 100))  # one example each, so its db is its dz
    z, a = forward(W, b, X, name)
    dW, db = backward(W, z, a, a[depth + 1] - error, name)  # (8.13): dz is the error
    lengths = [np.linalg.norm(db[k], axis=(-2, -1)) for k in range(1, depth + 2)]
    return np.median(np.array(lengths[:-1]) / lengths[-1], axis=1)  # (depth,)


U = np.linspace(-8, 8, 1600)  # beyond 8 the bell curve is below 1e-13
BELL = np.exp(-(U**2) / 2) / np.sum(np.exp(-(U**2) / 2))  # (1600,), shares of draws


def predict_lengths(depth, start, name):
    """Return what theory says of |dz_k| / |dz_L| in wide layers, and q_k and chi_k."""
    gain = {"Xavier": 1.0, "He": 2.0, "Large": 100.0}[start]  # H Var W, all H wide
    q, chi = [gain], []  # the squares of the inputs above have a mean of 1
    for _ in range(depth):
        z = np.sqrt(q[-1]) * U
        a = phi(z, name)
        chi.append(gain * np.sum(BELL * phi_prime(z, a, name) ** 2))  # (8.23)
        q.append(gain * np.sum(BELL * a**2))  # (8.24)
    lengths = [np.sqrt(np.prod(chi[k:])) for k in range(depth)]  # (8.22)
    return np.array(lengths), q[:-1], chi


# --- Training -------------------------------------------------------------------------


def train(W, b, data, name, lr, epochs):
    """Take ``epochs`` steps on all examples; return W, b and a history, (epochs, S)."""
    W, b = dict(W), dict(b)  # copies: the caller keeps the start
    (X, y), (X_val, y_val) = data["training"], data["validation"]
    history = {"loss": [], "accuracy": []}
    for _ in until_ctrl_c(range(epochs)):  # range; Ctrl-C ends it
        z, a = forward(W, b, X, name)
        costs = loss(z[len(W)], y)  # (S,)
        dW, db = backward(W, z, a, y, name)
        for k in W:
            W[k] = W[k] - lr * dW[k]  # (8.30)
            b[k] = b[k] - lr * db[k]
        z, a = forward(W, b, X_val, name)
        history["loss"].append(costs)
        history["accuracy"].append(np.mean((z[len(W)] > 0) == y_val, axis=(-2, -1)))
        if not costs.max() < 1e9:  # a loss has exploded
            break
    return W, b, {key: np.array(values) for key, values in history.items()}


def dead_share(z, a, name):
    """Return the share of hidden units that are flat at every example, by network."""
    shares = []
    for k in range(1, len(z)):
        steepest = np.abs(phi_prime(z[k], a[k], name)).max(axis=-2)  # over N: (S, H_k)
        shares.append(np.mean(steepest < 0.001, axis=-1))  # ReLU: 0, exactly  (8.31)
    return np.mean(shares, axis=0)  # the layers are equally wide


# ======================================================================================
# The lesson ends here. What follows repeats it, measures, draws and reads files.
# ======================================================================================


# --- Going further --------------------------------------------------------------------

KINDS = ("relu", "sigmoid", "tanh", "stretched", "leaky_relu", "elu", "gelu", "silu")
STARTS = ("Xavier", "He", "Large")
CANDIDATES = (0.1, 0.3, 1.0, 3.0, 10.0)  # about half a power of ten apart


def more_functions(z, name):
    """Return the value and the derivative of four more functions of z."""
    if name == "leaky_relu":
        return np.maximum(z, 0.01 * z), np.where(z > 0, 1.0, 0.01)  # (8.33)
    if name == "elu":
        a = np.maximum(z, 0.0) + np.expm1(np.minimum(z, 0.0))  # expm1(z) is e^z - 1
        return a, np.minimum(a + 1, 1.0)  # (8.34)
    inner, slope = z, 1.0  # SiLU
    if name == "gelu":  # Hendrycks & Gimpel (2016), within 5e-4 of the exact one
        inner = np.sqrt(8 / np.pi) * (z + 0.044715 * z**3)
        slope = np.sqrt(8 / np.pi) * (1 + 3 * 0.044715 * z**2)
    gate = sigmoid(inner)
    return z * gate, gate + z * gate * (1 - gate) * slope  # (8.35)


def stop_if_diverged(value, epoch):
    """Raise FloatingPointError, with advice, when a loss has exploded."""
    if not abs(value) < 1e9:  # nan, too
        raise FloatingPointError(f"training diverged in epoch {epoch}: the loss is "
                                 f"{value:.3g}; try a smaller --lr")


def compare_rates(sizes, name, data, rates, args):
    """Train S networks at each rate; return metrics of the best, and its curves."""
    runs, (X, y) = {}, data["test"]
    start = init_params(sizes, args.start, np.random.default_rng(args.seed), (len(X),))
    born_dead = dead_share(*forward(*start, data["training"][0], name), name).mean()
    for lr in rates:
        W, b, history = train(*start, data, name, lr, args.epochs)
        dead = dead_share(*forward(W, b, data["training"][0], name), name).mean()
        runs[lr] = W, b, history, dead
    rate = max(runs, key=lambda lr: runs[lr][2]["accuracy"].sum())  # best on validation
    W, b, history, dead = runs[rate]
    accuracy, costs = history["accuracy"], history["loss"][-1]
    stop_if_diverged(costs.max(), len(accuracy))
    z, _ = forward(W, b, X, name)  # the only look at the test data
    right = np.mean((z[len(W)] > 0) == y, axis=(-2, -1))  # (S,); z > 0 is a > 0.5
    there = accuracy >= 0.95  # (epochs, S)
    epochs = np.median(np.where(there.any(axis=0), 1 + there.argmax(axis=0), np.inf))
    by_rate = {f"{lr:g}": {"accuracy": run[2]["accuracy"][-1].mean(), "dead": run[3],
                           "loss": run[2]["loss"][-1]} for lr, run in runs.items()}
    return {"rate": rate, "accuracy": right.mean(), "sd": right.std(ddof=1),
            "each": right, "epochs_to_95": epochs if epochs < np.inf else None,
            "loss": costs, "mean_loss": costs.mean(), "dead": dead,
            "born_dead": born_dead, "by_rate": by_rate}, accuracy


# --- Figures --------------------------------------------------------------------------

TRUTH = {"color": "#000000", "linestyle": "--"}  # the truth, a bound, a theory line
STYLE = {"axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False,
         "axes.titlelocation": "left", "axes.titlesize": 11, "axes.titleweight": "bold"}
COLOUR_OF = dict(zip(KINDS, ["#D55E00", "#009E73", "#CC79A7", "#0072B2", "#E69F00",
                           "#56B4E9", "#000000", "#888888"]))
COLOUR_OF |= {f"{name}_Large": colour for name, colour in COLOUR_OF.items()}
LINE = {name: "--" if "_Large" in name else "-" for name in COLOUR_OF}


def plot_functions(names, layer=0):
    """Draw functions and slopes; or z in this layer, and what squared slopes leave."""
    fig, (axs,) = plt.subplots(1, len(names), figsize=(8, 3.3), sharey=True,
                               squeeze=False, layout="constrained")
    z = np.linspace(-4, 4, 800)  # without 0, where ReLU has a corner
    for ax, name in zip(axs, names):
        a, colour, grey = phi(z, name), COLOUR_OF[name], "#444444"
        slope = phi_prime(z, a, name)
        if layer:
            _, q, chi = predict_lengths(layer, "Xavier", name)  # H Var W is 1
            bell = np.exp(-(z**2) / (2 * q[-1]))
            ax.fill_between(z, bell, color="#D5D5D5", linewidth=0)
            ax.fill_between(z, bell * slope**2, color=colour, linewidth=0)
            ax.plot(z, slope**2, color=grey, linestyle=":", linewidth=2)
            ax.set(title=f"{name}\nkeeps {chi[-1]:.1%}", xlabel="z", xlim=(-2.5, 2.5))
        else:
            ax.plot(z, a, color=colour, linewidth=3.5)
            ax.plot(z, slope, color=grey, linestyle=":", linewidth=2.5)
            ax.set(title=f"{name}\nslope up to {slope.max():.2g}", xlabel="z",
                   xticks=[-4, -2, 0, 2, 4], ylim=(-2.1, 2.1))
    axs[0].set_ylabel("grey: where z lies\ndotted: squared slope\ncolour: the product"
                      if layer else "thick: the function\ndotted: its slope")
    return fig


def plot_data(*tables):
    """Draw moons (X, y) without noise, and those that the first network learns from."""
    fig, axs = plt.subplots(1, 2, figsize=(8, 3.3), sharex=True, layout="constrained")
    titles = "Class 0 (blue) and class 1 (orange)", "What a network sees: noise, too"
    for ax, (X, y), title in zip(axs, tables, titles):
        ax.scatter(*X[0].T, s=18, c=np.where(y[0, :, 0] == 1, "#E69F00", "#0072B2"))
        ax.set(xlabel="x1", title=title, aspect="equal", ylim=(-1.5, 1.5))
    axs[0].set_ylabel("x2")
    return fig


def plot_lengths(found):
    """Draw the gradient's length in each layer of untrained networks, and theory."""
    fig, axs = plt.subplots(1, max(map(len, found.values())), figsize=(8, 4.4),
                            sharey=True, layout="constrained")
    for ax, start in zip(axs, STARTS):
        shown = {name: pair[start] for name, pair in found.items() if start in pair}
        for i, (name, (measured, theory)) in enumerate(shown.items()):
            layers = np.arange(1, len(theory) + 1)
            ax.semilogy(layers, measured, "o", color=COLOUR_OF[name], label=name,
                        ms=max(3, 8 - 1.5 * i))  # smaller and smaller: none is hidden
            ax.semilogy(layers, theory, **TRUTH, linewidth=1)
        lost = [name for name, (measured, _) in shown.items() if measured[0] < 0.01]
        ax.set_title(f"{start} start. Lost:\n{', '.join(lost) or 'none'}")
    axs[0].set_ylabel("its length (at the output: 1)\ndots: measured; dashed: theory")
    axs[1].legend(loc="lower right")
    fig.supxlabel("layer (the gradient comes from the right)", fontsize=10)
    return fig


def plot_learning(curves, rows, pairs, base):
    """Draw accuracy by epoch, and for each network what another function changes."""
    fig, (left, right) = plt.subplots(1, 2, figsize=(8, 4.4), layout="constrained")
    for name, accuracy in curves.items():  # (epochs, S)
        left.semilogx(np.arange(1, len(accuracy) + 1), 100 * accuracy.mean(axis=1),
                      color=COLOUR_OF[name], ls=LINE[name], lw=2,
                      label=f"{name}: {rows[name]['epochs_to_95'] or 'never'}")
    for i, (name, (mean, error, each)) in enumerate(pairs.items()):
        x = i + np.linspace(-0.25, 0.25, len(each))
        right.scatter(x, 100 * each, s=22, color=COLOUR_OF[name])
        right.errorbar(i, 100 * mean, 200 * error, fmt="kD", capsize=8)
    left.axhline(95, **TRUTH, linewidth=1)
    right.axhline(0, **TRUTH, linewidth=1)
    differ = [name for name, (mean, error, _) in pairs.items() if abs(mean) > 2 * error]
    right.set(title=f"Differ from {base}:\n{', '.join(differ) or 'none'}", xmargin=0.2,
              ylabel=f"test accuracy minus {base}'s,\nin points (bar: 2 errors)")
    right.set_xticks(range(len(pairs)), [n.replace("_", "\n") for n in pairs], size=9)
    left.set(xlabel="epoch", ylabel="validation accuracy in %, mean (dashed: 95)",
             ylim=(45, 101), title="Mean accuracy and epochs\nto 95 % (median network)")
    left.legend(loc="lower right")
    return fig


def plot_lost(rows, deep):
    """Draw dead units over the learning rate, and the loss of each deep network."""
    fig, (left, right) = plt.subplots(1, 2, figsize=(8, 3.6), layout="constrained")
    for name, row in rows.items():
        dead = [100 * run["dead"] for run in row["by_rate"].values()]
        left.semilogx([float(lr) for lr in row["by_rate"]], dead, "o", label=name,
                      color=COLOUR_OF[name], linestyle=LINE[name])
    for i, (name, row) in enumerate(deep.items()):
        x = i + np.linspace(-0.15, 0.15, len(row["loss"]))
        right.scatter(x, row["loss"], s=50, color=COLOUR_OF[name])
    right.axhline(np.log(2), **TRUTH, linewidth=1)
    right.set_xticks(range(len(deep)), [n.replace("_", "\n") for n in deep], size=9)
    right.set(title="Eight hidden layers (dashed: a guess)", ylabel="training loss")
    left.set(xlabel="learning rate", ylabel="dead units in %", ylim=(-2, 101),
             title="Large steps kill units")
    left.legend(loc="upper left")
    return fig


# --- Files and command line -----------------------------------------------------------

CTRL_C = []  # filled when it is pressed: training then ends with the epoch


class InputError(ValueError):
    """Bad input that the user can mend; the message is one sentence that says how."""


def number(kind, low, high):
    """Return an argparse type: an int or a float from ``low`` to ``high``."""

    def parse(text):
        with contextlib.suppress(ValueError):
            if low <= kind(text) <= high:
                return kind(text)
        noun = "a whole number" if kind is int else "a number"
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not {noun} from {low} to "
                                         f"{high}")

    return parse


class Parser(argparse.ArgumentParser):
    """A parser with the flags of all ten scripts, whose errors are one sentence."""

    def __init__(self):
        super().__init__(description=__doc__, allow_abbrev=False,
                         formatter_class=argparse.RawDescriptionHelpFormatter)
        self._negative_number_matcher = re.compile(r"-\.?\d")  # -1e-3 is a number, too
        self.add_argument("--seed", type=number(int, 0, 2**32 - 1), default=0,
                          help="seed of all random numbers (default: %(default)s)")
        self.add_argument("--out", type=Path, metavar="DIR",
                          default=Path(__file__).with_name("output"),
                          help="where to write (default: output/ beside this script)")
        self.add_argument("--no-show", action="store_true", help="open no window")

    def error(self, message):
        self.exit(2, f"{self.prog}: {message}\n")


def press_ctrl_c(*_):
    """Let training end with its epoch, so that all is saved; the second time: stop."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    CTRL_C.append(True)
    print("Ctrl-C: training ends here, and what was learnt so far is kept.")


def until_ctrl_c(steps):
    """Yield the steps, and after a Ctrl-C no more of them: what is learnt is kept."""
    for step in steps:
        yield step
        if CTRL_C:
            break


def run_safely(story, args):
    """Call ``story(args)``; say what failed in one sentence; return the exit status."""
    if sys.stdout:  # None where the console was closed
        sys.stdout.reconfigure(errors="replace")  # a letter that it lacks shows "?"
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # a library's warnings tell a reader nothing
    plt.rcParams.update(STYLE)
    np.empty(4_000_000)  # freed at once; Linux then keeps what it has: half a second
    before = signal.signal(signal.SIGINT, press_ctrl_c)
    try:
        with np.errstate(all="ignore"):  # training itself looks for infinite numbers
            make_folder(args.out)
            story(args)
        return 0
    except KeyboardInterrupt:
        status, message = 130, "stopped by Ctrl-C"
    except FloatingPointError as error:  # training diverged
        status, message = 1, error
    except ImportError as error:
        package = {"sklearn": "scikit-learn"}.get(error.name, error.name)
        status, message = 2, f"please install a package first: pip install {package}"
    except (InputError, OSError, MemoryError) as error:
        status, message = 2, str(error) or "there is not enough memory for this"
    finally:
        signal.signal(signal.SIGINT, before)
        CTRL_C.clear()
    print(f"{Path(__file__).name}: {message}", file=sys.stderr)
    return status


def make_folder(folder):
    """Create the folder, and prove before any work is done that it can be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise InputError(f"cannot write to {folder} ({error.strerror}); choose another "
                         "folder with --out") from None


def save_results(args, figures, metrics, others=()):
    """Write {name: Figure}, the metrics and others, {name: bytes}; open the windows."""
    settings = {k: v for k, v in vars(args).items() if k not in ("out", "no_show")}
    text = json.dumps({**metrics, "settings": settings},
                      default=lambda v: v.name if isinstance(v, Path) else v.tolist())
    valid = json.loads(text, parse_constant=lambda _: None)  # JSON has no NaN
    files = {**dict(others), "metrics.json": json.dumps(valid, indent=2).encode()}
    names = [*(f"{name}.png" for name in figures), *files]
    with tempfile.TemporaryDirectory(dir=args.out) as folder:  # whole, or not at all
        for name, fig in figures.items():
            fig.savefig(Path(folder, f"{name}.png"), dpi=150)
        for name, content in files.items():
            Path(folder, name).write_bytes(content)
        for name in names:
            Path(folder, name).replace(args.out / name)
    print(f"Wrote {', '.join(names)} to {args.out}")
    if not args.no_show and plt.gcf().canvas.required_interactive_framework:
        signal.signal(signal.SIGINT, lambda *_: plt.close("all"))
        plt.show()
    plt.close("all")


def parse_args(argv=None):
    """Return the settings on the command line."""
    parser = Parser()
    for flag, kind, low, high, default, words in (
            ("--epochs", int, 1, 10**5, 300, "of each training"),
            ("--lr", float, 1e-9, 1e9, None, "for all; None: each its best"),
            ("--networks", int, 2, 50, 10, "networks of each kind"),
            ("--noise", float, 0, 4, 0.15, "of the two moons"),
            ("--depth", int, 2, 50, 30, "layers that the gradient passes")):
        parser.add_argument(flag, type=number(kind, low, high), default=default,
                            help=f"{words} (default: %(default)s)")
    parser.add_argument("--start", choices=STARTS, default="He", help="of all weights")
    parser.add_argument("--functions", nargs="+", choices=KINDS, default=KINDS[:4],
                        metavar="NAME", help=f"of {' '.join(KINDS)} (default: four)")
    return parser.parse_args(argv)


def tell_lengths(names, args):
    """Print and return {name: {start: (measured, theory)}}, (depth,) each."""
    print(f"Gradient's length, layer 1 over the output, {args.depth} layers above:\n"
          "function    Xavier measured   theory  He measured   theory")
    found = {name: {} for name in names}
    for name, pair in found.items():
        for start in STARTS[:3 if name == "sigmoid" else 2]:  # its own start, too
            rng = np.random.default_rng(args.seed)  # all get the same networks
            pair[start] = (measure_lengths(args.depth, start, name, rng),
                           predict_lengths(args.depth, start, name)[0])
        print("{:10s}{:17.1e}{:9.1e}{:13.1e}{:9.1e}".format(
            name, *(lengths[0] for both in [*pair.values()][:2] for lengths in both)))
    return found


def tell_rows(names, sizes, data, rates, args):
    """Train and print; return metrics and accuracy by epoch, {name: ...} each."""
    print(f"\n{args.start} start, {len(sizes) - 2} hidden layers:\n"
          "function    best rate  test accuracy  epochs to 95 %  last loss  dead")
    rows, curves = {}, {}
    for name in names:
        if CTRL_C:
            print("Left out:", *names[len(rows):])
            break
        rows[name], curves[name] = compare_rates(sizes, name, data, rates, args)
        print("{:10s}{rate:11g}{accuracy:9.1%} +-{sd:6.1%}{:>15}{mean_loss:11.4f}"
              "{dead:6.1%}".format(name, rows[name]["epochs_to_95"] or "-",
                                   **rows[name]), flush=True)
    return rows, curves


def tell_pairs(rows, base):
    """Print and return how each function differs from the first; print what failed."""
    pairs = {}
    for name in [name for name in rows if name != base]:
        each = rows[name]["each"] - rows[base]["each"]  # the same data
        mean, error = each.mean(), each.std(ddof=1) / np.sqrt(len(each))  # (8.32)
        pairs[name] = mean, error, each
        word = "no difference" if abs(mean) <= 2 * error else "a difference"
        print(f"{name} - {base}: {100 * mean:+.2f} +- {100 * error:.2f} points, {word}")
    for name, row in rows.items():
        if row["accuracy"] < 0.6:
            print(f"{name} hardly beats a guess: try more --epochs or another --lr")
        if row["dead"] > 0.5:
            print(f"{row['dead']:.0%} of {name}'s units are dead: try a smaller --lr")
    return pairs


def analyse(args):
    """Measure gradients, compare two layers, then eight; start the lost anew; draw."""
    names, rng = [*dict.fromkeys(args.functions)], np.random.default_rng(args.seed)
    lengths = tell_lengths(names, args)
    data = {part: make_data(args.networks, n, args.noise, rng)
            for part, n in (("training", 100), ("validation", 100), ("test", 1000))}
    few = {part: (X[:4], y[:4]) for part, (X, y) in data.items()}  # deep ones are slow
    rates = [args.lr] if args.lr else CANDIDATES
    small, tall, base = [2, 16, 16, 1], [2] + [16] * 8 + [1], names[0]
    rows, curves = tell_rows(names, small, data, rates, args)
    pairs = tell_pairs(rows, base)
    deep, _ = tell_rows(names, tall, few, rates[:4], args)
    lost = [name for name in deep if deep[name]["mean_loss"] > 0.6]  # of a guess: 0.69
    if lost:
        args_large = argparse.Namespace(**{**vars(args), "start": "Large"})
        again, _ = tell_rows(lost, tall, few, rates[:4], args_large)
        own, own_curves = tell_rows(lost, small, data, rates, args_large)
        deep |= {f"{name}_Large": row for name, row in again.items()}
        rows |= {f"{name}_Large": row for name, row in own.items()}
        curves |= {f"{name}_Large": curve for name, curve in own_curves.items()}
        pairs |= tell_pairs({k: rows[k] for k in rows if k == base or "_L" in k}, base)
    figures = {"lengths": plot_lengths(lengths), "functions": plot_functions(names),
               "data": plot_data(make_data(1, 100, 0.0, rng), data["training"]),
               "bells": plot_functions(names, layer=min(3, args.depth)),
               "learning": plot_learning(curves, rows, pairs, base),
               "lost": plot_lost(rows, deep)}
    save_results(args, figures, {**rows, "pairs": pairs, "deep": deep,
                                 "lengths": lengths})


def main(argv=None):
    """Run the lesson from the command line; return the exit status."""
    return run_safely(analyse, parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
