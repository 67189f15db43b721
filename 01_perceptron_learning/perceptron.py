# /// script
# requires-python = ">=3.10"
# dependencies = ["numpy>=2.0", "matplotlib>=3.9", "scikit-learn>=1.5"]
# ///
"""Can a rule that learns only from its mistakes find a line between two classes?

    X (N, D) -> z = X w + b (N,) -> a = the sign of z (N,): -1, +1, or 0, no answer

X holds N examples, one a row, of D numbers each; y (N,) their labels, -1 or +1;
the weights w (D,) and the bias b () are learnt. (1.1) is an equation in README.md.

    python perceptron.py                              AND, two clouds of points, XOR
    python perceptron.py --data blobs --margin 0.01   a narrow gap between the clouds
    python perceptron.py --csv points.csv             two numbers and a label in a row
"""

import argparse
import contextlib
import csv
import io
import json
import math
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

CORNERS = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])  # (4, 2), an X
GATES = {"and": np.array([-1.0, -1.0, -1.0, 1.0]),  # four y (4,): +1 says yes, -1 no
         "or": np.array([-1.0, 1.0, 1.0, 1.0]),
         "nand": np.array([1.0, 1.0, 1.0, -1.0]),
         "xor": np.array([-1.0, 1.0, 1.0, -1.0])}


# --- Model ----------------------------------------------------------------------------


def init_params(n_features):
    """Return weights (D,) and a bias of 0: the bound (1.15) is for a start at zero."""
    return np.zeros(n_features), 0.0


def forward(w, b, X):
    """Return weighted sums z (N,) and answers a (N,) to the rows of X (N, D)."""
    z = X @ w + b  # (N,)  (1.1)
    a = np.sign(z)  # (N,)  (1.2); np.sign is -1, 0 or +1
    return z, a


# --- Loss and gradients ---------------------------------------------------------------


def loss(z, y):
    """Return how far z (N,) is on the wrong side of 0, the mean over the examples."""
    return np.mean(np.maximum(0.0, -y * z))  # ()  (1.5)


def backward(X, a, y):
    """Return the slope of the loss for w, dw (D,), and for b, db ().

    a (N,) are the answers of ``forward`` to X (N, D); y (N,) are the right ones.
    """
    # np.where(c, p, q) takes p where c is true and q elsewhere.
    dz = np.where(a != y, -y, 0.0) / len(y)  # (N,)  (1.6)
    dw = X.T @ dz  # (D,)  (1.7)
    db = dz.sum()  # ()  (1.8)
    return dw, db


# --- Training -------------------------------------------------------------------------


def train(w, b, X, y, epochs, lr):
    """Show the examples one by one, in order; correct w and b at each mistake.

    Ends after an epoch without a mistake, or after ``epochs``. Returns w, b, the number
    of mistakes in each epoch, and the corrections: for each its epoch, the example n,
    its sum z before, and w and b after.
    """
    mistakes, corrections = [], []
    print("epoch  mistakes      loss  accuracy")
    for epoch in until_ctrl_c(range(1, epochs + 1)):  # range; Ctrl-C ends it
        mistakes.append(0)
        for n in range(len(y)):
            x_n, y_n = X[n : n + 1], y[n : n + 1]  # (1, D) and (1,): one example, N = 1
            z, a = forward(w, b, x_n)  # (1,), (1,)
            if a[0] != y[n]:  # a mistake
                dw, db = backward(x_n, a, y_n)  # (D,), ()
                w = w - lr * dw  # (D,)  (1.9)
                b = b - lr * db  # ()  (1.9)
                mistakes[-1] += 1
                corrections.append({"epoch": epoch, "n": n, "z": z[0], "w": w, "b": b})
        done = mistakes[-1] == 0 or epoch == epochs
        if done or math.log2(epoch).is_integer():  # 1, 2, 4, 8, ...: few lines
            z, a = forward(w, b, X)  # (N,), (N,)
            print(f"{epoch:5d}  {mistakes[-1]:8d}  {loss(z, y):8.4f}  "
                  f"{np.mean(a == y):8.1%}", flush=True)
        if done:
            break
    return w, b, mistakes, corrections


def mistake_bound(X, y, w, b):
    """Return R, gamma and the most mistakes that training can make on X (N, D), y (N,).

    w (D,) and b () may be any line that has every example on its side (Novikoff, 1962).
    """
    folded = np.column_stack([X, np.ones(len(X))])  # (N, D + 1)  (1.10), 1 in each row
    direction = np.append(w, b)  # (D + 1,)  (1.10)
    direction = direction / np.linalg.norm(direction)  # its length is 1
    R = np.linalg.norm(folded, axis=1).max()  # ()  (1.11), of the lengths of the rows
    gamma = (y * (folded @ direction)).min()  # ()  (1.11)
    return R, gamma, (R / gamma) ** 2  # (1.15)


# ======================================================================================
# The lesson ends here. What follows repeats it, measures, draws and reads files.
# ======================================================================================


# --- Going further --------------------------------------------------------------------


def make_blobs(n_points, margin, rng):
    """Return two clouds, X (N, 2) and y (N,), each ``margin`` away from one line."""
    angle = rng.uniform(0, 2 * np.pi)
    normal = np.array([np.cos(angle), np.sin(angle)])  # at right angles to the line
    y = np.where(np.arange(n_points) % 2 == 0, -1.0, 1.0)
    X = rng.normal(size=(n_points, 2)) + np.outer(2 * rng.normal(size=n_points),
                                                  [-normal[1], normal[0]])
    for label in (-1.0, 1.0):  # slide each cloud off the line, to its own side
        nearest = (label * X[y == label] @ normal).min()
        X[y == label] += label * (margin - nearest) * normal
    return X + rng.uniform(-3, 3, size=2), y  # the line need not pass the origin


def separability(X, y):
    """Decide whether a line separates the points, and prove the answer either way.

    Returns the w~ (D + 1,) of length 1 with the widest margin and None, or None and a
    point (D,) of both convex hulls. Non-negative least squares find the shortest sum of
    (1.16) (Lawson & Hanson 1974, ch. 23). Raises InputError.
    """
    from scipy.optimize import nnls
    folded = np.column_stack([X, np.ones(len(X))])  # x~, (N, D + 1)
    Z = y[:, None] * folded / np.linalg.norm(folded, axis=1).max()  # length <= 1
    target = np.append(np.zeros(Z.shape[1]), 1.0)
    for seed in range(50):  # SciPy 1.15 fails on some orders of the rows; take another
        Z = np.random.default_rng(seed).permutation(Z)
        u, _ = nnls(np.vstack([Z.T, np.ones(len(Z))]), target, maxiter=100 * len(Z))
        u /= u.sum()
        limit = np.linalg.norm(u @ Z)  # (1.16)
        touched = Z[u > 0]
        separator = np.linalg.lstsq(touched, np.ones(len(touched)), rcond=None)[0]
        separator /= max(np.linalg.norm(separator), 1e-300)  # it is 0 for XOR
        margin = (Z @ separator).min()
        if margin > 1e-13 and np.isclose(margin, limit, rtol=1e-9, atol=1e-14):
            return separator, None
        if limit <= 1e-15:  # both classes weigh the same and have the same mean
            positive = Z[:, -1] > 0
            *point, weight = u[positive] @ Z[positive]
            return None, np.array(point) / weight
    raise InputError("the classes are too close for double precision to decide")


def averaged(corrections, n_examples, epochs):
    """Return the mean of w (D,) and b () over all examples shown (1.17)."""
    shown = [(c["epoch"] - 1) * n_examples + c["n"] for c in corrections]
    share = np.diff([*shown, epochs * n_examples]) / (epochs * n_examples)
    return share @ [c["w"] for c in corrections], share @ [c["b"] for c in corrections]


def measure(X, y, mistakes, corrections):
    """Return what came of a training: its mistakes, the bound, which line to keep."""
    separator, common_point = separability(X, y)
    rights = [np.mean(forward(c["w"], c["b"], X)[1] == y) for c in corrections]
    ends = [*{c["epoch"]: (*c["w"], c["b"]) for c in corrections}.values()]  # of epochs
    average = averaged(corrections, len(X), len(mistakes))
    m = {"mistakes": len(corrections), "epochs": len(mistakes), "accuracy": rights[-1],
         "pocket": corrections[int(np.argmax(rights))], "pocket_accuracy": max(rights),
         "averaged_accuracy": np.mean(forward(*average, X)[1] == y),
         "majority": max(np.mean(y == 1), np.mean(y == -1)), "separator": separator,
         "repeats": ends[-1] in ends[:-1], "common_point": common_point,
         **dict.fromkeys(("R", "gamma", "bound", "distance"))}
    if separator is not None:
        w, b = separator[:-1], separator[-1]
        m["R"], m["gamma"], m["bound"] = mistake_bound(X, y, w, b)
        m["distance"] = m["gamma"] / np.linalg.norm(w)
    return m


# --- Figures --------------------------------------------------------------------------

CLASS_COLOURS = ["#0072B2", "#E69F00", "#009E73", "#CC79A7",
                 "#56B4E9", "#D55E00", "#F0E442", "#000000"]  # Okabe & Ito
STYLE = {"axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False,
         "axes.titlelocation": "left", "axes.titlesize": 11, "axes.titleweight": "bold"}
NAMES = ["x1", "x2", "label -1", "label +1"]  # two features, two classes


def plain(text):
    """Return a name for a picture: 30 characters at most, a dollar sign as it is."""
    return text[:30].replace("$", r"\$")


def draw_line(ax, w, b, **style):
    """Draw the line w.x + b = 0 across the axes, if there is one."""
    if np.any(w):
        foot = -b * w / (w @ w)  # the point of the line nearest to the origin
        ax.axline(foot, foot + np.array([-w[1], w[0]]) / np.linalg.norm(w), **style)


def draw_points(ax, X, y, names):
    """Draw the two classes and fix the limits, so that lines do not move them."""
    for label, marker, colour, name in zip((-1, 1), "os", CLASS_COLOURS, names[2:]):
        ax.scatter(*X[y == label].T, s=36, marker=marker, color=colour, zorder=5,
                   label=plain(name), edgecolor="white", linewidth=0.5)
    low, high = X.min(axis=0), X.max(axis=0)
    pad = 0.12 * (high - low) + 0.5 * (high == low)
    ax.set(xlabel=plain(names[0]), xlim=(low[0] - pad[0], high[0] + pad[0]),
           ylabel=plain(names[1]), ylim=(low[1] - pad[1], high[1] + pad[1]))


def draw_arrow(ax, start, vector, colour):
    """Draw a vector in its true length, from its start."""
    ax.quiver(*start, *vector, color=colour, units="inches", width=0.04, zorder=4,
              angles="xy", scale_units="xy", scale=1)


def finish(fig, ax, title):
    """Give a figure its title and the legend of this one of its panels; return it."""
    fig.suptitle(title, fontsize=11, fontweight="bold")
    fig.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=5)
    return fig


def draw_gate(ax, y, limits, c=None):
    """Draw the corners; for a correction c also its sides, w, corner and mistakes."""
    draw_points(ax, CORNERS, y, NAMES)
    if c is not None:
        x1, x2 = np.meshgrid(np.linspace(*limits, 100), np.linspace(*limits, 100))
        sides = np.sign(c["w"][0] * x1 + c["w"][1] * x2 + c["b"])
        ax.contourf(x1, x2, sides, [-2, -0.5, 0.5, 2], alpha=0.25,
                    colors=[CLASS_COLOURS[0], "#FFFFFF", CLASS_COLOURS[1]])
        draw_line(ax, c["w"], c["b"], color="#000000", linewidth=1)
        draw_arrow(ax, (0, 0), c["w"], "#000000")
        ax.plot(*CORNERS[c["n"]], "o", markersize=16, fillstyle="none",
                color=CLASS_COLOURS[5], markeredgewidth=2, label="corrected")
        wrong = forward(c["w"], c["b"], CORNERS)[1] != y
        ax.plot(*CORNERS[wrong].T, "kx", ms=11, mew=2, zorder=4, label="wrong")
    ticks = range(int(limits[1]) + 1)
    ax.set(xlim=limits, ylim=limits, aspect="equal", xticks=ticks, yticks=ticks)
    ax.label_outer()


def plot_correction(y, before, after):
    """Draw one correction of a gate: the plane before and after, the sum of arrows."""
    fig, axs = plt.subplots(1, 2, figsize=(8, 5.2), layout="constrained")
    n, old, new = after["n"], before["w"], after["w"]
    for ax, c, when in zip(axs, (before | {"n": n}, after), ("before", "after")):
        draw_gate(ax, y, (-0.6, 2.6), c)
        (z,), _ = forward(c["w"], c["b"], CORNERS[[n]])
        way = z * c["w"] / (c["w"] @ c["w"])  # to the corner from the border
        ax.plot(*np.transpose([CORNERS[n], CORNERS[n] - way]), "k:", linewidth=2,
                label="distance |z| / |w|")
        ax.text(*(0.6 * c["w"] + [0, 0.12]), "w")
        ax.set_title(f"{when}: b = {c['b']:g}, z = {z:g} in the ring")
    draw_arrow(axs[1], (0, 0), old, "#777777")
    draw_arrow(axs[1], old, new - old, CLASS_COLOURS[5])
    axs[1].text(*(old - [0.3, 0.25]), "old w")
    axs[1].text(*(old + [0.6, 0.4]), "added")
    return finish(fig, axs[0], "One corner is right now, and two others became wrong")


def plot_loss(y, w, b):
    """Draw the loss (1.5) and the share of mistakes of a gate for w and many biases."""
    fig, ax = plt.subplots(figsize=(8, 3.8), layout="constrained")
    biases = np.linspace(b - 3, b + 1, 4000)  # so many that jumps look upright
    sums, answers = zip(*(forward(w, bias, CORNERS) for bias in biases))
    ax.plot(biases, [loss(z, y) for z in sums], color=CLASS_COLOURS[0], label="loss J")
    ax.plot(biases, [np.mean(a != y) for a in answers], ":", linewidth=3, zorder=1,
            color=CLASS_COLOURS[5], label="share of wrong answers")
    ax.plot(b, loss(forward(w, b, CORNERS)[0], y), "ko", label="the end of epoch 1")
    for x, height, slope in ((-3, 0.03, -0.25), (-0.4, 0.12, 0.5), (0, 0.92, 0.75)):
        ax.text(b + x, height, f"slope {slope:g}")  # for the end of epoch 1 of AND
    ax.set(xlabel="bias b, while w stays ({:g}, {:g})".format(*w), ylim=(-0.05, 1.3))
    return finish(fig, ax, "The share of mistakes only jumps; the loss has a slope")


def plot_turns(y, corrections, columns, title):
    """Draw the plane of a gate after each correction, with w as an arrow."""
    fig, axs = plt.subplots(len(corrections) // columns, columns, figsize=(8, 5.5),
                            layout="constrained", squeeze=False)
    high = max(1, *(np.max(c["w"]) for c in corrections)) + 0.6
    for k, (ax, c) in enumerate(zip(axs.flat, corrections), 1):
        draw_gate(ax, y, (-0.6, high), c)
        ax.set(xlabel="", ylabel="")
        ax.set_title("{}: w=({:g},{:g}) b={:g}".format(k, *c["w"], c["b"]), fontsize=9,
                     fontweight="normal")
    return finish(fig, axs[0, 0], title)


def plot_separable(line):
    """Draw the hulls of AND, with the line in the widest gap, and of XOR."""
    fig, axs = plt.subplots(1, 2, figsize=(8, 5.1), layout="constrained")
    for ax, gate in zip(axs, ("and", "xor")):  # a hull has up to 3 points, all corners
        draw_gate(ax, GATES[gate], (-0.4, 1.7))
        for label, colour in zip((-1, 1), CLASS_COLOURS):
            ax.fill(*CORNERS[GATES[gate] == label].T, color=colour, lw=4, alpha=0.4)
    w, b = line[:2], line[2]
    draw_line(axs[0], w, b, color="k", lw=2, label="in the middle of the gap")
    for x in CORNERS[1:]:  # the three nearest
        way = (w @ x + b) * w / (w @ w)  # to x from the line
        axs[0].plot(*np.transpose([x, x - way]), color="#000000", linestyle=":")
    axs[0].text(0.98, 1.25, f"each dotted line\nis {np.linalg.norm(way):.3f} long")
    axs[1].plot(0.5, 0.5, "k*", markersize=14)
    axs[1].text(0.6, 0.46, "(0.5, 0.5) is in both hulls")
    return finish(fig, axs[0], "AND: a line fits between the hulls. XOR: they cross")


def plot_path(X, y, names, corrections, m):
    """Draw the line after some of the corrections, the last in black."""
    fig, ax = plt.subplots(figsize=(8, 5.5), layout="constrained")
    draw_points(ax, X, y, names)
    rim = ax.viewLim.corners()[[0, 1, 3, 2]]  # round the picture, from left below
    rim = np.linspace(rim[:-1], rim[1:], 500, axis=1).reshape(-1, 2)  # points between
    count, taken = len(corrections), []
    for k in np.unique(np.linspace(1, count, 8).astype(int)):  # eight can be seen
        w, b = corrections[k - 1]["w"], corrections[k - 1]["b"]
        draw_line(ax, w, b, color=plt.cm.viridis_r(k / (count + 1)), linewidth=1.5)
        place = (np.sign(rim @ w + b) != np.sign(rim[0] @ w + b)).argmax()
        if place and all(abs(place - other) > 6 * len(str(k)) for other in taken):
            ax.annotate(k, rim[place], (2, 2), textcoords="offset points")
            taken.append(place)  # where the line leaves the picture, if there is room
    draw_line(ax, w, b, color="k", lw=2, label=f"the last: {m['accuracy']:.0%} right")
    if m["separator"] is not None:
        w1, w2, b = m["separator"] / m["gamma"]  # the nearest points have the sum +-1
        x1, x2 = np.meshgrid(ax.get_xlim(), ax.get_ylim())
        ax.contourf(x1, x2, w1 * x1 + w2 * x2 + b, [-1, 1], colors=["#CCCCCC"])
        ax.fill(np.nan, np.nan, color="#CCCCCC", label="the gap")  # for the legend
    else:
        ax.plot(*m["common_point"], "k*", markersize=20, label="in both hulls")
        draw_line(ax, m["pocket"]["w"], m["pocket"]["b"], color="#000000",
                  linestyle="--", label="pocket: best")
    return finish(fig, ax, f"{min(k, 8)} of {k} lines, yellow early, violet late")


def plot_bound(cases):
    """Draw the proof of (1.15) for some {name: (corrections, metrics, lr)}."""
    fig, axs = plt.subplots(1, len(cases), figsize=(8, 4.3), layout="constrained",
                            squeeze=False)
    for ax, (name, (corrections, m, lr)) in zip(axs[0], cases.items()):
        lengths = [math.hypot(*c["w"], c["b"]) / lr for c in corrections]
        ax.plot(range(1, len(lengths) + 1), lengths, "o-", markersize=4, linewidth=2,
                color=CLASS_COLOURS[0], label="measured")
        title = f"{name}: {len(lengths)} mistakes, no bound"
        if m["bound"] is not None:
            k = np.geomspace(1, 1.5 * m["bound"], 400)
            if m["bound"] > 1000:  # then both ends are seen on logarithmic axes only
                ax.set(xscale="log", yscale="log")
            ax.plot(k, m["R"] * np.sqrt(k), "k--", label=r"at most $R\sqrt{k}$")
            ax.plot(k, m["gamma"] * k, "k:", label=r"at least $\gamma k$")
            ax.fill_between(k, m["R"] * np.sqrt(k), m["gamma"] * k, k <= m["bound"],
                            color="#EEEEEE", label="allowed")
            ax.plot(m["bound"], m["R"] ** 2 / m["gamma"], "ko", label="no room beyond")
            title = f"{name}: {len(lengths)} of at most {m['bound']:,.0f}"
        ax.set(xlabel="mistakes k", ylabel="length of (w, b)", title=title)
    return finish(fig, axs[0, 0], "The length of (w, b), and what the proof allows")


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


def read_rows(path):
    """Return the cells of a CSV file, stripped, as a list of rows of equal length.

    Cells may be split by , ; | or tab. Raises InputError for what is no such file.
    """
    if not path.is_file():
        raise InputError(f"{path} is no file")
    if path.stat().st_size > 50e6:
        raise InputError(f"{path} is larger than 50 MB; keep a part of its rows")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        text = path.read_text(encoding="latin-1")  # in which any byte is a character
    head = [line for line in text[:65536].splitlines() if line.strip()][:50]
    if not head or "\0" in text:
        raise InputError(f"{path} is empty or no text: save it as CSV in UTF-8")
    widths = {}  # the mark that splits the first line into most cells, the others alike
    csv.field_size_limit(10_000)
    try:
        for mark in ",;\t|":
            sizes = [len(row) for row in csv.reader(head, delimiter=mark)]
            widths[mark] = (sizes[0] - 1) * sizes.count(sizes[0])
        mark = max(widths, key=widths.get)
        table = csv.reader(io.StringIO(text), delimiter=mark, strict=True)
        rows = [row for row in table if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise InputError(f"{path} is no regular CSV file: {error}") from None
    if not rows:
        raise InputError(f"{path} holds no cells that are filled")
    if len(rows[0]) > 2000:
        raise InputError(f"{path} has {len(rows[0])} columns; at most 2000 are read")
    for n, row in enumerate(rows, 1):
        if len(row) != len(rows[0]):
            raise InputError(f"{path}: row {n} has {len(row)} cells, but the first row "
                             f"has {len(rows[0])}")
    return [[cell.strip() for cell in row] for row in rows]


def read_points(path):
    """Read two numbers and a label from each row of a CSV file, after a header or not.

    Returns X (N, 2), y (N,) and four names: two features, two classes. A column before
    them that only counts the rows is left out, which is said. Raises InputError.
    """
    rows, names = read_rows(path), ["x1", "x2"]
    header = True  # the first row names the columns if it holds no number
    for cell in rows[0][:-1]:
        with contextlib.suppress(ValueError):
            header = float(cell) is None  # so it is False where float takes the cell
    if header:
        names, rows = rows[0][:-1], rows[1:]
    if not 2 <= len(rows) <= 5000:
        raise InputError(f"{path} holds {len(rows)} points; from 2 to 5000 are learnt")
    first = [row[0] for row in rows]
    if first in ([str(n + start) for n in range(len(rows))] for start in (0, 1)):
        if len(rows[0]) == 4:
            print("The first column only counts the rows: it is left out.")
            names, rows = names[-2:], [row[1:] for row in rows]
        elif len(rows) > 4:  # 0, 1, ... is no rare feature of four points or less
            print("The first column only counts the rows: is it a feature?")
    if len(rows[0]) != 3:
        raise InputError(f"{path} has {len(rows[0])} columns; each row must hold two "
                         "numbers, then a label")
    X = np.zeros((len(rows), 2))
    for n, i in np.ndindex(X.shape):
        try:
            X[n, i] = float(rows[n][i])
        except ValueError:
            raise InputError(f"{path}: {rows[n][i][:40]!r} in column {i + 1} of point "
                             f"{n + 1} is no number such as 2 or 1.5") from None
    if not np.all(np.abs(X) <= 1e9):  # NaN is refused, too
        raise InputError(f"{path} holds a missing or infinite number or one above 1e9")
    y, classes = read_labels(path, [row[2] for row in rows])
    print(f"Answer -1 stands for {classes[0][:30]}, answer +1 for {classes[1][:30]}.")
    return X, y, [*names, *classes]


def read_labels(path, labels):
    """Return y (N,), -1 for the first class and +1 for the other, and their names."""
    if {"", "nan"} & {label.lower() for label in labels}:
        raise InputError(f"{path} has rows without a label in the last column")
    names = labels
    with contextlib.suppress(ValueError):  # words stay as they are
        names = [f"{float(label):g}" for label in labels]  # 1 and 1.0 are one class
        labels = [float(label) for label in labels]  # and -1 comes before 1
    classes = dict(sorted(zip(labels, names)))
    if len(classes) != 2:
        found = ", ".join(name[:20] for name in list(classes.values())[:5])
        raise InputError(f"{path} holds {len(classes)} different label(s) in its last "
                         f"column ({found}); keep the rows of 2: a line tells 2 apart")
    return np.where(np.array(labels) == max(classes), 1.0, -1.0), [*classes.values()]


def load_data(name, csv_path, margin, rng):
    """Return X (N, 2), y (N,) in {-1, +1} and four names: two features, two classes."""
    if csv_path is not None:
        return read_points(csv_path)
    if name in ("lesson", "blobs"):
        return *make_blobs(100, margin, rng), NAMES  # 100 can be told apart by eye
    if name == "iris":
        from sklearn.datasets import load_iris
        X, species = load_iris(return_X_y=True)
        names = ["petal length in cm", "petal width in cm", "setosa", "other species"]
        return X[:, 2:], np.where(species == 0, -1.0, 1.0), names
    return CORNERS, GATES[name], NAMES


def parse_args(argv=None):
    """Return the settings on the command line."""
    parser = Parser()
    data = parser.add_mutually_exclusive_group()
    data.add_argument("--data", choices=["lesson", "blobs", "iris", *GATES],
                      default="lesson", help="what to learn; the lesson is AND, two "
                      "blobs of points, and XOR (default: %(default)s)")
    data.add_argument("--csv", type=Path, metavar="FILE",
                      help="learn from a file: two numbers and a label in each row")
    for flag, kind, low, high, default, words in (
            ("--margin", float, -100, 100, 0.1, "from a blob to the line between them"),
            ("--epochs", int, 1, 10_000, 1000, "passes over the data, at most"),
            ("--lr", float, 1e-9, 1e9, 1.0, "learning rate; here it scales w and b")):
        parser.add_argument(flag, type=number(kind, low, high), default=default,
                            help=f"{words} (default: %(default)s)")
    args = parser.parse_args(argv)
    if args.margin != 0.1 and (args.csv or args.data not in ("lesson", "blobs")):
        parser.error("argument --margin: only --data blobs has a margin")
    return args


def report(m):
    """Print the verdict on a training."""
    if m["separator"] is not None:
        found = "found one" if m["accuracy"] == 1 else "not found it (more --epochs?)"
        print(f"A line exists, and the rule has {found}: {m['mistakes']} mistakes in "
              f"{m['epochs']} epochs.\nThe bound (R / gamma)^2 = ({m['R']:.4g} / "
              f"{m['gamma']:.4g})^2 is {m['bound']:,.1f}.")
        return
    print("No line exists: ({:.3g}, {:.3g}) lies in the convex hulls of both classes."
          .format(*m["common_point"]))
    if m["repeats"]:
        print("An earlier epoch ended with the same w and b: they repeat for ever.")
    print(f"Right: last line {m['accuracy']:.1%}, best line seen (pocket) "
          f"{m['pocket_accuracy']:.1%}, averaged {m['averaged_accuracy']:.1%}.")
    if max(m["pocket_accuracy"], m["averaged_accuracy"]) <= m["majority"]:
        print(f"One answer for all would have {m['majority']:.1%}: these lines are no "
              "better.\nFor such data see lesson 02.")


def learn(name, X, y, epochs, lr, show=0):
    """Train from zero, say what came of it; return the corrections, metrics and lr."""
    print(f"{name}: {len(X)} examples, learning rate {lr:g}, at most {epochs} epochs\n")
    *_, mistakes, corrections = train(*init_params(X.shape[1]), X, y, epochs, lr)
    metrics = measure(X, y, mistakes, corrections)
    report(metrics)
    if show:
        print("\ncorrection  epoch  corner  label     z         w1    w2     b")
    for k, c in enumerate(corrections[:show], 1):
        (x1, x2), (w1, w2) = X[c["n"]], c["w"]
        print(f"{k:10d}  {c['epoch']:5d}  ({x1:g}, {x2:g})  {y[c['n']]:+5g}  "
              f"{c['z']:4.2g}   ->  {w1:4.2g}  {w2:4.2g}  {c['b']:4.2g}")
    print()
    return corrections, metrics, lr


def learn_a_line(args):
    """Load, learn, judge, draw and save."""
    rng = np.random.default_rng(args.seed)
    X, y, names = load_data(args.data, args.csv, args.margin, rng)
    args.epochs = min(args.epochs, 2_000_000 // len(X))  # about 20 seconds
    separability(X, y)  # fails before all work where it must, or where SciPy is missing
    lesson = args.data == "lesson" and args.csv is None
    name = "Two blobs" if lesson else args.csv.stem if args.csv else args.data
    cases, y_and, y_xor = {}, GATES["and"], GATES["xor"]
    if lesson:  # AND takes 18 corrections in 9 epochs
        cases["AND"] = learn("AND", CORNERS, y_and, 20, 1.0, show=18)
    show = 18 if args.data in GATES else 0
    cases[plain(name)] = learn(name, X, y, args.epochs, args.lr, show)
    steps, m, _ = cases[plain(name)]
    figures = {"path": plot_path(X, y, names, steps, m), "bound": plot_bound(cases)}
    if lesson and CTRL_C:
        print("XOR and the pictures of AND are left out.")
    elif lesson:
        turns, m["and"], _ = cases["AND"]
        cycle, m["xor"], _ = learn("XOR", CORNERS, y_xor, 20, 1.0, show=8)
        figures |= {
            "correction": plot_correction(y_and, *turns[3:5]),
            "loss": plot_loss(y_and, turns[1]["w"], 0),  # of the end of epoch 1
            "and": plot_turns(y_and, turns, 6, "AND: w turns until none is wrong"),
            "separable": plot_separable(m["and"]["separator"]),
            "xor_cycle": plot_turns(y_xor, cycle[:8], 4, "XOR: w and b return to 0")}
    save_results(args, figures, m)


def main(argv=None):
    """Run the lesson from the command line; return the exit status."""
    return run_safely(learn_a_line, parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
