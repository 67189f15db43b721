# /// script
# requires-python = ">=3.10"
# dependencies = ["numpy>=1.26", "matplotlib>=3.8"]
# ///
"""What happens inside a network while it learns?

    X (N, 2) -> W1 (2, H1) -> tanh -> ... -> WL (., 1) -> sigmoid -> aL (N, 1)

N points of the plane; any number of hidden layers, H1, H2, ... neurons wide. Each
neuron shows what it computes over the plane; each line is a weight, blue below zero and
orange above. With a display a window opens: play, pause, turn the learning rate, point
at a neuron or a line, click on a data point. Without one, or with --save, the same
picture becomes PNG files, a GIF and an HTML page. (4.3) is an equation in README.md.

    python nn_visualizer.py                    XOR: four corners, two classes
    python nn_visualizer.py --data spiral --hidden 16 8 --points 500 --epochs 1000
    python nn_visualizer.py --activation relu --save
"""

import argparse
import base64
import io
import json
import math
import re
import sys
import tempfile
import textwrap
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.animation import HTMLWriter
from matplotlib.collections import LineCollection
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
        X = table[:, :2].astype(float)
        if not (len(X) and table.shape[1] == 3 and np.all(np.abs(X) < 1e100)):
            raise ValueError("it has missing or infinite numbers, or other columns")
    except ValueError as error:
        raise InputError(f"{path} must hold two numbers and a label in each row, with "
                         f"commas between: {error}") from None
    return X, np.char.strip(table[:, 2]), [name.strip() for name in names]


def load_data(name, csv_path, n_points, noise, rng):
    """Return the data as a dict: X and y to train on, test_X and test_y, as many.

    Besides: names of the inputs, output ("sigmoid" or "linear"), and the mean and std
    that were taken out of a file's columns (0 and 1 for the other data).
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
        half, X, y = len(X) // 2, X[order], index.reshape(-1, 1)[order].astype(float)
        mean, std = X[:half].mean(axis=0), X[:half].std(axis=0)  # of training points
        X = (X - mean) / np.where(std > 0, std, 1.0)
    else:
        X, y = make_data(name, 2 * n_points, noise, rng)
    half = len(X) // 2
    return {"name": name, "X": X[:half], "y": y[:half], "test_X": X[half:],
            "test_y": y[half:], "names": names[:2], "mean": mean, "std": std,
            "output": "linear" if name == "plane" else "sigmoid"}


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


def forward(params, X, activation, output):
    """Return the cache a0 = X (N, D), z1, a1 (N, H1), ..., zL, aL (N, K)."""
    cache, L, (bend, _) = {"a0": X}, len(params) // 2, ACTIVATIONS[activation]
    for k in range(1, L + 1):
        z = cache[f"a{k - 1}"] @ params[f"W{k}"] + params[f"b{k}"]  # (N, n_k)  (4.2)
        if k < L:
            a = bend(z)  # (N, n_k)  (4.3)
        else:
            a = sigmoid(z) if output == "sigmoid" else z  # (N, K)  (4.4)
        cache[f"z{k}"], cache[f"a{k}"] = z, a
    return cache


# --- Loss and gradients ---------------------------------------------------------------


def softplus(z):
    """Return log(1 + exp(z)), element by element, in a form that cannot overflow."""
    return np.logaddexp(0.0, z)


def loss(cache, y, output):
    """Return cross-entropy (sigmoid) or half the squared error (linear), y (N, K)."""
    z = cache[f"z{len(cache) // 2}"]  # of the last layer
    if output == "sigmoid":
        return np.sum(softplus(z) - y * z) / len(y)  # (4.5)
    return np.sum((z - y) ** 2) / (2 * len(y))  # (4.6)


def backward(params, cache, y, activation):
    """Return dW1, db1, ..., dbL under the keys of params; both losses begin alike."""
    grads, L = dict(params), len(params) // 2
    dz = (cache[f"a{L}"] - y) / len(y)  # (N, K)  (4.7)
    for k in range(L, 0, -1):
        grads[f"W{k}"] = cache[f"a{k - 1}"].T @ dz  # (n_{k-1}, n_k)  (4.8)
        grads[f"b{k}"] = dz.sum(axis=0)  # (n_k,)
        if k > 1:
            da = dz @ params[f"W{k}"].T  # (N, n_{k-1})  (4.9)
            slope = ACTIVATIONS[activation][1](cache[f"z{k - 1}"], cache[f"a{k - 1}"])
            dz = da * slope  # (N, n_{k-1})
    return grads


# --- Training -------------------------------------------------------------------------


def is_progress_epoch(epoch, epochs):
    """Say whether this epoch is one of the ten or so that print a line."""
    return epoch in (1, epochs) or epoch % max(1, epochs // 10) == 0


def stop_if_diverged(value, epoch):
    """Raise FloatingPointError, with advice, when a loss is no longer finite."""
    if not np.isfinite(value):
        raise FloatingPointError(f"training diverged in epoch {epoch}: the loss is "
                                 f"{value}; try a smaller --lr")


def flat(params, kinds="Wb"):
    """Return all numbers in one row, in the order W1, b1, W2, ...; or one kind only."""
    return np.concatenate([v.ravel() for k, v in params.items() if k[0] in kinds])


def score(a, y, output):
    """Return the share of right answers, or for heights R2, but never below -1."""
    if output == "sigmoid":
        return float(np.mean((a > 0.5) == y))
    return float(max(-1.0, 1 - np.sum((a - y) ** 2) / np.sum((y - y.mean()) ** 2)))


def record(history, params, data, activation, epoch):
    """Append the state after ``epoch``; raise FloatingPointError if it is infinite."""
    row = {"epoch": epoch, "params": params, "weights": flat(params)}
    for part in ("test_", ""):
        cache = forward(params, data[part + "X"], activation, data["output"])
        row[part + "loss"] = loss(cache, data[part + "y"], data["output"])
        row[part + "score"] = score(cache[f"a{len(params) // 2}"], data[part + "y"],
                                    data["output"])
        stop_if_diverged(row[part + "loss"], epoch)
    row["gradient"] = np.linalg.norm(flat(backward(params, cache, data["y"],
                                                   activation)))  # (4.11)
    for key, value in row.items():
        history.setdefault(key, []).append(value)


def train(params, data, epochs, lr, batch_size, activation, rng, history, quiet=False):
    """Do some epochs of mini-batch gradient descent, each in a new random order.

    Goes on from the end of ``history``, lists by name, and returns the last params in
    it. Raises FloatingPointError when the loss is no longer finite.
    """
    X, y, first = data["X"], data["y"], history["epoch"][-1] + 1
    try:
        for epoch in range(first, first + epochs):
            order = rng.permutation(len(X))
            for start in range(0, len(X), batch_size):
                rows = order[start : start + batch_size]
                cache = forward(params, X[rows], activation, data["output"])
                grads = backward(params, cache, y[rows], activation)
                params = {k: params[k] - lr * grads[k] for k in params}  # (4.10)
            record(history, params, data, activation, epoch)
            if not quiet and is_progress_epoch(epoch, epochs):
                now = {key: column[-1] for key, column in history.items()}
                print("{epoch:5d}  {loss:8.4g}  {score:9.1%}  {test_score:6.1%}  "
                      "{gradient:8.2g}".format(**now))
    except KeyboardInterrupt:
        print("Stopped by Ctrl-C; what was learnt so far is kept.")
    return history["params"][-1], history
# --- Numbers in words -----------------------------------------------------------------


def explain(params, cache, activation, output):
    """Return lines with every product and sum of the forward pass of one point."""
    lines, L = [], len(params) // 2
    for k in range(1, L + 1):
        name, before = activation if k < L else output, cache[f"a{k - 1}"][0]
        for j, (z, a) in enumerate(zip(cache[f"z{k}"][0], cache[f"a{k}"][0])):
            w, b = params[f"W{k}"][:, j], params[f"b{k}"][j]
            factors = " ".join(f"{p:+.3f}*{q:.3f}" for p, q in zip(w, before))
            products = " ".join(f"{p:+.3f}" for p in w * before)
            lines += [f"z{k}[{j}] = {factors} {b:+.3f}", f"      = {products} {b:+.3f} "
                      f"= {z:.3f}; {name}: a{k}[{j}] = {a:.3f}"]
    return [part for line in lines
            for part in textwrap.wrap(line, 75, subsequent_indent=" " * 8)]


def describe(params, grads, place, activation, output, lr):
    """Return number and formula of a neuron (k, j) or an edge (k, i, j)."""
    k, *others, j = place
    for i in others:
        w, slope, at = params[f"W{k}"][i, j], grads[f"W{k}"][i, j], f"W{k}[{i}, {j}]"
        return (f"{at} = {w:+.4f}, from a{k - 1}[{i}] to z{k}[{j}]\n"
                f"d{at} = sum of a{k - 1}[{i}]*dz{k}[{j}] = {slope:+.1e}\n"
                f"one step: {w:+.4f} - {lr:.3g}*({slope:+.1e})")
    if k == 0:
        return f"a0[{j}]: coordinate {j + 1} of a point"
    w, b = params[f"W{k}"][:, j], params[f"b{k}"][j]
    terms = " ".join(f"{p:+.2f}*a{k - 1}[{i}]" for i, p in enumerate(w))
    name = activation if k < len(params) // 2 else output
    return (textwrap.fill(f"a{k}[{j}] = {name}({terms} {b:+.2f})", 44)
            + f"\nbias b{k}[{j}] = {b:+.4f}")


# --- Figures --------------------------------------------------------------------------

LOOK = {"font.size": 9, "axes.titlesize": 10, "axes.titley": 1.0,
        "axes.autolimit_mode": "round_numbers"}
SHOWN = 120  # data points of each kind; more would hide the output
GRID, GAP = 39, 11  # points along each side of a heat map, and to the next below
LEVELS = SIGNED.resampled(25)  # steps that the eye can follow, and small files
NET = 5.9, 3.5  # inches; so are the coordinates inside the axes of the network
BOXES = {"surface": (6.35, 2.45, 2.5, 2.5), "loss": (0.6, 0.45, 1.4, 1.2),
         "score": (2.5, 0.45, 1.3, 1.2), "weights": (4.45, 0.45, 2.3, 1.2),
         "gradient": (7.35, 0.45, 1.4, 1.2), "net": (0.05, 2.05, *NET)}


def weight_colours(weights):
    """Return a colour for each weight: blue below zero, orange above, never white."""
    return SIGNED(0.5 + np.sign(weights) * (0.15 + 0.35 * np.tanh(np.abs(weights))))


class Picture:
    """Network, output and histories on a figure; it only draws what it is given."""

    def __init__(self, fig, sizes, data, activation, epochs):
        fig.clear()
        self.fig, self.sizes, self.data, self.activation = fig, sizes, data, activation
        self.ax = {name: fig.add_axes((x / 9, y / 6, w / 9, h / 6))
                   for name, (x, y, w, h) in BOXES.items()}
        self.moving = [*self.draw_network(self.ax["net"]),
                       *self.draw_surface(self.ax["surface"]),
                       *self.draw_histories(epochs), *self.draw_texts(self.ax["net"])]
        for artist in self.moving:
            artist.set_animated(True)  # left out of the stored background

    def draw_network(self, ax):
        """Place edges, neurons and a box for each bias; return what moves."""
        columns = np.linspace(0.9, NET[0] - 0.45, len(self.sizes))
        pitch = min(0.78, (NET[1] - 0.25) / max(self.sizes), 0.7 * np.diff(columns)[0])
        r = self.radius = 0.5 * pitch * GRID / (GRID + GAP)
        self.places = {(k, j): (x, NET[1] / 2 - 0.12 + pitch * ((n - 1) / 2 - j))
                       for k, (x, n) in enumerate(zip(columns, self.sizes))
                       for j in range(n)}
        self.curves, t = {}, np.linspace(0, 1, 20)[:, None]
        for k, n in enumerate(self.sizes[1:], start=1):
            for i, j in np.ndindex(self.sizes[k - 1], n):  # in the order of W's numbers
                start = np.array(self.places[k - 1, i]) + [r, 0]
                way = np.array(self.places[k, j]) - [r, 0] - start
                self.curves[k, i, j] = start + way * np.hstack([t, t**2 * (3 - 2 * t)])
        centres = np.array(list(self.places.values()))
        square = r * np.array([[-1, -1], [-1, 1], [1, 1], [1, -1], [-1, -1]])
        self.edges = LineCollection(list(self.curves.values()), zorder=1)
        frames = LineCollection(centres[:, None] + square, color="#555555", zorder=3,
                                linewidth=0.8)
        tops = [self.places[k, 0][1] + r for k in range(len(self.sizes))]
        box = [(x - r, x + r, top - (n - 1) * pitch - 2 * r, top)
               for x, n, top in zip(columns, self.sizes, tops)]  # one for each layer
        self.images = [ax.imshow(np.zeros((1, 1)), LEVELS, vmin=-1, vmax=1, zorder=2,
                                 origin="lower", interpolation="nearest", extent=extent)
                       for extent in box]
        self.biases = ax.scatter(*(centres[2:] - 0.8 * r).T, s=(30 * r) ** 2, zorder=4,
                                 marker="s", edgecolor="#555555", linewidth=0.8)
        for artist in (self.edges, frames):
            ax.add_collection(artist)
        for k, x in enumerate(columns):
            name = {0: "inputs", len(columns) - 1: "output"}.get(k, f"layer {k}")
            ax.text(x, NET[1] - 0.08, name, ha="center", va="center", color="#555555")
        for name, (x, y) in zip(self.data["names"], centres):
            name = name if len(name) < 9 else name[:7] + "..."
            ax.text(x - r - 0.1, y, name, ha="right", va="center", parse_math=False)
        ax.set(xlim=(0, NET[0]), ylim=(0, NET[1]), aspect="auto", zorder=1)
        ax.set_axis_off()  # and it lies above the others, for its tips
        return [self.edges, *self.images, frames, self.biases]

    def draw_surface(self, ax):
        """Draw the data, on the output over the plane; return what moves."""
        data, points = self.data, []
        r = self.reach = 1.05 * np.abs(np.vstack([data["X"], data["test_X"]])).max()
        self.plane = np.stack(np.meshgrid(*2 * [np.linspace(-r, r, GRID)]), -1)
        self.surface = ax.imshow(np.zeros((1, 1)), LEVELS, vmin=-1, vmax=1,
                                 extent=(-r, r, -r, r), origin="lower",
                                 interpolation="bilinear")
        for part, size in (("", 20), ("test_", 14)):
            X, y = data[part + "X"][:SHOWN], data[part + "y"][:SHOWN, 0]
            shade = y / np.abs(y).max() if data["output"] == "linear" else 2 * y - 1
            colours = [0.65, 0.65, 0.65, 1] * SIGNED(0.5 + 0.5 * shade)
            style = {"facecolor": colours, "edgecolor": "#FFFFFF", "linewidth": 0.6}
            if part:
                style = {"facecolor": "#FFFFFF", "edgecolor": colours, "linewidth": 1.2}
            points.append(ax.scatter(*X.T, s=size, zorder=3, **style))
        self.ring = ax.scatter([], [], s=110, facecolor="none", edgecolor="#000000",
                               linewidth=2, zorder=4)
        ax.set(xlim=(-r, r), ylim=(-r, r), title="output over the plane\n")
        ax.set_xlabel(data["names"][0], parse_math=False)
        ax.set_ylabel(data["names"][1], parse_math=False)
        ax.yaxis.set_label_coords(-0.1, 0.5)
        ax.text(0, 1.03, "dots: training, rings: test", transform=ax.transAxes)
        return [self.surface, *points, self.ring]

    def draw_histories(self, epochs):
        """Draw empty panels for loss, score, weights and gradient; return the lines."""
        n = len(self.curves) + len(self.places) - 2
        titles = {"loss": "loss", "gradient": "gradient's norm",
                  "score": "R2 in %" if self.data["output"] == "linear" else
                  "accuracy in %", "weights": f"all {n} weights and biases"}
        for name, title in titles.items():
            ax = self.ax[name]
            ax.set(title=title, xlim=(0, epochs), ylim=(-2, 103), xlabel="epoch")
            ax.xaxis.set_label_coords(0.5, -0.2)
            ax.locator_params(axis="x", nbins=3)
            ax.grid(alpha=0.25)
            if name in ("loss", "gradient"):
                ax.set_yscale("log")
                ax.minorticks_off()
        self.lines = {}
        for y, part, colour in ((0.86, "", TRAIN_COLOUR), (0.72, "test_", TEST_COLOUR)):
            self.ax["loss"].text(0.98, y, "test" if part else "training", color=colour,
                                 ha="right", transform=self.ax["loss"].transAxes,
                                 fontweight="bold")
            for name in ("loss", "score"):
                self.lines[part + name], = self.ax[name].plot([], [], color=colour)
        self.lines["gradient"], = self.ax["gradient"].plot([], [], color="#555555")
        self.tracks = LineCollection([], linewidth=1)
        self.ax["weights"].add_collection(self.tracks)
        return [*self.lines.values(), self.tracks]

    def draw_texts(self, ax):
        """Prepare title, tip, forward pass and message; return these empty texts."""
        style = {"parse_math": False, "zorder": 9}
        box = {"facecolor": "#FFFFFF", "edgecolor": "#555555", "pad": 5}
        self.title = ax.text(0.05, 3.72, "", fontsize=11, fontweight="bold", **style)
        self.tip = ax.text(0, 0, "", family="monospace", bbox=box,
                           multialignment="left", **style)
        self.walk = ax.text(0.1, NET[1], "", family="monospace", va="top", bbox=box,
                            **style)
        self.message = ax.text(3, 1.7, "", fontsize=11, ha="center", va="center",
                               bbox=box | {"edgecolor": "#D55E00", "pad": 12}, **style)
        return [self.title, self.tip, self.walk, self.message]

    def update(self, history, row=-1):
        """Show the state in one row of the history, and the way that led there."""
        params, output = history["params"][row], self.data["output"]
        cache = forward(params, self.plane.reshape(-1, 2), self.activation, output)
        for k, image in enumerate(self.images):
            a, last = cache[f"a{k}"], k == len(self.images) - 1
            name = output if last else self.activation if k else "coordinate"
            if name == "sigmoid":
                a = 2 * a - 1
            elif name != "tanh":
                a = a / np.maximum(np.abs(a).max(axis=0), 1e-9)
            maps = a.T.reshape(-1, GRID, GRID)[::-1]  # the last neuron is the lowest
            maps = np.pad(maps, [(0, 0), (0, GAP), (0, 0)], constant_values=np.nan)
            image.set_data(maps.reshape(-1, GRID)[:-GAP])
        self.surface.set_data(maps[0, :-GAP])
        weights = flat(params, "W")
        self.edges.set(linewidth=0.4 + 6 * np.tanh(np.abs(weights) / 4),
                       color=weight_colours(weights))
        self.biases.set_facecolor(SIGNED(0.5 + 0.5 * np.tanh(flat(params, "b"))))
        n = range(len(history["epoch"]))[row] + 1
        some = slice(n - 1, None, -max(1, n // 300))  # the latest, and some before it
        for name, line in self.lines.items():
            values = np.array(history[name])[some]
            line.set_data(history["epoch"][some], 100 * values if "score" in name
                          else np.clip(values, 1e-9, 1e9))
        tracks = np.clip(history["weights"][some], -1e4, 1e4).T  # (numbers, epochs)
        self.tracks.set_segments(np.stack(
            np.broadcast_arrays(history["epoch"][some], tracks), axis=-1))
        self.tracks.set_color(weight_colours(tracks[:, 0]))
        self.ax["weights"].update_datalim([(0, tracks.min()), (0, tracks.max())])
        what = "points right" if output == "sigmoid" else "variance explained"
        self.title.set_text(
            f"{self.data['name']}, {'-'.join(map(str, self.sizes))} {self.activation}, "
            f"epoch {n - 1}: {history['test_score'][row]:.1%} of the test {what}")

    def widen(self):
        """Widen the axes to round numbers that hold the lines; say if any changed."""
        axes = [self.ax[name] for name in ("weights", "loss", "gradient", "score")]
        old, last = [str(ax.viewLim) for ax in axes], self.lines["loss"].get_xdata()[0]
        for ax in axes:
            if last > ax.get_xlim()[1]:
                ax.set_xlim(0, 2 * last)
        for ax in axes[:3]:
            if ax.lines:
                ax.relim()  # the weights are no lines but a collection
            ax.autoscale(axis="y")
        return old != [str(ax.viewLim) for ax in axes]

    def show_pass(self, params, x):
        """Show each step of the forward pass of a point x (2,), or hide it for None."""
        lines = []
        if x is not None:
            cache = forward(params, x[None], self.activation, self.data["output"])
            lines = ["The ringed point: a0[0] = {:.3f}, a0[1] = {:.3f}".format(*x),
                     *explain(params, cache, self.activation, self.data["output"])]
        if len(lines) > 36:
            lines = [*lines[:35], "... and so on; weights.json holds all numbers"]
        self.walk.set_text("\n".join(lines))
        self.ring.set_offsets(np.zeros((0, 2)) if x is None else x)

    def show_divergence(self, error, history):
        """Say on the picture what went wrong; it keeps the last finite state."""
        first, last = np.abs(history["weights"]).max(axis=1)[[0, -1]]
        self.message.set_text(textwrap.fill(
            f"Training{str(error)[8:]}. The steps jumped across the valley and landed "
            "higher up: the "
            f"largest weight was {first:.3g} at first and {last:.3g} after epoch "
            f"{history['epoch'][-1]}, the last finite state, which you see here.", 50))


def save_film(picture, history, rows, folder):
    """Write learning.html and learning.gif with a frame for each row of the history."""
    from PIL import Image  # matplotlib brings it along

    path = folder / "learning.html"
    html = HTMLWriter(fps=8, embed_frames=True, embed_limit=99)
    with html.saving(picture.fig, path, dpi=100):
        for row in rows:
            picture.update(history, row)
            html.grab_frame()
    page = re.sub(r"<link[^>]*>", "", path.read_text(encoding="utf-8"))
    # the link fetched icons from elsewhere; words do as well
    page = re.sub(r'(title="([\w ]+)"[^<]*)<i class[^>]*></i>', r"\1\2", page)
    style = "<style>.anim-buttons button {width: auto; padding: 2px 6px}</style>"
    path.write_text('<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>'
                    f"A network learns</title>{page}{style}</html>\n", encoding="utf-8")
    codes = [base64.b64decode(code) for code in re.findall(r'base64,([^"]+)', page)]
    frames = [Image.open(io.BytesIO(code)).convert("RGB").resize((600, 400))
              for code in codes]
    palette = frames[-1].quantize(128, kmeans=3)  # the same few colours in every frame
    frames = [frame.quantize(palette=palette, dither=0) for frame in frames]
    frames[0].save(folder / "learning.gif", save_all=True, loop=0,
                   append_images=frames[1:],
                   duration=[125] * (len(frames) - 1) + [1500])


# --- The window -----------------------------------------------------------------------


class Window:
    """A picture to touch: buttons, a slider, the mouse, and a timer that trains."""

    def __init__(self, args):
        self.args, fig = args, plt.subplots(figsize=(9, 7.2))[0]
        fig.clear()
        self.top, bottom = fig.subfigures(2, 1, height_ratios=[6, 1.2])
        self.canvas, self.playing, self.widgets = fig.canvas, True, {}
        self.timer = fig.canvas.new_timer(interval=5)
        self.timer.add_callback(self.tick)
        for x, name, action in ((0.02, "Pause", self.toggle), (0.12, "Step", self.step),
                                (0.22, "Reset", self.reset)):
            self.widgets[name] = Button(bottom.add_axes((x, 0.5, 0.09, 0.28)), name)
            self.widgets[name].on_clicked(action)
        self.slider = Slider(bottom.add_axes((0.43, 0.5, 0.16, 0.28)), "learning\nrate",
                             -4, 2, valinit=math.log10(args.lr), valfmt="10^%.2f")
        for x, flag, names in ((0.69, "activation", list(ACTIVATIONS)),
                               (0.83, "data", DATA + ["csv"] * bool(args.csv))):
            ax = bottom.add_axes((x, 0, 0.14, 1), frameon=False)
            self.widgets[flag] = RadioButtons(ax, names, names.index(vars(args)[flag]))
            self.widgets[flag].on_clicked(
                lambda name, flag=flag: self.reset(**{flag: name}))
        for event, action in (("draw_event", self.refresh),
                              ("button_press_event", self.on_click),
                              ("motion_notify_event", self.on_move),
                              ("close_event", lambda event: self.timer.stop())):
            fig.canvas.mpl_connect(event, action)
        self.reset()
        self.timer.start()

    def reset(self, event=None, **changes):
        """Begin anew, from the same seed, with another activation or other data."""
        vars(self.args).update(changes)
        self.data, self.params, self.history, self.rng = begin(self.args)
        self.picture = Picture(self.top, [2, *self.args.hidden, 1], self.data,
                               self.args.activation, self.args.epochs)
        self.background = self.picked = None
        self.show()

    def toggle(self, event=None):
        """Play, or pause."""
        self.playing = not self.playing
        self.widgets["Pause"].label.set_text("Pause" if self.playing else "Play")
        self.canvas.draw_idle()

    def step(self, event=None):
        """Pause, and train for one epoch."""
        if self.playing:
            self.toggle()
        self.learn()

    def tick(self):
        """Train when the timer calls, while playing and up to --epochs."""
        if self.playing and self.history["epoch"][-1] < self.args.epochs:
            self.learn()

    def learn(self):
        """Train for one epoch and show it; explain a divergence, then stand still."""
        if self.picture.message.get_text():
            return
        try:
            self.params, _ = train(self.params, self.data, 1, 10**self.slider.val,
                                   self.args.batch_size, self.args.activation, self.rng,
                                   self.history, quiet=True)
        except FloatingPointError as error:
            self.picture.show_divergence(error, self.history)
        self.show()

    def show(self):
        """Bring the present state to the screen; draw all only where axes changed."""
        self.picture.update(self.history)
        self.picture.show_pass(self.params, self.picked)
        if self.picture.widen() or self.background is None:
            self.canvas.draw()
        else:
            self.refresh()

    def refresh(self, event=None):
        """Draw what moves onto the stored background; a draw event brings a new one."""
        if self.canvas.is_saving():
            return
        if event:
            self.background = self.canvas.copy_from_bbox(self.canvas.figure.bbox)
        else:
            self.canvas.restore_region(self.background)
        for artist in self.picture.moving:
            artist.axes.draw_artist(artist)
        if not event:
            self.canvas.blit(self.canvas.figure.bbox)

    def on_move(self, event):
        """Show number and formula of the neuron or edge under the mouse."""
        picture, text, x, y = self.picture, "", event.xdata, event.ydata
        if event.inaxes is picture.ax["net"] and not picture.walk.get_text():
            gaps = {place: np.hypot(*(curve - [x, y]).T).min() - 0.1
                    for place, curve in picture.curves.items()}
            for place, centre in picture.places.items():
                gaps[place] = np.abs(np.subtract(centre, (x, y))).max() - picture.radius
            place = min(gaps, key=lambda p: (gaps[p] > 0, len(p), gaps[p]))
            activation, output = self.args.activation, self.data["output"]
            if gaps[place] <= 0:
                cache = forward(self.params, self.data["X"], activation, output)
                grads = backward(self.params, cache, self.data["y"], activation)
                text = describe(self.params, grads, place, activation, output,
                                10**self.slider.val)
            right = x > NET[0] / 2
            picture.tip.set(x=x - 0.15 if right else x + 0.15, y=y,
                            ha="right" if right else "left",
                            va="top" if y > NET[1] / 2 else "bottom")
        if text or picture.tip.get_text():
            picture.tip.set_text(text)
            self.refresh()

    def on_click(self, event):
        """Show the forward pass of the data point under the mouse, or hide it."""
        self.picked, X = None, np.vstack([self.data["X"], self.data["test_X"]])
        if event.inaxes is self.picture.ax["surface"]:
            distances = np.linalg.norm(X - [event.xdata, event.ydata], axis=1)
            if distances.min() < 0.05 * self.picture.reach:
                self.picked = X[distances.argmin()]
        self.show()


@plt.rc_context(LOOK)
def measure_frame_rate(args, frames=50):
    """Return how many frames a second the window trains and draws, in memory."""
    window = Window(args)
    start = time.perf_counter()
    for _ in range(frames):
        window.learn()
    seconds = time.perf_counter() - start
    plt.close(window.canvas.figure)
    return frames / seconds


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
                        help="of the hidden layers (default: %(default)s)")
    parser.add_argument("--points", type=number(int, 5, 20_000), default=200,
                        help="to train on, and as many to test (default: %(default)s)")
    parser.add_argument("--noise", type=number(float, 0, 100), default=0.1,
                        help="spread that is added to the data (default: %(default)s)")
    parser.add_argument("--batch-size", type=number(int, 1, 20_000), default=10,
                        help="points in each step (default: %(default)s)")
    parser.add_argument("--epochs", type=number(int, 1, 10_000), default=200,
                        help="rounds through the data (default: %(default)s)")
    parser.add_argument("--lr", type=number(float, 1e-4, 100), default=0.1,
                        help="learning rate (default: %(default)s)")
    parser.add_argument("--frames", type=number(int, 2, 100), default=50,
                        help="in the films (default: %(default)s)")
    parser.add_argument("--save", action="store_true",
                        help="write the films even if a window could be opened")
    args = parser.parse_args(argv)
    if len(args.hidden) > 6:
        parser.error(f"--hidden has {len(args.hidden)} layers; the picture holds 6")
    args.data = "csv" if args.csv else args.data
    return args


def begin(args):
    """Return data, initial params, their history and the generator, from the seed."""
    rng, history = np.random.default_rng(args.seed), {}
    data = load_data(args.data, args.csv, args.points, args.noise, rng)
    params = init_params([2, *args.hidden, 1], args.activation, rng)
    record(history, params, data, args.activation, 0)
    return data, params, history, rng


def save_weights(path, args, data, params):
    """Write all numbers with one worked example: enough for a check by hand."""
    cache = forward(params, data["test_X"][:1], args.activation, data["output"])
    numbers = {**{key: data[key] for key in ("names", "mean", "std", "output")},
               "activation": args.activation, **params,
               "example": {key: value[0] for key, value in cache.items()}}
    path.write_text(json.dumps(numbers, indent=1, default=np.ndarray.tolist) + "\n",
                    encoding="utf-8")


def save_run(args, picture, params, history):
    """Write the films, the stages, one forward pass and the weights; name the files."""
    last = len(history["epoch"]) - 1
    rows = np.unique((last * np.linspace(0, 1, args.frames) ** 2).astype(int))
    save_film(picture, history, rows, args.out)
    for name, row, x in (("start", 0, None), ("middle", rows[len(rows) // 3], None),
                         ("forward_pass", last, picture.data["test_X"][0])):
        picture.update(history, row)
        picture.show_pass(params, x)
        picture.fig.savefig(args.out / f"{name}.png", dpi=150)
    picture.show_pass(params, None)
    return len(rows), ["start.png", "middle.png", "forward_pass.png", "learning.gif",
                       "learning.html"]


def learn_live(args):
    """Open the window; when it is closed, return data, params and history in it."""
    window = Window(args)
    try:
        plt.show()
    except KeyboardInterrupt:
        print("Stopped by Ctrl-C; what was learnt so far is kept.")
    args.no_show = True  # one window is enough
    return window.data, window.params, window.history


def report_run(args, data, history, frames):
    """Print the verdict and return the metrics."""
    rate, classes = measure_frame_rate(args, args.frames), data["output"] == "sigmoid"
    now = {key: column[-1] for key, column in history.items()}
    right, n = now["test_score"], len(now["weights"])
    print(f"After {now['epoch']} epochs {right:.1%} of the test "
          f"{'points come' if classes else 'variance comes'} out right, from {n} "
          f"numbers.\nThe window trains and draws {rate:.0f} frames a second here.")
    return {"data": args.data, "test_score": right,
            "test_accuracy": right if classes else None, "train_score": now["score"],
            "final_loss": now["loss"], "test_loss": now["test_loss"],
            "gradient": now["gradient"], "epochs": now["epoch"], "parameters": n,
            "largest_weight": np.abs(now["weights"]).max(), "frames": frames,
            "frames_per_second": rate}


@plt.rc_context(LOOK)
def watch(args):
    """Load, train and draw, in a window or into files; judge and save."""
    data, params, history, rng = begin(args)
    make_folder(args.out)
    sizes, failure, frames, files = [2, *args.hidden, 1], None, 0, []
    print(f"{args.csv or args.data}: {'-'.join(map(str, sizes))} {args.activation}, "
          f"learning rate {args.lr:g}, batch {args.batch_size}, seed {args.seed}\n"
          f"{len(data['X'])} points to train on, {len(data['test_X'])} to test\n")
    fig = plt.subplots(figsize=(9, 6))[0]
    live = fig.canvas.required_interactive_framework and not (args.no_show or args.save)
    if live:
        plt.close(fig)
        data, params, history = learn_live(args)
        fig = plt.subplots(figsize=(9, 6))[0]
    else:
        try:
            print("epoch      loss   training    test  gradient")
            params, _ = train(params, data, args.epochs, args.lr, args.batch_size,
                              args.activation, rng, history)
        except FloatingPointError as error:
            failure = error
    picture = Picture(fig, sizes, data, args.activation, max(1, history["epoch"][-1]))
    picture.update(history)
    picture.widen()  # from here on no axis moves
    if failure:
        picture.show_divergence(failure, history)
        fig.savefig(args.out / "diverged.png", dpi=150)
        raise FloatingPointError(f"{failure}, and see diverged.png")
    if not live:
        frames, files = save_run(args, picture, params, history)
    save_weights(args.out / "weights.json", args, data, params)
    metrics = report_run(args, data, history, frames)
    save_results(args, {"final": fig}, metrics, [*files, "weights.json"])


def main(argv=None):
    """Run the lesson from the command line; return the exit status."""
    return run_safely(watch, parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
