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
import itertools
import json
import math
import sys
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

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
SUNSPOT_ENDS = (1920, 1955, 1979)  # as Tong & Lim (1980) and those who followed split
MOST_ROWS, FEWEST_PAIRS = 10_000, 30


def read_csv(path):
    """Return the header (K,) and the cells (N, K), all text, of a CSV file."""
    if path.stat().st_size > 1000 * MOST_ROWS:
        raise InputError(f"{path} is too large; keep its latest {MOST_ROWS:,} rows")
    try:
        text = path.read_text(encoding="utf-8-sig")
        lines = [line for line in text.splitlines() if line.strip()]
        if not lines:
            raise ValueError("it is empty")
        cells = np.loadtxt(lines, str, comments=None, quotechar='"', ndmin=2,
                           delimiter=max(",;\t", key=lines[0].count))
    except ValueError as error:
        raise InputError(f"{path} must hold a header and rows of equal length, in "
                         f"UTF-8: {error}") from None
    cells = np.char.strip(cells)
    if np.isnan(to_floats(cells[0])[-1]) and cells[0, -1].lower() != "nan":
        return cells[0].tolist(), cells[1:]
    return [str(k + 1) for k in range(cells.shape[1])], cells  # columns 1, 2, ...


def to_floats(texts):
    """Return numbers (N,), NaN for each text that spells none."""
    values = []
    for text in texts:
        try:
            values.append(float(text))
        except ValueError:
            values.append(math.nan)
    return np.array(values)


def read_series(path, column):
    """Return times (N,), values (N,) and the name of the values in a CSV file.

    The first of several columns is the time, as numbers or dates; ``column`` names the
    values, else they are the last. Raises InputError where time or value is amiss.
    """
    header, cells = read_csv(path)
    if column is not None and column not in header:
        raise InputError(f"{path} has no column {column!r}; it has {', '.join(header)}")
    if not 1 < len(cells) <= MOST_ROWS:
        raise InputError(f"{path} holds {len(cells):,} rows of values; right would be "
                         f"some, but not over {MOST_ROWS:,}: keep the latest")
    k = len(header) - 1 if column is None else header.index(column)
    values, times = to_floats(cells[:, k]), np.arange(1.0, len(cells) + 1)
    for n in np.flatnonzero(~(abs(values) < 1e100))[:1]:
        raise InputError(f"value {n + 1} of {header[k]} in {path} is {cells[n, k]!r}, no "
                         "number; fill such gaps, or cut the series there")
    if k > 0:
        times = to_floats(cells[:, 0])
        if np.isnan(times).all():
            try:
                seconds = cells[:, 0].astype("datetime64[s]").astype(float)
            except ValueError as error:
                raise InputError(f"{header[0]} in {path} holds neither numbers nor "
                                 f"dates such as 2001-05-31: {error}") from None
            times = 1970 + seconds / (365.25 * 86_400)  # years
    steps = np.diff(times)
    even = (steps > 0) & (abs(steps - np.nanmedian(steps)) < 0.5 * np.nanmedian(steps))
    for n in np.flatnonzero(~even)[:1]:
        raise InputError(f"{header[0]} in {path} goes from {cells[n, 0]!r} to "
                         f"{cells[n + 1, 0]!r}: times must rise in even steps; sort "
                         "them, drop doubles, fill gaps")
    return times, values, header[k]


def make_data(rng):
    """Return a noisy sine of period 25: times (300,), values (300,) and a name."""
    times = np.arange(1.0, 301)
    values = 50 + 30 * np.sin(2 * np.pi * times / 25) + rng.normal(0, 5, len(times))
    return times, values, "noisy sine"


def load_data(args, rng):
    """Return times (N,), values x (N,), their name, and where the parts end.

    The split is by time: x[:ends[0]] is for training, and x[ends[k]:ends[k + 1]] are
    the test windows. Raises InputError where a part is too short or never changes.
    """
    if args.csv or args.synthetic:
        times, x, name = (read_series(args.csv, args.column) if args.csv
                          else make_data(rng))
        ends = [int(0.7 * len(x)), int(0.85 * len(x)), len(x)]
    else:
        times, x, name = read_series(SUNSPOTS, None)
        ends = [*np.searchsorted(times, SUNSPOT_ENDS, side="right").tolist(), len(x)]
    wanted = max(args.window, *ORDERS, *GRID["window"]) + FEWEST_PAIRS
    if ends[0] < wanted:
        raise InputError(f"{ends[0]} of the {len(x)} values are for training, but a "
                         f"window of {args.window} needs at least {wanted}")
    if args.horizon > min(np.diff(ends)):
        raise InputError(f"a horizon of {args.horizon} goes beyond the data: the "
                         f"shortest test window has {min(np.diff(ends))} values")
    if np.ptp(x[: ends[0]]) <= 1e-12 * abs(x[0]):
        raise InputError(f"{name} never changes in training: there is nothing to learn")
    return times, x, name, ends


def windows(series, width):
    """Return X (N - width, width) and y (N - width, 1): windows, and what came next.

    Row i of X is a view of series[i : i + width]: nothing is copied.
    """
    X = sliding_window_view(series[:-1], width)  # (10.1)
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
                    print(f"{epoch:5d}   {np.mean(history['loss'][-1]):.4f}   "
                          f"{np.mean(error):10.4f}", flush=True)
            grads = backward(params, cache, y, decay)
            params = adam_step(params, grads, moments, epoch, lr)
    except KeyboardInterrupt:
        history["stopped"] = True
        print("Stopped by Ctrl-C; what was learnt so far is kept.")
    return params, history


def fit(x, targets, config, rng, verbose=False):
    """Train networks on the pairs whose next value is x[targets], and on nothing else.

    First without the last 15 % of the pairs, which tell when to stop: at the median
    over networks of the best epoch. Then from the same start on all pairs, for that
    long (Goodfellow et al., 2016, algorithm 7.2). Returns a dict: "params", "start",
    "scale", "history", "epochs" and the "pairs" (X, y).
    """
    D = config["window"]
    scale = fit_scale(x[targets], config["root"])
    X, y = windows(to_scale(x, scale), D)
    X, y = X[targets - D], y[targets - D]
    start = init_params(D, config["hidden"], config["skip"], config["seeds"], rng)
    how, k = (config["lr"], config["decay"]), int(0.85 * len(X))
    params, history = train(start, X[:k], y[:k], config["epochs"], *how,
                            (X[k:], y[k:]), verbose)
    best = np.argmin(history["watch"], axis=0) if history["watch"] else 1
    epochs = max(1, int(np.median(best)))  # row e of "watch" is the error after e steps
    if not history["stopped"]:
        params, history["final"] = train(start, X, y, epochs, *how)
        history["stopped"] = history["final"]["stopped"]
    return {"params": params, "start": start, "scale": scale, "history": history,
            "epochs": epochs, "pairs": (X, y)}


def network_step(model):
    """Return a function: pasts (S or 1, N, D or more) -> next values (S, N)."""
    D = model["params"]["W1"].shape[1]

    def step(past):
        cache = forward(model["params"], to_scale(past[..., -D:], model["scale"]))
        return from_scale(cache["a2"][..., 0], model["scale"])

    return step


# --- Choosing the settings ------------------------------------------------------------

GRID = {"window": (6, 9, 12), "hidden": (4, 8, 16), "skip": (False, True),
        "root": (False, True), "decay": (0.001, 0.003, 0.01, 0.03),
        "lr": (0.003, 0.01)}


def validate(x, config, seed):
    """Return the ensemble's mean squared error on five blocks of x, each held out.

    Pairs of which any value lies in the block are not learnt from; every window width
    learns from the same years and is judged on the same years.
    """
    first, errors = max(GRID["window"]), []
    targets = np.arange(first, len(x))
    for block in np.array_split(targets, 5):
        apart = targets[(targets < block[0]) | (targets > block[-1] + first)]
        model = fit(x, apart, config, np.random.default_rng(seed))
        if model["history"]["stopped"]:
            raise KeyboardInterrupt
        pasts = sliding_window_view(x, first)[block - first]
        forecast = network_step(model)(pasts[None]).mean(axis=0)
        errors.extend((forecast - x[block]) ** 2)
    return float(np.mean(errors))


def select(x, config):
    """Try every combination in GRID, ten networks each, on the training values x.

    Returns ``config`` with the best settings, and the lowest mean squared error.
    """
    choices = [dict(zip(GRID, values)) for values in itertools.product(*GRID.values())]
    choices = [c for c in choices if x.min() >= 0 or not c["root"]]
    best, lowest = config, math.inf
    print("tried  " + "  ".join(f"{key:>6}" for key in [*GRID, "MSE"]))
    for i, choice in enumerate(choices, 1):
        error = validate(x, {**config, **choice, "seeds": 10}, config["seed"])
        if error < lowest:
            best, lowest = {**config, **choice}, error
        if i % (len(choices) // 12) == 0:
            line = [*(best[key] for key in GRID), f"{lowest:.1f}"]
            print(f"{i:5d}  " + "  ".join(f"{v!s:>6}" for v in line), flush=True)
    return best, lowest


