# /// script
# requires-python = ">=3.10"
# dependencies = ["numpy>=2.0", "matplotlib>=3.9", "scikit-learn>=1.5"]
# ///
"""How does a network of weighted sums learn to read handwritten digits?

    X = a[0] (N, 784) -> W[1] (784, 256) -> ReLU -> a[1] (N, 256)
                      -> W[2] (256, 128) -> ReLU -> a[2] (N, 128)
                      -> W[3] (128, 10) -> softmax -> a[3] (N, 10), ten probabilities

N images, L = 3 layers here; a loop runs over them, so that any number will do. z[k] are
the weighted sums of layer k, a[k] its activations. (3.1) is an equation of README.md.

    python mnist_mlp.py                    train, test, draw: 12 seconds
    python mnist_mlp.py --augment          distort the digits, fewer mistakes: 2 minutes
    python mnist_mlp.py --load output/weights.npz --predict photo.jpg
"""

import argparse
import contextlib
import io
import json
import math
import os
import re
import signal
import sys
import tempfile
import time
import warnings
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # two threads would wait for each other
os.environ.setdefault("NUMPY_MADVISE_HUGEPAGE", "0")  # saves half a second on Linux

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LinearSegmentedColormap

# --- Data -----------------------------------------------------------------------------

MNIST = Path(__file__).resolve().parent / "mnist.npz"


def load_data(arrays, n_images=None):
    """Return the training, validation and test part, each X (N, D) and y (N,).

    X is ink, from 0 to 1; y counts from 0. A tenth of the training images is kept for
    validation, the same for every seed; of the others n_images are used.
    """
    images, y = arrays["x_train"], arrays["y_train"].astype(int)
    order = np.random.default_rng(2024).permutation(len(y))  # 2024: any number will do
    held, kept = order[: len(y) // 10], order[len(y) // 10 :][:n_images]
    parts = [(images[kept], y[kept]), (images[held], y[held]),
             (arrays["x_test"], arrays["y_test"].astype(int))]
    return [(x.reshape(len(x), -1) / np.float32(255), labels) for x, labels in parts]


# --- Model ----------------------------------------------------------------------------


def relu(z):
    """Return max(0, z), element by element."""
    return np.maximum(0.0, z)


def softmax(z):
    """Return exp(z) / sum(exp(z)) along the last axis; the shift prevents overflow."""
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def forward(W, b, X):
    """Return z and a, dicts by layer: sums and activations of the images X (N, D)."""
    z, a, L = {}, {0: X}, len(W)
    for k in range(1, L + 1):
        z[k] = a[k - 1] @ W[k] + b[k]  # (N, H_k)  (3.3)
        if k < L:
            a[k] = relu(z[k])  # (N, H_k)  (3.4)
        else:
            a[k] = softmax(z[k])  # (N, K)  (3.4)
    return z, a


def probabilities(W, b, X):
    """Return the probabilities (N, K) of the classes of the images X (N, D)."""
    _, a = forward(W, b, X)
    return a[len(W)]


def init_params(sizes, rng, dtype=np.float32):
    """Return W and b, dicts by layer: He's random weights, and biases of zero.

    sizes: inputs, hidden units, outputs. 32-bit numbers take half the time of 64.
    """
    W, b = {}, {}
    for k in range(1, len(sizes)):
        n_in, n_out = sizes[k - 1], sizes[k]
        normal = rng.normal(size=(n_in, n_out))  # mean 0, variance 1
        W[k] = (normal * math.sqrt(2 / n_in)).astype(dtype)  # (H_{k-1}, H_k)  (3.5)
        b[k] = np.zeros((1, n_out), dtype)  # (1, H_k)
    return W, b


# --- Loss and gradients ---------------------------------------------------------------


def log_softmax(z):
    """Return log(softmax(z)) along the last axis, exact where softmax underflows."""
    shifted = z - z.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def loss(z, y):
    """Return the cross-entropy of last sums z (N, K) and the true classes y (N,)."""
    n = np.arange(len(y))  # 0, 1, ..., N - 1
    return -np.mean(log_softmax(z)[n, y])  # (3.7); of row n the entry in column y[n]


def backward(W, z, a, y):
    """Return dW and db, the slopes of the loss, in the shapes of W and b.

    z and a are what ``forward`` returned; y (N,) holds the true classes.
    """
    dW, db, N, L = {}, {}, len(y), len(W)
    dz = a[L].copy()
    dz[np.arange(N), y] -= 1  # a - y, where y is 1 at the true class and else 0
    dz /= N  # (N, K)  (3.9)
    for k in range(L, 0, -1):
        dW[k] = a[k - 1].T @ dz  # (H_{k-1}, H_k)  (3.10)
        db[k] = dz.sum(axis=0, keepdims=True)  # (1, H_k)  (3.11)
        if k > 1:
            da = dz @ W[k].T  # (N, H_{k-1})  (3.12)
            dz = da * (z[k - 1] > 0)  # (N, H_{k-1})  (3.13)
    return dW, db


# --- Training -------------------------------------------------------------------------


def adam(w, g, m, v, step, rate):
    """Return new w, m and v (any one shape) after a step of Adam against the slope g.

    Kingma & Ba, 2015, with their 0.9, 0.999 and 1e-8. step counts from 1.
    """
    m = 0.9 * m + 0.1 * g  # (3.14)
    v = 0.999 * v + 0.001 * g * g  # (3.15)
    rate = rate * math.sqrt(1 - 0.999**step) / (1 - 0.9**step)  # (3.16)
    return w - rate * m / (np.sqrt(v) + 1e-8), m, v  # (3.17); 1e-8: no division by 0


def accuracy(a, y):
    """Return the share of rows of a (N, K) whose largest entry is at y (N,)."""
    return float(np.mean(a.argmax(axis=1) == y))


def train(W, b, training, validation, epochs, lr, batch_size, rng, shape=None):
    """Train on mini-batches; return the new W and b, and a history of dicts by epoch.

    training, validation: X and y of each. With the shape of an image, every image is
    distorted anew. Raises FloatingPointError when the loss is no longer finite.
    """
    W, b, mW, vW, mb, vb = dict(W), dict(b), {}, {}, {}, {}  # the caller keeps its own
    for k in W:
        mW[k], vW[k] = np.zeros_like(W[k]), np.zeros_like(W[k])
        mb[k], vb[k] = np.zeros_like(b[k]), np.zeros_like(b[k])
    X, y = training
    step, steps = 0, epochs * math.ceil(len(X) / batch_size)
    chance = np.bincount(validation[1]).max() / len(validation[1])  # one answer for all
    history = [measure_both(W, b, training, validation)]
    print("          training: loss  accuracy   validation: loss  accuracy   seconds")
    row = ("epoch {:2d}   {training_loss:8.4f}   {training_accuracy:7.2%}   "
           "{validation_loss:10.4f}   {validation_accuracy:7.2%}   {:9.2f}")
    print(row.format(0, 0.0, **history[0]))
    for epoch in until_ctrl_c(range(1, epochs + 1)):  # range; Ctrl-C ends it
        start = time.perf_counter()
        order = rng.permutation(len(X))
        for i in range(0, len(X), batch_size):
            batch = order[i : i + batch_size]
            X_batch = distort(X[batch], shape, rng) if shape else X[batch]
            z, a = forward(W, b, X_batch)
            dW, db = backward(W, z, a, y[batch])
            rate = lr * (1 - step / steps)  # (3.18)
            step += 1
            for k in W:
                W[k], mW[k], vW[k] = adam(W[k], dW[k], mW[k], vW[k], step, rate)
                b[k], mb[k], vb[k] = adam(b[k], db[k], mb[k], vb[k], step, rate)
        seconds = time.perf_counter() - start
        history.append(measure_both(W, b, training, validation))
        stop_if_diverged(history[-1]["training_loss"], epoch)
        if epoch % max(1, epochs // 10) == 0 or seconds > 1:
            print(row.format(epoch, seconds, **history[-1]), flush=True)
        if epoch == 1 < epochs and history[1]["validation_accuracy"] < 1.5 * chance:
            print(f"As good as chance after {step} of {steps} steps. Ctrl-C ends it.")
    return W, b, history


def measure_both(W, b, training, validation):
    """Return loss and accuracy on validation images and on as many training images."""
    names = ("training_loss", "training_accuracy", "validation_loss",
             "validation_accuracy")
    L, n, values = len(W), len(validation[1]), []
    for X, y in (training, validation):
        z, a = forward(W, b, X[:n])
        values += [float(loss(z[L], y[:n])), accuracy(a[L], y[:n])]
    return dict(zip(names, values))


def stop_if_diverged(value, epoch):
    """Raise FloatingPointError, with advice, when a loss has exploded."""
    if not abs(value) < 1e9:  # nan, too
        raise FloatingPointError(f"training diverged in epoch {epoch}: the loss is "
                                 f"{value:.3g}; try a smaller --lr")


# ======================================================================================
# The lesson ends here. What follows repeats it, measures, draws and reads files.
# ======================================================================================


# --- Going further --------------------------------------------------------------------


def distort(X, shape, rng, shift=1.0, bend=0.6, waves=4):
    """Return X (N, D) with every image moved and bent a little, each differently.

    Cosine waves displace its pixels: that of frequency 0 by ``shift`` pixels (standard
    deviation), others by ``bend`` / frequency. Chosen on validation images.
    """
    from scipy.ndimage import map_coordinates
    f = np.arange(waves)
    rows, columns = (np.cos(np.pi * np.outer(f, (np.arange(n) + 0.5) / n))
                     for n in shape)  # (waves, height), (waves, width)
    size = bend / np.maximum(1, np.hypot(*np.meshgrid(f, f)))
    size[0, 0] = shift
    c = rng.normal(size=(2, len(X), waves, waves)) * size
    u = (rows.T @ c @ columns).astype(X.dtype)  # (2, N, height, width)  (3.19)
    where = np.indices((len(X), *shape), dtype=X.dtype)  # image, row, column
    where[1:] += u
    return map_coordinates(X.reshape(-1, *shape), where, order=1).reshape(X.shape)


def shift_accuracies(W, b, X, y, shape):
    """Return the accuracies on X moved by 0 to 4 pixels, a quarter each way."""
    scores = []
    for s in range(5):  # what leaves comes back on the other side: seldom ink
        moved = X.reshape(-1, *shape).copy()
        for i, move in enumerate(((s, 0), (-s, 0), (0, s), (0, -s))):
            moved[i::4] = np.roll(moved[i::4], move, axis=(1, 2))
        scores.append(accuracy(probabilities(W, b, moved.reshape(X.shape)), y))
    return scores


def diagnose(W, b, history, X, y, lr):
    """Print what went wrong in training; return the units dead on X, by layer."""
    z, a = forward(W, b, X)
    dead = [int((z[k] <= 0).all(axis=0).sum()) for k in range(1, len(W))]
    print("Dead units, 0 on all validation images, by hidden layer:", *dead)
    first, last, chance = history[0], history[-1], np.bincount(y).max() / len(y)
    if len(history) > 1 and last["validation_accuracy"] < 1.5 * chance:
        print(f"Nothing was learnt: the commonest class is {chance:.1%} of all. "
              f"Distinct answers: {len(np.unique(a[len(W)].argmax(axis=1)))}.")
        if last["training_loss"] > first["training_loss"] or any(
                2 * count > b[k].size for k, count in enumerate(dead, 1)):
            print(f"The steps were probably too long: try --lr {lr / 10:g}")
        else:
            print(f"The steps were probably too short or too few: try --lr {lr * 10:g} "
                  "or more --epochs. Do images and labels fit?")
    elif last["training_accuracy"] > last["validation_accuracy"] + 0.1:
        print("It knows its training images by heart, others much less: it needs more.")
    return dead


# --- Figures --------------------------------------------------------------------------

TRAIN_COLOUR, VALIDATION_COLOUR, TEST_COLOUR = "#56B4E9", "#D55E00", "#009E73"
SIGNED = LinearSegmentedColormap.from_list("signed", ["#0072B2", "#FFFFFF", "#E69F00"])
STYLE = {"axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False,
         "axes.titlelocation": "left", "axes.titlesize": 11, "axes.titleweight": "bold"}


def plain(text):
    """Return a name for a picture: 30 characters at most, a dollar sign as it is."""
    return text[:30].replace("$", r"\$")


def plot_tiles(images, columns, texts, gap, size, title, **style):
    """Draw images (N, height, width) as tiles, a text in the gap above each."""
    fig, ax = plt.subplots(figsize=size, layout="constrained")
    (N, height, width), rows = images.shape, math.ceil(max(1, len(images)) / columns)
    for i in range(N):
        row, column = divmod(i, columns)
        left, top = column * (width + 4), row * (height + gap) + gap
        ax.imshow(images[i], extent=(left, left + width, top + height, top), **style)
        ax.text(left + width / 2, top - 2, texts[i], ha="center", va="bottom", size=9)
    ax.set(xlim=(-2, columns * (width + 4) - 2), ylim=(rows * (height + gap), 0),
           xticks=[], yticks=[], title=title, frame_on=False)
    return fig


def plot_network(W, b, x, y, classes, shape):
    """Draw one image x (1, D) of class y, and what each layer makes of it."""
    z, a = forward(W, b, x)
    L, shown = len(W), range(min(len(W), 4))  # at most three hidden layers have room
    fig, axs = plt.subplots(1, len(shown) + 2, figsize=(9, 3.2), layout="constrained")
    for k, ax in zip(shown, axs):
        height, width = shape if k == 0 else [math.ceil(math.sqrt(a[k].size))] * 2
        grid = np.append(a[k], np.full(height * width - a[k].size, np.nan))
        ax.imshow(grid.reshape(height, width), cmap="viridis" if k else "gray_r")
        ax.set_title(f"a[{k}]: {a[k].shape}\n{(a[k] > 0).sum()} above 0"
                     + ", rest dark" * (k > 0), size=10, weight="normal")
        ax.set(xticks=[], yticks=[], xlabel=f"@ W[{k + 1}]: {W[k + 1].shape}\n"
               f"+ b[{k + 1}], {'ReLU' if k + 1 < L else 'softmax'}")
    for ax, row, text in ((axs[-2], z[L][0], "z"), (axs[-1], a[L][0], "a")):
        ax.barh(range(len(row)), row, color=np.where(row < 0, "#0072B2", "#E69F00"))
        ax.set_title(f"{text}[{L}]: (1, {len(row)})\n", size=10, weight="normal")
        ax.set(yticks=range(len(row)), ylim=(len(row) - 0.4, -0.6), box_aspect=1,
               xlabel="sum of each class" if text == "z" else "its probability")
    true, answer = plain(classes[y]), plain(classes[a[L].argmax()])
    fig.suptitle(f"Image of {true}: the largest sum is that of {answer}, probability "
                 f"{a[L].max():.1%}", x=0.01, ha="left", size=11, weight="bold")
    return fig


def plot_curves(history):
    """Draw loss and accuracy on training and on validation images by epoch."""
    fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
    for name, colour in (("training", TRAIN_COLOUR), ("validation", VALIDATION_COLOUR)):
        losses = [row[f"{name}_loss"] for row in history]
        shares = [100 * row[f"{name}_accuracy"] for row in history[1:]]
        left.semilogy(losses, "o-", ms=4, color=colour, label=f"{name} images")
        right.plot(range(1, len(history)), shares, "o-", ms=4, color=colour,
                   label=f"{name} images: {shares[-1]:.2f} % at the end")
    left.set(xlabel="epoch", ylabel="loss (cross-entropy)",  # losses: of validation
             title=f"The validation loss is least at epoch {np.argmin(losses)}")
    right.set(xlabel="epoch", ylabel="right answers in %",
              title=f"Validation accuracy is highest at epoch {np.argmax(shares) + 1}")
    left.yaxis.set_major_formatter("{x:g}"), left.legend(), right.legend()
    return fig


def plot_mistakes(X, y, a, shape, classes):
    """Draw the wrong answers (a is (N, K)) that the network was surest of."""
    wrong = np.flatnonzero(a.argmax(axis=1) != y)
    worst = wrong[np.argsort(-a[wrong].max(axis=1))][:18]
    texts = [f"{plain(classes[y[n]])}, read as\n{plain(classes[a[n].argmax()])} "
             f"({a[n].max():.2%})" for n in worst]
    title = f"{len(wrong):,} of {len(y):,} misread: the {len(worst)} surest mistakes"
    return plot_tiles(X[worst].reshape(-1, *shape), 6, texts, 14, (9, 5.6), title,
                      cmap="gray_r", vmin=0, vmax=1)


def plot_first_layer(start, end, X, shape):
    """Draw eight units' weights (D, H): first, after training, and the change."""
    units = np.argsort(-np.linalg.norm(end - start, axis=0))[:8]
    rows = np.concatenate([w[:, units].T for w in (start, end, end - start)])
    never, limit = X.max(axis=0) == 0, np.percentile(np.abs(rows), 99.5)
    rows[2 * len(units):, never] = np.nan
    colours = SIGNED.with_extremes(bad="#666666")  # nan: grey
    fig = plot_tiles(rows.reshape(-1, *shape), len(units), [""] * 24, 4, (9, 3.5),
                     f"Strokes appear; {never.sum()} pixels are never inked: no change "
                     "(grey)", cmap=colours, vmin=-limit, vmax=limit)
    fig.axes[0].set_yticks((np.arange(3) + 0.5) * (shape[0] + 4),
                           ["start", "after\ntraining", "change"])
    fig.colorbar(fig.axes[0].images[0], label="weight", pad=0.01, shrink=0.75)
    return fig


def plot_shift(curves, image, moved):
    """Draw the accuracies on moved test images, of this net and --load's; one image."""
    fig, ax = plt.subplots(figsize=(8, 4), layout="constrained")
    key = (("this network", TEST_COLOUR), ("the one of --load", "#000000"),
           ("trained on moved images", "#000000"), ("the same net before", TEST_COLOUR))
    both = zip(100 * np.array(curves), key[2 * moved:], ((8, 5), (-46, -14)))
    for curve, (name, c), at in both:
        ax.plot(range(5), curve, "o-", color=c, label=name)
        for s, y in enumerate(curve):
            ax.annotate(f"{y:.1f}%", (s, y), at, "data", "offset points", color=c)
    for s in range(5):
        tile = ax.inset_axes([s - 0.3, -36, 0.6, 33], transform=ax.transData)
        tile.imshow(np.roll(image, s, axis=1), cmap="gray_r", vmin=-0.15)
        tile.set(xticks=[], yticks=[], frame_on=False)
    ax.set(xticks=range(5), yticks=range(0, 101, 20), xlim=(-0.5, 4.5), ylim=(-40, 110),
           xlabel="test images moved by so many pixels", ylabel="right answers in %",
           title=f"Moved by three pixels, {curves[0][3]:.1%} of the images are read")
    ax.legend(loc="center left")
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


def read_arrays(path):
    """Return the arrays of an .npz file by name; raise InputError if it is none."""
    try:
        with open(path, "rb") as opened:
            file = np.load(opened, allow_pickle=False)
            if sum(member.file_size for member in file.zip.infolist()) < 2e8:  # bytes
                return {name: file[name] for name in file.files}
    except OSError:
        raise
    except Exception:  # a damaged file has many ways to fail in zipfile, zlib and NumPy
        raise InputError(f"{path} is not a whole .npz file of plain arrays") from None
    raise InputError(f"{path} unpacks to over 200 MB, more than is read")


def read_images(path):
    """Return the arrays of a file like mnist.npz and the names of its classes."""
    arrays = read_arrays(path)
    for part in ("train", "test"):
        X, y = (arrays.get(f"{name}_{part}", np.empty(0)) for name in "xy")
        if X.ndim != 3 or X.dtype != np.uint8 or y.dtype.kind not in "iu" or (
                X.shape[1:] != arrays["x_train"].shape[1:] or y.shape != X.shape[:1] or
                not X.size or len(y) < 20 or y.min() < 0 or y.max() > 9):
            raise InputError(
                f"{path} must hold x_{part} (N, height, width) in uint8 and y_{part}, "
                "labels from 0 to 9, at least 20, and all images of one size; it holds "
                f"{X.shape} in {X.dtype} and {y.shape} in {y.dtype}")
    names = [str(name) for name in arrays.get("class_names", np.arange(10)).ravel()]
    if not max(arrays["y_train"].max(), arrays["y_test"].max()) < len(names) <= 10:
        raise InputError(f"{path}: class_names must hold a name for each label")
    return arrays, names


def load_network(path, n_in, n_out):
    """Return W and b saved in an .npz file; raise InputError if they do not fit."""
    arrays, W, b, size = read_arrays(path), {}, {}, n_in
    for k in range(1, len(arrays) // 2 + 1):
        W[k], b[k] = (arrays.get(f"{name}{k}", np.empty(0)) for name in "Wb")
        if (W[k].shape, W[k].dtype.kind, b[k].dtype.kind) != ((size, b[k].size), *"ff"):
            raise InputError(f"{path} is for another architecture: W{k} {W[k].shape}, "
                             f"b{k} {b[k].shape} are no layer with {size} inputs")
        W[k], b[k] = W[k].astype(np.float32), b[k].reshape(1, -1).astype(np.float32)
        size = b[k].size
    if size != n_out or not all(np.isfinite([*W[k], *b[k]]).all() for k in W):
        raise InputError(f"{path} must hold finite W1, b1, ..., and {n_out} outputs")
    return W, b


def read_grey(path):
    """Return the brightness (H, W) of a picture, its longer side 400 pixels."""
    from PIL import Image, ImageOps, ImageStat
    try:
        with Image.open(path) as file:
            if max(file.size) > min(100 * min(file.size), 9_000):
                raise ValueError(f"{file.width} x {file.height} pixels are no page")
            image = ImageOps.exif_transpose(file)
            if image.mode[0] in "IF":  # 16 bits and more: white is the brightest pixel
                pixels = np.asarray(image, dtype=float) - np.min(image)
                image = Image.fromarray(np.uint8(255 * pixels / max(pixels.max(), 1)))
            image = image.convert("RGBA")
        image.thumbnail((800, 800))
        ink = ImageStat.Stat(image.convert("L"), image.getchannel("A")).mean[0]
        page = Image.new("RGBA", image.size, "black" if ink > 127 else "white")
        grey = Image.alpha_composite(page, image).convert("L")  # page where clear
        return np.asarray(ImageOps.contain(grey, (400, 400)), dtype=float)
    except Exception as error:  # damaged files let Pillow raise what it likes
        raise InputError(f"it cannot be read as a picture: {str(error)[:150]}; save it "
                         "as JPEG or PNG") from None


def find_marks(grey):
    """Return the marks of a page from the left, boolean, and how many it has in all."""
    from scipy import ndimage
    smooth = ndimage.gaussian_filter(grey, 1)  # against noise; widths in pixels of 400
    if np.sum((smooth - ndimage.uniform_filter(smooth, 133)) ** 3) > 0:  # light on dark
        smooth = 255 - smooth
    # A closing fills with its surroundings what is dark and narrower than 100 pixels.
    ink = ndimage.grey_closing(smooth, 100, mode="constant", cval=255) - smooth
    if ink.max() < 10:  # of 255
        raise InputError("it is all one colour: there is no digit to see")
    mask = ink > 0.4 * ink.max()  # the lines of ruled paper are paler
    joined, _ = ndimage.label(ndimage.binary_dilation(mask, iterations=5))
    boxes, marks = ndimage.find_objects(joined), []
    sizes = [max(side.stop - side.start for side in box) for box in boxes]
    for i, box in enumerate(boxes, 1):
        mine = joined[box] == i
        inner = set(joined[box][ndimage.binary_fill_holes(mine) & ~mine]) - {0}
        if all(sizes[j - 1] < sizes[i - 1] / 10 for j in inner):
            edge = any(s.start == 0 or s.stop == n for s, n in zip(box, grey.shape))
            marks.append((edge, box[1].start, sizes[i - 1], mine & mask[box]))
    marks = [m for m in marks if not m[0]] or marks
    least = max(m[2] for m in marks) / 5  # a dilation made each side 10 pixels longer
    kept = [m for m in marks if m[2] > least and
            m[3].shape[1] - 10 <= 4 * (m[3].shape[0] - 10)] or marks
    long = 0.7 * max(m[2] for m in kept)
    return [m[3] for m in sorted(kept, key=lambda m: m[1]) if m[2] > long], len(marks)


def center_like_mnist(mark, shape=(28, 28)):
    """Return ink (H, W) as MNIST's: 20 x 20, centre of mass in the middle; (1, D)."""
    from PIL import Image
    from scipy.ndimage import center_of_mass
    picture = Image.fromarray(mark.astype(np.float32))
    picture = picture.crop(picture.getbbox())
    scale = min(shape) * 20 / 28 / max(picture.size)
    size = [max(1, round(scale * side)) for side in picture.size]
    small = np.clip(picture.resize(size, Image.Resampling.BICUBIC), 0, None)
    corner = np.rint(np.array(shape) / 2 - center_of_mass(small))
    room = np.subtract(shape, small.shape)  # empty rows and columns
    before = np.clip(corner, 0, room).astype(int)
    return np.pad(small / small.max(), np.c_[before, room - before]).reshape(1, -1)


def read_pictures(paths, W, b, shape, classes):
    """Print what the network reads on pictures; return dicts: a figure, a table."""
    from PIL import Image, ImageOps
    tiles, texts, table = [], [], f"file,separate marks,answer,{','.join(classes)}\n"
    for path in paths:
        try:
            marks, n = find_marks(grey := read_grey(path))
        except InputError as error:  # the other pictures are read all the same
            print(f"{path}: {error}")
            continue
        x = center_like_mnist(marks[0], shape)
        a = probabilities(W, b, x)[0]
        name, numbers = classes[a.argmax()], ",".join(f"{p:.4f}" for p in a)
        several = f", the leftmost of {len(marks)} separate marks" * (len(marks) > 1)
        several += f"; left out as small or flat: {n - len(marks)}" * (n > len(marks))
        print(f"{path.name}: {name} ({a.max():.1%}){several}")
        table += f'"{path.name}",{len(marks)},{name},{numbers}\n'
        seen = np.kron(x.reshape(shape), np.ones((4, 4)))
        page = ImageOps.pad(Image.fromarray(np.uint8(255 - grey)), seen.shape[::-1])
        tiles.append(np.hstack([np.asarray(page) / 255, seen]))
        texts.append(f"{plain(path.name)}\n{plain(name)} ({a.max():.1%})")
    if not tiles:
        return {}, {}
    tiles, columns = np.array(tiles[:40]), min(4, max(2, len(tiles)))
    size = 2.3 * columns + 0.4, 1.6 * math.ceil(len(tiles) / columns) + 0.5
    fig = plot_tiles(tiles, columns, texts[:40], 45, size, "Left: the page; right: as "
                     "the network sees it", cmap="gray_r", vmin=0, vmax=1)
    return {"predictions": fig}, {"predictions.csv": table.encode(errors="replace")}


def parse_args(argv=None):
    """Return the settings on the command line."""
    parser = Parser()
    for flag, kind, low, high, default, words in (
            ("--epochs", int, 1, 10_000, None, "10; 30 with --augment; 0 with --load"),
            ("--images", int, 1, 10**6, None, "training images to use (all)"),
            ("--batch-size", int, 1, 10_000, 256, "images per step (256)"),
            ("--lr", float, 1e-9, 1e9, 0.004, "learning rate at the start (0.004)"),
            ("--networks", int, 1, 100, 1, "to train, for mean and spread (1)")):
        parser.add_argument(flag, type=number(kind, low, high), default=default,
                            metavar="N", help=words)
    parser.add_argument("--hidden", type=number(int, 1, 2048), nargs="+", metavar="H",
                        help="sizes of the hidden layers (256 128)")
    parser.add_argument("--augment", action="store_true", help="distort the images")
    parser.add_argument("--load", type=Path, metavar="FILE.npz",
                        help="start from the weights of an earlier run")
    parser.add_argument("--data", type=Path, metavar="FILE.npz", default=MNIST,
                        help="other images, laid out like mnist.npz")
    parser.add_argument("--predict", type=Path, nargs="+", metavar="IMAGE", default=[],
                        help="read the digit in these drawings or photographs")
    args = parser.parse_args(argv)
    if sum(args.hidden or []) > 4096:
        parser.error("the hidden layers may have 4096 units together, not more")
    if args.load and (args.hidden or args.networks > 1
                      or args.augment and not args.epochs):
        parser.error("--load has its own --hidden, one seed, and trains with --epochs")
    args.epochs = args.epochs or (0 if args.load else 30 if args.augment else 10)
    args.hidden = args.hidden or [256, 128]
    return args


def train_seeds(args, start, parts, sizes, shape):
    """Return for each seed: W[1] before training, W, b, history, a (N, K) of test X."""
    runs, (training, validation, test) = [], parts
    for seed in until_ctrl_c(range(args.seed, args.seed + args.networks)):
        rng = np.random.default_rng(seed)
        W, b = before = start or init_params(sizes, rng)
        W, b, history = train(W, b, training, validation, args.epochs, args.lr,
                              args.batch_size, rng, args.augment and shape)
        runs.append((before[0][1], W, b, history, probabilities(W, b, test[0])))
    return runs


def read_digits(args):
    """Load, train, test, read pictures from elsewhere, draw and save."""
    for path in args.predict:  # now, since training takes long
        if not (os.path.isfile(path) and os.access(path, os.R_OK)):
            raise InputError(f"{path} is no file that can be opened")
    arrays, classes = read_images(args.data)
    parts = training, validation, (X, y) = load_data(arrays, args.images)
    sizes, start = [X.shape[1], *args.hidden, len(classes)], None
    if args.load:
        start = load_network(args.load, sizes[0], sizes[-1])
        sizes[1:] = [row.size for row in start[1].values()]
    print(f"{'-'.join(map(str, sizes))}, Adam {args.lr:g}, batch {args.batch_size}, "
          f"seed {args.seed}; {len(training[1]):,} training, {len(validation[1]):,} "
          f"validation, {len(y):,} test images\n")
    shape = arrays["x_train"].shape[1:]
    runs = train_seeds(args, start, parts, sizes, shape)
    before, W, b, history, a = runs[0]
    scores, weights = [accuracy(run[4], y) for run in runs], io.BytesIO()
    wrong = [(i, j) for i, j in zip(y, a.argmax(axis=1)) if i != j]
    i, j = max(wrong, key=wrong.count, default=(0, 0))
    print(f"Test accuracy {scores[0]:.2%}: {len(wrong):,} of {len(y):,} wrong, most "
          f"often {classes[i]} read as {classes[j]} ({wrong.count((i, j))} times).")
    np.savez(weights, **{f"W{k}": W[k] for k in W}, **{f"b{k}": b[k] for k in b})
    others = {"weights.npz": weights.getvalue()}
    curves = [shift_accuracies(*net, X, y, shape) for net in ((W, b), start) if net]
    figures = {"network": plot_network(W, b, X[:1], y[0], classes, shape),
               "mistakes": plot_mistakes(X, y, a, shape, classes),
               "first_layer": plot_first_layer(before, W[1], training[0], shape),
               "shift": plot_shift(curves, X[0].reshape(shape), args.augment)}
    if args.epochs:
        figures["learning_curves"] = plot_curves(history)
    drawn, tables = read_pictures(args.predict, W, b, shape, classes)
    metrics = {"test_accuracy": scores[0], "wrong": len(wrong), "history": history,
               "dead": diagnose(W, b, history, *validation, args.lr), "shift": curves,
               "parameters": sum(W[k].size + b[k].size for k in W)}
    if len(runs) > 1:
        mean, sd = np.mean(scores), np.std(scores, ddof=1)
        metrics |= {"test_mean": mean, "test_sd": sd}
        print(f"{len(runs)} seeds: {mean:.2%} on average, standard deviation {sd:.2%}")
    save_results(args, figures | drawn, metrics, others | tables)
    if args.predict and not drawn:
        raise InputError("none of the pictures could be read")


def main(argv=None):
    """Run the lesson from the command line; return the exit status."""
    return run_safely(read_digits, parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
