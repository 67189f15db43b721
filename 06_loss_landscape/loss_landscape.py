# /// script
# requires-python = ">=3.10"
# dependencies = ["numpy>=2.0", "matplotlib>=3.9"]
# ///
"""What surface does gradient descent walk on, and can a picture of it be trusted?

    a line     w x + b: its loss is a bowl, and a pencil predicts each step
    a network  X (N, 1) -> W1 (1, M) -> tanh -> a1 (N, M) -> W2 (M, 1) -> a2 (N, 1)

theta holds all weights and biases in one row: (2,) for the line, (P,) for the network,
P = 3 M + 1. (6.1) is the number of an equation in README.md.

    python loss_landscape.py                               all of it: 6 seconds
    python loss_landscape.py --bowl-lr 0.3 --momentum 0.9  another momentum in the bowl
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

A = np.array([[0.5, 1.0], [0.5, 1.0], [2.5, 1.0], [2.5, 1.0]])  # (4, 2): x, and a 1
HEIGHTS = np.array([3.0, 4.0, 5.0, 6.0])  # (4,), the y of these points
BOWL = A.T @ A / 4  # (2, 2), the Hessian of the line's loss  (6.7)


def make_data(rng, networks=()):
    """Return 50 points X, y (N, 1) of a noisy sine wave, or a stack of such tables."""
    X = rng.uniform(-1, 1, size=networks + (50, 1))  # (N, 1)
    y = np.sin(4 * X) + 0.2 * rng.normal(size=X.shape)  # (N, 1), 1.3 periods
    return X, y


# --- Model ----------------------------------------------------------------------------


def init_params(n_hidden, rng, networks=()):
    """Return W1, b1 (1, M), W2 (M, 1) and b2 (1, 1), or a stack of such networks."""
    W1 = rng.normal(size=networks + (1, n_hidden))  # (1, M)
    W2 = rng.normal(size=networks + (n_hidden, 1)) / np.sqrt(n_hidden)  # (M, 1)
    return {"W1": W1, "b1": 0 * W1, "W2": W2, "b2": np.zeros(networks + (1, 1))}


def forward(params, X):
    """Return what the network computes from X (N, 1): z1, a1 (N, M); z2, a2 (N, 1)."""
    z1 = X @ params["W1"] + params["b1"]  # (N, M)  (6.18)
    a1 = np.tanh(z1)  # (N, M)
    z2 = a1 @ params["W2"] + params["b2"]  # (N, 1)
    return {"z1": z1, "a1": a1, "z2": z2, "a2": z2}  # no activation: a2 is a height


def pack(params):
    """Return all numbers in one row theta (P,): W1, b1, W2, b2; (T, P) of a stack."""
    # .mT is the transpose; of a stack, that of each matrix.
    rows = [params["W1"], params["b1"], params["W2"].mT, params["b2"]]  # (1, .) each
    return np.concatenate(rows, axis=-1)[..., 0, :]  # row 0 of (1, P), of each network


def unpack(theta):
    """Return the dict of theta (P,), or of a stack (T, P)."""
    M = theta.shape[-1] // 3  # as P = 3 M + 1
    row = theta.reshape(theta.shape[:-1] + (1, -1))  # (1, P)
    W1, b1, W2, b2 = np.split(row, [M, 2 * M, 3 * M], axis=-1)
    return {"W1": W1, "b1": b1, "W2": W2.mT, "b2": b2}


# --- Loss and gradients ---------------------------------------------------------------


def line_loss(theta):
    """Return half the mean squared error of the line theta = (w, b), or of T lines."""
    residual = theta @ A.T - HEIGHTS  # (4,), or (T, 4)
    return np.mean(residual**2, axis=-1) / 2  # (6.1)


def line_gradient(theta):
    """Return the slopes (2,) of ``line_loss`` at theta = (w, b)."""
    residual = A @ theta - HEIGHTS  # (4,)
    return A.T @ residual / len(HEIGHTS)  # (2,)  (6.2)


def loss(a2, y):
    """Return half the mean squared error of the outputs a2 (N, 1), or one a network."""
    # Axes are counted from the end: a stack has one loss for each of its networks.
    return np.sum((a2 - y) ** 2, axis=(-2, -1)) / (2 * y.shape[-2])  # (6.19)


def backward(params, X, cache, y):
    """Return the slope of the loss for each array in ``params``, in the same shapes."""
    a1, a2 = cache["a1"], cache["a2"]
    dz2 = (a2 - y) / y.shape[-2]  # (N, 1)  (6.20)
    dW2 = a1.mT @ dz2  # (M, 1)  (6.21)
    db2 = dz2.sum(axis=-2, keepdims=True)  # (1, 1); axis -2 is the rows
    dz1 = dz2 @ params["W2"].mT * (1 - a1**2)  # (N, M)  (6.22)
    dW1 = X.mT @ dz1  # (1, M)  (6.22)
    db1 = dz1.sum(axis=-2, keepdims=True)  # (1, M)
    return {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}


def loss_at(theta, X, y):
    """Return the loss of the network theta (P,), or of each of a stack (T, P)."""
    return loss(forward(unpack(theta), X)["a2"], y)


def gradient(theta, X, y):
    """Return the gradient (P,) of ``loss_at``, or one for each network, (T, P)."""
    params = unpack(theta)
    return pack(backward(params, X, forward(params, X), y))


def hessian_times(v, theta, X, y, h=1e-5):
    """Return H v for v (P,), or for each row of (T, P); np.eye(P) gives H itself."""
    ahead, behind = gradient(theta + h * v, X, y), gradient(theta - h * v, X, y)
    return (ahead - behind) / (2 * h)  # (6.24); long h: H changes; short h: rounding


# --- Training -------------------------------------------------------------------------


def descend(theta, lr, momentum, steps, free=1):
    """Return a path (steps + 1, 2) down the bowl; free = (1, 0): w alone may move."""
    path, velocity = [theta], np.zeros(2)
    for _ in range(steps):
        velocity = momentum * velocity - lr * free * line_gradient(theta)  # (6.16)
        theta = theta + velocity  # (2,), without momentum (6.4)
        path.append(theta)
    return np.array(path)


def descend_adam(theta, lr, momentum, steps):
    """Descend in the bowl by Adam, lesson 03; its authors take the momentum 0.9."""
    path, m, v = [theta], 0, 0
    for step in range(1, steps + 1):
        slope = line_gradient(theta)  # (2,)
        m = momentum * m + (1 - momentum) * slope
        v = 0.999 * v + 0.001 * slope**2
        root = np.sqrt(v / (1 - 0.999**step)) + 1e-8
        theta = theta - lr * m / (1 - momentum**step) / root  # (2,)  (6.17)
        path.append(theta)
    return np.array(path)


def train(theta, X, y, epochs, lr):
    """Descend by all points; return a hundred points of the path, and their epochs.

    theta is (P,) and the path (101, P); or theta is a stack (T, P), and lr (T, 1).
    """
    path, moments = [theta], [0]
    for epoch in until_ctrl_c(range(1, epochs + 1)):  # range; Ctrl-C ends it
        theta = theta - lr * gradient(theta, X, y)  # (P,)  (6.23)
        if epoch % max(1, epochs // 100) == 0 or epoch == epochs:
            stop_if_diverged(np.max(loss_at(theta, X, y)), epoch)
            path.append(theta)
            moments.append(epoch)
    return np.array(path), np.array(moments)


def loss_on_plane(theta, d1, d2, alphas, betas, X, y):
    """Return the losses (R, C) at theta + alpha d1 + beta d2, a row for each beta."""
    along, across = np.outer(alphas, d1), np.outer(betas, d2)  # (C, P), (R, P)
    points = theta + along + across.reshape(len(betas), 1, -1)  # (R, C, P)  (6.28)
    return loss_at(points, X, y)  # (R, C)


def plane_of_path(path):
    """Return the plane through the end of a path (T, P) that holds most of it.

    As two unit directions (2, P), coordinates (T, 2), distances (T,) and its share.
    """
    offsets = path - path[-1]  # (T, P)
    # eigh gives the eigenvalues in rising order; each column is an eigenvector.
    _, vectors = np.linalg.eigh(offsets.T @ offsets)  # (P, P)
    directions = vectors[:, [-1, -2]].T  # (2, P): the last column, and the last but one
    coordinates = offsets @ directions.T  # (T, 2)  (6.28)
    distance = np.linalg.norm(offsets - coordinates @ directions, axis=1)  # (T,)
    share = np.sum(coordinates**2) / np.sum(offsets**2)  # (6.29)
    return directions, coordinates, distance, share


def stop_if_diverged(value, epoch):
    """Raise FloatingPointError, with advice, when a loss has exploded."""
    if not abs(value) < 1e9:  # nan, too
        raise FloatingPointError(f"training diverged in epoch {epoch}: the loss is "
                                 f"{value:.3g}; try a smaller --lr")


# ======================================================================================
# The lesson ends here. What follows repeats it, measures, draws and reads files.
# ======================================================================================


# --- Going further --------------------------------------------------------------------

def lanczos(theta, X, y, products, rng):
    """Return numbers (m,), of which the first and the last come near those of H."""
    q, Q, HQ = rng.normal(size=theta.size), [], []
    for _ in range(products):
        for older in Q + Q:  # twice, against rounding
            q = q - (q @ older) * older
        Q.append(q / np.linalg.norm(q))
        HQ.append(hessian_times(Q[-1], theta, X, y))
        q = HQ[-1]
    return np.linalg.eigvalsh(np.array(Q) @ np.array(HQ).T)  # of (m, m)  (6.31)


def normalise_filters(d, theta):
    """Give the columns of W1, W2 in d (P,) their lengths in theta; biases rest."""
    d, params = unpack(d.copy()), unpack(theta)
    for name in ("W1", "W2"):  # (6.32)
        own = np.linalg.norm(d[name], axis=-2, keepdims=True)
        d[name] *= np.linalg.norm(params[name], axis=-2, keepdims=True) / own
    return pack(d | {"b1": 0 * d["b1"], "b2": 0 * d["b2"]})


def largest(thetas, X, y):
    """Return the largest eigenvalue (T,) of networks, each on data X[i], y[i]."""
    H = [hessian_times(np.eye(len(t)), t, X[i], y[i]) for i, t in enumerate(thetas)]
    return np.linalg.eigvalsh(H)[:, -1]  # in rising order


# --- Figures --------------------------------------------------------------------------

STYLE = {"axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False,
         "axes.titlelocation": "left", "axes.titlesize": 11, "axes.titleweight": "bold"}
BLUE, RED, GREY, ORANGE = "#0072B2", "#D55E00", "#BBBBBB", "#E69F00"


def plot_plane(x, y, z, path, names, title, levels, angle):
    """Draw z (R, C) over a plane, with a path (T, 3); return figure and left axes."""
    fig, (above, solid) = plt.subplots(1, 2, figsize=(9, 4.2), layout="constrained")
    fig.colorbar(above.contourf(x, y, z, levels, extend="max"), label=names[2],
                 ticks=levels[::5])
    above.plot(*path[:, :2].T, ".-", color="white", linewidth=1.2)
    above.text(*path[0, :2], "  start", color="white", fontsize=10, va="top")
    above.text(*path[-1, :2], "end  ", color="white", fontsize=10, ha="right")
    solid.remove()
    solid = fig.add_subplot(1, 2, 2, projection="3d", computed_zorder=False)
    solid.plot_surface(x, y[:, None], z, rcount=81, ccount=81, antialiased=False,
                       cmap="viridis", vmin=levels[0], vmax=levels[-1])
    solid.contour(x, y, z, levels[::2], colors="w", linewidths=0.6, linestyles="-")
    solid.plot(*path.T, "o-", color=RED, linewidth=3, markevery=[0])
    solid.view_init(40, angle)
    above.set(xlabel=names[0], ylabel=names[1], title=title)
    solid.set(xlabel=names[0][0], ylabel=names[1][0], zticks=levels[::10],
              title=f"In 3-D: height = {names[2]}")
    return fig, above


def plot_bowl(minimum, path):
    """Draw the bowl with a path (T, 2), its eigenvectors and the slope at the start."""
    w, b = np.linspace(-3.5, 5.5, 91), np.linspace(-1.5, 7.5, 91)
    J = line_loss(np.stack(np.meshgrid(w, b), axis=-1))
    fig, ax = plot_plane(w, b, J, np.column_stack([path, line_loss(path)]), (
        "w", "b", "loss J"), "Contours are ellipses", np.arange(0, 76, 3), -60)
    lines = ax.contour(w, b, J, [1, 3, 10.75, 25], colors="white", linewidths=0.8)
    ax.clabel(lines, fmt="%g", fontsize=9, manual=[(2, 2.4), (-0.3, 2), (-2, 4), (
        -2.2, 1.6)])  # 10.75 passes through the start
    arrows = [(path[0], -line_gradient(path[0]) / 4, ORANGE, "first step")]
    for value, u in zip(*np.linalg.eigh(BOWL)):  # drawn upwards
        arrows.append((minimum, 1.4 * u * np.sign(u[1]), "white", f"λ = {value:g}"))
    for tail, arrow, colour, text in arrows:
        ax.annotate("", tail + arrow, tail, arrowprops={
            "color": colour, "arrowstyle": "-|>", "linewidth": 2, "shrinkB": 0})
        ax.text(*(tail + 1.1 * arrow), text, color=colour, fontsize=11)
    ax.set(aspect="equal")
    return fig


def plot_panels(panels, columns):
    """Draw panels: title, {name: (x, y, colour, format)}, labels; "_" hides a name."""
    rows = -(-len(panels) // columns)  # rounded up
    fig, axs = plt.subplots(rows, columns, figsize=(9, 3.3 * rows), squeeze=False,
                            layout="constrained")
    for ax, (title, lines, labels) in zip(axs.ravel(), panels):
        for name, (x, y, colour, form) in lines.items():
            ax.plot(x, y, form, color=colour)[0].set_label(name)
        if ax.get_legend_handles_labels()[0]:
            ax.legend(fontsize=9, handlelength=1, borderaxespad=0)
        ax.set_title(title, fontsize=10)
        ax.set(**labels)
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
    for name, kind, low, high, default, what in (
            ("bowl-lr", float, 1e-6, 3, 0.64, "learning rate of momentum in the bowl"),
            ("momentum", float, 0, 1, 0.36, "momentum in the bowl; 0 is plain descent"),
            ("hidden", int, 4, 32, 16, "hidden units of the network"),
            ("epochs", int, 1, 20000, 4000, "steps of the network, with all points"),
            ("lr", float, 1e-9, 1e6, 0.2, "learning rate of the network")):
        parser.add_argument(f"--{name}", type=number(kind, low, high), default=default,
                            help=what + " (default: %(default)s)")
    return parser.parse_args(argv)


def print_table(title, rows):
    """Print dicts that have the same keys as one table, and return them."""
    print(f"\n{title}\n" + "".join(f"{name:>11s}" for name in rows[0]))
    for row in rows:
        print("".join(f"{v if isinstance(v, str) else format(v, '.4g'):>11s}"
                      for v in row.values()), flush=True)
    return rows


def best_rate(descent, momentum, minimum):
    """Return the one of 100 rates that stays nearest in the last ten of 40 steps."""
    return min(np.geomspace(0.05, 3, 100), key=lambda lr: np.linalg.norm(
        descent(np.zeros(2), lr, momentum, 40)[31:] - minimum, axis=1).max())


def study_parabola(minimum):
    """Descend with w alone, b held; return the figure and the table."""
    rows, panels, w = [], [], np.linspace(-0.9, 2.9, 99)
    J = line_loss(np.column_stack([w, 0 * w + minimum[1]]))
    for share in (0.5, 1, 1.9, 2.1):  # of 1 / lambda
        lr = share / BOWL[0, 0]
        path = descend(minimum * (0, 1), lr, 0, 4, np.array([1, 0]))
        rows.append({"eta*lambda": share, "eta": lr} | {
            f"w {k}": value for k, value in enumerate(path[:, 0])})
        panels.append((f"ηλ = {share}: factor {1 - share:.1f}".replace("-", "−"), {
            "_": (w, J, GREY, "-"), "_path": (path[:, 0], line_loss(path), RED, ".-"),
            "start": (path[:1, 0], line_loss(path[:1]), RED, "o")},
            {"xlabel": "w", "ylabel": "loss J", "ylim": (0, 5), "xticks": (0, 1, 2)}))
    return plot_panels(panels, 4), print_table(
        "Part one, a line through 4 points: w moves alone, b = 3 is held", rows)


def study_bowl(args):
    """Descend in the parabola and in the bowl; return figures and tables."""
    (low, high), vectors = np.linalg.eigh(BOWL)
    start, rows, panels, errors = np.zeros(2), [], [], {}
    minimum = np.linalg.solve(BOWL, -line_gradient(start))  # (6.9)
    parabola, table = study_parabola(minimum)
    t = np.linspace(0, 2 * np.pi, 99)
    circle = np.column_stack([np.cos(t) / low**0.5, np.sin(t) / high**0.5]) @ vectors.T
    rings = {f"_{r}": (*(minimum + r * circle).T, GREY, "-") for r in (1, 2.5, 4.61)}
    for name, lr, mu, colour in (
            ("half", 1 / high, 0, "#56B4E9"), ("above", 2.1 / high, 0, "#CC79A7"),
            ("best", 2 / (high + low), 0, BLUE),
            ("momentum", args.bowl_lr, args.momentum, RED),
            ("Adam", None, 0.9, "#009E73"), ("light Adam", None, 0.36, ORANGE),
            ("heavy", None, 0.9, "k")):
        descent = descend_adam if "Adam" in name else descend
        lr = lr or best_rate(descent, mu, minimum)
        path = descent(start, lr, mu, 40)
        roots = [np.roots([1, lr * v - 1 - mu, mu]) for v in (low, high)]
        error = np.linalg.norm(path - minimum, axis=1)
        rows.append({"descent": name, "eta": lr, "momentum": mu, "error 40": error[40],
                     "factor": (error[40] / error[20]) ** (1 / 20), "theory": np.nan
                     if descent is descend_adam else np.abs(roots).max()})  # (6.30)
        errors["_" + name] = (np.arange(41), error, colour, "-")
        panels.append((f"{name}: {error[40]:.3g} is left", rings | {
            "_": (*path.T, colour, ".-"), "_start": (*start, "k", "o"),
            "_goal": (*minimum, "k", "x")}, dict(
            aspect=1, xlim=(-3, 5.5), ylim=(-1, 7), xlabel="w", ylabel="b")))
    fig, height = plot_panels([("A constant factor is a straight line", errors, dict(
        yscale="log", xlabel="step", ylabel="distance to lowest point"))], 1), 0
    for name in sorted(errors, key=lambda name: errors[name][1][40]):
        height = max(errors[name][1][40], 4 * height)  # above the name before
        fig.axes[0].text(40.5, height, name[1:], color=errors[name][2], va="center")
    tables = {"parabola": table, "bowl": print_table(f"Both move: eigenvalues {high:g} "
        f"and {low:g}, condition number {high / low:g}, limit {2 / high:g}", rows)}
    return {"parabola": parabola, "errors": fig, "descents": plot_panels(panels[:6], 3),
            "bowl": plot_bowl(minimum, descend(start, 1 / high, 0, 40))}, tables


def look_around(theta, X, y, epoch, rng):
    """Return a row of what loss and Hessian say at theta, and a panel of slices."""
    values, vectors = np.linalg.eigh(hessian_times(np.eye(theta.size), theta, X, y))
    d, t = rng.normal(size=(1000, theta.size)), np.linspace(-1.5, 1.5, 99)
    d = d / np.linalg.norm(d, axis=1, keepdims=True)  # directions of length 1
    bends = (d @ vectors) ** 2 @ values  # (1000,), d.H d  (6.26)
    row = {"epoch": epoch, "loss": loss_at(theta, X, y),
           "slope": np.linalg.norm(gradient(theta, X, y)), "least": values[0],
           "largest": values[-1], "below 0": np.sum(values < -1e-6),  # rounding: 1e-10
           "mean": values.mean(), "slices": bends.mean(), "down": np.mean(bends < 0),
           "5th": np.quantile(bends, 0.05), "95th": np.quantile(bends, 0.95)}
    lines = {name: (t, [loss_at(theta + s * v, X, y) for s in t], colour, "-") for name,
             v, colour in (("random", d[:20], GREY), ("most", vectors.T[-1:], RED),
                           ("least", vectors.T[:1], BLUE))}
    return row, (f"Epoch {epoch}: {np.mean(bends < 0):.0%} bend down", lines, dict(
        xlim=(-2, 1.6), ylim=(0, 1.5), xlabel="distance t", ylabel="loss J"))


def look_at_planes(path, X, y, steepest):
    """Return pictures of two planes through the end of a path, and what one holds."""
    directions, shadow, distance, share = plane_of_path(path)
    alphas, betas = np.linspace(shadow.min(0) - 1, shadow.max(0) + 1, 81).T  # 1: sides
    wall = steepest - steepest @ directions[0] * directions[0]  # at a right angle
    figures, levels, angle = {}, np.linspace(-2, 2, 21), -15  # into the gorge
    for name, second, title, label in (
            ("surface", directions[1], "Plane of the path", "second"),
            ("walls", wall / np.linalg.norm(wall), "Path and wall", "steepest")):
        two = np.array([directions[0], second])  # (2, P)
        bend = np.linalg.eigvalsh(two @ hessian_times(two, path[-1], X, y).T)[-1]
        z = np.log10(loss_on_plane(path[-1], *two, alphas, betas, X, y))
        spots = (path - path[-1]) @ two.T  # (T, 2)
        below = np.log10(loss_at(path[-1] + spots @ two, X, y))
        figures[name] = plot_plane(alphas, betas, z, np.column_stack([spots, below]), (
            "α, along the path", f"β, {label} direction", "log10 J"),
            f"{title}: curvature {bend:.2g} at the end", levels, angle)[0]
    ratio = loss_at(path, X, y) / loss_at(path[-1] + shadow @ directions, X, y)
    found = {"share": share, "off_plane": distance.max(), "loss ratio": ratio.max()}
    return figures, directions, found


def study_network(args, X, y, start, rng):
    """Train the network and look around; return its end, figures and tables."""
    path, moments = train(start, X, y, args.epochs, args.lr)
    rows, panels = zip(*[look_around(path[k], X, y, moments[k], rng) for k in sorted(
        {*range(0, len(path), 10), len(path) - 1})])
    print_table(f"Part two, a network with {start.size} weights and biases", rows)
    if rows[-1]["loss"] > 0.9 * rows[0]["loss"]:
        print("The loss has hardly fallen: try more --epochs or a larger --lr.")
    H = hessian_times(np.eye(start.size), path[-1], X, y)
    planes, directions, found = look_at_planes(path, X, y, np.linalg.eigh(H)[1][:, -1])
    print_table("The plane of the path: what it holds, and what it hides", [found])
    seen = {"plane": np.linalg.eigvalsh(directions @ H @ directions.T), "all of H":
            np.linalg.eigvalsh(H), "Lanczos": lanczos(path[-1], X, y, 10, rng)}
    found |= {"network": rows, "seen": print_table("Curvature at the end, as seen by", [
        {"by": name, "least": v[0], "largest": v[-1]} for name, v in seen.items()])}
    x = np.linspace(-1, 1, 99)[:, None]
    fit = ("The curve learnt", {"_": (X, y, GREY, "."), "_fit": (
        x, forward(unpack(path[-1]), x)["a2"], RED, "-")}, dict(xlabel="x", ylabel="y"))
    return path[-1], planes | {"network": plot_panels(
        [fit, panels[0], panels[-1]], 3)}, found


def study_further(args, X, y, end, rng):
    """Look along lines, and train pairs at two rates; return figures and tables."""
    M, starts = args.hidden, pack(init_params(args.hidden, rng, (10,)))
    rows, lines, t = [], {}, np.linspace(0, 1, 101)
    orders = [rng.permutation(M) for _ in starts]  # of the hidden units
    same = [end[[*order, *(M + order), *(2 * M + order), 3 * M]] for order in orders]
    others = train(starts, X, y, args.epochs, args.lr)[0][-1]
    for name, goals, colour in (("others", others, BLUE), ("itself", same, RED)):
        J = np.array([loss_at(end + np.outer(t, goal - end), X, y) for goal in goals])
        rows.append({"to": name} | {
            f.__name__: f(J.max(axis=1)) for f in (np.mean, np.min, np.max)})
        lines[name] = (t, J.T, colour, "-")
    tables = {"barriers": print_table(
        "Highest losses on 10 lines to other ends, and to itself permuted", rows)}
    X, y = (np.concatenate([each, each]) for each in make_data(rng, (10,)))
    rates = np.repeat([0.2, 0.3], 10)[:, None]  # (20, 1), limits of 10 and 6.67
    path, _ = train(np.concatenate([starts, starts]), X, y, args.epochs, rates)
    ends, x, rows, edge = path[-1], np.linspace(-1, 1, 401)[:, None], [], {}
    twice = [np.concatenate([each, each]) for each in (ends, X, y)]  # swapped, kept
    after, _ = train(*twice, args.epochs, np.concatenate([rates[::-1], rates]))
    facts = {"largest": largest(ends, X, y), "kept": largest(after[-1][20:], X, y),
             "swapped": largest(after[-1][:20], X, y), "filters": np.zeros(20),
             "loss": loss_at(ends, X, y), "new": loss_at(ends, x, np.sin(4 * x)) + 0.02}
    for i, end in enumerate(ends):  # 0.02 was half the noise's 0.04
        d = normalise_filters(rng.normal(size=(100, end.size)), end)
        facts["filters"][i] = np.sum(d * hessian_times(d, end, X[i], y[i])) / 100
    for lr, k, colour in ((0.2, 0, BLUE), (0.3, 10, RED)):
        rows.append({"eta": lr, "2 / eta": 2 / lr} | {
            name: each[k:k + 10].mean() for name, each in facts.items()})
        steps = np.concatenate([path[:, k], after[:, k]])  # (202, P)
        curve = largest(steps, [X[k]] * len(steps), [y[k]] * len(steps))
        edge[f"η = {lr:g} first"] = (np.arange(len(steps)), curve, colour, "-")
        edge[f"_{k}"] = ([0, 2 * len(path)], [2 / lr] * 2, colour, "--")
    pairs = {name: each[:10] - each[10:] for name, each in facts.items()}
    rows += [{"eta": "difference", "2 / eta": "-"} | {k: np.mean(d) for k, d in
             pairs.items()}, {"eta": "error", "2 / eta": "-"} | {
             k: np.std(d, ddof=1) / 10**0.5 for k, d in pairs.items()}]
    tables["edge"] = print_table("Edge of stability, sharp and flat: means of 10", rows)
    return {"further": plot_panels([
        ("One network of ten: λ climbs to 2 / η (dashed)", edge, {
            "xlabel": "time (%), rates swapped at 100", "ylabel": "largest λ"}),
        ("Barriers, even to the same network", lines, {
            "xlabel": "share of the way", "ylabel": "loss J"})], 2)}, tables


def look(args):
    """Do both parts and Going further, draw and save."""
    rng = np.random.default_rng(args.seed)
    figures, metrics = study_bowl(args)
    data, start = make_data(rng), pack(init_params(args.hidden, rng))
    end, more, found = study_network(args, *data, start, rng)
    further, tables = ({}, {}) if CTRL_C else study_further(args, *data, end, rng)
    if CTRL_C:
        print("Because of Ctrl-C, Going further is missing or not complete.")
    save_results(args, figures | more | further, metrics | found | tables)


def main(argv=None):
    """Run the lesson from the command line; return the exit status."""
    return run_safely(look, parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
