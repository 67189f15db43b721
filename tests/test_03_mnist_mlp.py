"""03: the network, its training, the data, and images from elsewhere."""

import functools
import json
import math
import struct
import tempfile
import zlib
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from conftest import GradientCase, load
from matplotlib.backend_bases import KeyEvent, MouseEvent
from PIL import Image, ImageOps

script = load("03_mnist_digit_recognition")
TIMINGS = []
TIMES_IN_OUTPUT = r"\s+\d+\.\d\d\s+[\d,]+$"  # the columns seconds and images/s


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
        params = script.init_params([D, *hidden, K], rng, dtype=np.float64)
        for key in params:
            if key[0] == "b":
                params[key] += rng.normal(scale=0.3, size=params[key].shape)

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
            params,
            forward=lambda p, X=X: script.forward(p, X),
            loss=lambda c, y=y: script.loss(c, y),
            backward=lambda p, c, y=y: script.backward(p, c, y),
            tf_loss=tf_loss,
            kinks=lambda c: [c[f"z{k}"] for k in range(1, len(c) // 2)],
        )


@functools.cache
def data():
    return script.load_data(script.MNIST)


@functools.cache
def trained():
    """Return params of a network that has seen 18,000 digits once or twice."""
    (X, y), validation, _, _ = data()
    rng = np.random.default_rng(0)
    params = script.init_params([784, 64, 10], rng)
    return script.train(params, (X[:18000], y[:18000]), validation, 2, 0.004, 128, rng)[
        0
    ]


@pytest.fixture
def no_pictures(monkeypatch):
    """Let runs skip their figures, which take most of the time of a short run."""
    monkeypatch.setattr(script, "draw_results", lambda *args: {})


# --- Data


def test_the_real_seventy_thousand_are_split_and_scaled():
    (X, y), (X_val, y_val), (X_test, y_test), shape = data()
    assert X.shape == (54000, 784) and X_val.shape == (6000, 784) and shape == (28, 28)
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
        ({"x_train": np.zeros((600, 784), np.uint8)}, "height"),
        ({"x_train": np.zeros((600, 28, 28), np.float32)}, "uint8"),
        ({"x_test": np.zeros((100, 28, 27), np.uint8)}, "of one size"),
        ({"y_train": np.zeros(599, np.uint8)}, "labels"),
        ({"y_test": np.zeros(100)}, "labels"),
        ({"y_train": np.full(600, 10, np.uint8)}, "0 to 9"),
        ({"y_train": np.full(600, -1)}, "0 to 9"),
        (
            {"x_train": np.zeros((5, 28, 28), np.uint8), "y_train": np.zeros(5, int)},
            "20 labels",
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
    assert not (tmp_path / "o").exists()


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
    params = script.init_params([400, 300, 200], rng)
    for k, n_in in ((1, 400), (2, 300)):
        assert params[f"W{k}"].std() == pytest.approx(math.sqrt(2 / n_in), rel=0.02)
        assert abs(params[f"W{k}"].mean()) < 0.001
        assert not params[f"b{k}"].any()
        assert params[f"W{k}"].dtype == params[f"b{k}"].dtype == np.float32


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
    params = script.init_params([4, 3, 2], rng, float)
    cache = script.forward(params, np.zeros((5, 4)))  # biases 0: z1 is 0
    grads = script.backward(params, cache, np.array([0, 1, 1, 0, 1]))
    assert not grads["b1"].any() and grads["b2"].any()


def test_adam_keeps_both_running_means(rng):
    flat, m, v = np.ones(4), np.zeros(4), np.zeros(4)
    expected, mean, square = np.ones(4), 0.0, 0.0
    for step in range(1, 4):
        g = rng.normal(size=4)
        script.adam_in_place(flat, g.copy(), m, v, step, 0.1)
        mean, square = 0.9 * mean + 0.1 * g, 0.999 * square + 0.001 * g**2
        m_hat, v_hat = mean / (1 - 0.9**step), square / (1 - 0.999**step)
        expected = expected - 0.1 * m_hat / np.sqrt(v_hat)
        np.testing.assert_allclose(flat, expected, rtol=1e-5)


def test_predictions_are_the_last_activation(rng):
    params = script.init_params([5, 4, 3], rng)
    X = rng.normal(size=(6, 5)).astype(np.float32)
    cache = script.forward(params, X)
    np.testing.assert_array_equal(script.predict(params, X), cache["a2"])
    np.testing.assert_allclose(cache["a2"].sum(axis=1), 1, rtol=1e-6)
    assert script.accuracy(cache["a2"], cache["a2"].argmax(axis=1)) == 1.0
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
    params = {
        f"{name}{k}": np.array(array)
        for name, arrays in (("W", rival.coefs_), ("b", rival.intercepts_))
        for k, array in enumerate(arrays, 1)
    }
    grads = script.backward(params, script.forward(params, X), y)
    rival.partial_fit(X, y)
    for k in (1, 2):
        np.testing.assert_allclose(
            params[f"W{k}"] - grads[f"W{k}"],
            rival.coefs_[k - 1],
            rtol=1e-10,
            atol=1e-12,
        )


# --- Training


def test_views_share_one_vector(rng):
    params = script.init_params([4, 3, 2], rng)
    flat = np.concatenate([value.ravel() for value in params.values()])
    views = script.as_views(flat, params)
    for key in params:
        np.testing.assert_array_equal(views[key], params[key])
        assert np.shares_memory(views[key], flat)
    assert sum(view.size for view in views.values()) == flat.size
    flat += 1
    np.testing.assert_array_equal(views["b2"], params["b2"] + 1)


def test_adam_is_kingma_and_ba_s(rng, tf):
    flat = rng.normal(size=9)
    variable = tf.Variable(flat)
    keras_adam = tf.keras.optimizers.Adam(0.01, epsilon=1e-8)
    m, v = np.zeros(9), np.zeros(9)
    for step in range(1, 6):
        gradient = rng.normal(size=9) * 10.0 ** rng.integers(-2, 3, 9)
        script.adam_in_place(flat, gradient, m, v, step, 0.01)
        keras_adam.apply_gradients([(tf.constant(gradient), variable)])
        np.testing.assert_allclose(flat, variable.numpy(), rtol=3e-6)  # float32 rates


def test_every_image_is_seen_once_an_epoch_and_the_rate_follows_a_cosine(
    rng, monkeypatch, capsys
):
    X, y = np.arange(70.0).reshape(10, 7), np.arange(10) % 3
    seen, rates = [], []
    honest_backward, honest_adam = script.backward, script.adam_in_place

    def backward(params, cache, labels, grads):
        seen.append(cache["a0"][:, 0] / 7)
        np.testing.assert_array_equal(labels, seen[-1] % 3)
        return honest_backward(params, cache, labels, grads)

    def adam(flat, gradient, m, v, step, lr):
        rates.append((step, lr))
        honest_adam(flat, gradient, m, v, step, lr)

    monkeypatch.setattr(script, "backward", backward)
    monkeypatch.setattr(script, "adam_in_place", adam)
    start = script.init_params([7, 3], rng, float)
    script.train(start, (X, y), (X, y), 2, 0.1, 4, rng)
    assert [len(batch) for batch in seen] == [4, 4, 2, 4, 4, 2]
    for epoch in (seen[:3], seen[3:]):
        np.testing.assert_array_equal(np.sort(np.concatenate(epoch)), np.arange(10))
    assert not np.array_equal(np.concatenate(seen[:3]), np.concatenate(seen[3:]))
    assert rates == [
        (s + 1, pytest.approx(0.05 * (1 + math.cos(math.pi * s / 6)))) for s in range(6)
    ]


def test_one_full_batch_step_is_loss_gradient_and_adam(rng, capsys, monkeypatch):
    watched = []
    monkeypatch.setattr(script, "stop_if_diverged", lambda *seen: watched.append(seen))
    X, y = rng.normal(size=(9, 4)), rng.integers(0, 3, 9)
    start = script.init_params([4, 5, 3], rng, float)
    cache = script.forward(start, X)
    grads = script.backward(start, cache, y)
    end, history = script.train(start, (X, y), (X, y), 1, 0.01, 9, rng)
    assert history["loss"] == [pytest.approx(script.loss(cache, y))]
    assert watched == [(history["loss"][0], 1)] and 0 < history["seconds"][0] < 60
    assert history["validation"] == [script.accuracy(script.predict(end, X), y)]
    for key, grad in grads.items():  # m = 0.1 g, v = 0.001 g^2: lr times the sign of g
        step = grad / (np.abs(grad) + 1e-8 / math.sqrt(0.001))
        np.testing.assert_allclose(end[key], start[key] - 0.01 * step, rtol=1e-10)


def test_a_minute_of_training_reads_digits():
    X, y = data()[1]
    assert script.accuracy(script.predict(trained(), X), y) > 0.94


def test_all_depths_learn(capsys):
    (X, y), validation, _, _ = data()
    for hidden in ([], [50], [40, 30, 20]):
        for seed in range(2):
            rng = np.random.default_rng(seed)
            params = script.init_params([784, *hidden, 10], rng)
            small = X[:3000], y[:3000]
            _, history = script.train(params, small, validation, 3, 0.004, 64, rng)
            assert history["validation"][-1] > 0.8
            assert history["loss"][-1] < history["loss"][0]


def test_divergence_is_explained(tmp_path, capsys, no_pictures):
    status = script.main([*QUICK, "--lr", "1e9", "--out", str(tmp_path)])
    error = capsys.readouterr().err
    assert (
        status == 1 and "epoch" in error and "--lr" in error and error.count("\n") == 1
    )
    assert not list(tmp_path.glob("*.png"))


def test_a_loss_of_a_thousand_million_has_diverged():
    script.stop_if_diverged(0.999e9, 1)
    for value in (1e9, -1e9, math.nan):
        with pytest.raises(FloatingPointError, match="epoch 1"):
            script.stop_if_diverged(value, 1)


def test_ctrl_c_ends_all_seeds(tmp_path, capsys, no_pictures, monkeypatch):
    def interrupted(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(script, "backward", interrupted)
    flags = [*QUICK, "--seeds", "3", "--compare", "--out", str(tmp_path)]
    assert script.main(flags) == 0
    out = capsys.readouterr().out
    assert out.count("Stopped by Ctrl-C") == 1 and "on average" not in out


def test_several_seeds_are_summarised(tmp_path, capsys, no_pictures):
    assert script.main([*QUICK, "--seeds", "3", "--out", str(tmp_path)]) == 0
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    scores = metrics["test_accuracies"]
    assert len(set(scores)) > 1 and metrics["test_accuracy"] == scores[0]
    assert metrics["test_mean"] == pytest.approx(np.mean(scores))
    assert metrics["test_sd"] == pytest.approx(np.std(scores, ddof=1))


def test_confusion_counts_agree_with_scikit_learn(rng, capsys):
    from sklearn.metrics import confusion_matrix

    a, y = rng.random((300, 10)), rng.integers(0, 10, 300)
    expected = confusion_matrix(y, a.argmax(axis=1), labels=range(10))
    np.testing.assert_array_equal(script.report_digits(a, y, {}), expected)
    assert f"{300 - np.trace(expected)} of 300 wrong" in capsys.readouterr().out
    script.report_digits(np.eye(10), np.arange(10), {})
    assert "100.00%: none of 10 wrong." in capsys.readouterr().out


# --- Distortion


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


# --- Images from elsewhere


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
        seen.append(script.center_like_mnist(script.read_image(tmp_path / "photo.png")))
    seen = np.concatenate(seen)
    assert script.accuracy(script.predict(trained(), seen), y) >= 0.9
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


@pytest.mark.parametrize("width, height", [(800, 600), (600, 800)])
def test_the_longer_side_of_a_large_photograph_becomes_400_pixels(
    width, height, tmp_path
):
    page = np.full((height, width), 255, np.uint8)
    page[200:400, 250:350] = 0
    Image.fromarray(page).save(tmp_path / "large.png")
    shape = script.read_image(tmp_path / "large.png").shape
    assert shape == (height // 2, width // 2)


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
        assert 0 <= again.min() and again.max() <= 1
        rows, columns = np.nonzero(again)
        assert (np.ptp(rows), np.ptp(columns)) == (19, 19)
        assert {rows.min(), rows.max()} & {0, 27}


def test_transparent_drawings_and_turned_photographs(tmp_path):
    ink = np.zeros((60, 60, 4), np.uint8)
    ink[10:50, 25:32, 3] = 255  # black strokes on nothing
    Image.fromarray(ink).save(tmp_path / "clear.png")
    assert script.read_image(tmp_path / "clear.png")[30, 28] > 0.9
    page = np.full((40, 80), 255, np.uint8)
    page[5:15, 60:64] = 0
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned
    Image.fromarray(page).save(tmp_path / "turned.jpg", exif=exif)
    assert script.read_image(tmp_path / "turned.jpg").shape == (80, 40)


@pytest.mark.parametrize("contrast, found", [(-11, 9), (10, 0), (11, 9)])
def test_a_contrast_of_ten_grey_levels_is_no_ink(contrast, found, tmp_path):
    page = np.full((200, 200), 100, np.uint8)
    page[99:102, 99:102] += np.uint8(contrast % 256)
    Image.fromarray(page).save(tmp_path / "faint.png")
    if found:
        ink = script.read_image(tmp_path / "faint.png")
        assert np.count_nonzero(ink) == found and ink.max() == 1
    else:
        with pytest.raises(script.InputError, match="one colour"):
            script.read_image(tmp_path / "faint.png")


def test_half_as_dark_is_ink_and_a_third_is_paper(tmp_path):
    page = np.full((200, 200), 250, np.uint8)
    page[50:53, 50:53], page[50:53, 150:153], page[150:153, 50:53] = 50, 150, 184
    Image.fromarray(page).save(tmp_path / "spots.png")
    ink = script.read_image(tmp_path / "spots.png")
    assert ink[51, 51] > 0.99 and ink[51, 151] == pytest.approx(0.5, abs=0.01)
    assert np.count_nonzero(ink) == 18


def test_predict_shows_and_prints_ten_probabilities(tmp_path, capsys, no_pictures):
    np.savez(tmp_path / "weights.npz", **trained())
    photograph(data()[2][0][0].reshape(28, 28)).save(tmp_path / "seven.png")
    flags = [
        "--data",
        str(QUICK_DATA),
        "--load",
        str(tmp_path / "weights.npz"),
        "--predict",
    ]
    status = script.main([*flags, str(tmp_path / "seven.png"), "--out", str(tmp_path)])
    out = capsys.readouterr().out
    assert (
        status == 0
        and "seven.png: 7" in out
        and (tmp_path / "predictions.png").exists()
    )
    line = next(row for row in out.splitlines() if row.startswith("seven.png"))
    assert sum(map(float, line.split(":")[2].split())) == pytest.approx(1, abs=0.01)


def test_bad_images_are_one_sentence(tmp_path, capsys):
    (tmp_path / "text.png").write_text("no picture")
    Image.new("L", (50, 50), 200).save(tmp_path / "plain.png")
    header = b"IHDR" + struct.pack(">IIBBBBB", 60000, 60000, 8, 0, 0, 0, 0)
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    chunk += struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))
    (tmp_path / "huge.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunk)
    whole = tmp_path / "whole.png"
    photograph(np.eye(28)).save(whole)
    (tmp_path / "torn.png").write_bytes(whole.read_bytes()[:400])
    for name, words in (
        ("text.png", "cannot identify"),
        ("plain.png", "one colour"),
        ("huge.png", "exceeds limit"),
        ("missing.png", "No such file"),
        ("torn.png", "truncated"),
    ):
        flags = [
            *QUICK,
            "--predict",
            str(tmp_path / name),
            "--out",
            str(tmp_path / "o"),
        ]
        assert script.main(flags) == 2
        error = capsys.readouterr().err
        assert words in error and name in error and error.count("\n") == 1
        assert not (tmp_path / "o").exists()


def test_the_drawing_board_follows_the_mouse():
    fig = script.plot_board(trained(), (28, 28))
    board, bars = fig.axes
    fig.canvas.draw()

    def mouse(name, x, y):
        MouseEvent(
            name, fig.canvas, *board.transData.transform((x, y)), button=1
        )._process()

    def heights():
        return [bar.get_height() for bar in bars.patches]

    assert heights() == [0] * 10
    mouse("button_press_event", 20, 70)
    KeyEvent("key_press_event", fig.canvas, "c")._process()
    mouse("button_press_event", 70, 20)
    mouse("motion_notify_event", 70, 70)
    mouse("motion_notify_event", 70, 120)  # a fast mouse leaves no gaps
    ink = np.asarray(board.images[0].get_array())
    assert np.all(ink[20:121, 70] > 0.5) and not ink[:, :60].any()
    assert sum(heights()) == pytest.approx(1, rel=1e-5) and np.argmax(heights()) == 1
    KeyEvent("key_press_event", fig.canvas, "c")._process()
    assert heights() == [0] * 10
    plt.close(fig)


# --- Weights


def test_weights_survive_a_round_trip_and_training_goes_on(
    tmp_path, capsys, no_pictures
):
    assert script.main([*QUICK, "--out", str(tmp_path / "a")]) == 0
    weights = tmp_path / "a/weights.npz"
    again = ["--data", str(QUICK_DATA), "--load", str(weights)]
    assert script.main([*again, "--out", str(tmp_path / "b")]) == 0
    first, second = (
        json.loads((tmp_path / x / "metrics.json").read_text()) for x in "ab"
    )
    assert first["test_accuracy"] == second["test_accuracy"] and second["epochs"] == 0
    assert script.main([*again, "--epochs", "2", "--out", str(tmp_path / "c")]) == 0
    third = json.loads((tmp_path / "c/metrics.json").read_text())
    assert third["epochs"] == 2 and third["train_loss"] < first["train_loss"]


@pytest.mark.parametrize(
    "arrays, words",
    [
        ({"W1": np.zeros((10, 10)), "b1": np.zeros(10)}, "architecture"),
        ({"W1": np.zeros((784, 10)), "b1": np.zeros(9)}, "architecture"),
        ({"W1": np.zeros((784, 9)), "b1": np.zeros(9)}, "10 outputs"),
        ({"W1": np.full((784, 10), np.nan), "b1": np.zeros(10)}, "finite"),
        ({"first": np.zeros(3)}, "10 outputs"),
        ({"first": np.zeros(3), "second": np.zeros(4)}, "architecture"),
        ({"W1": np.full((784, 10), "0"), "b1": np.zeros(10)}, "architecture"),
        ({"W1": np.zeros((784, 1)), "b": np.zeros(1)}, "architecture"),
    ],
)
def test_weights_for_another_architecture(arrays, words, tmp_path, capsys):
    np.savez(tmp_path / "w.npz", **arrays)
    flags = ["--data", str(QUICK_DATA), "--load", str(tmp_path / "w.npz")]
    assert script.main([*flags, "--out", str(tmp_path / "o")]) == 2
    error = capsys.readouterr().err
    assert words in error and error.count("\n") == 1


def test_hidden_layers_that_contradict_the_weights(tmp_path, capsys):
    np.savez(tmp_path / "w.npz", **trained())
    flags = [
        "--data",
        str(QUICK_DATA),
        "--load",
        str(tmp_path / "w.npz"),
        "--hidden",
        "65",
    ]
    assert script.main([*flags, "--out", str(tmp_path)]) == 2
    assert "[64]" in capsys.readouterr().err


@pytest.mark.parametrize(
    "flags",
    [
        ["--hidden", "0"],
        ["--hidden"],
        ["--hidden", "-5"],
        ["--batch-size", "0"],
        ["--batch-size", "1.5"],
        ["--seeds", "0"],
        ["--epochs", "0"],
        ["--compare", "--load", "weights.npz"],
    ],
    ids=" ".join,
)
def test_flags_that_make_no_sense(flags, capsys):
    with pytest.raises(SystemExit) as stopped:
        script.parse_args(flags)
    assert stopped.value.code == 2


# --- Long runs


def test_comparison_trains_the_same_network_elsewhere(
    tmp_path, capsys, tf, no_pictures
):
    flags = [*QUICK, "--compare", "--epochs", "2", "--out", str(tmp_path)]
    assert script.main(flags) == 0
    table = json.loads((tmp_path / "metrics.json").read_text())["compare"]
    assert list(table) == ["this script", "scikit-learn", "Keras"]
    assert all(row["test_accuracy"] > 0.3 for row in table.values())


def test_comparison_names_what_is_missing(monkeypatch, tmp_path, capsys, no_pictures):
    monkeypatch.setitem(__import__("sys").modules, "keras", None)
    assert script.main([*QUICK, "--compare", "--out", str(tmp_path)]) == 0
    assert "Keras is left out" in capsys.readouterr().out


@pytest.mark.slow
def test_five_seeds_reach_98_3_percent(tmp_path, capsys):
    assert script.main(["--seeds", "5", "--no-show", "--out", str(tmp_path)]) == 0
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["test_mean"] >= 0.983
