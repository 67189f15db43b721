# /// script
# requires-python = ">=3.10"
# dependencies = ["numpy>=2.0", "matplotlib>=3.9", "scikit-learn>=1.5"]
# ///
"""Does a network learn more if random units are switched off in each training step?

    X (N, D) -> W1 (D, H1) -> ReLU, mask m1 -> a1 (N, H1) -> W2 (H1, H2)
             -> ReLU, mask m2 -> a2 (N, H2) -> W3 (H2, K) -> softmax -> a3 (N, K)

N images, D = 64 pixels, K = 10 digits. Masks hold 0 (unit off) or 1 / (1 - q) (on), at
drop rate q. A further axis in front of every array is for S runs that learn at once.
Numbers such as (9.1) are those of the equations in README.md.

    python dropout.py                       ten pairs of networks, 15 seconds
    python dropout.py --hidden 16 16        a narrow network: dropout does harm
"""

import argparse
import json
import math
import sys
import tempfile
from collections import namedtuple
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

TRAIN_COLOUR, VALIDATION_COLOUR, TEST_COLOUR = "#56B4E9", "#D55E00", "#009E73"
STYLE = {"axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False,
         "axes.titlelocation": "left", "axes.titlesize": 11, "axes.titleweight": "bold"}
RATES, PENALTIES = (0.2, 0.4, 0.6, 0.8), (0.001, 0.003, 0.01, 0.03)
SIZES, NAMES = (50, 100, 400), ("training", "validation")
Setting = namedtuple("Setting", "size drop l2")


class InputError(ValueError):
    """Bad input that the user can mend; the message is one sentence that says how."""


# --- Data -----------------------------------------------------------------------------


def load_data(size, runs, rng):
    """Return {"training", "validation", "test"}: X (N, 64) and one-hot y (N, 10).

    Every second of the 1,797 images is for the test, in all runs alike: nothing chosen
    on validation data has seen it. Each run shuffles the others for itself: the first
    ``size`` are to learn from, (S, size, 64), the last 298 are for validation.
    """
    from sklearn.datasets import load_digits

    X, labels = load_digits(return_X_y=True)
    X, y = np.float32(X / 16), np.eye(10, dtype=np.float32)[labels]
    pool = rng.permuted(np.tile(np.arange(0, len(X), 2), (runs, 1)), axis=1)  # (S, 899)
    rows = {"training": pool[:, :size], "validation": pool[:, -298:],
            "test": np.arange(1, len(X), 2)}
    return {name: (X[n], y[n]) for name, n in rows.items()}


# --- Model ----------------------------------------------------------------------------


def init_params(sizes, runs, rng):
    """Return zero biases and He's random weights for S networks D-H1-H2-K."""
    params = {}
    for k, (n_in, n_out) in enumerate(zip(sizes, sizes[1:]), 1):
        W = rng.normal(scale=math.sqrt(2 / n_in), size=(runs, n_in, n_out))
        params[f"W{k}"] = W.astype(np.float32)
        params[f"b{k}"] = np.zeros((runs, n_out), np.float32)
    return params


def log_softmax(z):
    """Return log(softmax(z)) along the last axis, exact where softmax underflows."""
    shifted = z - z.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def draw_masks(drop, shapes, rng):
    """Return masks: 0 with probability ``drop`` in [0, 1), else 1 / (1 - drop)."""
    on = [rng.random(shape, np.float32) >= drop for shape in shapes]
    return [mask.astype(np.float32) / (1 - drop) for mask in on]  # (9.1)


def forward(params, X, masks=None):
    """Return all intermediates for X (N, D) under masks m1, m2; None is evaluation."""
    m1, m2 = (1.0, 1.0) if masks is None else masks
    z1 = X @ params["W1"] + params["b1"][..., None, :]  # (N, H1)  (9.2)
    a1 = np.maximum(0, z1) * m1  # (N, H1)  (9.3)
    z2 = a1 @ params["W2"] + params["b2"][..., None, :]  # (N, H2)
    a2 = np.maximum(0, z2) * m2  # (N, H2)
    z3 = a2 @ params["W3"] + params["b3"][..., None, :]  # (N, K)
    return {"X": X, "m1": m1, "z1": z1, "a1": a1, "m2": m2, "z2": z2, "a2": a2,
            "z3": z3, "a3": np.exp(log_softmax(z3))}


# --- Loss and gradients ---------------------------------------------------------------


def loss(cache, y):
    """Return the cross-entropy for one-hot digits y (N, K): () or, of S runs, (S,)."""
    return -np.sum(y * log_softmax(cache["z3"]), axis=(-2, -1)) / y.shape[-2]  # (9.4)


def backward(params, cache, y):
    """Return the gradient of the loss, under the masks of the forward pass."""
    dz3 = (cache["a3"] - y) / y.shape[-2]  # (N, K)  (9.5)
    dW3 = cache["a2"].swapaxes(-1, -2) @ dz3  # (H2, K)
    db3 = dz3.sum(axis=-2)  # (K,)
    da2 = dz3 @ params["W3"].swapaxes(-1, -2)  # (N, H2)
    dz2 = da2 * cache["m2"] * (cache["z2"] > 0)  # (N, H2)  (9.6)
    dW2 = cache["a1"].swapaxes(-1, -2) @ dz2  # (H1, H2)
    db2 = dz2.sum(axis=-2)  # (H2,)
    da1 = dz2 @ params["W2"].swapaxes(-1, -2)  # (N, H1)
    dz1 = da1 * cache["m1"] * (cache["z1"] > 0)  # (N, H1)
    dW1 = cache["X"].swapaxes(-1, -2) @ dz1  # (D, H1)
    db1 = dz1.sum(axis=-2)  # (H1,)
    return {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2, "W3": dW3, "b3": db3}


# --- Training -------------------------------------------------------------------------


def stop_if_diverged(value, epoch):
    """Raise FloatingPointError, with advice, when a loss has exploded."""
    if not abs(value) < 1e9:  # nan, too
        raise FloatingPointError(f"training diverged in epoch {epoch}: the loss is "
                                 f"{value:.3g}; try a smaller --lr")


def train(params, X, y, drop, l2, epochs, lr, rng, momentum=0.9, every=5):
    """Descend with momentum on all images at once, under new masks in each epoch.

    Returns params and their path: (epoch, params) at the start, after ``every`` few
    epochs and at the end, or at Ctrl-C. Raises FloatingPointError if a loss explodes.
    """
    shapes = [(*X.shape[:-1], params[b].shape[-1]) for b in ("b1", "b2")]
    velocity = {k: np.zeros_like(v) for k, v in params.items()}
    path = [(0, params)]
    try:
        for epoch in range(1, epochs + 1):
            masks = draw_masks(drop, shapes, rng) if drop else None
            cache = forward(params, X, masks)
            stop_if_diverged(loss(cache, y).sum(), epoch)
            grads = backward(params, cache, y)
            for k in ("W1", "W2", "W3"):
                grads[k] = grads[k] + l2 * params[k]  # (9.7)
            velocity = {k: momentum * velocity[k] - lr * grads[k] for k in params}
            params = {k: params[k] + velocity[k] for k in params}  # (9.8)
            if epoch % every == 0 or epoch == epochs:
                path.append((epoch, params))
    except KeyboardInterrupt:
        print("Stopped by Ctrl-C; what was learnt so far is kept.")
        path.append((epoch - 1, params))
    return params, path


def accuracies(a, y):
    """Return the share of rows of a (N, K) that are largest where one-hot y is 1."""
    return np.mean(a.argmax(axis=-1) == y.argmax(axis=-1), axis=-1)


def follow(path, X, y):
    """Return loss and accuracy on X, y along the path, (2, T, S), without masks."""
    caches = (forward(params, X) for _, params in path)
    rows = [(loss(cache, y), accuracies(cache["a3"], y)) for cache in caches]
    return np.swapaxes(rows, 0, 1)


def stop_early(path, scores):
    """Return, for each run, the params of the path with the highest score (T, S)."""
    best = np.argmax(scores, axis=0)  # (S,), the earliest of equals
    return {k: np.array([path[t][1][k][s] for s, t in enumerate(best)])
            for k in path[0][1]}


# --- What dropout is ------------------------------------------------------------------


def mean_and_error(values):
    """Return the mean of independent values and its standard error."""
    return np.mean(values), np.std(values, ddof=1) / math.sqrt(len(values))


def expected_loss(X, y, beta, drop, rng):
    """Return E |y - (X * mask) beta|^2 over all masks, by formula, and sampled."""
    on = np.indices((2,) * len(beta)).reshape(len(beta), -1).T  # (2^D, D), every mask
    chance = np.prod(np.where(on, 1 - drop, drop), axis=1)  # (2^D,)
    losses = np.sum((y - on / (1 - drop) * beta @ X.T) ** 2, axis=1)  # (2^D,)
    penalty = drop / (1 - drop) * np.sum(X**2 * beta**2)
    ridge = np.sum((y - X @ beta) ** 2) + penalty  # (9.9)
    (masks,) = draw_masks(drop, [(2000, *X.shape)], rng)
    sampled = mean_and_error(np.sum((y - (X * masks) @ beta) ** 2, axis=1))
    return chance @ losses, ridge, *sampled


def thin_out(params, X, drop, count, rng):
    """Return a3 (count, S, N, K) of ``count`` networks, each of one mask for all X."""
    shapes = [(len(params[b]), 1, params[b].shape[-1]) for b in ("b1", "b2")]
    masks = (draw_masks(drop, shapes, rng) for _ in range(count))
    return np.stack([forward(params, X, pair)["a3"] for pair in masks])


# --- Figures --------------------------------------------------------------------------


def draw_band(ax, x, values, colour, label, style="o-"):
    """Draw the mean of values (T, S) over S runs, in a band of a standard deviation."""
    mean, sd = np.mean(values, axis=1), np.std(values, axis=1, ddof=1)
    ax.plot(x, mean, style, color=colour, linewidth=2, label=label)
    ax.fill_between(x, mean - sd, mean + sd, color=colour, alpha=0.2, linewidth=0)


def plot_curves(pair, drop):
    """Draw loss and accuracy by epoch, without dropout dashed and with it solid."""
    fig, axs = plt.subplots(1, 2, figsize=(9, 4.2), layout="constrained")
    for row, style, q in zip(pair, ("--", "-"), (0, drop)):
        for name, colour in zip(NAMES, (TRAIN_COLOUR, VALIDATION_COLOUR)):
            for ax, share in zip(axs, row[name]):
                draw_band(ax, row["x"], share, colour, f"{name}, q = {q:g}", style)
    ends = np.mean([row["validation"][:, -1] for row in pair], axis=-1)  # (2, 2)
    axs[0].set(yscale="log", xlabel="epoch", ylabel="loss (cross-entropy)",
               title=f"Validation loss {ends[0, 0]:.2f}, with dropout {ends[1, 0]:.2f}")
    lowest = min(0.7, ends[:, 1].min() - 0.1)  # the first epochs may lie below
    axs[1].set(xlabel="epoch", ylabel="accuracy", ylim=(lowest, 1.01),
               title=f"Accuracy {ends[0, 1]:.1%}, with dropout {ends[1, 1]:.1%}")
    axs[1].legend(title="mean and standard deviation")
    return fig


def plot_gap(results, plain, drop):
    """Draw the accuracies on training and test images, and their gap, by drop rate."""
    fig, ax = plt.subplots(figsize=(8, 4.2), layout="constrained")
    rates = sorted(s.drop for s in results if s._replace(drop=0.0) == plain)
    rows = [results[plain._replace(drop=q)] for q in rates]
    test, gap = (np.array([row[key] for row in rows]) for key in ("test", "gap"))
    draw_band(ax, rates, test + gap / 100, TRAIN_COLOUR, "training")
    draw_band(ax, rates, test, TEST_COLOUR, "test")
    for q, low, high in zip(rates, test.mean(axis=1), gap.mean(axis=1)):
        ax.vlines(q, low, low + high / 100, color="#999999")
        ax.annotate(f" {high:.1f}", (q, low + high / 200))
    ends = [gap[rates.index(q)].mean() for q in (0, drop)]
    ax.set(xlabel="drop rate q", ylabel="accuracy", title="Training and test: "
           f"{ends[0]:.1f} points apart without dropout, {ends[1]:.1f} at q = {drop:g}")
    ax.legend(title="mean and standard deviation")
    return fig


def plot_units(units, drop):
    """Draw the activations of one run, and what it costs to take units away."""
    fig, axs = plt.subplots(1, 3, figsize=(9.5, 4.2), layout="constrained")
    for ax, unit, q, colour in zip(axs, units, (0, drop), ("#000000", "#CC79A7")):
        digits, a2 = unit["y"].argmax(axis=-1), unit["a2"]  # (N,), (N, H2)
        means = [np.mean(a2[digits == k], axis=0) for k in range(10)]
        order = np.ix_(np.argsort(digits), np.argsort(np.argmax(means, axis=0)))
        picture = ax.imshow(a2[order].T, aspect="auto", vmin=0, vmax=4)
        ax.set_xticks(np.searchsorted(np.sort(digits), range(10)), range(10), ha="left")
        ax.set(xlabel="images, by digit", yticks=[],
               title=f"q = {q:g}: {unit['on']:.0%} of units on")
        draw_band(axs[2], (0, *RATES), unit["thinned"], colour, f"q = {q:g}")
    axs[0].set_ylabel("units of layer 2, by favourite digit")
    fig.colorbar(picture, ax=axs[1], label="activation", pad=0.02)
    ends = [unit["thinned"][3].mean() for unit in units]
    axs[2].set(xlabel="share of units taken away", ylabel="validation accuracy",
               title=f"{RATES[2]:.0%} gone: {ends[0]:.0%} and {ends[1]:.0%}")
    axs[2].legend()
    return fig


def plot_unsure(X, y, votes):
    """Draw the images whose answer has the lowest mean vote; votes (masks, N, K)."""
    mean, digits = votes.mean(axis=0), y.argmax(axis=-1)
    read, worst = mean.argmax(axis=-1), mean.max(axis=-1).argsort()[:12]  # (9.11)
    fig, axs = plt.subplots(4, 6, figsize=(9, 6.4), layout="constrained")
    for image, vote, n in zip(axs[::2].flat, axs[1::2].flat, worst):
        image.imshow(X[n].reshape(8, 8), cmap="gray_r")
        image.set_title(f"{digits[n]}, read as {read[n]}", fontsize=10, loc="center")
        image.axis("off")
        vote.bar(range(10), mean[n], color=np.where(y[n], TEST_COLOUR, "#BBBBBB"))
        vote.plot(votes[:30, n].T, ".", color="#000000", alpha=0.2, markersize=3)
        vote.set(xticks=range(10), yticks=[0, 1], ylim=(0, 1.02))
    wrong = np.sum(read[worst] != digits[worst])
    for vote in axs[1::2, 0]:
        vote.set_ylabel("probability")
    fig.suptitle(f"The 12 least sure answers: {wrong} are wrong (bars: mean of "
                 f"{len(votes)} masks,\ngreen for the true digit; dots: single masks)",
                 fontsize=11, fontweight="bold", x=0.01, ha="left")
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
    for flag, kind, low, high, default, text in (
            ("--drop", float, 0, 0.99, 0.4, "drop rate q of the hidden layers"),
            ("--train-size", int, 20, 600, 200, "training images"),
            ("--seeds", int, 2, 100, 10, "runs of each kind, side by side"),
            ("--epochs", int, 1, 10_000, 100, "steps, each on all images"),
            ("--lr", float, 1e-9, 1e6, 0.1, "learning rate")):
        parser.add_argument(flag, type=number(kind, low, high), default=default,
                            help=f"{text} (default: %(default)s)")
    parser.add_argument("--hidden", type=number(int, 2, 1024), nargs=2, metavar="H",
                        default=[128, 128], help="layer sizes (default: 128 128)")
    return parser.parse_args(argv)


def train_all(args):
    """Train without dropout, with it, and all rivals; return {Setting: row}."""
    plain, results, epochs = Setting(args.train_size, 0.0, 0.0), {}, args.epochs
    settings = [plain, *(plain._replace(drop=q) for q in (args.drop, *RATES)),
                *(plain._replace(l2=penalty) for penalty in PENALTIES),
                *(Setting(n, q, 0.0) for n in SIZES for q in (0.0, args.drop))]
    print("images  drop rate     L2  training  validation")
    for setting in dict.fromkeys(settings):  # each once, from the same random numbers:
        split, start, masks = (np.random.default_rng([args.seed, k]) for k in range(3))
        data = load_data(setting.size, args.seeds, split)
        first = init_params([64, *args.hidden, 10], args.seeds, start)
        _, path = train(first, *data["training"], *setting[1:], epochs, args.lr, masks,
                        every=max(5, args.epochs // 20))
        epochs = max(1, path[-1][0])  # less after Ctrl-C
        if epochs < args.epochs and len(results) > 1:
            break
        row = {name: follow(path, *data[name]) for name in NAMES}
        results[setting] = row | {"params": path[-1][1], "data": data,
                                  "x": [epoch for epoch, _ in path],
                                  "early": stop_early(path, row["validation"][1])}
        print("{:6d}  {:9g}{:7g}  {:8.2%}  {:10.2%}".format(
            *setting, *(row[name][1][-1].mean() for name in NAMES)))
    return results


def judge(results, plain, drop):
    """Read the test images, now that all is chosen; print and return the verdict."""
    l2 = max((s for s in results if s.size == plain.size and not s.drop),
             key=lambda s: results[s]["validation"][1][-1].mean())
    rows = {"without": results[plain], "with": results[plain._replace(drop=drop)],
            "L2": results[l2],
            "early": results[plain] | {"params": results[plain]["early"]}}
    for row in (*results.values(), rows["early"]):
        fit, test = (accuracies(forward(row["params"], X)["a3"], y)  # (S,)
                     for X, y in (row["data"]["training"], row["data"]["test"]))
        row["test"], row["gap"] = test, 100 * (fit - test)
    metrics = {"l2": l2.l2, "sizes": {}}
    print("\ndropout  test accuracy     gap   points gained, standard error")
    for name, row in rows.items():
        gain, error = mean_and_error(100 * (row["test"] - rows["without"]["test"]))
        mean, sd, gap = row["test"].mean(), row["test"].std(ddof=1), row["gap"].mean()
        metrics[name] = dict(mean=mean, sd=sd, gap=gap, gain=gain, error=error)
        print(f"{name:7s}  {mean:.2%} +- {100 * sd:.2f}  {gap:6.2f}  {gain:+14.2f} +- "
              f"{error:.2f}")
    metrics |= {"paired_difference": metrics["with"]["gain"],
                "standard_error": metrics["with"]["error"]}
    for n in sorted(s.size for s in results if s[1:] == (drop, 0.0)):
        pair = [results[Setting(n, q, 0.0)]["test"] for q in (drop, 0.0)]
        gain, error = mean_and_error(100 * (pair[0] - pair[1]))
        metrics["sizes"][n] = {"gain": gain, "error": error}
        print(f"With {n} images dropout gains {gain:+.2f} +- {error:.2f} points.")
    return metrics


def look_at_units(params, X, y, rng):
    """Return what layer 2 does with X (S, N, 64), and accuracies if thinned (T, S)."""
    a2 = forward(params, X)["a2"]  # (S, N, H2)
    thinned = [accuracies(thin_out(params, X, q, 10, rng), y) for q in (0, *RATES)]
    return {"a2": a2[0, ::3], "y": y[0, ::3], "on": np.mean(a2 > 0),
            "thinned": np.mean(thinned, axis=1)}


def switch_units_off(args):
    """Train without and with dropout, compare, explain, draw and save."""
    make_folder(args.out)
    print("{train_size} digits, 64-{hidden[0]}-{hidden[1]}-10, {epochs} epochs, lr "
          "{lr:g}, {seeds} runs of each kind, seed {seed}\n".format(**vars(args)))
    results, drop = train_all(args), args.drop
    plain = next(iter(results))
    pair = [results[plain], results[plain._replace(drop=drop)]]
    metrics, rng = judge(results, plain, drop), np.random.default_rng([args.seed, 3])
    theory = expected_loss(*(rng.normal(size=n) for n in ((30, 10), 30, 10)), drop, rng)
    metrics |= zip(("expected", "ridge", "sampled", "sampled_error"), theory)
    X, y = pair[1]["data"]["test"]
    votes = thin_out(pair[1]["params"], X, drop, 100, rng)  # (100, S, N, K)
    ensemble = votes.mean(axis=0)  # (S, N, K)  (9.10)
    units = [look_at_units(r["params"], *r["data"]["validation"], rng) for r in pair]
    metrics |= {"thinned": accuracies(votes, y).mean(), "on_without": units[0]["on"],
                "ensemble": accuracies(ensemble, y).mean(), "on_with": units[1]["on"]}
    print("\nLinear model: {expected:.9f} over 1,024 masks, {ridge:.9f} by formula,\n"
          "{sampled:.1f} +- {sampled_error:.1f} sampled. Accuracy: one mask {thinned"
          ":.2%},\n100 masks {ensemble:.2%}, none {with[mean]:.2%}.".format(**metrics))
    figures = {"curves": plot_curves(pair, drop), "gap": plot_gap(results, plain, drop),
               "units": plot_units(units, drop),
               "unsure": plot_unsure(X, y, votes[:, 0])}
    save_results(args, figures, metrics)


def main(argv=None):
    """Run the lesson from the command line; return the exit status."""
    return run_safely(switch_units_off, parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
