# /// script
# requires-python = ">=3.10"
# dependencies = ["numpy>=2.0", "matplotlib>=3.9"]
# ///
"""Where does every number in one step of backpropagation come from?

    a0 = X (N, D) -> W1 (D, H) -> sigmoid -> a1 (N, H) -> W2 (H, K) -> sigmoid -> a2

N examples (one on the screen), D inputs, H hidden units, K outputs; any number of
layers. z1, z2 are the sums that the activation functions are applied to, y (N, K) the
targets, L the loss; dz1 is short for dL/dz1. (7.1) is an equation in README.md.

    python backprop_simulator.py                       the well-known 2-2-2 example
    python backprop_simulator.py --step                wait for Enter at each number
    python backprop_simulator.py --mistake forgotten-transpose
    python backprop_simulator.py --layers 2 3 1 --seed 4 --worksheet sheets
"""

import argparse
import inspect
import itertools
import json
import math
import re
import sys
import tempfile
import textwrap
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

CLASS_COLOURS = ["#0072B2", "#E69F00", "#009E73", "#CC79A7",
                 "#56B4E9", "#D55E00", "#F0E442", "#000000"]  # Okabe & Ito
STYLE = {"axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False,
         "axes.titlelocation": "left", "axes.titlesize": 11, "axes.titleweight": "bold"}


class InputError(ValueError):
    """Bad input that the user can mend; the message is one sentence that says how."""


# --- Data -----------------------------------------------------------------------------

EXAMPLE = {  # Mazur (2015): his w1, w2, w3, w4 are W1[0,0], W1[1,0], W1[0,1], W1[1,1]
    "W1": [[0.15, 0.25], [0.20, 0.30]], "b1": [0.35, 0.35],
    "W2": [[0.40, 0.50], [0.45, 0.55]], "b2": [0.60, 0.60]}


def load_params(path):
    """Read {"W1": [[...], ...], "b1": [...], ...} from JSON, or raise InputError."""
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        params = {k: np.array(v, dtype=float) for k, v in entries.items()}
        sizes = layer_sizes(params)
        if not (2 <= len(sizes) <= 6 and 1 <= min(sizes) and max(sizes) <= 8):
            raise ValueError(f"{sizes} are not 2 to 6 sizes from 1 to 8")
        shapes, wanted = ({k: v.shape for k, v in arrays.items()}
                          for arrays in (params, init_params(sizes, np.random)))
        if shapes != wanted:
            raise ValueError(f"{shapes} do not fit")
        if not all(np.abs(v).max() < 1e6 for v in params.values()):
            raise ValueError("a number is too large, or not finite")
    except (AttributeError, KeyError, OverflowError, RecursionError, TypeError,
            ValueError) as error:
        raise InputError(f"{path} must hold W1 (inputs, outputs), b1 (outputs,), W2, "
                         f"... as lists of numbers: {error}") from None
    return params


def load_data(args, rng):
    """Return params, X (1, D), y (1, K): the worked example, or what the flags say."""
    params, X, y = EXAMPLE, [0.05, 0.10], [0.01, 0.99]
    if args.weights or args.layers:
        params = (load_params(args.weights) if args.weights
                  else init_params(args.layers, rng))
        sizes = layer_sizes(params)
        X = rng.uniform(-1, 1, size=sizes[0]).round(2).tolist()
        y = rng.uniform(0.05, 0.95, size=sizes[-1]).round(2).tolist()
    for flag, given, usual in (("input", args.input, X), ("target", args.target, y)):
        if given and len(given) != len(usual):
            raise InputError(f"--{flag} holds {len(given)} number(s), but this network "
                             f"needs {len(usual)}")
    params = {name: np.array(values) for name, values in params.items()}
    if args.mistake == "forgotten-transpose" and len({*layer_sizes(params)[1:]}) > 1:
        raise InputError("forgotten-transpose needs square weights after W1, or the "
                         "shapes do not fit; try --layers 2 3 3")
    return params, np.array([args.input or X]), np.array([args.target or y])


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


def init_params(sizes, rng):
    """Return W1 (D, H), b1 (H,), ... with two decimals, easy to copy on to paper."""
    params = {}
    for k, (n_in, n_out) in enumerate(zip(sizes, sizes[1:]), start=1):
        params[f"W{k}"] = rng.uniform(-1, 1, size=(n_in, n_out)).round(2)
        params[f"b{k}"] = rng.uniform(-1, 1, size=n_out).round(2)
    return params


def layer_sizes(params):
    """Return [D, H, ..., K], the number of inputs and the width of each layer."""
    widths = [len(params[f"b{k}"]) for k in range(1, len(params) // 2 + 1)]
    return [len(params["W1"]), *widths]


def forward(params, X, activation, nudge=None):
    """Return the cache a0 = X (N, D), z1, a1 (N, H), ...; the last a is the output.

    ``nudge`` {name: array} is added to a z or an a on the way, to see what changes.
    """
    cache, depth, nudge = {"a0": X}, len(params) // 2, nudge or {}
    for k in range(1, depth + 1):
        z = cache[f"a{k - 1}"] @ params[f"W{k}"] + params[f"b{k}"]  # (N, n_k)  (7.1)
        cache[f"z{k}"] = z = z + nudge.get(f"z{k}", 0.0)
        sigma = ACTIVATIONS[activation][0] if k < depth else sigmoid
        cache[f"a{k}"] = sigma(z) + nudge.get(f"a{k}", 0.0)  # (N, n_k)  (7.1)
    return cache


# --- Loss and gradients ---------------------------------------------------------------


def loss(cache, y, kind):
    """Return half the squared error ("mse") or the cross-entropy ("bce"), y (N, K).

    Both are sums over the outputs and means over the examples.
    """
    depth = len(cache) // 2
    a, z = cache[f"a{depth}"], cache[f"z{depth}"]
    if kind == "mse":
        return np.sum((a - y) ** 2) / (2 * len(y))  # (7.2)
    return np.sum(np.logaddexp(0.0, z) - y * z) / len(y)  # (7.2)


def backward(params, cache, y, activation, kind, flow=None):
    """Return the gradient of the loss, with the keys and shapes of ``params``.

    ``flow``, a dict, also receives dL/da and dL/dz of each layer, as "a2", "z2", ...
    """
    grads, depth, flow = {}, len(params) // 2, {} if flow is None else flow
    slope, a = ACTIVATIONS[activation][1], cache[f"a{depth}"]
    dz = (a - y) / len(y)  # (N, K)  (7.3)
    if kind == "mse":
        flow[f"a{depth}"] = dz  # so far it is dL/da
        dz = dz * a * (1 - a)  # (N, K)  (7.3)
    for k in range(depth, 0, -1):
        flow[f"z{k}"] = dz
        grads[f"W{k}"] = cache[f"a{k - 1}"].T @ dz  # (n_{k-1}, n_k)  (7.4)
        grads[f"b{k}"] = dz.sum(axis=0)  # (n_k,)  (7.4)
        if k > 1:
            da = flow[f"a{k - 1}"] = dz @ params[f"W{k}"].T  # (N, n_{k-1})  (7.5)
            dz = da * slope(cache[f"z{k - 1}"], cache[f"a{k - 1}"])  # (7.5)
    return grads


def central_difference(name, params, X, y, args, h=1e-5):
    """Return dL/d(name) by moving each number of W1, b1, z1, a1, ... both ways."""
    def loss_at(nudge):
        moved = {k: v + nudge if k == name else v for k, v in params.items()}
        return loss(forward(moved, X, args.activation, {name: nudge}), y, args.loss)

    slopes = np.zeros({**params, **forward(params, X, args.activation)}[name].shape)
    for i in np.ndindex(slopes.shape):
        nudge = np.zeros(slopes.shape)
        nudge[i] = h
        slopes[i] = (loss_at(nudge) - loss_at(-nudge)) / (2 * h)  # (7.7)
    return slopes


def gradient_error(ours, central):
    """Return |ours - central| / (|ours| + |central|), or / 1e-6 for tiny ones."""
    return np.abs(ours - central) / np.maximum(np.abs(ours) + np.abs(central), 1e-6)


def every_derivative(params, X, y, args, backward):
    """Return {"a2": dL/da2, "z2": ..., "W2": ...} by this ``backward``."""
    flow, cache = {}, forward(params, X, args.activation)
    grads = backward(params, cache, y, args.activation, args.loss, flow)
    return {**flow, **grads}


def jacobians(params, cache, y, activation, kind):
    """Return the full Jacobian of each step, from the loss back to W1, for N = 1.

    {"dL/da2": (1, K), "da2/dz2": (K, K), "dz2/dW2": (K, H K), "dz2/da1": (K, H), ...};
    the columns of dz/dW follow W row by row, as W.ravel() does.
    """
    depth = len(params) // 2
    a = cache[f"a{depth}"]
    full = {f"dL/da{depth}": a - y if kind == "mse" else (a - y) / (a * (1 - a))}
    for k in range(depth, 0, -1):
        z, a = cache[f"z{k}"][0], cache[f"a{k}"][0]
        slope = ACTIVATIONS[activation if k < depth else "sigmoid"][1](z, a)
        full[f"da{k}/dz{k}"] = np.diag(slope)  # (n_k, n_k)  (7.8)
        full[f"dz{k}/dW{k}"] = np.kron(cache[f"a{k - 1}"], np.eye(len(z)))  # (7.8)
        if k > 1:
            full[f"dz{k}/da{k - 1}"] = params[f"W{k}"].T  # (n_k, n_{k-1})
    return full


# --- Training -------------------------------------------------------------------------


def stop_if_diverged(value, epoch):
    """Raise FloatingPointError, with advice, when a loss has exploded."""
    if not abs(value) < 1e9:  # nan, too
        raise FloatingPointError(f"training diverged in epoch {epoch}: the loss is "
                                 f"{value:.3g}; try a smaller --lr")


def train(params, X, y, args, moving, backward=backward):
    """Take steps that move the arrays whose names begin with a letter of ``moving``.

    Returns params and the history: ``loss`` before each step and after the last;
    ``stopped``, true after Ctrl-C.
    """
    history = {"loss": [], "stopped": False}
    try:
        for epoch in range(1, args.epochs + 1):
            cache = forward(params, X, args.activation)
            history["loss"].append(loss(cache, y, args.loss))
            stop_if_diverged(history["loss"][-1], epoch)
            grads = backward(params, cache, y, args.activation, args.loss)
            params = {k: v - args.lr * grads[k] if k[0] in moving else v
                      for k, v in params.items()}  # (7.6)
    except KeyboardInterrupt:
        print("Stopped by Ctrl-C; what was learnt so far is kept.")
        history["stopped"] = True
    history["loss"].append(loss(forward(params, X, args.activation), y, args.loss))
    return params, history


# --- Mistakes -------------------------------------------------------------------------

WRONG = 1e-4  # a derivative with a larger error is wrong, not rounded
MISTAKES = {  # name: (in the source of backward, the slip, {a key of RULES: its slip})
    "sequential-update": (
        'params[f"W{k}"].T', '(params[f"W{k}"] - lr * grads[f"W{k}"]).T',
        {"da": "dz{up} @ (W{up} - lr*dW{up})[{j},:]"}),
    "forgotten-transpose": (
        'params[f"W{k}"].T', 'params[f"W{k}"]', {"da": "dz{up} @ W{up}[:,{j}]"}),
    "missing-activation-derivative": (
        ' * slope(cache[f"z{k - 1}"], cache[f"a{k - 1}"])', "", {"dz": "da{u}"}),
    "wrong-sign": ("(a - y)", "(y - a)", {"error": "y[{j}] - a{u}"}),
    "forgotten-half": ("(a - y)", "2 * (a - y)", {"error": "2*(a{u} - y[{j}])"}),
    "missing-bias-gradient": ("dz.sum", "0 * dz.sum", {"db": "0*dz{u}"}),
}


def slip(mistake, lr):
    """Return ``backward`` with one slip in its source, and that line before and after.

    A sequential update moves W2 before the error passes through it on its way to W1.
    """
    right, wrong, _ = MISTAKES[mistake]
    source, namespace = inspect.getsource(backward), {**globals(), "lr": lr}
    exec(source.replace(right, wrong), namespace)  # defines backward anew, in there
    line = next(line.strip() for line in source.splitlines() if right in line)
    return namespace["backward"], line, line.replace(right, wrong)


def compare_variants(params, X, y, args):
    """Train as it should be and with each slip; print and return what comes of it."""
    print(f"\n{'variant':30}{'error':>7}{'L after 1 step':>17}"
          f"{f'after {args.epochs:,}':>15}   outputs then")
    results, curves, slips = {}, {}, [args.mistake] if args.mistake else MISTAKES
    for name in ("right", "biases-too", *slips):
        gradient = slip(name, args.lr)[0] if name in MISTAKES else backward
        moving = "Wb" if args.train_biases or name == "biases-too" else "W"
        try:
            ours = every_derivative(params, X, y, args, gradient)
            end, history = train(params, X, y, args, moving, gradient)
        except (ValueError, FloatingPointError) as failure:
            if name in ("right", args.mistake):
                raise
            unfit = isinstance(failure, ValueError)
            print(f"{name:30} fails: {'the shapes do not fit' if unfit else failure}")
            continue
        worst = max(gradient_error(v, central_difference(k, params, X, y, args)).max()
                    for k, v in ours.items())
        outputs = forward(end, X, args.activation)[f"a{len(params) // 2}"][0]
        L = curves[name] = history["loss"]
        results[name] = {"max_gradient_error": worst, "E1": L[:2][-1], "E_final": L[-1],
                         "outputs": outputs}
        print(f"{name:30}{worst:7.0e} {L[:2][-1]:16.12f} {L[-1]:14.6e}  ",
              *(f"{a:.9f}" for a in outputs), flush=True)
        if history["stopped"]:
            break
    return results, curves


# --- Every number in four columns -----------------------------------------------------

RULES = {  # of unit {u}, such as 2[0], which is unit {j} of layer {k}
    "z": "a{down} @ W{k}[:,{j}] + b{u}", "da": "dz{up} @ W{up}[{j},:]", "db": "dz{u}",
    "sigmoid": "da{u}*a{u}*(1 - a{u})", "tanh": "da{u}*(1 - a{u}**2)",
    "relu": "da{u}*(z{u} > 0)", "error": "a{u} - y[{j}]",
    "mse": "(a{u} - y[{j}])**2 / 2",
    "bce": "-y[{j}]*log(a{u}) - (1 - y[{j}])*log(1 - a{u})"}


def plan_step(sizes, args):
    """Return [(part, symbol, rule)]: every number of one step, as lines of Python."""
    rules = {**RULES, "dz": RULES[args.activation],
             **(MISTAKES[args.mistake][2] if args.mistake else {})}
    depth, there, back = len(sizes) - 1, [], []

    def lines(symbol, rule, k):  # one for each unit; a rule, or its key in rules
        units = [{"u": f"{k}[{j}]", "j": j, "k": k, "down": k - 1, "up": k + 1}
                 for j in range(sizes[k])]
        return [(symbol.format(**unit), rules.get(rule, rule).format(**unit))
                for unit in units]

    for k in range(1, depth + 1):
        sigma = args.activation if k < depth else "sigmoid"
        there += lines("z{u}", "z", k) + lines("a{u}", sigma + "(z{u})", k)
    there += lines("E[{j}]", args.loss, depth)
    there += [("L", " + ".join(f"E[{j}]" for j in range(sizes[-1])))]
    for k in range(depth, 0, -1):
        if k < depth:
            back += lines("da{u}", "da", k) + lines("dz{u}", "dz", k)
        elif args.loss == "mse":
            back += lines("da{u}", "error", k) + lines("dz{u}", "sigmoid", k)
        else:
            back += lines("dz{u}", "error", k)
        for i in range(sizes[k - 1]):
            back += lines(f"dW{k}[{i},{{j}}]", f"a{k - 1}[{i}]*dz{{u}}", k)
        if args.train_biases:
            back += lines("db{u}", "db", k)
    update = [(d[1:], f"{d[1:]} - lr*{d}") for d, _ in back if d[1] in "Wb"]
    parts = {"Forward": there, "Backward": back, "Update": update,
             "Forward, with the new weights": there}
    return [(part, *line) for part, plan in parts.items() for line in plan]


def put_in(rule, known):
    """Return the rule with numbers for symbols; an @ becomes a sum of products."""
    def put(value):
        return f"{value + 0.0:.6g}" if value >= 0 else f"({value:.6g})"  # no -0

    if "@" in rule:  # a @ W, or a @ W + b
        product, *bias = rule.split(" + ")
        left, right = (eval(side, known) for side in product.split(" @ "))
        rule = " + ".join([f"{put(p)}*{put(q)}" for p, q in zip(left, right)] + bias)
    rule = re.sub(r"\bd?[WEabyz]\d*\[[\d,]+\]|\blr\b",
                  lambda match: put(eval(match[0], known)), rule)
    return re.sub(r"\(\(([^()]+)\)\)", r"(\1)", rule)  # not sigmoid((-1))


def work_out(params, X, y, args):
    """Execute the plan line by line, from params, X, y and the learning rate alone.

    Returns rows (part, symbol, rule, numbers, value, central difference or None).
    """
    layers = {k: v[0] for k, v in forward(params, X, args.activation).items()}
    known, central, rows = {k: sigma for k, (sigma, _) in ACTIVATIONS.items()}, {}, []
    known.update(log=np.log, lr=args.lr, y=y[0], E=np.zeros_like(y[0]))
    for k, v in {**params, **layers}.items():
        known[k], known[f"d{k}"] = np.full((2, *v.shape), np.nan)  # not yet known
        central[f"d{k}"] = central_difference(k, params, X, y, args).reshape(v.shape)
    known.update({k: v.copy() for k, v in params.items()}, a0=X[0])
    for part, symbol, rule in plan_step(layer_sizes(params), args):
        numbers = put_in(rule, known)
        exec(f"{symbol} = {rule}", known)  # the line just as it is printed
        check = eval(symbol, central) if symbol[0] == "d" else None
        rows.append((part, symbol, rule, numbers, float(eval(symbol, known)), check))
    return rows


def show(rows, step):
    """Print the rows; wait after each if ``step``. Return False if the reader quits."""
    print(f"\n{'':9}{'chain rule, dz2 is dL/dz2':26}{'numbers put in':44}{'value':>15}"
          f"{'central':>13}{'error':>6}")
    i = 0
    while i < len(rows):
        part, symbol, rule, numbers, value, check = rows[i]
        if rows[i - 1][0] != part:
            print(f"{part}:")
        columns = textwrap.wrap(rule, 25), textwrap.wrap(numbers, 43)
        first, *more = (f"{left:26}{right:44}" for left, right
                        in itertools.zip_longest(*columns, fillvalue=""))
        line = f"{symbol:9}{first}{value + 0.0:15.9g}"
        if check is not None:
            error = gradient_error(value, check)
            line += f"{check:13.6g}{error:6.0e}{' WRONG' if error > WRONG else ''}"
        print("\n".join([line, *(f"{'':9}{rest}".rstrip() for rest in more)]))
        try:
            answer = input("    Enter, b or q: ").strip() if step else ""
        except EOFError:  # nobody is there to press Enter
            step, answer = False, ""
        if answer == "q":
            return False
        i = max(0, i - 1) if answer == "b" else i + 1
    return True


def show_jacobians(params, X, y, args):
    """Multiply the full Jacobians, and print each product beside the compact form."""
    compact = every_derivative(params, X, y, args, backward)
    cache, row = forward(params, X, args.activation), np.ones((1, 1))
    print("\nMatrix calculus: the row dL/d(.) so far, times the next full Jacobian")
    for name, J in jacobians(params, cache, y, args.activation, args.loss).items():
        product, wanted = row @ J, name.split("d")[-1]
        row = row if wanted[0] == "W" else product  # the way back goes on from z or a
        print(f"\n{name} {J.shape}, {np.count_nonzero(J)} of {J.size} numbers not 0:")
        print(textwrap.indent(np.array2string(J + 0.0, precision=6), " " * 4))
        if wanted in compact:
            gap = np.abs(product - compact[wanted].ravel()).max()
            print(f"  row times Jacobian: {product.shape}; compact d{wanted}: "
                  f"{compact[wanted].shape}; largest difference {gap:.0e}")


def to_latex(text):
    """Return a symbol, a rule or numbers in the mathematics that GitHub shows."""
    def symbol(match):
        d, letter, layer, index = match.groups()
        name = letter + f"^{{({layer})}}" * bool(layer) + f"_{{{index}}}" * bool(index)
        return rf"\frac{{\partial L}}{{\partial {name}}}" if d else name

    text = re.sub(r"\b(d?)([WLEabyz])(\d*)(?:\[([\d:,]+)\])?(?!\w)", symbol, text)
    text = re.sub(r"\)\[(.+?)\]", r")_{\1}", text)  # a row of (W - lr*dW)
    text = re.sub(r"e\+?(-?)0*(\d+)", r"*10^{\1\2}", text)
    for plain, tex in (("**2", "^2"), ("*", r" \cdot "), ("@", r"\cdot"),
                       ("lr", r"\eta"), ("sigmoid", r"\sigma"), ("tanh", r"\tanh"),
                       ("log", r"\ln"), ("relu", r"\mathrm{relu}"), (">", r"\gt")):
        text = text.replace(plain, tex)
    return f"${text}$"


def write_worksheet(rows, params, X, y, args):
    """Write exercise.md, with blanks, and answers.md to the folder args.worksheet."""
    given = ", ".join(to_latex(f"{name}[{','.join(map(str, i))}] = {values[i]:g}")
                      for name, values in {**params, "a0": X[0], "y": y[0]}.items()
                      for i in np.ndindex(values.shape))
    for name in ("exercise", "answers"):
        lines = [f"# One step of backpropagation: {name}\n\nLayers "
                 f"{layer_sizes(params)}, hidden units {args.activation}, outputs "
                 f"sigmoid, loss {args.loss}, $\\eta = {args.lr:g}$. Indices count "
                 "from 0; $a \\cdot W_{:,j}$ sums the products with column $j$. Six "
                 f"digits are enough.\n\nGiven: {given}.\n",
                 "| part | number | rule | numbers put in | value |",
                 "| --- " * 5 + "|"]
        for part, symbol, rule, put, value, _ in rows:
            cells = [part, to_latex(symbol), to_latex(rule)]
            cells += [to_latex(put), f"{value:.6g}"] if name == "answers" else ["", ""]
            lines.append(f"| {' | '.join(cells)} |")
        path = args.worksheet / f"{name}.md"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")


# --- Figures --------------------------------------------------------------------------

SIGNS = {-1: "#0072B2", 0: "#666666", 1: "#B36B00"}  # orange dark enough to read


def plot_graph(params, cache, flow, title):
    """Draw each number as a box or an edge: its value, and below it dL/d(value)."""
    sizes, depth = layer_sizes(params), len(params) // 2
    fig, ax = plt.subplots(figsize=(3 + 3 * depth, 1 + 1.3 * max(sizes)),
                           layout="constrained")
    largest = max(np.abs(flow[f"W{k}"]).max() for k in range(1, depth + 1)) or 1.0

    def write(x, y, value, slope, frame="grey"):
        below = "" if slope is None else f"\n{slope + 0.0:.3g}"
        blank = re.sub(r"\S", "\u2007", below)  # as wide, to leave room in the box
        box = {"facecolor": "white", "edgecolor": frame, "boxstyle": "round,pad=0.3"}
        ax.text(x, y, value + blank, ha="center", va="center", bbox=box)
        ax.text(x, y, "\n" * value.count("\n") + below, ha="center", va="center",
                color=SIGNS[np.sign(slope or 0)])

    for k, j in [(k, j) for k, size in enumerate(sizes) for j in range(size)]:
        x, y = 2.6 * k, (sizes[k] - 1) / 2 - j
        ax.plot([x - 0.8 * (k > 0), x, x + (k == depth)], [y, y, y * (k < depth)],
                color="grey", zorder=1)
        for name, at in ((f"z{k}", x - 0.8), (f"a{k}", x)):
            if name in cache:  # there is no z0
                write(at, y, f"{name}[{j}]\n{cache[name][0, j]:.4g}",
                      flow[name][0, j] if name in flow else None)
        for i in range(sizes[k - 1] if k else 0):
            start, slope = (sizes[k - 1] - 1) / 2 - i, flow[f"W{k}"][i, j]
            ax.plot([x - 2.6, x - 0.8], [start, y], color=SIGNS[np.sign(slope)],
                    linewidth=0.5 + 6 * abs(slope) / largest, alpha=0.5, zorder=0)
            if params[f"W{k}"].size <= 9:
                t = (0.32, 0.65)[i % 2]  # of the way, so that labels keep apart
                write(x - 2.6 + 1.8 * t, start + t * (y - start),
                      f"{params[f'W{k}'][i, j]:.4g}", slope, "none")
    write(2.6 * depth + 1, 0, "L", None)
    ax.set(title=title, ylim=(-max(sizes) / 2 + 0.05, max(sizes) / 2 - 0.05))
    fig.supxlabel("black: values; blue (below zero) and orange (above): dL/d(value); "
                  f"the widest edge is {largest:.3g}", fontsize=10)
    ax.axis("off")
    return fig


def plot_graphs(params, X, y, args, backward):
    """Draw the graph with all gradients, and with those of one error, the largest."""
    cache = forward(params, X, args.activation)
    a = cache[f"a{len(params) // 2}"]
    errors = np.abs(a - y)[0]
    k = errors.argmax()
    alone = np.where(np.arange(len(errors)) == k, y, a)  # the other errors are now zero
    flow, one = (every_derivative(params, X, targets, args, backward)
                 for targets in (y, alone))
    name = max((k for k in params if k[0] == "W"), key=lambda k: np.abs(flow[k]).max())
    share = np.abs(one["z1"]).sum() / max(errors[k], 1e-300)
    return {
        "graph": plot_graph(params, cache, flow, "Values flow right, gradients flow "
                            f"back; the largest weight gradient is in {name}"),
        "flow": plot_graph(params, cache, one, f"The error of output {k} alone: "
                           f"{100 * share:.3g} % of it reaches layer 1")}


def plot_loss(curves):
    """Draw the loss of each variant; the legend has the order of the final losses."""
    fig, ax = plt.subplots(figsize=(9, 4.8), layout="constrained")
    colours = dict(zip(curves, ["#000000", *CLASS_COLOURS]))
    for name in sorted(curves, key=lambda name: -curves[name][-1]):
        L, width = curves[name], 4 if name == "right" else 1.5
        ax.loglog(np.arange(1, len(L) + 1), L, "--" if "bias" in name else "-",
                  color=colours[name], linewidth=width, zorder=6 - width,
                  label=f"{name}, {L[-1]:.3e}")
    fell = [L[-1] < L[0] for name, L in curves.items() if name in MISTAKES]
    ax.set(xlabel="steps taken + 1", ylabel="loss L", title=f"With {sum(fell)} of "
           f"{len(fell)} slips the loss falls all the same")
    fig.legend(loc="outside right center")
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
    flag, network = parser.add_argument, parser.add_mutually_exclusive_group()
    network.add_argument("--layers", type=number(int, 1, 8), nargs="+", metavar="N",
                         help="sizes, inputs first, of a network drawn by --seed")
    network.add_argument("--weights", type=Path, metavar="FILE",
                         help='JSON with {"W1": [[...], ...], "b1": [...], "W2": ...}')
    flag("--input", type=number(float, -1e6, 1e6), nargs="+", help="the inputs")
    flag("--target", type=number(float, 0, 1), nargs="+", help="the desired outputs")
    flag("--activation", choices=[*ACTIVATIONS], default="sigmoid",
         help="of the hidden layers (default: %(default)s)")
    flag("--loss", choices=["mse", "bce"], default="mse",
         help="half the squared error, or cross-entropy (default: %(default)s)")
    flag("--train-biases", action="store_true",
         help="update the biases, too; the worked example keeps them fixed")
    flag("--epochs", type=number(int, 1, 10**6), default=10_000,
         help="steps (default: %(default)s)")
    flag("--lr", type=number(float, 1e-9, 1e9), default=0.5,
         help="learning rate (default: %(default)s)")
    flag("--step", action="store_true",
         help="wait at each number: Enter goes on, b back, q quits")
    flag("--jacobians", action="store_true", help="multiply the full Jacobians, too")
    flag("--mistake", choices=[*MISTAKES], metavar="SLIP",
         help="make this slip: " + ", ".join(MISTAKES))
    flag("--worksheet", type=Path, metavar="DIR", help="write the exercises there")
    args = parser.parse_args(argv)
    if args.layers and not 2 <= len(args.layers) <= 6:
        parser.error("--layers needs 2 to 6 sizes, from the inputs to the outputs")
    return args


def report_step(rows, way, args):
    """Print the verdict, with the numbers."""
    errors = [gradient_error(row[4], row[5]) for row in rows if row[5] is not None]
    wrong = sum(error > WRONG for error in errors)
    print(f"\nOne step takes L from {way['E0']:.9f} to {way['E1']:.9f}, "
          f"{args.epochs:,} steps to {way['E_final']:.6e}.\nCentral differences "
          f"{f'contradict {wrong}' if wrong else 'confirm all'} of {len(errors)} "
          f"derivatives; the largest error is {max(errors):.0e}.")


def simulate(args):
    """Work out one step, check it, train, draw and save."""
    args.train_biases |= args.mistake == "missing-bias-gradient"  # else nothing to miss
    params, X, y = load_data(args, np.random.default_rng(args.seed))
    for folder in filter(None, (args.out, args.worksheet)):
        make_folder(folder)
    print(f"Backpropagation {'-'.join(map(str, layer_sizes(params)))}, "
          f"{args.activation}, loss {args.loss}, learning rate {args.lr:g}, biases "
          f"{'trained' if args.train_biases else 'fixed'}, seed {args.seed}")
    gradient = backward
    if args.mistake:
        gradient, right, wrong = slip(args.mistake, args.lr)
        print(f"Right: {right}\nSlip:  {wrong}")
    rows = work_out(params, X, y, args)
    if not show(rows, args.step):
        return
    if args.jacobians:
        show_jacobians(params, X, y, args)
    if args.worksheet:
        write_worksheet(rows, params, X, y, args)
        print(f"\nWrote exercise.md and answers.md to {args.worksheet}")
    results, curves = compare_variants(params, X, y, args)
    way = {"E0": curves["right"][0], **results.get(args.mistake, results["right"])}
    report_step(rows, way, args)
    figures = {**plot_graphs(params, X, y, args, gradient), "loss": plot_loss(curves)}
    save_results(args, figures, {**way, "ways": results})


def main(argv=None):
    """Run the lesson from the command line; return the exit status."""
    return run_safely(simulate, parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
