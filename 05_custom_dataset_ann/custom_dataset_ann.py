# /// script
# requires-python = ">=3.10"
# dependencies = ["numpy>=2.0", "matplotlib>=3.9", "scikit-learn>=1.5"]
# ///
"""What does it take to get from a CSV file to a network whose answers one can trust?

    table -> X = a[0] (N, D) -> W[1] (D, 16) -> tanh -> a[1] -> W[2] (16, K) -> a[2]

N rows, D inputs, K classes, whose probabilities are a[2]. (5.1): see README.md.

    python custom_dataset_ann.py                          the penguins: 6 seconds
    python custom_dataset_ann.py --csv FILE --target COLUMN --predict NEW.csv
"""

import argparse
import contextlib
import csv
import difflib
import io
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
from matplotlib.colors import to_rgb

# --- Data -----------------------------------------------------------------------------

MAX_WORDS = 30  # inputs for one column of words; rarer words have none


def make_rounds(y, folds, rng):
    """Return row numbers (training, validation, test) for each of ``folds`` rounds."""
    order = rng.permutation(len(y))  # all rows in a random order,
    order = order[np.argsort(y[order], kind="stable")]  # then class after class,
    parts = [order[i::folds] for i in range(folds)]  # then given out like cards
    rounds = []
    for i in range(folds):
        rest = parts[i + 1 :] + parts[:i]  # all parts but part i, which is the test
        rounds.append((np.concatenate(rest[1:]), rest[0], parts[i]))
    return rounds


def learn_encoding(columns, rows):
    """Return {name: (mean, sd) of a column of floats, or the words of another}."""
    encoding = {}
    for name, column in columns.items():
        values = column[rows]
        if column.dtype == float:
            values = values[~np.isnan(values)]  # NaN: missing
            encoding[name] = values.mean(), values.std() or 1.0  # sd 0: all are equal
        else:
            words, counts = np.unique(values, return_counts=True)
            encoding[name] = np.sort(words[np.argsort(-counts)[:MAX_WORDS]])
    return encoding


def encode(columns, encoding, rows):
    """Return these rows of a table as X (N, D)."""
    inputs = []
    for name, known in encoding.items():
        values = columns[name][rows]
        if values.dtype == float:
            mean, sd = known
            x = (values - mean) / sd  # (N,)  (5.1)
            inputs.append(np.where(np.isnan(x), 0.0, x))  # what is missing: the mean
        else:
            for word in known:
                inputs.append(np.where(values == word, 1.0, 0.0))  # (N,)  (5.2)
    return np.stack(inputs, axis=1)  # (N, D)


# --- Model ----------------------------------------------------------------------------


def init_params(sizes, rng):
    """Return random weights W and zero biases b of layers of sizes D, H_1 .. K."""
    W, b = {}, {}
    for k in range(1, len(sizes)):
        sd = math.sqrt(2 / (sizes[k - 1] + sizes[k]))  # (5.3), Glorot & Bengio, 2010
        W[k] = rng.normal(0, sd, (sizes[k - 1], sizes[k]))  # (H_{k-1}, H_k)
        b[k] = np.zeros((1, sizes[k]))
    return W, b


def log_softmax(z):
    """Return log(softmax(z)) along the last axis, exact where softmax underflows."""
    shifted = z - z.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def forward(W, b, X):
    """Return the sums z[k] and the activations a[k] of all layers; a[0] is X (N, D)."""
    z, a, L = {}, {0: X}, len(W)
    for k in range(1, L + 1):
        z[k] = a[k - 1] @ W[k] + b[k]  # (N, H_k)  (5.4)
        if k < L:
            a[k] = np.tanh(z[k])  # (N, H_k)  (5.5)
    a[L] = np.exp(log_softmax(z[L]))  # (N, K)  (5.6)
    if z[L].shape[1] == 1:  # a number to predict: Going further
        a[L] = z[L]  # (N, 1)  (5.22)
    return z, a


# --- Loss and gradients ---------------------------------------------------------------


def loss(z_last, y):
    """Return the loss of the last sums (N, K); y (N, K) holds one-hot rows."""
    if z_last.shape[1] == 1:  # a number to predict, y (N, 1): Going further
        return np.sum((z_last - y) ** 2) / (2 * len(y))  # (5.23)
    return -np.sum(y * log_softmax(z_last)) / len(y)  # (5.7)


def backward(W, z, a, y):
    """Return the slopes dW and db of the loss; z, a: of forward (tanh needs a only)."""
    dz, dW, db, L = {}, {}, {}, len(W)
    dz[L] = (a[L] - y) / len(y)  # (N, K)  (5.10)
    for k in range(L, 0, -1):
        dW[k] = a[k - 1].T @ dz[k]  # (H_{k-1}, H_k)  (5.11)
        db[k] = dz[k].sum(axis=0, keepdims=True)  # (1, H_k)  (5.12)
        if k > 1:
            da = dz[k] @ W[k].T  # (N, H_{k-1})  (5.13)
            dz[k - 1] = da * (1 - a[k - 1] ** 2)  # (N, H_{k-1})  (5.14)
    return dW, db


# --- Training -------------------------------------------------------------------------

MOMENTUM = 0.9  # the share of the last step that the next one keeps, as in 02


def train(W, b, training, validation, args, show=False):
    """Train on (X, y); return W, b of the best epoch, those of the last, the losses."""
    (X, y), (X_val, y_val), L = training, validation, len(W)
    W, b, v_W, v_b = dict(W), dict(b), dict.fromkeys(W, 0.0), dict.fromkeys(b, 0.0)
    history, least = {"training": [], "validation": [], "kept": 0}, np.inf
    z, a = forward(W, b, X)
    for epoch in until_ctrl_c(range(1, args.epochs + 1)):  # range; Ctrl-C ends it
        dW, db = backward(W, z, a, y)
        for k in W:
            v_W[k] = MOMENTUM * v_W[k] - args.lr * dW[k]  # (5.15)
            v_b[k] = MOMENTUM * v_b[k] - args.lr * db[k]
            W[k] = W[k] + v_W[k]
            b[k] = b[k] + v_b[k]
        z, a = forward(W, b, X)
        J, J_val = loss(z[L], y), loss(forward(W, b, X_val)[0][L], y_val)
        history["training"].append(J)
        history["validation"].append(J_val)
        stop_if_diverged(J, epoch)
        if J_val <= least:
            best, least, history["kept"] = (dict(W), dict(b)), J_val, epoch  # copies
        if show and is_progress_epoch(epoch, args.epochs):
            print(f"{epoch:5d}     {J:.4f}       {J_val:.4f}", flush=True)
    return best, (W, b), history


def is_progress_epoch(epoch, epochs):
    """Say whether this epoch is one of the ten or so that print a line."""
    return epoch in (1, epochs) or epoch % max(1, epochs // 10) == 0


def stop_if_diverged(value, epoch):
    """Raise FloatingPointError, with advice, when a loss has exploded."""
    if not abs(value) < 1e9:  # nan, too
        raise FloatingPointError(f"training diverged in epoch {epoch}: the loss is "
                                 f"{value:.3g}; try a smaller --lr")


def fit(table, training, validation, args, rng, show=False):
    """Learn the encoding and a network from the training rows; return both."""
    encoding = learn_encoding(table["columns"], training)
    y, center, scale = table["y"], 0.0, 1.0
    if table["classes"]:
        y = np.eye(table["K"])[y]  # (N, K): row n of it is 1 at class y[n], else 0
    else:  # a number to predict is standardised, too: Going further
        center, scale = y[training].mean(), y[training].std() or 1.0
        y = ((y - center) / scale).reshape(-1, 1)  # (N, 1)
    taught = encode(table["columns"], encoding, training), y[training]
    held_out = encode(table["columns"], encoding, validation), y[validation]
    W, b = init_params([taught[0].shape[1]] + args.hidden + [table["K"]], rng)
    best, last, history = train(W, b, taught, held_out, args, show)
    return {"encoding": encoding, "params": best, "last": last, "history": history,
            "center": center, "scale": scale}


def predict(model, columns, rows):
    """Return the probabilities (N, K), or the numbers (N, 1), for rows of a table."""
    W, b = model["params"]
    z, a = forward(W, b, encode(columns, model["encoding"], rows))
    return a[len(W)] * model["scale"] + model["center"]


def mark(table, answers, rows):
    """Return a mark (N,) for each row's answer: 1 if it is right, else 0."""
    y = table["y"][rows]
    if not table["classes"]:
        return 1 - (answers[:, 0] - y) ** 2 / max(np.var(y), 1e-300)  # (5.24)
    return np.where(answers.argmax(axis=1) == y, 1.0, 0.0)  # (5.16)


def cross_validate(table, rounds, args, rng):
    """Return the answers (N, K) of networks that had not seen the row."""
    answers = np.full((len(table["y"]), table["K"]), math.nan)
    for training, validation, test in rounds:
        model = fit(table, training, validation, args, rng)
        answers[test] = predict(model, table["columns"], test)
    return answers


def rate_classes(y, guess, K):
    """Return the confusion matrix (K, K), precision (K,) and recall (K,)."""
    counts = np.zeros((K, K), dtype=int)
    for truth, answer in zip(y, guess):
        counts[truth, answer] += 1  # row: the true class; column: the class answered
    right = counts.diagonal()  # (K,)
    precision = right / np.maximum(counts.sum(axis=0), 1)  # (5.17); 0 if never answered
    recall = right / np.maximum(counts.sum(axis=1), 1)  # (5.18)
    return counts, precision, recall


def paired_difference(ours, theirs):
    """Return the mean of ours - theirs, marks of the same rows, and its error."""
    d = ours - theirs  # (N,)
    return d.mean(), d.std() / math.sqrt(len(d))  # (5.19), (5.20)


# ======================================================================================
# The lesson ends here. What follows repeats it, measures, draws and reads files.
# ======================================================================================


# --- Going further --------------------------------------------------------------------

TOWN_EPOCHS = (20, 60, 200, 600)  # a factor of about three each


def rival_answers(table, rows, test):
    """Return {name: answers (N, K)} of two models without hidden units."""
    from sklearn.linear_model import LogisticRegression, Ridge
    encoding, y = learn_encoding(table["columns"], rows), table["y"][rows]
    X, X_test = (encode(table["columns"], encoding, part) for part in (rows, test))
    linear, simplest = np.zeros((2, len(test), table["K"]))
    if table["classes"] is None:
        linear[:, 0], simplest[:] = Ridge().fit(X, y).predict(X_test), y.mean()
    else:
        simplest[:, np.bincount(y).argmax()] = 1  # the commonest class for every row
        if len({*y}) > 1:
            model = LogisticRegression(max_iter=1000).fit(X, y)
            linear[:, model.classes_] = model.predict_proba(X_test)
    return {"linear": linear if linear.any() else simplest, "simplest": simplest}


def judge_by_folds(table, rounds, args, rng):
    """Return {model: answers (N, K)} by networks and rivals that had not seen a row."""
    answers = {"network": cross_validate(table, rounds, args, rng)}
    for known, held, test in rounds:  # rivals learn from validation rows, too
        for name, a in rival_answers(table, np.append(known, held), test).items():
            answers.setdefault(name, np.zeros_like(answers["network"]))[test] = a
    words = {name: np.unique(column, return_inverse=True)[1].astype(float)
             for name, column in table["columns"].items() if column.dtype != float}
    if words:  # numbered by the alphabet: label encoding
        numbered = table | {"columns": table["columns"] | words}
        answers["numbered"] = cross_validate(numbered, rounds, args, rng)
    return answers


def shuffle_columns(table, model, rows, rng):
    """Return what shuffling each column costs on these rows, the dearest first."""
    rows = np.tile(rows, max(1, 60 // len(table["columns"])))  # penguins: ten times
    part, whole = {n: c[rows] for n, c in table["columns"].items()}, slice(None)
    right, costs = mark(table, predict(model, part, whole), rows), {}
    for name in [*part][:100]:  # a hundred columns take seconds
        a = predict(model, part | {name: rng.permutation(part[name])}, whole)
        costs[name] = np.mean(right - mark(table, a, rows))  # (5.21)
    return dict(sorted(costs.items(), key=lambda item: -item[1]))


def learn_towns(args, draws=10):
    """Return {encoding: shares learnt (epochs, draws)}, y (26,), a curve (251,)."""
    rows, shares = np.arange(26), {}
    towns = {"one-hot": rows.astype(str).astype(object), "numbered": rows.astype(float)}
    for key, town in towns.items():
        shares[key] = np.full((len(TOWN_EPOCHS), draws), math.nan)
        for i, draw in np.ndindex(shares[key].shape):
            rng = np.random.default_rng([args.seed, draw])
            y = rng.permutation(26) % 2  # half of the towns belong to class 1
            table = {"columns": {"town": town}, "y": y, "classes": "01", "K": 2}
            task = argparse.Namespace(epochs=TOWN_EPOCHS[i], lr=0.1, hidden=[16])
            model = fit(table, rows, rows, task, rng)
            answers = predict(model, table["columns"], rows)
            shares[key][i, draw] = mark(table, answers, rows).mean()
    curve = predict(model, {"town": np.linspace(0, 25, 251)}, slice(None))[:, 1]
    return {} if CTRL_C else shares, y, curve  # after Ctrl-C: not whole


# --- Figures --------------------------------------------------------------------------

STYLE = {"axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False,
         "axes.titlelocation": "left", "axes.titlesize": 11, "axes.titleweight": "bold"}
CLASS_COLOURS = ["#0072B2", "#E69F00", "#009E73", "#CC79A7",
                 "#56B4E9", "#D55E00", "#F0E442", "#000000"]  # Okabe & Ito
JOBS = {"training": "#56B4E9", "validation": "#D55E00", "test": "#009E73"}


def plain(text):
    """Return a name for a picture: 30 characters at most, a dollar sign as it is."""
    return text[:30].replace("$", r"\$")


def plot_parts(rounds):
    """Draw which rows have which job, in each round of the folds."""
    fig, ax = plt.subplots(figsize=(8, 5), layout="constrained")
    place = np.argsort(np.concatenate([test for *_, test in rounds]))  # part by part
    for i, parts in enumerate(rounds, 1):
        for rows, c in zip(parts, JOBS.values()):
            ax.plot(place[rows], 0 * rows + i, "|", c=c, mew=1.6, ms=200 / len(rounds))
    fig.legend(ax.bar([9] * 3, 0, color=JOBS.values()), JOBS, loc="outside right")
    ax.set(xlabel="row, part by part", ylabel="round", ylim=(len(rounds) + 0.7, 0.3),
           yticks=range(1, len(rounds) + 1), title="Each row is a test row once")
    return fig


def plot_overfitting(model, two, parts):
    """Draw both losses by epoch; of a network on two columns, what it answers where."""
    fig, axs = plt.subplot_mosaic("AA;BC" if two else "AA", layout="constrained",
                                  figsize=(8, 7.5 if two else 4))
    history, kept, ax = model["history"], model["history"]["kept"], axs["A"]
    epochs = np.arange(len(history["training"])) + 1
    for key, n, y in zip(JOBS, map(len, parts), (0.04, 0.6)):
        ax.semilogx(epochs, history[key], "-o", c=JOBS[key], markevery=[kept - 1])
        ax.text(1.01, y, f"{key},\n{n} rows", c=JOBS[key], transform=ax.transAxes)
    ax.xaxis.set_major_formatter("{x:,.0f}")  # 1,000 for 10^3
    ax.set(xlabel="epoch", ylabel="loss", xlim=(1, epochs[-1] + 1),
           ylim=(0, 4 * min(history["validation"]) or 1), title=f"Epoch {kept} "
           "is kept: its loss on validation rows is the lowest")
    if not two:
        return fig
    (name_u, u), (name_v, v) = two["columns"].items()
    ends = ((np.nanmin(c), np.nanmax(c)) for c in (u, v))
    sides = [np.linspace(1.04 * p - 0.04 * q, 1.04 * q - 0.04 * p, 99) for p, q in ends]
    grid = dict(zip(two["columns"], map(np.ravel, np.meshgrid(*sides))))
    colours = np.array([to_rgb(c) for c in CLASS_COLOURS[: two["K"]]])
    for key, which, n in ("B", "params", kept), ("C", "last", epochs[-1]):
        model = model | {"params": model[which]}
        pale = 0.6 + 0.4 * predict(model, grid, slice(None)) @ colours  # mixed: doubt
        axs[key].pcolormesh(*sides, pale.reshape(99, 99, 3))
        for rows, s in zip(parts, (50, 16)):
            axs[key].scatter(u[rows], v[rows], s, colours[two["y"][rows]], ec="k", lw=1)
        at = rows[mark(two, predict(model, two["columns"], rows), rows) == 0]
        ring = axs[key].scatter(u[at], v[at], 120, "none", ec="red", lw=1.5)
        axs[key].set(xlabel=plain(name_u), ylabel=plain(name_v) * (key == "B"),
                     title=f"Epoch {n:,}: {len(at)} of {len(rows)} wrong")
    marks = [plt.Rectangle((0, 0), 1, 1, color=c) for c in colours] + [ring]
    names = [plain(n)[:15] for n in two["classes"]] + ["validation row (small), wrong"]
    fig.legend(marks, names, ncols=4, loc="outside lower left")
    return fig


def plot_confusion(table, counts, precision, recall):
    """Draw which class was taken for which, with precision and recall at the edges."""
    K, share = len(counts), counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    fig, ax = plt.subplots(figsize=(8, max(4.5, 1.5 + K / 3)), layout="constrained")
    ax.imshow(np.where(counts > 0, share, np.nan), vmin=-1, vmax=1, aspect="auto")
    for (i, j), count in np.ndenumerate(counts if K < 30 else counts[:0]):
        ax.text(j, i, count or "", ha="center", va="center")
    names = [plain(name)[:15] for name in table["classes"]]
    for axis, word, i, shares in ((ax.xaxis, "precision", 0, precision),
                                  (ax.yaxis, "recall", 1, recall)):
        axis.set_ticks(range(K), map(f"{{}}\n{word}\n{{}} of {{}}, {{:.1%}}".format,
                       names, counts.diagonal(), counts.sum(axis=i), shares))
    ax.tick_params("x", rotation=0 if K < 6 else 90)
    ax.set(xlabel="class answered", ylabel=f"true {plain(table['target'])}", title=
           f"{counts.sum() - counts.trace()} of {counts.sum()} rows in a wrong class")
    return fig


def plot_towns(shares, y, curve):
    """Draw what one numbered network answers, and how many towns are learnt."""
    fig, (top, ax) = plt.subplots(2, figsize=(8, 7), layout="constrained")
    wrong = (curve[::10] > 0.5) != y
    top.plot(np.linspace(0, 25, 251), curve, color=CLASS_COLOURS[1])
    top.axhline(0.5, color="0.6", linewidth=1)
    top.scatter(range(26), y, 40 + 60 * wrong, np.where(wrong, "red", "black"))
    top.set(xlabel="number of the town", ylabel="probability of class 1",
            yticks=(0, 0.5, 1), title=f"Numbered: {wrong.sum()} of 26 are wrong (red)")
    for (key, share), colour in zip(shares.items(), CLASS_COLOURS):
        ax.plot(100 * share, color=colour, linewidth=1, alpha=0.25)  # each draw
        ax.plot(100 * share.mean(axis=1), "o-", color=colour)
        ax.text(3.1, 100 * share[-1].mean(), f"{key}:\nmean", color=colour, va="center")
    ax.set(xlabel="epochs", xticks=range(4), xticklabels=TOWN_EPOCHS, ylim=(40, 103),
           ylabel="towns learnt, %", title="Only one-hot learns all (10 draws)")
    return fig


# --- Files and command line -----------------------------------------------------------

PENGUINS = Path(__file__).resolve().parent / "penguins.csv"
THOUSAND = re.compile(r"[+-]?\d{1,3}[.,]\d{3}")  # 1.199 may be 1199, too
MISSING = ["", "na", "n/a", "#n/a", "nan", "null", "none", "?", "-", "."]
DATE = re.compile(r"(19|20)\d\d[01]\d[0-3]\d|\d{1,4}[-/.]\d\d?[-/.]\d{1,4}([ T].*)?")
NUMBER = re.compile(r"[+-]?(\d{1,30}(\.\d*)?|\.\d+)(e\+?\d\d?|e-\d+)?", re.IGNORECASE)
UNIT = re.compile(r"^([+-]?)\s?[$\u20ac\u00a3]\s?|\s?[%$\u20ac\u00a3]$")  # money, %
# The comma is decimal if a column holds 12,5 or 0,125 or 1.234,567 or 1.234.567.
COMMA = re.compile(r"[+-]?(\d+,(?!\d{3}$)\d+|0,\d+|\d+(\.\d{3})+,\d+|\d+(\.\d{3}){2,})")
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


def read_table(path, most, rng):
    """Return the names of the columns and {number: row}, at most so many at random."""
    names, *rows = read_rows(path)
    names = [name or f"column {i}" for i, name in enumerate(names, 1)]
    no_names = np.isfinite(read_numbers(names, ".")).any() or len({*names}) < len(names)
    if no_names or len(names) < 2 or not rows:
        raise InputError(f"{path} must begin with two names or more, all different, "
                         f"split by , ; | or tab, and have rows; it has {names}"[:300])
    chosen = range(len(rows))
    if len(rows) > most:
        print(f"{most:,} of {len(rows):,} rows, at random (--max-rows)")
        chosen = sorted(rng.permutation(len(rows))[:most])
    return names, {int(n) + 1: rows[n] for n in chosen}


def choose_decimal(texts, comma):
    """Return the decimal mark of a column and, where it may be another, a remark.

    comma says that another column of the file shows a decimal comma. A column in which
    every mark stands before three digits follows it: then 1.199 is 1199.
    """
    decimal, marked = find_decimal(texts), [t for t in texts if "," in t or "." in t]
    doubt = bool(marked) and all(map(THOUSAND.fullmatch, marked))
    if not doubt and not any("," in text for text in marked):
        return decimal, ""
    decimal = "," if doubt and comma else decimal
    value = read_numbers(marked[:1], decimal)[0]
    return decimal, f"; the decimal mark is {decimal!r}, so {marked[0]} is {value:.9g}"


def judge_column(name, texts, args, comma=False):
    """Return a column as floats, as words or, left out, as None; and a remark."""
    gaps = np.array([text.lower() in args.missing for text in texts])
    filled = texts[~gaps]
    decimal, mark = choose_decimal(filled, comma)
    numbers = np.where(gaps, math.nan, read_numbers(texts, decimal))
    known = numbers[np.isfinite(numbers)]
    is_number = len(known) >= 0.9 * max(1, len(filled)) and name not in args.categorical
    distinct, doubt = len({*known} if is_number else {*texts}), ""
    if name in args.drop or distinct < 2:
        return None, "left out: " + ("--drop" if name in args.drop else "one value")
    digits = {len(text) for text in filled}  # of 15634602: eight, in every row
    counts = is_number and np.all(known % 1 == 0) and (
        np.ptp(known) < 2 * len(texts) or len(digits) == 1 and min(digits) > 5)
    if sum(1 for text in filled if DATE.fullmatch(text)) > 0.9 * len(filled):
        doubt = "a date: write its year, month or weekday as columns"
    elif distinct > max(20, 0.9 * len(filled)) and (counts or not is_number):
        doubt = "like an ID or a text, another one in nearly every row"
    if doubt and name not in args.keep + args.categorical:
        return None, f"left out: {doubt} (--keep takes it)"
    odd = texts[np.isnan(numbers) if is_number else gaps].tolist()
    listed = ", ".join(f"{word[:20] or 'empty'} {odd.count(word)}"
                       for word in sorted({*odd})[:5])
    if not is_number:
        return texts, f"{distinct} words, one-hot" + f"; one is {listed}" * bool(odd)
    return numbers, "numbers, standardised" + f"; missing: {listed}" * bool(odd) + mark


def judge_target(texts, args, comma=False):
    """Return y (N,), NaN where a row has none; the classes or None; a remark."""
    often = (0.1 if args.missing == MISSING else 1) * len(texts)  # more often: a class
    gaps = {word for word in {*texts} if word == "" or
            word.lower() in args.missing and np.sum(texts == word) <= often}
    labels = np.array(["" if text in gaps else text for text in texts], dtype=object)
    decimal, mark = choose_decimal(labels, comma)
    numbers = read_numbers(labels, decimal)
    known = numbers[np.isfinite(numbers)]
    all_numbers = len(known) == np.sum(labels != "")
    many = all_numbers and len({*known}) > 20 and args.target not in args.categorical
    if args.regression or many:
        return numbers, None, f"{len(known):,} numbers: regression{mark}"
    if all_numbers:  # 1 and 1.0 are one class
        labels = np.array([f"{v:.15g}" if v == v else "" for v in numbers], object)
    words, counts = np.unique(labels[labels != ""], return_counts=True)
    words, counts = words[counts >= args.drop_rare], counts[counts >= args.drop_rare]
    places = {word: k for k, word in enumerate(words)}
    sizes = ", ".join(f"{word[:20]} {n}" for word, n in zip(words, counts)) or "none"
    remark = (f"classes: {sizes[:200]}" + "; --regression: numbers" * bool(all_numbers)
              + "; --drop-rare 8 leaves out the rare" * bool(np.any(counts < 8)))
    return np.array([places.get(t, math.nan) for t in labels]), [*places], remark


def load_data(args, rng):
    """Return the table as a dict; rows without a label come last in its columns."""
    (names, rows), target = read_table(args.csv, args.max_rows, rng), args.target
    for name in [target, *args.drop, *args.categorical, *args.keep]:
        if name not in names:
            near = difflib.get_close_matches(name, names, 3, 0.5) or names[:9]
            near = f"--target with one of {near}" if name == target else near
            raise InputError(f"no column is named {name[:40]!r}; try {near}"[:300])
    texts = dict(zip(names, np.array([*rows.values()], dtype=object).T))
    comma = any(find_decimal(column) == "," for column in texts.values())
    y, classes, remark = judge_target(texts[target], args, comma)
    order = np.argsort(np.isnan(y), kind="stable")  # rows without a label come last
    places = [(args.csv.name, n) for n in np.array([*rows])[order]]
    y = y[np.isfinite(y)].astype(float if classes is None else int)
    if len(y) < 20 or np.ptp(y) == 0 or classes and len(classes) > 100:
        raise InputError(f"the target {target!r} must hold several numbers or 2 to "
                         f"100 classes in 20 rows; it has {len(y)} rows, {remark[:99]}")
    print(f"{args.csv.name}: {len(y):,} rows with a label, {len(rows) - len(y):,} not\n"
          f"  {target[:24]:24}  to predict: {remark}")
    columns, size = {}, 2 * sum(args.hidden)  # numbers that one row takes in training
    for name in [name for name in names if name != target]:
        column, remark = judge_column(name, texts[name][order], args, comma)
        print(f"  {name[:24]:24}  {remark}")
        if column is not None:
            columns[name] = column
            size += 1 if column.dtype == float else min(MAX_WORDS, len({*column}))
    if not columns or size * len(rows) > 5e7:  # 400 MB
        raise InputError(f"{len(columns)} columns are left, {size:,} numbers in each of"
                         f" {len(rows):,} rows: see --keep, --drop, --max-rows")
    table = {"columns": columns, "y": y, "classes": classes, "K": len(classes or "1"),
             "target": target, "places": places[len(y):]}
    if args.predict:
        add_rows(table, args, rng)
    return table


def add_rows(table, args, rng):
    """Append the rows of --predict to the columns; say what is not known in them."""
    names, rows = read_table(args.predict, math.inf, rng)
    texts = dict(zip(names, np.array([*rows.values()], dtype=object).T))
    comma = any(find_decimal(column) == "," for column in texts.values())
    absent = [name for name in table["columns"] if name not in texts]
    if len(absent) == len(table["columns"]):
        raise InputError(f"{args.predict} has none of the columns {absent}"[:300])
    print(f"{args.predict.name}: {len(rows):,} rows to answer; it lacks "
          f"{', '.join(absent)[:99] or 'no column'}")
    for name, column in table["columns"].items():
        new = texts.get(name, np.full(len(rows), "", dtype=object))
        gaps, remark = np.array([text.lower() in args.missing for text in new]), ""
        odd = ~np.isin(new, column) if column.dtype != float else gaps
        if column.dtype == float:
            decimal, remark = choose_decimal(new[~gaps], comma)
            new = np.where(gaps, math.nan, read_numbers(new, decimal))
            odd = np.isnan(new)
        strange = sorted({*texts[name][odd & ~gaps]}) if name in texts else []
        if strange or remark:
            remark += f"; not known: {', '.join(strange)[:99]}" * bool(strange)
            print(f"  {name[:24]:24}  {remark[2:]}")
        table["columns"][name] = np.append(column, new)
    table["places"] += [(args.predict.name, n) for n in rows]


def name_leaks(table, training, validation):
    """Name each column that alone tells the target of 99 % of the validation rows."""
    for name, column in table["columns"].items():
        one = table | {"columns": {name: column}}
        rivals = rival_answers(one, training[:: 1 + len(training) // 1000], validation)
        linear, simplest = (mark(one, a, validation).mean() for a in rivals.values())
        if linear > 0.99 and simplest < 0.9:
            print(f"{name[:40]} alone tells {table['target'][:40]}. Is it known before "
                  "that is? If not, --drop it.")


def write_answers(table, model):
    """Return a CSV file with answers and probabilities for the rows without a label."""
    rows = np.arange(len(table["y"]), len(next(iter(table["columns"].values()))))
    a, classes = predict(model, table["columns"], rows), table["classes"]
    best = a[:, 0] if classes is None else np.array(classes)[a.argmax(axis=1)]
    head = ["file", "row", f"predicted {table['target']}"] + (classes or ["number"])
    file, places = io.StringIO(newline=""), zip(*table["places"])
    csv.writer(file).writerows([head, *zip(*places, best, *a.round(4).T)])
    return file.getvalue().encode()


def parse_args(argv=None):
    """Return the settings on the command line."""
    parser = Parser()
    flag = parser.add_argument
    flag("--csv", type=Path, default=PENGUINS, metavar="FILE", help="a CSV file")
    flag("--target", default="species", metavar="COLUMN", help="what to predict")
    for name, text in (("--drop", "to leave out"), ("--keep", "to take: not an ID"),
                       ("--categorical", "of numbers that are only names")):
        flag(name, nargs="+", default=[], metavar="COLUMN", help=f"columns {text}")
    flag("--missing", nargs="+", default=MISSING, metavar="TEXT", type=str.lower,
         help="what means a missing number or label (default: NA, none, ? and others)")
    flag("--regression", action="store_true", help="the target is a number")
    flag("--predict", type=Path, metavar="FILE", help="rows to answer: predictions.csv")
    flag("--hidden", nargs="*", type=number(int, 1, 500), default=[16], metavar="H",
         help="sizes of the hidden layers (default: 16); none: a linear model")
    for name, kind, low, high, default, text in (
            ("--drop-rare", int, 0, 10**6, 0, "leave out classes with fewer rows"),
            ("--epochs", int, 1, 10_000, 200, "steps, with all training rows in each"),
            ("--lr", float, 1e-9, 1e9, 0.1, "learning rate"),
            ("--folds", int, 0, 50, 10, "of the cross-validation; below 3: none"),
            ("--max-rows", int, 50, 10**6, 10_000, "taken at random of a longer file")):
        flag(name, type=number(kind, low, high), default=default,
             help=f"{text} (default: {default:,})")
    args = parser.parse_args(argv)
    args.drop = args.drop or ["year"] * (args.csv == PENGUINS)  # no trait of a penguin
    if args.target in args.drop or args.regression and args.target in args.categorical:
        parser.error("--target is in --drop, or in --categorical with --regression")
    return args


def print_scores(table, answers, rows, place):
    """Print and return {model: (score, the network's lead over it, its error)}."""
    measure, form, worth = ("R squared", ".4f", "") if not table["classes"] else (
        "accuracy", ".2%", f", {100 / len(rows):.2f} points each")
    print(f"\n{measure} on {len(rows):,} {place}{worth}")
    ours, scores = mark(table, answers["network"], rows), {}
    for name, a in answers.items():
        theirs, line = mark(table, a, rows), ""
        lead, error = paired_difference(ours, theirs)
        scores[name] = theirs.mean(), lead, error
        if name != "network":
            line = f"   network {100 * lead:+.2f} +- {100 * error:.2f} points: "
            line += "WORSE" if lead < -2 * error else (
                "better" if lead > 2 * error else "no difference")  # (5.20)
        print(f"  {name:8}   {theirs.mean():{form}}{line}")
    return scores


def learn_a_table(args):
    """Load, train, judge, draw and save."""
    rng = np.random.default_rng(args.seed)
    table = load_data(args, rng)
    columns, y, classes = table["columns"], table["y"], table["classes"]
    training, validation, test = make_rounds(y, 5, rng)[0]
    name_leaks(table, training, validation)
    print(f"\n{len(training):,} rows for training, {len(validation):,} for validation, "
          f"{len(test):,} for the test\nepoch   training   validation   (losses)")
    model = fit(table, training, validation, args, rng, show=True)
    costs = shuffle_columns(table, model, validation, rng)
    print("Shuffled on validation rows, a column costs, in points: " + ", ".join(
        f"{name[:30]} {100 * cost:.1f}" for name, cost in [*costs.items()][:8]))
    a = {"network": predict(model, columns, test),
         **rival_answers(table, np.append(training, validation), test)}
    metrics = {"test": print_scores(table, a, test, "test rows"), "importance": costs,
               "kept_epoch": model["history"]["kept"], "rows": [len(y), len(test)]}
    others = {"predictions.csv": write_answers(table, model)} if args.predict else {}
    rounds, two = make_rounds(y, args.folds, rng) if args.folds > 2 else [], None
    figures = {"parts": plot_parts(rounds)} if rounds else {}
    in_folds = judge_by_folds(table, rounds, args, rng) if rounds else None
    if rounds and not CTRL_C:
        a, test = in_folds, np.arange(len(y))
        metrics["cv"] = print_scores(table, a, test, f"rows in {args.folds} folds")
    numbers = [name for name in costs if columns[name].dtype == float][:2]
    if classes:
        rates = rate_classes(y[test], a["network"].argmax(axis=1), table["K"])
        metrics |= dict(zip(("confusion", "precision", "recall"), rates))
        figures["confusion"] = plot_confusion(table, *rates)
    if 1 < table["K"] <= len(CLASS_COLOURS) and len(numbers) == 2:
        two = table | {"columns": {name: columns[name] for name in numbers}}
        longer = argparse.Namespace(**{**vars(args), "epochs": 20 * args.epochs})
        known = np.append(training, validation)  # all but the test rows, in two halves
        training, validation = known[1::2], known[::2]
        model = fit(two, training, validation, longer, rng)
    for key in ("training", "validation"):  # the least and the last loss
        metrics[f"{key}_loss"] = min(model["history"][key]), model["history"][key][-1]
    figures["overfitting"] = plot_overfitting(model, two, (training, validation))
    towns, *curve = learn_towns(args)
    figures |= {"towns": plot_towns(towns, *curve)} if towns else {}
    metrics["towns"] = {name: [share.min(axis=1), share.mean(axis=1), share.max(axis=1)]
                        for name, share in towns.items()}
    if CTRL_C:
        print("Missing:", "folds, " * bool(rounds and "cv" not in metrics) + "towns.")
    save_results(args, figures, metrics, others)


def main(argv=None):
    """Run the lesson from the command line; return the exit status."""
    return run_safely(learn_a_table, parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
