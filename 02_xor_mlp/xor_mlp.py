# /// script
# requires-python = ">=3.10"
# dependencies = ["numpy>=2.0", "matplotlib>=3.9"]
# ///
"""One line cannot do XOR. Can two hidden units, and how do they learn it?

    X (N, 2) -> W1 (2, H) -> sigmoid -> a1 (N, H) -> W2 (H, 1) -> sigmoid -> a2 (N, 1)

N = 4 corners of a square, H = 2 hidden units. z1 and z2 are the sums before each
sigmoid. (2.1) is the number of an equation in README.md.

    python xor_mlp.py                        two networks, then a thousand: 3 seconds
    python xor_mlp.py --hidden 4             the thousand have four hidden units each
    python xor_mlp.py --weights mine.json    start with your own weights
"""

import argparse
import contextlib
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
from matplotlib.colors import LinearSegmentedColormap

# --- Data -----------------------------------------------------------------------------

X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])  # (4, 2), the corners
y = np.array([[0.0], [1.0], [1.0], [0.0]])  # (4, 1), their XOR

# Two starts, short enough for paper; they were drawn at random, from -1 to 1.
LEARNS = {"W1": [[0.8, 0.7], [0.2, 0.9]], "b1": [[1.0, -0.9]],
          "W2": [[0.4], [-0.9]], "b2": [[0.2]]}
STUCK = {"W1": [[0.4, 0.7], [-0.5, 0.8]], "b1": [[0.8, -0.6]],
         "W2": [[-0.7], [1.0]], "b2": [[0.3]]}


# --- Model ----------------------------------------------------------------------------


def sigmoid(z):
    """Return 1 / (1 + exp(-z)), element by element."""
    return 1 / (1 + np.exp(-z))  # (2.1) of lesson 02; if exp(-z) is inf, 1 / inf is 0


def forward(params, X):
    """Return z1, a1 (N, H) and z2, a2 (N, 1), what the network makes of X (N, 2)."""
    z1 = X @ params["W1"] + params["b1"]  # (N, H)  (2.10)
    a1 = sigmoid(z1)  # (N, H)
    z2 = a1 @ params["W2"] + params["b2"]  # (N, 1)  (2.11)
    a2 = sigmoid(z2)  # (N, 1)
    return {"z1": z1, "a1": a1, "z2": z2, "a2": a2}


# --- Loss and gradients ---------------------------------------------------------------


def neuron(x, w, b):
    """Return the values in a = sigmoid(x * w + b), and the slope of a at each."""
    p = x * w
    z = p + b
    a = sigmoid(z)
    slope = {"a": 1.0}  # a changes as fast as itself
    slope["z"] = slope["a"] * a * (1 - a)  # (2.2), the sigmoid
    slope["p"] = slope["z"] * 1  # (2.3), a sum
    slope["b"] = slope["z"] * 1
    slope["x"] = slope["p"] * w  # (2.3), a product
    slope["w"] = slope["p"] * x
    return {"x": x, "w": w, "b": b, "p": p, "z": z, "a": a}, slope


def loss(a2, y):
    """Return half the squared error of the outputs a2 (N, 1), a mean over N corners."""
    # The axes are counted from the end: -2 is the rows, -1 the columns. So in a stack
    # of networks, with one more axis in front, each network has its own loss.
    return np.sum((a2 - y) ** 2, axis=(-2, -1)) / (2 * len(y))  # (2.8)


def backward(params, X, cache, y):
    """Return the slope of the loss for each array in ``params``, in the same shapes.

    ``cache`` is what ``forward(params, X)`` returned; y (N, 1) holds the targets.
    """
    a1, a2 = cache["a1"], cache["a2"]
    dz2 = (a2 - y) * a2 * (1 - a2) / len(y)  # (N, 1)  (2.12)
    dW2 = a1.mT @ dz2  # (H, 1)  (2.13); .mT is the transpose (of each in a stack)
    db2 = dz2.sum(axis=-2, keepdims=True)  # (1, 1); axis -2 is the rows
    da1 = dz2 @ params["W2"].mT  # (N, H)  (2.14)
    dz1 = da1 * a1 * (1 - a1)  # (N, H)  (2.14)
    dW1 = X.mT @ dz1  # (2, H)  (2.15)
    db1 = dz1.sum(axis=-2, keepdims=True)  # (1, H)
    return {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}


# --- Training -------------------------------------------------------------------------


def train(params, X, y, epochs, lr):
    """Take ``epochs`` steps down the slope; return new params and a loss for each."""
    params = dict(params)  # a copy: the caller keeps the start
    losses = []
    print("epoch     loss   outputs at (0,0)  (0,1)  (1,0)  (1,1)")
    for epoch in until_ctrl_c(range(1, epochs + 1)):  # range; Ctrl-C ends it
        cache = forward(params, X)
        losses.append(loss(cache["a2"], y))
        grads = backward(params, X, cache, y)
        for name in params:
            params[name] = params[name] - lr * grads[name]  # (2.16)
        if is_progress_epoch(epoch, epochs):
            print(f"{epoch:5d}  {losses[-1]:.5f}           ", end="")
            print("".join(f"{a:7.3f}" for a in cache["a2"][:, 0]), flush=True)
    return params, losses


def is_progress_epoch(epoch, epochs):
    """Say whether this epoch is one of the ten or so that print a line."""
    return epoch in (1, epochs) or epoch % max(1, epochs // 10) == 0


# ======================================================================================
# The lesson ends here. What follows repeats it, measures, draws and reads files.
# ======================================================================================


# --- Going further --------------------------------------------------------------------

OUTCOMES = {2: "two corners tied", 3: "three tied", 4: "all four tied", 0: "on the way"}


def init_params(networks, H, scale, rng):
    """Return S stacked networks, W1 (S, 2, H), ..., uniform from -scale to scale."""
    shapes = {"W1": (2, H), "b1": (1, H), "W2": (H, 1), "b2": (1, 1)}
    return {k: rng.uniform(-scale, scale, (networks, *v)) for k, v in shapes.items()}


def activate(z, name):
    """Return the activation of z and its derivative there, element by element."""
    if name == "tanh":
        return np.tanh(z), 1 - np.tanh(z) ** 2
    if name == "relu":
        return np.maximum(0.0, z), np.where(z > 0, 1.0, 0.0)
    a = sigmoid(z)
    return a, a * (1 - a)


def variant(params, X, y, activation, kind):
    """Return outputs, loss ("mse" or "bce") and gradients for any activation."""
    z1 = X @ params["W1"] + params["b1"]  # (N, H)
    a1, slope = activate(z1, activation)  # (N, H)
    z2 = a1 @ params["W2"] + params["b2"]  # (N, 1)
    a2 = sigmoid(z2)  # (N, 1)
    cost = np.sum(np.logaddexp(0, z2) - y * z2, axis=(-2, -1)) / len(y)  # (2.17)
    dz2 = (a2 - y) / len(y)  # (N, 1)  (2.18)
    if kind == "mse":
        cost, dz2 = loss(a2, y), dz2 * a2 * (1 - a2)
    dz1 = dz2 @ params["W2"].mT * slope  # (N, H)
    grads = {"W1": X.mT @ dz1, "b1": dz1.sum(axis=-2, keepdims=True),
             "W2": a1.mT @ dz2, "b2": dz2.sum(axis=-2, keepdims=True)}
    return a2, cost, grads


def train_many(params, X, y, args):
    """Train S stacked networks at once; return the last params and a history.

    history: "epoch", under 1000 of them, and "losses" (epochs, S) there; "right" (S,),
    the epochs until every output stayed within 0.5 of its target.
    """
    params = dict(params)  # a copy: the caller keeps the start
    velocity = {name: np.zeros_like(value) for name, value in params.items()}
    history = {"epoch": [], "losses": [], "right": 0}
    for epoch in until_ctrl_c(range(1, args.epochs + 1)):
        if (args.activation, args.loss) == ("sigmoid", "mse"):  # the lesson's lines
            cache = forward(params, X)
            a2, cost = cache["a2"], loss(cache["a2"], y)
            grads = backward(params, X, cache, y)
        else:
            a2, cost, grads = variant(params, X, y, args.activation, args.loss)
        solved = np.abs(a2 - y).max(axis=(-2, -1)) < 0.5
        history["right"] = np.where(solved, history["right"], epoch)
        if epoch < 50 or epoch % max(1, args.epochs // 500) == 0:
            history["epoch"].append(epoch)
            history["losses"].append(cost)
        if is_progress_epoch(epoch, args.epochs):
            print(f"{epoch:5d}  {np.median(cost):11.5f}  {solved.sum():6d}", flush=True)
        for k in params:
            velocity[k] = args.momentum * velocity[k] - args.lr * grads[k]  # (2.19)
            params[k] = params[k] + velocity[k]
    return params, history


def wilson(solved, z=1.959964):
    """Return the share of true values, and its 95 % interval (Wilson, 1927)."""
    trials, p = len(solved), float(solved.mean())
    centre = p + z**2 / (2 * trials)
    half = z * math.sqrt(p * (1 - p) / trials + (z / (2 * trials)) ** 2)
    low, high = ((centre + sign * half) / (1 + z**2 / trials) for sign in (-1, 1))
    return {"rate": p, "low": max(0.0, low), "high": min(1.0, high)}  # (2.21)


def resting_loss(tied, kind):
    """Return the least loss of a network giving ``tied`` of 4 corners one output."""
    p = 1 / 3 if tied == 3 else 1 / 2  # of these corners, those that want a 1 (or a 0)
    entropy = -p * math.log(p) - (1 - p) * math.log(1 - p)
    each = p * (1 - p) / 2 if kind == "mse" else entropy
    return tied / 4 * each  # (2.20): the other corners can cost nothing


def judge_networks(params, X, y, args):
    """Return "solved", "loss" and "outcome", each (S,), of S networks: the outcome is m
    if the loss is within 2 % of (2.20) for m tied corners, else 0."""
    a2, cost, _ = variant(params, X, y, args.activation, args.loss)
    outcome = np.zeros(len(cost), dtype=int)
    for tied in (2, 3, 4):
        outcome[np.abs(cost / resting_loss(tied, args.loss) - 1) < 0.02] = tied
    solved = np.abs(a2 - y).max(axis=(-2, -1)) < 0.5
    return {"solved": solved, "outcome": outcome, "loss": cost}


# --- Figures --------------------------------------------------------------------------

SIGNED = LinearSegmentedColormap.from_list("signed", ["#0072B2", "#FFFFFF", "#E69F00"])
STYLE = {"axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False,
         "axes.titlelocation": "left", "axes.titlesize": 11, "axes.titleweight": "bold"}
LINES = {"output ½": ("#000000", 1.5, "-"), "unit 1: z = 0": ("#009E73", 3, "--"),
         "unit 2: z = 0": ("#CC79A7", 3, "--")}


def draw_graph(ax, nodes, edges):
    """Draw circles {name: (x, y, value, slope, their heights over it in points)}, or
    boxes if they are operations, and arrows (from, to, value, slope, at)."""
    texts = []
    for start, end, value, slope, at in edges:
        tail, tip = np.array(nodes[start][:2]), np.array(nodes[end][:2])
        ax.annotate("", tip, tail, arrowprops={
            "arrowstyle": "-|>", "color": "#888888", "shrinkA": 22, "shrinkB": 24})
        texts.append((*(tail + at * (tip - tail)), value, slope, (4, -4)))
    for name, (x, y, *_) in nodes.items():
        ax.scatter(x, y, s=1500, color="white", edgecolor="#000000", zorder=2,
                   marker="s" if name in "×+σ" else "o")
        ax.text(x, y, name, ha="center", va="center", zorder=3)
    for x, y, value, slope, lifts in (*texts, *nodes.values()):
        for text, colour, lift in zip((value, slope), ("#0072B2", "#D55E00"), lifts):
            ax.annotate(text.replace("-", "−"), (x, y), (0, lift), color=colour,
                        textcoords="offset points", ha="center",
                        va="bottom" if lift > 0 else "top",
                        bbox={"facecolor": "white", "lw": 0, "pad": 1.5})
    ax.axis("off")


def plot_sigmoid():
    """Draw the jump of lesson 01, the sigmoid, and the slope of the sigmoid."""
    fig, (left, right) = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
    z = np.linspace(-8, 8, 401)
    a = sigmoid(z)
    left.plot(z, z > 0, color="#888888", linewidth=1.5)
    left.plot(z, a, color="#009E73", linewidth=2.5)
    left.text(0.3, 0.06, "jump (slope 0)", color="#666666")
    left.text(-5.2, 0.3, "sigmoid", color="#009E73")
    left.set(ylabel="activation a", title="A soft step in place of a jump")
    right.plot(z, a * (1 - a), color="#D55E00", linewidth=2.5)
    for x in (-7.8, 4.4):
        right.text(x, 0.03, "saturated:\nflat", fontsize=9)
    right.set(ylabel="slope a (1 − a)", ylim=(0, 0.27), title="Flat at both ends")
    plt.setp((left, right), xlabel="z", xticks=range(-8, 9, 4))
    return fig


def plot_circuit(values, slope):
    """Draw the small circuit of ``neuron``: a product, a sum and a sigmoid."""
    fig, ax = plt.subplots(figsize=(8, 3.2), layout="constrained")
    places = {"x": (0, 1.3), "w": (0, -0.1), "p": (2.2, 0.6), "b": (2.2, -0.5),
              "z": (4, 0.6), "a": (6.3, 0.6)}
    nodes = {name: (*place, f"{values[name]:.4g}", f"{slope[name]:.4g}", (24, -24))
             for name, place in places.items()}
    for box, x, word in zip("×+σ", (1.4, 3.2, 5.5), ("product", "sum", "sigmoid")):
        nodes[box] = (x, 0.6, "", "", (24, -24))
        ax.text(x, 1, word, ha="center", style="italic")
    local = {"x×": f"× w = {values['w']:g}", "w×": f"× x = {values['x']:g}", "×p": "",
             "p+": "× 1", "b+": "× 1", "+z": "", "σa": "",
             "zσ": f"× a(1 − a)\n= {slope['z']:.4f}"}
    draw_graph(ax, nodes, [(*ends, "", text, 0.5) for ends, text in local.items()])
    ax.set(xlim=(-0.35, 6.65), ylim=(-1, 1.8),
           title="Values run forward (blue). Slopes run back (red): incoming × local")
    return fig


def plot_network(params, X, y, n):
    """Draw the 2-2-1 network with the numbers of corner n, forward and backward."""
    x, t = X[n : n + 1], y[n : n + 1]
    cache = forward(params, x)
    grads = backward(params, x, cache, t)
    grads |= {"a1": grads["b2"] @ params["W2"].T, "a2": cache["a2"] - t}  # db2 is dz2
    fig, ax = plt.subplots(figsize=(8, 4.4), layout="constrained")
    w, c, g = ({k: [f"{v:{digits}}" for v in values.ravel()] for k, values in d.items()}
               for d, digits in ((params, "g"), (cache, ".4f"), (grads, ".4f")))
    nodes = {"output": (4, 0.8, f"b {w['b2'][0]}\nz {c['z2'][0]}\na {c['a2'][0]}",
                        f"da {g['a2'][0]}\ndz {g['b2'][0]}", (24, -24)),
             "loss": (5.6, 0.8, f"target {t[0, 0]:g}\nloss {loss(cache['a2'], t):.4f}",
                      "", (24, 0))}
    edges = [("output", "loss", "", "", 0.5)]
    for j, height, up in ((0, 1.6, (24, 52)), (1, 0, (-24, -52))):
        unit, text = f"unit {j + 1}", f"b {w['b1'][j]}\nz {c['z1'][j]}, a {c['a1'][j]}"
        nodes[f"x{j + 1}"] = (0, height, f"{x[0, j]:g}", "", (24, 0))
        nodes[unit] = (2.2, height, text, f"da {g['a1'][j]}, dz {g['b1'][j]}", up)
        edges += [("x1", unit, w["W1"][j], g["W1"][j], 0.3),
                  ("x2", unit, w["W1"][2 + j], g["W1"][2 + j], 0.3),
                  (unit, "output", w["W2"][j], g["W2"][j], 0.5)]
    draw_graph(ax, nodes, edges)
    ax.set(xlim=(-0.4, 6), ylim=(-0.7, 2.3))
    ax.set_title(f"Corner ({x[0, 0]:g}, {x[0, 1]:g}): values blue, slopes red")
    return fig


def plot_corners(slopes, X, y):
    """Draw the slope that each corner asks of one weight, and their mean."""
    names = [f"({a:g}, {b:g})\nwants {t:g}" for (a, b), t in zip(X, y[:, 0])]
    heights = [*slopes, sum(slopes) / 4]
    fig, ax = plt.subplots(figsize=(8, 3.2), layout="constrained")
    bars = ax.bar([*names, "mean"], heights, color=[*SIGNED(y[:, 0]), "#000000"])
    ax.bar_label(bars, [f"{h:+.4f}".replace("-", "−") for h in heights], padding=3)
    ax.axhline(0, color="#888888", linewidth=1)
    ax.set(ylabel="slope asked for at W2[0, 0]", ymargin=0.25)
    ax.set_title(f"Four corners pull; the mean, {heights[-1]:.4f}, moves the weight")
    return fig


def draw_plane(ax, params, edges, folded=False):
    """Colour a square of inputs or, if folded, of hidden activations; draw LINES."""
    u = np.linspace(*edges, 150)
    plane = np.stack(np.meshgrid(u, u), axis=-1).reshape(-1, 2)
    z1, _, z2, _ = forward(params, plane).values()
    sums = [plane @ params["W2"] + params["b2"]] if folded else [z2, *z1.T]
    ax.imshow(sigmoid(sums[0]).reshape(150, 150), cmap=SIGNED, vmin=-0.4, vmax=1.4,
              origin="lower", extent=edges * 2, interpolation="bilinear")
    for z, (name, (colour, width, dash)) in zip(sums, LINES.items()):
        if z.min() < 0 < z.max():
            ax.contour(u, u, z.reshape(150, 150), [0], colors=colour, linewidths=width,
                       linestyles=dash)
        ax.plot([], [], dash, color=colour, lw=width, label=name)  # for the legend


def mark_corners(ax, points, y, names=True):
    """Mark the corners at points (4, 2); those on one point are named together."""
    for n in range(4):
        same = [m for m in range(4) if np.abs(points[m] - points[n]).max() < 0.12]
        size = 90 if n == same[0] else 260  # so that both can be seen on one point
        ax.scatter(*points[n], s=size, marker="os"[int(y[n, 0])], edgecolor="white",
                   color=SIGNED(y[n, 0]), zorder=4 + (n == same[0]))
        if names and n == same[0]:
            x, up = points[n, 0], points[n, 1] > 0.5
            ax.annotate("\n".join(f"({m // 2}, {m % 2})" for m in same), points[n],
                        (8 if x < 0.5 else -8, 9 if up else -14), zorder=5,
                        ha="left" if x < 0.5 else "right", va="bottom" if up else "top",
                        textcoords="offset points",
                        bbox={"facecolor": "white", "alpha": 0.7, "lw": 0, "pad": 1})


def plot_learning(stages, X, y):
    """Draw the square at some stages of learning, each as ``train`` returned it."""
    fig, axes = plt.subplots(1, len(stages), figsize=(8, 2.8), layout="constrained")
    costs = [float(loss(forward(params, X)["a2"], y)) for params, _ in stages]
    for ax, cost, (params, losses) in zip(axes, costs, stages):
        draw_plane(ax, params, (-0.4, 1.4))
        mark_corners(ax, X, y, names=False)
        ax.set(xticks=[0, 1], yticks=[0, 1], xlabel="x1", ylabel="x2")
        ax.set_title(f"epoch {len(losses)}\nloss {cost:.3f}", size=10, weight=400)
        ax.label_outer()
    fig.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    fig.suptitle(f"The loss falls by {costs[0] - costs[1]:.3f} up to epoch "
                 f"{len(stages[1][1])}, then by {costs[1] - costs[-1]:.3f}", x=0.01,
                 ha="left", size=11, weight=700)
    return fig


def plot_folding(params, X, y):
    """Draw the two hidden lines, and the square as the hidden units see it: folded."""
    fig, (left, right) = plt.subplots(1, 2, figsize=(8, 4.3), layout="constrained")
    draw_plane(left, params, (-0.4, 1.4))
    draw_plane(right, params, (-0.15, 1.25), folded=True)
    left.legend(loc=(0, -0.25), ncols=3, fontsize=9, columnspacing=0.7, handlelength=2)
    for via, width, colour in ((1, 7, "#BBBBBB"), (2, 2.5, "#444444")):
        path = np.vstack([np.linspace(X[0], X[via]), np.linspace(X[via], X[3])])
        right.plot(*forward(params, path)["a1"].T, color=colour, linewidth=width)
        left.plot(*path.T, color=colour, linewidth=width, zorder=3)
    cache = forward(params, X)
    mark_corners(left, X, y)
    mark_corners(right, cache["a1"], y)
    wrong = np.flatnonzero(np.abs(cache["a2"] - y) > 0.25)
    if len(wrong) == 2:  # enlarge them, and show where the next step moves each
        grads = backward(params, X, cache, y)
        way = forward({k: params[k] - grads[k] for k in params}, X)["a1"] - cache["a1"]
        inset = right.inset_axes([0.03, 0.03, 0.48, 0.5], xticks=[], yticks=[])
        for n, (a, b) in zip(wrong, cache["a1"][wrong]):
            inset.quiver(a, b, *way[n] / np.linalg.norm(way[n]), scale=4, width=0.02)
            inset.scatter(a, b, s=80, marker="os"[int(y[n, 0])], color=SIGNED(y[n, 0]))
        inset.plot(*cache["a1"][wrong[0]].round(), "kx")  # the plane's nearest corner
        inset.margins(0.5, 1)
        inset.set_title(f" {np.ptp(inset.get_xlim()):.4f} wide; arrows:\n direction of "
                        "next step", size=9, weight=400, y=0.73)
    plt.setp((left, right), xticks=[0, 0.5, 1], yticks=[0, 0.5, 1])
    left.set(xlabel="x1", ylabel="x2", title="Two hidden lines cut the square")
    right.set(xlabel="hidden unit 1", ylabel="hidden unit 2",
              title=f"Folded{', but no' if len(wrong) else ': now one'} line will do")
    return fig


def plot_loss(learnt, many, found, kind):
    """Draw the loss of one network and of up to 80 more, and the levels of (2.20)."""
    fig, ax = plt.subplots(figsize=(8, 4.6), layout="constrained")
    epochs, losses = many["epoch"], np.array(many["losses"])
    for solved, colour, name in ((1, "#56B4E9", "solve XOR"), (0, "#D55E00", "do not")):
        drawn = losses[:, :80][:, found["solved"][:80] == solved]
        ax.plot(epochs, drawn, color=colour, lw=0.7, alpha=0.6)
        ax.plot([], color=colour, label=f"{np.sum(found['solved'] == solved)} {name}")
    ax.plot(range(1, len(learnt) + 1), learnt, "k", lw=2, label="the lesson's network")
    for tied in sorted(set(found["outcome"]) - {0}):
        rest = resting_loss(tied, kind)
        ax.axhline(rest, color="#000000", linestyle="--", linewidth=1, zorder=0)
        ax.text(1.01, rest, f"{OUTCOMES[tied]}\n{rest:.4f}", va="center",
                transform=ax.get_yaxis_transform())
    ax.set(xscale="log", xmargin=0, xlabel="epoch", ylabel="loss",
           ylim=(0, 1.7 * resting_loss(4, kind)),
           title=f"{found['solved'].mean():.1%} solve XOR; dashed: least loss if tied")
    ax.legend(loc="lower left", title=f"of {losses.shape[1]}, up to 80 are drawn")
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


def read_weights(path):
    """Read W1 (2, H), b1, W2 (H, 1) and b2 from a JSON file; raise InputError."""
    try:
        with path.open(encoding="utf-8") as file:
            saved = json.loads(file.read(10**5))  # 50 hidden units take 10**4
        H = max(1, len(saved["W1"][0]))
        shapes = {"W1": (2, H), "b1": (1, H), "W2": (H, 1), "b2": (1, 1)}
        params = {k: np.array(saved[k], float).reshape(v) for k, v in shapes.items()}
    except (LookupError, OverflowError, RecursionError, TypeError, ValueError) as wrong:
        raise InputError(f"{path} must hold W1 (2 rows of H numbers), b1 (H), W2 (H "
                         f"rows of 1), b2 (1) as JSON: {str(wrong)[:150]}") from None
    if not all(np.all(np.abs(values) < 1e6) for values in params.values()):
        raise InputError(f"{path} holds a number that is not below 1,000,000")
    return params


def parse_args(argv=None):
    """Return the settings on the command line."""
    parser = Parser()
    parser.add_argument("--weights", type=Path, metavar="FILE.json",
                        help="first weights W1, b1, W2, b2 of the first network")
    for flag, kind, low, high, default, words in (
            ("--epochs", int, 1, 10**5, 2000, "steps, each on all corners"),
            ("--lr", float, 1e-9, 1e6, 5.0, "learning rate"),
            ("--networks", int, 10, 5000, 1000, "networks that learn side by side"),
            ("--hidden", int, 1, 50, 2, "their hidden units"),
            ("--scale", float, 0, 100, 1.0, "their largest first weight"),
            ("--momentum", float, 0, 0.999, 0.0, "their share of the last step kept")):
        parser.add_argument(flag, type=number(kind, low, high), default=default,
                            help=f"{words} (default: %(default)s)")
    for flag, names, words in (
            ("--activation", ["sigmoid", "tanh", "relu"], "of their hidden units"),
            ("--loss", ["mse", "bce"], "half their squared error, or cross-entropy")):
        parser.add_argument(flag, choices=names, default=names[0],
                            help=f"{words} (default: %(default)s)")
    return parser.parse_args(argv)


def tell_one_step(params, n):
    """Print the numbers of corner n; return each corner's slope at W2[0, 0]."""
    slopes = []
    for m, (x, target) in enumerate(zip(X[:, None], y[:, None])):  # one row each
        cache = forward(params, x)
        grads = backward(params, x, cache, target)
        slopes.append(grads["W2"][0, 0])
        if m == n:
            print("The corner ({:g}, {:g}) alone, before any step; it wants {:g}; loss "
                  "{:.4f}:".format(*x[0], *target[0], loss(cache["a2"], target)))
            for name, a in (cache | {"d" + k: v for k, v in grads.items()}).items():
                print(f"  {name:4s}", " ".join(f"{v:8.4f}" for v in a.ravel()))
    print("The slope at W2[0, 0] that each corner asks for:",
          *(f"{slope:.4f}" for slope in slopes), f"mean {np.mean(slopes):.4f}")
    return slopes


def tell_one(params):
    """Print whether one network has learnt XOR; return its largest error."""
    error = np.abs(forward(params, X)["a2"] - y).max()
    if error < 0.25:
        print(f"It has learnt XOR: the largest error of an output is {error:.3f}.")
    else:
        print(f"It has not learnt XOR: an output is {error:.3f} from its target. Try "
              "other first weights (--weights) or more --epochs.")
    return error


def tell_many(many, found, args):
    """Print how many networks solve XOR and where the others rest; return metrics."""
    solved, rows, median = found["solved"], {}, None
    rate = wilson(solved)
    print("{} of {} solve XOR: {rate:.1%}, 95 % interval {low:.1%} to {high:.1%}."
          .format(solved.sum(), len(solved), **rate))
    if solved.any():
        median = float(np.median(many["right"][solved]))
        print(f"Half of these take {median:g} epochs or fewer.")
    if not solved.all():
        print("\nthe others        networks    loss  least possible")
    for tied, name in OUTCOMES.items():
        chosen = ~solved & (found["outcome"] == tied)
        if chosen.any():
            rest = np.median(found["loss"][chosen])
            theory = f"{resting_loss(tied, args.loss):.4f}" if tied else "-"
            print(f"{name:17s}{chosen.sum():9d}{rest:8.4f}{theory:>16s}")
            rows[name] = {"networks": chosen.sum(), "loss": rest}
    return {"trials": len(solved), "median_epochs": median, "others": rows,
            **{f"success_{k}": v for k, v in rate.items()}}


def solve_xor(args):
    """Train one network, then many; judge, draw and save."""
    start, other = ({k: np.array(v) for k, v in w.items()} for w in (LEARNS, STUCK))
    if args.weights:
        start = read_weights(args.weights)
    slopes = tell_one_step(start, 2)
    print(f"\nOne network learns, lr {args.lr:g}:")
    params, losses = train(start, X, y, args.epochs, args.lr)
    error = tell_one(params)
    print("\nThe same from other first weights:")
    stuck, _ = train(other, X, y, args.epochs, args.lr)
    with contextlib.redirect_stdout(None):  # the first network again, part of the way
        stages = [train(start, X, y, n, args.lr) for n in (0, 100, 150, 200, 300)]
    metrics = {"stuck_error": tell_one(stuck)}
    print(f"\n{args.networks} networks 2-{args.hidden}-1, {args.activation}, "
          f"{args.loss}, scale {args.scale:g}, momentum {args.momentum:g}:\n"
          "epoch  median loss  solved")
    first = init_params(args.networks, args.hidden, args.scale,
                        np.random.default_rng(args.seed))
    last, many = train_many(first, X, y, args)
    found = judge_networks(last, X, y, args)
    metrics |= {"final_loss": losses[-1], "max_error": error, "corner_slopes": slopes,
                **tell_many(many, found, args)}
    figures = {"sigmoid": plot_sigmoid(), "stuck": plot_folding(stuck, X, y),
               "circuit": plot_circuit(*neuron(x=3.0, w=2.0, b=-5.0)),
               "corners": plot_corners(slopes, X, y),
               "loss": plot_loss(losses, many, found, args.loss)}
    if start["W1"].shape[1] == 2:
        figures |= {"network": plot_network(start, X, y, 2),
                    "folding": plot_folding(params, X, y),
                    "learning": plot_learning(stages, X, y)}
    save_results(args, figures, metrics)


def main(argv=None):
    """Run the lesson from the command line; return the exit status."""
    return run_safely(solve_xor, parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
