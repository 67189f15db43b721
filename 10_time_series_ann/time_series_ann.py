# /// script
# requires-python = ">=3.10"
# dependencies = ["numpy>=1.26", "matplotlib>=3.8"]
# ///
"""Can a network forecast the next value of a series better than a straight line?

    X (N, D) -> W1 (D, H), b1 (H,) -> tanh -> W2 (H, 1), b2 (1,) -> a2 (N, 1)
       '---------------- V (D, 1), a straight line beside it --------^

A row of X holds D values in a row of time, y (N, 1) what came next; H hidden units.
S networks, alike but for their random start, train as one: W1 is then (S, D, H).
Every setting was chosen on the years up to 1920; later years are read once, at the
end. Numbers such as (10.3) are those of the equations in README.md.

    python time_series_ann.py                     sunspots, 1700 to 2008
    python time_series_ann.py --select            choose the settings again (minutes)
    python time_series_ann.py --csv mine.csv --column sales --select
"""

import argparse
import csv
import itertools
import json
import math
import sys
import tempfile
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

CLASS_COLOURS = ["#0072B2", "#E69F00", "#009E73", "#CC79A7",
                 "#56B4E9", "#D55E00", "#F0E442", "#000000"]  # Okabe & Ito
TRUTH = {"color": "#000000", "linestyle": "--"}  # the truth, a bound, a theory line
STYLE = {"axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False,
         "axes.titlelocation": "left", "axes.titlesize": 11, "axes.titleweight": "bold"}
TRAIN_COLOUR, VALIDATION_COLOUR, TEST_COLOUR = "#56B4E9", "#D55E00", "#009E73"


class InputError(ValueError):
    """Bad input that the user can mend; the message is one sentence that says how."""


# --- Data -----------------------------------------------------------------------------
SUNSPOTS = Path(__file__).resolve().parent / "sunspots.csv"
SUNSPOT_SPLITS = (1920, 1955, 1979)  # as in Tong & Lim (1980) and those who followed
MOST_ROWS = 20_000
ORDERS = (2, 9, 12)  # of the straight lines


def to_number(text):
    """Return the number that ``text`` spells, or NaN."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def read_times(texts):
    """Return times as numbers; dates such as 2001-05 or 2001-05-31 become years."""
    times = np.array([to_number(text) for text in texts])
    if np.isnan(times).all():
        days = np.array(texts, dtype="datetime64[D]")  # ValueError where it is no date
        times = np.where(np.isnat(days), np.nan, 1970 + days.astype(float) / 365.25)
    return times


def read_rows(path):
    """Return the header and the rows, each with its number, of a CSV file."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            delimiter = max(",;\t", key=file.readline(10_000).count)
            file.seek(0)
            lines = csv.reader(file, delimiter=delimiter)
            rows = list(itertools.islice(enumerate(lines, 1), MOST_ROWS + 2))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} is not a CSV file in UTF-8: {error}") from None
    if len(rows) > MOST_ROWS + 1:
        raise InputError(f"{path} has more than {MOST_ROWS:,} rows; keep the latest, or "
                         "average days to months")
    rows = [(n, [cell.strip() for cell in row]) for n, row in rows if any(row)]
    if rows and math.isnan(to_number(rows[0][1][-1])):
        header = rows.pop(0)[1]
    else:  # a file of numbers only: its columns are called 1, 2, ...
        header = [str(k + 1) for k in range(len(rows[0][1]) if rows else 0)]
    if not rows:
        raise InputError(f"{path} is empty: it must hold a header, then a value in "
                         "each row")
    return header, rows


def read_series(path, column):
    """Return times (N,), values (N,) and the name of the values in a CSV file.

    The first of several columns is the time; ``column`` names the values, else they
    are the last. Raises InputError at the first row that is no step of an even series.
    """
    header, rows = read_rows(path)
    if column is not None and column not in header:
        raise InputError(f"{path} has no column {column!r}; it has {', '.join(header)}")
    k = len(header) - 1 if column is None else header.index(column)
    for n, row in rows:
        cell = row[k] if k < len(row) else ""
        if not abs(to_number(cell)) < 1e100:
            raise InputError(f"row {n} of {path} holds {cell!r} where a number should "
                             f"be ({header[k]}); fill such gaps or cut the series there")
    values = np.array([float(row[k]) for _, row in rows])
    times = np.arange(1.0, len(rows) + 1)
    if k > 0:
        try:
            times = read_times([row[0] for _, row in rows])
        except ValueError as error:
            raise InputError(f"column {header[0]!r} of {path} holds neither numbers nor "
                             f"dates to tell the time: {error}") from None
    steps = np.diff(times)
    even = (steps > 0) & (abs(steps / np.median(steps) - 1) < 0.5)
    for n in np.flatnonzero(~even)[:1]:
        raise InputError(f"row {rows[n + 1][0]} of {path} goes from time {rows[n][1][0]} "
                         f"to {rows[n + 1][1][0]}: times must rise in even steps; sort "
                         "them, drop doubles, fill gaps")
    return times, values, header[k]


def make_data(rng):
    """Return a noisy sine of period 25: times (300,), values (300,) and a name."""
    times = np.arange(1.0, 301)
    values = 50 + 30 * np.sin(2 * np.pi * times / 25) + rng.normal(0, 5, len(times))
    return times, values, "noisy sine"


def load_data(args, rng):
    """Return times (N,), values x (N,), a name, and the ends of the parts of the split.

    The parts lie one after the other in time: x[:ends[0]] is for training, and
    x[ends[k]:ends[k + 1]] are the test windows. Raises InputError.
    """
    if args.csv:
        times, x, name = read_series(args.csv, args.column)
    else:
        times, x, name = make_data(rng) if args.synthetic else read_series(SUNSPOTS, None)
    splits = args.splits
    if splits is None and name == "sunspots" and not args.csv:
        splits = SUNSPOT_SPLITS
    ends = [int(0.7 * len(x)), int(0.85 * len(x))]
    if splits is not None:
        ends = np.searchsorted(times, splits, side="right").tolist()
    ends = [*ends, len(x)] if ends[-1] < len(x) else ends
    if len(ends) < 2 or min(np.diff([0, *ends])) < 1:
        raise InputError(f"the splits must rise and leave values in every part; times "
                         f"go from {times[0]:g} to {times[-1]:g}")
    return times, x, name, ends


def windows(series, width):
    """Return X (N - width, width) and y (N - width, 1): windows, and what came next.

    Row i of X is a view of series[i : i + width]: nothing is copied.
    """
    X = np.lib.stride_tricks.sliding_window_view(series[:-1], width)  # (10.1)
    return X, series[width:, None]


def fit_scale(x, root):
    """Return the mean and sd of the training values x, or of their square roots."""
    u = np.sqrt(x) if root else x
    return {"root": root, "mean": u.mean(), "sd": u.std()}


def to_scale(x, scale):
    """Return z: x or its square root in units of the training values."""
    u = np.sqrt(x) if scale["root"] else x
    return (u - scale["mean"]) / scale["sd"]  # (10.2)


def from_scale(z, scale):
    """Return x for z; a square root below zero counts as zero."""
    u = scale["mean"] + scale["sd"] * z
    return np.maximum(u, 0) ** 2 if scale["root"] else u


# --- Model ----------------------------------------------------------------------------
def init_params(n_inputs, n_hidden, skip, n_networks, rng):
    """Return ``n_networks`` random networks, stacked along the first axis."""
    S, D, H = n_networks, n_inputs, n_hidden
    params = {"W1": rng.normal(size=(S, D, H)) / np.sqrt(D), "b1": np.zeros((S, H)),
              "W2": rng.normal(size=(S, H, 1)) / np.sqrt(H), "b2": np.zeros((S, 1))}
    return {**params, "V": np.zeros((S, D, 1))} if skip else params


def forward(params, X):
    """Return the cache for X (N, D): z1, a1 (N, H), z2 and the forecast a2 (N, 1).

    Where every parameter has a leading axis of S networks, so has the result: ``@``
    multiplies the last two axes, and broadcasting shares X.
    """
    z1 = X @ params["W1"] + params["b1"][..., None, :]  # (N, H)  (10.3)
    a1 = np.tanh(z1)  # (N, H)
    z2 = a1 @ params["W2"] + params["b2"][..., None, :]  # (N, 1)  (10.4)
    if "V" in params:
        z2 = z2 + X @ params["V"]  # (N, 1)  (10.5)
    return {"X": X, "z1": z1, "a1": a1, "z2": z2, "a2": z2}


# --- Loss and gradients ---------------------------------------------------------------
def loss(params, cache, y, decay):
    """Return mean squared error plus weight decay: () or, with S networks, (S,)."""
    error = np.sum((cache["a2"] - y) ** 2, axis=-1).mean(axis=-1)
    sizes = [np.sum(params[key] ** 2, axis=(-2, -1)) for key in ("W1", "W2")]
    return error + decay * sum(sizes)  # (10.6)


def backward(params, cache, y, decay):
    """Return the gradient of the loss; with S networks, each by its own parameters."""
    N = y.shape[-2]
    dz2 = 2 * (cache["a2"] - y) / N  # (N, 1)  (10.7)
    dW2 = cache["a1"].swapaxes(-1, -2) @ dz2 + 2 * decay * params["W2"]  # (H, 1)
    db2 = dz2.sum(axis=-2)  # (1,)
    da1 = dz2 @ params["W2"].swapaxes(-1, -2)  # (N, H)
    dz1 = da1 * (1 - cache["a1"] ** 2)  # (N, H)  (10.8)
    dW1 = cache["X"].swapaxes(-1, -2) @ dz1 + 2 * decay * params["W1"]  # (D, H)
    db1 = dz1.sum(axis=-2)  # (H,)
    grads = {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}
    if "V" in params:
        grads["V"] = cache["X"].swapaxes(-1, -2) @ dz2  # (D, 1), free of decay
    return grads


# --- Training -------------------------------------------------------------------------
def adam_step(params, grads, moments, step, lr):
    """Return params after step number ``step`` = 1, 2, ... of Adam (Kingma & Ba, 2015).

    ``moments`` starts as an empty dict and keeps two running means of each gradient.
    """
    moved = {}
    for key, grad in grads.items():
        m, v = moments.get(key, (0.0, 0.0))
        m, v = 0.9 * m + 0.1 * grad, 0.999 * v + 0.001 * grad**2
        moments[key] = m, v
        m_hat, v_hat = m / (1 - 0.9**step), v / (1 - 0.999**step)  # both began at 0
        moved[key] = params[key] - lr * m_hat / (np.sqrt(v_hat) + 1e-8)
    return moved


def is_progress_epoch(epoch, epochs):
    """Say whether this epoch is one of the ten or so that print a line."""
    return epoch in (1, epochs) or epoch % max(1, epochs // 10) == 0


def stop_if_diverged(value, epoch):
    """Raise FloatingPointError, with advice, when a loss is no longer finite."""
    if not np.isfinite(value):
        raise FloatingPointError(f"training diverged in epoch {epoch}: the loss is "
                                 f"{value}; try a smaller --lr")


def train(params, X, y, epochs, lr, decay, watch=None, verbose=False):
    """Return params and history after full-batch Adam on X (N, D), y (N, 1).

    ``history`` holds "loss" and, where ``watch`` = (X, y) are pairs to look at but not
    to learn from, their squared error: a row of S numbers before each step; "stopped"
    says whether Ctrl-C cut it short. Raises FloatingPointError.
    """
    moments, history = {}, {"loss": [], "watch": [], "stopped": False}
    try:
        for epoch in range(1, epochs + 1):
            cache = forward(params, X)
            history["loss"].append(loss(params, cache, y, decay))
            stop_if_diverged(np.sum(history["loss"][-1]), epoch)
            if watch is not None:
                error = loss(params, forward(params, watch[0]), watch[1], 0.0)
                history["watch"].append(error)
            if verbose and is_progress_epoch(epoch, epochs):
                print(f"{epoch:5d}  {np.mean(history['loss'][-1]):7.4f}")
            grads = backward(params, cache, y, decay)
            params = adam_step(params, grads, moments, epoch, lr)
    except KeyboardInterrupt:
        history["stopped"] = True
        print("Stopped by Ctrl-C; what was learnt so far is kept.")
    return params, history


def fit(x, targets, config, rng, verbose=False):
    """Train networks on the pairs whose next value is x[targets], and on nothing else.

    With ``config["stop"]`` = k > 0 the last k pairs first tell when to stop, at the
    median over networks of the best epoch; then all pairs are learnt for that long
    (Goodfellow et al., 2016, algorithm 7.2). Returns params, scale and history.
    """
    D, epochs, k = config["window"], config["epochs"], config["stop"]
    scale = fit_scale(x[targets], config["root"])
    X, y = windows(to_scale(x, scale), D)
    X, y = X[targets - D], y[targets - D]
    start = init_params(D, config["hidden"], config["skip"], config["seeds"], rng)
    rest = (config["lr"], config["decay"])
    if k > 0:
        params, history = train(start, X[:-k], y[:-k], epochs, *rest, (X[-k:], y[-k:]))
        if history["stopped"]:
            return params, scale, history
        epochs = int(np.median(np.argmin(history["watch"], axis=0)))
        epochs = max(1, epochs)  # row e of "watch" is the error after e steps
    params, history = train(start, X, y, epochs, *rest, verbose=verbose)
    return params, scale, history


# --- Choosing the settings ------------------------------------------------------------
GRID = {"window": (12, 3, 6, 9, 16), "hidden": (8, 2, 4, 16, 32),
        "skip": (False, True), "root": (False, True),
        "decay": (0.003, 0.0003, 0.001, 0.01, 0.03), "stop": (30, 0),
        "lr": (0.01, 0.003, 0.03), "epochs": (400, 200, 800), "seeds": (10,)}


def validate(x, config, seed):
    """Return the ensemble's mean squared error on five blocks of x, each held out.

    Pairs of which any value lies in the block are not learnt from; every window width
    learns from the same years and is judged on the same years.
    """
    first, errors = max(GRID["window"]), []
    targets = np.arange(first, len(x))
    for block in np.array_split(targets, 5):
        apart = targets[(targets < block[0]) | (targets > block[-1] + first)]
        params, scale, history = fit(x, apart, config, np.random.default_rng(seed))
        if history["stopped"]:
            raise KeyboardInterrupt
        X, _ = windows(to_scale(x, scale), config["window"])
        cache = forward(params, X[block - config["window"]])
        forecast = from_scale(cache["a2"], scale).mean(axis=0)[:, 0]
        errors.extend((forecast - x[block]) ** 2)
    return float(np.mean(errors))


def select(x, seed):
    """Search GRID one setting at a time, over and over until nothing improves.

    ``x`` are the training values. The search starts from the first value of each
    setting. Returns the best settings and all that were tried, with their errors.
    """
    best, tried, before = {key: values[0] for key, values in GRID.items()}, {}, None
    print("  ".join(f"{key:>6}" for key in [*GRID, "MSE"]))
    while best != before:
        before = best
        for key, values in GRID.items():
            for config in ({**best, key: value} for value in values):
                name = tuple(config.values())
                if name not in tried and not (config["root"] and x.min() < 0):
                    tried[name] = validate(x, config, seed)
                    print("  ".join(f"{v!s:>6}" for v in (*name, f"{tried[name]:.1f}")))
            best = dict(zip(GRID, min(tried, key=tried.get)))
    return best, [[*name, error] for name, error in tried.items()]
