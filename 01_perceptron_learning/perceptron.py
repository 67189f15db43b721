# /// script
# requires-python = ">=3.10"
# dependencies = ["numpy>=2.0", "matplotlib>=3.9", "scikit-learn>=1.5"]
# ///
"""Can a rule that learns only from its mistakes find a line between two classes?

    X (N, D) -> w (D,), b () -> z = X w + b (N,) -> sign -> a (N,), -1 or +1

N examples, D features; x_n is row n of X, y_n its label, -1 or +1; eta is the learning
rate. With the bias folded in, x~ = (x, 1) and w~ = (w, b), a line is a plane through
the origin. R is the largest |x~_n|, gamma the widest margin that a unit w~ can leave.
Numbers such as (1.3) are those of the equations in README.md.

    python perceptron.py                  two clouds of points, then XOR
    python perceptron.py --margin 0.01    a narrow gap: more mistakes
    python perceptron.py --data iris --animate
"""

import argparse
import json
import math
import sys
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.animation import FuncAnimation, PillowWriter

CLASS_COLOURS = ["#0072B2", "#E69F00", "#009E73", "#CC79A7",
                 "#56B4E9", "#D55E00", "#F0E442", "#000000"]  # Okabe & Ito
TRUTH = {"color": "#000000", "linestyle": "--"}  # the truth, a bound, a theory line
STYLE = {"axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False,
         "axes.titlelocation": "left", "axes.titlesize": 11, "axes.titleweight": "bold"}


class InputError(ValueError):
    """Bad input that the user can mend; the message is one sentence that says how."""


# --- Data -----------------------------------------------------------------------------

GATES = {"and": [0, 0, 0, 1], "or": [0, 1, 1, 1], "nand": [1, 1, 1, 0],
         "xor": [0, 1, 1, 0]}


def make_blobs(n_points, margin, rng):
    """Return two clouds, X (N, 2) and y (N,), each ``margin`` away from one line."""
    angle = rng.uniform(0, 2 * np.pi)
    normal = np.array([np.cos(angle), np.sin(angle)])
    y = np.where(np.arange(n_points) % 2 == 0, -1.0, 1.0)
    X = rng.normal(size=(n_points, 2)) + np.outer(2 * rng.normal(size=n_points),
                                                  [-normal[1], normal[0]])
    for label in (-1.0, 1.0):  # slide each cloud off the line, to its own side
        nearest = (label * X[y == label] @ normal).min()
        X[y == label] += label * (margin - nearest) * normal
    return X + rng.uniform(-3, 3, size=2), y  # the line need not pass the origin


def read_points(path):
    """Read a CSV file with two numbers and a label in each row, after a header or not.

    Returns X (N, 2), labels (N,) as text and the three column names. Raises InputError.
    """
    names = ["x1", "x2", "label"]
    try:
        text = path.read_text(encoding="utf-8-sig")
        lines = [line for line in text.splitlines() if line.strip()]
        if not lines:
            raise ValueError("it is empty")
        table = np.loadtxt(lines, str, comments=None, delimiter=",", quotechar='"',
                           ndmin=2)
        try:
            table[0, :2].astype(float)
        except ValueError:
            names, table = table[0].tolist(), table[1:]
        X = np.array(table[:, :2].tolist(), dtype=float)
        if not (len(X) and table.shape[1] == 3 and np.all(np.abs(X) < 1e100)):
            raise ValueError("it has missing or infinite numbers, or other columns")
    except ValueError as error:
        raise InputError(f"{path} must hold two numbers and a label in each row, with "
                         f"commas between: {error}") from None
    return X, np.char.strip(table[:, 2]), [name.strip() for name in names]


def load_data(name, csv_path, margin, rng):
    """Return X (N, 2), y (N,) in {-1, +1} and four names: two features, two classes."""
    if csv_path is not None:
        X, labels, names = read_points(csv_path)
        classes, index = np.unique(labels, return_inverse=True)
        if len(classes) != 2:
            raise InputError(f"{csv_path} holds {len(classes)} different label(s), but "
                             "a perceptron tells exactly 2 apart")
        return X, 2.0 * index - 1, [*names[:2], *classes]
    if name == "blobs":
        return *make_blobs(100, margin, rng), ["x1", "x2", "class 0", "class 1"]
    if name == "iris":
        from sklearn.datasets import load_iris

        X, species = load_iris(return_X_y=True)
        names = ["petal length in cm", "petal width in cm", "setosa", "other species"]
        return X[:, 2:], np.where(species == 0, -1.0, 1.0), names
    X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    return X, 2.0 * np.array(GATES[name]) - 1, ["x1", "x2", "output 0", "output 1"]


# --- Model ----------------------------------------------------------------------------


def init_params(n_features):
    """Return zero weights: the mistake bound (1.6) holds for a start at the origin."""
    return {"w": np.zeros(n_features), "b": np.zeros(())}


def forward(params, X):
    """Return the cache of the forward pass for X (N, D): X, z (N,) and a (N,)."""
    z = X @ params["w"] + params["b"]  # (N,)  (1.1)
    a = np.where(z > 0, 1.0, -1.0)  # (N,)  (1.2)
    return {"X": X, "z": z, "a": a}


# --- Loss and gradients ---------------------------------------------------------------


def loss(cache, y):
    """Return the perceptron criterion, the mean of max(0, -y z), for y (N,)."""
    return np.mean(np.maximum(0.0, -y * cache["z"]))  # (1.3)


def backward(params, cache, y):
    """Return a sub-gradient of the loss: ``grads["w"]`` (D,) and ``grads["b"]`` ().

    At z = 0 every slope between 0 and -y is one; -y makes an undecided point a mistake.
    """
    N = len(y)
    dz = np.where(y * cache["z"] <= 0, -y, 0.0) / N  # (N,)  (1.4)
    dw = cache["X"].T @ dz  # (D,)
    db = dz.sum()  # ()
    return {"w": dw, "b": db}


# --- Training -------------------------------------------------------------------------


def share_right(params, X, y):
    """Return the share of the points X (N, D) that lie on the side y (N,) says."""
    return np.mean(y * forward(params, X)["z"] > 0)


def train(params, X, y, epochs, lr):
    """Show the examples one by one, in order; correct the weights at each mistake.

    Ends after an epoch without a mistake, or at the weights that an earlier epoch ended
    with: from there on everything repeats. Returns params and the history: ``path``
    (params after 0, 1, ... corrections), ``mistakes`` by epoch, ``pocket`` and
    ``average`` (what to keep where no line is perfect), ``cycle`` (two epochs or None).
    Raises FloatingPointError when the weights overflow.
    """
    path, mistakes, ends, cycle = [params], [], {}, None
    pocket, best = params, share_right(params, X, y)
    total = {k: np.zeros_like(v) for k, v in params.items()}
    print("epoch  mistakes  accuracy")
    try:
        for epoch in range(1, epochs + 1):
            mistakes.append(0)
            for n in range(len(y)):
                cache = forward(params, X[n : n + 1])  # one example: N = 1
                if y[n] * cache["z"][0] <= 0:
                    grads = backward(params, cache, y[n : n + 1])
                    params = {k: params[k] - lr * grads[k] for k in params}  # (1.5)
                    path.append(params)
                    mistakes[-1] += 1
                    if (score := share_right(params, X, y)) > best:
                        pocket, best = params, score  # Gallant's ratchet
                total = {k: total[k] + params[k] for k in params}
            end = (*params["w"], float(params["b"]))
            if not np.all(np.isfinite(end)):
                raise FloatingPointError(f"training diverged in epoch {epoch}: the "
                                         "weights overflow; try a smaller --lr")
            if mistakes[-1] and end in ends:
                cycle = (ends[end], epoch)
            ends[end] = epoch
            done = not mistakes[-1] or cycle is not None or epoch == epochs
            if done or math.log2(epoch).is_integer():  # 1, 2, 4, 8, ...
                right = share_right(params, X, y)
                print(f"{epoch:5d}  {mistakes[-1]:8d}  {right:8.1%}")
            if done:
                break
    except KeyboardInterrupt:
        print("Stopped by Ctrl-C; what was learnt so far is kept.")
    average = {k: v / (len(mistakes) * len(y)) for k, v in total.items()}
    return params, {"path": path, "mistakes": mistakes, "pocket": pocket,
                    "average": average, "cycle": cycle}


# --- The theorem ----------------------------------------------------------------------


def separability(X, y):
    """Decide whether a line separates the points, and prove the answer either way.

    Any weights u >= 0 of sum 1 bound the margin: no unit w~ has a wider one than the
    length of sum u_n y_n x~_n. Lawson & Hanson (1974, ch. 23) find the shortest such
    sum by non-negative least squares. Its direction has a margin as wide as the bound
    allows; or it is 0, and a point lies in the convex hulls of both classes.
    Returns R, gamma, bound, separator (D + 1,) and common_point (D,), or None for each
    that does not exist. Raises InputError where double precision cannot decide.
    """
    from scipy.optimize import nnls

    folded = np.column_stack([X, np.ones(len(X))])  # x~, (N, D + 1)
    R = np.linalg.norm(folded, axis=1).max()
    Z = y[:, None] * folded / R  # (N, D + 1), rows of length <= 1
    proof = {"R": R, **dict.fromkeys(("gamma", "bound", "separator", "common_point"))}
    target = np.append(np.zeros(Z.shape[1]), 1.0)
    for seed in range(50):  # SciPy 1.15 fails on some orders of the rows; take another
        Z = np.random.default_rng(seed).permutation(Z)
        u, _ = nnls(np.vstack([Z.T, np.ones(len(Z))]), target, maxiter=100 * len(Z))
        u /= u.sum()
        limit = np.linalg.norm(u @ Z)  # (1.7)
        touched = Z[u > 0]
        separator = np.linalg.lstsq(touched, np.ones(len(touched)), rcond=None)[0]
        separator /= max(np.linalg.norm(separator), 1e-300)  # it is 0 for XOR
        margin = (Z @ separator).min()
        if margin > 1e-13 and np.isclose(margin, limit, rtol=1e-9, atol=1e-14):
            return proof | {"gamma": R * margin, "bound": 1 / margin**2,
                            "separator": separator}
        if limit <= 1e-15:  # both classes weigh the same and have the same mean
            positive = Z[:, -1] > 0
            *point, weight = u[positive] @ Z[positive]
            return proof | {"common_point": np.array(point) / weight}
    raise InputError("the classes are too close for double precision to decide whether "
                     "a line separates them")


# --- Figures --------------------------------------------------------------------------


def draw_line(ax, w, b, **style):
    """Draw the line w.x + b = 0 across the axes, if there is one."""
    if np.any(w):
        foot = -b * w / (w @ w)  # the point of the line nearest to the origin
        ax.axline(foot, foot + np.array([-w[1], w[0]]) / np.linalg.norm(w), **style)


def draw_points(ax, X, y, names):
    """Draw the two classes and fix the limits, so that lines do not move them."""
    for label, marker, colour, name in zip((-1, 1), "os", CLASS_COLOURS, names[2:]):
        ax.scatter(*X[y == label].T, s=30, marker=marker, color=colour, label=name,
                   edgecolor="white", linewidth=0.5, zorder=3)
    low, high = X.min(axis=0), X.max(axis=0)
    pad = 0.12 * (high - low) + 0.5 * (high == low)
    ax.set(xlabel=names[0], ylabel=names[1], xlim=(low[0] - pad[0], high[0] + pad[0]),
           ylim=(low[1] - pad[1], high[1] + pad[1]))


def plot_path(X, y, names, history, proof):
    """Draw the line as it was corrected, the last in black, and the widest margin."""
    fig, ax = plt.subplots(figsize=(8, 5.5), layout="constrained")
    draw_points(ax, X, y, names)
    path = history["path"]
    for k in np.unique(np.linspace(1, len(path) - 1, 20).astype(int)):
        draw_line(ax, **path[k], color=plt.cm.viridis_r(k / len(path)), linewidth=1)
    draw_line(ax, **path[-1], color="#000000", linewidth=2.5, label="the last line")
    if proof["gamma"] is not None:
        *w, b = proof["separator"]
        for offset in (-proof["gamma"], proof["gamma"]):
            draw_line(ax, np.array(w), b + offset, **TRUTH, linewidth=1,
                      label="edges of the widest margin" if offset > 0 else None)
        found = share_right(path[-1], X, y) == 1
        title = (f"{len(path) - 1} corrections, and the line "
                 f"{'lies in the gap' if found else 'is not there yet'}")
    else:
        ax.plot(*proof["common_point"], "k*", markersize=14, zorder=4,
                label="in both convex hulls")
        draw_line(ax, **history["pocket"], **TRUTH, label="pocket: the best line seen")
        title = f"No line separates these: {len(path) - 1} corrections, and no end"
    scale = plt.Normalize(1, max(2, len(path) - 1))
    colours = plt.cm.ScalarMappable(scale, "viridis_r")
    fig.colorbar(colours, ax=ax, label="correction", pad=0.01)
    ax.set_title(title)
    fig.legend(loc="outside lower center", ncols=3)
    return fig


def plot_bound(history, proof, lr):
    """Draw the proof of (1.6): |w~| is caught between k gamma and R sqrt k."""
    fig, ax = plt.subplots(figsize=(8, 4.5), layout="constrained")
    lengths = [np.sqrt(p["w"] @ p["w"] + p["b"] ** 2) / lr for p in history["path"][1:]]
    mistakes = len(lengths)
    k = np.geomspace(1, 3 * (proof["bound"] or mistakes), 100)
    ax.loglog(k, proof["R"] * np.sqrt(k), **TRUTH, label=r"at most $R\sqrt{k}$")
    title = f"{mistakes} mistakes so far: without a margin nothing bounds them"
    if proof["gamma"] is not None:
        ax.loglog(k, proof["gamma"] * k, "k:", label=r"at least $\gamma k$")
        ax.plot(proof["bound"], proof["R"] ** 2 / proof["gamma"], "ko",
                label=r"$k = (R/\gamma)^2$: no room for more")
        title = f"{mistakes} mistakes; the theorem's bound is {proof['bound']:,.1f}"
    ax.loglog(range(1, mistakes + 1), lengths, "o-", markersize=4, linewidth=2,
              color=CLASS_COLOURS[0], label=r"measured $|\tilde{w}|$")
    ax.set(xlabel="mistakes k", ylabel=r"length of $\tilde{w}$, in units of $\eta$",
           title=title)
    ax.legend(loc="lower right")
    return fig


def plot_xor_cycle(X, y, names, history):
    """Draw one period of the weights: the plane after each correction."""
    period = history["mistakes"][-1]
    fig, axs = plt.subplots(1, period, figsize=(8, 3.3), layout="constrained")
    grid = np.linspace(-0.6, 1.6, 200)
    x1, x2 = np.meshgrid(grid, grid)
    for ax, params in zip(axs, history["path"][-period:]):
        draw_points(ax, X, y, names)
        z = params["w"][0] * x1 + params["w"][1] * x2 + params["b"]
        ax.contourf(x1, x2, np.sign(z), levels=[-2, -0.5, 0.5, 2], alpha=0.25,
                    colors=[CLASS_COLOURS[0], "#FFFFFF", CLASS_COLOURS[1]])
        ax.set(title="w = ({:g}, {:g}), b = {:g}".format(*params["w"], params["b"]),
               xlim=(-0.6, 1.6), ylim=(-0.6, 1.6), aspect="equal")
        ax.label_outer()
    fig.suptitle(f"XOR: every {period} corrections the weights are back at the start",
                 fontsize=11, fontweight="bold")
    fig.legend(*axs[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return fig


def animate_path(X, y, names, history, path):
    """Write a GIF of the line as it turns, correction by correction."""
    fig, ax = plt.subplots(figsize=(6, 4))
    steps = np.unique(np.linspace(0, len(history["path"]) - 1, 30).astype(int))

    def draw(k):
        ax.clear()
        draw_points(ax, X, y, names)
        params = history["path"][k]
        draw_line(ax, **params, color="#000000", linewidth=2.5)
        ax.set_title(f"{k} corrections: {share_right(params, X, y):.0%} right")

    animation = FuncAnimation(fig, draw, frames=[*steps, *steps[-1:].repeat(8)])
    animation.save(path, writer=PillowWriter(fps=5), dpi=100)
    plt.close(fig)


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
    parser.add_argument("--data", choices=["blobs", "iris", *GATES], default="blobs",
                        help="what to learn (default: %(default)s)")
    parser.add_argument("--csv", type=Path, metavar="FILE",
                        help="learn from a file: two numbers and a label in each row")
    parser.add_argument("--margin", type=number(float, -100, 100), default=0.1,
                        help="from each cloud to the line between them; at -0.5 they "
                             "overlap (default: %(default)s)")
    parser.add_argument("--epochs", type=number(int, 1, 10**6), default=1000,
                        help="passes over the data, at most (default: %(default)s)")
    parser.add_argument("--lr", type=number(float, 1e-9, 1e9), default=1.0,
                        help="learning rate; it only scales the weights (default: "
                             "%(default)s)")
    parser.add_argument("--animate", action="store_true",
                        help="also write learning.gif, the line as it turns")
    return parser.parse_args(argv)


def report_line(params, X, y, history, proof):
    """Print the verdict; return the metrics."""
    mistakes, epochs = sum(history["mistakes"]), len(history["mistakes"])
    lines = params, history["pocket"], history["average"]
    last, pocket, averaged = (share_right(line, X, y) for line in lines)
    if proof["gamma"] is not None:
        found = "has found" if last == 1 else "has not yet found"
        print(f"A line exists, and the rule {found} one: {mistakes} mistakes in "
              f"{epochs} epochs.\nThe bound (R / gamma)^2 = ({proof['R']:.3f} / "
              f"{proof['gamma']:.4g})^2 is {proof['bound']:,.1f}.")
    else:
        print("No line exists: ({:.3g}, {:.3g}) lies in the convex hulls of both "
              "classes.".format(*proof["common_point"]))
        if history["cycle"]:
            print("Epoch {1} ends with the weights of epoch {0}: they repeat for ever."
                  .format(*history["cycle"]))
        print(f"Right: last line {last:.1%}, pocket {pocket:.1%}, "
              f"averaged {averaged:.1%}.")
    return {"mistakes": mistakes, "bound": proof["bound"], "R": proof["R"],
            "gamma": proof["gamma"], "epochs": epochs,
            "separable": proof["gamma"] is not None, "accuracy": last,
            "pocket_accuracy": pocket, "averaged_accuracy": averaged}


def learn_a_line(args):
    """Load, learn, judge, draw and save."""
    rng = np.random.default_rng(args.seed)
    X, y, names = load_data(args.data, args.csv, args.margin, rng)
    proof = separability(X, y)
    make_folder(args.out)
    print(f"Perceptron on {args.csv or args.data}: {len(X)} points, learning rate "
          f"{args.lr:g}, at most {args.epochs} epochs, seed {args.seed}\n")
    params, history = train(init_params(X.shape[1]), X, y, args.epochs, args.lr)
    metrics = report_line(params, X, y, history, proof)

    print("\nThe same rule on XOR:\n")
    xor_X, xor_y, xor_names = load_data("xor", None, 0, rng)
    xor_params, xor = train(init_params(2), xor_X, xor_y, epochs=100, lr=1.0)
    report_line(xor_params, xor_X, xor_y, xor, separability(xor_X, xor_y))

    figures = {"path": plot_path(X, y, names, history, proof),
               "bound": plot_bound(history, proof, args.lr),
               "xor_cycle": plot_xor_cycle(xor_X, xor_y, xor_names, xor)}
    if args.animate:
        animate_path(X, y, names, history, args.out / "learning.gif")
    metrics |= {"cycle": history["cycle"], "xor_cycle": xor["cycle"],
                "xor_period": xor["mistakes"][-1]}
    save_results(args, figures, metrics, ["learning.gif"] * args.animate)


def main(argv=None):
    """Run the lesson from the command line; return the exit status."""
    return run_safely(learn_a_line, parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
