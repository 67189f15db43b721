# /// script
# requires-python = ">=3.10"
# dependencies = ["numpy>=2.0", "matplotlib>=3.9"]
# ///
"""Where does every number in one step of backpropagation come from?

    X (N, D) -> W[1] -> sigmoid -> a[1] (N, H) -> W[2] -> sigmoid -> a[2] (N, K)

N examples (one on the screen), D inputs, H hidden units, K outputs; any number of
layers. z[1], z[2] are the sums before each sigmoid, a[0] is X, y (N, K) the targets,
J the loss; dz[1] is short for dJ/dz[1]. (7.1) is an equation in README.md.

    python backprop_simulator.py                          the well-known 2-2-2 example
    python backprop_simulator.py --jacobians --step       with matrices, line by line
    python backprop_simulator.py --mistake forgotten-transpose
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

# The numbers of a well-known example (Mazur, 2015): short enough for paper.
X_START = np.array([[0.05, 0.10]])  # (1, 2), one example
Y_START = np.array([[0.01, 0.99]])  # (1, 2), what the two outputs should become
W_START = {1: np.array([[0.15, 0.25], [0.20, 0.30]]),  # (2, 2), from inputs to hidden
           2: np.array([[0.40, 0.50], [0.45, 0.55]])}  # (2, 2), from hidden to outputs
B_START = {1: np.array([[0.35, 0.35]]), 2: np.array([[0.60, 0.60]])}  # (1, 2) each


# --- Model ----------------------------------------------------------------------------


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
    """Return a (N, H) for the sums z (N, H) of one layer, by the function ``name``."""
    if name == "sigmoid":
        return sigmoid(z)  # (7.2)
    if name == "softmax":
        return softmax(z)  # (7.22)
    if name == "tanh":
        return np.tanh(z)
    if name == "relu":
        return np.maximum(0.0, z)
    return z  # "linear"


def forward(W, b, X, phi):
    """Return the sums z[k] and activations a[k] of the layers k = 1 ... L; a[0] is X.

    All are dicts numbered by layer; phi[k] is the name of the function of layer k.
    """
    z, a = {}, {0: X}
    for k in range(1, len(W) + 1):
        z[k] = a[k - 1] @ W[k] + b[k]  # (N, H_k)  (7.1)
        a[k] = phi_of(z[k], phi[k])  # (N, H_k)  (7.2)
    return z, a


# --- Loss and gradients ---------------------------------------------------------------


def loss(z, a, y, kind):
    """Return the loss J: a sum over the K outputs, and the mean over the N examples.

    ``kind`` is "mse", half the squared error, or "ce", the cross-entropy of a softmax.
    The last one reads z, since log(a) fails where a rounds to 0.
    """
    L, N = len(z), len(y)
    if kind == "mse":
        return np.sum((a[L] - y) ** 2) / (2 * N)  # (7.3)
    return -np.sum(y * log_softmax(z[L])) / N  # (7.24)


def local_slope(z, a, name):
    """Return da/dz (N, H) of an activation that treats each number by itself."""
    if name == "sigmoid":
        return a * (1 - a)  # (7.4)
    if name == "tanh":
        return 1 - a**2
    if name == "relu":
        return np.where(z > 0, 1.0, 0.0)  # 1 where z > 0, else 0
    return np.ones(z.shape)  # "linear"


def walk_back(W, z, a, y, phi, kind):
    """Return da and dz: the slopes of J for each a and z, from the last layer on.

    With "ce" it begins at dz[L], where the slopes of loss and softmax have collapsed.
    """
    L, N = len(W), len(y)
    da, dz = {}, {}
    if kind == "mse":
        da[L] = (a[L] - y) / N  # (N, K)  (7.5)
        dz[L] = da[L] * local_slope(z[L], a[L], phi[L])  # (N, K)  (7.6)
    else:
        dz[L] = (a[L] - y) / N  # (N, K)  (7.25)
    for k in range(L - 1, 0, -1):
        da[k] = dz[k + 1] @ W[k + 1].T  # (N, H_k)  (7.9)
        dz[k] = da[k] * local_slope(z[k], a[k], phi[k])  # (N, H_k)  (7.6)
    return da, dz


def backward(W, z, a, y, phi, kind):
    """Return dW and db: the slope of J for each weight and bias, in the same shapes."""
    da, dz = walk_back(W, z, a, y, phi, kind)
    dW, db = {}, {}
    for k in range(1, len(W) + 1):
        dW[k] = a[k - 1].T @ dz[k]  # (H_{k-1}, H_k)  (7.10)
        db[k] = dz[k].sum(axis=0, keepdims=True)  # (1, H_k)  (7.11)
    return dW, db


def central_difference(W, b, X, y, phi, kind, array, h=1e-5):
    """Return the measured slope of J for each number of array: X, a W[k] or a b[k]."""
    slopes = np.zeros(array.shape)
    for place in np.ndindex(array.shape):  # (0, 0), (0, 1), ...
        number = array[place]
        array[place] = number + h
        z, a = forward(W, b, X, phi)
        up = loss(z, a, y, kind)
        array[place] = number - h
        z, a = forward(W, b, X, phi)
        down = loss(z, a, y, kind)
        array[place] = number  # back again
        slopes[place] = (up - down) / (2 * h)  # (7.13)
    return slopes


def gradient_error(ours, measured):
    """Return how far ours is off, as a share of the measured slope, or of 1e-6."""
    return np.abs(ours - measured) / np.maximum(np.abs(measured), 1e-6)  # (7.14)


def jacobians(W, z, a, y, phi, kind):
    """Return the Jacobian of each step of one example: a row, and three dicts by layer.

    dJ_da (1, K); da_dz[k] (H_k, H_k); dz_da[k], of z[k] by a[k-1], (H_k, H_{k-1});
    dz_dW[k] (H_k, H_{k-1} H_k), whose columns follow W[k] row by row.
    """
    L = len(W)
    if kind == "mse":
        dJ_da = a[L] - y  # (1, K)  (7.5)
    else:
        dJ_da = -y / a[L]  # (1, K)  (7.24)
    da_dz, dz_da, dz_dW = {}, {}, {}
    for k in range(1, L + 1):
        if phi[k] == "softmax":
            da_dz[k] = np.diag(a[k][0]) - a[k].T @ a[k]  # (K, K)  (7.23)
        else:
            da_dz[k] = np.diag(local_slope(z[k], a[k], phi[k])[0])  # (H_k, H_k)  (7.18)
        dz_da[k] = W[k].T  # (H_k, H_{k-1})  (7.19)
        blocks = [value * np.eye(W[k].shape[1]) for value in a[k - 1][0]]
        dz_dW[k] = np.hstack(blocks)  # side by side: (H_k, H_{k-1} H_k)  (7.20)
    return dJ_da, da_dz, dz_da, dz_dW


def multiply(dJ_da, da_dz, dz_da, dz_dW):
    """Return the rows dJ/da, dJ/dz, dJ/dW of each layer: row times Jacobian, (7.17)."""
    L = len(da_dz)
    row_a, row_z, row_W = {L: dJ_da}, {}, {}
    for k in range(L, 0, -1):
        row_z[k] = row_a[k] @ da_dz[k]  # (1, H_k)
        row_W[k] = row_z[k] @ dz_dW[k]  # (1, H_{k-1} H_k)
        row_a[k - 1] = row_z[k] @ dz_da[k]  # (1, H_{k-1})
    return row_a, row_z, row_W


# --- Training -------------------------------------------------------------------------


def stop_if_diverged(value, epoch):
    """Raise FloatingPointError, with advice, when a loss has exploded."""
    if not abs(value) < 1e9:  # nan, too
        raise FloatingPointError(f"training diverged in epoch {epoch}: the loss is "
                                 f"{value:.3g}; try a smaller --lr")


def train(W, b, X, y, phi, kind, epochs, lr, gradients=backward):
    """Take ``epochs`` steps down the slope; return the new W and b, and the losses.

    The losses are those before each step, and after the last.
    """
    W, b, losses = dict(W), dict(b), []  # new dicts; no array is changed in place
    for epoch in until_ctrl_c(range(1, epochs + 1)):  # range; Ctrl-C ends it
        z, a = forward(W, b, X, phi)
        losses.append(loss(z, a, y, kind))
        stop_if_diverged(losses[-1], epoch)
        dW, db = gradients(W, z, a, y, phi, kind)
        for k in W:
            W[k] = W[k] - lr * dW[k]  # (7.12)
            b[k] = b[k] - lr * db[k]  # (7.12)
    z, a = forward(W, b, X, phi)
    losses.append(loss(z, a, y, kind))
    return W, b, losses


# ======================================================================================
# The lesson ends here. What follows repeats it, measures, draws and reads files.
# ======================================================================================


# --- Going further --------------------------------------------------------------------

LARGEST = 1000  # input, target or weight: beyond, h = 1e-5 is too far for a sigmoid
WRONG = 1e-4  # a slope with a larger error is wrong; rounding explains 1e-8 or so
SLIPS = {  # name: what is written instead of the right line
    "forgotten-transpose": "da = dz @ W, without the .T",
    "missing-activation-derivative": "dz = da in the hidden layers: no slope of a",
    "wrong-sign": "y - a for a - y",
    "forgotten-half": "2 * (a - y) for a - y, as if J were twice as large",
    "missing-bias-gradient": "db = 0: the biases never move",
    "sequential-update": "W2 is moved first, and da1 = dz2 @ W2.T is computed with it",
    "last-layer-only": "da = 0: no slope goes back, so only the last layer learns"}
RULES = {  # name: how a comes from z, how dz comes from da; {u} stands for k[j]
    "sigmoid": ("sigmoid(z{u})", "da{u}*a{u}*(1 - a{u})"),
    "tanh": ("tanh(z{u})", "da{u}*(1 - a{u}**2)"), "linear": ("z{u}", "da{u}*1"),
    "relu": ("relu(z{u})", "da{u}*(z{u} > 0)"), "softmax": ("exp(z{u}) / S", ""),
    "mse": "(a{u} - y[{j}])**2 / 2", "ce": "-y[{j}]*log(a{u})"}  # how E comes from a


def backward_with_slip(slip, W, z, a, y, phi, kind, lr):
    """Return da, dz, dW and db of a backward with one line that is wrong, or none."""
    L, N = len(W), len(y)
    da, dz, dW, db = {}, {}, {}, {}
    factor = {"wrong-sign": -1, "forgotten-half": 2}.get(slip, 1)
    dz[L] = factor * (a[L] - y) / N
    if kind == "mse":
        da[L] = dz[L]
        dz[L] = da[L] * local_slope(z[L], a[L], phi[L])
    for k in range(L, 0, -1):
        dW[k] = a[k - 1].T @ dz[k]
        db[k] = dz[k].sum(axis=0, keepdims=True)
        if slip == "missing-bias-gradient":
            db[k] = np.zeros(db[k].shape)
        if k > 1:
            da[k - 1] = dz[k] @ W[k].T
            if slip == "sequential-update":
                da[k - 1] = dz[k] @ (W[k] - lr * dW[k]).T
            if slip == "forgotten-transpose":
                da[k - 1] = dz[k] @ W[k]
            if slip == "last-layer-only":
                da[k - 1] = 0 * a[k - 1]
            dz[k - 1] = da[k - 1] * local_slope(z[k - 1], a[k - 1], phi[k - 1])
            if slip == "missing-activation-derivative":
                dz[k - 1] = da[k - 1]
    return da, dz, dW, db


def gradients_of(args, slip):
    """Return a ``backward`` with this slip, or none; with --fix-biases db is 0."""
    def gradients(*net):
        dW, db = backward_with_slip(slip, *net, args.lr)[2:] if slip else backward(*net)
        return dW, ({k: 0 * v for k, v in db.items()} if args.fix_biases else db)

    return gradients


def measure_slopes(W, b, X, y, phi, kind):
    """Return the measured slopes by name, and the names that a kink can spoil.

    To move a[k] is to move the input of the layers after it; to move z is to move b.
    """
    (z, a), L = forward(W, b, X, phi), len(W)
    slopes, spoilt = ({"dW": {}, "db": {}, "dz": {}, "da": {}} for _ in range(2))
    for k in W:
        slopes["dW"][k] = central_difference(W, b, X, y, phi, kind, W[k])
        slopes["db"][k] = central_difference(W, b, X, y, phi, kind, b[k])
        slopes["dz"][k] = slopes["db"][k]
        if k < L or kind == "mse":
            W_, b_, phi_ = ({m - k: v[m] for m in v if m > k} for v in (W, b, phi))
            slopes["da"][k] = central_difference(W_, b_, a[k], y, phi_, kind, a[k])
    reached = np.zeros(a[L].shape, bool)  # whether a kink lies on the way from a to J
    for k in range(L, 0, -1):
        at_kink = (np.abs(z[k]) < 1e-4) & (phi[k] == "relu")  # as far as h reaches
        hit = at_kink | reached & (local_slope(z[k], a[k], phi[k]) != 0)
        spoilt["da"][k], spoilt["dz"][k], spoilt["db"][k] = reached, hit, hit
        spoilt["dW"][k] = hit & (a[k - 1].T != 0)
        reached = hit @ (W[k].T != 0)
    return by_name(slopes), {name for name, hit in by_name(spoilt).items() if hit}


def by_name(arrays):
    """Return {"dW": {1: array, ...}, ...} as {"dW1[0,0]": number, ...}."""
    named = {}
    for letter, layers in arrays.items():
        for k, array in layers.items():
            for place, value in np.ndenumerate(array):
                place = place if letter[-1] == "W" else place[1:]  # the others are rows
                named[f"{letter}{k}[{','.join(map(str, place))}]"] = value.item()
    return named


def all_rules(sizes, phi, kind):
    """Return (symbol, rule) of each number on the way to J, and of each slope back."""
    L, there, back = len(phi), [], []
    for k, units in [(k, range(sizes[k])) for k in phi]:
        there += [(f"z{k}[{j}]", f"a{k - 1} @ W{k}[:,{j}] + b{k}[{j}]") for j in units]
        if phi[k] == "softmax":
            there += [("S", " + ".join(f"exp(z{k}[{j}])" for j in units))]
        there += [(f"a{k}[{j}]", RULES[phi[k]][0].format(u=f"{k}[{j}]")) for j in units]
    there += [(f"E[{j}]", RULES[kind].format(u=f"{L}[{j}]", j=j)) for j in units]
    there += [("J", " + ".join(f"E[{j}]" for j in units))]
    for k in range(L, 0, -1):
        units = [(j, f"{k}[{j}]") for j in range(sizes[k])]
        first = "dz" if k == L and kind != "mse" else "da"  # which collapses the two
        rule = "a{u} - y[{j}]" if k == L else f"dz{k + 1} @ W{k + 1}[{{j}},:]"
        back += [(first + u, rule.format(u=u, j=j)) for j, u in units]
        if first == "da":
            back += [("dz" + u, RULES[phi[k]][1].format(u=u)) for _, u in units]
        back += [(f"dW{k}[{i},{j}]", f"a{k - 1}[{i}]*dz{u}")
                 for i in range(sizes[k - 1]) for j, u in units]
        back += [("db" + u, "dz" + u) for _, u in units]
    return there, back


def put_in(rule, known):
    """Return the rule with nine digits of each number, twelve of "new", and no -0."""
    def multiply_out(match):  # a1 @ W2[:,0] becomes a1[0]*W2[0,0] + a1[1]*W2[1,0] + ...
        left, right = match.groups()
        pairs = [(f"{left}[{i}]", right.replace(":", str(i))) for i in range(8)]
        return " + ".join(f"{p}*{q}" for p, q in pairs if p in known and q in known)

    def put(match):
        digits, value = 12 if match[0] == "new" else 9, known[match[0]] + 0.0
        return f"{value:.{digits}g}" if value >= 0 else f"({value:.{digits}g})"

    text = re.sub(r"(\w+) @ (\w+\[.+?\])", multiply_out, rule)
    text = re.sub(r"\bd?[WEabyz]\d*\[[\d,]+\]|\b(?:lr|S|new)\b", put, text)
    return re.sub(r"\(\(([^()]+)\)\)", r"(\1)", text)  # not sigmoid((-1))


def work_out(W, b, X, y, args):
    """Return a row for each number: part, symbol, the right rule, numbers, value."""
    L, phi, kind = len(W), args.phi, args.loss
    z, a = forward(W, b, X, phi)
    E = (a[L] - y) ** 2 / 2 if kind == "mse" else -y * log_softmax(z[L])
    found = backward_with_slip(args.mistake, W, z, a, y, phi, kind, args.lr)
    if args.mistake in ("", "sequential-update"):  # then backward itself is right
        found = *walk_back(W, z, a, y, phi, kind), *backward(W, z, a, y, phi, kind)
    known = by_name({"W": W, "b": b, "z": z, "a": a, "E": {"": E}, "y": {"": y},
                     **dict(zip(("da", "dz", "dW", "db"), found))})
    known |= {"lr": args.lr, "S": np.exp(z[L]).sum(), "J": loss(z, a, y, kind)}
    sizes = [X.shape[1], *(b[k].size for k in b)]
    rows = [(part, symbol, rule, put_in(rule, known), known[symbol])
            for part, rules in zip(("Forward", "Backward"), all_rules(sizes, phi, kind))
            for symbol, rule in rules]
    after = train(W, b, X, y, phi, kind, 1, args.lr, gradients_of(args, args.mistake))
    layers, steps = zip("W" if args.fix_biases else "Wb", after), []
    new = by_name({letter: dict(reversed(v.items())) for letter, v in layers})
    for name, value in new.items():
        rule, slope = f"{name} - lr*d{name}", (known[name] - value) / args.lr
        rows.append(("Update", name, rule, put_in(rule, known), value))
        text = put_in(f"({name} - new)/lr", {**known, "new": value})
        steps.append(("The step taken", f"d{name}", "(old - new)/lr", text, slope))
    return rows + steps


def show(rows, slopes, kinks, step):
    """Print the rows with the measured slopes; return the errors, or None after "q"."""
    print(f"\n{'':9}{'rule, dz2 is dJ/dz2':25} {'numbers put in':45} {'value':>13}"
          f"{'measured':>13}  error")
    errors, i = {}, 0
    while i < len(rows):
        part, symbol, rule, numbers, value = rows[i]
        if i == 0 or rows[i - 1][0] != part:
            print(f"{part}:")
        line = f"{symbol:9}{rule:25} {numbers:45} {value + 0.0:13.7g}"
        if symbol in slopes:
            errors[part, symbol] = error = gradient_error(value, slopes[symbol])
            remark = f"{error:.0e}" if error <= WRONG else f"{error:.0e} WRONG"
            if error > WRONG and symbol in kinks:
                errors[part, symbol], remark = np.nan, "kink"
            line += f"{slopes[symbol]:13.6g}  {remark}"
        print(line)
        try:
            answer = input("    Enter, b or q: ").strip() if step else ""
        except (EOFError, OSError, RuntimeError, ValueError):  # nobody can press Enter
            step, answer = False, ""
        if answer == "q":
            return None
        i = max(0, i - 1) if answer == "b" else i + 1
    return errors


def check_steps(W, b, X, y, args):
    """Measure a slope of the last and the first matrix with ever smaller h."""
    dW, _ = backward(W, *forward(W, b, X, args.phi), y, args.phi, args.loss)
    ends = sorted({len(W), 1}, reverse=True)
    print("\nHow small should h be?\n    h " + "".join(
        f"{f'dW{k}[0,0] measured':>22} {'error':>6}" for k in ends))
    table = {"h": [10.0**-power for power in range(1, 13)]}
    for h in table["h"]:
        line = f"{h:.0e} "
        for k in ends:
            slope = central_difference(W, b, X, y, args.phi, args.loss, W[k], h)[0, 0]
            error = gradient_error(dW[k][0, 0], slope)
            table.setdefault(f"W{k}", []).append(error)
            line += f"{slope:22.15f} {error:6.0e}"
        print(line)
    return table


def compare_slips(W, b, X, y, args, slopes, kinks):
    """Train as it should be and with each slip; return the results and the losses."""
    print(f"\n{'variant':30}{'error':>6}{'J after 1 step':>17}"
          f"{f'after {args.epochs:,}':>15}   outputs then")
    results, curves, phi, kind = {}, {}, args.phi, args.loss
    z, a = forward(W, b, X, phi)
    for name in ("right", *([args.mistake] if args.mistake else SLIPS)):
        slip = "" if name == "right" else name
        try:
            _, _, dW, db = backward_with_slip(slip, W, z, a, y, phi, kind, args.lr)
            W_end, b_end, losses = train(W, b, X, y, phi, kind, args.epochs, args.lr,
                                         gradients_of(args, slip))
        except (ValueError, FloatingPointError) as failure:
            if name in ("right", args.mistake):
                raise
            unfit = isinstance(failure, ValueError)
            print(f"{name:30} fails: {'the shapes do not fit' if unfit else failure}")
            continue
        worst = max([gradient_error(value, slopes[symbol])
                     for symbol, value in by_name({"dW": dW, "db": db}).items()
                     if symbol not in kinks], default=0.0)
        curves[name], outputs = losses, forward(W_end, b_end, X, phi)[1][len(W)][0]
        results[name] = {"max_gradient_error": worst, "J1": losses[1],
                         "J_end": losses[-1], "outputs": outputs}
        print(f"{name:30}{worst:6.0e} {losses[1]:16.12f} {losses[-1]:14.6e}  ",
              *(f"{v:.9f}" for v in outputs), flush=True)
        if CTRL_C:
            print("The variants after this one were not trained.")
            break
    return results, curves


def show_jacobians(W, b, X, y, args):
    """Multiply the full Jacobians, and print each product beside the compact form."""
    def in_lines(rows):
        return "\n".join("    " + " ".join(f"{v + 0.0:12.6g}" for v in r) for r in rows)

    z, a = forward(W, b, X, args.phi)
    da, dz = walk_back(W, z, a, y, args.phi, args.loss)
    dW, _ = backward(W, z, a, y, args.phi, args.loss)
    dJ_da, da_dz, dz_da, dz_dW = jacobians(W, z, a, y, args.phi, args.loss)
    row_a, row_z, row_W = multiply(dJ_da, da_dz, dz_da, dz_dW)
    print("\nMatrix calculus: a row of slopes times a Jacobian is the next row\n"
          f"\nThe first row: dJ/da{len(W)} {dJ_da.shape}\n{in_lines(dJ_da)}")
    if not np.isfinite(dJ_da).all():
        print("An output rounded to 0 or 1; backward need not divide by it: (7.25).")
        return
    for k in range(len(W), 0, -1):
        steps = [("a", f"a{k}/dz{k}", da_dz[k], row_z[k], dz[k]),
                 ("z", f"z{k}/dW{k}", dz_dW[k], row_W[k], dW[k])]
        if k > 1:
            steps.append(("z", f"z{k}/da{k - 1}", dz_da[k], row_a[k - 1], da[k - 1]))
        for row, name, J, product, ours in steps:
            gap = np.abs(product - ours.ravel()).max()
            print(f"\nd{name} {J.shape}, {np.count_nonzero(J)} of {J.size} not 0:"
                  f"\n{in_lines(J)}\n  dJ/d{row}{k} @ d{name} = {product.shape}\n"
                  f"{in_lines(product)}\n  {name.split('/')[1]} of backward "
                  f"{ours.shape}: the largest difference is {gap:.0e}")


# --- Figures --------------------------------------------------------------------------

STYLE = {"axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False,
         "axes.titlelocation": "left", "axes.titlesize": 11, "axes.titleweight": "bold"}
BLUE, ORANGE = "#0072B2", "#B36B00"  # slopes below and above 0; dark enough to read
PALE = ["#CCE3F0", "#FFFFFF", "#F9E2B3"]  # below 0, 0, above 0
CENTRED = {"ha": "center", "va": "center", "fontsize": 9}


def draw_box(ax, x, y, text, slope=None, frame="grey"):
    """Write lines of text at x, y in a box, and below them a slope in its colour."""
    box = {"facecolor": "white", "edgecolor": frame, "boxstyle": "round,pad=0.25"}
    below = "" if slope is None else f"{slope + 0.0:.4g}"
    blank = re.sub(r"\S", "\u2007", "\n" * bool(below) + below)  # as wide
    ax.text(x, y, text + blank, bbox=box, **CENTRED)
    ax.text(x, y, "\n" * (text.count("\n") + 1) + below, **CENTRED,
            color=ORANGE if (slope or 0) > 0 else BLUE)


def plot_graph(W, b, z, a, y, J, da, dz, dW, db):
    """Draw each number of one step, and below it its slope dJ/d(number)."""
    sizes, L = [v.shape[1] for v in a.values()], len(W)
    height, top = 1.2 * max(sizes) + 0.5, max(abs(v).max() for v in dW.values()) or 1
    fig, ax = plt.subplots(figsize=(2.1 + 3.6 * L, height), layout="constrained")
    for k, j, v in [(k, j, v) for k, row in a.items() for j, v in enumerate(row[0])]:
        x, at = 3.6 * k, 1.2 * ((sizes[k] - 1) / 2 - j)
        text = f"a{k}[{j}]\n{v:.4g}" + (f"\ntarget {y[0, j]:.4g}" if k == L else "")
        ax.plot([x - 1.1 * (k > 0), x], [at, at], color="grey", zorder=1)
        ax.plot([x, x + 1.2 * (k == L)], [at, at * (k < L)], color="grey", zorder=0)
        draw_box(ax, x, at, text, da[k][0, j] if k in da else None)
        if k == 0:
            continue
        draw_box(ax, x - 1.1, at, f"z{k}[{j}]\n{z[k][0, j]:.4g}", dz[k][0, j])
        ax.text(x - 1.1, at - 0.48, f"bias {b[k][0, j]:.4g}", ha="center", fontsize=9)
        for i, slope in enumerate(dW[k][:, j]):
            start, t = 1.2 * ((sizes[k - 1] - 1) / 2 - i), (0.33, 0.67)[i % 2]
            ax.plot([x - 3.6, x - 1.1], [start, at], zorder=0, alpha=0.6,
                    lw=0.8 + 6 * abs(slope) / top, color=ORANGE if slope > 0 else BLUE)
            if W[k].size <= 9:  # t of the way, so that labels keep apart
                draw_box(ax, x - 3.6 + 2.5 * t, start + t * (at - start),
                         f"{W[k][i, j]:.4g}", slope, "none")
    draw_box(ax, 3.6 * L + 1.2, 0, f"J\n{J:.4g}", 1.0)
    ax.set(title="Values, black, go right; slopes of J, in colour, come back left.\n"
                 "Slope of a weight (thickness): value at its start × slope at its end",
           xlim=(-0.4, 3.6 * L + 1.6), ylim=(0.15 - height / 2, height / 2 - 0.3))
    ax.axis("off")
    return fig


def plot_gate(W, a, da, dz, dW):
    """Draw the way back to W1[0,0]: incoming times local slope = outgoing."""
    n, arrow = W[2].shape[1], {"arrowstyle": "->"}
    fig, ax = plt.subplots(figsize=(9, 0.7 + 0.7 * n), layout="constrained")
    local = dz[1][0, 0] / da[1][0, 0] if da[1][0, 0] else 0.0
    draw_box(ax, 0.2, 0, "dW1[0,0]", dW[1][0, 0])
    draw_box(ax, 2.6, 0, "dz1[0]", dz[1][0, 0])
    draw_box(ax, 5.0, 0, "da1[0]\n= the sum", da[1][0, 0])
    for x, text in ((1.4, f"× {a[0][0, 0]:.4g}\n(a0[0])"),
                    (3.8, f"× {local:.4g}\n(slope of the\nactivation)")):
        ax.annotate("", (x - 0.7, 0), (x + 0.7, 0), arrowprops=arrow)
        ax.text(x, 0.1, text, ha="center", va="bottom", fontsize=9)
    for j, w in enumerate(W[2][0]):
        at = 1.0 * ((n - 1) / 2 - j)
        ax.annotate("", (5.5, 0.08 * np.sign(at)), (8.1, at), arrowprops=arrow)
        draw_box(ax, 8.5, at, f"dz2[{j}]", dz[2][0, j])
        draw_box(ax, 6.9, 0.6 * at, f"× {w:.4g}\n(W2[0,{j}])", w * dz[2][0, j], "none")
    ax.set(xlim=(-0.4, 9), ylim=(0.1 - 0.5 * n, 0.5 * n),
           title="Products that meet at a1[0] are added; then each step is one product")
    ax.axis("off")
    return fig


def plot_slips(curves):
    """Draw each loss against the steps: ends above the right one orange, below blue."""
    fig, ax = plt.subplots(figsize=(8, 4.2), layout="constrained")
    ends = {name: losses[-1] for name, losses in curves.items()}
    names, at = sorted(ends, key=ends.get, reverse=True), 1.0
    lower = [name for name in names if ends[name] < ends["right"]]
    for i, name in enumerate(names):  # thin lines on thick ones, the right rule on top
        right = name == "right"
        colors = (BLUE, "#56B4E9") if name in lower else ("#E69F00", ORANGE)
        ax.plot(curves[name], color="k" if right else colors[i % 2], zorder=2 + right,
                lw=1 if right else 3.2 - 0.25 * i, ls=("-", "--")[i % 2 and not right])
    ax.set(xscale="symlog", yscale="log", xmargin=0, xlabel="steps", ylabel="loss J")
    bottom, top = np.log10(ax.get_ylim())
    for line, name in zip(ax.lines, names):  # labels keep 0.06 of the height apart
        height = (np.log10(max(ends[name], 10**bottom)) - bottom) / (top - bottom)
        at = min(at - 0.06, height)
        ax.annotate(f"{name}: {ends[name]:.3g}", (1, height), (1.06, at), va="center",
                    xycoords="axes fraction", fontsize=9, annotation_clip=False,
                    arrowprops={"arrowstyle": "-", "color": line.get_color(),
                                "relpos": (0, 0.5), "shrinkA": 0, "shrinkB": 0})
    ax.set_title(f"With {len(lower)} of {len(ends) - 1} slips (blue) the loss ends "
                 "lower than with the right slopes (black)")
    return fig


def plot_check(table):
    """Draw the errors of the measured slopes against h, which falls to the right."""
    fig, ax = plt.subplots(figsize=(8, 3.4), layout="constrained")
    for name, color in zip([name for name in table if name != "h"], ("k", "#D55E00")):
        ax.loglog(table["h"], table[name], "o-", color=color, label=f"d{name}[0,0]")
    ax.axvline(1e-5, color="grey", linestyle="--", zorder=0, label="h of the script")
    ax.axhline(WRONG, color="grey", linestyle=":", zorder=0, label="above it: WRONG")
    ax.legend(loc="lower right")
    ax.set(xlim=(0.2, 5e-13), xlabel="h, smaller to the right", ylabel="error",
           title="Left: the error falls with h². Right, small h: lost in rounding")
    return fig


def plot_jacobians(da_dz, dz_da, dz_dW, row_a, row_z):
    """Draw the Jacobians from J to W1 as blocks: row times block = the next row."""
    step = 1.9 + max(row_z[1].size, row_z[2].size)
    fig, ax = plt.subplots(figsize=(9, 1.4 * step), layout="constrained")
    names, rows = "a2 z2 a1 z1 W1".split(), [row_a[2], row_z[2], row_a[1], row_z[1]]
    full = da_dz[2], dz_da[2], da_dz[1], dz_dW[1]
    for i, (u, v, J, row) in enumerate(zip(names, names[1:], full, rows)):
        x, top = 0.0, -i * step
        for name, block, sign in ((f"dJ/d{u}", row, "@"), (f"d{u}/d{v}", J, "="),
                                  (f"dJ/d{v}", row @ J, "")):
            for (m, n), value in np.ndenumerate(block):
                ax.add_patch(plt.Rectangle((x + 2 * n, top - m - 1), 2, 1, ec="grey",
                                           fc=PALE[1 + int(np.sign(value))]))
                ax.text(x + 2 * n + 1, top - m - 0.5, f"{value + 0.0:.4g}", **CENTRED)
            ax.text(x, top + 0.2, f"{name}  {len(block)} × {len(block.T)}", fontsize=9)
            x += 2 * len(block.T) + 1.4
            ax.text(x - 0.7, top - 0.5, sign, **CENTRED)
        if i < 3:  # the result begins the next product: a line leads there
            x, turn = x - 1.4 - len(J.T), top + 1.15 - step
            ax.plot([x, x, 1, 1], [top - 1.1, turn, turn, turn - 0.4], "v-",
                    color="grey", linewidth=1, markersize=5, markevery=[3])
    ax.set_title("A row of slopes times a Jacobian is the next row of slopes", pad=20)
    ax.margins(0.01)
    ax.axis("off")
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


def load_params(path):
    """Read {"W1": [[...], ...], "b1": [...], ...} from JSON, or raise InputError."""
    try:
        with path.open(encoding="utf-8") as file:
            entries = json.loads(file.read(10**5))  # the largest network takes 10**4
        layers = range(1, len(entries.keys()) // 2 + 1)
        W = {k: np.array(entries.pop(f"W{k}"), dtype=float) for k in layers}
        b = {k: np.array(entries.pop(f"b{k}"), dtype=float).reshape(1, -1)
             for k in layers}
        sizes = [len(W[1]), *(b[k].size for k in layers)]
        if entries or len(sizes) > 6 or not 1 <= min(sizes) <= max(sizes) <= 8:
            raise ValueError(f"2 to 6 sizes from 1 to 8, not {[*entries] or sizes}")
        for k in layers:
            if W[k].shape != (sizes[k - 1], sizes[k]):
                raise ValueError(f"W{k} has the shape {W[k].shape}, and does not fit")
            if not max(np.abs(W[k]).max(), np.abs(b[k]).max()) <= LARGEST:
                raise ValueError(f"a number is not finite, or beyond {LARGEST}")
    except (AttributeError, KeyError, OverflowError, RecursionError, TypeError,
            ValueError) as error:
        raise InputError(f"{path} must hold W1 (inputs, outputs), b1 (outputs), ... "
                         f"as lists of numbers: {str(error)[:150]}") from None
    return W, b


def init_params(sizes, rng):
    """Return W and b by layer, from -1 to 1; two decimals are easy to copy."""
    W, b = {}, {}
    for k in range(1, len(sizes)):
        W[k] = rng.uniform(-1, 1, size=(sizes[k - 1], sizes[k])).round(2)
        b[k] = rng.uniform(-1, 1, size=(1, sizes[k])).round(2)
    return W, b


def load_data(args, rng):
    """Return W, b, X (1, D), y (1, K): the worked example, or what the flags say."""
    W, b, X, y = W_START, B_START, X_START[0], Y_START[0]
    if args.weights or args.layers:
        W, b = (load_params(args.weights) if args.weights
                else init_params(args.layers, rng))
        X = rng.uniform(-1, 1, size=len(W[1])).round(2)
        y = rng.uniform(0.05, 0.95, size=b[len(b)].size).round(2)
    if args.output == "softmax":
        y = np.eye(len(y))[len(y) - 1]  # one-hot: the last class is the right one
    for flag, given, usual in (("input", args.input, X), ("target", args.target, y)):
        if given and len(given) != len(usual):
            raise InputError(f"--{flag} holds {len(given)} number(s), not {len(usual)}")
    X, y = np.array([args.input or X]), np.array([args.target or y])
    if args.output != "linear" and not 0 <= y.min() <= y.max() <= 1:
        raise InputError(f"--target of a {args.output} must lie from 0 to 1")
    if args.output == "softmax" and (y.size == 1 or abs(y.sum() - 1) > 1e-9):
        raise InputError("--target of a softmax: two or more numbers with the sum 1")
    shapes = [W[k].shape for k in W if k > 1]
    if args.mistake == "forgotten-transpose" and any(m != n for m, n in shapes):
        raise InputError("forgotten-transpose needs square W2, ...; try --layers 2 3 3")
    return W, b, X, y


def parse_args(argv=None):
    """Return the settings on the command line; phi names the function of each layer."""
    parser = Parser()
    flag, network = parser.add_argument, parser.add_mutually_exclusive_group()
    network.add_argument("--layers", type=number(int, 1, 8), nargs="+", metavar="N",
                         help="sizes, inputs first, of a network drawn by --seed")
    network.add_argument("--weights", type=Path, metavar="FILE",
                         help='JSON with {"W1": [[...], ...], "b1": [...], "W2": ...}')
    flag("--input", type=number(float, -LARGEST, LARGEST), nargs="+", help="the inputs")
    flag("--target", type=number(float, -LARGEST, LARGEST), nargs="+", help="targets")
    flag("--activation", choices=["sigmoid", "tanh", "relu"], default="sigmoid",
         help="of the hidden layers (default: %(default)s)")
    flag("--output", choices=["sigmoid", "softmax", "linear"], default="sigmoid",
         help="of the last layer; softmax has the cross-entropy (default: %(default)s)")
    flag("--epochs", type=number(int, 1, 10**6), default=10_000,
         help="steps of training (default: %(default)s)")
    flag("--lr", type=number(float, 1e-6, 1e9), default=0.5,
         help="learning rate (default: %(default)s)")
    flag("--fix-biases", action="store_true", help="move the weights only")
    flag("--step", action="store_true", help="wait at each number for Enter, b or q")
    flag("--jacobians", action="store_true", help="multiply the full Jacobians, too")
    flag("--mistake", choices=[*SLIPS], default="", help="make this slip")
    args = parser.parse_args(argv)
    if args.layers and not 2 <= len(args.layers) <= 6:
        parser.error("--layers needs 2 to 6 sizes, from the inputs to the outputs")
    args.loss = "ce" if args.output == "softmax" else "mse"  # the one that fits
    if args.fix_biases and args.mistake == "missing-bias-gradient":
        parser.error("--fix-biases leaves no bias gradient to miss")
    return args


def report_step(errors, J0, way, args):
    """Print the verdict, with the numbers."""
    sure = [error for error in errors.values() if not np.isnan(error)]
    wrong, kinks = sum(error > WRONG for error in sure), len(errors) - len(sure)
    print(f"\nOne step takes J from {J0:.9f} to {way['J1']:.9f}, {args.epochs:,} steps "
          f"to {way['J_end']:.6e}.\nCentral differences "
          f"{f'contradict {wrong}' if wrong else 'confirm all'} of {len(sure)} slopes; "
          f"the largest error is {max(sure, default=0.0):.0e}.")
    if kinks:
        print(f"{kinks} more are at the kink of a ReLU, z = 0: it has no slope there.")
    if not way["J_end"] < J0:
        print("The loss has not fallen: try a smaller --lr, or inputs nearer to 0.")


def simulate(args):
    """Work out one step, check it, train, draw and save."""
    W, b, X, y = load_data(args, np.random.default_rng(args.seed))
    L, sizes, kind = len(W), [X.shape[1], *(b[k].size for k in b)], args.loss
    phi = args.phi = {k: args.activation if k < L else args.output for k in W}
    print(f"Backpropagation {'-'.join(map(str, sizes))}, hidden {args.activation}, "
          f"output {args.output}, loss {kind}, lr {args.lr:g}, seed {args.seed}")
    if args.mistake:
        print(f"The slip: {SLIPS[args.mistake]}")
    z, a = forward(W, b, X, phi)
    J0 = loss(z, a, y, kind)
    slopes, kinks = measure_slopes(W, b, X, y, phi, kind)
    if args.step:  # nothing is learnt yet that Ctrl-C should keep
        signal.signal(signal.SIGINT, signal.default_int_handler)
    errors = show(work_out(W, b, X, y, args), slopes, kinks, args.step)
    signal.signal(signal.SIGINT, press_ctrl_c)
    if errors is None:
        return
    if args.jacobians:
        show_jacobians(W, b, X, y, args)
    table = check_steps(W, b, X, y, args)
    results, curves = compare_slips(W, b, X, y, args, slopes, kinks)
    way = {"J0": J0, **results.get(args.mistake, results["right"])}
    report_step(errors, J0, way, args)
    back = backward_with_slip(args.mistake, W, z, a, y, phi, kind, args.lr)
    figures = {"graph": plot_graph(W, b, z, a, y, J0, *back),
               "slips": plot_slips(curves), "check": plot_check(table)}
    if L == 2:
        figures["gate"] = plot_gate(W, a, *back[:3])
        full = jacobians(W, z, a, y, phi, kind)
        if max(sizes[0] * sizes[1], sizes[2]) <= 4 and np.isfinite(full[0]).all():
            figures["jacobians"] = plot_jacobians(*full[1:], *multiply(*full)[:2])
    save_results(args, figures, {**way, "ways": results, "check": table})


def main(argv=None):
    """Run the lesson from the command line; return the exit status."""
    return run_safely(simulate, parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
