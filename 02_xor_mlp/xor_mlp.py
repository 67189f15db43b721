# /// script
# requires-python = ">=3.10"
# dependencies = ["numpy>=1.26", "matplotlib>=3.8"]
# ///
"""One line cannot do XOR. Can two hidden units, and how often do they get stuck?

    X (N, 2) -> W1 (2, H) -> sigmoid -> a1 (N, H) -> W2 (H, 1) -> sigmoid -> a2 (N, 1)

N = 4 corners of a square, H hidden units; z1 and z2 are the sums before each bend, y
the targets. Every array may have one more axis in front, of T networks: thousands then
learn at once, by the same lines of code. (2.1) is the number of an equation in README.

    python xor_mlp.py                       one network, then 1,000, then a table
    python xor_mlp.py --activation tanh --loss bce --scale 1
    python xor_mlp.py --hidden 4 --seed 3 --epochs 2000
"""

import argparse
import itertools
import json
import math
import sys
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LinearSegmentedColormap

CLASS_COLOURS = ["#0072B2", "#E69F00", "#009E73", "#CC79A7",
                 "#56B4E9", "#D55E00", "#F0E442", "#000000"]  # Okabe & Ito
SIGNED = LinearSegmentedColormap.from_list("signed", ["#0072B2", "#FFFFFF", "#E69F00"])
TRUTH = {"color": "#000000", "linestyle": "--"}  # the truth, a bound, a theory line
STYLE = {"axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False,
         "axes.titlelocation": "left", "axes.titlesize": 11, "axes.titleweight": "bold"}
SCALES, WIDTHS = (0.1, 0.3, 1.0, 3.0), (2, 3, 4, 8)  # of the table of success rates


class InputError(ValueError):
    """Bad input that the user can mend; the message is one sentence that says how."""


# --- Data -----------------------------------------------------------------------------


def make_data(signed=False):
    """Return the corners X (4, 2), 0 and 1 or -1 and 1, and their XOR, y (4, 1)."""
    X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    y = np.array([[0.0], [1.0], [1.0], [0.0]])
    return (2 * X - 1 if signed else X), y


def best_line(X, y):
    """Try a line for every truth table that a line can make.

    Returns how many tables there are, the most corners that one of them has right, and
    that line: w (2,) and b, positive on the side that answers 1.
    """
    lines = np.array(list(itertools.product([-1, 0, 1], [-1, 0, 1],
                                            [-1.5, -0.5, 0.5, 1.5])))  # w1, w2, b
    answers = X @ lines[:, :2].T + lines[:, 2] > 0  # (4, lines)
    right = (answers == y).sum(axis=0)
    best = lines[right.argmax()]
    return len(np.unique(answers, axis=1).T), int(right.max()), best[:2], best[2]


# --- Model ----------------------------------------------------------------------------


def relu(z):
    """Return max(0, z), element by element."""
    return np.maximum(0.0, z)


def sigmoid(z):
    """Return 1 / (1 + exp(-z)), element by element, in a form that cannot overflow."""
    return 0.5 * (1.0 + np.tanh(0.5 * z))


BENDS = {  # name: (function of z, derivative from z and a, the steepest slope it has)
    "sigmoid": (sigmoid, lambda z, a: a * (1 - a), 0.25),
    "tanh": (np.tanh, lambda z, a: 1 - a**2, 1.0),
    "relu": (relu, lambda z, a: np.where(z > 0, 1.0, 0.0), 1.0),
    "identity": (lambda z: z, lambda z, a: np.ones_like(z), 1.0),  # one layer in truth
}


def init_params(n_hidden, init, scale, rng, trials=()):
    """Return random W1 (2, H), b1 (H,), W2 (H, 1), b2 (1,), each after ``trials`` axes.

    "uniform": all from -scale to scale, as in 1986; "normal": standard deviation scale,
    biases 0, as is usual now.
    """
    def draw(*shape):
        if init == "uniform":
            return rng.uniform(-scale, scale, size=(*trials, *shape))
        return rng.normal(scale=scale, size=(*trials, *shape)) * (len(shape) > 1)

    return {"W1": draw(2, n_hidden), "b1": draw(n_hidden),
            "W2": draw(n_hidden, 1), "b2": draw(1)}


def forward(params, X, activation):
    """Return the cache X (N, 2), z1, a1 (N, H), z2, a2 (N, 1) of one or T networks."""
    bias1, bias2 = params["b1"][..., None, :], params["b2"][..., None, :]  # as rows
    z1 = X @ params["W1"] + bias1  # (N, H)  (2.1)
    a1 = BENDS[activation][0](z1)  # (N, H)  (2.2)
    z2 = a1 @ params["W2"] + bias2  # (N, 1)  (2.3)
    a2 = sigmoid(z2)  # (N, 1)
    return {"X": X, "z1": z1, "a1": a1, "z2": z2, "a2": a2}


# --- Loss and gradients ---------------------------------------------------------------


def softplus(z):
    """Return log(1 + exp(z)), element by element, in a form that cannot overflow."""
    return np.logaddexp(0.0, z)


def transpose(matrix):
    """Return the transpose of a matrix, or of each matrix behind the leading axes."""
    return np.swapaxes(matrix, -1, -2)


def loss(cache, y, kind):
    """Return half the squared error ("mse") or the cross-entropy ("bce"), a mean."""
    if kind == "mse":
        return np.sum((cache["a2"] - y) ** 2, axis=(-2, -1)) / (2 * len(y))  # (2.4)
    z2 = cache["z2"]
    return np.sum(softplus(z2) - y * z2, axis=(-2, -1)) / len(y)  # (2.5)


def backward(params, cache, y, activation, kind):
    """Return the gradient of the loss, with the keys and shapes of ``params``."""
    dz2 = (cache["a2"] - y) / len(y)  # (N, 1)  (2.6)
    if kind == "mse":
        dz2 = dz2 * cache["a2"] * (1 - cache["a2"])  # (N, 1)
    dW2 = transpose(cache["a1"]) @ dz2  # (H, 1)  (2.7)
    db2 = dz2.sum(axis=-2)  # (1,)
    da1 = dz2 @ transpose(params["W2"])  # (N, H)  (2.8)
    dz1 = da1 * BENDS[activation][1](cache["z1"], cache["a1"])  # (N, H)
    dW1 = transpose(cache["X"]) @ dz1  # (2, H)  (2.9)
    db1 = dz1.sum(axis=-2)  # (H,)
    return {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}


# --- Training -------------------------------------------------------------------------


def is_progress_epoch(epoch, epochs):
    """Say whether this epoch is one of the ten or so that print a line."""
    return epoch in (1, epochs) or epoch % max(1, epochs // 10) == 0


def stop_if_diverged(value, epoch):
    """Raise FloatingPointError, with advice, when a loss is no longer finite."""
    if not np.isfinite(value):
        raise FloatingPointError(f"training diverged in epoch {epoch}: the loss is "
                                 f"{value}; try a smaller --lr")


def train(params, X, y, activation, kind, epochs, lr, momentum, velocity=None):
    """Descend with momentum on all corners at once: one network, or T side by side.

    Returns params and the history: ``error``, the largest |output - target| before the
    step of each epoch, a number or (T,); ``velocity``; ``stopped``, true after Ctrl-C.
    One network alone has its ``loss`` noted and printed too, and raises
    FloatingPointError if it diverges; among many, one that diverges has failed.
    """
    alone = params["b2"].ndim == 1
    velocity = velocity or {k: np.zeros_like(v) for k, v in params.items()}
    history = {"loss": [], "error": [], "stopped": False}
    try:
        for epoch in range(1, epochs + 1):
            cache = forward(params, X, activation)
            error = np.abs(cache["a2"] - y).max(axis=(-2, -1))
            history["error"].append(error)
            if alone:
                history["loss"].append(loss(cache, y, kind))
                stop_if_diverged(history["loss"][-1], epoch)
                if is_progress_epoch(epoch, epochs):
                    print(f"{epoch:5d}  {history['loss'][-1]:9.5f}  {error:13.4f}")
            grads = backward(params, cache, y, activation, kind)
            velocity = {k: momentum * velocity[k] - lr * grads[k] for k in params}
            params = {k: params[k] + velocity[k] for k in params}  # (2.10)
    except KeyboardInterrupt:
        print("Stopped by Ctrl-C; what was learnt so far is kept.")
        history["stopped"] = True
    history["velocity"] = velocity
    return params, history


# --- A thousand networks --------------------------------------------------------------


def train_many(params, X, y, activation, kind, epochs, lr, momentum, chunk=25):
    """Train T networks; after every ``chunk`` epochs set aside those within 0.05.

    Returns all params and the outcome: ``cache``; ``solved`` (T,), whether all outputs
    end on their side of 0.5; ``since`` (T,), the epochs after which they stayed there;
    ``losses`` (epochs / chunk, T).
    """
    params, losses = {k: v.copy() for k, v in params.items()}, []
    velocity = {k: np.zeros_like(v) for k, v in params.items()}
    active = np.arange(len(params["b2"]))
    since = np.zeros(len(active), dtype=int)
    for start in range(0, epochs, chunk):
        some, history = train({k: v[active] for k, v in params.items()}, X, y,
                              activation, kind, min(chunk, epochs - start), lr,
                              momentum, {k: v[active] for k, v in velocity.items()})
        for k in params:
            params[k][active], velocity[k][active] = some[k], history["velocity"][k]
        for epoch, error in enumerate(history["error"], start=start + 1):
            since[active[~(error < 0.5)]] = epoch  # wrong until this epoch's step
        cache = forward(params, X, activation)
        losses.append(loss(cache, y, kind))
        error = np.abs(cache["a2"] - y).max(axis=(-2, -1))
        active = np.flatnonzero(error >= 0.05)  # nan, too, is done: it has failed
        if history["stopped"] or not len(active):
            break
    return params, {"cache": cache, "solved": error < 0.5, "since": since,
                    "losses": np.array(losses)}


def wilson(successes, trials, z=1.959964):
    """Return the 95 % interval of a success rate (Wilson, 1927)."""
    p, shrink = successes / trials, 1 + z**2 / trials
    centre = (p + z**2 / (2 * trials)) / shrink
    half = z * math.sqrt(p * (1 - p) / trials + (z / (2 * trials)) ** 2) / shrink
    return max(0.0, centre - half), min(1.0, centre + half)  # (2.12)


KINDS = {2: "2 corners tied", 3: "3 corners tied", 4: "all 4 tied", 1: "sure and wrong",
         -1: "still moving"}  # what networks compute that have not learnt XOR


def sort_outcomes(a2, y):
    """Say what each network computes, (T,), from its outputs a2 (T, 4, 1).

    2, 3 or 4: as many corners, whose targets differ, have one output, the mean of their
    targets; 0: XOR; 1: some output is wrong and so near 0 or 1 that its bend is flat;
    -1: none of these.
    """
    same = np.abs(a2 - transpose(a2)) < 0.05  # (T, 4, 4)
    mean = same @ y / np.maximum(1, same.sum(axis=-1, keepdims=True))  # (T, 4, 1)
    settled = (np.abs(a2 - mean) < 0.05).all(axis=(-2, -1))
    tied = ((mean > 0) & (mean < 1)).sum(axis=(-2, -1))
    sure = (np.abs(a2 - 0.5) > 0.48).all(axis=(-2, -1))
    kind = np.where(settled, tied, np.where(sure, 1, -1))
    return np.where((np.abs(a2 - y) < 0.5).all(axis=(-2, -1)), 0, kind)


def resting_loss(tied, kind):
    """Return the least loss of a network that gives ``tied`` of 4 corners one output.

    Of 2 or 4 such corners half want a 1, of 3 a third or two; the others cost nothing.
    """
    p = 1 / 3 if tied == 3 else 1 / 2
    each = p * (1 - p) / 2 if kind == "mse" else -p * np.log(p) - (1 - p) * np.log1p(-p)
    return float(tied / 4 * each)  # (2.11)


def slope_at_ties(cache, activation):
    """Return the steepest slope of a hidden unit at a tied corner, 1 at most, (T,)."""
    _, derivative, steepest = BENDS[activation]
    slope = derivative(cache["z1"], cache["a1"]).max(axis=-1) / steepest  # (T, 4)
    tied = np.abs(cache["a2"][..., 0] - 0.5) < 0.3  # settled at 1/3, 1/2 or 2/3
    return np.where(tied, slope, 0.0).max(axis=-1)


def measure(n_hidden, scales, trials, epochs, activation, X, y, args, rng):
    """Train ``trials`` networks from each initial scale, side by side.

    Returns the outcome of all and ``rows``, a summary for each scale.
    """
    starts = [init_params(n_hidden, args.init, s, rng, (trials,)) for s in scales]
    params = {k: np.concatenate([start[k] for start in starts]) for k in starts[0]}
    params, out = train_many(params, X, y, activation, args.loss, epochs, args.lr,
                             args.momentum)
    rows = []
    for k, scale in enumerate(scales):
        solved, since = (out[key].reshape(-1, trials)[k] for key in ("solved", "since"))
        low, high = wilson(solved.sum(), trials)
        median = np.median(since[solved]) if solved.any() else None
        rows.append({"hidden": n_hidden, "scale": scale, "solved": int(solved.sum()),
                     "rate": solved.mean(), "low": low, "high": high,
                     "median_epochs": median})
    return {**out, "params": params, "rows": rows,
            "kinds": sort_outcomes(out["cache"]["a2"], y),
            "slope": slope_at_ties(out["cache"], activation)}


# --- Figures --------------------------------------------------------------------------

ACTIVATION_COLOURS = {"sigmoid": "#009E73", "tanh": "#CC79A7", "relu": "#D55E00"}
GATES = {"0001": "AND", "0111": "OR", "1110": "NAND", "1000": "NOR", "0110": "XOR",
         "1001": "XNOR", "0100": "x2 and not x1", "0010": "x1 and not x2",
         "1101": "x2 or not x1", "1011": "x1 or not x2"}


def name_gate(values):
    """Return the name of the truth table that values (4,) make, cut half-way up."""
    high = values > (values.min() + values.max()) / 2
    return GATES.get("".join("01"[bit] for bit in high.astype(int)), "not of both")


def square_grid(X, n):
    """Return points (n * n, 2) of a square round the corners X."""
    side = np.linspace(X.min() - 0.4, X.max() + 0.4, n)
    return np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)


def draw_surface(ax, points, values, corners, y, line=True, size=70):
    """Colour the plane by values, 0 to 1, at points (n * n, 2); mark corners (4, 2)."""
    n = math.isqrt(len(values))
    u, v, surface = (a.reshape(n, n) for a in (*points.T, values))
    edges = (u.min(), u.max(), v.min(), v.max())
    ax.imshow(surface, cmap=SIGNED, vmin=-0.4, vmax=1.4, origin="lower", extent=edges,
              aspect="auto", interpolation="bilinear")
    if line and values.min() < 0.45 and values.max() > 0.55:
        ax.contour(u, v, surface, [0.5], colors="#000000", linewidths=1.5)
    for label, marker in enumerate("os"):
        ax.scatter(*corners[y[:, 0] == label].T, s=size, marker=marker, zorder=3,
                   color=CLASS_COLOURS[label], edgecolor="white")
    ax.set(xlim=edges[:2], ylim=edges[2:], box_aspect=1)


def plot_loss(single, line, many, args):
    """Draw the loss of every network, and the levels (2.11) where they can rest."""
    fig, ax = plt.subplots(figsize=(8.5, 5), layout="constrained")
    epochs = np.minimum(25 * np.arange(1, len(many["losses"]) + 1), args.epochs)
    for solved, colour, label in ((True, "#56B4E9", "solve it"),
                                  (False, "#D55E00", "do not")):
        rows = many["losses"].T[many["solved"] == solved]
        for k, row in enumerate(rows[:40]):
            ax.plot(epochs, row, color=colour, linewidth=0.8, alpha=0.7,
                    label=None if k else f"{min(40, len(rows))} of {len(rows)} that "
                    + label)
    for loss_by_epoch, colour, label in (
            (line["loss"], "#000000", "one layer: no bend"),
            (single["loss"], CLASS_COLOURS[0], f"the network of seed {args.seed}")):
        ax.plot(np.arange(1, len(loss_by_epoch) + 1), loss_by_epoch, color=colour,
                linewidth=2.5, label=label)
    for tied in (2, 3, 4):
        rest = resting_loss(tied, args.loss)
        ax.axhline(rest, linewidth=1, zorder=0, **TRUTH)
        ax.text(1.01, rest, f"{KINDS[tied]}\n{rest:.4f}", va="center", fontsize=10,
                transform=ax.get_yaxis_transform())
    ax.set(xscale="log", xlabel="epoch", ylabel=f"loss ({args.loss})",
           xlim=(min(10, args.epochs / 2), args.epochs),
           ylim=(0, 1.15 * resting_loss(4, args.loss)),
           title=f"{many['solved'].mean():.1%} of {args.trials:,} networks reach the "
                 "ground; the others rest on a ledge")
    ax.legend(loc="lower left")
    return fig


def plot_surfaces(params, X, y, activation):
    """Draw what a line, the two strongest hidden units and the network compute."""
    fig, axs = plt.subplots(1, 4, figsize=(9, 2.9), layout="constrained")
    grid = square_grid(X, 120)
    plane, corners = forward(params, grid, activation), forward(params, X, activation)
    _, right, w, b = best_line(X, y)
    draw_surface(axs[0], grid, sigmoid(50 * (grid @ w + b)), X, y)
    axs[0].set_title(f"a line: {right} of 4")
    units = np.argsort(-np.abs(params["W2"][:, 0]))[:2]
    for ax, unit in zip(axs[1:], np.sort(units)):
        a1 = corners["a1"][:, unit]
        values = (plane["a1"][:, unit] - a1.min()) / max(np.ptp(a1), 1e-300)
        draw_surface(ax, grid, values.clip(0, 1), X, y)
        ax.set_title(f"unit {unit + 1}: {name_gate(a1)}")
    draw_surface(axs[3], grid, plane["a2"][:, 0], X, y)
    axs[3].set_title(f"output: {((corners['a2'] > 0.5) == y).sum()} of 4")
    for ax in axs:
        ax.set(xticks=X[[0, 3], 0], yticks=X[[0, 3], 0], xlabel="x1", ylabel="x2")
        ax.label_outer()
    return fig


def plot_folding(params, X, y, activation):
    """Draw the plane with a grid on it, and where two hidden units take that grid."""
    fig, axs = plt.subplots(1, 2, figsize=(9, 4.7), layout="constrained")
    fine, coarse = square_grid(X, 150), square_grid(X, 25)
    corners = forward(params, X, activation)
    draw_surface(axs[0], fine, forward(params, fine, activation)["a2"], X, y, size=110)
    net = forward(params, coarse, activation)["a1"]  # the grid, folded
    pad = 0.1 * np.ptp(net, axis=0) + 1e-3
    u, v = np.linspace(net.min(axis=0) - pad, net.max(axis=0) + pad, 150).T
    hidden = np.stack(np.meshgrid(u, v), axis=-1).reshape(-1, 2)  # every a1 there is
    draw_surface(axs[1], hidden, sigmoid(hidden @ params["W2"] + params["b2"]),
                 corners["a1"], y, size=110)
    for ax, points, spots in zip(axs, (coarse, net), (X, corners["a1"])):
        points = points.reshape(25, 25, 2)
        for lines in (points, points.swapaxes(0, 1)):
            ax.plot(lines[..., 0].T, lines[..., 1].T, color="#444444", linewidth=0.7)
        for n, spot in enumerate(spots):
            near = np.linalg.norm((spots - spot) / (5 * pad), axis=1) < 0.3
            if near.argmax() == n:  # corners that meet share one label
                left = ax.transLimits.transform(spot)[0] > 0.6
                ax.annotate(" = ".join(f"({a:g}, {b:g})" for a, b in X[near]), spot,
                            xytext=(-9 if left else 9, 9), fontsize=11, zorder=4,
                            ha="right" if left else "left", textcoords="offset points")
    works = (np.abs(corners["a2"] - y) < 0.5).all()
    axs[0].set(xlabel="x1", ylabel="x2", title="The plane: no single line will do",
               xticks=X[[0, 3], 0], yticks=X[[0, 3], 0])
    axs[1].set(xlabel="hidden unit 1", ylabel="hidden unit 2",
               title="Folded by the hidden layer: " + ("one line does" if works else
                                                       "still no line does"))
    return fig


def plot_rates(table, args):
    """Draw success rates with their intervals, by initial scale and by width."""
    fig, axs = plt.subplots(1, 2, figsize=(9, 4.2), sharey=True, layout="constrained")
    for (name, colour), shift in zip(ACTIVATION_COLOURS.items(), (0.97, 1, 1.03)):
        for ax, key, fixed in ((axs[0], "scale", {"hidden": args.hidden}),
                               (axs[1], "hidden", {"scale": 1.0})):
            rows = sorted((r for r in table[name] if fixed.items() <= r.items()),
                          key=lambda r: r[key])
            ticks = [r[key] for r in rows]
            rate, *ends = np.array([[r["rate"], r["low"], r["high"]] for r in rows]).T
            ax.errorbar(np.array(ticks) * shift, rate, np.abs(ends - rate),
                        color=colour, capsize=3, marker="o", linewidth=2, label=name)
            ax.set(xscale="log", ylim=(0, 1.03))
            ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
            ax.minorticks_off()
    left = [r["rate"] for rows in table.values() for r in rows[:len(SCALES)]]
    wide = [r["rate"] for r in sorted((r for r in table["relu"] if r["scale"] == 1.0),
                                      key=lambda r: r["hidden"])]
    axs[0].set(xlabel="initial scale", ylabel="share that solves XOR",
               title=f"{args.hidden} hidden units: {min(left):.0%} to {max(left):.0%}")
    axs[1].set(xlabel="hidden units",
               title=f"Wider, from scale 1: relu {wide[0]:.0%} to {wide[-1]:.0%}")
    axs[0].yaxis.set_major_formatter("{x:.0%}")
    axs[1].legend(loc="lower right")
    return fig


def plot_stuck(groups, X, y):
    """Draw a network of each kind that fails, for each activation, with the counts."""
    shown = [k for k in KINDS if k > 0]
    fig, axs = plt.subplots(len(groups), len(shown), figsize=(9, 8),
                            layout="constrained")
    grid = square_grid(X, 80)
    for row, (name, group) in zip(axs, groups.items()):
        failed = int((group["kinds"] != 0).sum())
        row[0].set_ylabel(name, fontsize=12, fontweight="bold")
        for ax, kind in zip(row, shown):
            members = np.flatnonzero(group["kinds"] == kind)
            ax.set(xticks=[], yticks=[], box_aspect=1)
            ax.set_title(f"{len(members)} of {failed}", fontsize=10, loc="center")
            ax.spines[:].set_visible(False)
            if len(members):
                t = members[len(members) // 2]
                params = {k: v[t] for k, v in group["params"].items()}
                draw_surface(ax, grid, forward(params, grid, name)["a2"], X, y, False)
                for point, a in zip(X, forward(params, X, name)["a2"][:, 0]):
                    ax.annotate(f"{a:.2f}", point, xytext=(0, 9), ha="center",
                                textcoords="offset points")
                ax.set_xlabel(f"loss {group['losses'][-1][t]:.4f}, slope "
                              f"{group['slope'][t]:.1g}")
            else:
                ax.text(0.5, 0.5, "none", ha="center", transform=ax.transAxes)
    for ax, kind in zip(axs[0], shown):
        ax.set_title(f"{KINDS[kind]}\n{ax.get_title('center')}", loc="center")
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
                        default="sigmoid", help="of the hidden layer (%(default)s)")
    parser.add_argument("--loss", choices=["mse", "bce"], default="mse",
                        help="half the squared error, or cross-entropy (%(default)s)")
    parser.add_argument("--hidden", type=number(int, 1, 50), default=2, metavar="H",
                        help="hidden units (default: %(default)s)")
    parser.add_argument("--init", choices=["uniform", "normal"], default="uniform",
                        help="uniform: all from -scale to scale; normal: standard "
                             "deviation scale, biases 0 (default: %(default)s)")
    parser.add_argument("--scale", type=number(float, 0, 100), default=0.3,
                        help="of the initial weights (default: %(default)s)")
    parser.add_argument("--signed", action="store_true",
                        help="inputs -1 and 1 instead of 0 and 1")
    parser.add_argument("--epochs", type=number(int, 1, 10**6), default=5000,
                        help="steps at most, on all corners (default: %(default)s)")
    parser.add_argument("--lr", type=number(float, 1e-9, 1e6),
                        help="learning rate (default: 2 with mse, 0.5 with bce)")
    parser.add_argument("--momentum", type=number(float, 0, 0.999), default=0.9,
                        help="share of the last step kept (default: %(default)s)")
    parser.add_argument("--trials", type=number(int, 10, 20_000), default=1000,
                        help="networks that start at random (default: %(default)s)")
    parser.add_argument("--sweep", type=number(int, 10, 5000), default=100,
                        help="networks for each entry of the table, 1,500 epochs at "
                             "most (default: %(default)s)")
    args = parser.parse_args(argv)
    if args.lr is None:
        args.lr = {"mse": 2.0, "bce": 0.5}[args.loss]
    return args


def train_one(args, X, y, rng):
    """Train a single layer and a network from one start; return what they became."""
    start = init_params(args.hidden, args.init, args.scale, rng)
    tables, right, _, _ = best_line(X, y)
    print("Without a bend, both layers are one:\n\nepoch       loss  largest error")
    line, line_history = train(start, X, y, "identity", args.loss,
                               min(1000, args.epochs), args.lr, args.momentum)
    flat = forward(line, X, "identity")
    print("It answers " + ", ".join(f"{a:.3f}" for a in flat["a2"][:, 0])
          + f". A line can draw {tables} of the 16 truth tables;\nthe nearest to XOR "
          f"has {right} of 4 corners right.\n")
    print("With the bend, from the same start:\n\nepoch       loss  largest error")
    params, history = train(start, X, y, args.activation, args.loss, args.epochs,
                            args.lr, args.momentum)
    cache = forward(params, X, args.activation)
    print("\n  x1  x2  target  output  hidden units")
    for x, target, a2, a1 in zip(X, y[:, 0], cache["a2"][:, 0], cache["a1"]):
        print("{:4g}{:4g}{:8g}{:8.3f}".format(*x, target, a2)
              + "".join(f"{a:8.3f}" for a in a1[:6]))
    error = np.abs(cache["a2"] - y).max()
    below = np.flatnonzero(np.array(history["error"]) < 0.05)
    first = int(below[0]) if len(below) else None
    print(f"The largest error is {error:.4f}; it " + ("never fell below 0.05." if first
          is None else f"fell below 0.05 after {first} epochs."))
    return params, history, line_history, {
        "final_loss": loss(cache, y, args.loss), "max_error": error,
        "epochs_to_converge": first, "line_loss": loss(flat, y, args.loss),
        "line_tables": tables, "line_right": right}


def report_many(many, args):
    """Print how many networks solve XOR and where the others rest; return it all."""
    row, kinds = many["rows"][0], {}
    median = row["median_epochs"]
    print(f"{row['solved']} solve it: {row['rate']:.1%}, 95 % interval "
          f"{row['low']:.1%} to {row['high']:.1%}"
          + (f"; half of these within {median:g} epochs." if row["solved"] else "."))
    if row["solved"] < args.trials:
        print("\nthe others      networks  loss    theory  slope there")
    for kind, name in KINDS.items():
        chosen = many["kinds"] == kind
        if chosen.any():
            k = {"networks": int(chosen.sum()),
                 "loss": float(np.median(many["losses"][-1][chosen])),
                 "theory": resting_loss(kind, args.loss) if kind > 1 else None,
                 "slope": float(np.median(many["slope"][chosen]))}
            kinds[name.replace(" ", "_")] = k
            theory = f"{k['theory']:.4f}" if kind > 1 else "     -"
            print(f"{name:14s}  {k['networks']:8d}  {k['loss']:.4f}  {theory}  "
                  f"{k['slope']:11.1g}")
    return {"trials": args.trials, "success_rate": row["rate"],
            "success_low": row["low"], "success_high": row["high"],
            "median_epochs": median, "stuck": kinds}


def sweep(args, X, y, rng):
    """Measure success over activations, initial scales and widths; print the table.

    Returns the rows of the table and the outcomes at the width of the run, by name.
    """
    widths, epochs = [h for h in WIDTHS if h != args.hidden], min(1500, args.epochs)
    print(f"\nShare that solves XOR, in %, of {args.sweep} networks in {epochs} epochs:"
          "\n")
    print("hidden units " + "".join(f"{h:6d}" for h in 4 * [args.hidden] + widths))
    print("initial scale" + "".join(f"{s:6g}" for s in (*SCALES, *[1.0] * len(widths))))
    table, groups = {}, {}
    for name in ACTIVATION_COLOURS:
        plan = [(args.hidden, SCALES), *((h, SCALES[2:3]) for h in widths)]
        parts = [measure(h, scales, args.sweep, epochs, name, X, y, args, rng)
                 for h, scales in plan]
        groups[name] = parts[0]
        table[name] = [row for part in parts for row in part["rows"]]
        print(f"{name:13s}" + "".join(f"{100 * r['rate']:6.1f}" for r in table[name]))
    return table, groups


def solve_xor(args):
    """Train a line, a network and many networks; judge, draw and save."""
    rng = np.random.default_rng(args.seed)
    X, y = make_data(args.signed)
    make_folder(args.out)
    print(f"XOR: 2-{args.hidden}-1, {args.activation}, {args.loss}, start {args.init} "
          f"{args.scale:g}, learning rate {args.lr:g},\nmomentum {args.momentum:g}, "
          f"seed {args.seed}\n")
    params, history, line, metrics = train_one(args, X, y, rng)
    print(f"\n{args.trials:,} networks at once, {args.epochs} epochs at most:")
    many = measure(args.hidden, [args.scale], args.trials, args.epochs, args.activation,
                   X, y, args, rng)
    metrics |= report_many(many, args)
    table, groups = sweep(args, X, y, rng)
    figures = {"surfaces": plot_surfaces(params, X, y, args.activation),
               "loss": plot_loss(history, line, many, args),
               "rates": plot_rates(table, args),
               "stuck": plot_stuck(groups, X, y)}
    if args.hidden == 2:  # more dimensions do not fit on paper
        figures["folding"] = plot_folding(params, X, y, args.activation)
    print()
    kinds = {name: {KINDS[k].replace(" ", "_"): int((group["kinds"] == k).sum())
                    for k in KINDS} for name, group in groups.items()}
    save_results(args, figures, {**metrics, "rates": table, "kinds": kinds})


def main(argv=None):
    """Run the lesson from the command line; return the exit status."""
    return run_safely(solve_xor, parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
