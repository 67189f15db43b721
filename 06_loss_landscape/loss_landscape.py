# /// script
# requires-python = ">=3.10"
# dependencies = ["numpy>=2.0", "matplotlib>=3.9", "scikit-learn>=1.5"]
# ///
"""What surface does gradient descent walk on, and can a picture of it be trusted?

    one   X (N, 1) -> W1 (1, 1), b1 (1,) -> z1 = w x + b, mean squared error
    two   X (N, 2) -> W1 (2, H1) -> tanh -> ... -> WL (., 1) -> sigmoid -> aL (N, 1)

theta (P,) is all W and b in one row, d and e are directions for it, H is the Hessian of
the loss, (P, P). Every array may have one more axis in front, of T networks: the points
of a picture are one batch. (6.3) is an equation in README.md.

    python loss_landscape.py --animate
    python loss_landscape.py --data circles --activation relu --hidden 32
"""

import argparse
import json
import math
import sys
import tempfile
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.animation import FuncAnimation, PillowWriter

TRUTH = {"color": "#000000", "linestyle": "--"}  # the truth, a bound, a theory line
STYLE = {"axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False,
         "axes.titlelocation": "left", "axes.titlesize": 11, "axes.titleweight": "bold"}
PALETTE = ["#56B4E9", "#009E73", "#D55E00", "#CC79A7", "#E69F00"]  # Okabe & Ito's
NO_PATH = np.empty((0, 3))
POINTS, NETWORKS, MOST_BYTES = 200, 5, 2**30  # to train on; side by side; of a grid


class InputError(ValueError):
    """Bad input that the user can mend; the message is one sentence that says how."""


# --- Data -----------------------------------------------------------------------------


def load_data(args, rng):
    """Return two tasks: X (N, D), y (N, 1), net (activation, output), like (params)."""
    from sklearn.datasets import make_circles, make_moons

    x, net = rng.uniform(0, 3, size=(50, 1)), (args.activation, "sigmoid")
    line = {"X": x, "y": 2 * x + 3 + rng.normal(size=x.shape),
            "net": ("tanh", "linear"), "like": init_params([1, 1], "tanh", rng)}
    make, more = {"moons": (make_moons, {}),
                  "circles": (make_circles, {"factor": 0.3})}[args.data]
    X, y = make(2 * POINTS, noise=0.25, random_state=int(rng.integers(2**31)), **more)
    X, y = np.split(X, 2), np.split(y[:, None].astype(float), 2)
    return line, {"X": X[0], "y": y[0], "test_X": X[1], "test_y": y[1], "net": net,
                  "like": init_params([2, *args.hidden, 1], args.activation, rng)}


# --- Model ----------------------------------------------------------------------------

FUNCTIONS = {  # name: (function of z, first and second derivative from z and a)
    "tanh": (np.tanh, lambda z, a: 1 - a**2, lambda z, a: -2 * a * (1 - a**2)),
    "relu": (lambda z: np.maximum(0, z), lambda z, a: z > 0, lambda z, a: 0.0),
    "sigmoid": (lambda z: 0.5 * (1 + np.tanh(0.5 * z)), lambda z, a: a * (1 - a)),
    "linear": (np.asarray, lambda z, a: np.ones_like(z))}


def init_params(sizes, activation, rng, trials=()):
    """Return W1 (D, H1), b1 (H1,), ..., WL, bL, each after the axes ``trials``."""
    params, gain = {}, 2.0 if activation == "relu" else 1.0  # ReLU cuts off one half
    for k, (n_in, n_out) in enumerate(zip(sizes, sizes[1:]), start=1):
        params[f"W{k}"] = np.sqrt(gain / n_in) * rng.normal(size=(*trials, n_in, n_out))
        params[f"b{k}"] = np.zeros((*trials, n_out))
    return params


def forward(params, X, net):
    """Return the cache a0 = X (N, D), z1, a1, ..., zL, aL (N, 1) of one or T nets."""
    cache, L = {"a0": X}, len(params) // 2
    for k in range(1, L + 1):
        b = params[f"b{k}"][..., None, :]  # a row
        z = cache[f"a{k - 1}"] @ params[f"W{k}"] + b  # (N, n_k)  (6.1)
        cache[f"z{k}"], cache[f"a{k}"] = z, FUNCTIONS[net[k == L]][0](z)  # (N, n_k)
    return cache


# --- Loss and gradients ---------------------------------------------------------------

FACTOR = {"linear": 2, "sigmoid": 1}  # dL/dzL is this times (aL - y) / N


def loss(cache, y, net):
    """Return the mean squared error (linear) or cross-entropy (sigmoid), () or (T,)."""
    z = cache[f"z{len(cache) // 2}"]  # of the last layer
    each = (z - y) ** 2 if net[1] == "linear" else np.logaddexp(0, z) - y * z  # (6.2)
    return each.sum(axis=(-2, -1)) / len(y)


def backward(params, cache, y, net):
    """Return the gradient dW1, db1, ..., dbL under the keys of ``params``."""
    grads, L = dict(params), len(params) // 2
    dz = FACTOR[net[1]] * (cache[f"a{L}"] - y) / len(y)  # (N, 1)  (6.3)
    for k in range(L, 0, -1):
        a, W = cache[f"a{k - 1}"], params[f"W{k}"]
        grads[f"W{k}"] = a.swapaxes(-1, -2) @ dz  # (n_{k-1}, n_k)  (6.4)
        grads[f"b{k}"] = dz.sum(axis=-2)  # (n_k,)
        if k > 1:
            da = dz @ W.swapaxes(-1, -2)  # (N, n_{k-1})
            dz = da * FUNCTIONS[net[0]][1](cache[f"z{k - 1}"], a)
    return grads


def pack(params):
    """Return all numbers of W1, b1, W2, ... in one row (P,), or (T, P)."""
    lead = params["b1"].shape[:-1]
    return np.concatenate([v.reshape(*lead, -1) for v in params.values()], axis=-1)


def unpack(theta, like):
    """Return the dict, with the shapes of ``like``, of theta (P,) or (T, P)."""
    ends = np.cumsum([v.size for v in like.values()])[:-1]
    return {key: part.reshape(*theta.shape[:-1], *v.shape)
            for (key, v), part in zip(like.items(), np.split(theta, ends, axis=-1))}


def loss_at(theta, task, part=""):
    """Return the loss at theta (P,) or (T, P), on the data or their part "test_"."""
    cache = forward(unpack(theta, task["like"]), task[part + "X"], task["net"])
    return loss(cache, task[part + "y"], task["net"])


def hessian_vector(theta, v, task):
    """Return H v at theta (P,) for v (P,) or (T, P), exactly, without forming H: R, the
    derivative along v, of each line of forward and backward (Pearlmutter, 1994)."""
    params, v, net = unpack(theta, task["like"]), unpack(v, task["like"]), task["net"]
    cache, scale = forward(params, task["X"], net), FACTOR[net[1]] / len(task["y"])
    L, Rgrads = len(params) // 2, dict(params)
    Ra, Rz = {0: np.zeros_like(task["X"])}, {}  # the inputs do not move
    for k in range(1, L + 1):
        a, W, slope = cache[f"a{k - 1}"], params[f"W{k}"], FUNCTIONS[net[k == L]][1]
        Rz[k] = Ra[k - 1] @ W + a @ v[f"W{k}"] + v[f"b{k}"][..., None, :]  # (6.8)
        Ra[k] = slope(cache[f"z{k}"], cache[f"a{k}"]) * Rz[k]  # (N, n_k)
    dz, Rdz = scale * (cache[f"a{L}"] - task["y"]), scale * Ra[L]  # (N, 1)
    for k in range(L, 0, -1):
        z, a, WT = cache.get(f"z{k - 1}"), cache[f"a{k - 1}"], params[f"W{k}"].T
        Rgrads[f"W{k}"] = Ra[k - 1].swapaxes(-1, -2) @ dz + a.T @ Rdz  # (6.9)
        Rgrads[f"b{k}"] = Rdz.sum(axis=-2)
        if k > 1:
            _, first, second = FUNCTIONS[net[0]]
            da, Rda = dz @ WT, Rdz @ WT + dz @ v[f"W{k}"].swapaxes(-1, -2)
            Rdz = Rda * first(z, a) + da * second(z, a) * Rz[k - 1]  # (6.10)
            dz = da * first(z, a)
    return pack(Rgrads)


def top_eigenvalues(theta, task, k):
    """Return the k largest eigenvalues of H at theta, in falling order (Lanczos' method
    by ARPACK, for H + 1: it cannot start where its matrix maps the start to 0)."""
    from scipy.sparse.linalg import LinearOperator, eigsh

    H1 = LinearOperator(2 * theta.shape, lambda v: v + hessian_vector(theta, v, task))
    values = eigsh(H1, k, which="LA", v0=np.ones(theta.size), return_eigenvectors=False)
    return values[::-1] - 1


def loss_on_plane(theta, axes, alphas, betas, task):
    """Return the losses (len(betas), len(alphas)) at theta + alpha d + beta e, where
    axes (2, P) holds d and e. All points are one batch of networks, in pieces that fit
    a core's cache. Raises InputError where a loss is not finite."""
    points = np.stack(np.meshgrid(alphas, betas), axis=-1).reshape(-1, 2)
    numbers = len(task["X"]) * max(v.shape[-1] for v in task["like"].values())
    size = max(1, 2**14 // numbers)
    pieces = np.split(points, range(size, len(points), size))
    thetas = (theta + piece @ axes for piece in pieces)  # (T, P) each  (6.11)
    surface = np.concatenate([loss_at(each, task) for each in thetas])
    if not np.all(np.isfinite(surface)):
        raise InputError("the loss is not finite on all of a plane; try a smaller --lr")
    return surface.reshape(len(betas), len(alphas))


def normalise_filters(directions, theta, like):
    """Give each column of each W (a filter: the weights into one neuron) of directions
    (T, P) the length it has in theta (P,); biases rest (Li et al., 2018)."""
    params, d = unpack(theta, like), unpack(directions, like)
    for key in d:
        ratio = 0.0  # for a bias
        if key[0] == "W":
            own = np.linalg.norm(d[key], axis=-2, keepdims=True)
            ratio = np.linalg.norm(params[key], axis=-2) / own  # (6.12)
        d[key] = ratio * d[key]
    return pack(d)


def fit_plane(path):
    """Lay the plane of two principal components of a path (T, P) through its end: axes
    (2, P), the share of variance each explains, the path's coordinates (T, 2) in the
    plane and its distances (T,) from it."""
    centred = path - path.mean(axis=0)
    twice = np.vstack([centred, centred])  # so that a path of one point has two axes
    _, s, axes = np.linalg.svd(twice, full_matrices=False)
    explained = s[:2] ** 2 / max(np.sum(s**2), 1e-300)  # (6.13)
    axes, offset = axes[:2], path - path[-1]
    coordinates = offset @ axes.T  # (T, 2)
    distance = np.linalg.norm(offset - coordinates @ axes, axis=1)  # (6.13)
    return axes, explained, coordinates, distance


# --- Training -------------------------------------------------------------------------


def train(theta, task, epochs, lr, batch_size, rng, beta=0.0, adam=False, quiet=True):
    """Descend from theta (P,) or (T, P) on mini-batches, with momentum beta or by Adam.

    Returns the end and the history: ``step`` at some 100 moments, the ``path`` and the
    ``loss`` on all data there. Raises FloatingPointError when that is not finite.
    """
    X, y, net = task["X"], task["y"], task["net"]
    velocity, m, v, step, every = 0.0, 0.0, 0.0, 0, max(1, epochs // 100)
    history = {"path": [theta], "step": [0], "loss": [loss_at(theta, task)]}
    try:
        for epoch in range(1, epochs + 1):
            order = rng.permutation(len(X))
            for rows in np.split(order, range(batch_size, len(X), batch_size)):
                params, step = unpack(theta, task["like"]), step + 1
                g = pack(backward(params, forward(params, X[rows], net), y[rows], net))
                if adam:  # Kingma & Ba (2015)
                    m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
                    root = np.sqrt(v / (1 - 0.999**step)) + 1e-8
                    velocity = -lr * m / (1 - 0.9**step) / root
                else:
                    velocity = beta * velocity - lr * g  # (6.5)
                theta = theta + velocity
            if epoch % every == 0 or epoch == epochs:
                for key, new in zip(history, (theta, step, loss_at(theta, task))):
                    history[key].append(new)
                mean = np.mean(history["loss"][-1])
                if not np.isfinite(mean):
                    raise FloatingPointError(f"training diverged in epoch {epoch}: the "
                                             f"loss is {mean}; try a smaller --lr")
                if not quiet and (epoch % (20 * every) == 0 or epoch == epochs):
                    print(f"{epoch:7,d}  {step:7,d}  {mean:8.4f}")
    except KeyboardInterrupt:
        print("Stopped by Ctrl-C; what was learnt so far is kept.")
    return history["path"][-1], {key: np.array(v) for key, v in history.items()}


# --- Figures --------------------------------------------------------------------------


def draw_surface(ax, x, y, z, low, high, path=NO_PATH):
    """Draw z over a plane in 3-D above its contours, and a path (T, 3) on both."""
    (x, y), floor = np.meshgrid(x, y), low - 0.6 * (high - low)
    colours = {"cmap": plt.get_cmap("viridis", 24), "vmin": low, "vmax": high}
    ax.computed_zorder = False  # contours first, the path last
    ax.contour(x, y, z, 12, zdir="z", offset=floor, linewidths=1, zorder=1, **colours)
    ax.plot_surface(x, y, z, rcount=101, ccount=101, linewidth=0, antialiased=False,
                    zorder=2, **colours)
    ax.plot(*path[:, :2].T, floor, color=PALETTE[2], linewidth=1.2, zorder=1)
    for colour, width in (("white", 4), (PALETTE[2], 2.2)):
        ax.plot(*path.T, color=colour, linewidth=width, zorder=3)
    ax.locator_params(nbins=5)
    ax.set(zlim=(floor, high), zticks=np.linspace(low, high, 4).round(2))
    ax.set_box_aspect((4, 4, 3), zoom=1.1)
    ax.view_init(38, -60)


def plot_bowl(plane, minimum, runs):
    """Draw the bowl of part one, the descents in it, and their rates beside theory."""
    layout = [["rates", "rates", "rates", "bowl", "bowl"], list(runs)]
    fig, axs = plt.subplot_mosaic(layout, figsize=(9, 6.6), layout="constrained",
                                  height_ratios=(3, 2),
                                  per_subplot_kw={"bowl": {"projection": "3d"}})
    low, high = plane[2].min(), plane[2].max()
    draw_surface(axs["bowl"], *plane, low, high, runs["half the limit"]["path"])
    for (name, run), colour in zip(runs.items(), PALETTE):
        error, theory = run["error"], run["theory"]
        axs["rates"].semilogy(error, color=colour, linewidth=2,
                              label=f"x {run['measured']:.3f}, {name}")
        if theory:
            t = np.arange(len(error) // 2, len(error))
            axs["rates"].semilogy(t, error[t[0]] * theory ** (t - t[0]), **TRUTH)
        axs[name].contourf(*plane, np.geomspace(low, high, 14), norm="log")
        axs[name].autoscale(False)
        axs[name].plot(*run["path"][:21, :2].T, ".-", color="white", linewidth=0.8)
        axs[name].plot(*minimum, "*", color=PALETTE[2], markersize=12)
        axs[name].set(xlabel="w", ylabel="b", title=name)
        axs[name].label_outer()
    axs["bowl"].set(xlabel="w", ylabel="b", title="The mean squared error")
    axs["rates"].set(xlabel="step", title="Distance to the minimum; dashed: theory")
    axs["rates"].legend(loc="lower left")
    return fig


def plot_planes(planes, path=NO_PATH):
    """Draw {name: plane}, each from above and in 3-D, and a path (T, 3) in it."""
    fig, axs = plt.subplots(len(planes), 2, figsize=(9, 0.6 + 3 * len(planes)),
                            squeeze=False, layout="constrained", width_ratios=(4, 5))
    z = np.array([plane[2] for plane in planes.values()])
    levels = np.linspace(z.min(), z.max() + 1e-9, 25)
    for (above, solid), (name, plane) in zip(axs, planes.items()):
        solid.remove()
        solid = fig.add_subplot(solid.get_subplotspec(), projection="3d")
        draw_surface(solid, *plane, levels[0], levels[-1], path)
        colours = above.contourf(*plane, levels)
        fig.colorbar(colours, ax=above, label="log10 of the loss", format="%.2f")
        above.plot(*path[:, :2].T, ".-", color="white", linewidth=1.2)
        above.plot(0, 0, "*", color="white", markeredgecolor="black", markersize=12)
        above.set(xlabel=r"$\alpha$", ylabel=r"$\beta$", title=name)
        solid.set(xlabel=r"$\alpha$", ylabel=r"$\beta$")
    return fig


def save_film(plane, path, file):
    """Write a GIF that turns the surface with the path on it once."""
    fig, ax = plt.subplots(figsize=(4.8, 4), subplot_kw={"projection": "3d"})
    draw_surface(ax, *plane, plane[2].min(), plane[2].max(), path)
    film = FuncAnimation(fig, lambda k: ax.view_init(38, 10 * k - 60), frames=36)
    film.save(file, writer=PillowWriter(fps=10), dpi=90)


def plot_training(runs, projected, distance, lines, lr):
    """Draw what a plane hides: loss and distance off it, curvature, other solutions."""
    fig, axs = plt.subplots(2, 2, figsize=(9, 6.8), layout="constrained")
    (true, away), (curved, straight) = axs
    steps, losses = runs[0]["step"], runs[0]["loss"][:, 0]
    true.plot(steps, losses, color=PALETTE[0], label="on the path")
    true.plot(steps, projected, color=PALETTE[2], label="projected on the plane")
    away.plot(steps, distance, color="#000000")
    for run, colour in zip(runs, PALETTE[2::-2]):
        curved.plot(run["step"], run["lambda"], color=colour, label=run["name"])
    curved.axhline(2 / lr, **TRUTH, label="2 / learning rate")
    for (name, line), colour in zip(lines.items(), ("#000000", *PALETTE)):
        straight.plot(np.linspace(-0.5, 1.5, len(line)), line, color=colour, label=name)
    true.set(title=f"True losses are up to {max(losses / projected):.1f} times the "
                   "plane's", xlabel="step", ylabel="loss")
    away.set(title=f"The path leaves its plane by up to {distance.max():.2g}",
             xlabel="step", ylabel="distance from the plane")
    curved.set(title="Curvature: the largest eigenvalue of H", xlabel="step")
    straight.set(title="Loss on the straight line to another point",
                 xlabel="share of the way", xticks=(-0.5, 0, 0.5, 1, 1.5))
    for ax in (true, curved, straight):
        ax.legend()
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
    flag("--data", choices=["moons", "circles"], default="moons",
         help="what the network learns (default: %(default)s)")
    flag("--activation", choices=["tanh", "relu"], default="tanh",
         help="of the hidden layers (default: %(default)s)")
    flag("--hidden", type=number(int, 1, 200), nargs="+", default=[16, 16], metavar="H",
         help="sizes of the hidden layers (default: 16 16)")
    flag("--epochs", type=number(int, 1, 10**5), default=100,
         help="passes with small batches; large ones take as many steps (default: "
              "%(default)s)")
    flag("--batch-size", type=number(int, 1, POINTS), default=10,
         help="of the small batches; the large are all points (default: %(default)s)")
    flag("--lr", type=number(float, 1e-9, 1e6), default=0.5,
         help="learning rate of part two (default: %(default)s)")
    flag("--grid", type=number(int, 2, 10**9), default=101, metavar="G",
         help="a picture shows G x G networks (default: %(default)s)")
    flag("--animate", action="store_true", help="also write surface.gif")
    args = parser.parse_args(argv)
    if 8 * args.grid**2 > MOST_BYTES:
        parser.error(f"a grid of {args.grid} x {args.grid} losses takes "
                     f"{8 * args.grid**2 / 1e9:,.1f} GB; try --grid 1001")
    return args


def part_one(args, task, rng):
    """Descend in the bowl of linear regression; return its figure and metrics."""
    print("Part one: fit a line to 50 points of y = 2 x + 3 + noise, from w = b = 0\n"
          "                    step     rate   theory")
    A = np.column_stack([task["X"], np.ones(len(task["X"]))])  # (N, 2)
    minimum = np.linalg.solve(A.T @ A, A.T @ task["y"][:, 0])  # (6.6)
    H = 2 * A.T @ A / len(A)  # (6.6)
    low, high = np.sqrt(np.linalg.eigvalsh(H))
    polyak = 4 / (high + low) ** 2, ((high - low) / (high + low)) ** 2
    runs = {"half the limit": (1 / high**2, 0), "near the limit": (1.94 / high**2, 0),
            "above it": (2.04 / high**2, 0), "momentum": polyak, "Adam": (0.5, 0)}
    for name, (lr, beta) in runs.items():
        adam = name == "Adam"
        _, history = train(np.zeros(2), task, 60, lr, len(A), rng, beta, adam)
        error = np.linalg.norm(history["path"] - minimum, axis=1)
        half = len(error) // 2  # by then only the slowest part of the error is left
        measured = (error[-1] / error[half - 1]) ** (1 / (len(error) - half))
        roots = [np.roots([1, lr * v**2 - 1 - beta, beta]) for v in (low, high)]
        theory = None if adam else np.abs(roots).max()  # (6.7)
        shown = "-" if adam else f"{theory:.4f}"
        runs[name] = {"path": np.column_stack([history["path"], history["loss"]]),
                      "error": error, "measured": measured, "theory": theory}
        print(f"{name:15s}  {lr:7.4f}  {measured:7.4f}  {shown:>7s}")
    end, kappa, limit = runs["momentum"]["path"][-1, :2], (high / low) ** 2, 2 / high**2
    print(f"Condition number {kappa:.2f}; steps below 2 / {high**2:.4f} = {limit:.4f} "
          "converge.\nThe minimum is w = {:.6f}, b = {:.6f};".format(*minimum),
          "momentum ends at {:.6f}, {:.6f}.".format(*end))
    plane = [m + 1.3 * abs(m) * np.linspace(-1, 1, args.grid) for m in minimum]
    plane.append(loss_on_plane(np.zeros(2), np.eye(2), *plane, task))
    return {"bowl": plot_bowl(plane, minimum, runs)}, {
        "minimum": {"found": end, "exact": minimum}, "lambda_max": high**2,
        "condition_number": kappa, "limit": limit,
        "rate_measured": {k.split()[0]: run["measured"] for k, run in runs.items()},
        "rate_theory": {k.split()[0]: run["theory"] for k, run in runs.items()}}


def train_both(args, task, rng):
    """Train in small and large batches; return histories, and how sharp they end."""
    start = init_params([2, *args.hidden, 1], args.activation, rng, (NETWORKS,))
    steps, runs, sharpness = args.epochs * math.ceil(POINTS / args.batch_size), [], {}
    for key, size, epochs in (("small", args.batch_size, args.epochs),
                              ("large", POINTS, steps)):
        print(f"\nPart two: {NETWORKS} networks, {size} of {POINTS} points a step\n"
              "  epoch     step     loss")
        ends, run = train(pack(start), task, epochs, args.lr, size, rng, quiet=False)
        found = {"lambda_max": [top_eigenvalues(end, task, 1)[0] for end in ends],
                 "normalised": [], "loss": run["loss"][-1],
                 "test_loss": loss_at(ends, task, "test_")}
        for end in ends:  # the mean of d.H d over 20 random directions d
            d = normalise_filters(rng.normal(size=(20, len(end))), end, task["like"])
            found["normalised"].append(np.sum(d * hessian_vector(end, d, task)) / 20)
        sharpness[key] = {k: {"mean": np.mean(v), "sd": np.std(v)}
                          for k, v in found.items()}
        print(", ".join("{} {mean:.3f} +- {sd:.3f}".format(k, **v)
                        for k, v in sharpness[key].items()))
        curve = [top_eigenvalues(theta, task, 1)[0] for theta in run["path"][:, 0]]
        runs.append(run | {"name": f"{size} points a step", "lambda": curve})
    return runs, sharpness


def study_path(args, task, runs):
    """Draw a path in its plane, and what the plane hides; return figures, metrics."""
    path, began = runs[0]["path"][:, 0], time.perf_counter()
    axes, explained, shadow, distance = fit_plane(path)
    low, high, end = shadow.min(axis=0), shadow.max(axis=0), path[-1]
    margin = 0.35 * max(high - low) + 1e-3
    alphas, betas = np.linspace(low - margin, high + margin, args.grid).T
    z = np.log10(loss_on_plane(end, axes, alphas, betas, task))
    seconds, share = time.perf_counter() - began, explained.sum()
    print(f"A plane holds {share:.1%} of a path's variance; of a random walk's, 76 %.\n"
          f"Its picture is {args.grid**2:,} networks, computed in {seconds:.2f} s.")
    projected, t = loss_at(end + shadow @ axes, task), np.linspace(-0.5, 1.5, 101)
    others = {"its start": path[0], "another end": runs[0]["path"][-1, 1],
              runs[1]["name"]: runs[1]["path"][-1, 0]}
    lines = {name: loss_at(end + t[:, None] * (other - end), task)
             for name, other in others.items()}
    plane, shadow = (alphas, betas, z), np.column_stack([shadow, np.log10(projected)])
    if args.animate:
        save_film(plane, shadow, args.out / "surface.gif")
    title = f"{share:.0%} of the path's variance"
    return {"surface": plot_planes({title: plane}, shadow),
            "training": plot_training(runs, projected, distance, lines, args.lr)}, {
        "grid_seconds": seconds, "explained_variance": share,
        "off_plane": distance.max(), "line_peak": lines["another end"].max(),
        "worst_ratio": np.max(runs[0]["loss"][:, 0] / projected)}


def look(args):
    """Do both parts, draw and save."""
    rng = np.random.default_rng(args.seed)
    line, task = load_data(args, rng)
    make_folder(args.out)
    figures, metrics = part_one(args, line, rng)
    runs, metrics["sharpness"] = train_both(args, task, rng)
    more_figures, more_metrics = study_path(args, task, runs)
    t, planes = np.linspace(-1, 1, args.grid), {}
    d = rng.normal(size=(2, runs[0]["path"].shape[-1]))
    for run in runs:
        end = run["path"][-1, 0]
        axes = normalise_filters(d, end, task["like"])
        name = f"{run['name']}: largest eigenvalue {run['lambda'][-1]:.2g}"
        planes[name] = t, t, np.log10(loss_on_plane(end, axes, t, t, task))
    figures |= more_figures | {"minima": plot_planes(planes)}
    save_results(args, figures, metrics | more_metrics, ["surface.gif"] * args.animate)


def main(argv=None):
    """Run the lesson from the command line; return the exit status."""
    return run_safely(look, parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
