"""03: the network, its training, the data, and images from elsewhere."""

import functools
import json
import math
import os
import struct
import sys
import tempfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from benchmark import run_measured
from conftest import GradientCase, join, load, split
from PIL import Image, ImageDraw, ImageOps
from tutor import Lesson

script = load("03_mnist_digit_recognition")
TIMINGS = []
TIMES_IN_OUTPUT = r"\s+\d+\.\d\d$"  # the column seconds
INTERRUPT_AT = 1


def write_npz(path, n_train=600, n_test=100, **changes):
    """Write the first MNIST images, with changes, in the layout of mnist.npz."""
    with np.load(script.MNIST) as file:
        arrays = {
            name: file[name][: n_train if "train" in name else n_test] for name in file
        }
    np.savez(path, **{k: v for k, v in (arrays | changes).items() if v is not None})
    return path


QUICK_DATA = Path(tempfile.mkdtemp()) / "digits.npz"
QUICK = ["--data", str(write_npz(QUICK_DATA)), "--epochs", "3", "--hidden", "32"]


def gradient_cases():
    rng = np.random.default_rng(3)
    for name, hidden in (
        ("one layer", []),
        ("two layers", [7]),
        ("three layers", [7, 4]),
    ):
        N, D, K = 6, 5, 3
        X, y = rng.normal(size=(N, D)), np.array([0, 2, 1, 1, 2, 2])
        W, b = script.init_params([D, *hidden, K], rng, dtype=np.float64)
        for k in b:
            b[k] += rng.normal(scale=0.3, size=b[k].shape)

        def forward(params, X=X):
            z, a = script.forward(*split(params), X)
            return {"z": z, "a": a}

        def backward(params, cache, y=y):
            W, _ = split(params)
            return join(*script.backward(W, cache["z"], cache["a"], y))

        def tf_loss(tf, p, X=X, y=y):
            a, depth = tf.constant(X), len(p) // 2
            for k in range(1, depth + 1):
                z = tf.linalg.matmul(a, p[f"W{k}"]) + p[f"b{k}"]
                a = tf.nn.relu(z)
            return tf.reduce_mean(
                tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=z)
            )

        yield GradientCase(
            name,
            (N, D, *hidden, K),
            join(W, b),
            forward,
            loss=lambda cache, y=y: script.loss(cache["z"][len(cache["z"])], y),
            backward=backward,
            tf_loss=tf_loss,
            kinks=lambda cache: [cache["z"][k] for k in range(1, len(cache["z"]))],
        )


def worked():
    """The numbers of the README that a reader works by hand."""
    W = {1: np.eye(2), 2: np.array([[2.0, 1, 0], [1, -1, 1]])}
    z, a = script.forward(W, {1: 0.0, 2: 0.0}, np.array([[1.0, -0.5]]))
    p, costs, slopes = a[2][0], [], []
    for y in (0, 1):
        costs.append(script.loss(z[2], np.array([y])))
        dz = p - np.eye(3)[y]
        dW, _ = script.backward(W, z, a, np.array([y]))
        assert np.allclose(dW[2][0], dz) and not dW[2][1].any()
        assert np.isclose(dW[1][0, 0], dz @ W[2][0]) and not dW[1][0, 1]
        slopes.append(dz @ W[2].T)
    ratios, steps = [], []
    w, m, v, g = np.zeros(1), np.zeros(1), np.zeros(1), np.array([0.5])
    for step in (1, 2):
        before = w
        w, m, v = script.adam(w, g, m, v, step, 1.0)
        ratios.append(float(m[0] / np.sqrt(v[0])))
        steps.append(float(before[0] - w[0]))
    assert np.allclose(steps, 1, rtol=1e-5)  # of eta = 1
    noise, rng, w = [], np.random.default_rng(0), np.zeros(200)
    m = v = np.zeros(200)
    for step in range(1, 3001):  # long enough for v, the slower mean
        before = w
        w, m, v = script.adam(w, rng.normal(size=200), m, v, step, 1.0)
        noise.append(float(np.abs(w - before).mean()))
    X = data()[1][0]
    W, b = script.init_params([784, 256, 128, 10], np.random.default_rng(0))
    sizes = [W[k].size for k in W]
    assert sum(sizes) == 234752 and sum(sizes[1:]) == 34048
    _, a = script.forward(W, b, X)
    _, half = script.forward({k: W[k] / np.sqrt(2) for k in W}, b, X)
    seeds = Path(script.__file__).with_name("images") / "seeds.json"
    return {
        "e2": math.exp(2), "total": np.exp([2.0, 1, 0]).sum(),
        "p0": p[0], "p1": p[1], "p2": p[2], "cost0": costs[0], "cost1": costs[1],
        "cost_sure": -math.log(0.01), "log10": math.log(10),
        "da1": slopes[1][0], "da2": slopes[1][1],
        "ex2a": slopes[0][0], "ex2b": slopes[0][1],
        "ratio1": ratios[0], "ratio2": ratios[1],
        "factor1": 1 / ratios[0], "factor2": 1 / ratios[1],
        "back": sum(sizes + sizes[1:]) / sum(sizes),
        "noise": np.mean(noise[1000:]),
        **{f"ms{k}": float((a[k] ** 2).mean()) for k in (0, 1, 2)},
        **{f"half{k}": float((half[k] ** 2).mean()) for k in (1, 2)},
        "sd_points": 100 * json.loads(seeds.read_text("utf-8"))["test_sd"],
        "ex1": script.loss(np.log([[1.0, 1, 2]]), np.array([2])),
    }  # fmt: skip


def your_turn_calls(script, rng, N):
    """Arguments for each function: a network 3-5-4-6 on N examples, 1-1-2 if N is 1."""
    sizes = [3, 5, 4, 6] if N > 1 else [1, 1, 2]
    W, b = script.init_params(sizes, rng, float)
    b = {k: rng.normal(size=row.shape) for k, row in b.items()}
    X, y = rng.normal(size=(N, sizes[0])), rng.integers(sizes[-1], size=N)
    z, a = script.forward(W, b, X)
    scores = rng.normal(size=(N, 4)) * 3
    w, g, m = rng.normal(size=(3, 2, 3))
    parts, run = ((X, y), (-X, y[::-1])), np.random.default_rng(5)
    return {
        "relu": [(scores,)],
        "softmax": [(scores,), (1000 * scores,)],  # exp of these is infinite
        "forward": [(W, b, X)],
        "log_softmax": [(scores,), (1000 * scores,)],
        "loss": [(z[len(W)], y), (1000 * z[len(W)], y)],
        "backward": [(W, z, a, y)],
        "adam": [(w, g, m, w**2, 2, 0.1), (w, 1e-8 * g, 0 * m, 0 * w, 1, 0.1),
                 (w, 0 * g, 0 * m, 0 * w, 1, 0.1)],
        "train": [(W, b, *parts, 2, 0.001, 3, run)],
    }


YOUR_TURN = Lesson(
    equivalent=("(z[k - 1] >= 0)",),  # at exactly 0 either slope may be taken
    functions={
        "relu": "One line: (3.1).",
        "softmax": "Subtract the largest score first, then (3.2).",
        "forward": "A loop from layer 1 to L: (3.3), then (3.4). Return the dicts z, a.",
        "log_softmax": "Subtract the largest score first, then (3.6).",
        "loss": "The mean of minus the log of the true class's probability (3.7).",
        "backward": "Begin with (3.9), then a loop from layer L to 1: (3.10) to (3.13).",
        "adam": "(3.14) to (3.17). Return the new w, m and v; leave the old ones.",
        "train": "Means of 0, W and b copied as dicts; history = [measure_both(...)]. "
        "Each epoch: rng.permutation, then forward, backward, (3.18), adam for each "
        "batch; append measure_both(...) and call stop_if_diverged. Return W, b, history.",
    },
    calls=your_turn_calls,
    names={"forward": ("z", "a"), "backward": ("dW", "db"), "adam": ("w", "m", "v"),
           "train": ("W", "b", "history")},
    slips=[
        ("softmax", "z - z.max(axis=-1, keepdims=True)", "z", "the shift is missing: with "
         "large scores e^z is infinite. Subtract each row's largest score first."),
        ("softmax", "z.max(axis=-1, keepdims=True)", "z.max()", "the shift is that of all "
         "rows: in a row far below it every e^z is 0. Take each row's own largest score."),
        ("log_softmax", "z - z.max(axis=-1, keepdims=True)", "z", "the shift is missing: "
         "with large scores e^z is infinite. Subtract each row's largest score first."),
        ("log_softmax", "z.max(axis=-1, keepdims=True)", "z.max()", "the shift is that of "
         "all rows: in a row far below it every e^z is 0. Take each row's own largest."),
        ("loss", "log_softmax(z)", "np.log(softmax(z))", "softmax of a small score is 0, and "
         "its log infinite: take log_softmax, which is exact there (3.6)."),
        ("loss", "log_softmax(z)", "softmax(z)", "the log of the probability is missing "
         "(3.7)."),
        ("adam", "0.9 * m + 0.1 * g", "0.9 * m + g", "0.1 is missing in front of g: m is a "
         "mean, so the shares 0.9 and 0.1 add up to 1 (3.14)."),
        ("adam", " / (1 - 0.9**step)", "", "the correction of m for its start at 0 is "
         "missing: / (1 - 0.9^t) (3.16)."),
        ("adam", " * math.sqrt(1 - 0.999**step)", "", "the correction of v for its start at "
         "0 is missing: the root of 1 - 0.999^t (3.16)."),
        ("adam", "rate * m / (", "rate * g / (", "the step goes along m, the mean of the "
         "slopes, not along this one slope (3.17)."),
        ("adam", "(np.sqrt(v) + 1e-8)", "np.sqrt(v + 1e-8)", "1e-8 stands behind the root, "
         "not in it (3.17)."),
        ("adam", "return w - rate", "return -rate", "the weights themselves are missing: the "
         "step is subtracted from w (3.17)."),
        ("train", "1 - step / steps", "1 - (step + 1) / steps", "the first step has the "
         "whole rate: step is counted after this line (3.18)."),
        ("relu", "np.maximum", "np.minimum", "this keeps what is negative; ReLU keeps "
         "what is positive (3.1)."),
        ("softmax", "e / e.sum(axis=-1, keepdims=True)", "e / e.sum()", "divide each row "
         "by its own sum, not by that of all rows (3.2)."),
        ("softmax", "return e / e.sum(axis=-1, keepdims=True)", "return e", "the "
         "probabilities of a row must add up to 1: divide by their sum (3.2)."),
        ("forward", " + b[k]", "", "the bias is missing (3.3)."),
        ("forward", "a[k] = relu(z[k])", "a[k] = z[k]", "ReLU is missing in the hidden "
         "layers (3.4)."),
        ("forward", "a[k] = softmax(z[k])", "a[k] = z[k]", "the last layer lacks its "
         "softmax (3.4)."),
        ("forward", "a[k] = softmax(z[k])", "a[k] = relu(z[k])", "the last layer has "
         "softmax, not ReLU (3.4)."),
        ("log_softmax", "shifted - np.log(", "np.log(", "the score itself is missing "
         "in (3.6)."),
        ("loss", "return -np", "return np", "a logarithm of a number below 1 is "
         "negative: look at the sign in (3.7)."),
        ("loss", "np.mean(", "np.sum(", "this is the sum over the images, not the mean "
         "(3.7)."),
        ("backward", "dz[np.arange(N), y] -= 1", "dz[np.arange(N), y] += 0", "the truth "
         "is not subtracted: probability minus one-hot (3.9)."),
        ("backward", "da * (z[k - 1] > 0)", "da", "ReLU's slope, 1 or 0, is missing "
         "(3.13)."),
        ("backward", "da * (z[k - 1] > 0)", "da * a[k - 1]", "ReLU's slope is 1 or 0, "
         "not its value (3.13)."),
        ("backward", "a[k - 1].T @ dz", "z[k - 1].T @ dz if k > 1 else a[0].T @ dz",
         "a weight's other factor is the activation a[k - 1], not the sum (3.10)."),
        ("adam", "* m / (np.sqrt(v) + 1e-8), m, v", "* v / (np.sqrt(m) + 1e-8), m, v",
         "m and v are exchanged: m goes above the fraction bar, v under the root "
         "(3.17)."),
        ("adam", "0.001 * g * g", "0.001 * g", "v is the mean of the squares: g is not "
         "squared (3.15)."),
        ("adam", " * math.sqrt(1 - 0.999**step) / (1 - 0.9**step)", "", "the correction "
         "of the beginning is missing (3.16)."),
        ("adam", "**step", "**(step + 1)", "steps count from 1, and step is already that "
         "number: no + 1 (3.16)."),
        ("adam", "**step", "**(step - 1)", "this counts steps from 0, but they count "
         "from 1: no - 1 (3.16)."),
        ("adam", "return w - rate", "return w + rate", "a step goes against the slope: minus "
         "(3.17)."),
        ("adam", "np.sqrt(v)", "v", "the typical size is the root of v (3.17)."),
        ("train", "rng.permutation(len(X))", "np.arange(len(X))", "the images are not "
         "shuffled anew in each epoch."),
        ("train", "lr * (1 - step / steps)", "lr", "the rate does not fall (3.18)."),
        ("train", "adam(b[k], db[k], mb[k], vb[k], step, rate)", "b[k], mb[k], vb[k]",
         "the biases do not learn."),
        ("train", "i in range(0, len(X), batch_size)", "i in range(0, batch_size, "
         "batch_size)", "this uses only the first batch of each epoch."),
        ("softmax", "axis=-1", "axis=0",
         "the sum runs over the scores of one image, so along the last axis "
         "(3.2)."),
        ("softmax", "e.sum(axis=-1", "e.sum(axis=0",
         "the sum runs over the scores of one image, so along the last axis "
         "(3.2)."),
        ("adam", "0.9 * m + 0.1 * g", "0.1 * m + 0.9 * g",
         "0.9 belongs to the old m, 0.1 to the new slope (3.14)."),
        ("adam", "math.sqrt(1 - 0.999**step)", "(1 - 0.999**step)",
         "the root of 1 - 0.999**t is missing (3.16)."),
        ("adam", "0.001 * g * g", "0.001 * m * m",
         "v is the mean of the squares of g, not of m (3.15)."),
        ("adam", "(np.sqrt(v) + 1e-8)", "np.sqrt(v) + 1e-8",
         "brackets: 1e-8 stands under the fraction bar, beside the root "
         "(3.17)."),
        ("forward", "a[k - 1] @ W[k]", "(z[k - 1] if k > 1 else a[0]) @ W[k]",
         "the next layer takes the activations a of this one, not its sums z "
         "(3.3)."),
    ],
)  # fmt: skip


BREAKS = [  # of README.md, "Break it": the script's text, the change, who notices
    ("dz = da * (z[k - 1] > 0)", "dz = da", "test_backward_matches_central_differences"),
    ("    rate = rate * math.sqrt(1 - 0.999**step) / (1 - 0.9**step)  # (3.16)\n", "",
     "test_adam_keeps_both_running_means"),
    ("rng.permutation(len(X))\n        for", "np.arange(len(X))\n        for",
     "test_every_image_is_seen_once_an_epoch_and_the_rate_falls_in_a_line"),
]  # fmt: skip


@functools.cache
def data():
    arrays, _ = script.read_images(script.MNIST)
    return script.load_data(arrays)


@functools.cache
def trained():
    """Return W and b of a network that has seen 18,000 digits twice."""
    (X, y), validation, _ = data()
    rng = np.random.default_rng(0)
    W, b = script.init_params([784, 64, 10], rng)
    part = X[:18000], y[:18000]
    return script.train(W, b, part, validation, 2, 0.004, 128, rng)[:2]


def save_weights(path, W, b):
    np.savez(path, **{f"W{k}": W[k] for k in W}, **{f"b{k}": b[k] for k in b})
    return str(path)


@pytest.fixture
def no_pictures(monkeypatch):
    """Let runs skip their figures, which take most of the time of a short run."""
    for name in ("network", "curves", "mistakes", "first_layer", "shift"):
        monkeypatch.setattr(script, f"plot_{name}", lambda *args: None)
    honest = script.save_results

    def save(args, figures, metrics, others):
        honest(args, {k: v for k, v in figures.items() if v}, metrics, others)

    monkeypatch.setattr(script, "save_results", save)


# --- Data


def test_the_real_seventy_thousand_are_split_and_scaled():
    (X, y), (X_val, y_val), (X_test, y_test) = data()
    assert X.shape == (54000, 784) and X_val.shape == (6000, 784)
    assert X_test.shape == (10000, 784) and len(y) == 54000 and len(y_test) == 10000
    assert X.dtype == np.float32 and X.min() == 0 and X.max() == 1
    with np.load(script.MNIST) as file:
        np.testing.assert_array_equal(y_test, file["y_test"])
        np.testing.assert_array_equal(
            X_test[7], file["x_test"][7].ravel() / np.float32(255)
        )
        total = file["x_train"].astype(float).sum() / 255
        assert np.bincount(np.concatenate([y, y_val])).tolist() == (
            np.bincount(file["y_train"]).tolist()
        )
    assert X.sum(dtype=float) + X_val.sum(dtype=float) == pytest.approx(total, rel=1e-6)


def test_images_and_labels_stay_together():
    X, y = data()[0]
    with np.load(script.MNIST) as file:
        originals = {
            image.tobytes(): label
            for image, label in zip(file["x_train"].reshape(60000, -1), file["y_train"])
        }
    for n in range(0, 54000, 1111):
        assert originals[np.rint(X[n] * 255).astype(np.uint8).tobytes()] == y[n]


def test_another_image_set_of_another_size_is_learnt(tmp_path, capsys, no_pictures):
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = (digits.images * 15.9).astype(np.uint8)
    np.savez(
        tmp_path / "small.npz",
        x_train=images[:1500],
        y_train=digits.target[:1500],
        x_test=images[1500:],
        y_test=digits.target[1500:],
    )
    assert (
        script.main(
            [
                "--data",
                str(tmp_path / "small.npz"),
                "--hidden",
                "64",
                "--epochs",
                "30",
                "--batch-size",
                "32",
                "--no-show",
                "--out",
                str(tmp_path),
            ]
        )
        == 0
    )
    assert json.loads((tmp_path / "metrics.json").read_text())["test_accuracy"] > 0.85


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"x_train": None}, "x_train"),
        ({"x_train": np.zeros((600, 784), np.uint8)}, "(600, 784)"),
        ({"x_train": np.zeros((600, 28, 28), np.float32)}, "uint8"),
        ({"x_test": np.zeros((100, 28, 27), np.uint8)}, "(100, 28, 27)"),
        ({"y_train": np.zeros(599, np.uint8)}, "(599,)"),
        ({"y_test": np.zeros(100)}, "float64"),
        ({"y_train": np.full(600, 10, np.uint8)}, "0 to 9"),
        ({"class_names": np.array(["one", "two"])}, "class_names"),
        ({"class_names": np.array([str(n) for n in range(11)])}, "class_names"),
        ({"y_train": np.full(600, -1)}, "0 to 9"),
        (
            {"x_train": np.zeros((5, 28, 28), np.uint8), "y_train": np.zeros(5, int)},
            "at least 20",
        ),
        ({"x_train": np.array([{}] * 600)}, "whole .npz"),
        ({"x_train": np.zeros((600, 0, 28), np.uint8)}, "height"),
    ],
)
def test_foreign_arrays_are_named(changes, words, tmp_path, capsys):
    path = write_npz(tmp_path / "bad.npz", **changes)
    assert script.main(["--data", str(path), "--out", str(tmp_path / "o")]) == 2
    error = capsys.readouterr().err
    assert words in error and "bad.npz" in error and error.count("\n") == 1
    assert not list((tmp_path / "o").iterdir())


def test_class_names_are_shown_and_dollars_drawn(tmp_path, capsys, monkeypatch):
    names = np.array([f"$cl_{n}^" for n in range(10)])
    path = write_npz(tmp_path / "named.npz", class_names=names)
    flags = ["--data", str(path), "--epochs", "1", "--out", str(tmp_path), "--no-show"]
    assert script.main(flags) == 0
    out, err = capsys.readouterr()
    assert "most often $cl_" in out and err == ""


def test_a_file_that_unpacks_to_too_much_is_not_unpacked(tmp_path):
    np.savez_compressed(tmp_path / "bomb.npz", x_train=np.zeros(2 * 10**8, np.uint8))
    with pytest.raises(script.InputError, match="200 MB"):
        script.read_arrays(tmp_path / "bomb.npz")


def test_only_so_many_images_are_used():
    arrays = script.read_arrays(QUICK_DATA)
    (X, y), (X_val, _), _ = script.load_data(arrays, 20)
    whole = script.load_data(arrays)
    np.testing.assert_array_equal(X, whole[0][0][:20])
    np.testing.assert_array_equal(y, whole[0][1][:20])
    assert len(X_val) == 60


@pytest.mark.parametrize("flag", ["--data", "--load"])
def test_missing_truncated_and_foreign_files(flag, tmp_path, capsys):
    whole = script.MNIST.read_bytes()
    (tmp_path / "half.npz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.npz").write_text("these are not arrays")
    (tmp_path / "empty.npz").write_bytes(b"")
    damaged = bytearray(whole)
    damaged[2000:2010] = b"0123456789"  # within the compressed images
    (tmp_path / "worn.npz").write_bytes(damaged)
    np.save(tmp_path / "one.npy", np.zeros(3))
    names = "half.npz text.npz empty.npz worn.npz one.npy missing.npz .".split()
    for name in names:
        flags = ["--data", str(QUICK_DATA), flag, str(tmp_path / name)]
        assert script.main([*flags, "--out", str(tmp_path / "o")]) == 2
        captured = capsys.readouterr()
        assert captured.err.count("\n") == 1 and captured.out == ""


# --- Model, loss, gradients


def test_initial_weights_are_he_scaled_and_biases_zero(rng):
    W, b = script.init_params([400, 300, 200], rng)
    for k, n_in in ((1, 400), (2, 300)):
        assert W[k].std() == pytest.approx(math.sqrt(2 / n_in), rel=0.02)
        assert abs(W[k].mean()) < 0.001 and not b[k].any()
        assert W[k].dtype == b[k].dtype == np.float32
    assert W[2].shape == (300, 200) and b[2].shape == (1, 200)


def test_probabilities_sum_to_one_and_nothing_overflows():
    z = np.array([[1000.0, 0.0, -1000.0], [-1e30, 0.0, 3.0]])
    np.testing.assert_allclose(script.softmax(z).sum(axis=1), 1)
    np.testing.assert_allclose(script.log_softmax(z)[0], [0, -1000, -2000])
    small = np.array([[0.1, -0.4, 2.0]])
    np.testing.assert_allclose(np.exp(script.log_softmax(small)), script.softmax(small))


def test_softmax_works_along_the_last_axis_whatever_comes_before():
    z = np.array([0.3, -1.0, 2.0])
    for function in (script.softmax, script.log_softmax):
        np.testing.assert_allclose(function(z), function(z[None])[0])


def test_a_unit_at_exactly_zero_passes_no_gradient(rng):
    W, b = script.init_params([4, 3, 2], rng, float)
    z, a = script.forward(W, b, np.zeros((5, 4)))  # biases 0: z[1] is 0
    _, db = script.backward(W, z, a, np.array([0, 1, 1, 0, 1]))
    assert not db[1].any() and db[2].any()


def test_predictions_are_the_last_activation(rng):
    W, b = script.init_params([5, 4, 3], rng)
    X = rng.normal(size=(6, 5)).astype(np.float32)
    z, a = script.forward(W, b, X)
    np.testing.assert_array_equal(script.probabilities(W, b, X), a[2])
    np.testing.assert_allclose(a[2].sum(axis=1), 1, rtol=1e-6)
    assert a[0] is X and sorted(z) == [1, 2]
    assert script.accuracy(a[2], a[2].argmax(axis=1)) == 1.0
    assert script.accuracy(np.eye(3), np.array([0, 2, 2])) == pytest.approx(2 / 3)


def test_gradient_agrees_with_scikit_learn(rng):
    from sklearn.neural_network import MLPClassifier

    X, y = rng.normal(size=(40, 5)), rng.integers(0, 3, 40)
    rival = MLPClassifier(
        [7],
        solver="sgd",
        alpha=0,
        learning_rate_init=1.0,
        momentum=0,
        batch_size=40,
        max_iter=1,
        random_state=0,
        shuffle=False,
    )
    rival.partial_fit(X, y, classes=[0, 1, 2])
    W = {k: np.array(array) for k, array in enumerate(rival.coefs_, 1)}
    b = {k: np.array(array) for k, array in enumerate(rival.intercepts_, 1)}
    z, a = script.forward(W, b, X)
    dW, _ = script.backward(W, z, a, y)
    rival.partial_fit(X, y)
    for k in (1, 2):
        np.testing.assert_allclose(
            W[k] - dW[k], rival.coefs_[k - 1], rtol=1e-10, atol=1e-12
        )


# --- Training


def test_adam_keeps_both_running_means(rng):
    w, m, v = np.ones(4), np.zeros(4), np.zeros(4)
    expected, mean, square = np.ones(4), 0.0, 0.0
    for step in range(1, 4):
        g = rng.normal(size=4)
        w, m, v = script.adam(w, g, m, v, step, 0.1)
        mean, square = 0.9 * mean + 0.1 * g, 0.999 * square + 0.001 * g**2
        m_hat, v_hat = mean / (1 - 0.9**step), square / (1 - 0.999**step)
        expected = expected - 0.1 * m_hat / np.sqrt(v_hat)
        np.testing.assert_allclose(w, expected, rtol=1e-5)


def test_adam_is_kingma_and_ba_s(rng, tf):
    w = rng.normal(size=9)
    variable = tf.Variable(w)
    keras_adam = tf.keras.optimizers.Adam(0.01, epsilon=1e-8)
    m, v = np.zeros(9), np.zeros(9)
    for step in range(1, 6):
        g = rng.normal(size=9) * 10.0 ** rng.integers(-2, 3, 9)
        w, m, v = script.adam(w, g, m, v, step, 0.01)
        keras_adam.apply_gradients([(tf.constant(g), variable)])
        np.testing.assert_allclose(w, variable.numpy(), rtol=3e-6)  # float32 rates


def test_every_image_is_seen_once_an_epoch_and_the_rate_falls_in_a_line(
    rng, monkeypatch, capsys
):
    X, y = np.arange(70.0).reshape(10, 7), np.arange(10) % 3
    seen, rates = [], []
    honest_backward, honest_adam = script.backward, script.adam

    def backward(W, z, a, labels):
        seen.append(a[0][:, 0] / 7)
        np.testing.assert_array_equal(labels, seen[-1] % 3)
        return honest_backward(W, z, a, labels)

    def adam(w, g, m, v, step, lr):
        rates.append((step, lr))
        return honest_adam(w, g, m, v, step, lr)

    monkeypatch.setattr(script, "backward", backward)
    monkeypatch.setattr(script, "adam", adam)
    W, b = script.init_params([7, 3], rng, float)
    script.train(W, b, (X, y), (X, y), 2, 0.1, 4, rng)
    assert [len(batch) for batch in seen] == [4, 4, 2, 4, 4, 2]
    for epoch in (seen[:3], seen[3:]):
        np.testing.assert_array_equal(np.sort(np.concatenate(epoch)), np.arange(10))
    assert not np.array_equal(np.concatenate(seen[:3]), np.concatenate(seen[3:]))
    expected = [(s + 1, pytest.approx(0.1 * (1 - s / 6))) for s in range(6)]
    assert rates[::2] == rates[1::2] == expected  # W[1] and b[1]


def test_one_full_batch_step_is_loss_gradient_and_adam(rng, capsys, monkeypatch):
    watched = []
    monkeypatch.setattr(script, "stop_if_diverged", lambda *seen: watched.append(seen))
    X, y = rng.normal(size=(9, 4)), rng.integers(0, 3, 9)
    W, b = script.init_params([4, 5, 3], rng, float)
    start = {k: np.array(v) for k, v in join(W, b).items()}
    z, a = script.forward(W, b, X)
    grads = join(*script.backward(W, z, a, y))
    W_end, b_end, history = script.train(W, b, (X, y), (X, y), 1, 0.01, 9, rng)
    assert history[0]["training_loss"] == pytest.approx(script.loss(z[2], y))
    assert history[0]["training_accuracy"] == script.accuracy(a[2], y)
    assert watched == [(history[1]["training_loss"], 1)]
    assert history[1]["validation_accuracy"] == script.accuracy(
        script.probabilities(W_end, b_end, X), y
    )
    end, now = join(W_end, b_end), join(W, b)
    for key, grad in grads.items():  # m = 0.1 g, v = 0.001 g^2: lr times the sign of g
        step = grad / (np.abs(grad) + 1e-8 / math.sqrt(0.001))
        np.testing.assert_allclose(end[key], start[key] - 0.01 * step, rtol=1e-10)
        np.testing.assert_array_equal(now[key], start[key])  # the caller keeps its own


def teach_nothing(monkeypatch, capsys, epochs, seconds=0.0, share=1.0):
    """Train on nine images with a clock and a validation accuracy of our own; return
    the epochs that are printed, the text, and what ``stop_if_diverged`` saw."""
    clock, watched, count = [0.0], [], [0]

    def perf_counter():
        clock[0] += seconds
        return 7 + clock[0]

    def measure_both(*_):
        count[0] += 1
        names = ("training_loss", "training_accuracy", "validation_loss")
        return dict.fromkeys(names, count[0] / 8) | {"validation_accuracy": share}

    monkeypatch.setattr(script, "stop_if_diverged", lambda *seen: watched.append(seen))
    monkeypatch.setattr(script.time, "perf_counter", perf_counter)
    monkeypatch.setattr(script, "measure_both", measure_both)
    rng = np.random.default_rng(0)
    W, b = script.init_params([4, 4], rng, float)
    data = rng.normal(size=(8, 4)), np.array([0, 0, 1, 1, 2, 2, 3, 3])
    script.train(W, b, data, data, epochs, 0.01, 4, rng)
    text = capsys.readouterr().out
    rows = [line.split() for line in text.splitlines() if line.startswith("epoch")]
    return [int(row[1]) for row in rows], [float(row[-1]) for row in rows], text, watched


def test_each_epoch_is_watched(monkeypatch, capsys):
    *_, watched = teach_nothing(monkeypatch, capsys, 3)
    assert watched == [(2 / 8, 1), (3 / 8, 2), (4 / 8, 3)]


@pytest.mark.parametrize(
    "epochs, seconds, shown",
    [(3, 0.0, [0, 1, 2, 3]), (30, 1.0, range(0, 31, 3)), (22, 1.5, range(23))],
)
def test_a_tenth_of_the_epochs_and_slow_ones_are_shown(
    epochs, seconds, shown, monkeypatch, capsys
):
    printed, times, *_ = teach_nothing(monkeypatch, capsys, epochs, seconds)
    assert printed == list(shown) and times[1:] == [seconds] * (len(shown) - 1)


@pytest.mark.parametrize("share, warns", [(0.37, True), (0.375, False), (0.6, False)])
def test_one_and_a_half_times_chance_is_no_chance(share, warns, monkeypatch, capsys):
    *_, text, _ = teach_nothing(monkeypatch, capsys, 2, share=share)
    assert ("As good as chance" in text) == warns


def test_training_is_measured_on_as_many_images_as_validation(rng):
    W, b = script.init_params([4, 3], rng, float)
    X, y = rng.normal(size=(9, 4)), rng.integers(0, 3, 9)
    row = script.measure_both(W, b, (X, y), (X[4:], y[4:]))
    z, a = script.forward(W, b, X[:5])
    assert row["training_loss"] == pytest.approx(script.loss(z[1], y[:5]))
    z, a = script.forward(W, b, X[4:])
    assert row["validation_loss"] == pytest.approx(script.loss(z[1], y[4:]))
    assert row["validation_accuracy"] == script.accuracy(a[1], y[4:])


def test_a_minute_of_training_reads_digits():
    X, y = data()[1]
    assert script.accuracy(script.probabilities(*trained(), X), y) > 0.94


def test_all_depths_learn(capsys):
    (X, y), validation, _ = data()
    for hidden in ([], [50], [40, 30, 20]):
        for seed in range(2):
            rng = np.random.default_rng(seed)
            W, b = script.init_params([784, *hidden, 10], rng)
            small = X[:3000], y[:3000]
            _, _, history = script.train(W, b, small, validation, 3, 0.004, 64, rng)
            assert history[-1]["validation_accuracy"] > 0.8
            assert history[-1]["training_loss"] < history[1]["training_loss"]


def test_divergence_is_explained(tmp_path, capsys, no_pictures):
    status = script.main([*QUICK, "--lr", "1e9", "--out", str(tmp_path)])
    error = capsys.readouterr().err
    assert (
        status == 1 and "epoch" in error and "--lr" in error and error.count("\n") == 1
    )
    assert not list(tmp_path.glob("*.png"))


def test_ctrl_c_ends_all_seeds(tmp_path, capsys, no_pictures, monkeypatch):
    honest = script.backward

    def interrupted(*args):
        if not script.CTRL_C:
            script.press_ctrl_c()
        return honest(*args)

    monkeypatch.setattr(script, "backward", interrupted)
    flags = [*QUICK, "--networks", "3", "--out", str(tmp_path)]
    assert script.main(flags) == 0
    out = capsys.readouterr().out
    assert out.count("Ctrl-C") == 1 and "on average" not in out
    assert (
        len(json.loads((tmp_path / "metrics.json").read_text())["history"]) == 2
    )  # before, and the first epoch


def test_several_seeds_are_summarised(tmp_path, capsys, no_pictures):
    assert script.main([*QUICK, "--networks", "3", "--out", str(tmp_path)]) == 0
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    scores = []
    for seed in (0, 1, 2):
        flags = [*QUICK, "--seed", str(seed), "--out", str(tmp_path)]
        assert script.main(flags) == 0
        one = json.loads((tmp_path / "metrics.json").read_text())
        scores.append(one["test_accuracy"])
    assert len(set(scores)) > 1 and metrics["test_accuracy"] == scores[0]
    assert metrics["test_mean"] == pytest.approx(np.mean(scores))
    assert metrics["test_sd"] == pytest.approx(np.std(scores, ddof=1))


# --- What went wrong


def run_verdict(capsys, tmp_path, *flags):
    assert script.main([*flags, "--no-show", "--out", str(tmp_path)]) == 0
    return capsys.readouterr().out


def test_a_run_that_learns_nothing_says_so(tmp_path, capsys, no_pictures):
    few = ["--data", str(QUICK_DATA), "--hidden", "32", "--batch-size", "20"]
    out = run_verdict(capsys, tmp_path, *few, "--epochs", "2", "--lr", "1e-7")
    assert "Nothing was learnt" in out and "too short" in out and "1e-06" in out
    assert "\nAs good as chance after 27 of 54 steps. Ctrl-C ends it.\nepoch  2" in out
    out = run_verdict(capsys, tmp_path, *few, "--epochs", "3", "--lr", "30")
    assert "Nothing was learnt" in out and "too long: try --lr 3\n" in out
    out = run_verdict(capsys, tmp_path, *few, "--epochs", "9")
    assert "Nothing" not in out and "chance" not in out


def test_images_learnt_by_heart_are_named(tmp_path, capsys, no_pictures):
    flags = ["--data", str(QUICK_DATA), "--images", "20", "--epochs", "60"]
    assert "by heart" in run_verdict(capsys, tmp_path, *flags)
    last = json.loads((tmp_path / "metrics.json").read_text())["history"][-1]
    assert last["training_accuracy"] == 1 and last["training_loss"] < 0.05


def test_dead_units_are_counted(capsys):
    X, y = np.eye(4), np.arange(4)
    W = {1: np.array([[1.0, -1, 0]] * 4), 2: np.ones((3, 4))}
    b = {1: np.array([[0.0, -1, 0]]), 2: np.zeros((1, 4))}
    history = [script.measure_both(W, b, (X, y), (X, y))]
    assert script.diagnose(W, b, history, X, y, 0.1) == [2]
    assert "by hidden layer: 2\n" in capsys.readouterr().out


@pytest.mark.parametrize("worse, word", [(0.2, "too long"), (-0.2, "too short")])
def test_the_likely_cause_follows_the_loss(worse, word, capsys):
    X, y = np.eye(4), np.arange(4)
    W, b = {1: np.zeros((4, 4))}, {1: np.array([[1.0, 0, 0, 0]])}
    row = {"training_accuracy": 0.25, "validation_accuracy": 0.25}
    history = [row | {"training_loss": 1.0}, row | {"training_loss": 1.0 + worse}]
    script.diagnose(W, b, history, X, y, 0.5)
    out = capsys.readouterr().out
    assert word in out and "commonest class is 25.0%" in out and "answers: 1." in out


def test_a_unit_is_dead_where_no_sum_is_above_zero(capsys):
    X, y = np.eye(3), np.zeros(3, dtype=int)
    W = {1: np.array([[-1.0, 1, 0, 0], [-1, 1, 0, 0], [-1, 1, 1, 0]]), 2: np.eye(4)}
    b = {1: np.zeros((1, 4)), 2: np.zeros((1, 4))}
    row = dict.fromkeys(("training_accuracy", "validation_accuracy"), 1.0)
    assert script.diagnose(W, b, [row], X, y, 0.1) == [2]  # the first and the last
    assert "by hidden layer: 2\n" in capsys.readouterr().out


def told(capsys, share, training=0.4, epochs=1, dead=0):
    """Return what ``diagnose`` says of 4 hidden units; the commonest class has 1/4."""
    X, y = np.eye(8), np.arange(8) % 4
    W = {1: np.ones((8, 4)), 2: np.ones((4, 9))}
    W[1][:, :dead] = -1
    b = {1: np.zeros((1, 4)), 2: np.zeros((1, 9))}
    row = {"training_loss": 2.0, "training_accuracy": training}
    row["validation_accuracy"] = share
    script.diagnose(W, b, [row] * (1 + epochs), X, y, 0.1)
    return capsys.readouterr().out


def test_the_verdict_turns_where_the_readme_says(capsys):
    assert "Nothing was learnt" in told(capsys, 0.37)
    assert "Nothing" not in told(capsys, 0.375)
    assert "Nothing" not in told(capsys, 0.6)
    assert "Nothing" not in told(capsys, 0.2, epochs=0)  # nothing was tried
    assert "too short" in told(capsys, 0.2, dead=2)  # half of them
    assert "too long" in told(capsys, 0.2, dead=3)
    assert "by heart" in told(capsys, 0.7, 0.85)
    assert "by heart" not in told(capsys, 0.7, 0.7 + 0.1)
    assert "by heart" not in told(capsys, 0.7, 0.7)


# --- Distortion, shifts


class FixedNormal:
    """Stands in for a generator whose normal numbers are given."""

    def __init__(self, numbers):
        self.numbers = numbers

    def normal(self, size):
        assert size == self.numbers.shape
        return self.numbers


def test_no_distortion_is_the_identity_and_wave_zero_is_a_shift():
    X = data()[0][0][:3]
    numbers = np.zeros((2, 3, 4, 4))
    np.testing.assert_array_equal(script.distort(X, (28, 28), FixedNormal(numbers)), X)
    numbers[0, :, 0, 0], numbers[1, :, 0, 0] = 2.0, -1.0  # 2 rows down, 1 column left
    moved = script.distort(X, (28, 28), FixedNormal(numbers)).reshape(3, 28, 28)
    np.testing.assert_allclose(
        moved[:, :26, 1:], X.reshape(3, 28, 28)[:, 2:, :27], atol=1e-5
    )


@pytest.mark.parametrize("f, g", [(0, 1), (1, 0), (2, 1), (3, 3)])
def test_a_wave_is_the_cosine_of_the_page(f, g):
    """(3.19) on an image that grows by 1 with each column: a displacement is a change."""
    height, width = 7, 9
    ramp = np.arange(width) + np.zeros((height, 1))
    numbers = np.zeros((2, 1, 4, 4))
    numbers[1, 0, f, g] = 1.0
    X = ramp.reshape(1, -1)
    moved = script.distort(X, (height, width), FixedNormal(numbers))
    places = ((np.arange(n) + 0.5) / n for n in (height, width))
    rows, columns = (np.cos(np.pi * w * at) for w, at in zip((f, g), places))
    expected = ramp + 0.6 / math.hypot(f, g) * np.outer(rows, columns)
    inside = slice(1, -1)  # at the edge half of it comes from beyond the page
    np.testing.assert_allclose(
        moved.reshape(height, width)[:, inside], expected[:, inside], atol=1e-12
    )


def test_a_distortion_is_of_the_size_that_was_chosen(rng):
    X, seed = data()[0][0][:5], 3
    plain, told = (
        script.distort(X, (28, 28), np.random.default_rng(seed), *chosen)
        for chosen in ((), (1.0, 0.6, 4))
    )
    np.testing.assert_array_equal(plain, told)


def test_waves_turn_and_bend_each_image_differently(rng):
    X = np.repeat(data()[0][0][:1], 200, axis=0)
    out = script.distort(X, (28, 28), rng)
    assert out.dtype == X.dtype and out.shape == X.shape
    assert out.min() >= 0 and out.max() <= 1
    assert len(np.unique(out.sum(axis=1))) > 190
    assert 0.7 < out.sum() / X.sum() < 1.3
    rows = np.arange(28)
    centres = [(im.sum(axis=1) @ rows) / im.sum() for im in out.reshape(-1, 28, 28)]
    assert 0.8 < np.std(centres) < 1.6  # about one pixel, as ``shift`` says


def test_shifts_go_in_four_directions():
    W, b = {1: np.eye(9)}, {1: np.zeros((1, 9))}  # names the pixel that is brightest
    X = np.zeros((4, 9))  # the same image four times: one for each direction
    X[:, 4] = 1.0
    for answer, moved_by_one in ((1, 0.25), (3, 0.25), (5, 0.25), (7, 0.25), (4, 0)):
        y = np.full(4, answer)
        scores = script.shift_accuracies(W, b, X, y, (3, 3))
        assert scores[:2] == [answer == 4, moved_by_one]
    assert script.shift_accuracies(W, b, X, y - 3, (3, 3))[2] == 0.25  # around the edge


def test_weights_of_pixels_without_ink_never_move():
    (X, y), validation, _ = data()
    rng = np.random.default_rng(0)
    W, b = script.init_params([784, 16, 10], rng)
    part = X[:2000], y[:2000]
    W_end, *_ = script.train(W, b, part, validation, 1, 0.004, 100, rng)
    never = part[0].max(axis=0) == 0
    np.testing.assert_array_equal(W_end[1][never], W[1][never])
    assert never.sum() > 67 and (W_end[1] != W[1])[~never].any(axis=1).all()


# --- Pictures from elsewhere


def photograph(digit, size=300, invert=False, light=0.0, noise=0.0):
    """Return a picture of a digit (28, 28): pale paper, uneven light, off centre."""
    page = np.zeros((56, 64))
    page[20:48, 5:33] = digit
    image = Image.fromarray((page * 255).astype(np.uint8)).resize(
        (size, size), Image.BICUBIC
    )
    ink = np.asarray(image, dtype=float) / 255
    rows, columns = np.indices(ink.shape) / size
    grey = 210 - 170 * ink + light * (rows - columns)
    grey += (
        np.random.default_rng(0).normal(scale=noise, size=grey.shape) if noise else 0
    )
    image = Image.fromarray(np.clip(grey, 0, 255).astype(np.uint8))
    return ImageOps.invert(image) if invert else image


def as_seen(path):
    return script.center_like_mnist(script.find_marks(script.read_grey(path))[0][0])


@pytest.mark.parametrize(
    "style",
    [
        {},
        {"invert": True},
        {"light": 60},
        {"noise": 4},
        {"size": 90, "light": -40},
        {"size": 1200},
    ],
)
def test_photographs_of_test_digits_are_read(style, tmp_path, capsys):
    X, y = data()[2][0][:20], data()[2][1][:20]
    seen = []
    for digit in X:
        photograph(digit.reshape(28, 28), **style).save(tmp_path / "photo.png")
        seen.append(as_seen(tmp_path / "photo.png"))
    seen = np.concatenate(seen)
    assert script.accuracy(script.probabilities(*trained(), seen), y) >= 0.9
    likeness = [np.corrcoef(a, b)[0, 1] for a, b in zip(seen, X)]
    assert np.median(likeness) > 0.8


def test_centring_gives_back_what_mnist_centred():
    from scipy.ndimage import center_of_mass

    for digit in data()[2][0][:50].reshape(-1, 28, 28):
        again = script.center_like_mnist(digit.astype(float)).reshape(28, 28)
        assert np.abs(np.array(center_of_mass(again)) - 14).max() <= 0.75
        assert np.corrcoef(again.ravel(), digit.ravel())[0, 1] > 0.9
        tall = np.nonzero((again > 0.1).any(axis=1))[0]
        wide = np.nonzero((again > 0.1).any(axis=0))[0]
        assert 18 <= max(np.ptp(tall), np.ptp(wide)) + 1 <= 22


@pytest.mark.parametrize("width, height", [(800, 600), (600, 800), (40, 30)])
def test_the_longer_side_of_a_picture_becomes_400_pixels(width, height, tmp_path):
    page = np.full((height, width), 255, np.uint8)
    page[height // 3 : height // 2, width // 3 : width // 2] = 0
    Image.fromarray(page).save(tmp_path / "page.png")
    shape = script.read_grey(tmp_path / "page.png").shape
    assert shape == (400 * height // max(width, height), 400 * width // max(width, height))


def test_a_hairline_is_one_pixel_wide():
    ink = np.zeros((400, 60))
    ink[:, 30] = 1
    again = script.center_like_mnist(ink).reshape(28, 28) > 0
    assert np.count_nonzero(again.any(axis=0)) == 1
    assert np.count_nonzero(again.any(axis=1)) == 20


def test_lopsided_ink_stays_within_the_picture():
    ink = np.zeros((100, 100))
    ink[:, :2], ink[:4, :] = 1, 1  # a corner: its centre of mass is far from its box's
    ink[:12, :12] = 40
    for turned in (ink, ink[::-1, ::-1]):
        again = script.center_like_mnist(turned / 40).reshape(28, 28)
        assert 0 <= again.min() and again.max() == 1
        rows, columns = np.nonzero(again)
        assert (np.ptp(rows), np.ptp(columns)) == (19, 19)
        assert {rows.min(), rows.max()} & {0, 27}


@pytest.mark.parametrize("colour", [0, 255])
def test_ink_on_transparency_is_seen_whatever_its_colour(colour, tmp_path):
    ink = np.full((60, 60, 4), colour, np.uint8)
    ink[..., 3] = 0
    ink[10:50, 25:32, 3] = 255
    Image.fromarray(ink).save(tmp_path / "clear.png")
    (mark,), _ = script.find_marks(script.read_grey(tmp_path / "clear.png"))
    assert 4 < mark.shape[0] / mark.shape[1] < 7 and mark.mean() > 0.75


def test_turned_photographs_and_16_bits(tmp_path):
    page = np.full((40, 80), 255, np.uint8)
    page[5:15, 60:64] = 0
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned
    Image.fromarray(page).save(tmp_path / "turned.jpg", exif=exif)
    assert script.read_grey(tmp_path / "turned.jpg").shape == (400, 200)
    Image.fromarray(np.uint16(page) * 16).save(tmp_path / "deep.png")  # 12 bits of 16
    Image.fromarray(page).save(tmp_path / "plain.png")
    deep, plain = (as_seen(tmp_path / f"{name}.png") for name in ("deep", "plain"))
    np.testing.assert_allclose(deep, plain, atol=0.02)


@pytest.mark.parametrize("contrast, found", [(-14, 1), (9, 0), (14, 1)])
def test_a_contrast_of_ten_grey_levels_is_no_ink(contrast, found):
    page = np.full((400, 400), 100.0)
    page[190:210, 190:210] += contrast
    if found:
        (mark,), _ = script.find_marks(page)
        assert 300 < mark.sum() < 500
    else:
        with pytest.raises(script.InputError, match="one colour"):
            script.find_marks(page)


def square(page, top, left, side, width=0):
    """Draw a square on the page: filled, or an outline of this width."""
    page[top : top + side, left : left + side] = 0
    if width:
        inner = slice(top + width, top + side - width)
        page[inner, left + width : left + side - width] = 255
    return page


def test_what_is_a_mark_and_what_is_not():
    page = square(np.full((400, 400), 255.0), 150, 100, 60)
    for size, marks in ((60, 2), (50, 2), (35, 1)):  # beside it: as large, smaller, small
        found, every = script.find_marks(square(page.copy(), 150, 250, size))
        assert every == 2
        assert len(found) == marks and found[0].shape[0] > 55
    found, _ = script.find_marks(square(page.copy(), 150, 20, 50))
    assert len(found) == 2 and found[0].shape[0] < 70 < 10 * found[1].shape[0]
    assert found[0].sum() < found[1].sum()  # the leftmost is the first, if smaller
    assert script.find_marks(square(page.copy(), 0, 250, 60))[1] == 1  # at the edge
    framed = square(np.full((400, 400), 255.0), 50, 50, 300, width=4)
    assert script.find_marks(framed)[0][0].shape[0] > 290  # an empty square is a mark
    framed[150:210, 170:230] = 0
    (mark,), _ = script.find_marks(framed)
    assert 60 <= mark.shape[0] < 80
    framed[150:210, 170:230] = 255
    framed[150:160, 170:180] = 0  # a speck, less than a tenth as long, makes no frame
    assert script.find_marks(framed)[0][0].shape[0] > 290
    assert len(script.find_marks(255 - page)[0]) == 1


def bar(page, top, left, height, width):
    """Draw a filled rectangle on the page."""
    page[top : top + height, left : left + width] = 0
    return page


@pytest.mark.parametrize(
    "digit, height, length, chosen",
    [
        (60, 10, 300, 60),  # an underline
        (60, 60, 300, 60),  # 5 times as wide as high
        (60, 90, 300, 90),  # not flat: 3 times as wide as high
        (20, 10, 300, 10),  # beside a speck, less than a fifth as long, it is all there is
        (0, 10, 300, 10),
    ],
)
def test_an_underline_is_passed_over_beside_a_mark(digit, height, length, chosen):
    page = bar(np.full((400, 400), 255.0), 250, 50, height, length)
    (mark,), every = script.find_marks(bar(page, 100, 180, digit, digit // 2))
    rows = np.nonzero(mark.any(axis=1))[0]
    assert abs(np.ptp(rows) + 1 - chosen) <= 4 and every == (2 if digit else 1)


STROKES = {  # in a unit square, y downwards
    1: [(0.4, 0.25), (0.55, 0.1), (0.55, 0.9)],
    2: [(0.25, 0.3), (0.35, 0.12), (0.65, 0.12), (0.75, 0.3), (0.25, 0.9), (0.8, 0.9)],
    4: [(0.6, 0.92), (0.6, 0.1), (0.2, 0.62), (0.85, 0.62)],
    7: [(0.22, 0.14), (0.78, 0.14), (0.42, 0.92)],
}


def page_of(kind, digit):
    """Return a drawn page of 480 x 480 with one digit, as people photograph them."""
    rng = np.random.default_rng(digit)
    width = {"thin": 4, "thick": 56}.get(kind, 18)
    page = np.full((480, 480), 225.0) - 20 * np.linspace(0, 1, 480)
    if kind == "shadow":
        page *= np.where(np.add.outer(range(480), range(480)) > 460, 0.6, 1)
    image = Image.fromarray(page.astype(np.uint8))
    pen = ImageDraw.Draw(image)
    if kind == "ruled":
        for at in range(25, 480, 50):
            pen.line((0, at, 480, at), fill=180, width=3)
    ink = 180 if kind == "faint" else 60
    places = [(100 + 280 * x, 90 + 280 * y) for x, y in STROKES[digit]]
    if kind == "two":
        places = [(0.7 * x, y) for x, y in places]
        pen.line([(360, 120), (420, 120), (380, 340)], fill=ink, width=width)
    pen.line(places, fill=ink, width=width, joint="curve")
    image = Image.fromarray(
        (np.asarray(image) + rng.normal(0, 3, (480, 480))).clip(0, 255).astype(np.uint8)
    )
    if kind == "desk":
        table = Image.new("L", (700, 640), 60)
        table.paste(image, (110, 80))
        return table
    if kind == "axes":
        plot = Image.new("L", (620, 620), 255)
        plot.paste(image, (90, 20))
        pen = ImageDraw.Draw(plot)
        pen.rectangle((89, 19, 571, 501), outline=0, width=2)
        for at in range(40, 480, 100):
            pen.text((60, 20 + at), str(at), fill=0)
            pen.line((80, 20 + at, 89, 20 + at), fill=0, width=2)
        return plot
    return image.resize((28, 28), Image.Resampling.LANCZOS) if kind == "small" else image


@pytest.mark.parametrize(
    "kind", "plain thin thick faint shadow ruled desk axes two small".split()
)
def test_pages_of_many_kinds_are_read(kind, tmp_path):
    from scipy.ndimage import gaussian_filter

    for digit in (2, 4, 7):
        page_of("plain", digit).save(tmp_path / "plain.png")
        plain = as_seen(tmp_path / "plain.png")
        assert script.probabilities(*trained(), plain).argmax() == digit
        page_of(kind, digit).save(tmp_path / "page.png")
        marks, _ = script.find_marks(script.read_grey(tmp_path / "page.png"))
        seen = script.center_like_mnist(marks[0])
        assert len(marks) == (2 if kind == "two" else 1)
        blurred = [gaussian_filter(x.reshape(28, 28), 2).ravel() for x in (plain, seen)]
        assert np.corrcoef(*blurred)[0, 1] > 0.85, digit


def predict_flags(tmp_path, *pictures):
    weights = save_weights(tmp_path / "weights.npz", *trained())
    flags = ["--data", str(QUICK_DATA), "--load", weights, "--no-show", "--predict"]
    return [*flags, *map(str, pictures), "--out", str(tmp_path)]


def test_predict_shows_prints_and_writes_answers(tmp_path, capsys, no_pictures):
    photograph(data()[2][0][0].reshape(28, 28)).save(tmp_path / "se$v_en.png")
    page_of("two", 7).save(tmp_path / "two.png")
    pictures = [tmp_path / "se$v_en.png", tmp_path / "two.png"]
    assert script.main(predict_flags(tmp_path, *pictures)) == 0
    out, err = capsys.readouterr()
    assert "se$v_en.png: 7 (" in out and err == ""
    assert "the leftmost of 2 separate marks" in out and "left out" not in out
    assert (tmp_path / "predictions.png").exists()
    lines = (tmp_path / "predictions.csv").read_text().splitlines()
    assert lines[0] == "file,separate marks,answer,0,1,2,3,4,5,6,7,8,9"
    assert lines[1].startswith('"se$v_en.png",1,7,') and len(lines) == 3
    assert sum(map(float, lines[1].split(",")[3:])) == pytest.approx(1, abs=0.01)


def test_an_underlined_digit_is_read_and_the_line_is_counted(
    tmp_path, capsys, no_pictures
):
    for digit in (2, 4, 7):
        page = page_of("plain", digit)
        ImageDraw.Draw(page).line((40, 420, 440, 425), fill=60, width=10)
        page.save(tmp_path / f"{digit}.png")
    pages = [tmp_path / f"{digit}.png" for digit in (2, 4, 7)]
    assert script.main(predict_flags(tmp_path, *pages)) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if ".png: " in line]
    for digit, line in zip((2, 4, 7), lines):
        assert line.startswith(f"{digit}.png: {digit} (")
        assert line.endswith("%); left out as small or flat: 1")


@pytest.mark.parametrize("kind", ["missing", "folder", "locked", "long"])
def test_a_picture_that_cannot_be_opened_is_said_before_training(
    kind, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(script, "read_images", lambda path: pytest.fail("too late"))
    path = tmp_path / ("n" * 300 if kind == "long" else "photo.jpg")
    if kind == "folder":
        path.mkdir()
    elif kind == "locked":
        path.touch()
        monkeypatch.setattr(script.os, "access", lambda file, how: file != path)
    page_of("plain", 4).save(tmp_path / "four.png")
    flags = ["--predict", str(tmp_path / "four.png"), str(path), "--out", str(tmp_path)]
    assert script.main([*flags, "--no-show"]) == 2
    error = capsys.readouterr().err
    assert f"{path} is no file that can be opened" in error
    assert error.count("\n") == 1 and "Errno" not in error


def test_the_title_over_a_single_picture_is_whole(tmp_path):
    page_of("plain", 4).save(tmp_path / "four.png")
    classes = [str(i) for i in range(10)]
    drawn, _ = script.read_pictures(
        [tmp_path / "four.png"], *trained(), (28, 28), classes
    )
    fig = drawn["predictions"]
    fig.canvas.draw()
    box = fig.axes[0]._left_title.get_window_extent()
    script.plt.close(fig)
    assert 0 <= box.x0 and box.x1 <= fig.bbox.width


def test_the_page_stands_beside_what_the_network_sees(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(script, "plot_tiles", lambda tiles, *_, **__: drawn.append(tiles))
    page_of("desk", 4).save(tmp_path / "desk.png")
    classes = [str(i) for i in range(10)]
    script.read_pictures([tmp_path / "desk.png"], *trained(), (28, 28), classes)
    (tile,) = drawn[0]
    page, seen = np.hsplit(tile, 2)
    assert page.shape == seen.shape == (112, 112)
    assert page[10].mean() > 0.6 > 0.3 > page[56, 25:35].mean()  # dark desk, pale page
    np.testing.assert_allclose(seen[::4, ::4].ravel(), as_seen(tmp_path / "desk.png")[0])


def test_weights_of_pixels_without_ink_are_grey_where_the_change_is_drawn(rng):
    start, end = rng.normal(size=(2, 9, 10))
    end[:, 3] += 50  # changed most
    X = np.ones((2, 9))
    X[:, 4] = 0
    fig = script.plot_first_layer(start, end, X, (3, 3))
    tiles = [np.ma.filled(i.get_array(), np.nan).ravel() for i in fig.axes[0].images]
    title = "".join(fig.axes[0].get_title(loc) for loc in ("left", "center"))
    script.plt.close(fig)
    grey = [np.flatnonzero(np.isnan(tile)).tolist() for tile in tiles]
    assert grey == [[]] * 16 + [[4]] * 8 and "1 pixels" in title
    np.testing.assert_array_equal(tiles[0], start[:, 3])
    np.testing.assert_array_equal(tiles[8], end[:, 3])


def test_the_title_over_the_network_names_class_and_answer():
    W, b = {1: np.eye(3)}, {1: np.array([[0.0, 0, 9]])}
    fig = script.plot_network(W, b, np.zeros((1, 3)), 1, ["cat", "d$g", "owl"], (1, 3))
    title = fig.get_suptitle()
    script.plt.close(fig)
    assert "Image of d\\$g: the largest sum is that of owl, probability 100.0%" in title


def test_training_on_moved_images_has_its_own_colour_and_name():
    """README.md: green is the network of centred digits, in both pictures; black after."""
    found = []
    for count, moved in ((1, False), (2, True), (2, False)):
        fig = script.plot_shift([[0.5] * 5] * count, np.zeros((3, 3)), moved)
        found.append({c.get_label(): c.get_color() for c in fig.axes[0].lines})
        script.plt.close(fig)
    green, black = script.TEST_COLOUR, "#000000"
    assert found[0] == {"this network": green}
    assert found[1] == {"trained on moved images": black, "the same net before": green}
    assert found[2] == {"this network": green, "the one of --load": black}


def test_many_pictures_are_all_in_the_table_and_forty_in_the_picture(
    tmp_path, capsys, no_pictures, monkeypatch
):
    drawn = []
    honest = script.plot_tiles
    monkeypatch.setattr(
        script, "plot_tiles", lambda *a, **k: drawn.append(a) or honest(*a, **k)
    )
    page_of("plain", 4).save(tmp_path / "four.png")
    assert script.main(predict_flags(tmp_path, *[tmp_path / "four.png"] * 43)) == 0
    assert len((tmp_path / "predictions.csv").read_text().splitlines()) == 44
    assert len(drawn[0][0]) == len(drawn[0][2]) == 40


def test_bad_pictures_do_not_stop_the_others(tmp_path, capsys, no_pictures):
    (tmp_path / "text.heic").write_text("no picture")
    Image.new("L", (50, 50), 200).save(tmp_path / "plain.png")
    Image.new("L", (5000, 2)).save(tmp_path / "line.png")
    header = b"IHDR" + struct.pack(">IIBBBBB", 60000, 60000, 8, 0, 0, 0, 0)
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    chunk += struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))
    (tmp_path / "huge.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunk)
    whole = tmp_path / "whole.png"
    photograph(data()[2][0][0].reshape(28, 28)).save(whole)
    (tmp_path / "torn.png").write_bytes(whole.read_bytes()[:400])
    bad = {
        "text.heic": "cannot identify",
        "plain.png": "one colour",
        "line.png": "5000 x 2 pixels",
        "huge.png": "exceeds limit",
        "torn.png": "truncated",
    }
    names = [tmp_path / name for name in bad]
    assert script.main(predict_flags(tmp_path, *names, whole)) == 0
    out = capsys.readouterr().out
    for name, words in bad.items():
        (line,) = [line for line in out.splitlines() if f"{name}: " in line]
        assert words in line
    assert "whole.png: 7" in out and "JPEG or PNG" in out
    flags = predict_flags(tmp_path, *names)
    (tmp_path / "metrics.json").unlink()
    assert script.main(flags) == 2
    assert "none of the pictures" in capsys.readouterr().err
    assert (tmp_path / "metrics.json").exists(), "what was trained is not lost"


# --- Weights


def test_weights_survive_a_round_trip_and_training_goes_on(
    tmp_path, capsys, no_pictures
):
    assert script.main([*QUICK, "--out", str(tmp_path / "a")]) == 0
    weights = tmp_path / "a/weights.npz"
    again = ["--data", str(QUICK_DATA), "--load", str(weights)]
    assert script.main([*again, "--out", str(tmp_path / "b")]) == 0
    flags = [*again, "--epochs", "2", "--out", str(tmp_path / "c")]
    assert script.main(flags) == 0
    first, second, third = (
        json.loads((tmp_path / x / "metrics.json").read_text()) for x in "abc"
    )
    assert first["test_accuracy"] == second["test_accuracy"]
    assert [len(m["history"]) for m in (first, second, third)] == [4, 1, 3]
    assert third["history"][0] == second["history"][0] == first["history"][-1]
    assert third["history"][-1]["training_loss"] < first["history"][-1]["training_loss"]
    assert len(second["shift"]) == 2 and second["shift"][0] == second["shift"][1]
    assert third["shift"][1] == first["shift"][0]


@pytest.mark.parametrize(
    "arrays, words",
    [
        ({"W1": np.zeros((10, 10)), "b1": np.zeros(10)}, "architecture"),
        ({"W1": np.zeros((784, 10)), "b1": np.zeros(9)}, "architecture"),
        ({"W1": np.zeros((784, 9)), "b1": np.zeros(9)}, "10 outputs"),
        ({"W1": np.full((784, 10), np.nan), "b1": np.zeros(10)}, "finite"),
        ({"W1": np.zeros((784, 10)), "b1": np.full(10, np.nan)}, "finite"),
        ({"W1": np.zeros((784, 10)), "b1": np.full((1, 10), np.inf)}, "finite"),
        ({"first": np.zeros(3)}, "10 outputs"),
        ({"first": np.zeros(3), "second": np.zeros(4)}, "architecture"),
        ({"W1": np.full((784, 10), "0"), "b1": np.zeros(10)}, "architecture"),
        ({"W1": np.zeros((784, 1)), "b": np.zeros(1)}, "architecture"),
        ({"W1": np.zeros((784, 0)), "b1": np.zeros((1, 0))}, "10 outputs"),
    ],
)
def test_weights_for_another_architecture(arrays, words, tmp_path, capsys):
    np.savez(tmp_path / "w.npz", **arrays)
    flags = ["--data", str(QUICK_DATA), "--load", str(tmp_path / "w.npz")]
    assert script.main([*flags, "--out", str(tmp_path / "o")]) == 2
    error = capsys.readouterr().err
    assert words in error and error.count("\n") == 1


@pytest.mark.parametrize(
    "flags",
    [
        ["--hidden", "0"],
        ["--hidden"],
        ["--hidden", "-5"],
        ["--hidden", "2048", "2048", "1"],
        ["--batch-size", "0"],
        ["--batch-size", "1.5"],
        ["--networks", "0"],
        ["--epochs", "0"],
        ["--load", "weights.npz", "--hidden", "5"],
        ["--load", "weights.npz", "--augment"],
        ["--load", "weights.npz", "--networks", "2"],
    ],
    ids=" ".join,
)
def test_flags_that_make_no_sense(flags, capsys):
    with pytest.raises(SystemExit) as stopped:
        script.parse_args(flags)
    assert stopped.value.code == 2


# --- Long runs


@pytest.mark.slow
def test_five_seeds_reach_98_3_percent(tmp_path, capsys):
    assert script.main(["--networks", "5", "--no-show", "--out", str(tmp_path)]) == 0
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["test_mean"] >= 0.983


@pytest.mark.slow
def test_fewer_mistakes_that_cost_more(tmp_path, capsys, monkeypatch):
    """What you see: the table of epochs 6 and 10, and which mistakes went."""
    kept, honest = [], script.measure_both

    def measure_both(W, b, training, validation):
        kept.append((dict(W), dict(b), *validation))
        return honest(W, b, training, validation)

    monkeypatch.setattr(script, "measure_both", measure_both)
    assert script.main(["--no-show", "--out", str(tmp_path)]) == 0
    table = []
    for W, b, X, y in (kept[6], kept[10]):
        z, a = script.forward(W, b, X)
        costs = -script.log_softmax(z[3])[np.arange(len(y)), y]
        wrong = a[3].argmax(axis=1) != y
        table.append((costs, wrong))
        found = [wrong.sum(), costs[wrong].mean()]
        found += [costs[where].sum() / len(y) for where in (wrong, ~wrong)]
        expected = [[101, 3.6, 0.061, 0.008], [89, 4.4, 0.065, 0.006]][len(table) - 1]
        assert (np.abs(np.subtract(found, expected)) < [1, 0.05, 5e-4, 5e-4]).all()
    (early, wrong), (late, still) = table
    assert early[wrong & ~still].mean() < 1.5 < early[wrong & still].mean()


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs os.wait4")
def test_three_hundred_pictures_need_little_memory(tmp_path):
    weights = save_weights(tmp_path / "weights.npz", *trained())
    for n in range(300):
        page_of("desk", (2, 4, 7)[n % 3]).save(tmp_path / f"{n}.png")
    command = [sys.executable, script.__file__, "--load", weights, "--no-show"]
    pages = map(str, tmp_path.glob("*.png"))
    _, peak, status = run_measured(
        [*command, "--out", str(tmp_path / "out"), "--predict", *pages]
    )
    assert status == 0 and peak < 600  # MB, most of it MNIST
    assert len((tmp_path / "out/predictions.csv").read_text().splitlines()) == 301
