# /// script
# requires-python = ">=3.10"
# dependencies = ["numpy>=2.0", "matplotlib>=3.9"]
# ///
"""What happens inside a network while it learns?

    X (N, 2) -> W1 (2, H1) -> tanh -> ... -> WL (., 1) -> sigmoid -> aL (N, 1)

N points of the plane; any number of hidden layers, H1, H2, ... neurons wide. Each
neuron shows what it computes over the plane; each line is a weight, blue below zero and
orange above. With a display a window opens, to play with. Without one, or with --save,
the same picture becomes PNG files, a GIF and an HTML page. (4.3) is an equation in
README.md; ``activations`` names the function of each layer, from "inputs" on.

    python nn_visualizer.py                    XOR: four corners, two classes
    python nn_visualizer.py --data spiral --hidden 16 8 --points 500 --epochs 1000
    python nn_visualizer.py --activation relu --save
"""

import argparse
import json
import math
import re
import signal
import sys
import tempfile
import textwrap
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.animation import HTMLWriter, PillowWriter
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.widgets import Button, RadioButtons, Slider

TRAIN_COLOUR, VALIDATION_COLOUR, TEST_COLOUR = "#56B4E9", "#D55E00", "#009E73"
SIGNED = LinearSegmentedColormap.from_list("signed", ["#0072B2", "#FFFFFF", "#E69F00"])
STYLE = {"axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False,
         "axes.titlelocation": "left", "axes.titlesize": 11, "axes.titleweight": "bold"}


class InputError(ValueError):
    """Bad input that the user can mend; the message is one sentence that says how."""


# --- Data -----------------------------------------------------------------------------

DATA = ["xor", "circle", "gaussians", "spiral", "moons", "plane"]


def make_data(name, n_points, noise, rng):
    """Return X (N, 2) within +-3 or so and y (N, 1): classes 0 and 1, or heights.

    ``noise`` is the standard deviation of what is added to X, or to y for the plane.
    """
    u, turn = rng.uniform(size=n_points), 2 * np.pi * rng.uniform(size=n_points)
    y = np.arange(n_points) % 2
    X = rng.uniform(-3, 3, size=(n_points, 2))
    if name == "plane":
        return X, (X.sum(axis=1) / 3 + noise * rng.normal(size=n_points))[:, None]
    if name == "xor":  # a round cloud about each corner of a square
        y = X[:, 0] * X[:, 1] < 0
        disc = np.sqrt(u)[:, None] * np.column_stack([np.cos(turn), np.sin(turn)])
        X = 2 * np.sign(X) + 1.4 * disc
    elif name == "gaussians":
        X = 0.7 * rng.normal(size=X.shape) + np.where(y, 1.4, -1.4)[:, None]
    elif name == "moons":
        half = np.column_stack([np.cos(np.pi * u) - 0.5, np.sin(np.pi * u) - 0.25])
        X = 1.8 * np.where(y[:, None], -half, half)
    else:  # in polar coordinates
        r = np.where(y, 1.4 * np.sqrt(u), 2.1 + 0.9 * u)
        if name == "spiral":
            r, turn = 3 * u, 3.5 * np.pi * u + np.pi * y
        X = r[:, None] * np.column_stack([np.sin(turn), np.cos(turn)])
    return X + noise * rng.normal(size=X.shape), y[:, None].astype(float)


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


def load_data(name, csv_path, n_points, noise, rng):
    """Return a dict: X, y to train on, test_X, test_y, what the output neuron is.

    The columns of a file are scaled by mean and std of the half to train on. Raises
    InputError where a file does not hold two classes.
    """
    names, mean, std = ["x1", "x2"], np.zeros(2), np.ones(2)
    if name == "csv":
        X, labels, names = read_points(csv_path)
        classes, index = np.unique(labels, return_inverse=True)
        if len(classes) != 2 or len(X) < 4:
            raise InputError(f"{csv_path} holds {len(X)} row(s) with {len(classes)} "
                             "different label(s), but one output neuron needs at least "
                             "4 rows with exactly 2 labels")
        order = rng.permutation(len(X))
        X, y = X[order], index.reshape(-1, 1)[order].astype(float)
        training = X[: len(X) // 2]
        mean, std = training.mean(axis=0), training.std(axis=0)
        X = (X - mean) / np.where(std > 0, std, 1.0)
    else:
        X, y = make_data(name, 2 * n_points, noise, rng)
    half = len(X) // 2
    return {"X": X[:half], "y": y[:half], "test_X": X[half:], "test_y": y[half:],
            "names": names[:2], "output": "linear" if name == "plane" else "sigmoid",
            "mean": mean, "std": std}


# --- Model ----------------------------------------------------------------------------


def relu(z):
    """Return max(0, z), element by element."""
    return np.maximum(0.0, z)


def sigmoid(z):
    """Return 1 / (1 + exp(-z)), element by element, in a form that cannot overflow."""
    return 0.5 * (1.0 + np.tanh(0.5 * z))


ACTIVATIONS = {  # name: (function of z, derivative from z and a)
    "sigmoid": (sigmoid, lambda z, a: a * (1 - a)),
    "tanh": (np.tanh, lambda z, a: 1 - a**2),
    "relu": (relu, lambda z, a: np.where(z > 0, 1.0, 0.0)),
}  # a script with more activations calls its table by another name


def init_params(sizes, activation, rng):
    """Return W1 (D, H1), b1 (H1,), ..., WL, bL for the layer sizes D, H1, ..., K."""
    params, gain = {}, 2.0 if activation == "relu" else 1.0  # ReLU cuts off one half
    for k, (n_in, n_out) in enumerate(zip(sizes, sizes[1:]), start=1):
        params[f"W{k}"] = rng.normal(size=(n_in, n_out)) * np.sqrt(gain / n_in)  # (4.1)
        params[f"b{k}"] = np.zeros(n_out)
    return params


def forward(params, X, activations):
    """Return the cache a0 = X (N, D), z1, a1 (N, H1), ..., zL, aL (N, K)."""
    cache = {"a0": X}
    for k, name in enumerate(activations[1:], start=1):
        z = cache[f"a{k - 1}"] @ params[f"W{k}"] + params[f"b{k}"]  # (N, n_k)  (4.2)
        a = z if name == "linear" else ACTIVATIONS[name][0](z)  # (N, n_k)  (4.3)
        cache[f"z{k}"], cache[f"a{k}"] = z, a
    return cache


# --- Loss and gradients ---------------------------------------------------------------


def loss(cache, y, output):
    """Return cross-entropy (sigmoid) or half the squared error (linear), y (N, K)."""
    z = cache[f"z{len(cache) // 2}"]  # of the last layer
    if output == "sigmoid":
        return np.sum(np.logaddexp(0.0, z) - y * z) / len(y)  # (4.4)
    return np.sum((z - y) ** 2) / (2 * len(y))  # (4.5)


def backward(params, cache, y, activations):
    """Return dW1, db1, ..., dbL under the keys of params; both losses begin alike."""
    grads, L = dict(params), len(params) // 2
    dz = (cache[f"a{L}"] - y) / len(y)  # (N, K)  (4.6)
    for k in range(L, 0, -1):
        grads[f"W{k}"] = cache[f"a{k - 1}"].T @ dz  # (n_{k-1}, n_k)  (4.7)
        grads[f"b{k}"] = dz.sum(axis=0)  # (n_k,)
        if k > 1:
            z, a = cache[f"z{k - 1}"], cache[f"a{k - 1}"]
            da = dz @ params[f"W{k}"].T  # (N, n_{k-1})
            dz = da * ACTIVATIONS[activations[k - 1]][1](z, a)  # (N, n_{k-1})  (4.8)
    return grads


# --- Training -------------------------------------------------------------------------


def is_progress_epoch(epoch, epochs):
    """Say whether this epoch is one of the ten or so that print a line."""
    return epoch in (1, epochs) or epoch % max(1, epochs // 10) == 0


def stop_if_diverged(value, epoch):
    """Raise FloatingPointError, with advice, when a loss has exploded."""
    if not abs(value) < 1e9:  # nan, too
        raise FloatingPointError(f"training diverged in epoch {epoch}: the loss is "
                                 f"{value:.3g}; try a smaller --lr")


def flat(params, kinds="Wb"):
    """Return all numbers in one row, in the order W1, b1, W2, ...; or one kind only."""
    return np.concatenate([v.ravel() for k, v in params.items() if k[0] in kinds])


def measure(params, data, activations, epoch):
    """Return a row of the history: weights, losses, scores and gradient of an epoch.

    A score is the accuracy, or of a regression R2, the share of variance explained.
    """
    row = {"epoch": epoch, "params": params, "weights": flat(params)}
    for part in ("test_", ""):
        cache, y = forward(params, data[part + "X"], activations), data[part + "y"]
        a = cache[f"a{len(activations) - 1}"]
        row[part + "loss"] = loss(cache, y, activations[-1])
        stop_if_diverged(row[part + "loss"], epoch)
        if activations[-1] == "sigmoid":
            row[part + "score"] = np.mean((a > 0.5) == y)
        else:  # not below -1, to be short enough to print
            row[part + "score"] = max(-1.0, 1 - np.mean((a - y) ** 2) / np.var(y))
    row["grads"] = backward(params, cache, y, activations)
    row["gradient"] = np.linalg.norm(flat(row["grads"]))  # (4.10)
    return row


def train(params, data, activations, epochs, lr, batch_size, rng, history, quiet=False):
    """Do some epochs of mini-batch gradient descent, each in a new random order.

    Appends a row to the history after each and returns the last params with it. Raises
    FloatingPointError when the loss is no longer finite.
    """
    X, y, first = data["X"], data["y"], history[-1]["epoch"] + 1
    for epoch in range(first, first + epochs):
        order = rng.permutation(len(X))
        for start in range(0, len(X), batch_size):
            rows = order[start : start + batch_size]
            cache = forward(params, X[rows], activations)
            grads = backward(params, cache, y[rows], activations)
            params = {k: params[k] - lr * grads[k] for k in params}  # (4.9)
        history.append(measure(params, data, activations, epoch))
        if not quiet and is_progress_epoch(epoch, epochs):
            print("{epoch:5d}  {loss:8.4g}  {score:9.1%}  {test_score:6.1%}  "
                  "{gradient:8.2g}".format(**history[-1]))
    return params, history


# --- Figures --------------------------------------------------------------------------

LOOK = {"font.size": 9, "axes.titlesize": 10, "axes.titley": 1.0, "axes.labelpad": 2}
GREY, GRID = "#555555", 40  # points along each side of a heat map
SHADES = SIGNED.resampled(25)  # steps that the eye can follow, and small files
BOXES = {"net": (0, 2, 6, 3.6), "surface": (6.25, 2.45, 2.2, 2.2),
         "scale": (8.5, 2.45, 0.08, 2.2), "loss": (0.6, 0.45, 1.4, 1.2),
         "score": (2.55, 0.45, 1.25, 1.2), "weights": (4.3, 0.45, 2.45, 1.2),
         "gradient": (7.35, 0.45, 1.4, 1.2)}  # left, bottom, width, height in inches
HINT = "Point at a neuron or a line; click on a data point, or elsewhere to go back."


def formula(params, k, j, inputs, activation):
    """Return what neuron j of layer k computes from inputs, which are texts."""
    products = [f"{w:+.3f}*{x}" for w, x in zip(params[f"W{k}"][:, j], inputs)]
    return f"{activation}({' '.join(products)} {params[f'b{k}'][j]:+.3f})"


def explain(params, x, activations):
    """Return lines with each product and sum of the forward pass of a point x (2,)."""
    cache = forward(params, x[None], activations)
    lines = ["The ringed point: a0[0] = {:.3f}, a0[1] = {:.3f}".format(*x)]
    for k, name in enumerate(activations[1:], start=1):
        inputs = [f"{a:.3f}" for a in cache[f"a{k - 1}"][0]]
        for j, (z, a) in enumerate(zip(cache[f"z{k}"][0], cache[f"a{k}"][0])):
            text = formula(params, k, j, inputs, name)
            lines.append(f"a{k}[{j}] = {text} = {name}({z:.3f}) = {a:.3f}")
    return lines


def hover_text(row, place, activations):
    """Return number and formula of a neuron (k, j), a weight (k, i, j), or a hint."""
    if place is None:
        return HINT
    k, j, params = place[0], place[-1], row["params"]
    if k == 0:
        return f"a0[{j}]: coordinate {j + 1} of a point"
    inputs = [f"a{k - 1}[{i}]" for i in range(len(params[f"W{k}"]))]
    if len(place) == 2:
        text = formula(params, k, j, inputs, activations[k])
        return textwrap.fill(f"a{k}[{j}] = {text}; the last number is the bias", 72)
    i, name = place[1], f"W{k}[{place[1]}, {j}]"
    w, slope = params[f"W{k}"][i, j], row["grads"][f"W{k}"][i, j]
    return (f"{name} = {w:+.4f}, from {inputs[i]} to z{k}[{j}]\n"
            f"d{name} = sum of {inputs[i]}*dz{k}[{j}] over all points = {slope:+.1e}")


def weight_colours(weights):
    """Return a colour for each weight: blue below zero, orange above, never white."""
    return SIGNED(0.5 + np.sign(weights) * (0.15 + 0.35 * np.tanh(np.abs(weights))))


class Visualizer:
    """A network that learns, its picture on a figure, and a window to touch it."""

    def __init__(self, args, live=False):
        self.args, self.playing = args, live
        self.fig = self.top = plt.subplots(figsize=(9, 7.2 if live else 6))[0]
        self.fig.clear()
        if live:
            self.top, bottom = self.fig.subfigures(2, 1, height_ratios=[6, 1.2])
            self.add_controls(bottom)
        self.reset()

    def reset(self, **changes):
        """Begin anew, from the same seed, with another activation or other data."""
        vars(self.args).update(changes)
        args, self.rng = self.args, np.random.default_rng(self.args.seed)
        self.data = load_data(args.data, args.csv, args.points, args.noise, self.rng)
        output, self.sizes = self.data["output"], [2, *args.hidden, 1]
        self.activations = ["inputs", *[args.activation] * len(args.hidden), output]
        params = init_params(self.sizes, args.activation, self.rng)
        self.history = [measure(params, self.data, self.activations, 0)]
        self.name = f"{args.data}, {'-'.join(map(str, self.sizes))} {args.activation}"
        self.score = "accuracy" if output == "sigmoid" else "R2"
        self.picked = self.pointed = None  # a data point; a neuron or weight
        self.draw()

    def draw(self):
        """Draw what stands still; what moves is drawn by ``show``, or in a window."""
        data = self.data
        self.top.clear()
        self.ax = {name: self.top.add_axes((x / 9, y / 6, w / 9, h / 6))
                   for name, (x, y, w, h) in BOXES.items()}
        r = max(1.0, 1.05 * np.abs([*data["X"], *data["test_X"]]).max())
        height = np.abs(data["y"]).max()
        self.limits = {"inputs": (-r, r), "relu": (-r, r), "linear": (-height, height),
                       "tanh": (-1, 1), "sigmoid": (0, 1)}
        self.plane = np.stack(np.meshgrid(*2 * [np.linspace(-r, r, GRID)]), axis=-1)
        self.draw_edges(self.ax["net"])
        self.draw_neurons(self.ax["net"])
        self.draw_surface(self.ax["surface"], (-r, r))
        self.draw_histories()
        self.moving = [artist for ax in self.ax.values() for artist in
                       (*ax.images, *ax.collections, *ax.lines, *ax.texts)]
        self.moving.sort(key=lambda artist: artist.zorder)
        for artist in self.moving:
            artist.set_animated(True)  # a window leaves it out of the background
        self.show()
        self.fig.canvas.draw()

    def heat_map(self, ax, k, extent, **style):
        """Draw an empty heat map, with the limits of the activation of layer k."""
        low, high = self.limits[self.activations[k]]
        self.maps.append(ax.imshow([[0]], SHADES, vmin=low, vmax=high, extent=extent,
                                   aspect="auto", origin="lower", **style))

    def draw_edges(self, ax):
        """Find a place for each neuron (k, j); draw a curve for a weight (k, i, j)."""
        columns = np.linspace(0.9, 5.5, len(self.sizes))
        pitch = min(0.8, 3.3 / max(self.sizes), 0.7 * (columns[1] - columns[0]))
        r = self.radius = 0.4 * pitch
        self.places = {(k, j): np.array([x, 1.65 + pitch * ((n - 1) / 2 - j)])
                       for k, (x, n) in enumerate(zip(columns, self.sizes))
                       for j in range(n)}
        t = np.linspace(0, 1, 20)[:, None]
        way, self.curves = np.hstack([t, t**2 * (3 - 2 * t)]), {}
        for k, n in enumerate(self.sizes[1:], start=1):
            for i, j in np.ndindex(self.sizes[k - 1], n):  # in the order of W's numbers
                start, end = self.places[k - 1, i] + [r, 0], self.places[k, j] - [r, 0]
                self.curves[k, i, j] = start + (end - start) * way
        self.edges = ax.add_collection(LineCollection([*self.curves.values()]))

    def draw_neurons(self, ax):
        """Draw a heat map for each neuron, and in its corner a box for the bias."""
        r, self.maps = self.radius, []
        for (k, _), (x, y) in self.places.items():
            self.heat_map(ax, k, (x - r, x + r, y - r, y + r), zorder=2)
        corners = np.array([*self.places.values()])[:, None] - r  # the lower left ones
        square = r * np.array([[0, 0], [0, 1], [1, 1], [1, 0]])
        style = {"facecolor": "none", "edgecolor": GREY, "linewidth": 0.8, "zorder": 3}
        ax.add_collection(PolyCollection(corners + 2 * square, **style))
        self.biases = ax.add_collection(
            PolyCollection(corners[2:] + 0.4 * square, **style))
        for k, name in enumerate(self.activations):
            ax.text(self.places[k, 0][0], 3.5, name, ha="center", va="center")
        for j, name in enumerate(self.data["names"]):
            ax.text(*self.places[0, j] - [r + 0.1, 0], name[:8], ha="right",
                    va="center", parse_math=False)
        self.network = [*ax.images, *ax.collections, *ax.texts]
        self.title = ax.text(0.1, 3.72, "", size=11, weight="bold", zorder=9)
        self.note = ax.text(0.15, 3.5, "", family="monospace", va="top", zorder=9,
                            bbox={"facecolor": "#FFFFFF", "edgecolor": GREY})
        ax.set(xlim=(0, 6), ylim=(0, 3.6))
        ax.set_axis_off()

    def draw_surface(self, ax, limits):
        """Draw the training and test points, on the output over the plane."""
        self.heat_map(ax, -1, (*limits, *limits), interpolation="bilinear")
        for part in ("", "test_"):  # at most 80 of each; more would hide the output
            X, y = self.data[part + "X"][:80], self.data[part + "y"][:80, 0]
            dark = self.maps[-1].to_rgba(y) * [0.65, 0.65, 0.65, 1]
            face, edge = ("#FFFFFF", dark) if part else (dark, "#FFFFFF")
            ax.scatter(*X.T, s=18, facecolor=face, edgecolor=edge, zorder=3)
        self.ring = ax.scatter([], [], s=110, facecolor="none", edgecolor="#000000",
                               linewidth=2, zorder=4)
        ax.set(xlim=limits, ylim=limits, title="output over the plane\n")
        ax.set_xlabel(self.data["names"][0], parse_math=False)
        ax.set_ylabel(self.data["names"][1], parse_math=False)
        ax.text(0, 1.03, "dots: training, rings: test", transform=ax.transAxes)
        self.top.colorbar(self.maps[-1], cax=self.ax["scale"], ticks=plt.MaxNLocator(2))

    def draw_histories(self):
        """Draw panels for loss, score, weights and gradient; their axes never move."""
        n, log = self.history[0]["weights"].size, {"yscale": "log", "ylim": (1e-4, 10)}
        panels = {"loss": {"title": "loss"} | log,
                  "score": {"title": self.score, "ylim": (-0.02, 1.03)},
                  "weights": {"title": f"{n} weights and biases", "ylim": (-30, 30)},
                  "gradient": {"title": "gradient's norm"} | log}
        for name, settings in panels.items():
            self.ax[name].set(xlabel="epoch", xlim=(0, self.args.epochs), **settings)
            self.ax[name].locator_params(axis="x", nbins=3)
            self.ax[name].grid(alpha=0.25)
        self.ax["score"].yaxis.set_major_formatter("{x:.0%}")
        self.ax["weights"].set_yscale("symlog", linthresh=1)
        self.lines = {"gradient": self.ax["gradient"].plot([], [], color=GREY)[0]}
        for part, colour in (("", TRAIN_COLOUR), ("test_", TEST_COLOUR)):
            for name in ("loss", "score"):
                self.lines[part + name], = self.ax[name].plot([], [], color=colour)
        self.ax["loss"].legend(["training", "test"], labelcolor="linecolor",
                               handlelength=0, loc="upper right", borderpad=0)
        self.tracks = self.ax["weights"].add_collection(LineCollection([], linewidth=1))

    def show(self, epoch=-1):
        """Show the state after an epoch, how it came about, and the picked point."""
        row = self.history[epoch]
        params, epoch, weights = row["params"], row["epoch"], flat(row["params"], "W")
        cache = forward(params, self.plane.reshape(-1, 2), self.activations)
        maps = np.hstack([cache[f"a{k}"] for k in range(len(self.activations))]).T
        for image, a in zip(self.maps, [*maps, maps[-1]]):  # the output is shown twice
            image.set_data(a.reshape(GRID, GRID))
        self.edges.set(linewidth=0.4 + 6 * np.tanh(np.abs(weights) / 4),
                       color=weight_colours(weights))
        self.biases.set_facecolor(SIGNED(0.5 + 0.5 * np.tanh(flat(params, "b"))))
        past = self.history[epoch :: -max(1, epoch // 300)]  # this one, some before it
        epochs = [row["epoch"] for row in past]
        for name, line in self.lines.items():
            line.set_data(epochs, np.clip([row[name] for row in past], 1e-9, 1e9))
        tracks = np.array([row["weights"] for row in past]).T  # (numbers, epochs)
        self.tracks.set_segments([np.column_stack([epochs, track]) for track in tracks])
        self.tracks.set_color(weight_colours(row["weights"]))
        self.title.set_text(
            f"{self.name}, epoch {epoch}: test {self.score} {row['test_score']:.1%}")
        self.ring.set_offsets(np.zeros((0, 2)) if self.picked is None else self.picked)
        lines = [] if self.picked is None else explain(
            params, self.picked, self.activations)
        lines = [part for line in lines
                 for part in textwrap.wrap(line, 72, subsequent_indent=" " * 8)]
        if len(lines) > 21:
            lines[20:] = ["... and so on; the click has printed all of it"]
        self.note.set_text("\n".join(lines))
        for artist in self.network:  # the sums take its place
            artist.set_visible(not lines)

    def show_divergence(self, error):
        """Say on the picture what went wrong; it keeps the last finite state."""
        self.show()
        self.note.set_text(textwrap.fill(
            f"Training{str(error)[8:]}. The steps jumped across the valley and landed "
            "higher up. This is the last state before that.", 72))

    def learn(self, epochs=1, quiet=True):
        """Train for some epochs, from the last state on."""
        train(self.history[-1]["params"], self.data, self.activations, epochs,
              self.args.lr, self.args.batch_size, self.rng, self.history, quiet)

    def add_controls(self, strip):
        """Draw buttons and a slider on a subfigure; start a timer that trains."""
        self.fig.canvas.manager.set_window_title("Neural network visualizer")
        self.widgets = {}
        actions = {"Pause": lambda event: self.play(not self.playing),
                   "Step": lambda event: (self.play(False), self.advance()),
                   "Reset": lambda event: self.reset()}
        for x, (name, action) in zip((0.02, 0.12, 0.22), actions.items()):
            self.widgets[name] = Button(strip.add_axes((x, 0.6, 0.09, 0.3)), name)
            self.widgets[name].on_clicked(action)
        self.slider = Slider(strip.add_axes((0.43, 0.6, 0.16, 0.3)), "learning\nrate",
                             -4, 2, valinit=math.log10(self.args.lr), valfmt="10^%.2f")
        self.slider.on_changed(lambda power: vars(self.args).update(lr=10**power))
        for x, flag, names in ((0.69, "activation", list(ACTIVATIONS)),
                               (0.83, "data", DATA + ["csv"] * bool(self.args.csv))):
            self.widgets[flag] = RadioButtons(strip.add_axes((x, 0, 0.14, 1)), names,
                                              names.index(vars(self.args)[flag]))
            self.widgets[flag].on_clicked(
                lambda name, flag=flag: self.reset(**{flag: name}))
        for ax in strip.axes:
            ax.spines[:].set_visible(False)
        self.tip = strip.text(0.02, 0.1, HINT, family="monospace", animated=True)
        self.fig.canvas.mpl_connect("draw_event", self.refresh)
        self.fig.canvas.mpl_connect("button_press_event", self.on_click)
        self.fig.canvas.mpl_connect("motion_notify_event", self.on_move)
        self.timer = self.fig.canvas.new_timer(interval=5)
        self.timer.add_callback(self.on_timer)
        self.fig.canvas.mpl_connect("close_event", lambda event: self.timer.stop())
        self.timer.start()

    def refresh(self, event=None):
        """Draw what moves onto the stored background; a draw event brings a new one."""
        self.tip.set_text(hover_text(self.history[-1], self.pointed, self.activations))
        if event:
            self.background = self.fig.canvas.copy_from_bbox(self.fig.bbox)
        self.fig.canvas.restore_region(self.background)
        for artist in [*self.moving, self.tip]:
            self.fig.draw_artist(artist)
        if not event:  # after a draw event the toolkit shows the canvas itself
            self.fig.canvas.blit(self.fig.bbox)

    def play(self, playing):
        """Play, or pause."""
        self.playing = playing
        self.widgets["Pause"].label.set_text("Pause" if playing else "Play")
        self.fig.canvas.draw_idle()

    def advance(self):
        """Train for an epoch and show it; pause at the last one, or if it diverges."""
        try:
            if self.history[-1]["epoch"] < self.args.epochs:
                self.learn()
                self.show()
            else:
                self.play(False)
        except FloatingPointError as error:
            self.show_divergence(error)
            self.play(False)
        self.refresh()

    def on_timer(self):
        """Train while playing; return nothing, since False would end the timer."""
        if self.playing:
            self.advance()

    def close(self, *signal_and_frame):
        """Close the window at the next tick; Ctrl-C may have come while it draws."""
        self.timer.add_callback(plt.close, self.fig)

    def on_move(self, event):
        """Note which neuron or weight is under the mouse, for the text below."""
        before, self.pointed = self.pointed, None
        if event.inaxes is self.ax["net"]:
            for edge in self.edges.contains(event)[1].get("ind", ()):
                self.pointed = [*self.curves][edge]
            for place, centre in self.places.items():
                if np.abs(centre - [event.xdata, event.ydata]).max() < self.radius:
                    self.pointed = place
        if self.pointed != before:
            self.refresh()

    def on_click(self, event):
        """Show and print the forward pass of the point under the mouse; or hide it."""
        self.picked, X = None, np.vstack([self.data["X"], self.data["test_X"]])
        if event.inaxes is self.ax["surface"]:
            distances = np.linalg.norm(X - [event.xdata, event.ydata], axis=1)
            if distances.min() < 0.05 * self.plane.max():
                self.picked, now = X[distances.argmin()], self.history[-1]["params"]
                print(*explain(now, self.picked, self.activations), sep="\n")
        self.show()
        self.refresh()


def save_films(picture, folder):
    """Write learning.gif and learning.html; return how many frames they have."""
    last, page = picture.history[-1]["epoch"], folder / "learning.html"
    epochs = np.unique((last * np.linspace(0, 1, 48) ** 2).astype(int)).tolist()
    pause = [last] * (len(epochs) // 4)
    for writer, path, dpi, shown in (
            (PillowWriter(8), folder / "learning.gif", 66.7, epochs + pause),
            (HTMLWriter(8, embed_frames=True, embed_limit=99), page, 100, epochs)):
        with writer.saving(picture.fig, path, dpi):
            for epoch in shown:
                picture.show(epoch)
                writer.grab_frame()
    style = "<style>.anim-buttons button {width: auto !important}</style>"
    text = re.sub(r"<link[^>]*>", style, page.read_text(encoding="utf-8"))
    text = re.sub(r'(title="([\w ]+)"[^<]*)<i class[^>]*></i>', r"\1\2", text)
    page.write_text('<!DOCTYPE html><html lang="en"><meta charset="utf-8">' + text,
                    encoding="utf-8")  # words stand where icons would be fetched
    return len(epochs)


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
    parser.add_argument("--data", choices=DATA, default="xor",
                        help="what to learn; plane is a regression (default: xor)")
    parser.add_argument("--csv", type=Path, metavar="FILE",
                        help="learn from a file: two numbers and a label in each row")
    parser.add_argument("--hidden", type=number(int, 1, 16), nargs="+", default=[6, 4],
                        help="neurons in each of up to 6 hidden layers (default: 6 4)")
    parser.add_argument("--activation", choices=list(ACTIVATIONS), default="tanh",
                        help="of the hidden layers (default: tanh)")
    for flag, kind, default, text in (
            ("--points", number(int, 5, 20_000), 200, "to train on, as many to test"),
            ("--noise", number(float, 0, 100), 0.1, "spread that is added to the data"),
            ("--batch-size", number(int, 1, 20_000), 10, "points in each step"),
            ("--epochs", number(int, 1, 10_000), 200, "passes over the data"),
            ("--lr", number(float, 1e-4, 100), 0.1, "learning rate")):
        parser.add_argument(flag, type=kind, default=default,
                            help=f"{text} (default: {default})")
    parser.add_argument("--save", action="store_true",
                        help="write pictures and films, and open no window to learn")
    args = parser.parse_args(argv)
    if len(args.hidden) > 6:
        parser.error(f"--hidden has {len(args.hidden)} layers; the picture holds 6")
    args.data = "csv" if args.csv else args.data
    return args


def save_weights(picture, path):
    """Write all numbers with one worked example: enough for a check by hand."""
    data, params = picture.data, picture.history[-1]["params"]
    example = forward(params, data["test_X"][:1], picture.activations)
    numbers = {**{key: data[key] for key in ("names", "mean", "std")},
               "activations": picture.activations[1:], **params,
               "example": {key: rows[0] for key, rows in example.items()}}
    path.write_text(json.dumps(numbers, indent=1, default=np.ndarray.tolist) + "\n",
                    encoding="utf-8")


def save_stages(picture, folder):
    """Write pictures of the start, the middle and one forward pass; return names."""
    last, files = picture.history[-1]["epoch"], []
    for name, epoch in (("start", 0), ("middle", last // 8), ("forward_pass", last)):
        picture.picked = picture.data["test_X"][0] if name == "forward_pass" else None
        picture.show(epoch)
        files.append(f"{name}.png")
        picture.fig.savefig(folder / files[-1], dpi=150)
    picture.picked = None
    return files


def frames_per_second(args):
    """Return how many frames a second a window trains and draws, in memory."""
    window, frames = Visualizer(args, live=True), min(50, args.epochs)
    start = time.perf_counter()
    for _ in range(frames):
        window.advance()
    seconds = time.perf_counter() - start
    plt.close(window.fig)
    return frames / seconds


def finish(picture, args, live):
    """Print the verdict; write pictures, films, weights and metrics."""
    now, frames, rate, files = picture.history[-1], 0, None, ["weights.json"]
    print(f"After {now['epoch']} epochs the test {picture.score} of "
          f"{now['weights'].size} weights and biases is {now['test_score']:.1%}.")
    save_weights(picture, args.out / "weights.json")
    if not live:
        frames, rate = save_films(picture, args.out), frames_per_second(args)
        files += ["learning.gif", "learning.html", *save_stages(picture, args.out)]
        print(f"The window trains and draws {rate:.0f} frames a second here.")
    picture.show()
    metrics = {"data": args.data, f"test_{picture.score}": now["test_score"],
               "final_loss": now["loss"], "test_loss": now["test_loss"],
               "gradient": now["gradient"], "parameters": now["weights"].size,
               "largest_weight": np.abs(now["weights"]).max(), "epochs": now["epoch"],
               "frames": frames, "frames_per_second": rate}
    save_results(args, {"final": picture.fig}, metrics, files)


@plt.rc_context(LOOK)
def watch(args):
    """Learn, in a window or without one; draw and save."""
    live = plt.gcf().canvas.required_interactive_framework
    plt.close()
    live = bool(live) and not (args.no_show or args.save)
    picture = Visualizer(args, live)
    make_folder(args.out)
    n, n_test = len(picture.data["X"]), len(picture.data["test_X"])
    print(f"{picture.name}, learning rate {args.lr:g}, batch {args.batch_size}, seed "
          f"{args.seed}\n{n} points to train on, {n_test} to test\n")
    try:
        if live:
            before = signal.signal(signal.SIGINT, picture.close)
            plt.show()
            signal.signal(signal.SIGINT, before)
        else:
            print("epoch      loss   training    test  gradient")
            picture.learn(args.epochs, quiet=False)
    except KeyboardInterrupt:
        print("Stopped by Ctrl-C; what was learnt so far is kept.")
    except FloatingPointError as error:
        picture.show_divergence(error)
        picture.fig.savefig(args.out / "diverged.png", dpi=150)
        raise FloatingPointError(f"{error}, and see diverged.png") from None
    args.no_show = args.no_show or live  # it was on the screen already
    finish(picture, args, live)


def main(argv=None):
    """Run the lesson from the command line; return the exit status."""
    return run_safely(watch, parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
