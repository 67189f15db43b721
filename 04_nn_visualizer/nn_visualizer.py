# /// script
# requires-python = ">=3.10"
# dependencies = ["numpy>=2.0", "matplotlib>=3.9", "scikit-learn>=1.5"]
# ///
"""What happens inside a network while it learns?

    X (N, 2) -> W[1] (2, H1) -> tanh -> ... -> W[L] (., K) -> sigmoid -> a[L] (N, K)

N points of a plane; L layers, so L - 1 hidden ones, H1, H2, ... neurons wide. Each
neuron shows what it computes over the plane; each line is a weight, blue below zero and
orange above. (4.3) is the number of an equation in README.md. With a display a window
opens. Without one, or with --save, the same picture becomes PNG files and films.

    python nn_visualizer.py                    two classes, four clouds
    python nn_visualizer.py --data spiral --hidden 16 8 --points 500 --epochs 1000
    python nn_visualizer.py --data circle --hidden --inputs x1^2 x2^2 --save
"""

import argparse
import base64
import contextlib
import csv
import io
import json
import os
import re
import signal
import sys
import tempfile
import textwrap
import time
import warnings
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # two threads would wait for each other

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import LinearSegmentedColormap, to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.transforms import Bbox, IdentityTransform

# --- Data -----------------------------------------------------------------------------


def xor_clouds(n_points, rng):
    """Return X (N, 2), a round cloud about each corner of a square, and y (N,).

    Two clouds that lie opposite each other are of one class: y is 0 or 1, and becomes
    (N, 1) before a network learns from it.
    """
    corner = rng.choice([-2.0, 2.0], size=(n_points, 2))  # (N, 2), one for each point
    # The root spreads them evenly: half of the disc lies beyond 0.7 of its radius.
    r = 1.4 * np.sqrt(rng.uniform(size=n_points))  # (N,); below 2: gaps are left
    angle = 2 * np.pi * rng.uniform(size=n_points)  # (N,)
    X = corner + np.column_stack([r * np.cos(angle), r * np.sin(angle)])  # (N, 2)
    y = np.where(corner[:, 0] * corner[:, 1] < 0, 1, 0)  # (N,)
    return X, y


# --- Model ----------------------------------------------------------------------------


def relu(z):
    """Return max(0, z), element by element."""
    return np.maximum(0.0, z)


def sigmoid(z):
    """Return 1 / (1 + exp(-z)), element by element."""
    return 1 / (1 + np.exp(-z))  # (2.1) of lesson 02; if exp(-z) is inf, 1 / inf is 0


def softmax(z):
    """Return exp(z) / sum(exp(z)) along the last axis; the shift prevents overflow."""
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def log_softmax(z):
    """Return log(softmax(z)) along the last axis, exact where softmax underflows."""
    shifted = z - z.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def phi_of(z, name):
    """Return the activation function called ``name`` of the sums z (N, H): (N, H)."""
    if name == "tanh":
        return np.tanh(z)
    if name == "relu":
        return relu(z)
    if name == "sigmoid":
        return sigmoid(z)
    if name == "softmax":
        return softmax(z)
    return z  # linear


def init_params(sizes, phi, rng):
    """Return W and b, numbered from 1 to L, for layers of sizes[0], ..., sizes[L].

    ``phi`` holds the name of the activation function of each layer, from 1 to L.
    """
    W, b = {}, {}
    for k in range(1, len(sizes)):
        # Inputs that are a ReLU's lack their negative half: the weights make up for it.
        gain = 2.0 if k > 1 and phi[k - 1] == "relu" else 1.0
        spread = np.sqrt(gain / sizes[k - 1])  # a standard deviation  (4.1)
        W[k] = spread * rng.normal(size=(sizes[k - 1], sizes[k]))  # (H_{k-1}, H_k)
        b[k] = np.zeros((1, sizes[k]))  # (1, H_k)
    return W, b


def forward(W, b, X, phi):
    """Return the sums z[1], ..., z[L] and activations a[0] = X, a[1], ..., a[L]."""
    z, a = {}, {0: X}
    for k in range(1, len(W) + 1):
        z[k] = a[k - 1] @ W[k] + b[k]  # (N, H_k)  (4.2)
        a[k] = phi_of(z[k], phi[k])  # (N, H_k)  (4.3)
    return z, a


# --- Loss and gradients ---------------------------------------------------------------


def loss(z, y, name):
    """Return J, a mean over N points, from the last layer's sums z (N, K).

    ``name`` is the last activation function: it says what y (N, K) holds.
    """
    if name == "sigmoid":  # y is 0 or 1
        return np.sum(np.logaddexp(0.0, z) - y * z) / len(y)  # (4.4), log(e^0 + e^z)
    if name == "softmax":  # each row of y has one 1, at the class of the point
        return -np.sum(y * log_softmax(z)) / len(y)  # (4.5)
    return np.sum((z - y) ** 2) / (2 * len(y))  # (4.6)


def local_slope(z, name):
    """Return the slope of a hidden layer's activation function at z (N, H): (N, H)."""
    if name == "tanh":
        return 1 - np.tanh(z) ** 2  # (4.8)
    if name == "relu":
        return np.where(z > 0, 1.0, 0.0)
    if name == "sigmoid":
        return sigmoid(z) * (1 - sigmoid(z))
    return np.ones_like(z)  # linear


def backward(W, z, a, y, phi):
    """Return dW and db, numbered like W and b: the slope of J for every number."""
    L = len(W)
    dW, db = {}, {}
    dz = (a[L] - y) / len(y)  # (N, K)  (4.7)
    for k in range(L, 0, -1):
        dW[k] = a[k - 1].T @ dz  # (H_{k-1}, H_k)  (4.9)
        db[k] = dz.sum(axis=0, keepdims=True)  # (1, H_k)  (4.10)
        if k > 1:  # to the layer before
            da = dz @ W[k].T  # (N, H_{k-1})  (4.11)
            dz = da * local_slope(z[k - 1], phi[k - 1])  # (N, H_{k-1})  (4.12)
    return dW, db


# --- Training -------------------------------------------------------------------------


def step(W, b, X, y, phi, lr, l2):
    """Return new W and b after one step down the slope of J on the points X."""
    z, a = forward(W, b, X, phi)
    dW, db = backward(W, z, a, y, phi)
    new_W, new_b = {}, {}
    for k in W:
        new_W[k] = W[k] - lr * (dW[k] + l2 * W[k])  # (4.13), (4.14)
        new_b[k] = b[k] - lr * db[k]
    return new_W, new_b


def train(W, b, data, phi, args, rng, history):
    """Pass ``args.epochs`` times over the data; return the last W and b.

    An epoch takes the points in a new random order, ``args.batch_size`` for each step.
    Appends a row of numbers to the list ``history`` after each.
    """
    X, y = data["X"], data["y"]
    for epoch in until_ctrl_c(range(1, args.epochs + 1)):  # range; Ctrl-C ends it
        order = rng.permutation(len(X))
        for start in range(0, len(X), args.batch_size):
            rows = order[start : start + args.batch_size]
            W, b = step(W, b, X[rows], y[rows], phi, args.lr, args.l2)
        history.append(history_row(W, b, data, phi, epoch))
        if is_progress_epoch(epoch, args.epochs):
            print_row(history[-1])
    return W, b


def is_progress_epoch(epoch, epochs):
    """Say whether this epoch is one of the ten or so that print a line."""
    return epoch in (1, epochs) or epoch % max(1, epochs // 10) == 0


# ======================================================================================
# The lesson ends here. What follows repeats it, measures, draws and reads files.
# ======================================================================================


# --- Going further --------------------------------------------------------------------

DATA = ["xor", "circle", "gaussians", "moons", "spiral", "line", "sine", "clusters",
        "spirals", "iris", "plane"]
HIDDEN = ["tanh", "relu", "sigmoid", "linear"]
INPUTS = {"x1": lambda x, y: x, "x2": lambda x, y: y, "x1^2": lambda x, y: x * x,
          "x2^2": lambda x, y: y * y, "x1x2": lambda x, y: x * y,
          "sin(x1)": lambda x, y: np.sin(x), "sin(x2)": lambda x, y: np.sin(y)}


def make_data(name, n_points, noise, rng):
    """Return points P (N, 2) within +-3 or so, and y (N,): class numbers, or heights.

    ``noise`` is the standard deviation of what is added to P, or to y for the plane.
    """
    u, turn = rng.uniform(size=n_points), 2 * np.pi * rng.uniform(size=n_points)
    y = np.arange(n_points) % (3 if name in ("clusters", "spirals") else 2)
    P = rng.uniform(-3, 3, size=(n_points, 2))
    if name == "plane":
        return P, P.sum(axis=1) / 3 + noise * rng.normal(size=n_points)
    if name == "xor":
        P, y = xor_clouds(n_points, rng)
    elif name == "line":
        y = np.where(P[:, 1] > P[:, 0] / 2, 1, 0)
    elif name == "sine":  # of half a wave less than the square is wide
        y = np.where(P[:, 1] > 1.5 * np.sin(1.5 * P[:, 0]), 1, 0)
    elif name == "gaussians":
        P = 0.7 * rng.normal(size=P.shape) + np.where(y, 1.4, -1.4).reshape(-1, 1)
    elif name == "clusters":  # about the corners of a triangle
        angle = 2 * np.pi * y / 3
        P = 0.5 * rng.normal(size=P.shape)
        P += 2 * np.column_stack([np.sin(angle), np.cos(angle)])
    elif name == "moons":
        half = np.column_stack([np.cos(np.pi * u) - 0.5, np.sin(np.pi * u) - 0.25])
        P = 1.8 * np.where(y.reshape(-1, 1), -half, half)
    else:  # in polar coordinates
        r = np.where(y, 1.4 * np.sqrt(u), 2.1 + 0.9 * u)
        if name == "spiral":
            r, turn = 3 * u, 3.5 * np.pi * u + np.pi * y
        elif name == "spirals":
            r, turn = 0.3 + 2.7 * u, 2 * np.pi * u + 2 * np.pi * y / 3
        P = r.reshape(-1, 1) * np.column_stack([np.sin(turn), np.cos(turn)])
    return P + noise * rng.normal(size=P.shape), y


def features(P, names):
    """Return the inputs X (N, D) called ``names`` of the points P (N, 2)."""
    return np.column_stack([INPUTS[name](P[:, 0], P[:, 1]) for name in names])


def flat(W, b):
    """Return all numbers in one row, in the order W[1], b[1], W[2], ..., b[L]."""
    return np.concatenate([part.ravel() for k in sorted(W) for part in (W[k], b[k])])


def is_right(a, y, name):
    """Say of each point (N,) whether its class is the one that the outputs a name.

    An output of exactly 0.5 means class 0.
    """
    if name == "softmax":
        return a.argmax(axis=1) == y.argmax(axis=1)
    return ((a > 0.5) == (y > 0.5))[:, 0]


def stop_if_diverged(value, epoch):
    """Raise FloatingPointError, with advice, when a loss has exploded."""
    if not abs(value) < 1e9:  # nan, too
        raise FloatingPointError(f"training diverged in epoch {epoch}: the loss is "
                                 f"{value:.3g}; try a smaller --lr")


def history_row(W, b, data, phi, epoch):
    """Return a row of the history: weights, losses, scores and slopes at an epoch.

    A score is the accuracy, or of a regression R2, the share of variance explained.
    """
    row, last = {"epoch": epoch, "W": W, "b": b, "weights": flat(W, b)}, phi[len(W)]
    for part in ("test_", ""):
        X, y = data[part + "X"], data[part + "y"]
        z, a = forward(W, b, X, phi)
        row[part + "loss"] = loss(z[len(W)], y, last)
        stop_if_diverged(row[part + "loss"], epoch)
        if last == "linear":  # not below -1, to be short enough to print
            error = np.mean((a[len(W)] - y) ** 2)
            row[part + "score"] = max(-1.0, 1 - error / max(np.var(y), 1e-12))
        else:
            row[part + "score"] = np.mean(is_right(a[len(W)], y, last))
    row["dW"], row["db"] = backward(W, z, a, y, phi)
    row["gradient"] = np.linalg.norm(flat(row["dW"], row["db"]))  # (4.15)
    return row


def print_row(row):
    """Print what an epoch has come to."""
    print("{epoch:5d}  {loss:8.4g}  {score:9.1%}  {test_score:6.1%}  "
          "{gradient:8.2g}".format(**row), flush=True)


def start_sums(times, activation):
    """Return how large the sums of layers 1 to 6 are before any step: (6,).

    A root mean square over 300 starts with five hidden layers of six neurons, and over
    200 points. The weights are ``times`` as large as (4.1) makes them.
    """
    rng, squares = np.random.default_rng(0), np.zeros(6)
    X, phi = xor_clouds(200, rng)[0], dict.fromkeys(range(1, 7), activation)
    for _ in range(300):
        W, b = init_params([2, 6, 6, 6, 6, 6, 1], phi, rng)
        z, _ = forward({k: times * W[k] for k in W}, b, X, phi)
        squares += [np.mean(z[k] ** 2) for k in z]
    return np.sqrt(squares / 300)


def one_example(row, x, y, phi):
    """Return z, a, loss, dW, dz of one point x (1, D), y (1, K) with a row's weights.

    For a single point db is dz itself: the sum in (4.10) has one term.
    """
    z, a = forward(row["W"], row["b"], x, phi)
    dW, db = backward(row["W"], z, a, y, phi)
    return {"z": z, "a": a, "loss": loss(z[len(phi)], y, phi[len(phi)]), "dW": dW,
            "dz": db}


# --- Figures --------------------------------------------------------------------------

TRAIN_COLOUR, VALIDATION_COLOUR, TEST_COLOUR = "#56B4E9", "#D55E00", "#009E73"
COLOURS = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442",
           "#000000"]  # of the classes
SIGNED = LinearSegmentedColormap.from_list("signed", ["#0072B2", "#FFFFFF", "#E69F00"])
STYLE = {"axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False,
         "axes.titlelocation": "left", "axes.titlesize": 11, "axes.titleweight": "bold"}
LOOK = {"font.size": 9, "axes.titlesize": 10, "axes.titley": 1.0, "axes.labelpad": 2,
        "toolbar": "None"}
GREY, GRID, TICKS = "#555555", 40, 25  # points along a side of a map; shades of a map
WIDTH, HEIGHT, STRIP = 9, 6, 1.6  # inches: of a picture, and what a window adds below
BOXES = {"net": (0, 1.95, 6.1, 3.75), "surface": (6.5, 2.4, 2.1, 2.1),
         "loss": (0.6, 0.45, 1.4, 1.1), "score": (2.65, 0.45, 1.15, 1.1),
         "weights": (4.3, 0.45, 2.45, 1.1),
         "gradient": (7.35, 0.45, 1.4, 1.1)}  # left, bottom, width, height in inches
PANELS = ("loss", "score", "weights", "gradient")
PHASES = ("1 forward", "2 loss", "3 backward", "4 update")
ROWS_KEPT = 2000  # of the history, in a run without end


def plain(text):
    """Return a name for a picture: 30 characters at most, a dollar sign as it is."""
    return text[:30].replace("$", r"\$")


def shades(colours):
    """Return a table (TICKS, 4) of colours, bytes, from the first to the last."""
    table = LinearSegmentedColormap.from_list("", colours)(np.linspace(0, 1, TICKS))
    return (255 * table).astype(np.uint8)


def paint(a, limits, table):
    """Return the colours of the numbers a from a table that reaches over the limits."""
    share = (a - limits[0]) / (limits[1] - limits[0])
    return table[np.clip(share * TICKS, 0, TICKS - 1).astype(int)]


def weight_colours(weights):
    """Return a colour for each weight: blue below zero, grey there, orange above."""
    shades = 0.5 + np.sign(weights) * (0.15 + 0.35 * np.tanh(np.abs(weights)))
    return np.where(np.equal(weights, 0)[:, None], (0.7, 0.7, 0.7, 1), SIGNED(shades))


def name_of(place):
    """Return the code's name of a neuron (k, j), weight (k, i, j) or bias (b, k, j)."""
    if place[0] == "b":
        return f"b[{place[1]}][0, {place[2]}]"
    if len(place) == 3:
        return f"W[{place[0]}][{place[1]}, {place[2]}]"
    return f"a[{place[0]}][{place[1]}]"


def value_of(row, place):
    """Return a weight or bias of a row of the history, and its slope there."""
    if place[0] == "b":
        return row["b"][place[1]][0, place[2]], row["db"][place[1]][0, place[2]]
    k, i, j = place
    return row["W"][k][i, j], row["dW"][k][i, j]


def formula(row, k, j, inputs, name):
    """Return what neuron j of layer k computes from its inputs, which are texts."""
    products = [f"{w:+.3f}*{x}" for w, x in zip(row["W"][k][:, j], inputs)]
    return f"{name}({' '.join(products)} {row['b'][k][0, j]:+.3f})"


def neuron_text(row, place, phi, one, phase):
    """Return what a neuron computes, in letters or in the numbers of one example."""
    k, j = place
    if k == 0:
        return f"a[0][{j}], an input of the network" + (
            f": {one['a'][0][0, j]:.3f} for the chosen point" if one else "")
    if one and phase == 2:
        dz = one["dz"][k][0, j]
        if k == len(phi):
            return f"dz[{k}][{j}] = a[{k}][{j}] - y = {dz:+.4f}"
        back = " ".join(f"{d:+.3f}*{w:+.3f}" for d, w in
                        zip(one["dz"][k + 1][0], row["W"][k + 1][j]))
        slope = local_slope(one["z"][k], phi[k])[0, j]
        return f"dz[{k}][{j}] = ({back}) * slope {slope:.3f} = {dz:+.4f}"
    if one:
        text = formula(row, k, j, [f"{a:.3f}" for a in one["a"][k - 1][0]], phi[k])
        z, a = one["z"][k][0, j], one["a"][k][0, j]
        return f"a[{k}][{j}] = {text} = {phi[k]}({z:.3f}) = {a:.3f}"
    inputs = [f"a[{k - 1}][{i}]" for i in range(len(row["W"][k]))]
    return f"a[{k}][{j}] = {formula(row, k, j, inputs, phi[k])}; last its bias"


def number_text(row, place, one, phase, lr, l2):
    """Return a weight or bias with its slope, or what an example asks of it."""
    value, slope = value_of(row, place)
    name, j = name_of(place), place[2]
    k = place[1] if place[0] == "b" else place[0]
    if one and phase >= 2:
        dz, a = one["dz"][k][0, j], 1.0
        text = f"d{name} = dz[{k}][{j}] = {dz:+.4f}"
        if place[0] != "b":
            a = one["a"][k - 1][0, place[1]]
            text = (f"d{name} = a[{k - 1}][{place[1]}]*dz[{k}][{j}] = "
                    f"{a:+.4f}*{dz:+.4f} = {a * dz:+.4f}")
        if phase == 2:
            return text
        decay = 0.0 if place[0] == "b" else l2 * value
        also = f" - {lr:g}*{l2:g}*({value:+.4f})" if decay else ""
        new = value - lr * (a * dz + decay)
        return f"{name} = {value:+.4f} - {lr:g}*({a * dz:+.4f}){also} = {new:+.4f}"
    if one and place[0] != "b":
        a = one["a"][k - 1][0, place[1]]
        return (f"{name}*a[{k - 1}][{place[1]}] = {value:+.4f}*{a:+.4f} = "
                f"{value * a:+.4f}, a part of z[{k}][{j}]")
    return f"{name} = {value:+.4f}; its slope, the mean over all points: {slope:+.1e}"


class Map(AxesImage):
    """Colours (GRID, GRID, 3 or 4) over the plane, which Pillow enlarges: it takes a
    third of the time of Matplotlib's own way, and a frame draws a map a neuron."""

    def make_image(self, renderer, magnification=1.0, unsampled=False):
        """Return the pixels, upwards, and the place of the lower left one."""
        from PIL import Image

        left, bottom, right, top = np.rint(self.get_window_extent().extents).astype(int)
        how = Image.Resampling[self.get_interpolation().upper()]
        colours = Image.fromarray(np.asarray(self.get_array())).convert("RGBA")
        pixels = colours.resize((max(1, right - left), max(1, top - bottom)), how)
        return np.array(pixels), left, bottom, IdentityTransform()


class Picture:
    """A network that learns, and its picture. ``live`` makes room for controls."""

    def __init__(self, args, live=False, screen=True, data=None):
        self.args, self.live = args, live
        if live and screen:
            self.fig = plt.subplots(figsize=(WIDTH, HEIGHT + STRIP))[0]
        else:  # without a window there is no need of the reader's backend
            self.fig = Figure(figsize=(WIDTH, HEIGHT + STRIP * live))
            FigureCanvasAgg(self.fig)
        self.show_test = True
        self.begin(data)
        self.draw()

    def begin(self, data=None):
        """Make the data, if none are given, a network and the first row of history."""
        args, self.rng = self.args, np.random.default_rng(self.args.seed)
        self.data = data or load_data(args, self.rng)
        n_out, last = self.data["y"].shape[1], self.data["output"]
        self.sizes = [len(args.inputs), *args.hidden, n_out]
        names = [*[args.activation] * len(args.hidden), last]
        self.phi = {k: name for k, name in enumerate(names, start=1)}
        W, b = init_params(self.sizes, self.phi, self.rng)
        self.history = [history_row(W, b, self.data, self.phi, 0)]
        self.name = f"{args.data}, {'-'.join(map(str, self.sizes))} {args.activation}"
        self.score = "R2" if last == "linear" else "accuracy"
        self.at = None  # the row that is shown; None is the last one
        self.picked = self.pointed = self.trouble = None
        self.phase, self.before = 0, None
        self.span = args.epochs  # the end of the axes of epochs
        self.order, self.seen = [], 0  # points left in the epoch; points learnt from

    def row(self):
        """Return the row of the history that is shown."""
        return self.history[-1 if self.at is None else self.at]

    def fraction(self, left, bottom, width, height):
        """Return a box in inches as shares of the figure."""
        up = STRIP if self.live else 0
        return (left / WIDTH, (bottom + up) / (HEIGHT + up), width / WIDTH,
                height / (HEIGHT + up))

    def draw(self):
        """Draw what stands still; what moves is drawn by ``show`` and ``refresh``."""
        for part in self.fig.get_children()[1:]:  # all but the white behind
            part.remove()  # fig.clear() would first make each axis anew
        self.ax = {name: self.fig.add_axes(self.fraction(*box))
                   for name, box in BOXES.items()}
        r = max(1.0, 1.05 * np.abs([*self.data["P"], *self.data["test_P"]]).max())
        points = np.linspace(-r, r, GRID)
        self.plane = np.stack(np.meshgrid(points, points), axis=-1).reshape(-1, 2)
        self.grid = features(self.plane, self.args.inputs)  # (GRID * GRID, D)
        self.draw_scales(r)
        self.draw_edges(self.ax["net"])
        self.draw_neurons(self.ax["net"])
        self.draw_surface(self.ax["surface"], r)
        self.draw_histories()
        self.moving = [artist for ax in self.ax.values() for artist in
                       (*ax.images, *ax.collections, *ax.lines, *ax.texts)
                       if artist not in self.still]
        self.moving.sort(key=lambda artist: artist.zorder)
        for artist in self.moving:
            artist.set_animated(True)  # the stored background leaves it out
        self.show()

    def draw_scales(self, r):
        """Find the limits and the colours of the map of each neuron (k, j)."""
        height, self.scale = np.abs(self.data["y"]).max(), {}
        K, signed = self.sizes[-1], shades(["#0072B2", "#FFFFFF", "#E69F00"])
        count = K if self.data["output"] == "softmax" else 2
        self.colours = COLOURS[:count]
        if count > len(COLOURS):
            self.colours = [*map(to_hex, plt.get_cmap("hsv")(np.arange(count) / count))]
        limits = {"tanh": (-1, 1), "sigmoid": (0, 1), "softmax": (0, 1)}
        for k, n in enumerate(self.sizes):
            for j in range(n):
                low_high = limits.get(self.phi.get(k), (-r, r))
                if k == 0:
                    most = np.abs(self.grid[:, j]).max()
                    low_high = (-most, most)
                elif k == len(self.phi) and self.data["output"] == "linear":
                    low_high = (-height, height)
                table = signed
                if self.phi.get(k) == "softmax":
                    table = shades(["#FFFFFF", self.colours[j]])
                self.scale[k, j] = low_high, table

    def draw_edges(self, ax):
        """Find a place for each neuron (k, j); draw a curve for a weight (k, i, j)."""
        columns = np.linspace(1.0, 5.2, len(self.sizes))
        pitch = min(0.8, 3.0 / max(self.sizes), 0.6 * (columns[1] - columns[0]))
        r = self.radius = 0.38 * pitch
        self.places = {(k, j): np.array([x, 1.6 + pitch * ((n - 1) / 2 - j)])
                       for k, (x, n) in enumerate(zip(columns, self.sizes))
                       for j in range(n)}
        t = np.linspace(0, 1, 20).reshape(-1, 1)
        way = np.hstack([t, t**2 * (3 - 2 * t)])
        self.curves, self.numbers = {}, []  # in the order of ``flat``
        for k, n in enumerate(self.sizes[1:], start=1):
            for i, j in np.ndindex(self.sizes[k - 1], n):
                start, end = self.places[k - 1, i] + [r, 0], self.places[k, j] - [r, 0]
                self.curves[k, i, j] = start + (end - start) * way
                self.numbers.append((k, i, j))
            self.numbers += [("b", k, j) for j in range(n)]
        self.is_weight = np.array([place[0] != "b" for place in self.numbers])
        self.edges = ax.add_collection(LineCollection([*self.curves.values()]))
        self.halo = ax.add_collection(LineCollection([], color="#000000", zorder=0.9))

    def draw_neurons(self, ax):
        """Draw map, name and number of each neuron, and in its corner its bias."""
        r, self.maps, self.still = self.radius, {}, []
        self.figures, size = {}, np.clip(9 * r / 0.12, 5, 9)
        room = max(1, int(14 * r))  # lines that are as high as a neuron
        box = {"facecolor": "#FFFFFF", "edgecolor": "none", "alpha": 0.85, "pad": 0.8}
        inputs = ["\n".join(map(plain, textwrap.wrap(name, 8)[:room]))
                  for name in self.data["names"]]
        if len({*inputs}) < len(inputs):  # what differs was cut off
            inputs = self.args.inputs
        for (k, j), (x, y) in self.places.items():
            self.maps[k, j] = ax.add_image(Map(
                ax, extent=(x - r, x + r, y - r, y + r), origin="lower", zorder=2,
                interpolation="nearest"))
            name, look = str(j), {"va": "top", "size": size, "color": GREY}
            if k == 0:
                name, look = inputs[j], {"va": "center"}
            self.still.append(ax.text(x - r - 0.05, y + (r if k else 0), name,
                                      ha="right", bbox=box, **look))
            look = {"size": size, "va": "center", "bbox": {**box, "alpha": 0.7}}
            self.figures[k, j] = ax.text(x + r + 0.03, y, "", zorder=5, linespacing=1.0,
                                         **look)
        gap = self.places[1, 0][0] - self.places[0, 0][0] - 2 * r - 0.1
        self.gap = gap * 9 / size  # inches between two columns, had letters 9 points
        corners = np.array([*self.places.values()])[:, None] - r  # the lower left ones
        square = r * np.array([[0, 0], [0, 1], [1, 1], [1, 0]])
        style = {"facecolor": "none", "edgecolor": GREY, "linewidth": 0.8, "zorder": 3}
        self.frames = ax.add_collection(PolyCollection(corners + 2 * square, **style))
        self.biases = ax.add_collection(
            PolyCollection(corners[self.sizes[0]:] + 0.4 * square, **style))
        for k in range(len(self.sizes)):
            gap = "\n" if len(self.sizes) > 6 else " "
            heading = f"a[{k}]{gap}{self.phi[k] if k else 'inputs'}"
            self.still.append(ax.text(self.places[k, 0][0], 3.36, heading, ha="center",
                                      linespacing=1.0))
        look = {"size": 11, "weight": "bold", "va": "bottom"}
        self.title = ax.text(0.1, 3.643, f"{self.name},", **look)
        self.count = ax.annotate("", (1, 0), (4, 0), xycoords=self.title,
                                 textcoords="offset points", **look)
        self.story = ax.text(0.1, -0.05, "", va="center")
        self.label = ax.text(0, 0, "", va="bottom", zorder=9,
                             bbox={"facecolor": "#FFFFFF", "edgecolor": GREY, "pad": 2})
        ax.set(xlim=(0, 6.1), ylim=(-0.15, 3.6))
        ax.set_axis_off()

    def draw_surface(self, ax, r):
        """Draw the training and test points, on the output over the plane."""
        data, mean, std = self.data, self.data["mean"], self.data["std"]
        self.maps["surface"] = ax.add_image(Map(
            ax, extent=(-r, r, -r, r), origin="lower", interpolation="bilinear"))
        self.dots = []
        for part, marker in (("", "o"), ("test_", "s")):  # more would hide the output
            P, y = data[part + "P"][:80], data[part + "y"][:80]
            if data["output"] == "linear":
                colours = paint(y[:, 0], *self.scale[len(self.phi), 0])[:, :3] / 255
            else:
                index = y.argmax(axis=1) if y.shape[1] > 1 else y[:, 0].astype(int)
                colours = np.array([to_rgb(c) for c in self.colours])[index]
            style = {"facecolor": "none", "edgecolor": 0.6 * colours} if part else {
                "facecolor": 0.5 * colours, "edgecolor": "#FFFFFF"}
            self.dots.append(ax.scatter(*P.T, s=20, marker=marker, zorder=3, **style))
        self.ring = ax.scatter([], [], s=130, facecolor="none", edgecolor="#000000",
                               linewidth=2, zorder=4)
        for axis, m, s in ((ax.xaxis, mean[0], std[0]), (ax.yaxis, mean[1], std[1])):
            low, high = m - r * s, m + r * s  # ticks in the file's own units
            ticks = [tick for tick in plt.MaxNLocator(4).tick_values(low, high)
                     if low <= tick <= high]
            axis.set_ticks([(tick - m) / s for tick in ticks],
                           [f"{tick:.6g}" for tick in ticks])
        ax.set(xlim=(-r, r), ylim=(-r, r), aspect="equal")
        ax.set_xlabel(plain(data["axes"][0]))
        ax.set_ylabel(plain(data["axes"][1]))
        self.still.append(ax.text(0, 1.04, "dots: training, squares: test",
                                  transform=ax.transAxes))
        longest, rows = 12 if len(data["classes"]) < 9 else 7, [[]]
        names = data["classes"] or ["below 0", "above 0"]  # of heights
        for name, colour in zip(names, self.colours):
            x = sum(len(other) + 2 for other, _ in rows[-1])
            if rows[-1] and x + len(name[:longest]) > 28:  # the line is full
                rows.append([])
            rows[-1].append((name[:longest], 0.8 * np.array(to_rgb(colour))))
        y = 1.04 + 0.09 * len(rows)
        self.heading = ax.text(0, y + 0.09, "", transform=ax.transAxes, size=10,
                               weight="bold")
        for n, row in enumerate(rows):
            x = 0.0
            for name, colour in row:
                self.still.append(ax.text(x, y - 0.09 * n, plain(name), color=colour,
                                          transform=ax.transAxes, weight="bold"))
                x += (len(name) + 2) / 24

    def draw_histories(self):
        """Draw panels for loss, score, weights and gradient."""
        n, log = self.history[0]["weights"].size, {"yscale": "log", "ylim": (1e-4, 10)}
        panels = {"loss": {"title": "loss J"} | log,
                  "score": {"title": self.score,
                            "ylim": (-1.05 if self.score == "R2" else -0.02, 1.03)},
                  "weights": {"title": f"{n} weights and biases", "ylim": (-30, 30)},
                  "gradient": {"title": "gradient's norm"} | log}
        self.lines, self.nows = {}, []
        for name, settings in panels.items():
            ax = self.ax[name]
            ax.set(xlabel="epoch", xlim=(0, self.span), **settings)
            ax.locator_params(axis="x", nbins=3)
            ax.minorticks_off()
            ax.grid(alpha=0.25)
            self.nows.append(ax.axvline(0, color="#000000", linewidth=0.8))
        self.ax["score"].yaxis.set_major_formatter("{x:.0%}")
        self.ax["weights"].set_yscale("symlog", linthresh=1)
        self.ax["weights"].set_yticks([-10, -1, 0, 1, 10], "−10 −1 0 1 10".split())
        self.lines["gradient"] = self.ax["gradient"].plot([], [], color=GREY)[0]
        for name in ("loss", "score"):  # thin on wide: both are seen
            self.lines[name], = self.ax[name].plot([], [], TRAIN_COLOUR, linewidth=3.5)
            self.lines["test_" + name], = self.ax[name].plot([], [], TEST_COLOUR)
        for y, text, colour in ((0.22, "training", TRAIN_COLOUR),
                                (0.06, "test", TEST_COLOUR)):  # no curve begins so low
            self.still.append(self.ax["loss"].text(
                0.05, y, text, color=colour, transform=self.ax["loss"].transAxes))
        self.losses = {name: self.ax["loss"].text(
            x, 1.07, "", color=colour, transform=self.ax["loss"].transAxes)
            for name, x, colour in (("loss", 0.36, TRAIN_COLOUR),
                                    ("test_loss", 0.8, TEST_COLOUR))}
        self.tracks = self.ax["weights"].add_collection(LineCollection([]))

    def example(self):
        """Return ``one_example`` of the chosen point, or None; and the row it is of."""
        row = self.row()
        if self.picked is None:
            return None, row
        if self.phase == 3 and self.before is not None:
            row = self.before  # the update is shown with the numbers that led to it
        part, n = self.picked
        x, y = self.data[part + "X"][n:n + 1], self.data[part + "y"][n:n + 1]
        return one_example(row, x, y, self.phi), row

    def show(self):
        """Bring what moves up to date: the shown row, the chosen point, the mouse."""
        row = self.row()
        one, used = self.example()
        self.show_maps(row)
        self.show_edges(row, one)
        self.show_history(row)
        self.show_example(row, one)
        test = f": test {self.score} {row['test_score']:.1%}"
        self.count.set_text(f"epoch {round(row['epoch'], 3):g}" + (
            test if self.show_test else
            f": training {self.score} {row['score']:.1%}"))
        if self.trouble:
            self.story.set_text(self.trouble)
        place = self.pointed if self.pointed in self.curves else None
        self.label.set_text("")
        if place:
            value = value_of(used, place)[0]
            text = f"{name_of(place)} = {value:+.3f}"
            if one and self.phase == 3 and not self.picked[0]:
                text = number_text(used, place, one, 3, self.args.lr, self.args.l2)
            self.label.set_text(text.replace(" - ", "\n- ", 1))
            x, y = self.curves[place].max(axis=0)  # above its higher end
            x = min(x - 0.5, 4.35)
            self.label.set_position((x, min(y + self.radius + 0.05, 2.8)))
        self.label.set_visible(bool(place))

    def show_maps(self, row):
        """Show what each neuron computes over the plane, the pointed one large."""
        a = forward(row["W"], row["b"], self.grid, self.phi)[1]
        for (k, j), scale in self.scale.items():
            colours = paint(a[k][:, j], *scale)
            self.maps[k, j].set_data(colours.reshape(GRID, GRID, 4))
        L, place = len(self.phi), self.pointed
        if place is not None and place in self.scale:
            large = paint(a[place[0]][:, place[1]], *self.scale[place])
            self.heading.set_text(f"{name_of(place)} over the plane")
        elif self.phi[L] == "softmax":  # a light tint of each class, by its share
            rgb = np.array([to_rgb(colour) for colour in self.colours])  # (K, 3)
            large = (a[L] @ (255 * (0.25 + 0.75 * rgb))).astype(np.uint8)
        else:
            large = paint(a[L][:, 0], *self.scale[L, 0])
        if place is None or place not in self.scale:
            self.heading.set_text("output over the plane")
        self.maps["surface"].set_data(large.reshape(GRID, GRID, -1))
        self.dots[1].set_visible(self.show_test)

    def show_edges(self, row, one):
        """Show each weight, or in the phase backward its slope; dim and highlight."""
        values, place = row["weights"][self.is_weight], self.pointed
        if one and self.phase == 2:
            slopes = flat(one["dW"], one["dz"])[self.is_weight]
            values = 3 * slopes / max(np.abs(slopes).max(), 1e-12)
        self.widths = 0.4 + 6 * np.tanh(np.abs(values) / 4)
        colours = weight_colours(values)
        if place is not None and place in self.scale:  # dim what is not its own
            k, j = place
            own = [(m == k and q == j) or (m == k + 1 and p == j)
                   for m, p, q in self.curves]
            colours[~np.array(own), 3] = 0.1
        self.edges.set(linewidth=self.widths, color=colours)
        shown = [self.curves[place]] if place in self.curves else []
        self.halo.set_segments(shown)
        if shown:
            self.halo.set_linewidth(3 + self.widths[[*self.curves].index(place)])
        biases = row["weights"][~self.is_weight]
        self.biases.set_facecolor(SIGNED(0.5 + 0.5 * np.tanh(biases)))

    def show_history(self, row):
        """Show how the numbers came about, up to the shown row and beyond it."""
        last = len(self.history) - 1
        self.past = self.history[last::-max(1, last // (100 if self.live else 300))]
        epochs = np.array([past["epoch"] for past in self.past])
        for name, line in self.lines.items():
            low = -1.0 if "score" in name else 1e-9  # R2 may be negative
            numbers = np.clip([past[name] for past in self.past], low, 1e9)
            line.set_data(epochs, numbers)
            line.set_visible(self.show_test or not name.startswith("test"))
        for name, text in self.losses.items():
            number_format = ".3g" if 1e-3 <= row[name] < 1000 else ".1e"
            text.set_text(format(row[name], number_format))
            text.set_visible(self.show_test or name == "loss")
        weights = np.array([past["weights"] for past in self.past]).T  # (numbers, rows)
        self.tracks.set_segments(
            np.stack([np.broadcast_to(epochs, weights.shape), weights], axis=-1))
        colours, widths = weight_colours(row["weights"]), np.ones(len(self.numbers))
        if self.pointed in self.numbers:
            n = self.numbers.index(self.pointed)
            colours[n], widths[n] = (0, 0, 0, 1), 2.5
        self.tracks.set(color=colours, linewidth=widths)
        for line in self.nows:
            line.set_xdata([row["epoch"]] * 2)
            line.set_visible(self.at is not None)

    def show_example(self, row, one):
        """Show the numbers of the chosen point beside the neurons, phase by phase."""
        for text in self.figures.values():
            text.set_visible(one is not None)
        if one is None:
            self.story.set_text("")
            self.ring.set_offsets(np.zeros((0, 2)))
            return
        part, n = self.picked
        self.ring.set_offsets(self.data[part + "P"][n])
        x, y = self.data[part + "X"][n:n + 1], self.data[part + "y"][n]
        L, now = len(self.phi), one_example(row, x, y, self.phi)["loss"]
        for (k, j), text in self.figures.items():
            number = f"{one['a'][k][0, j]:.2f}"
            if self.phase == 2 and k:
                name = "dz " if k == L or self.gap > 0.68 else ""
                number += f"\n{name}{one['dz'][k][0, j]:+.3f}"
            elif self.phase and k == L:
                number += f"\ny = {y[j]:.3g}"
            if k < L and self.gap < (0.45 if self.phase == 2 else 0.32):  # its width
                number = ""  # the line below has it when the mouse is on the neuron
            text.set_text(number)
        lr, lost = self.args.lr, one["loss"]
        self.story.set_text((
            f"1 forward: a neuron multiplies inputs by weights, adds its bias, then "
            f"{self.phi[1]}.",
            f"2 loss: the output, and the target y beside it, give J = {lost:.4f}.",
            "3 backward: dz is the slope of J for a neuron's sum; a wide line: a large "
            "slope of its weight.",
            "4 update: left out: from a test point nothing must be learnt."
            if part else f"4 update: each number moves by {-lr:g} times its slope; J "
            f"of this point: {lost:.4f} -> {now:.4f}.")[self.phase])

    def refresh(self, event=None):
        """Draw what moves onto the stored background; a draw event brings a new one."""
        if event:
            self.background = self.fig.canvas.copy_from_bbox(self.fig.bbox)
        self.fig.canvas.restore_region(self.background)
        for artist in self.moving:
            if artist.get_visible():
                self.fig.draw_artist(artist)

    def resume(self):
        """Go on from the row that is shown, also where it is not the last one."""
        if self.at is not None:
            self.history.append({**self.row(), "epoch": self.history[-1]["epoch"]})
        self.at, self.trouble = None, None

    def learn(self, unit="epoch"):
        """Learn from an example, a batch or the rest of an epoch; keep a row of it."""
        self.resume()
        data, args = self.data, self.args
        W, b = self.history[-1]["W"], self.history[-1]["b"]
        order, seen = self.order, self.seen
        while True:
            if not len(order):
                order = self.rng.permutation(len(data["X"]))
            size = 1 if unit == "example" else args.batch_size
            rows, rest = order[:size], order[size:]
            if unit == "example" and self.picked and not self.picked[0]:
                rows, rest = [self.picked[1]], order  # the chosen one, again
            X, y = data["X"][rows], data["y"][rows]
            W, b = step(W, b, X, y, self.phi, args.lr, args.l2)
            order, seen = rest, seen + len(rows)
            if unit != "epoch" or not len(rest):
                break
        epoch = seen / len(data["X"])
        self.history.append(history_row(W, b, data, self.phi, epoch))
        self.order, self.seen = order, seen  # not counted where the loss has exploded
        if len(self.history) > ROWS_KEPT:
            del self.history[1:ROWS_KEPT // 2:2]  # every second one of the older half

    def next_phase(self):
        """Go on to the next phase of the chosen point; the fourth learns from it."""
        self.phase = (self.phase + 1) % 4
        if self.phase == 3:
            self.before = self.row()
            if not self.picked[0]:
                self.learn("example")


def plot_start():
    """Draw the sums of a deep network before any step, for weights of four sizes."""
    fig = Figure(figsize=(8, 3.4), layout="constrained")
    ax = fig.subplots()
    for times, name, text, colour in (
            (10, "tanh", "weights 10 times as large", COLOURS[5]),
            (1, "linear", "(4.1), without tanh", COLOURS[7]),
            (1, "tanh", "weights as in (4.1)", COLOURS[2]),
            (0.3, "tanh", "weights 0.3 times as large", COLOURS[0])):
        sums = start_sums(times, name)
        ax.plot(range(1, 7), sums, "o--" if name == "linear" else "o-", color=colour)
        ax.text(6.12, sums[-1], text, color=colour, va="center")
    ax.axhspan(np.arctanh(0.99), 50, color="#EEEEEE")
    ax.text(6.12, 29, "here tanh is beyond ±0.99, flat", va="center", color=GREY)
    ax.set(yscale="log", ylim=(5e-4, 50), xlim=(0.8, 8.2), xticks=range(1, 7),
           xlabel="layer", ylabel="root mean square of its sums",
           title="Before any step: small weights let sums fade, large ones go too far")
    ax.yaxis.set_major_formatter("{x:g}")
    return fig


def plot_chain():
    """Draw the worked example of the README as a chain, forward and backward."""
    W = {1: np.array([[0.5, -1.0], [1.0, 0.5]]), 2: np.array([[1.0], [-2.0]])}
    row = {"W": W, "b": {1: np.zeros((1, 2)), 2: np.zeros((1, 1))}}
    phi = {1: "tanh", 2: "sigmoid"}
    one = one_example(row, np.array([[1.0, 0.5]]), np.ones((1, 1)), phi)
    z, a, dW, dz = one["z"], one["a"], one["dW"], one["dz"]
    boxes = {"a_0": (0, 2, a[0].T), "z_1": (1, 2, z[1].T), "a_1": (2, 2, a[1].T),
             "z_2": (3, 2, z[2]), "a_2": (4, 2, a[2]), "J": (5, 2, [[one["loss"]]]),
             "dz_2": (3, 1, dz[2]), "da_1": (2, 1, W[2] @ dz[2]),
             "dz_1": (1, 1, dz[1].T), "dW_2": (3, 0, dW[2]), "dW_1": (1, 0, dW[1])}
    arrows = {"a_0 z_1": "times $W_1$\n(4.2)", "z_1 a_1": "tanh\n(4.3)",
              "a_1 z_2": "times $W_2$\n(4.2)", "z_2 a_2": "sigmoid\n(4.3)",
              "a_2 J": "$y = 1$\n(4.4)", "J dz_2": "$a_2 - y$  (4.7)",
              "dz_2 da_1": "times $W_2^T$\n(4.11)", "da_1 dz_1": "⊙ slope\n(4.12)",
              "dz_2 dW_2": "times $a_1^T$  (4.9)", "dz_1 dW_1": "times $a_0^T$  (4.9)"}
    fig = Figure(figsize=(8, 3.6))
    ax = fig.add_axes((0, 0, 1, 0.9), xlim=(-0.4, 5.4), ylim=(-0.4, 2.4))
    ax.set_axis_off()
    ax.set_title(" Numbers run forward to the loss (above), slopes run back (below)")
    for name, (x, y, numbers) in boxes.items():
        rows = "\n".join("  ".join(f"{v:.4f}" for v in line) for line in numbers)
        ax.text(x, y, f"${name}$\n{rows}", ha="center", va="center",
                color=COLOURS[0] if y == 2 else COLOURS[5])
    for ends, text in arrows.items():
        (x0, y0, _), (x1, y1, _) = (boxes[name] for name in ends.split())
        start, way = np.array([x0, y0]), np.array([x1 - x0, y1 - y0])
        cut = 0.3 / max(abs(way))
        ax.annotate("", start + (1 - cut) * way, start + cut * way,
                    arrowprops={"arrowstyle": "-|>", "color": GREY})
        x, y = start + way / 2
        if way[1]:
            y -= 0.1 * (ends == "J dz_2")
            ax.text(x + 0.06, y, text, va="center", color=GREY)
            continue
        for line, up, va in zip(text.split("\n"), (0.05, -0.07), ("bottom", "top")):
            ax.text(x, y + up, line, va=va, ha="center", color=GREY)
    return fig


BUTTONS = {"Play": (0, 0.1, 1.15, " "), "Step": (0, 1.3, 0.85, "s"),
           "Next phase": (0, 2.2, 1.25, "n"), "Reset": (0, 7.0, 0.85, "r"),
           "New seed": (0, 7.9, 1.0, "d"), "Save": (2, 7.9, 1.0, "w")}
# Name: (row, left, width in inches, share of its name, values)
STEPPERS = {"one step": (0, 3.55, 1.65, 0.4, ["example", "batch", "epoch"]),
            "speed": (0, 5.25, 1.65, 0.3, [2, 10, 30, 300]),
            "data": (1, 0.1, 1.6, 0.25, DATA),
            "activation": (1, 1.8, 1.75, 0.45, HIDDEN),
            "learning rate": (1, 3.65, 1.85, 0.5,
                              [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10]),
            "L2": (1, 5.6, 1.3, 0.2, [0, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1]),
            "test": (1, 7.0, 1.9, 0.25, ["shown", "hidden"]),
            "hidden layers": (2, 0.1, 1.6, 0.6, [0, 1, 2, 3, 4, 5, 6]),
            "noise": (2, 1.8, 1.35, 0.4, [0, 0.1, 0.2, 0.3, 0.5, 1]),
            "batch": (2, 3.25, 1.25, 0.4, [1, 2, 5, 10, 20, 50, 100, 200]),
            "epoch": (2, 4.6, 1.6, 0.35, None),
            "save as": (2, 6.3, 1.55, 0.4, ["picture", "GIF", "HTML", "weights"])}
FLAG = {"data": "data", "activation": "activation", "learning rate": "lr", "L2": "l2",
        "noise": "noise", "batch": "batch_size"}  # what a stepper sets
ROWS_AT = (1.24, 0.9, 0.56)  # inches from below
NEURONS = [*range(1, 17)]
HINT = ("Point at a neuron, a line or a curve. Click a point of the data: its numbers. "
        "Drag a line or a bias up or down,\nor click it and type a number. Drag in a "
        "panel of curves: back in time. Click a number between the arrows to type it.")


class Window(Picture):
    """The picture with controls. What is moved, clicked or typed is named below it."""

    def __init__(self, args, screen=True):
        self.state = {"one step": "epoch", "speed": 10, "test": "shown",
                      "save as": "picture"}
        self.playing, self.message, self.typing = False, "", None
        self.dragged = self.moved = self.last_tick = None
        self.cells, self.fitted, self.room = {}, {}, None
        super().__init__(args, live=True, screen=screen)
        if not screen:  # only its picture is wanted
            return
        canvas = self.fig.canvas
        canvas.manager.set_window_title("Neural network visualizer")
        canvas.mpl_disconnect(canvas.manager.key_press_handler_id)  # its keys are ours
        for name, react in (("draw_event", self.refresh),
                            ("resize_event", self.on_size),
                            ("button_press_event", self.on_press),
                            ("button_release_event", self.on_release),
                            ("motion_notify_event", self.on_move),
                            ("figure_leave_event", self.on_leave),
                            ("key_press_event", self.on_key),
                            ("close_event", lambda event: self.timer.stop())):
            canvas.mpl_connect(name, react)
        self.timer = canvas.new_timer(interval=5)
        self.timer.add_callback(self.on_timer)
        self.timer.start()

    def draw(self):
        """Draw the picture, and the controls below it."""
        super().draw()
        self.moving = [part for part in self.moving
                       if part not in (self.title, self.heading)]
        self.cells, self.texts, self.letters = {}, {}, {}
        for name, (row, left, width, key) in BUTTONS.items():
            self.add_cell(name, (left, ROWS_AT[row] - STRIP, width, 0.27))
            label = f"{name} ({'space' if key == ' ' else key})"
            self.texts[name] = self.write(name, 0.5, label)
        for name, (row, left, width, share, _) in STEPPERS.items():
            self.add_stepper(name, (left, ROWS_AT[row] - STRIP, width, 0.27), share)
        for k in range(1, len(self.sizes) - 1):  # above each hidden layer
            left = BOXES["net"][0] + self.places[k, 0][0] - 0.27
            self.add_stepper(f"neurons {k}", (left, 5.25, 0.54, 0.17), 0.0)
        self.tip = self.fig.text(0.1 / WIDTH, 0.28 / (HEIGHT + STRIP), "", va="center",
                                 family="monospace", size=8, animated=True)
        self.show()
        self.fit_letters()
        self.drawing = True
        self.fig.canvas.draw_idle()

    def add_cell(self, name, box):
        """Draw the frame of a control; the box is in inches, as in BOXES."""
        left, bottom, width, height = self.cells[name] = self.fraction(*box)
        self.fig.add_artist(plt.Rectangle((left, bottom), width, height,
                                          facecolor="#F2F2F2", edgecolor="#BBBBBB"))

    def add_stepper(self, name, box, share):
        """Draw a control with a name, a value, and an arrow on each side of it."""
        self.add_cell(name, box)
        if share:
            self.write(name, 0.02, name, ha="left", animated=False, color=GREY)
        low, high = ("−", "+") if name.startswith("neurons") else ("‹", "›")
        ends = {low: share + 0.11 * (1 - share), high: 1 - 0.11 * (1 - share)}
        for sign, x in ends.items():
            self.write(name, x, sign, animated=False, weight="bold")
        self.texts[name] = self.write(name, share + 0.5 * (1 - share), "")

    def write(self, name, x, text, ha="center", **style):
        """Write in a control, x of its width from the left; animated: it may change."""
        left, bottom, width, height = self.cells[name]
        return self.fig.text(left + x * width, bottom + 0.48 * height, text, ha=ha,
                             va="center", **{"animated": True, **style})

    def get(self, name):
        """Return what a stepper shows."""
        if name in FLAG:
            return vars(self.args)[FLAG[name]]
        if name == "hidden layers":
            return len(self.args.hidden)
        if name.startswith("neurons"):
            return self.args.hidden[int(name.split()[1]) - 1]
        if name == "epoch":
            return round(self.row()["epoch"], 2)
        return self.state[name]

    def put(self, name, value):
        """Set a stepper to a value, and do what follows from it."""
        if name in self.state:
            self.state[name] = value
            self.show_test = self.state["test"] == "shown"
            if self.picked and self.picked[0] and not self.show_test:
                self.picked, self.phase = None, 0
        elif name == "epoch":
            epochs = np.array([row["epoch"] for row in self.history])
            self.look_back(int(np.abs(epochs - value).argmin()))
        elif name in ("learning rate", "L2", "batch"):
            vars(self.args)[FLAG[name]] = value
            self.phase %= 3  # the update that is shown was made with the old value
        elif name == "hidden layers":
            hidden = self.args.hidden
            self.reset(hidden=[*hidden, *[4] * (value - len(hidden))][:value])
        elif name.startswith("neurons"):
            hidden = [*self.args.hidden]
            hidden[int(name.split()[1]) - 1] = value
            self.reset(hidden=hidden)
        elif name == "noise" and self.args.data in ("csv", "iris"):
            self.message = "noise: none is added to the points of a file"
        else:
            self.reset(**{FLAG[name]: value})

    def change(self, name, direction):
        """Set a stepper to the value before (-1) or after (1) the present one."""
        now = self.get(name)
        values = NEURONS if name.startswith("neurons") else STEPPERS[name][4]
        if name == "epoch":
            at = len(self.history) - 1 if self.at is None else self.at
            if 0 <= at + direction < len(self.history):
                self.look_back(at + direction)
            else:
                self.message = f"epoch: {now:g} is the last value here"
        elif isinstance(now, str):
            if name == "data" and self.args.csv:
                values = [*values, "csv"]
            self.put(name, values[(values.index(now) + direction) % len(values)])
        else:
            further = [v for v in values if (v - now) * direction > 1e-12]
            if further:
                self.put(name, min(further, key=lambda v: abs(v - now)))
            else:
                self.message = f"{name}: {now:g} is the last value here"

    def look_back(self, at):
        """Show an earlier row of the history; the last one is the present."""
        self.play(False)
        last = len(self.history) - 1
        self.at, self.phase = None if at >= last else max(0, at), self.phase % 3
        self.message = "" if self.at is None else (
            "The past. Whatever you do now goes on from the network that you see.")

    def reset(self, **changes):
        """Begin anew with other settings, or say why not and keep the old ones."""
        kept, had_learnt = {**vars(self.args)}, len(self.history) > 1
        self.play(False)
        self.dragged = None
        vars(self.args).update(changes)
        try:
            self.begin()
        except (InputError, ImportError, FloatingPointError) as error:
            vars(self.args).update(kept)
            self.message = str(error)
            return
        if had_learnt:
            self.message = "Begun anew: a new history, and paused."
        self.draw()

    def press(self, name):
        """Do what a button says."""
        if name == "Play":
            self.play(not self.playing)
        elif name == "Step":
            self.play(False)
            self.advance(self.state["one step"])
        elif name == "Next phase":
            self.play(False)
            if self.picked is None:
                self.picked, self.phase = ("", 0), 0
            else:
                self.guard(self.next_phase)
        elif name == "Reset":
            self.reset()
        elif name == "New seed":
            self.reset(seed=(self.args.seed + 1) % 2**32)
            self.message = f"seed {self.args.seed}"
        else:
            self.save()

    def save(self):
        """Write what the stepper beside the button names."""
        kind, copy, n = self.state["save as"], self.copy(), 1
        name = {"picture": "picture.png", "GIF": "learning.gif",
                "HTML": "learning.html", "weights": "weights.json"}[kind]
        if kind == "weights":
            content = weights_json(copy)
        elif kind == "picture":
            content = png(copy)
        else:
            content = films(copy)[name]
        while (self.args.out / name.replace(".", f"_{n}.")).exists():
            n += 1  # nothing is overwritten
        name = name.replace(".", f"_{n}.")
        try:
            self.args.out.mkdir(parents=True, exist_ok=True)
            (self.args.out / name).write_bytes(content)
            self.message = f"wrote {name} to {self.args.out}"
        except OSError as error:
            self.message = f"cannot write {name}: {error.strerror}"

    def copy(self):
        """Return a picture without a window, of the same network and history."""
        copy = Picture(argparse.Namespace(**vars(self.args)), data=self.data)
        for name in ("history", "at", "picked", "phase", "before", "show_test"):
            setattr(copy, name, getattr(self, name))
        copy.span = max(1, self.history[-1]["epoch"])
        copy.draw()
        return copy

    def play(self, playing):
        """Play, or pause."""
        self.playing, self.last_tick = playing, None

    def guard(self, act, *inputs):
        """Do something that may make the loss explode; then say so and pause."""
        try:
            act(*inputs)
        except FloatingPointError as error:
            self.play(False)
            text = str(error).replace("--lr", "learning rate")
            self.trouble = f"{text}. This is the last state before that."

    def advance(self, unit, steps=1):
        """Learn for some steps."""
        for _ in range(steps):
            self.guard(self.learn, unit)
            if self.trouble:
                break
        if self.picked and self.phase == 3:
            self.phase = 0
        self.widen()
        self.update()

    def widen(self):
        """Double the axes of epochs when the history has filled them."""
        if self.history[-1]["epoch"] > self.span:
            self.span = 2 * self.history[-1]["epoch"]
            for name in PANELS:
                self.ax[name].set_xlim(0, self.span)
            self.fig.canvas.draw_idle()

    def on_timer(self):
        """Learn while playing; return nothing, since False would end the timer."""
        if CTRL_C:
            plt.close(self.fig)
        elif self.playing:
            now, rate = time.perf_counter(), self.state["speed"]
            steps = max(1, rate // 30)
            due = now if self.last_tick is None else self.last_tick + steps / rate
            if now >= due:
                self.last_tick = max(due, now - steps / rate)  # a longer delay is lost
                self.advance(self.state["one step"], steps)

    def update(self):
        """Bring all that moves up to date, and show it."""
        if self.drawing:  # the whole picture will be drawn, and all this with it
            return
        self.show()
        self.refresh()
        self.fig.canvas.blit(self.fig.bbox)

    def refresh(self, event=None):
        """Draw what moves; letters take time, so those that rarely change are kept."""
        canvas = self.fig.canvas
        if event:
            self.clean, self.written = canvas.copy_from_bbox(self.fig.bbox), None
            if self.drawing:  # what was left out since then
                self.drawing = False
                self.show()
        self.texts["Play"].set_text("Pause (space)" if self.playing else "Play (space)")
        for name, text in self.texts.items():
            if name not in BUTTONS:
                value = self.get(name)
                text.set_text(value if isinstance(value, str) else
                              f"{value:g}" + " a second" * (name == "speed"))
        self.tip.set_text(self.tip_text())
        quiet = [self.title, self.heading, self.tip,
                 *(text for name, text in self.texts.items() if name != "epoch")]
        words = [text.get_text() for text in quiet]
        if words != self.written:
            canvas.restore_region(self.clean)
            for text in quiet:
                self.fig.draw_artist(text)
            self.background, self.written = canvas.copy_from_bbox(self.fig.bbox), words
        super().refresh()
        self.fig.draw_artist(self.texts["epoch"])

    def tip_text(self):
        """Return what stands below the controls."""
        if self.typing:
            name, text = self.typing
            shown = name if isinstance(name, str) else name_of(name)
            help_text = self.message or "Enter sets it, Escape leaves it as it is"
            return f"{shown} = {text}_    {help_text}"
        if self.message:
            return textwrap.fill(self.message, 125)
        place = self.pointed
        if place is None:
            return HINT
        one, row = self.example()
        if place in self.scale:
            text = neuron_text(row, place, self.phi, one, self.phase)
        else:
            phase = min(self.phase, 2) if one and self.picked[0] else self.phase
            text = number_text(row, place, one, phase, self.args.lr, self.args.l2)
        return textwrap.shorten(textwrap.fill(text, 125), 370, placeholder=" ...") if (
            len(text) > 375) else textwrap.fill(text, 125)

    def on_size(self, event):
        """Let all letters and lines grow and shrink with the window."""
        width, height = self.fig.bbox.width, self.fig.bbox.height  # pixels
        dpi = min(width / WIDTH, height / (HEIGHT + STRIP))
        if self.room != (width, height) and dpi > 10:
            self.room = width, height
            self.fig._set_dpi(dpi, forward=False)  # fig.dpi = ... moves the window, too
            self.fig.set_size_inches(width / dpi, height / dpi, forward=False)
            self.fit_letters()

    def fit_letters(self):
        """Make the letters of a small window larger, group by group, where all fits.

        The aim is 7 points on a screen of 100 pixels an inch. Numbers that change have
        no room for it. What fitted for these layers before is tried first.
        """
        self.ax["surface"].apply_aspect()  # a square, whatever the window's shape
        axes = [ax for name, ax in self.ax.items() if name != "net"]
        lines = [axis.label for ax in axes for axis in (ax.xaxis, ax.yaxis)]
        still = {name: [text for text in ax.texts if text in self.still]
                 for name, ax in self.ax.items()}
        own = {*self.texts.values(), self.tip}
        titles = [child for ax in axes for child in ax.get_children()
                  if isinstance(child, plt.Text) and child not in ax.texts]
        groups = [[self.title, self.count], titles, still["net"],
                  [self.heading, *still["surface"], *still["loss"]], [*axes, *lines],
                  [self.texts[name] for name in BUTTONS],
                  [text for text in self.fig.texts if text not in own]]
        dpi = self.fig.dpi / self.fig.canvas.device_pixel_ratio
        aim = max(1.0, 700 / (LOOK["font.size"] * dpi))
        key, now = (self.name, *self.fig.bbox.size), self.count.get_text()
        for group, times in zip(groups, self.fitted.get(key, [])):
            self.scale_letters(group, times)
        if key in self.fitted and (aim == 1 or not self.is_crowded()):
            return
        self.count.set_text(f"epoch 1234.567: training {self.score} 100.0%")  # longest
        self.fitted[key] = []
        for group in groups:
            self.scale_letters(group, 1.0)
        for group in groups:
            for times in sorted({aim, min(1.25, aim), min(1.12, aim), 1.0})[::-1]:
                self.scale_letters(group, times)
                if times == 1 or not self.is_crowded():
                    break
            self.fitted[key].append(times)
        self.count.set_text(now)

    def scale_letters(self, group, times):
        """Give texts, and the ticks of axes, so many times their first size."""
        for text in group:
            if text in self.ax.values():
                text.tick_params(labelsize=times * LOOK["font.size"])
            else:
                size = self.letters.setdefault(text, text.get_size())
                text.set_size(times * size)

    def is_crowded(self):
        """Say whether texts lie on each other, on axes or beyond their place."""
        boxes, places, whole, pen = [], [], [], self.fig.canvas.get_renderer()
        for n, part in enumerate((self.fig, *self.ax.values())):
            found = [text.get_window_extent(pen) for text in part.texts if
                     text.get_text() and text.get_visible() and text is not self.label]
            whole += [False] * len(found)
            if n and part is not self.ax["net"]:
                found.append(part.get_tightbbox(pen))
                whole.append(True)
            boxes += [box.extents for box in found]
            places += [n] * len(found)
        boxes, places, whole = np.array(boxes), np.array(places), np.array(whole)
        on = np.all(boxes[:, None, :2] + 1 < boxes[:, 2:], axis=-1)
        on &= on.T & ~np.eye(len(on), dtype=bool)
        on &= (places[:, None] != places) | ~(whole[:, None] | whole)  # not on its own
        size = self.fig.bbox.size
        wide = [self.texts[name].get_window_extent(pen).width
                > 0.97 * self.cells[name][2] * size[0] for name in BUTTONS]
        return on.any() or any(wide) or np.any((boxes < 0) | (boxes > [*size, *size]))

    def find(self, event):
        """Return what is under the mouse: a neuron, bias, the nearest line or curve."""
        # A pixel is named by its upper left corner; the mouse means its centre.
        mouse = np.array([event.x + 0.5, event.y - 0.5])
        if event.inaxes is self.ax["net"]:
            for place, centre in self.places.items():
                off = np.array([event.xdata, event.ydata]) - centre
                if np.abs(off).max() <= self.radius:
                    corner = np.all(off < -0.6 * self.radius) and place[0]
                    return ("b", *place) if corner else place
            lines = np.stack([*self.curves.values()])  # (edges, 20, 2)
            pixels = self.ax["net"].transData.transform(lines.reshape(-1, 2))
            away = distances(pixels.reshape(lines.shape), mouse)
            nearest = int(away.argmin())
            reach = self.fig.dpi / 72 * (5 + self.widths[nearest] / 2)
            return [*self.curves][nearest] if away[nearest] <= reach else None
        if event.inaxes is self.ax["weights"] and len(self.past) > 1:
            lines = np.stack(self.tracks.get_segments())  # (numbers, rows, 2)
            pixels = self.ax["weights"].transData.transform(lines.reshape(-1, 2))
            away = distances(pixels.reshape(lines.shape), mouse)
            if away.min() <= 5 * self.fig.dpi / 72:
                return self.numbers[int(away.argmin())]
        return None

    def on_move(self, event):
        """Name what is under the mouse; or drag a number, or the time."""
        if self.dragged == "time":
            self.drag_time(event)
        elif self.dragged:
            place, start, y = self.dragged
            if abs(event.y - y) > 2 or self.moved:
                value = start + 2 * (event.y - y) / self.fig.dpi  # 2 for each inch
                self.guard(self.edit, place, round(value, 3))
        else:
            found = self.find(event)
            if found == self.pointed:
                return
            self.pointed, self.message = found, ""
        self.update()

    def on_leave(self, event):
        """Let go of what was under the mouse, when it leaves the window."""
        if not self.dragged:
            self.pointed = None
            self.update()

    def drag_time(self, event):
        """Show the row of the history at the mouse."""
        ax = self.ax["loss"] if event.inaxes is None else event.inaxes
        if event.xdata is not None and ax in [self.ax[name] for name in PANELS]:
            self.put("epoch", event.xdata)

    def on_press(self, event):
        """Press a button, step a stepper, choose a point, begin to drag or to type."""
        if event.button != 1:
            return
        self.typing, self.message = None, ""
        x, y = event.x / self.fig.bbox.width, event.y / self.fig.bbox.height
        for name, (left, bottom, width, height) in self.cells.items():
            if left <= x <= left + width and bottom <= y <= bottom + height:
                self.on_cell(name, (x - left) / width)
                self.update()
                return
        if event.inaxes in [self.ax[name] for name in PANELS]:
            self.dragged = "time"
            self.drag_time(event)
        else:
            found = self.find(event)
            if found in self.numbers:
                self.dragged = (found, value_of(self.row(), found)[0], event.y)
                self.moved = False
            elif event.inaxes is self.ax["surface"]:
                self.pick(event)
            elif found is None:
                self.picked, self.phase = None, 0
        self.update()

    def on_cell(self, name, x):
        """React to a click on a control, x of its width from the left."""
        if name in BUTTONS:
            self.press(name)
            return
        share = 0.0 if name.startswith("neurons") else STEPPERS[name][3]
        x = (x - share) / (1 - share)
        if 0 <= x < 0.25:
            self.change(name, -1)
        elif x > 0.75 or isinstance(self.get(name), str):
            self.change(name, 1)
        else:
            self.typing = (name, "")

    def pick(self, event):
        """Choose the point of the data nearest to the mouse, or none."""
        mouse, best, self.picked, self.phase = np.array([event.x, event.y]), 12, None, 0
        for part in ("", "test_") if self.show_test else ("",):
            pixels = self.ax["surface"].transData.transform(self.data[part + "P"][:80])
            away = np.linalg.norm(pixels - mouse, axis=1) * 72 / self.fig.dpi
            if away.min() < best:
                best, self.picked = away.min(), (part, int(away.argmin()))

    def on_release(self, event):
        """End a drag; a click on a weight or bias, not moved, begins to type."""
        if self.dragged and self.dragged != "time" and not self.moved:
            self.typing = (self.dragged[0], "")
        self.dragged = None
        self.update()

    def edit(self, place, value):
        """Set a weight or bias by hand, in a new row of the history."""
        self.play(False)
        self.resume()
        now, again = self.history[-1], bool(self.moved)
        W, b = ({k: v.copy() for k, v in now[name].items()} for name in "Wb")
        if place[0] == "b":
            b[place[1]][0, place[2]] = value
        else:
            W[place[0]][place[1], place[2]] = value
        row = history_row(W, b, self.data, self.phi, now["epoch"])
        self.history[len(self.history) - again:] = [row]  # one row for a whole drag
        self.moved = True
        self.phase = 0

    def on_key(self, event):
        """Type a number, or press the button that has the key."""
        key = {",": ".", None: ""}.get(event.key, event.key)
        self.message = ""
        if self.typing:
            name, text = self.typing
            if key in ("enter", "escape"):
                self.typing = None
                if text and key == "enter":
                    self.type_in(name, text)
                elif key == "enter":
                    self.message = "Nothing was typed, and nothing is changed."
            elif key == "backspace":
                self.typing = name, text[:-1]
            elif len(key) == 1 and key in "0123456789.-+e" and len(text) < 12:
                self.typing = name, text + key
            elif len(key) == 1:
                self.message = f"{event.key} is left out: 12 of 0123456789.-+e at most"
        elif key in ("left", "right"):
            self.change("epoch", 1 if key == "right" else -1)
        elif key in ("home", "end"):
            self.look_back(0 if key == "home" else len(self.history))
        elif key == "escape":
            self.picked = None
        else:
            found = [name for name, (*_, button) in BUTTONS.items()
                     if key.lower() == button]
            if found:
                self.press(found[0])
            elif len(key) == 1:
                self.message = "Keys: space s n r d w, ← → Home End, Escape"
        self.update()

    def type_in(self, name, text):
        """Set a stepper, a weight or a bias to a number that was typed."""
        flag = name if isinstance(name, str) else "weight"
        kind, low, high = LIMITS[flag.split()[0] if flag[:7] == "neurons" else flag]
        try:
            value = number(kind, low, high)(text)
        except argparse.ArgumentTypeError as error:
            self.message = f"{flag}: {error}"
            return
        self.moved = False
        if flag == "weight":
            self.guard(self.edit, name, value)
        else:
            self.put(name, value)


def distances(lines, point):
    """Return how far a point (2,) is from each of M lines (M, n, 2) of n - 1 pieces."""
    start, way = lines[:, :-1], np.diff(lines, axis=1)
    length = np.maximum((way**2).sum(axis=-1), 1e-12)
    along = np.clip(((point - start) * way).sum(axis=-1) / length, 0, 1)
    nearest = start + along[..., None] * way  # (M, n - 1, 2)
    return np.linalg.norm(point - nearest, axis=-1).min(axis=1)


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


MISSING = ["", "na", "n/a", "#n/a", "nan", "null", "none", "?", "-", "."]


def refuse_missing(path, labels):
    """Raise InputError if a label is empty, or a word that says it is missing."""
    missing = {*MISSING} - ({"-"} if "+" in labels else set())  # + and - are classes
    found = [label for label in labels if label.lower() in missing]
    if found:
        words = ", ".join(map(repr, sorted(set(found))))
        raise InputError(f"{path} has {len(found)} row(s) without a label ({words}): "
                         "leave them out, or give them another label")


def read_labelled_points(path):
    """Read a CSV file with two numbers and a label in each row, after a header or not.

    Returns P (N, 2), labels (N,) as text and the two column names. Raises InputError.
    """
    rows = read_rows(path)
    if len(rows[0]) != 3:
        hint = ""
        if len(rows[0]) == 4 and [row[0] for row in rows[-2:]] in (
                [[str(len(rows) - 3 + s), str(len(rows) - 2 + s)] for s in (0, 1, 2)]):
            hint = "; the first one only counts the rows: leave it out"
        raise InputError(f"{path} must hold two numbers and a label in each row, and "
                         f"has {len(rows[0])} column(s){hint}")
    names = ["x1", "x2"]
    try:
        [float(cell) for cell in rows[0][:2]]
    except ValueError:
        names, rows = rows[0][:2], rows[1:]
    P = np.zeros((len(rows), 2))
    for n, row in enumerate(rows):
        for j in (0, 1):
            try:
                P[n, j] = float(row[j])
            except ValueError:
                P[n, j] = np.nan
            if not abs(P[n, j]) < 1e100:
                raise InputError(f"{path}: {row[j][:40]!r} in data row {n + 1}, column "
                                 f"{j + 1}, is no number of a usable size")
    labels = np.array([row[2] for row in rows], dtype=object)
    refuse_missing(path, labels.tolist())
    seen = {}
    for label in sorted(set(labels)):
        value = label
        with contextlib.suppress(ValueError):
            value = float(label)
        other = seen.setdefault(value, label)
        if other != label:
            raise InputError(f"{path} has the labels {other!r} and {label!r}, which "
                             "are one number: write them alike")
    return P, labels, names


def read_iris():
    """Return P, labels and names of two measures of 150 irises (Anderson, 1935)."""
    from sklearn.datasets import load_iris

    iris = load_iris()
    return (iris.data[:, 2:], iris.target_names[iris.target].astype(object),
            ["petal length (cm)", "petal width (cm)"])


def load_data(args, rng):
    """Return a dict: P, X, y to train on, test_P, test_X, test_y, names and output.

    The columns of a file are scaled by mean and std of the part to train on. Raises
    InputError where a file does not hold 2 to 16 classes.
    """
    axes, mean, std = ["x1", "x2"], np.zeros(2), np.ones(2)
    share = 1 - args.test_share
    classes = []
    if args.data in ("csv", "iris"):
        P, labels, axes = (
            read_iris() if args.data == "iris" else read_labelled_points(args.csv))
        source = args.csv if args.data == "csv" else "iris"
        classes, y = np.unique(labels, return_inverse=True)
        classes, y = [str(name) for name in classes], y.reshape(-1)
        if not 2 <= len(classes) <= 16 or len(P) < 4:
            raise InputError(f"{source} holds {len(P)} row(s) with {len(classes)} "
                             "different label(s), but at least 4 rows with 2 to 16 "
                             "labels are needed")
        order = rng.permutation(len(P))
        P, y = P[order], y[order]
        cut = min(max(1, round(share * len(P))), len(P) - 1)
        mean, std = P[:cut].mean(axis=0), P[:cut].std(axis=0)
        std = np.where(std > 0, std, 1.0)
        P = (P - mean) / std
    else:
        cut = args.points
        P, y = make_data(args.data, max(cut + 1, round(cut / share)), args.noise, rng)
        if args.data != "plane":
            classes = [f"class {n}" for n in range(y.max() + 1)]
    output = ("linear" if not classes else
              "sigmoid" if len(classes) == 2 else "softmax")
    Y = y.reshape(-1, 1).astype(float)  # (N, 1)
    if output == "softmax":
        Y = np.eye(len(classes))[y]  # (N, K): row n has its 1 at the class of point n
    X = features(P, args.inputs)
    names = [name.replace("x1", axes[0]).replace("x2", axes[1]) if args.data in (
        "csv", "iris") else name for name in args.inputs]
    return {"P": P[:cut], "X": X[:cut], "y": Y[:cut], "test_P": P[cut:],
            "test_X": X[cut:], "test_y": Y[cut:], "axes": axes, "names": names,
            "classes": classes, "output": output, "mean": mean, "std": std}


LIMITS = {"learning rate": (float, 1e-4, 100), "L2": (float, 0, 10),
          "noise": (float, 0, 100), "batch": (int, 1, 20_000), "neurons": (int, 1, 16),
          "hidden layers": (int, 0, 6), "epoch": (float, 0, 1e9),
          "speed": (int, 1, 300), "weight": (float, -1000, 1000)}


def parse_args(argv=None):
    """Return the settings on the command line."""
    parser = Parser()
    parser.add_argument("--data", choices=DATA,
                        help="what to learn; plane is a regression (default: xor)")
    parser.add_argument("--csv", type=Path, metavar="FILE",
                        help="learn from a file: two numbers and a label in each row")
    parser.add_argument("--hidden", type=number(int, 1, 16), nargs="*", default=[6, 4],
                        help="neurons in each of 0 to 6 hidden layers (default: 6 4)")
    parser.add_argument("--inputs", choices=list(INPUTS), nargs="+", metavar="INPUT",
                        default=["x1", "x2"],
                        help=f"one or more of {' '.join(INPUTS)} (default: x1 x2)")
    parser.add_argument("--activation", choices=HIDDEN, default="tanh",
                        help="of the hidden layers (default: tanh)")
    for flag, kind, default, text in (
            ("--points", number(int, 5, 20_000), 200, "to train on"),
            ("--test-share", number(float, 0.1, 0.9), 0.5, "share of points to test"),
            ("--noise", number(float, 0, 100), 0.1, "spread that is added to the data"),
            ("--batch-size", number(int, 1, 20_000), 10, "points in each step"),
            ("--epochs", number(int, 1, 10_000), 200, "passes over the data"),
            ("--lr", number(float, 1e-4, 100), 0.1, "learning rate"),
            ("--l2", number(float, 0, 10), 0.0, "how much large weights cost")):
        parser.add_argument(flag, type=kind, default=default,
                            help=f"{text} (default: {default})")
    parser.add_argument("--save", action="store_true",
                        help="write pictures and films, and open no window to learn")
    args = parser.parse_args(argv)
    if len(args.hidden) > 6:
        parser.error(f"--hidden has {len(args.hidden)} layers; the picture holds 6")
    if len(set(args.inputs)) < len(args.inputs):
        parser.error("--inputs names an input twice")
    if args.csv and args.data:
        parser.error("--csv and --data contradict each other: give one of them")
    args.data = "csv" if args.csv else args.data or "xor"
    return args


def weights_json(picture):
    """Return all numbers of the network with one worked example, as JSON."""
    data, row = picture.data, picture.row()
    x = data["test_X"][:1]
    z, a = forward(row["W"], row["b"], x, picture.phi)
    content = {"inputs": data["names"], "axes": data["axes"],
               "classes": data["classes"], "mean": data["mean"], "std": data["std"],
               "phi": [*picture.phi.values()], "W": [*row["W"].values()],
               "b": [part[0] for part in row["b"].values()],
               "example": {"inputs": x[0], "outputs": a[len(picture.phi)][0]}}
    return (json.dumps(content, indent=1, default=np.ndarray.tolist) + "\n").encode()


def png(picture, low=0.0):
    """Return the picture as a PNG file, without its lowest inches."""
    content, part = io.BytesIO(), Bbox([[0, low], [WIDTH, HEIGHT]])
    picture.fig.canvas.print_figure(content, format="png", dpi=150, bbox_inches=part)
    return content.getvalue()


PAGE = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>NAME: a network learns</title><link rel="icon" href="data:,">
<style>body {font: 1em sans-serif; max-width: 900px; margin: 0 auto; padding: 4px}
img, input {width: 100%; box-sizing: border-box} button {font-size: 1em; padding: .5em}
</style></head><body><img id="film" alt="the network at one epoch after the other">
<input id="time" type="range" min="0" value="0" aria-label="frame">
<button id="play">Pause</button> <button id="back">Back</button>
<button id="on">On</button> <span id="epoch"></span>
<script>
const frames = FRAMES, epochs = EPOCHS, get = id => document.getElementById(id);
let now = 0, playing = true;
function show(n) {
  now = Math.max(0, Math.min(frames.length - 1, n));
  get("film").src = "data:image/webp;base64," + frames[now];
  get("time").value = now;
  get("epoch").textContent = "epoch " + epochs[now];
}
function play(on) { playing = on; get("play").textContent = on ? "Pause" : "Play"; }
get("time").max = frames.length - 1;
get("time").oninput = () => { play(false); show(+get("time").value); };
get("play").onclick = () => { if (!playing && now == frames.length - 1) show(0);
  play(!playing); };
get("back").onclick = () => { play(false); show(now - 1); };
get("on").onclick = () => { play(false); show(now + 1); };
setInterval(() => { if (!playing) return;
  if (now < frames.length - 1) show(now + 1); else play(false); }, 200);
show(0);
</script></body></html>
"""


def films(picture):
    """Return {name: bytes} of learning.gif and learning.html: the whole history."""
    from PIL import Image

    last, images, epochs = len(picture.history) - 1, [], []
    picture.fig.canvas.draw()
    picture.refresh(event=True)
    for at in np.unique((last * np.linspace(0, 1, 40) ** 2).astype(int)).tolist():
        picture.at = at
        picture.show()
        picture.refresh()
        images.append(Image.fromarray(np.asarray(picture.fig.canvas.buffer_rgba()))
                      .convert("RGB"))
        epochs.append(f"{picture.row()['epoch']:g}")
    picture.at = None
    picture.show()
    # Each frame has 60 colours of its own, and four for the few pixels of a test curve.
    small, tints = [], 255 * np.linspace(to_rgb(TEST_COLOUR), [1, 1, 1], 5)[:4]
    tints = tints.astype(int).ravel().tolist()
    for image in (image.resize((600, 400), Image.LANCZOS) for image in images):
        palette = image.quantize(60, Image.Quantize.FASTOCTREE, dither=0)
        palette.putpalette(palette.getpalette()[:180] + tints)
        small.append(image.quantize(palette=palette, dither=0))
    gif, pages = io.BytesIO(), []
    pause = [125] * (len(small) - 1) + [3000]  # milliseconds
    small[0].save(gif, "GIF", save_all=True, append_images=small[1:], duration=pause,
                  loop=0)
    for image in images:
        page = io.BytesIO()
        image.save(page, "WEBP", quality=72, method=2)
        pages.append(base64.b64encode(page.getvalue()).decode())
    text = PAGE.replace("NAME", picture.name).replace("FRAMES", json.dumps(pages))
    return {"learning.gif": gif.getvalue(),
            "learning.html": text.replace("EPOCHS", json.dumps(epochs)).encode()}


def window_png(picture):
    """Return {name: bytes} of a picture of the window, with controls, as PNG."""
    window, content = Window(picture.args, screen=False), io.BytesIO()
    window.history = picture.history
    window.show()
    window.fig.canvas.draw()
    window.refresh(event=True)
    plt.imsave(content, np.asarray(window.fig.canvas.buffer_rgba()), format="png")
    return {"window.png": content.getvalue()}


def stages(picture):
    """Return {name: bytes} of pictures of one example early on, phase by phase."""
    kept, files = picture.history, {}
    picture.history, picture.picked = kept[:2], ("", 0)  # of epochs 0 and 1
    for picture.phase, name in ((0, "forward"), (2, "backward"), (3, "update")):
        if picture.phase == 3:
            picture.seen, picture.phase = len(picture.data["X"]), 2
            picture.pointed = (len(picture.phi), 0, 0)
            picture.next_phase()
        picture.show()
        files[f"{name}.png"] = png(picture, low=1.85)  # of the histories' panels
    picture.history, picture.phase = kept, 0
    picture.picked = picture.pointed = picture.before = None
    return files


def verdict(picture):
    """Print what was learnt, and what to try where it was little."""
    now, data, args = picture.history[-1], picture.data, picture.args
    print(f"After {now['epoch']:g} epochs the test {picture.score} of "
          f"{now['weights'].size} weights and biases is {now['test_score']:.1%}.")
    if data["output"] == "linear":
        poor, guess = now["test_score"] < 0.1, "the mean"
    else:
        y = data["y"]
        chance = y.mean(axis=0).max()
        if y.shape[1] == 1:
            chance = max(chance, 1 - chance)
        poor, guess = now["test_score"] <= chance + 0.05, "the commonest class"
    a = forward(now["W"], now["b"], data["X"], picture.phi)[1]
    dead = sum(int(np.sum(a[k].max(axis=0) <= 0)) for k in range(1, len(picture.phi)))
    if args.activation == "relu" and dead:
        print(f"{dead} of {sum(args.hidden)} hidden neurons are 0 for every point: "
              "they are dead, and learn no more. Try a smaller --lr or another --seed.")
    if poor:
        print(f"That is hardly better than always guessing {guess}. Try more --epochs, "
              "more neurons (--hidden 16 8), another --lr, or other --inputs.")


def tell_file(path, data):
    """Print the classes of a file and what of its first row was taken as names."""
    names = " and ".join(name[:20] for name in data["axes"])
    text = ", ".join(name[:20] for name in data["classes"])
    if data["axes"] != ["x1", "x2"]:
        text += f"; the first row was read as names, {names}"
    print(f"{path.name}: the classes are {text}")


def watch(args):
    """Learn, in a window or without one; draw and save."""
    plt.rcParams.update(LOOK)
    canvas = plt.gcf().canvas
    live = bool(canvas.required_interactive_framework and canvas.supports_blit)
    plt.close("all")
    live = live and not (args.no_show or args.save)
    picture = Window(args) if live else Picture(args)
    n, n_test = len(picture.data["X"]), len(picture.data["test_X"])
    print(f"{picture.name}, learning rate {args.lr:g}, batch {args.batch_size}, seed "
          f"{args.seed}\n{n} points to train on, {n_test} to test")
    if args.csv:
        tell_file(args.csv, picture.data)
    print(flush=True)
    others, figures = {}, {"final": picture.fig}
    if live:
        plt.show()
        if not picture.history[-1]["epoch"]:
            print("Nothing was learnt: the window was closed at epoch 0.")
        picture, args.no_show = picture.copy(), True  # it was on the screen already
    else:
        print("epoch      loss   training    test  gradient")
        run_training(picture, args)
        picture.show()
        others = {**films(picture), **stages(picture), **window_png(picture)}
        figures["chain"], figures["start"] = plot_chain(), plot_start()
        picture.show()
    verdict(picture)
    now = picture.history[-1]
    metrics = {"data": args.data, f"test_{picture.score}": now["test_score"],
               "final_loss": now["loss"], "test_loss": now["test_loss"],
               "gradient": now["gradient"], "parameters": now["weights"].size,
               "largest_weight": np.abs(now["weights"]).max(), "epochs": now["epoch"],
               "classes": picture.data["classes"], "axes": picture.data["axes"]}
    others["weights.json"] = weights_json(picture)
    save_results(args, figures, metrics, others)


def run_training(picture, args):
    """Train for all epochs; where it diverges, save the last state as a picture."""
    first = picture.history[-1]
    try:
        train(first["W"], first["b"], picture.data, picture.phi, args, picture.rng,
              picture.history)
    except FloatingPointError as error:
        picture.trouble = f"{str(error).capitalize()}. This is the state before that."
        picture.show()
        (args.out / "diverged.png").write_bytes(png(picture))
        raise FloatingPointError(f"{error}, and see diverged.png") from None
    picture.span = picture.history[-1]["epoch"]  # shorter after Ctrl-C
    for name in PANELS:
        picture.ax[name].set_xlim(0, picture.span)


def main(argv=None):
    """Run the lesson from the command line; return the exit status."""
    return run_safely(watch, parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
