# /// script
# requires-python = ">=3.10"
# dependencies = ["numpy>=2.0", "matplotlib>=3.9"]
# ///
"""Can a network forecast the next value of a series better than a straight line?

    X (N, D) -> W1 (D, H), b1 (H,) -> tanh -> W2 (H, 1), b2 (1,) -> a2 (N, 1)
       '---------------- V (D, 1), a straight line beside it --------^

A row of X holds D values in a row of time, y (N, 1) what came next; H hidden units.
S networks, alike but for their random start, train as one: W1 is then (S, D, H).
Numbers such as (10.3) are those of the equations in README.md.

    python time_series_ann.py                     sunspots, 1700 to 2008
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

TRUTH = {"color": "#000000", "linestyle": "--"}  # the truth, a bound, a theory line
STYLE = {"axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False,
         "axes.titlelocation": "left", "axes.titlesize": 11, "axes.titleweight": "bold"}
TRAIN_COLOUR, VALIDATION_COLOUR, TEST_COLOUR = "#56B4E9", "#D55E00", "#009E73"


class InputError(ValueError):
    """Bad input that the user can mend; the message is one sentence that says how."""


# --- Data -----------------------------------------------------------------------------

SUNSPOTS = Path(__file__).resolve().parent / "sunspots.csv"
SUNSPOT_ENDS = (1920, 1955, 1979)  # as Tong & Lim (1980) and those who followed split
ORDERS, FEWEST_PAIRS, MOST_LETTERS = (2, 9, 12), 30, 200_000


def read_series(path, column):
    """Return times (N,), values (N,) and the name of the values in a CSV file.

    The first of several columns is the time, the last (or ``column``) holds the values.
    Raises InputError at the first time or value that is amiss.
    """
    try:
        with path.open(encoding="utf-8-sig") as file:
            text = file.read(MOST_LETTERS)
        lines = [line for line in text.splitlines() if line.strip()]
        if len(lines) < 3 or len(text) == MOST_LETTERS:
            raise ValueError(f"at least two of them, at most {MOST_LETTERS:,} letters")
        cells = np.loadtxt(lines, str, comments=None, quotechar='"', ndmin=2,
                           delimiter=max(",;\t", key=lines[0].count))
        header, cells = cells[0].tolist(), np.char.strip(cells[1:])
        k = len(header) - 1 if column is None else header.index(column)
        filled = [cell or "nan" for cell in cells.ravel()]
        numbers = np.genfromtxt(filled, comments=None, delimiter="\n")  # text: NaN
        values, times = numbers.reshape(cells.shape)[:, [k, 0]].T
        if k == 0:
            times = np.arange(1.0, len(values) + 1)
        elif np.isnan(times).all():
            days = cells[:, 0].astype("datetime64[m]").astype(float) / 1440
            times = 1970 + days / 365.25
    except ValueError as error:
        raise InputError(f"{path} must hold a header, then rows of a time and a value: "
                         f"{error}") from None
    for n in np.flatnonzero(~(abs(values) < 1e100))[:1]:
        raise InputError(f"row {n + 1} of {path} has '{cells[n, k]}' where a number "
                         f"should be ({header[k]}); fill gaps, or cut the series there")
    steps = np.diff(times)
    for n in np.flatnonzero(~(abs(steps / np.nanmedian(abs(steps)) - 1) < 0.5))[:1]:
        raise InputError(f"times must rise in even steps, but {path} goes from "
                         f"'{cells[n, 0]}' to '{cells[n + 1, 0]}'; sort, fill gaps")
    return times, values, header[k]


def make_data(rng):
    """Return a noisy sine of period 25: times (300,), values (300,) and a name."""
    times = np.arange(300.0)
    return times, 50 + 30 * np.sin(times * np.pi / 12.5) + rng.normal(0, 5, 300), "sine"


def load_data(args, rng):
    """Return times (N,), values x (N,), their name, and the ends of training and tests.

    Raises InputError where a part is too short or never changes.
    """
    times, x, name = (make_data(rng) if args.synthetic
                      else read_series(args.csv or SUNSPOTS, args.column))
    ends = [int(0.7 * len(x)), int(0.85 * len(x)), len(x)]
    if not (args.csv or args.synthetic):
        ends = [*np.searchsorted(times, SUNSPOT_ENDS, side="right").tolist(), len(x)]
    shortest, wanted = min(np.diff(ends)), max(args.window, *ORDERS) + FEWEST_PAIRS
    if ends[0] < wanted:
        raise InputError(f"a window of {args.window} needs {wanted} values to learn; "
                         f"only {ends[0]} of {len(x)} come before the tests")
    if args.horizon > shortest:
        raise InputError(f"a horizon of {args.horizon} goes beyond the data: the "
                         f"shortest test window has {shortest} values")
    if np.ptp(x[: ends[0]]) <= 1e-9 * abs(x[0]):
        raise InputError(f"{name} never changes in training: there is nothing to learn")
    return times, x, name, ends


def windows(series, width):
    """Return X (N - width, width), views of the series, and what came next, y."""
    X = sliding_window_view(series[:-1], width)  # (10.1)
    return X, series[width:, None]


# --- Model ----------------------------------------------------------------------------


def init_params(n_inputs, n_hidden, skip, n_networks, rng):
    """Return ``n_networks`` random networks, stacked along the first axis."""
    S, D, H = n_networks, n_inputs, n_hidden
    params = {"W1": rng.normal(size=(S, D, H)) / np.sqrt(D), "b1": np.zeros((S, H)),
              "W2": rng.normal(size=(S, H, 1)) / np.sqrt(H), "b2": np.zeros((S, 1))}
    return {**params, "V": np.zeros((S, D, 1))} if skip else params


def forward(params, X):
    """Return the cache for X (N, D): z1, a1 (N, H), z2 and the forecast a2 (N, 1).

    Where the parameters have a leading axis of S networks, so has all but X.
    """
    z1 = X @ params["W1"] + params["b1"][..., None, :]  # (N, H)  (10.3)
    a1 = np.tanh(z1)  # (N, H)
    z2 = a1 @ params["W2"] + params["b2"][..., None, :]  # (N, 1)
    if "V" in params:
        z2 = z2 + X @ params["V"]  # (N, 1)  (10.4)
    return {"X": X, "z1": z1, "a1": a1, "z2": z2, "a2": z2}


# --- Loss and gradients ---------------------------------------------------------------


def loss(params, cache, y, decay):
    """Return mean squared error plus weight decay: () or, with S networks, (S,)."""
    error = np.sum((cache["a2"] - y) ** 2, axis=-1).mean(axis=-1)
    sizes = [np.sum(params[key] ** 2, axis=(-2, -1)) for key in ("W1", "W2")]
    return error + decay * sum(sizes)  # (10.5)


def backward(params, cache, y, decay):
    """Return the gradient of the loss; with S networks, each by its own parameters."""
    N = y.shape[-2]
    dz2 = 2 * (cache["a2"] - y) / N  # (N, 1)  (10.6)
    dW2 = cache["a1"].swapaxes(-1, -2) @ dz2 + 2 * decay * params["W2"]  # (H, 1)
    db2 = dz2.sum(axis=-2)  # (1,)
    da1 = dz2 @ params["W2"].swapaxes(-1, -2)  # (N, H)
    dz1 = da1 * (1 - cache["a1"] ** 2)  # (N, H)  (10.7)
    dW1 = cache["X"].T @ dz1 + 2 * decay * params["W1"]  # (D, H)
    db1 = dz1.sum(axis=-2)  # (H,)
    grads = {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}
    if "V" in params:
        grads["V"] = cache["X"].T @ dz2  # (D, 1), free of decay
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
    """Raise FloatingPointError, with advice, when a loss has exploded."""
    if not abs(value) < 1e9:  # nan, too
        raise FloatingPointError(f"training diverged in epoch {epoch}: the loss is "
                                 f"{value:.3g}; try a smaller --lr")


def train(params, X, y, epochs, lr, decay, validation=None, verbose=False):
    """Return params and history after full-batch Adam on X (N, D), y (N, 1).

    ``validation`` = (X, y) are pairs that nothing is learnt from; the squared error
    (S,) on them before each step is history["validation"]. Raises FloatingPointError.
    """
    moments, history = {}, {"validation": []}
    try:
        for epoch in range(1, epochs + 1):
            cache = forward(params, X)
            value = np.mean(loss(params, cache, y, decay))
            stop_if_diverged(value, epoch)
            if validation is not None:
                unseen_X, unseen_y = validation
                error = loss(params, forward(params, unseen_X), unseen_y, 0.0)
                history["validation"].append(error)
                if verbose and is_progress_epoch(epoch, epochs):
                    print(f"{epoch:5d}   {value:.4f}   {error.mean():10.4f}",
                          flush=True)
            grads = backward(params, cache, y, decay)
            params = adam_step(params, grads, moments, epoch, lr)
    except KeyboardInterrupt:
        if not verbose:
            raise
        print("Stopped by Ctrl-C; what was learnt so far is kept.")
    return params, history


def fit(x, targets, config, verbose=False):
    """Train networks on the pairs whose next value is x[targets], and on nothing else.

    The last 15 % of the pairs tell when to stop: at the median, over the networks, of
    the best epoch. The same starts then learn from all pairs for as long (Goodfellow et
    al., 2016, algorithm 7.2). The result's ``forecast`` is a function from pasts
    (S or 1, N, D or more), whose last values are the latest, to next values (S, N).
    """
    D, rng = config["window"], np.random.default_rng(config["seed"])
    power = 0.5 if config["root"] else 1.0
    mean, sd = np.mean(x[targets] ** power), np.std(x[targets] ** power)
    X, y = windows((x**power - mean) / sd, D)  # (10.2)
    X, y = X[targets - D], y[targets - D]
    start = init_params(D, config["hidden"], config["skip"], config["seeds"], rng)
    how, k = (config["lr"], config["decay"]), int(0.85 * len(X))
    params, history = train(start, X[:k], y[:k], config["epochs"], *how,
                            (X[k:], y[k:]), verbose)
    best = np.argmin(history["validation"] or [[1]], axis=0)
    epochs = max(1, int(np.median(best)))  # row e is the error after e steps
    params, _ = train(start, X, y, epochs, *how, None, verbose)

    def forecast(past):
        a2 = forward(params, (past[..., -D:] ** power - mean) / sd)["a2"]
        root = mean + sd * a2[..., 0]
        return np.maximum(root, 0) ** 2 if config["root"] else root

    return {"start": start, "params": params, "epochs": epochs, "pairs": (X, y),
            "forecast": forecast}


# --- Evaluation -----------------------------------------------------------------------

GRID = {"window": (6, 9, 12), "hidden": (4, 8, 16), "skip": (False, True),
        "root": (False, True), "decay": (0.001, 0.003, 0.01, 0.03), "lr": (0.003, 0.01)}
PUBLISHED = {"Tong & Lim": (0.097, 0.28), "Weigend et al.": (0.086, 0.35)}  # arv
SCORES = ("mse", "rmse", "mae", "mase", "arv")


def select(x, config):
    """Return the settings in GRID with which ten networks do best on the values x.

    Each of five blocks is forecast by those who learnt from no pair with a value in it.
    """
    best, lowest, first = {}, np.inf, max(GRID["window"])
    targets, pasts = np.arange(first, len(x)), sliding_window_view(x, first)
    for values in itertools.product(*GRID.values()):
        choice, errors = dict(zip(GRID, values)), []
        if x.min() < 0 and choice["root"]:
            continue
        for block in np.array_split(targets, 5):
            apart = targets[(targets < block[0]) | (targets > block[-1] + first)]
            model = fit(x, apart, {**config, **choice, "seeds": 10})
            ensemble = model["forecast"](pasts[None, block - first]).mean(axis=0)
            errors.extend((ensemble - x[block]) ** 2)
        if np.mean(errors) < lowest:
            best, lowest = choice, np.mean(errors)
            print(f"{best}: mean squared error {lowest:.4g}", flush=True)
    return best


def autocorrelation(x, lags):
    """Return the autocorrelation (lags,) of x (N,) at lags 1, 2, ..."""
    e = x - x.mean()
    return np.array([e[k:] @ e[:-k] for k in range(1, lags + 1)]) / (e @ e)  # (10.11)


def fit_rivals(x):
    """Return {name: forecast} of the rivals, from training values x, and the period.

    Each forecast takes pasts (S, N, W) to next values (S, N). The period is the lag of
    the highest autocorrelation after the first negative one, a linear trend removed.
    """
    time = np.arange(len(x))
    r = autocorrelation(x - np.polyval(np.polyfit(time, x, 1), time), len(x) // 3)
    period = int(np.argmax(np.where(np.cumsum(r < 0) > 0, r, -1))) + 1
    rivals = {"persistence": lambda past: past[..., -1],
              "seasonal": lambda past: past[..., -period]}
    for p in ORDERS:
        X, y = windows(x, p)
        line = np.linalg.pinv(np.column_stack([X, np.ones(len(X))])) @ y[:, 0]  # (10.8)
        rivals[f"AR{p}"] = (lambda past, p=p, line=line:
                            past[..., -p:] @ line[:-1] + line[-1])
    return rivals, period


def recurse(forecast, past, horizon):
    """Return forecasts (S, N, horizon), each made from those before it."""
    path = []
    for _ in range(horizon):
        path.append(forecast(past))  # (S, N)
        rest = np.broadcast_to(past[..., 1:], (*path[-1].shape, past.shape[-1] - 1))
        past = np.concatenate([rest, path[-1][..., None]], axis=-1)  # (10.9)
    return np.stack(path, axis=-1)


def score(path, truth, units):
    """Return the scores of S forecasts path (S, n, horizon) of truth (n,).

    path[s, i, h] looks h + 1 steps ahead, when truth[i - 1] was the last known. SCORES
    have mean and sd over S; "inside" is the share of the truth amid the forecasts.
    """
    n, H = path.shape[1:]
    errors = [path[:, : n - h, h] - truth[h:] for h in range(H)]  # (S, n - h)
    mse, mae = np.mean(errors[0] ** 2, axis=1), np.mean(abs(errors[0]), axis=1)
    values = (mse, np.sqrt(mse), mae, mae / units["mae"], mse / units["mse"])  # (10.10)
    inside = [(e.min(axis=0) < 0) & (e.max(axis=0) > 0) for e in errors]
    spread = {key: {"mean": v.mean(), "sd": v.std()} for key, v in zip(SCORES, values)}
    return {**spread, "inside": np.concatenate(inside).mean(),
            "by_horizon": [np.sqrt(np.mean(e**2, axis=1)).mean() for e in errors]}


# --- Figures --------------------------------------------------------------------------

LINES = {"ensemble": ("#0072B2", "-"), "AR2": ("#E69F00", ":"), "AR9": ("#E69F00", "-"),
         "AR12": ("#E69F00", "--"), "persistence": ("#CC79A7", "-"),
         "seasonal": ("#CC79A7", "--")}


def plot_series(times, x, name, cuts):
    """Draw the series (N,), cut in parts, in the colours of what each is for."""
    fig, ax = plt.subplots(figsize=(9, 3.6), layout="constrained")
    parts = [("training", TRAIN_COLOUR), ("when to stop", VALIDATION_COLOUR),
             *[("test", TEST_COLOUR)] * len(cuts)]
    for a, b, (part, colour) in zip(cuts, cuts[1:], parts):
        ax.plot(times[a - 1 : b], x[a - 1 : b], color=colour)
        ax.text(times[(a + b) // 2], 1.05 * x.max(), part, color=colour, ha="center")
    ax.set(xlabel="time", ylabel=name)
    ax.set_title(f"{cuts[2]} values to learn from, {len(x) - cuts[2]} to judge", pad=18)
    return fig


def plot_window(x, name, D):
    """Draw the first of the values x (N,) and, in place below, the rows they become."""
    fig, (top, low) = plt.subplots(2, figsize=(9, 5), sharex=True, layout="constrained")
    top.plot(x[: D + 4], "o-", color=TRAIN_COLOUR)
    top.set(ylabel=name, title=f"A window of {D} values slides along the series")
    table = np.full((4, D + 4), np.nan)
    for i, row in enumerate(table):
        row[i : i + D + 1] = x[i : i + D + 1]
        low.add_patch(plt.Rectangle((i + D - 0.5, i - 0.45), 1, 0.9, fill=False,
                                    edgecolor="#E69F00", linewidth=4))
    norm = low.imshow(table, "viridis", aspect="auto").norm
    for i, j in np.argwhere(table == table) if D <= 16 else ():
        low.text(j, i, f"{table[i, j]:.3g}", ha="center", va="center",
                 color="black" if norm(table[i, j]) > 0.6 else "white")
    low.set(xlabel="place in memory, i + j", ylabel="row i", yticks=range(4),
            title="Row i is X[i], a view of what memory holds once; framed: y[i]")
    return fig


def plot_forecasts(times, name, truth, forecasts, memory):
    """Draw forecasts {who: (n,)} against truth (n,), and the residuals of the first."""
    fig, (top, low) = plt.subplots(2, figsize=(9, 6), layout="constrained", sharex=True,
                                   height_ratios=[2, 1])
    top.plot(times, truth, **TRUTH, label="truth")
    for who, values in forecasts.items():
        top.plot(times, values, LINES[who][1], color=LINES[who][0], label=who)
    residuals = truth - forecasts["ensemble"]
    low.vlines(times, 0, residuals, color=LINES["ensemble"][0], linewidth=2)
    top.set(ylabel=name, title="One step ahead: the ensemble misses the truth by "
            f"{np.sqrt(np.mean(residuals**2)):.3g} (RMSE)")
    fig.legend(loc="outside lower center", ncols=len(forecasts) + 1)
    low.set(xlabel="time", ylabel="residual", title="Residuals: autocorrelation "
            f"{memory:.2f} at lag 1 (by chance below {1.96 / len(truth)**0.5:.2f})")
    return fig


def plot_horizon(times, x, name, ends, path, scores):
    """Draw recursive forecasts path (S, n, horizon), and the error by horizon."""
    fig, axs = plt.subplot_mosaic([["fan"] * len(scores), list(scores)], figsize=(9, 7),
                                  layout="constrained")
    S, _, H = path.shape
    axs["fan"].plot(times[ends[0] - 20 :], x[ends[0] - 20 :], **TRUTH, linewidth=1)
    for end in ends:
        fan = np.vstack([np.full(S, x[end - 1]), path[:, end - ends[0]].T])
        when = times[end - 1] + (times[1] - times[0]) * np.arange(H + 1)
        axs["fan"].plot(when, fan, color="#56B4E9", linewidth=0.7)
        axs["fan"].plot(when, fan.mean(axis=1), color="#0072B2", linewidth=2)
    inside = np.mean([table["network"]["inside"] for table in scores.values()])
    axs["fan"].set(xlabel="time", ylabel=name, title=f"{S} networks, {H} steps ahead: "
                   f"{inside:.0%} of the truth is in their fan")
    for title, table in scores.items():
        for who, (colour, style) in LINES.items():
            axs[title].plot(np.arange(H) + 1, table[who]["by_horizon"], style,
                            color=colour, label=who)
        best = min(LINES, key=lambda who, table=table: sum(table[who]["by_horizon"]))
        axs[title].sharey(axs[list(scores)[0]])
        axs[title].set(xlabel="steps ahead", ylabel="RMSE", xticks=[1, (H + 1) // 2, H])
        axs[title].set_title(f"{title}\nbest on average: {best}")
    axs[title].set_ylim(0, None)
    lines = axs[title].get_legend_handles_labels()
    fig.legend(*lines, loc="outside lower center", ncols=len(LINES))
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
    """Return the settings on the command line; the defaults are what --select chose."""
    parser = Parser()
    flag, switch = parser.add_argument, argparse.BooleanOptionalAction
    flag("--csv", type=Path, metavar="FILE", help="a header, rows of time and values")
    flag("--column", metavar="NAME", help="the values in FILE (default: last column)")
    flag("--synthetic", action="store_true", help="a noisy sine, for a first look")
    for name, kind, low, high, default, text in (
            ("--window", int, 1, 500, 9, "values in a window"),
            ("--horizon", int, 1, 500, 11, "steps to forecast"),
            ("--hidden", int, 1, 1000, 8, "hidden units"),
            ("--decay", float, 0, 1e9, 0.001, "weight decay"),
            ("--lr", float, 1e-9, 1e9, 0.003, "learning rate"),
            ("--epochs", int, 1, 10**5, 1000, "steps at most, each on all windows"),
            ("--seeds", int, 1, 100, 20, "networks in the ensemble")):
        flag(name, type=number(kind, low, high), default=default,
             help=f"{text} (default: %(default)s)")
    flag("--skip", action=switch, default=True, help="a straight line beside them")
    flag("--root", action=switch, default=True, help="learn the values' square roots")
    flag("--select", action="store_true", help="choose window, ..., lr anew (minutes)")
    flag("--compare", action="store_true", help="train the first network in Keras, too")
    return parser.parse_args(argv)


def compare_with_keras(model, args):
    """Train the first network in Keras from the same start; return the difference."""
    import keras

    keras.config.set_floatx("float64")
    inputs, Dense = keras.Input([args.window]), keras.layers.Dense
    decay = {"kernel_regularizer": keras.regularizers.L2(args.decay)}
    outputs = Dense(1, **decay)(Dense(args.hidden, "tanh", **decay)(inputs))
    if args.skip:
        outputs += Dense(1, use_bias=False)(inputs)
    rival, (X, y) = keras.Model(inputs, outputs), model["pairs"]
    rival.set_weights([stack[0] for stack in model["start"].values()])
    rival.compile(keras.optimizers.Adam(args.lr, epsilon=1e-8), "mse")
    rival.fit(X, y, batch_size=len(X), epochs=model["epochs"], verbose=0)
    ours, theirs = forward(model["params"], X)["a2"][0], rival.predict(X, verbose=0)
    print(f"Keras, same start: forecasts differ by {abs(theirs - ours).max():.1e} sd")
    return float(abs(theirs - ours).max())


def print_windows(scores, own):
    """Print the scores of every model, window by window."""
    for i, (title, table) in enumerate(scores.items()):
        print(f"\n{title:15}" + "".join(f"{key.upper():>8}" for key in SCORES))
        for who, values in table.items():
            print(f"{who:15}" + "".join(f"{values[k]['mean']:8.4g}" for k in SCORES)
                  + f" +- {values['arv']['sd']:.3f}" * (who == "network"))
        ours, line = (table[who]["arv"]["mean"] for who in ("ensemble", "AR12"))
        reported = [f"{who} {arvs[i]}" for who, arvs in PUBLISHED.items()
                    if own and i < 2]
        print(f"The ensemble {'beats' if ours < line else 'loses to'} AR12: arv "
              f"{ours:.3f} against {line:.3f}"
              + f" (reported: {', '.join(reported)})" * bool(reported))


def forecast_a_series(args):
    """Load, choose, train, judge, draw and save."""
    times, x, name, ends = load_data(args, np.random.default_rng(args.seed))
    make_folder(args.out)
    first, own = ends[0], not (args.csv or args.synthetic)
    past, later = x[:first], x[first:]
    args.root &= bool(x.min() >= 0)  # there is no root below zero
    print(f"{name}: {first} values to learn from, {len(later)} for tests")
    if args.select:
        vars(args).update(select(past, vars(args)))
    print(f"{args.seeds} networks {args.window}-{args.hidden}-1, tanh, linear skip "
          f"{args.skip}, square roots {args.root}, decay {args.decay:g}, Adam "
          f"{args.lr:g}, seed {args.seed}\n\nepoch     loss   validation")
    model = fit(past, np.arange(args.window, first), vars(args), verbose=True)
    print(f"Best epoch {model['epochs']}: so long, all {first} values are learnt from")
    rivals, period = fit_rivals(past)
    width = max(args.window, period, *ORDERS)
    pasts = sliding_window_view(x, width)[None, first - width :]  # the last ends with x
    paths = {who: recurse(forecast, pasts, args.horizon)
             for who, forecast in {"network": model["forecast"], **rivals}.items()}
    paths["ensemble"] = paths["network"].mean(axis=0, keepdims=True)
    units = {"mae": abs(np.diff(past)).mean(), "mse": 1535 if own else past.var()}
    scores = {f"{times[a]:.6g}-{times[b - 1]:.6g}":
              {who: score(path[:, a - first : b - first], x[a:b], units)
               for who, path in paths.items()} for a, b in zip(ends, ends[1:])}
    print_windows(scores, own)
    nexts = {who: paths[who][0, :-1, 0] for who in ("ensemble", "AR9")}
    memory = autocorrelation(later - nexts["ensemble"], 10)
    metrics = {"windows": scores, "published_arv": PUBLISHED if own else {},
               "period": period, "epochs_learnt": model["epochs"],
               "residual_autocorrelation": memory, "forecast": paths["ensemble"][0, -1]}
    if args.compare:
        metrics["keras_differs_by"] = compare_with_keras(model, args)
    cuts = [1, first - len(model["pairs"][0]) * 3 // 20, *ends]
    save_results(args, {
        "series": plot_series(times, x, name, cuts),
        "window": plot_window(x, name, args.window),
        "forecasts": plot_forecasts(times[first:], name, later, nexts, memory[0]),
        "horizon": plot_horizon(times, x, name, ends, paths["network"], scores),
    }, metrics)


def main(argv=None):
    """Run the lesson from the command line; return the exit status."""
    return run_safely(forecast_a_series, parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
