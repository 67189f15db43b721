# /// script
# requires-python = ">=3.10"
# dependencies = ["numpy>=2.0", "matplotlib>=3.9", "scikit-learn>=1.5"]
# ///
"""How does a network of weighted sums learn to read handwritten digits?

    X = a0 (N, 784) -> W1 (784, 256) -> ReLU -> a1 (N, 256) -> W2 (256, 128) -> ReLU
    -> a2 (N, 128) -> W3 (128, 10) -> softmax -> a3 (N, 10), a probability per digit

N examples, L layers (any number: the layers are a loop). zk are the weighted sums of
layer k, ak its activations; y (N,) holds the true digits. Numbers such as (3.2) are
those of the equations in README.md.

    python mnist_mlp.py                             train, test, draw: 15 seconds
    python mnist_mlp.py --augment                   distort the digits: fewer mistakes
    python mnist_mlp.py --load output/weights.npz --predict photo.jpg
    python mnist_mlp.py --load output/weights.npz --draw
"""

import argparse
import json
import math
import sys
import tempfile
import time
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LinearSegmentedColormap

TRAIN_COLOUR, VALIDATION_COLOUR, TEST_COLOUR = "#56B4E9", "#D55E00", "#009E73"
SIGNED = LinearSegmentedColormap.from_list("signed", ["#0072B2", "#FFFFFF", "#E69F00"])
STYLE = {"axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False,
         "axes.titlelocation": "left", "axes.titlesize": 11, "axes.titleweight": "bold"}
EMPTY = {"frame_on": False, "xticks": [], "yticks": []}  # axes that may stay unused


class InputError(ValueError):
    """Bad input that the user can mend; the message is one sentence that says how."""


# --- Data -----------------------------------------------------------------------------

MNIST = Path(__file__).resolve().parent / "mnist.npz"


def read_arrays(path):
    """Return the arrays of an .npz file by name; raise InputError if it is none."""
    try:
        with open(path, "rb") as file:
            arrays = np.load(file, allow_pickle=False)
            return {name: arrays[name] for name in arrays.files}
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None
    except Exception:  # a damaged file has many ways to fail in zipfile, zlib and NumPy
        raise InputError(f"{path} is not a whole .npz file of plain arrays") from None


def load_data(path, dtype=np.float32):
    """Read images and labels from an .npz file in the layout of Keras's mnist.npz.

    Returns the training, validation and test parts, each X (N, pixels) from 0 to 1 and
    y (N,), and the shape of one image. A tenth of the training images, the same for
    every seed, is kept for validation. Raises InputError for any other file.
    """
    arrays, names = read_arrays(path), ["x_train", "y_train", "x_test", "y_test"]
    if not set(names) <= set(arrays):
        raise InputError(f"{path} must hold the arrays {', '.join(names)}")
    X, y, X_test, y_test = (arrays[name] for name in names)
    for images, labels in ((X, y), (X_test, y_test)):
        kind = images.ndim, images.dtype, images.shape[1:]
        if not images.size or kind != (3, np.uint8, X.shape[1:]):
            raise InputError(f"{path}: images must be (N, height, width) in uint8, all "
                             f"of one size, not {images.shape} in {images.dtype}")
        if labels.shape != images.shape[:1] or labels.dtype.kind not in "iu":
            raise InputError(f"{path}: labels must be {images.shape[:1]} of a whole-"
                             f"number type, not {labels.shape} of {labels.dtype}")
        if len(labels) < 20 or labels.min() < 0 or labels.max() > 9:
            raise InputError(f"{path}: at least 20 labels from 0 to 9 are needed")
    shape = X.shape[1:]
    X, X_test = (a.reshape(len(a), -1) / dtype(255) for a in (X, X_test))
    y, y_test = y.astype(np.intp), y_test.astype(np.intp)
    order = np.random.default_rng(2024).permutation(len(X))
    held, kept = order[: len(X) // 10], order[len(X) // 10 :]
    return (X[kept], y[kept]), (X[held], y[held]), (X_test, y_test), shape


def distort(X, shape, rng, shift=1.0, bend=0.6, waves=4):
    """Return X (N, pixels) with every image moved and bent a little, each differently.

    The displacement u of a pixel is a random sum of cosine waves. The wave of frequency
    0 moves the whole image, by ``shift`` pixels (standard deviation); the others, by
    ``bend`` pixels divided by their frequency, turn, shear, stretch and warp it.
    """
    from scipy.ndimage import map_coordinates

    f = np.arange(waves)
    rows, columns = (np.cos(np.pi * np.outer(f, (np.arange(n) + 0.5) / n))
                     for n in shape)  # (waves, height), (waves, width)
    size = bend / np.maximum(1, np.hypot(*np.meshgrid(f, f)))
    size[0, 0] = shift
    c = rng.normal(size=(2, len(X), waves, waves)) * size
    u = (rows.T @ c @ columns).astype(X.dtype)  # (2, N, height, width)  (3.10)
    where = np.indices((len(X), *shape), dtype=X.dtype)  # image, row, column
    where[1:] += u
    return map_coordinates(X.reshape(-1, *shape), where, order=1).reshape(X.shape)


# --- Model ----------------------------------------------------------------------------


def init_params(sizes, rng, dtype=np.float32):
    """Return zero biases and He's random weights for layers of these sizes."""
    params = {}
    for k, (n_in, n_out) in enumerate(zip(sizes, sizes[1:]), 1):
        W = rng.normal(scale=math.sqrt(2 / n_in), size=(n_in, n_out))  # (3.7)
        params[f"W{k}"], params[f"b{k}"] = W.astype(dtype), np.zeros(n_out, dtype)
    return params


def relu(z):
    """Return max(0, z), element by element."""
    return np.maximum(0.0, z)


def softmax(z):
    """Return exp(z) / sum(exp(z)) along the last axis; the shift prevents overflow."""
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def log_softmax(z):
    """Return log(softmax(z)) along the last axis, exact where softmax underflows."""
    shifted = z - z.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def forward(params, X):
    """Return the cache a0 = X (N, D), z1, a1, ..., zL, aL (N, K), the probabilities."""
    cache, depth = {"a0": X}, len(params) // 2
    for k in range(1, depth + 1):
        z = cache[f"a{k - 1}"] @ params[f"W{k}"] + params[f"b{k}"]  # (N, size k)  (3.1)
        cache[f"z{k}"] = z
        cache[f"a{k}"] = relu(z) if k < depth else softmax(z)  # (3.2)
    return cache


# --- Loss and gradients ---------------------------------------------------------------


def loss(cache, y):
    """Return the cross-entropy, the mean of -log(probability of the true digit)."""
    z = cache[f"z{len(cache) // 2}"]  # the logits (N, K)
    return -np.mean(log_softmax(z)[np.arange(len(y)), y])  # (3.3)


def backward(params, cache, y, grads=None):
    """Return the gradient of the loss for each array in params (into ``grads``)."""
    N, depth = len(y), len(params) // 2
    grads = grads or {key: np.empty_like(value) for key, value in params.items()}
    dz = cache[f"a{depth}"].copy()
    dz[np.arange(N), y] -= 1
    dz /= N  # (N, K)  (3.4)
    for k in range(depth, 0, -1):
        np.matmul(cache[f"a{k - 1}"].T, dz, out=grads[f"W{k}"])  # (in, out)  (3.5)
        np.sum(dz, axis=0, out=grads[f"b{k}"])  # (out,)
        if k > 1:
            da = dz @ params[f"W{k}"].T  # (N, in)
            dz = da * (cache[f"z{k - 1}"] > 0)  # (N, in)  (3.6)
    return grads


# --- Training -------------------------------------------------------------------------


def predict(params, X):
    """Return the probabilities (N, K) of the classes of X (N, D)."""
    return forward(params, X)[f"a{len(params) // 2}"]


def as_views(flat, like):
    """Return arrays shaped like those of ``like``, all of them views of one vector."""
    arrays, start = {}, 0
    for key, array in like.items():
        arrays[key] = flat[start : start + array.size].reshape(array.shape)
        start += array.size
    return arrays


def adam_in_place(flat, gradient, m, v, step, lr):
    """Take one step of Adam (Kingma & Ba, 2015) for all parameters, m and v at once."""
    m *= 0.9
    m += 0.1 * gradient  # (3.8)
    v *= 0.999
    v += 0.001 * (gradient * gradient)
    lr *= math.sqrt(1 - 0.999**step) / (1 - 0.9**step)  # m and v began at 0
    flat -= lr * m / (np.sqrt(v) + 1e-8)


def accuracy(a, y):
    """Return the share of rows of a (N, K) whose largest entry is at y (N,)."""
    return float(np.mean(a.argmax(axis=1) == y))


def train(params, training, validation, epochs, lr, batch_size, rng, shape=None):
    """Train with Adam on shuffled mini-batches, distorted if ``shape`` is given.

    The learning rate falls from lr to 0 along a cosine. Returns params and a history of
    ``loss``, ``validation`` (accuracies) and ``seconds`` by epoch. Raises
    FloatingPointError when the loss is no longer finite.
    """
    flat = np.concatenate([value.ravel() for value in params.values()])
    gradient, m, v = np.zeros_like(flat), np.zeros_like(flat), np.zeros_like(flat)
    params, grads = as_views(flat, params), as_views(gradient, params)
    history = {"loss": [], "validation": [], "seconds": []}
    (X, y), step = training, 0
    steps = epochs * math.ceil(len(X) / batch_size)
    print("epoch     loss   validation   seconds   images/s")
    try:
        for epoch in range(1, epochs + 1):
            start, total, order = time.perf_counter(), 0.0, rng.permutation(len(X))
            for i in range(0, len(X), batch_size):
                batch = order[i : i + batch_size]
                X_batch, y_batch = X[batch], y[batch]
                if shape:
                    X_batch = distort(X_batch, shape, rng)
                cache = forward(params, X_batch)
                backward(params, cache, y_batch, grads)
                rate = lr * (1 + math.cos(math.pi * step / steps)) / 2  # (3.9)
                step += 1
                adam_in_place(flat, gradient, m, v, step, rate)
                total += loss(cache, y_batch) * len(batch)
            seconds, mean_loss = time.perf_counter() - start, float(total / len(X))
            stop_if_diverged(mean_loss, epoch)
            score = accuracy(predict(params, validation[0]), validation[1])
            history["loss"].append(mean_loss)
            history["validation"].append(score)
            history["seconds"].append(seconds)
            print(f"{epoch:5d}   {mean_loss:.4f}   {score:10.2%}   {seconds:7.2f}   "
                  f"{len(X) / seconds:8,.0f}", flush=True)
    except KeyboardInterrupt:
        print("Stopped by Ctrl-C; what was learnt so far is kept.")
    return params, history


def stop_if_diverged(value, epoch):
    """Raise FloatingPointError, with advice, when a loss has exploded."""
    if not abs(value) < 1e9:  # nan, too
        raise FloatingPointError(f"training diverged in epoch {epoch}: the loss is "
                                 f"{value:.3g}; try a smaller --lr")


# --- Images from elsewhere ------------------------------------------------------------


def read_image(path):
    """Return the ink (H, W), 0 to 1, of a drawing or photograph: dark on light or not.

    The paper is taken to be a plane of brightness, so that uneven light cancels; what
    differs most from it is ink. Raises InputError for what is no picture.
    """
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's, of large files and odd metadata
            with Image.open(path) as file:
                file.thumbnail((400, 400))
                image = ImageOps.exif_transpose(file).convert("RGBA")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(f"cannot read {path} as an image: {error}") from None
    white = Image.new("RGBA", image.size, "white")
    grey = np.asarray(Image.alpha_composite(white, image).convert("L"), dtype=float)
    plane = np.stack([*np.indices(grey.shape), np.ones_like(grey)], axis=-1)
    paper = np.linalg.lstsq(plane.reshape(-1, 3), grey.ravel(), rcond=None)[0]
    ink = grey - plane @ paper
    if -ink.min() > ink.max():  # dark on light
        ink = -ink
    if ink.max() < 10:  # of 255
        raise InputError(f"{path} is all one colour: there is no digit to see")
    return np.where(ink > 0.4 * ink.max(), ink / ink.max(), 0.0)


def center_like_mnist(ink, shape=(28, 28)):
    """Return the ink as MNIST shows its digits, as one row of pixels (1, H * W).

    The digit is scaled to fit 20 x 20 pixels and put into 28 x 28 so that its centre of
    mass falls on pixel (14, 14), to the nearest pixel: where the 60,000 have theirs.
    """
    from PIL import Image
    from scipy.ndimage import center_of_mass

    picture = Image.fromarray(ink.astype(np.float32))
    picture = picture.crop(picture.getbbox())
    scale = min(shape) * 20 / 28 / max(picture.size)
    size = [max(1, round(scale * side)) for side in picture.size]
    small = np.clip(picture.resize(size, Image.Resampling.BICUBIC), 0, 1)
    room = np.subtract(shape, small.shape)
    corner = np.rint(np.array(shape) / 2 - center_of_mass(small))
    before = np.clip(corner, 0, room).astype(int)  # empty rows above, columns left
    return np.pad(small, np.column_stack([before, room - before])).ravel()[None]


def read_weights(path, n_in):
    """Return the params saved in an .npz file; raise InputError if they do not fit."""
    arrays, params, size = read_arrays(path), {}, n_in
    for k in range(1, len(arrays) // 2 + 1):
        W, b = (arrays.get(f"{name}{k}", np.empty(0)) for name in "Wb")
        fits = W.ndim == 2 and W.shape[0] == size and W.shape[1:] == b.shape
        if not fits or W.dtype.kind != "f" or b.dtype.kind != "f":
            raise InputError(
                f"{path} is for another architecture: W{k} {W.dtype}{W.shape} and b{k} "
                f"{b.dtype}{b.shape} are no layer with {size} inputs")
        params |= {f"W{k}": W.astype(np.float32), f"b{k}": b.astype(np.float32)}
        size = b.size
    finite = all(np.isfinite(array).all() for array in params.values())
    if not params or size != 10 or not finite:
        raise InputError(f"{path} must hold finite W1, b1, ... that end in 10 outputs")
    return params


# --- Figures --------------------------------------------------------------------------


def plot_curves(history):
    """Draw training loss and validation accuracy by epoch."""
    fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
    epochs = range(1, len(history["loss"]) + 1)
    left.semilogy(epochs, history["loss"], "o-", markersize=4, color=TRAIN_COLOUR)
    left.set(xlabel="epoch", ylabel="training loss (cross-entropy)",
             title=f"Training loss falls to {history['loss'][-1]:.4f}")
    right.plot(epochs, [100 * share for share in history["validation"]], "s-",
               markersize=4, color=VALIDATION_COLOUR)
    right.set(xlabel="epoch", ylabel="validation accuracy in %",
              title=f"Unseen digits read: {history['validation'][-1]:.2%}")
    return fig


def plot_confusion(counts, title):
    """Draw how often each digit (row) was read as each digit (column)."""
    fig, ax = plt.subplots(figsize=(7, 6), layout="constrained")
    wrong = counts - np.diag(np.diag(counts))
    ax.imshow(wrong, cmap="viridis")
    for (i, j), count in np.ndenumerate(counts):
        bright = wrong[i, j] > 0.6 * wrong.max()
        ax.text(j, i, f"{count:,}" if count else "·", ha="center", va="center",
                fontsize=9, color="black" if bright else "white")
    ax.set(xticks=range(10), yticks=range(10), xlabel="digit the network read",
           ylabel="true digit", title=title)
    ax.spines[:].set_visible(False)
    return fig


def show_image(ax, pixels, title=None, **style):
    """Draw an image within a thin frame: dark on light, unless the style says else."""
    picture = ax.imshow(pixels, **{"cmap": "gray_r", "vmin": 0, "vmax": 1, **style})
    ax.set(xticks=[], yticks=[], frame_on=True)
    ax.set_title(title, fontsize=10, fontweight="normal", loc="center")
    ax.spines[:].set(visible=True, color="#CCCCCC")
    return picture


def plot_mistakes(X, y, a, shape):
    """Draw the wrong answers (a is (N, 10)) that the network was surest of."""
    wrong = np.flatnonzero(a.argmax(axis=1) != y)
    worst = wrong[np.argsort(-a[wrong].max(axis=1))][:18]
    fig, axs = plt.subplots(3, 6, figsize=(9, 6), layout="constrained",
                            subplot_kw=EMPTY)
    for ax, n in zip(axs.flat, worst):
        show_image(ax, X[n].reshape(shape),
                   f"{y[n]}, read as {a[n].argmax()}\n{a[n].max():.1%} sure")
    fig.suptitle(f"{len(wrong)} of {len(y):,} digits were misread, these with the most "
                 "confidence", fontsize=11, fontweight="bold")
    return fig


def plot_first_layer(W1, shape):
    """Draw the weights of the 40 strongest first-layer units as images."""
    strongest = np.argsort(-np.linalg.norm(W1, axis=0))[:40]
    fig, axs = plt.subplots(4, 10, figsize=(9, 3.6), layout="constrained",
                            subplot_kw=EMPTY)
    limit = np.percentile(np.abs(W1[:, strongest]), 99.5)
    for ax, unit in zip(axs.flat, strongest):
        picture = show_image(ax, W1[:, unit].reshape(shape), cmap=SIGNED, vmin=-limit,
                             vmax=limit)
    fig.colorbar(picture, ax=axs, label="weight", pad=0.01)
    fig.suptitle("Ink on orange excites a first-layer unit, ink on blue inhibits it",
                 fontsize=11, fontweight="bold")
    return fig


def plot_probabilities(X, a, marked, names, shape, title, originals=()):
    """Draw images, as found and as the network sees them, above their probabilities.

    ``marked`` (N,) are the digits whose probability is drawn in green.
    """
    rows, columns = 2 + bool(originals), len(X)
    fig, axs = plt.subplots(rows, columns, squeeze=False, layout="constrained",
                            figsize=(max(4.5, 1.5 * columns), 1.7 * rows))
    for i, column in enumerate(axs.T):
        for ax, pixels in zip(column, [*originals[i : i + 1], X[i].reshape(shape)]):
            show_image(ax, pixels, names[i] if ax is column[0] else None)
        colours = ["#BBBBBB"] * 10
        colours[marked[i]] = TEST_COLOUR
        column[-1].bar(range(10), a[i], color=colours)
        column[-1].set(xticks=range(10), ylim=(0, 1), yticks=[0, 0.5, 1])
        column[-1].tick_params(labelsize=9, labelleft=i == 0)
    axs[-1, 0].set_ylabel("probability")
    fig.suptitle(title, fontsize=11, fontweight="bold")
    return fig


def plot_board(params, shape):
    """Return a figure to draw on with the mouse, whose probabilities follow."""
    fig, (board, bars) = plt.subplots(1, 2, figsize=(9, 4.5), layout="constrained")
    ink, row_column, stroke = np.zeros((140, 140)), np.indices((140, 140)), []
    picture = show_image(board, ink, "Draw a digit; press c to clear")
    columns = bars.bar(range(10), 0, color=TEST_COLOUR)
    bars.set(xticks=range(10), ylim=(0, 1), ylabel="probability", xlabel="digit")

    def show():
        a = predict(params, center_like_mnist(ink, shape))[0] if ink.any() else [0] * 10
        for column, height in zip(columns, a):
            column.set_height(height)
        picture.set_data(ink)
        fig.canvas.draw_idle()

    def draw(event):
        if event.name == "button_press_event":
            stroke.clear()
        if event.inaxes is board and event.button == 1:
            stroke.append([event.ydata, event.xdata])
            for place in np.linspace(stroke[-2:][0], stroke[-1], 9):  # no gaps
                distance = np.hypot(*(row_column - place[:, None, None]))
                np.maximum(ink, np.clip(6.5 - distance, 0, 1), out=ink)
            show()

    def clear(event):
        if event.key == "c":
            ink[:] = 0
            show()

    fig.canvas.mpl_connect("button_press_event", draw)
    fig.canvas.mpl_connect("motion_notify_event", draw)
    fig.canvas.mpl_connect("key_press_event", clear)
    return fig


# --- Comparison -----------------------------------------------------------------------


def compare(args, metrics, training, test):
    """Train the same network in scikit-learn and Keras; print and return all results.

    Layers, batches, epochs, Adam and its first learning rate are the same; scikit-learn
    has no cosine schedule and keeps that rate. A missing package is named.
    """
    keys = "seconds_per_epoch", "test_accuracy"
    table = {"this script": {key: metrics[key] for key in keys}}
    for name, rival in (("scikit-learn", fit_sklearn), ("Keras", fit_keras)):
        try:
            start = time.perf_counter()
            score = rival(args, training, test)
            seconds = (time.perf_counter() - start) / args.epochs
            table[name] = dict(zip(keys, (seconds, score)))
        except ImportError as error:
            print(f"{name} is left out: {error}")
    print("\nnetwork        seconds/epoch   test accuracy")
    for name, row in table.items():
        print("{:12}   {:13.2f}   {:13.2%}".format(name, *row.values()))
    return table


def fit_sklearn(args, training, test):
    """Train scikit-learn's MLPClassifier; return its test accuracy."""
    from sklearn.neural_network import MLPClassifier

    rival = MLPClassifier(args.hidden, alpha=0, tol=0, batch_size=args.batch_size,
                          learning_rate_init=args.lr, max_iter=args.epochs,
                          n_iter_no_change=args.epochs, random_state=args.seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns that max_iter was reached
        rival.fit(*training)
    return float(rival.score(*test))


def fit_keras(args, training, test):
    """Train a Keras model; return its test accuracy."""
    import keras

    keras.utils.set_random_seed(args.seed)
    layers = [keras.layers.Dense(n, "relu", kernel_initializer="he_normal")
              for n in args.hidden]
    rival = keras.Sequential([*layers, keras.layers.Dense(10, "softmax")])
    steps = args.epochs * math.ceil(len(training[1]) / args.batch_size)
    rate = keras.optimizers.schedules.CosineDecay(args.lr, steps)
    rival.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy",
                  metrics=["accuracy"])
    rival.fit(*training, batch_size=args.batch_size, epochs=args.epochs, verbose=0)
    return float(rival.evaluate(*test, verbose=0)[1])


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
    parser.add_argument("--data", type=Path, default=MNIST, metavar="FILE.npz",
                        help="images and labels, laid out as Keras's mnist.npz "
                             "(default: mnist.npz beside this script)")
    parser.add_argument("--hidden", type=number(int, 1, 8192), nargs="+", metavar="H",
                        help="sizes of the hidden layers (default: 256 128)")
    parser.add_argument("--epochs", type=number(int, 1, 10_000),
                        help="passes over the training images (default: 15; 30 "
                             "with --augment; none with --load)")
    parser.add_argument("--batch-size", type=number(int, 1, 60_000), default=128,
                        metavar="N", help="images per step (default: %(default)s)")
    parser.add_argument("--lr", type=number(float, 1e-9, 1e9), default=0.002,
                        help="learning rate at the start (default: %(default)s)")
    parser.add_argument("--augment", action="store_true",
                        help="distort every training image at random, anew each time")
    parser.add_argument("--seeds", type=number(int, 1, 100), default=1, metavar="K",
                        help="train K networks; report mean and standard deviation")
    parser.add_argument("--compare", action="store_true",
                        help="train the same network in scikit-learn and Keras, too")
    parser.add_argument("--load", type=Path, metavar="FILE.npz",
                        help="start from the weights of an earlier run")
    parser.add_argument("--predict", type=Path, nargs="+", metavar="IMAGE", default=[],
                        help="read the digit in these drawings or photographs")
    parser.add_argument("--draw", action="store_true",
                        help="open a window to draw digits in with the mouse")
    args = parser.parse_args(argv)
    if args.compare and args.load:
        parser.error("--compare trains from the start; leave out --load")
    return args


def load_start(args, n_in):
    """Return the weights of --load, or None; settle --hidden and --epochs."""
    loaded, hidden, epochs = None, [256, 128], 30 if args.augment else 15
    if args.load:
        loaded, epochs = read_weights(args.load, n_in), 0
        hidden = [loaded[f"b{k}"].size for k in range(1, len(loaded) // 2)]
        if args.hidden not in (None, hidden):
            raise InputError(f"{args.load} has the hidden layers {hidden}, but "
                             f"--hidden asks for {args.hidden}")
    args.hidden, args.epochs = args.hidden or hidden, args.epochs or epochs
    return loaded


def train_seeds(args, loaded, training, validation, test, shape):
    """Return params, history, test probabilities of the first seed; metrics of all."""
    networks, start = [], time.perf_counter()
    sizes = [training[0].shape[1], *args.hidden, 10]
    for seed in range(args.seed, args.seed + args.seeds):
        if args.seeds > 1:
            print(f"Seed {seed}:")
        rng = np.random.default_rng(seed)
        params, history = loaded or init_params(sizes, rng), {"loss": []}
        if args.epochs:
            params, history = train(params, training, validation, args.epochs, args.lr,
                                    args.batch_size, rng, args.augment and shape)
        networks.append((params, history, predict(params, test[0])))
        if len(history["loss"]) < args.epochs:  # Ctrl-C ends the other seeds, too
            break
    scores = [accuracy(a, test[1]) for _, _, a in networks]
    params, history, a = networks[0]
    metrics = {"test_accuracy": scores[0], "epochs": len(history["loss"]),
               "parameters": sum(value.size for value in params.values()),
               "seconds": (time.perf_counter() - start) / len(networks)}
    if history["loss"]:
        metrics |= {"train_loss": history["loss"][-1],
                    "validation_accuracy": history["validation"][-1],
                    "seconds_per_epoch": float(np.median(history["seconds"]))}
    if len(scores) > 1:
        metrics |= {"test_accuracies": scores, "test_mean": np.mean(scores),
                    "test_sd": np.std(scores, ddof=1)}
    return params, history, a, metrics


def describe(counts):
    """Return in words how many digits were misread, and which mistake was commonest."""
    wrong = counts - np.diag(np.diag(counts))
    if not wrong.any():
        return f"none of {counts.sum():,} wrong"
    i, j = np.unravel_index(wrong.argmax(), wrong.shape)
    return (f"{wrong.sum()} of {counts.sum():,} wrong, "
            f"most often {i} read as {j} ({wrong[i, j]} times)")


def report_digits(a, y, metrics):
    """Print how well the test images were read; return the confusion counts."""
    counts = np.bincount(10 * y + a.argmax(axis=1), minlength=100).reshape(10, 10)
    metrics["wrong"] = counts.sum() - np.trace(counts)
    print(f"Test accuracy {accuracy(a, y):.2%}: {describe(counts)}.")
    if "test_mean" in metrics:
        print(f"{len(metrics['test_accuracies'])} seeds: {metrics['test_mean']:.2%} on "
              f"average, standard deviation {metrics['test_sd']:.2%}")
    return counts


def draw_results(params, history, X, y, a, shape, counts):
    """Return the figures of a run by name."""
    surest = np.argsort(a.max(axis=1))
    shown = [*surest[:3], *surest[-3:]]
    figures = {"confusion": plot_confusion(counts, describe(counts)),
               "mistakes": plot_mistakes(X, y, a, shape),
               "first_layer": plot_first_layer(params["W1"], shape),
               "probabilities": plot_probabilities(
                   X[shown], a[shown], y[shown], [f"a {y[n]}" for n in shown], shape,
                   "The three least sure answers, the three surest (green: the truth)")}
    if history["loss"]:
        figures["learning_curves"] = plot_curves(history)
    return figures


def read_digits(args):
    """Load, train, test, read images from elsewhere, draw and save."""
    data = training, validation, test, shape = load_data(args.data)
    loaded = load_start(args, training[0].shape[1])
    originals = [read_image(path) for path in args.predict]
    make_folder(args.out)
    sizes = "-".join(map(str, [training[0].shape[1], *args.hidden, 10]))
    print(f"{args.data.stem}: {sizes}, ReLU, Adam {args.lr:g}, batch "
          f"{args.batch_size}, seed {args.seed}\n{len(training[1]):,} training, "
          f"{len(validation[1]):,} validation, {len(test[1]):,} test images\n")
    params, history, a, metrics = train_seeds(args, loaded, *data)
    np.savez(args.out / "weights.npz", **params)
    counts = report_digits(a, test[1], metrics)
    if args.compare and len(history["loss"]) == args.epochs:  # not after Ctrl-C
        metrics["compare"] = compare(args, metrics, training, test)
    figures = draw_results(params, history, *test, a, shape, counts)
    if originals:
        X = np.concatenate([center_like_mnist(ink, shape) for ink in originals])
        a, names = predict(params, X), [path.name for path in args.predict]
        for name, row in zip(names, a):
            print(f"{name}: {row.argmax()}; all ten:", *(f"{p:.3f}" for p in row))
        figures["predictions"] = plot_probabilities(
            X, a, a.argmax(axis=1), names, shape, "Ink found, ink as seen, answer",
            originals)
    if args.draw:
        plot_board(params, shape)
        if not plt.gcf().canvas.required_interactive_framework:
            print("No display: the window to draw in cannot be opened.")
    save_results(args, figures, metrics, ["weights.npz"])


def main(argv=None):
    """Run the lesson from the command line; return the exit status."""
    return run_safely(read_digits, parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
