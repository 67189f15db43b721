# /// script
# requires-python = ">=3.10"
# dependencies = ["numpy>=2.0", "matplotlib>=3.9", "scikit-learn>=1.5"]
# ///
"""Does a network learn more if random units are switched off in each training step?

    X (N, D) -> W1 (D, H) -> ReLU, mask -> a1 (N, H)
             -> W2 (H, K) -> softmax -> a2 (N, K)

N images, D = 64 pixels, H hidden units, K = 10 digits. The mask holds 0 (unit off) or
1 / (1 - q) (unit on); q is the drop rate. (9.1) is the number of an equation in
README.md.

    python dropout.py                       ten pairs of networks: 9 seconds
    python dropout.py --drop 0.8            switch off four units of five
    python dropout.py --hidden 16           a narrow network
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

# --- Data -----------------------------------------------------------------------------


def load_data(size, runs, rng):
    """Return {"training", "validation", "test"}: X (N, 64) and one-hot y (N, 10).

    Every second of the 1,797 images is for the test, in all S = ``runs`` alike. Each
    run shuffles the others for itself: the first ``size`` are to learn from, an array
    (S, size, 64), the last 298 are for validation.
    """
    from sklearn.datasets import load_digits

    X, digits = load_digits(return_X_y=True)
    X, y = X / 16, np.eye(10)[digits]  # ink from 0 to 1; row k of np.eye is one-hot k
    pool = np.arange(0, len(X), 2)
    rows = np.array([rng.permutation(pool) for _ in range(runs)])  # (S, 899)
    parts = {"training": rows[:, :size], "validation": rows[:, -298:],
             "test": np.arange(1, len(X), 2)}
    return {name: (X[n], y[n]) for name, n in parts.items()}


# --- Model ----------------------------------------------------------------------------


def init_params(n_hidden, runs, rng):
    """Return He's random weights and zero biases of S = ``runs`` networks 64-H-10."""
    W1 = rng.normal(scale=math.sqrt(2 / 64), size=(runs, 64, n_hidden))
    W2 = rng.normal(scale=math.sqrt(2 / n_hidden), size=(runs, n_hidden, 10))
    return {"W1": W1, "b1": np.zeros((runs, 1, n_hidden)),
            "W2": W2, "b2": np.zeros((runs, 1, 10))}


def draw_mask(shape, drop, rng):
    """Return a mask of this shape: 0 with probability ``drop``, else 1 / (1 - drop)."""
    on = rng.random(shape) >= drop  # True with probability 1 - drop
    return on / (1 - drop)  # (9.1)


def softmax(z):
    """Return exp(z) / sum(exp(z)) along the last axis; the shift prevents overflow."""
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def forward(params, X, mask):
    """Return a dict of z1, a1 (N, H), z2, a2 (N, K), for X (N, D) and a mask (N, H).

    A mask of 1.0 lets every unit pass: that is evaluation, and nothing is random.
    """
    z1 = X @ params["W1"] + params["b1"]  # (N, H)
    a1 = np.maximum(0, z1) * mask  # (N, H)  (9.2)
    z2 = a1 @ params["W2"] + params["b2"]  # (N, K)
    a2 = softmax(z2)  # (N, K)
    return {"z1": z1, "a1": a1, "z2": z2, "a2": a2}


# --- Loss and gradients ---------------------------------------------------------------


def log_softmax(z):
    """Return log(softmax(z)) along the last axis, exact where softmax underflows."""
    shifted = z - z.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def loss(z2, y):
    """Return the cross-entropy of the sums z2 (N, K) for one-hot y (N, K), a mean."""
    # Axes counted from the end: a stack of networks has one loss for each network.
    return -np.sum(y * log_softmax(z2), axis=(-2, -1)) / y.shape[-2]  # (9.4)


def backward(params, X, cache, mask, y):
    """Return the slopes, a dict like params, under the mask that ``forward`` had."""
    dz2 = (cache["a2"] - y) / y.shape[-2]  # (N, K)  (9.5)
    dW2 = cache["a1"].mT @ dz2  # (H, K)  .mT transposes each matrix of a stack
    db2 = dz2.sum(axis=-2, keepdims=True)  # (1, K)
    da1 = dz2 @ params["W2"].mT  # (N, H)
    dz1 = da1 * mask * (cache["z1"] > 0)  # (N, H)  (9.6)
    dW1 = X.mT @ dz1  # (D, H)
    db1 = dz1.sum(axis=-2, keepdims=True)  # (1, H)
    return {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}


# --- Training -------------------------------------------------------------------------


def accuracies(params, X, y):
    """Return the share of images that are read rightly, without a mask: one a run."""
    a2 = forward(params, X, 1.0)["a2"]
    return np.mean(a2.argmax(axis=-1) == y.argmax(axis=-1), axis=-1)


def train(params, X, y, drop, epochs, lr, rng, l2=0.0):
    """Descend on all images at once, under a new mask in each epoch.

    Returns the params and their path: (epoch, params) at the start, on the way (every
    ten epochs, or more) and at the end. ``l2`` is used in Going further only (9.9).
    """
    params = dict(params)  # a copy: the caller keeps the start
    path = [(0, dict(params))]
    shape = X.shape[:-1] + (params["W1"].shape[-1],)  # (N, H): each image its own mask
    for epoch in until_ctrl_c(range(1, epochs + 1)):  # range; Ctrl-C ends it
        mask = draw_mask(shape, drop, rng) if drop > 0 else 1.0
        cache = forward(params, X, mask)
        grads = backward(params, X, cache, mask, y)
        grads["W1"] = grads["W1"] + l2 * params["W1"]
        grads["W2"] = grads["W2"] + l2 * params["W2"]
        for name in params:
            params[name] = params[name] - lr * grads[name]
        if epoch % max(10, epochs // 20) == 0 or epoch == epochs:
            stop_if_diverged(loss(cache["z2"], y).sum(), epoch)
            path.append((epoch, dict(params)))
    return params, path


def stop_if_diverged(value, epoch):
    """Raise FloatingPointError, with advice, when a loss has exploded."""
    if not abs(value) < 1e9:  # nan, too
        raise FloatingPointError(f"training diverged in epoch {epoch}: the loss is "
                                 f"{value:.3g}; try a smaller --lr")


# ======================================================================================
# The lesson ends here. What follows repeats it, measures, draws and reads files.
# ======================================================================================


# --- Going further --------------------------------------------------------------------

RATES = (0.2, 0.5, 0.8)  # drop rates that are compared on validation images
PENALTIES = (0.001, 0.003, 0.01)  # strengths of the rival L2, about threefold steps
MASKS = 30  # thinned networks whose answers are averaged


def mean_and_error(values):
    """Return the mean of independent values and its standard error; ddof=1: (9.7)."""
    return np.mean(values), np.std(values, ddof=1) / math.sqrt(len(values))  # (9.8)


def stop_early(path, X, y):
    """Return, for each run, the params with the least loss on X, and their epochs."""
    losses = [loss(forward(p, X, 1.0)["z2"], y) for _, p in path]  # (T, S)
    best = np.argmin(losses, axis=0)  # (S,)
    params = {name: np.array([path[t][1][name][s] for s, t in enumerate(best)])
              for name in path[0][1]}
    return params, [path[t][0] for t in best]


def expected_loss(X, y, beta, drop, rng):
    """Return E |y - (X * mask) beta|^2 over all masks, by formula, and sampled."""
    on = np.indices((2,) * len(beta)).reshape(len(beta), -1).T  # (2^D, D), every mask
    chance = np.prod(np.where(on, 1 - drop, drop), axis=1)  # (2^D,)
    losses = np.sum((y - on / (1 - drop) * beta @ X.T) ** 2, axis=1)  # (2^D,)
    penalty = drop / (1 - drop) * np.sum(X**2 * beta**2)
    ridge = np.sum((y - X @ beta) ** 2) + penalty  # (9.11)
    masks = draw_mask((2000,) + X.shape, drop, rng)
    sampled = mean_and_error(np.sum((y - (X * masks) @ beta) ** 2, axis=1))
    return chance @ losses, ridge, *sampled


def mean_vote(params, X, drop, count, rng):
    """Return mean probabilities (S, N, K) of ``count`` thinned networks, and one's."""
    shape = params["W1"].shape[:-2] + (1, params["W1"].shape[-1])  # one mask for all X
    votes = [forward(params, X, draw_mask(shape, drop, rng))["a2"]
             for _ in range(count)]
    return np.mean(votes, axis=0), votes[0]  # (9.12)


def doubt_finds_mistakes(a2, y):
    """Return, for each run, how well a low largest probability points at mistakes.

    It is the share of pairs, a mistake and a right answer, in which the mistake is the
    less certain one (the area under the ROC curve): 0.5 is chance, 1 is perfect.
    """
    from sklearn.metrics import roc_auc_score

    wrong = a2.argmax(axis=-1) != y.argmax(axis=-1)  # (S, N)
    return np.array([roc_auc_score(w, -a.max(axis=-1)) for w, a in zip(wrong, a2)])


# --- Figures --------------------------------------------------------------------------

TRAIN_COLOUR, VALIDATION_COLOUR, TEST_COLOUR = "#56B4E9", "#D55E00", "#009E73"
STYLE = {"axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False,
         "axes.titlelocation": "left", "axes.titlesize": 11, "axes.titleweight": "bold"}


def plot_thinned(masks):
    """Draw a small network twice, with the units crossed out that masks (2, 6) drop."""
    fig, axs = plt.subplots(1, 2, figsize=(8, 3.6), layout="constrained")
    for ax, mask, which in zip(axs, masks, ("First", "Second")):
        columns = [np.linspace(low, 1 - low, n)
                   for low, n in ((0.1, 4), (0, 6), (0.2, 3))]
        for unit, value in zip(columns[1], mask):
            for x, others in ((0, columns[0]), (2, columns[2])):
                for other in others:
                    ax.plot([x, 1], [other, unit], linewidth=1, zorder=bool(value),
                            color="#888888" if value else "#EEEEEE")
        for k, column in enumerate(columns):
            ax.scatter([k] * len(column), column, s=330, color="white",
                       edgecolor="#000000", zorder=2)
        for unit, value in zip(columns[1], mask):
            ax.text(1, unit, f"{value:g}" if value else "×", ha="center", va="center",
                    color="#000000" if value else "#D55E00", zorder=3,
                    fontsize=10 if value else 20)
        ax.set(title=f"{which} image: {np.sum(mask == 0)} of 6 units are off",
               xlim=(-0.2, 2.2), xticks=[0, 1, 2], yticks=[],
               xticklabels=["pixels", "hidden units", "digits"])
        ax.spines[:].set_visible(False)
        ax.tick_params(length=0)
    return fig


def plot_pairs(without, with_dropout, drop):
    """Draw the test accuracies of pairs (S,), and their differences with the error."""
    fig, (left, right) = plt.subplots(1, 2, figsize=(8, 4), layout="constrained")
    gains = 100 * (with_dropout - without)
    mean, error = mean_and_error(gains)
    colours = np.array(["#888888", TEST_COLOUR, "#D55E00"])[np.sign(gains).astype(int)]
    for n, colour in enumerate(colours):
        left.plot([0, 1], [100 * without[n], 100 * with_dropout[n]], "o-", color=colour)
    left.set(xticks=[0, 1], xticklabels=["without", f"with dropout {drop:g}"],
             xlim=(-0.3, 1.3), ylabel="test accuracy in %",
             title=f"{np.sum(gains > 0)} of {len(gains)} pairs rise")
    right.axhline(0, color="#000000", linestyle="--")
    order = np.argsort(gains)
    right.scatter(range(1, len(gains) + 1), gains[order], color=colours[order])
    right.errorbar(len(gains) + 2, mean, error, color="#000000", marker="s", capsize=5)
    right.text(len(gains) + 2, mean + error, "mean", ha="center", va="bottom")
    right.set(xlabel="pair, sorted by gain", ylabel="points gained by dropout",
              xlim=(0, len(gains) + 4), xticks=[1, len(gains)],
              title=f"On average {mean:+.2f} ± {error:.2f} points")
    return fig


def plot_curves(rows, drop):
    """Draw training and validation loss by epoch, without dropout and with it."""
    fig, axs = plt.subplots(1, 2, figsize=(8, 4), layout="constrained", sharey=True)
    names = ("without dropout", f"dropout {drop:g}")
    for ax, part, colour in zip(axs, ("training", "validation"),
                                (TRAIN_COLOUR, VALIDATION_COLOUR)):
        ends = []
        for row, name, style in zip(rows, names, ("--", "-")):
            X, y = row["data"][part]
            path = row["path"][len(row["path"]) // 4:]  # the first fall would hide all
            losses = [loss(forward(p, X, 1.0)["z2"], y).mean() for _, p in path]
            ax.plot([epoch for epoch, _ in path], losses, style, color=colour,
                    linewidth=2, label=name)
            ends.append(losses[-1])
        ax.set(xlabel="epoch", title="{} loss ends at {:.3f},\nwith dropout at {:.3f}"
               .format(part.capitalize(), *ends))
        ax.legend()
    axs[0].set(ylim=(0, None), ylabel="mean loss, all units on")
    return fig


def plot_units(rows, drop, rng):
    """Draw when units are on, in the first run, and what taking units away costs."""
    fig, axs = plt.subplots(1, 3, figsize=(9, 5), layout="constrained")
    names, shares = ("without dropout", f"dropout {drop:g}"), (0, 0.2, 0.4, 0.6, 0.8)
    scores = []
    for ax, row, name, colour in zip(axs, rows, names, ("#000000", "#CC79A7")):
        params, (X, y) = row["params"], row["data"]["validation"]
        on = forward(params, X, 1.0)["a1"][0] > 0  # (N, H)
        parts = np.array([on[y[0, :, k] == 1].mean(axis=0) for k in range(10)]).T
        order = np.argsort(-parts.mean(axis=1))  # most often on first
        picture = ax.imshow(parts[order], "Greys", aspect="auto", vmin=0, vmax=1)
        ax.set(xlabel="digit", xticks=range(10), yticks=[],
               title=f"{name}:\n{100 * on.mean():.0f} % of units are on".capitalize())
        scores.append([])
        for share in shares:
            masks = draw_mask((10, *params["b1"].shape), share, rng)  # ten choices
            left = params | {"W2": params["W2"] * masks.mT}  # (10, S, H, K)
            scores[-1].append(100 * np.mean(accuracies(left, X, y)))
        axs[2].plot(shares, scores[-1], "o-", color=colour, label=name)
    axs[0].set_ylabel("hidden units, those most often on first")
    fig.colorbar(picture, ax=list(axs[:2]), location="bottom", shrink=0.7,
                 label="for which share of a digit's images the unit is on")
    axs[2].set(xlabel="share of units taken away", ylabel="\nvalidation accuracy in %",
               title="Without 40 % of the units:\nplain {:.0f} %, dropout "
               "{:.0f} %".format(*(s[2] for s in scores)))
    axs[2].legend()
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


def parse_args(argv=None):
    """Return the settings on the command line."""
    parser = Parser()
    for flag, kind, low, high, default, text in (
            ("--drop", float, 0.01, 0.99, 0.5, "drop rate q of the hidden units"),
            ("--train-size", int, 20, 600, 200, "training images"),
            ("--hidden", int, 2, 512, 128, "hidden units"),
            ("--networks", int, 2, 40, 10, "pairs of networks, side by side"),
            ("--epochs", int, 1, 10_000, 200, "steps, each on all images"),
            ("--lr", float, 1e-9, 1e6, 0.5, "learning rate")):
        parser.add_argument(flag, type=number(kind, low, high), default=default,
                            help=f"{text} (default: %(default)s)")
    return parser.parse_args(argv)


def train_rows(args):
    """Train without dropout, with each rate, and with L2; return {(drop, l2): row}."""
    rows, rates, draw = {}, dict.fromkeys([args.drop, *RATES]), np.random.default_rng
    data = load_data(args.train_size, args.networks, draw([args.seed, 0]))
    print("drop rate     L2   training  validation   points gained on validation")
    for drop, l2 in [(0.0, 0.0), *((q, 0.0) for q in rates),
                     *((0.0, penalty) for penalty in PENALTIES)]:
        start, masks = (draw([args.seed, k]) for k in (1, 2))
        params = init_params(args.hidden, args.networks, start)  # the same in each row
        params, path = train(params, *data["training"], drop, args.epochs, args.lr,
                             masks, l2)
        row = {"data": data, "params": params, "path": path,
               **{part: accuracies(params, *data[part])
                  for part in ("training", "validation")}}
        rows[drop, l2] = row
        gain, error = mean_and_error(
            100 * (row["validation"] - rows[0.0, 0.0]["validation"]))
        print(f"{drop:9g}{l2:7g}  {row['training'].mean():9.2%}  "
              f"{row['validation'].mean():10.2%}   {gain:+10.2f} +- {error:.2f}",
              flush=True)
        if CTRL_C and len(rows) >= 2:
            print("The other rates and L2 are missing.")
            break
    return rows


def judge_on_test(rows, drop):
    """Read the test images, now that all is chosen; print and return the verdict."""
    plain = rows[0.0, 0.0]
    l2 = max((key for key in rows if key[0] == 0.0),
             key=lambda key: rows[key]["validation"].mean())
    early, epochs = stop_early(plain["path"], *plain["data"]["validation"])
    chosen = {"without": plain["params"], "dropout": rows[drop, 0.0]["params"],
              "L2": rows[l2]["params"], "early": early}
    X, y = plain["data"]["test"]
    scores = {name: accuracies(params, X, y) for name, params in chosen.items()}
    metrics = {"l2": l2[1], "early_epochs": float(np.mean(epochs))}
    print("\n          test accuracy, sd   points gained, standard error")
    for name, score in scores.items():
        gain, error = mean_and_error(100 * (score - scores["without"]))
        metrics[name] = {"mean": score.mean(), "sd": score.std(ddof=1), "gain": gain,
                         "least": score.min(), "most": score.max(), "error": error,
                         "training": accuracies(chosen[name],
                                                *plain["data"]["training"]).mean()}
        print(f"{name:9s} {score.mean():7.2%} +- {100 * score.std(ddof=1):.2f} "
              f"{gain:+16.2f} +- {error:.2f}")
    gain, error = metrics["dropout"]["gain"], metrics["dropout"]["error"]
    told = "gains" if gain > 2 * error else "loses" if gain < -2 * error else None
    print(f"Dropout {told} {abs(gain):.2f} points, {abs(gain) / error:.1f} standard "
          "errors." if told else
          f"No difference: {gain:+.2f} points are within two standard errors of 0.")
    if metrics["dropout"]["training"] < 0.99:
        print("With dropout even the training images are not learnt yet: try more "
              "--epochs, or a smaller --drop.")
    return metrics, scores


def compare_doubt(params, data, drop, rng):
    """Return what averaging over masks adds to one answer without a mask."""
    X, y = data["validation"]
    mean, single = mean_vote(params, X, drop, MASKS, rng)
    whole = forward(params, X, 1.0)["a2"]
    answers = {"one_mask": single, "mean_vote": mean, "whole": whole}
    read = {name: np.mean(a.argmax(axis=-1) == y.argmax(axis=-1))
            for name, a in answers.items()}
    areas = [doubt_finds_mistakes(a, y) for a in (whole, mean)]
    gain, error = mean_and_error(areas[1] - areas[0])
    print(f"\nValidation accuracy: one mask {read['one_mask']:.2%}, mean of {MASKS} "
          f"masks {read['mean_vote']:.2%}, no mask {read['whole']:.2%}.\nMistakes "
          f"found by doubt, area: no mask {areas[0].mean():.3f}, {MASKS} masks "
          f"{areas[1].mean():.3f}, difference {gain:+.3f} +- {error:.3f}.")
    return {**read, "area_whole": areas[0].mean(), "area_masks": areas[1].mean(),
            "area_gain": gain, "area_error": error}


def switch_units_off(args):
    """Train without and with dropout, compare, explain, draw and save."""
    print(f"{args.train_size} digits, 64-{args.hidden}-10, {args.epochs} epochs, lr "
          f"{args.lr:g}, {args.networks} runs of each kind, seed {args.seed}\n")
    rows, drop = train_rows(args), args.drop
    pair = [rows[0.0, 0.0], rows[drop, 0.0]]
    metrics, scores = judge_on_test(rows, drop)
    rng = np.random.default_rng([args.seed, 3])
    metrics |= compare_doubt(pair[1]["params"], pair[1]["data"], drop, rng)
    numbers = rng.normal(size=(30, 10)), rng.normal(size=30), rng.normal(size=10)
    theory = expected_loss(*numbers, drop, rng)
    metrics |= zip(("expected", "ridge", "sampled", "sampled_error"), theory)
    print("Linear model: {:.6f} over 1,024 masks, {:.6f} by formula, {:.1f} +- {:.1f} "
          "sampled.".format(*theory))
    example = draw_mask((2, 6), 0.5, np.random.default_rng(1))  # 1: three and two off
    save_results(args, {
        "thinned": plot_thinned(example), "curves": plot_curves(pair, drop),
        "pairs": plot_pairs(scores["without"], scores["dropout"], drop),
        "units": plot_units(pair, drop, rng)}, metrics)


def main(argv=None):
    """Run the lesson from the command line; return the exit status."""
    return run_safely(switch_units_off, parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
