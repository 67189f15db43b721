# /// script
# requires-python = ">=3.10"
# dependencies = ["numpy>=2.0", "matplotlib>=3.9"]
# ///
"""Can a network forecast a series better than a straight line through its past?

    X (N, D) -> the last M -> W1 (M, H) -> tanh -> a1 (N, H) -> W2 (H, 1) -> a2 (N, 1)
       '------------------ V (D, 1), the straight line beside it --------------^

A row of X holds D values in a row of time, y (N, 1) what came next. V is the least-
squares line; the network learns what it leaves. (10.1): an equation in README.md.

    python time_series_ann.py                        the logistic map, then sunspots
    python time_series_ann.py --csv mine.csv --column sales
"""

import argparse
import contextlib
import csv
import io
import itertools
import json
import math
import os
import re
import signal
import sys
import tempfile
import warnings
from datetime import datetime, timedelta
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # two threads would wait for each other

import matplotlib.pyplot as plt
import numpy as np

# --- Data -----------------------------------------------------------------------------


def make_data(n):
    """Return n values of the logistic map, from 0.3 on: (n,)."""
    x = np.zeros(n)
    x[0] = 0.3  # a short number for paper; nearly every start from 0 to 1 does as well
    for t in range(1, n):
        x[t] = 4 * x[t - 1] * (1 - x[t - 1])  # (10.1)
    return x


def windows(x, D):
    """Return X (N, D), each D values in a row, and y (N, 1), what came next."""
    N = len(x) - D
    X = np.zeros((N, D))
    for i in range(D):
        X[:, i] = x[i : i + N]  # (10.2): column i is the series from place i on
    return X, x[D:].reshape(-1, 1)


# --- Model ----------------------------------------------------------------------------


def fit_line(X, y):
    """Return the least-squares line through X (N, D), y (N, 1): V (D, 1), b (1, 1)."""
    A = np.hstack([X, np.ones((len(X), 1))])  # (N, D + 1), the ones are for b
    ridge = 1e-9 * len(X) * np.eye(A.shape[1])  # so that equal columns have an answer
    w = np.linalg.solve(A.T @ A + ridge, A.T @ y)  # (D + 1, 1)  (10.5)
    return w[:-1], w[-1:]


def init_params(V, b, M, H, S, rng):
    """Return S networks, stacked, that all are the line V (D, 1), b (1, 1) as yet."""
    return {"W1": rng.normal(size=(S, M, H)) / np.sqrt(M),  # so that z1 is about 1
            "b1": 0.5 * rng.normal(size=(S, 1, H)),  # bends at places of their own
            "W2": np.zeros((S, H, 1)),  # so that a2 = X @ V + b
            "b2": np.tile(b, (S, 1, 1)), "V": V}


def forward(params, X):
    """Return z1, a1 (N, H) and z2, a2 (N, 1), each with the axis of S in front."""
    M = params["W1"].shape[-2]
    z1 = X[..., -M:] @ params["W1"] + params["b1"]  # (N, H)  (10.6)
    a1 = np.tanh(z1)  # (N, H)
    z2 = a1 @ params["W2"] + params["b2"] + X @ params["V"]  # (N, 1)  (10.7)
    return {"z1": z1, "a1": a1, "z2": z2, "a2": z2}


# --- Loss and gradients ---------------------------------------------------------------


def loss(params, a2, y, decay):
    """Return mean squared error plus weight decay, one number for each network."""
    error = np.sum((a2 - y) ** 2, axis=(-2, -1)) / len(y)
    size = np.sum(params["W1"] ** 2, axis=(-2, -1))
    size = size + np.sum(params["W2"] ** 2, axis=(-2, -1))
    return error + decay * size  # (10.8)


def backward(params, X, cache, y, decay):
    """Return the slope of the loss for each array that learns; V is not among them.

    ``cache`` is what ``forward(params, X)`` returned; y (N, 1) holds the targets.
    """
    a1, a2, M = cache["a1"], cache["a2"], params["W1"].shape[-2]
    # .mT: the transpose (of each matrix of a stack); axis -2: the rows, n = 0 ... N - 1
    dz2 = 2 * (a2 - y) / len(y)  # (N, 1)  (10.9)
    dW2 = a1.mT @ dz2 + 2 * decay * params["W2"]  # (H, 1)  (10.10)
    db2 = dz2.sum(axis=-2, keepdims=True)  # (1, 1)
    da1 = dz2 @ params["W2"].mT  # (N, H)  (10.11)
    dz1 = da1 * (1 - a1**2)  # (N, H)  (10.11)
    dW1 = X[:, -M:].mT @ dz1 + 2 * decay * params["W1"]  # (M, H)  (10.12)
    db1 = dz1.sum(axis=-2, keepdims=True)  # (1, H)
    return {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}


# --- Training -------------------------------------------------------------------------


def train(params, X, y, epochs, lr, decay, validation=None, show=False):
    """Return params after steps of Adam on X (N, D), y (N, 1), and the errors by epoch.

    ``validation`` = (X, y) are pairs that nothing is learnt from. If given, the params
    returned are those of the epoch that forecasts them best: early stopping.
    """
    best, errors, m, v = params, [], {}, {}
    for epoch in until_ctrl_c(range(epochs + 1)):  # epoch 0 is the line itself
        cache = forward(params, X)
        value = loss(params, cache["a2"], y, decay).mean()
        stop_if_diverged(value, epoch)
        if validation is not None:
            unseen = forward(params, validation[0])["a2"]
            errors.append(loss(params, unseen, validation[1], 0.0).mean())
            lowest = int(np.argmin(errors))
            if lowest == epoch:
                best = params
            if show and is_progress_epoch(epoch, epochs):
                print(f"{epoch:5d}  {value:9.6f}  {errors[-1]:10.6f}", flush=True)
            if epoch >= 2 * lowest + 50:  # no better for as long again: stop
                break
        if epoch == epochs:
            break
        grads = backward(params, X, cache, y, decay)
        params = dict(params)  # a copy: best may be the old one
        for name in grads:  # Adam, as in 03; 0.9 and 0.999 are its authors' choice
            m[name] = 0.9 * m.get(name, 0) + 0.1 * grads[name]  # (10.13)
            v[name] = 0.999 * v.get(name, 0) + 0.001 * grads[name] ** 2
            m_hat = m[name] / (1 - 0.9 ** (epoch + 1))  # both began at 0
            v_hat = v[name] / (1 - 0.999 ** (epoch + 1))
            step = lr * m_hat / (np.sqrt(v_hat) + 1e-8)  # (10.14)
            params[name] = params[name] - step
    return (params if validation is None else best), errors


def forecast(params, X, steps):
    """Return forecasts (S, N, steps) from windows X (N, D), each fed back."""
    X = np.tile(X, (len(params["b2"]), 1, 1))  # (S, N, D), for each network its own
    path = []
    for _ in range(steps):
        a2 = forward(params, X)["a2"]  # (N, 1)
        path.append(a2)
        X = np.concatenate([X[..., 1:], a2], axis=-1)  # (N, D)  (10.15)
    return np.concatenate(path, axis=-1)


def is_progress_epoch(epoch, epochs):
    """Say whether this epoch is one of the ten or so that print a line."""
    return epoch in (1, epochs) or epoch % max(1, epochs // 10) == 0


def stop_if_diverged(value, epoch):
    """Raise FloatingPointError, with advice, when a loss has exploded."""
    if not abs(value) < 1e9:  # nan, too
        raise FloatingPointError(f"training diverged in epoch {epoch}: the loss is "
                                 f"{value:.3g}; try a smaller --lr")


# ======================================================================================
# The lesson ends here. What follows repeats it, measures, draws and reads files.
# ======================================================================================


# --- Going further --------------------------------------------------------------------

SCALES = {"values": (np.positive, np.positive),  # as they are, and back again
          "square roots": (np.sqrt, lambda u: np.maximum(u, 0) ** 2),
          "logarithms": (np.log, np.exp)}


def to_scale(x, rule):
    """Return windows of values (N, W) as the rule sees them, (N, W) or (N, W - 1)."""
    u = np.diff(SCALES[rule["scale"]][0](x), rule["difference"])  # 1 time or 0 times
    return (u - rule["mean"]) / rule["sd"]  # (10.17)


def pairs(rule, rows):
    """Return scaled X (N, D), y (N, 1) from rows (N, W + 1); what came next is last."""
    z = to_scale(rows, rule)
    return z[:, -1 - rule["order"] : -1], z[:, -1:]


def next_values(rule, past):
    """Return the forecasts (S, N) of the values that follow windows past (N, W)."""
    a2 = forward(rule["params"], to_scale(past, rule)[:, -rule["order"] :])["a2"]
    u, (there, back) = a2[..., 0] * rule["sd"] + rule["mean"], SCALES[rule["scale"]]
    return back(u + there(past[:, -1]) if rule["difference"] else u)


def learn_line(rule, rows, shape=(1, 1, 1), seed=0):
    """Return the rule with its line, as S networks (M, H, S) that add nothing yet."""
    y = pairs({**rule, "mean": 0.0, "sd": 1.0}, rows)[1]
    rule = {**rule, "mean": y.mean(), "sd": y.std() or 1.0}
    oldest = np.eye(rule["order"])[:, :1], np.zeros((1, 1))  # of the window, repeated
    V, b = oldest if rule["repeats"] else fit_line(*pairs(rule, rows))
    (M, H, S), rng = shape, np.random.default_rng(seed)
    return {**rule, "params": init_params(V, b, min(M, rule["order"]), H, S, rng)}


def make_folds(rows):
    """Return five pairs: a block to forecast, rows (N, W + 1) with no value of it."""
    n, W = np.arange(len(rows)), rows.shape[1] - 1
    return [(rows[block], rows[(n < block[0]) | (n > block[-1] + W)])
            for block in np.array_split(n, 5)]


def find_period(x):
    """Return the lag where x (N,), less its trend, is most like itself, or None."""
    e = x - np.polyval(np.polyfit(range(len(x)), x, 1), range(len(x)))
    r = np.array([e[k:] @ e[:-k] for k in range(1, len(x) // 4)]) / (e @ e)  # (10.18)
    r[np.cumsum(r < 0) == 0] = 0  # what stands before its first fall below zero
    bound = (2 * np.log(10 * len(r)) / len(x)) ** 0.5  # noise: at most 1 in 20 is above
    return int(np.argmax(r)) + 1 if r.max() > bound else None


def choose_rivals(rows, period, lowest):
    """Return {name: rule}, each with the transform that is best on folds of rows."""
    orders = {"last value": 1, **({"seasonal": period} if period else {}),
              **{f"AR{p}": p for p in sorted({2, 9, 12, (period or 1) + 1})}}
    scales = list(SCALES)[: 1 + (lowest >= 0) + (lowest > 0)]  # no root below zero
    folds, rules = make_folds(rows), {}
    for name, scale, difference in itertools.product(orders, scales, (False, True)):
        if name == "last value" and rules:  # it is the same on every scale
            continue
        rule = {"order": orders[name], "scale": scale, "difference": difference,
                "repeats": name in ("last value", "seasonal")}
        nexts = [next_values(learn_line(rule, seen), block[:, :-1])[0]
                 for block, seen in folds]
        rule["error"] = np.mean((np.concatenate(nexts) - rows[:, -1]) ** 2)
        if name not in rules or rule["error"] < rules[name]["error"]:
            rules[name] = rule
    return rules


def learn_network(rule, rows, args):
    """Return the rule, S networks that began as its line; the folds' curves; epochs."""
    shape, how = (args.recent, args.hidden, args.networks), (args.lr, args.decay)
    curves = []
    for block, seen in make_folds(rows):
        start = learn_line(rule, seen, shape, args.seed)
        _, errors = train(start["params"], *pairs(start, seen), args.epochs, *how,
                          pairs(start, block))
        curves.append(1 + (np.array(errors) - errors[0]) / (errors[0] or 1.0))
        print(f"  fold {len(curves)}: lowest after {curves[-1].argmin():3d} epochs, "
              f"{1 - curves[-1].min():5.1%} below the line", flush=True)
    epochs = int(np.median([curve.argmin() for curve in curves]))
    print(f"So all {len(rows)} windows are learnt from for {epochs} epochs"
          + ": they remain the line" * (epochs == 0)
          + ("; more --epochs may help" if 2 * epochs + 50 > args.epochs else "")
          + (", as Ctrl-C came before the folds were done" if CTRL_C else ""))
    rule = learn_line(rule, rows, shape, args.seed)  # Goodfellow et al., algorithm 7.2
    rule["params"], _ = train(rule["params"], *pairs(rule, rows), epochs, *how)
    return rule, curves, epochs


def judge(forecasts, truth):
    """Return the scores of forecasts {name: (n,)}, network first, and the verdict."""
    squares, table = {w: (f - truth) ** 2 for w, f in forecasts.items()}, {}
    for name, square in squares.items():
        d = squares["network"] - square  # 2.365: Student's for 8 blocks, 95 %  (10.16)
        half = 2.365 * np.std([b.mean() for b in np.array_split(d, 8)], ddof=1) / 8**0.5
        half = max(half, 1e-12 * np.mean(truth**2))  # less is rounding
        table[name] = {"mse": square.mean(), "rmse": square.mean() ** 0.5,
                       "difference": d.mean(), "half": half}
    best = min(list(table)[1:], key=lambda name: table[name]["mse"])
    d, half = table[best]["difference"], table[best]["half"]
    verdict = "no difference" if abs(d) <= half else "better" if d < 0 else "worse"
    return {"models": table, "best_rival": best, "verdict": verdict}


# --- Figures --------------------------------------------------------------------------

TRUTH = {"color": "#000000", "linestyle": "--"}  # the truth, a bound, a theory line
STYLE = {"axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False,
         "axes.titlelocation": "left", "axes.titlesize": 11, "axes.titleweight": "bold"}
NETWORK, LINE, LAST = "#0072B2", "#E69F00", "#CC79A7"  # forecasts in every picture


def plot_map(X, y, params, V, b, paths, truth):
    """Draw forecasts of the logistic map, one step and paths (S, N, steps) ahead."""
    fig, axs = plt.subplots(1, 3, figsize=(9, 3.6), layout="constrained")
    for values, colour, size, name in (
            (y, "#000000", 9, "truth"), (X @ V + b, LINE, 6, "straight line"),
            (forward(params, X)["a2"][0], NETWORK, 5, "network")):
        axs[0].plot(X[:, -1], values, ".", color=colour, ms=size, label=name)
    axs[0].legend(loc="lower center")
    axs[0].set(xlabel="last value (scaled)", ylabel="next value (scaled)",
               ylim=(-1.8, 1.8), title="One step: the line\nmisses the curve")
    steps = np.arange(1, truth.shape[1] + 1)
    axs[1].plot(steps, paths[:, 3].T, color=NETWORK, lw=0.8)
    axs[1].plot(steps, truth[3], "o", ms=4, **TRUTH)
    axs[1].set(xlabel="steps ahead", ylabel="value (scaled)",
               title="Some steps ahead, networks\nand truth (dots) part")
    errors = np.exp(np.mean(np.log(abs(paths - truth) + 1e-12), axis=(0, 1)))
    axs[2].semilogy(steps, errors, "o-", color=NETWORK)
    axs[2].semilogy(steps[:9], errors[0] * 2.0 ** np.arange(9), **TRUTH)
    axs[2].text(3.6, errors[0] * 2**2, "doubling", va="top", clip_on=True)
    axs[2].axhline(0.5**0.5, **TRUTH)  # so far apart are two values drawn at random
    axs[2].text(1, 0.78, "two values at random")
    axs[2].set(xlabel="steps ahead", ylabel="error (geometric mean)",
               ylim=(None, 1.5), title="The error, beside\ndoubling and chance")
    return fig, errors


def plot_window(network, row, name, M):
    """Draw how a window at the end of row (W,) moves on over its forecasts."""
    fig, ax = plt.subplots(figsize=(9, 2.6), layout="constrained")
    D, n = network["order"], min(network["order"], 9)  # the last 9: room
    for _ in range(3):
        row = np.append(row, next_values(network, row[None]).mean())
    row = row[-n - 3 :]
    for r in range(3):
        for i in range(r, n + r + 1):
            colour = "#56B4E9" if n + r - M <= i < n + r else "#FFFFFF"
            edge, width = (NETWORK, 2) if i >= n else ("#888888", 1)
            text = f"{row[i]:.3g}" if abs(row[i]) < 1000 else f"{row[i]:.5g}"
            ax.text(i, -r, text, ha="center", va="center", bbox={
                "boxstyle": "square,pad=0.4", "fc": colour, "ec": edge, "lw": width})
        ax.text(n + r, -r - 0.5, "\u2193" * (r < 2), ha="center", va="center", size=18)
    ax.set(xlim=(-0.6, n + 2.6), ylim=(-2.5, 0.5),
           title=f"A forecast of {name} (blue frame) enters the next window.\n"
                 f"The line sees {D} values, the hidden layer {min(M, D)} (filled)")
    ax.axis("off")
    return fig


def plot_forecasts(times, x, forecasts, name, score):
    """Draw forecasts {who: (n,)} of x (n,), and by how much the network errs less."""
    fig, (top, low) = plt.subplots(2, figsize=(9, 6.6), layout="constrained",
                                   height_ratios=[3, 2])
    best, part = score["best_rival"], slice(-150, None)  # more could not be told apart
    top.plot(times[part], x[part], **TRUTH, label="truth", zorder=4)
    for who, (colour, lw) in {"last value": (LAST, 1), best: (LINE, 4),  # behind blue
                              "network": (NETWORK, 1.5)}.items():
        top.plot(times[part], forecasts[who][part], color=colour, lw=lw, label=who)
    top.legend(loc="upper left", ncols=2)
    top.set(ylabel=name, ylim=(None, x.max() + 0.4 * np.ptp(x)), title="One step ahead"
            f", the network against {best}, the best rival: {score['verdict']}")
    for who, row in list(score["models"].items())[1:]:
        d, h = 100 * row["difference"] / row["mse"], 100 * row["half"] / row["mse"]
        hue = "#888888" if abs(d) <= h else NETWORK if d < 0 else LINE
        low.errorbar(d, f"{who}: RMSE {row['rmse']:.4g}", xerr=h, fmt="o", c=hue, lw=3)
    low.axvline(0, **TRUTH)
    low.set(xlabel="squared error, network (RMSE "
            f"{score['models']['network']['rmse']:.4g}) minus rival, in % of rival",
            title="Blue: the network errs less. Grey, across 0: no difference")
    return fig


def plot_checks(curves, epochs, shifts):
    """Draw the curves of early stopping, and errors {who: (7,)} by a shift in time."""
    fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
    for fold, curve in enumerate(curves, 1):
        shade = plt.get_cmap("OrRd")(0.3 + 0.14 * fold)  # light to dark: folds 1 to 5
        left.plot(curve, "-o", color=shade, markevery=[curve.argmin()])
        end = np.flatnonzero(~(curve > 1.18))[-1]  # higher there is no room
        left.text(end, curve[end], f" {fold}", color=shade, size=14)
    left.axhline(1, **TRUTH)
    left.axvline(epochs, **TRUTH)
    left.set_xscale("symlog", linthresh=1)  # 0, then equal steps for factors of ten
    left.xaxis.set_major_formatter("{x:.0f}")
    left.set(xlabel="epochs", ylabel="validation error / that of the line",
             xlim=(-0.3, None), ylim=(None, 1.2), title="Folds 1 to 5. Dashed: the "
             f"line (1.00)\nand the median of the dots, {epochs}")
    for who, colour in (("last value", LAST), ("network", NETWORK)):
        right.plot(range(-2, 5), shifts[who], "o-", color=colour, label=who)
    right.legend()
    truth, last = shifts["network"][2:4]  # k = 0 and 1
    right.set(xlabel="shift k: compared with the value k steps before", ylabel="RMSE",
              title="Truth (k = 0) or last value (k = 1)?\nThe network is nearer "
                    f"to the {'last value' if last < truth else 'truth'}")
    return fig


def plain(text):
    """Return a name for a picture: 30 characters at most, a dollar sign as it is."""
    return text[:30].replace("$", r"\$")


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


NUMBER = re.compile(r"[+-]?(\d{1,30}(\.\d*)?|\.\d+)(e\+?\d\d?|e-\d+)?", re.IGNORECASE)
UNIT = re.compile(r"^([+-]?)\s?[$\u20ac\u00a3]\s?|\s?[%$\u20ac\u00a3]$")  # money, %
# Numbers whose comma or points show that the comma is decimal, as all of these do:
# 12,5 and 0,125 (no thousands), 1.234,567 and 1.234.567 (points between thousands).
COMMA = re.compile(r"[+-]?(\d+,(?!\d{3}$)\d+|0,\d+|\d+(\.\d{3})+,\d+|\d+(\.\d{3}){2,})")


def find_decimal(texts):
    """Return the decimal mark of a column: a comma if one of its numbers shows it."""
    return "," if any(COMMA.fullmatch(UNIT.sub(r"\1", t)) for t in texts) else "."


def read_numbers(texts, decimal=None):
    """Return the texts of a column as floats (N,), NaN for what is no finite number."""
    # 1,234.5 and 1 234.5 are numbers; signs of money and % are passed over.
    decimal = decimal or find_decimal(texts)  # "." or ","
    between = "." if decimal == "," else ","  # may stand between thousands
    thousands = re.compile(rf"(?<=\d)[{between}'\s](?=\d{{3}}(?!\d))")
    numbers = []
    for text in texts:
        text = UNIT.sub(r"\1", text).replace("\N{MINUS SIGN}", "-")
        text = thousands.sub("", text).replace(decimal, ".")
        numbers.append(float(text) if NUMBER.fullmatch(text) else math.nan)
    return np.array(numbers)


THOUSAND = re.compile(r"[+-]?\d{1,3}[.,]\d{3}")  # 1.199 may be 1199, too
SUNSPOTS = Path(__file__).resolve().parent / "sunspots.csv"
MOST = 5000  # values read, the last of a longer file: so that a run takes seconds
DATES = [day + clock for clock in ("", " %H:%M", " %H:%M:%S", "T%H:%M", "T%H:%M:%S",
                                   " %I:%M %p", " %H:%M:%S%z", "T%H:%M:%S%z")
         for day in ("%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y")]
DATES += ["%Y-%m", "%Y%m", "%Y%m%d", "%m/%Y", "%m.%Y", "%b-%Y", "%b %Y", "%B %Y",
          "%Y-%b", "%d-%b-%Y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y"]


def find_steps(dates):
    """Return steps (N - 1,) in parts of the median step, and their unit."""
    days, months = dates.astype("datetime64[D]"), dates.astype("datetime64[M]")
    places, unit = dates.astype(float) / 86400, "days"
    if np.all(np.diff(months).astype(int)) and np.ptp((days - months).astype(int)) <= 3:
        places, unit = months.astype(float), "months"  # the same day, or the last
    elif np.all(np.is_busday(days)) and abs(np.median(np.diff(places))) == 1:
        places, unit = np.busday_count("1970-01-01", days), "business days"
    steps = np.diff(places)
    return steps / (np.median(steps) or 1.0), f"{unit}, steps of {np.median(steps):.4g}"


def read_dates(cells, form):
    """Return the dates (n,), in UTC if they tell, of the first cells in this form."""
    dates = []
    with contextlib.suppress(ValueError):
        for cell in cells:
            date = datetime.strptime(cell, form)
            dates.append(date.replace(tzinfo=None) - (date.utcoffset() or timedelta(0)))
    return np.array(dates, "datetime64[s]")


def read_times(table, path):
    """Return times, steps / the median, unit from rows of (number, time, value)."""
    found, cells = [], [cell for _, cell, _ in table]
    fits = {form: read_dates(cells, form) for form in DATES}
    for form, dates in fits.items():
        if len(dates) == len(cells):
            found.append((form.replace("%", ""), dates, *find_steps(dates)))
    if found:  # of two readings of 1/2/2020 the one with the steadier steps
        form, *times = min(found, key=lambda f: np.sum(abs(f[2] - 1) > 0.1))
        if times[0][0] <= times[0][-1]:  # or else they are turned round and read again
            print(f"Times: {form}, so {cells[1]} is {times[0][1]}, in {times[2]}")
        return times
    numbers = read_numbers(cells)
    for n in np.flatnonzero(np.isnan(numbers))[:1]:
        n = max(n, *map(len, fits.values()))  # the first that has no form of the others
        short = re.fullmatch(r"(\d\d?|[^\W\d]+)([-/. ]\w+)?[-/. ]\d\d", cells[n])
        raise InputError(f"row {table[n][0]} of {path} has the time {cells[n]!r}: " + (
            "49 may be 1949 or 2049, so write years with four digits" if short else
            "no known form of time, or not that of the rows above; best is 2020-01-31"))
    return numbers, np.diff(numbers) / (np.median(np.diff(numbers)) or 1.0), "steps"


def find_labels(head, rows, k):
    """Return the time of each row: a column of dates, or the first one."""
    if [name.lower() for name in head[:2]] == ["year", "month"] and k > 1:
        return [f"{row[0]}-{row[1]}".replace(".0", "") for row in rows]  # 1959.0, 1.0
    for j in range(len(head)):  # dates may stand behind numbers of rows
        first = [row[j] for row in rows[:9]]
        if j != k and any(len(read_dates(first, form)) == 9 for form in DATES) and (
                j == 0 or not first[0].isdigit()):
            return [row[j] for row in rows]
    return [row[0] if k else str(n + 1) for n, row in enumerate(rows)]


def read_series(path, column):
    """Return labels, times, values (N,), name from a CSV file, or raise InputError."""
    head, *rows = read_rows(path)
    if bare := not np.isnan(read_numbers(head[-1:])[0]):
        print("There is no header: the first row is data")
        head, rows = [f"column {k + 1}" for k in range(len(head))], [head, *rows]
    if column not in (None, *head) or len(rows) < 70:
        column = head[-1] if column is None else column
        raise InputError(f"{path} needs 70 rows and a column {column!r}, "
                         f"but has {len(rows)} rows; columns {', '.join(head)[:200]}")
    if head.count(column) > 1:
        raise InputError(f"{path} has {head.count(column)} columns {column!r}")
    k = head.index(column) if column else len(head) - 1
    labels = find_labels(head, rows, k)
    table = list(zip(itertools.count(2 - bare), labels, [row[k] for row in rows]))
    times, steps, unit = read_times(table[-MOST:], path)
    if times[0] > times[-1]:
        print("The newest comes first: turned round")
        table.reverse()
        times, steps, unit = read_times(table[-MOST:], path)
    if len(rows) > MOST:
        print(f"Of {len(rows)} rows the latest {MOST} are used")
    places, labels, texts = zip(*table[-MOST:])
    x, mark = read_numbers(texts), find_decimal(texts)
    points = [text for text in texts if "." in text]
    if "," in "".join(texts) or points and all(map(THOUSAND.fullmatch, points)):
        n = next(n for n, text in enumerate(texts) if {*text} & {",", "."})
        print(f"The decimal mark is {mark!r}, so {texts[n]} is read as {x[n]:.9g}")
    for n in np.flatnonzero(~(abs(x) < 1e50))[:1]:
        raise InputError(f"row {places[n]} of {path} has {texts[n]!r} where a number "
                         f"should be ({head[k]}): fill it in, or cut the series there")
    if "business" in unit and 1.5 < max(steps) <= 11:  # two weeks without, at most
        print(f"Business days missing: {sum(steps - 1):.0f}, most in a row "
              f"{max(steps) - 1:.0f}, after {labels[np.argmax(steps)]}: holidays")
        steps = np.minimum(steps, 1)
    for n in np.flatnonzero(abs(steps - 1) > 0.2)[:1]:
        raise InputError(f"times must rise in even steps, but {path} goes from "
                         f"{labels[n]!r} to {labels[n + 1]!r}: fill a gap; of equal "
                         "times keep one, or make the first column the whole time")
    return list(labels), times, x, head[k]


def parse_args(argv=None):
    """Return the settings on the command line; the defaults were chosen up to 1920."""
    parser = Parser()
    parser.add_argument("--csv", type=Path, metavar="FILE", help="rows of time, value")
    parser.add_argument("--column", metavar="NAME", help="the values (default: last)")
    for flag, kind, low, high, default, text in (
            ("--recent", int, 1, 100, 3, "values that the hidden layer sees"),
            ("--hidden", int, 1, 100, 8, "hidden units"),
            ("--networks", int, 1, 50, 10, "networks in the ensemble"),
            ("--decay", float, 0, 1e6, 0.001, "weight decay"),
            ("--lr", float, 1e-9, 1e6, 0.01, "learning rate"),
            ("--epochs", int, 1, 10**5, 2000, "steps at most, each on all windows")):
        parser.add_argument(flag, type=number(kind, low, high), default=default,
                            help=f"{text} (default: %(default)s)")
    args = parser.parse_args(argv)
    if args.column and not args.csv:
        parser.error("--column names a column of a file: give it with --csv FILE")
    return args


def learn_map(args):
    """Learn the logistic map; return its picture and metrics."""
    x = (make_data(320) - 0.5) * 8**0.5  # (10.4)
    X, y = windows(x, 2)
    seen, unseen = (X[:200], y[:200]), (X[200:300], y[200:300])
    V, b = fit_line(*seen)
    rng = np.random.default_rng(args.seed)
    start = init_params(V, b, 2, args.hidden, args.networks, rng)
    print("The logistic map: 200 windows of 2 values to learn from, 100 to validate\n\n"
          "epoch       loss  validation")
    params, curve = train(start, *seen, args.epochs, args.lr, 0.0, unseen, show=True)
    if 2 * np.argmin(curve) + 50 > args.epochs:
        print("Training was not stopped early: more --epochs may help")
    paths, truth = forecast(params, unseen[0], 14), windows(x, 14)[0][2:][200:300]
    figure, errors = plot_map(*unseen, params, V, b, paths, truth)
    print(f"The line leaves {curve[0]:.0%} of the variance, the networks "
          f"{min(curve):.3%}.\nTheir typical error 1, 4, 8 and 12 steps ahead: "
          + ", ".join(f"{errors[h]:.3g}" for h in (0, 3, 7, 11)))
    return figure, {"line": curve[0], "network": min(curve), "errors": errors}


def print_forecasts(scores, lags):
    """Print the errors of all rules in each stretch of time, and the verdicts."""
    print("\nRMSE        " + "".join(f"{title:>26.25}" for title in scores))
    for who in next(iter(scores.values()))["models"]:
        rmse = [score["models"][who]["rmse"] for score in scores.values()]
        print(f"{who:12}" + "".join(f"{value:26.4g}" for value in rmse))
    for title, score in scores.items():
        row = score["models"][score["best_rival"]]
        print(f"{title}: the best rival is {score['best_rival']}; against it "
              f"{score['verdict']} ({row['difference']:+.3g} +- {row['half']:.3g})")
    if lags:
        print("The forecast only lags: no clear gain on the last value; a random walk?")


def load_data(args):
    """Return labels, times, values, name, ends of learning and of three tests."""
    labels, times, x, name = read_series(args.csv or SUNSPOTS, args.column)
    ends = [int(0.7 * len(x)), int(0.85 * len(x)), len(x)]
    if not args.csv:
        ends = [*(labels.index(y) + 1 for y in ("1920", "1955", "1979")), len(x)]
    if np.ptp(x[: ends[0]]) <= 1e-9 * abs(x[0]):
        raise InputError(f"{name} hardly changes in training, by a billionth at most: "
                         "nothing to learn, unless you take a constant from it first")
    return labels, times, x, name, ends


def learn_all(x, first, name, args):
    """Learn from the first values of x; return models, curves, test rows, metrics."""
    period = find_period(x[:first])
    rows = np.column_stack(windows(x, max(12, period or 0) + 2))  # (N, W + 1)
    seen, later = np.split(rows, [first - len(x)])
    print(f"\n{name}: {first} values to learn from, {len(later)} for tests, "
          f"period {period or 'not found'}")
    rules, base = choose_rivals(seen, period, x.min()), "last value"
    for who, rule in rules.items():
        print(f"  {who:12}{rule['error']:10.4g} squared error on the folds, on "
              + "differences of " * rule["difference"] + rule["scale"])
        if who != "seasonal" and rule["error"] < 0.98 * rules[base]["error"]:
            base = who  # more weights must be worth 2 %
    print(f"{args.networks} networks start as {base} and learn what it leaves:")
    network, curves, epochs = learn_network(rules[base], seen, args)
    models = {"network": network} | {w: learn_line(r, seen) for w, r in rules.items()}
    return models, curves, later, {
        "period": period, "base": base, "epochs_learnt": epochs,
        "folds": {w: r["error"] for w, r in rules.items()}}


def forecast_series(args):
    """Learn the logistic map, then a series; judge, draw and save."""
    labels, times, x, name, ends = load_data(args)
    first, figures, metrics = ends[0], {}, {}
    if not args.csv:
        figures["map"], metrics["map"] = learn_map(args)
    models, curves, later, facts = learn_all(x, first, name, args)
    forecasts = {w: next_values(r, later[:, :-1]).mean(0) for w, r in models.items()}
    scores = {f"{labels[a]} to {labels[b - 1]}": judge(
        {w: f[a - first : b - first] for w, f in forecasts.items()}, x[a:b])
        for a, b in [*zip(ends, ends[1:]), (first, len(x))]}
    whole, n, name = [*scores.values()][-1], len(later) - 2, plain(name)  # all tests
    shifts = {w: [np.mean((f[:n] - x[first - k : first - k + n]) ** 2) ** 0.5  # (10.19)
                  for k in range(-2, 5)] for w, f in forecasts.items()}
    row, near = whole["models"]["last value"], shifts["network"]
    lags = bool(near[3] < near[2] / 2 and row["difference"] > -row["half"])
    print_forecasts(scores, lags)
    figures["window"] = plot_window(models["network"], later[0, :-1], name, args.recent)
    figures["forecasts"] = plot_forecasts(times[first:], x[first:], forecasts,
                                          name, whole)
    figures["checks"] = plot_checks(curves, facts["epochs_learnt"], shifts)
    save_results(args, figures, metrics | facts | {"windows": scores, "only_lags": lags,
                                                   "shifts": shifts})


def main(argv=None):
    """Run the lesson from the command line; return the exit status."""
    return run_safely(forecast_series, parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
