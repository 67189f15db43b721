"""01: the mistake bound, the proof of separability, and scikit-learn's Perceptron."""

import numpy as np
import pytest
from conftest import GradientCase, load

script = load("01_perceptron_learning")
QUICK = ["--epochs", "20"]
TIMINGS = []


def gradient_cases():
    rng = np.random.default_rng(1)
    N, D = 7, 3
    X, y = rng.normal(size=(N, D)), rng.choice([-1.0, 1.0], N)

    def tf_loss(tf, p):
        z = tf.linalg.matvec(tf.constant(X), p["w"]) + p["b"]
        return tf.reduce_mean(tf.nn.relu(-y * z))

    yield GradientCase(
        "criterion",
        (N, D),
        {"w": rng.normal(size=D), "b": rng.normal(size=())},
        forward=lambda p: script.forward(p, X),
        loss=lambda c: script.loss(c, y),
        backward=lambda p, c: script.backward(p, c, y),
        tf_loss=tf_loss,
        kinks=lambda c: [c["z"]],
    )


def learn(X, y, epochs=100_000, lr=1.0):
    return script.train(script.init_params(X.shape[1]), X, y, epochs, lr)


@pytest.mark.parametrize(
    "margin, sets", [(1.0, 100), (0.1, 100), (0.01, 100), (0.001, 5)]
)
def test_mistakes_never_exceed_the_bound(margin, sets, capsys):
    for seed in range(sets):
        rng = np.random.default_rng(seed)
        X, y = script.make_blobs(int(rng.integers(4, 20)), margin, rng)
        proof = script.separability(X, y)
        assert proof["gamma"] >= margin / proof["R"]
        params, history = learn(X, y)
        assert history["mistakes"][-1] == 0
        assert sum(history["mistakes"]) <= proof["bound"]
        assert script.share_right(params, X, y) == 1.0


def test_weight_length_stays_between_both_halves_of_the_proof(capsys):
    for seed in range(20):
        X, y = script.make_blobs(30, 0.05, np.random.default_rng(seed))
        proof = script.separability(X, y)
        path = learn(X, y)[1]["path"]
        for k, p in enumerate(path):
            length = np.sqrt(p["w"] @ p["w"] + p["b"] ** 2)
            assert proof["gamma"] * k - 1e-9 <= length <= proof["R"] * np.sqrt(k) + 1e-9


def test_same_weights_update_for_update_as_scikit_learn(rng, capsys):
    from sklearn.linear_model import Perceptron

    X, y = script.make_blobs(60, 0.05, rng)
    path = learn(X, y)[1]["path"]
    oracle, updates = Perceptron(shuffle=False), 0
    while updates < len(path) - 1:
        for x_n, y_n in zip(X, y):
            before = getattr(oracle, "coef_", np.zeros((1, 2))).copy()
            oracle.partial_fit(x_n[None], [y_n], classes=[-1.0, 1.0])
            if not np.array_equal(before, oracle.coef_):
                updates += 1
                np.testing.assert_allclose(
                    path[updates]["w"], oracle.coef_[0], atol=1e-12
                )
                np.testing.assert_allclose(path[updates]["b"], oracle.intercept_[0])


def test_learning_rate_only_scales_the_weights(rng, capsys):
    X, y = script.make_blobs(40, 0.1, rng)
    one, history = learn(X, y)
    quarter, other = learn(X, y, lr=0.25)
    assert history["mistakes"] == other["mistakes"]
    np.testing.assert_allclose(0.25 * one["w"], quarter["w"], rtol=1e-12)


def test_coordinates_ten_times_as_large_raise_the_bound_70_fold():  # exercise 2
    X, y = script.make_blobs(100, 0.1, np.random.default_rng(0))
    bounds = [script.separability(k * X, y)["bound"] for k in (1, 10)]
    assert bounds[1] / bounds[0] == pytest.approx(70, abs=0.5)


def widest_margin(signed):
    """Return 1 / |w~| for the shortest w~ whose sums with all rows are at least 1."""
    from scipy.optimize import minimize

    found = minimize(
        lambda w: w @ w, np.zeros(3), method="SLSQP", jac=lambda w: 2 * w,
        constraints={"type": "ineq", "fun": lambda w: signed @ w - 1},
        options={"ftol": 1e-14},
    )  # fmt: skip
    return 1 / np.linalg.norm(found.x)


def test_margin_is_the_widest_as_a_quadratic_programme_finds_it():
    for seed in range(40):  # SciPy 1.15 needs a second order of the points for some
        rng = np.random.default_rng(seed)
        X, y = script.make_blobs(int(rng.integers(4, 200)), 1.0, rng)
        signed = y[:, None] * np.column_stack([X, np.ones(len(X))])
        proof = script.separability(X, y)
        assert proof["R"] == np.linalg.norm(signed, axis=1).max()
        assert proof["gamma"] == pytest.approx(widest_margin(signed), rel=1e-6)
        assert proof["bound"] == pytest.approx((proof["R"] / proof["gamma"]) ** 2)
        assert np.linalg.norm(proof["separator"]) == pytest.approx(1)
        assert (signed @ proof["separator"]).min() == pytest.approx(proof["gamma"])


def test_margin_is_exact_however_narrow_the_gap():
    turn = np.array([[0.8, -0.6], [0.6, 0.8]])
    share = []
    for gap in 10.0 ** -np.arange(3, 12):
        X = np.array([[0, 0], [1, 0], [0.5, gap]]) @ turn.T + [0.3, -0.2]
        share.append(script.separability(X, np.array([-1, -1, 1]))["gamma"] / gap)
    np.testing.assert_allclose(share, share[0], rtol=1e-3)


def test_a_gap_that_rounding_fills_is_not_decided():
    X = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, 1e-14]])
    with pytest.raises(script.InputError, match="too close"):
        script.separability(X, np.array([-1.0, -1.0, 1.0]))


def test_common_point_lies_in_both_hulls():
    from scipy.optimize import linprog

    for seed in range(20):
        X, y = script.make_blobs(30, -0.5, np.random.default_rng(seed))
        proof = script.separability(X, y)
        assert proof["gamma"] is proof["bound"] is proof["separator"] is None
        for label in (-1, 1):
            corners = X[y == label].T
            found = linprog(
                np.zeros(corners.shape[1]),
                A_eq=np.vstack([corners, np.ones(corners.shape[1])]),
                b_eq=[*proof["common_point"], 1.0],
            )
            assert found.success


@pytest.mark.parametrize("gate", ["and", "or", "nand"])
def test_gates_are_learnt(gate, rng, capsys):
    X, y, _ = script.load_data(gate, None, 0, rng)
    params, history = learn(X, y)
    assert script.share_right(params, X, y) == 1.0
    np.testing.assert_array_equal(script.forward(params, X)["a"], y)
    assert history["cycle"] is None


def test_undecided_points_are_answered_minus_one():
    cache = script.forward(script.init_params(2), np.ones((3, 2)))
    np.testing.assert_array_equal(cache["a"], [-1, -1, -1])
    assert script.share_right(script.init_params(2), np.ones((1, 2)), [-1.0]) == 0


def test_every_correction_is_counted_and_epochs_end_it(rng, capsys):
    X, y = script.make_blobs(60, -0.5, rng)
    _, history = learn(X, y, epochs=5)
    assert len(history["mistakes"]) == 5
    assert sum(history["mistakes"]) == len(history["path"]) - 1
    lines = capsys.readouterr().out.splitlines()[1:]
    assert [int(line.split()[0]) for line in lines] == [1, 2, 4, 5]


def test_xor_cycles_in_integers_and_has_a_certificate(rng, capsys):
    X, y, _ = script.load_data("xor", None, 0, rng)
    params, history = learn(X, y)
    first, last = history["cycle"]
    assert (first, last) == (1, 2) and history["mistakes"] == [4, 4]
    period = sum(history["mistakes"][first:last])
    end, start = history["path"][-1], history["path"][-1 - period]
    assert (end["w"] == start["w"]).all() and end["b"] == start["b"]
    assert all(float(v).is_integer() for v in (*params["w"], params["b"]))
    proof = script.separability(X, y)
    assert proof["gamma"] is None
    np.testing.assert_allclose(proof["common_point"], [0.5, 0.5])


def test_overlapping_clouds_have_a_common_point_and_keep_the_best_line(rng, capsys):
    X, y = script.make_blobs(60, -0.5, rng)
    assert script.separability(X, y)["gamma"] is None
    params, history = learn(X, y, epochs=50)
    shares = [script.share_right(p, X, y) for p in history["path"]]
    assert history["pocket"] is history["path"][np.argmax(shares)] and max(shares) < 1
    assert script.share_right(history["average"], X, y) > 0.8


def test_average_is_the_mean_over_all_examples_shown(capsys):
    X, y = np.array([[1.0, 0.0], [2.0, 1.0]]), np.array([1.0, -1.0])
    average = learn(X, y, epochs=1)[1]["average"]
    np.testing.assert_array_equal(average["w"], [0.0, -0.5])  # (1, 0), then (-1, -1)
    assert average["b"] == 0.5
    average = learn(X, y, epochs=2)[1]["average"]  # then (0, -1), (-2, -2)
    np.testing.assert_array_equal(average["w"], [-0.5, -1.0])


@pytest.mark.parametrize(
    "text, words",
    [
        ("", "empty"),
        ("\n\n", "empty"),
        ("x,y,label\n", "missing"),
        ("1,2,a\n3,b,c\n", "'b'"),
        ("1,2\n3,4\n", "columns"),
        ("1,2,a\n3,4\n", "columns"),
        ("1,2,a\nnan,4,b\n", "infinite"),
        ("1,2,a\n1e999,4,b\n", "infinite"),
        ("1,2,a\n3,4,a\n", "1 different"),
        ("1,2,a\n3,4,b\n5,6,c\n", "3 different"),
    ],
)
def test_bad_csv_is_one_sentence(text, words, tmp_path, capsys):
    (tmp_path / "bad.csv").write_text(text)
    status = script.main(
        ["--csv", str(tmp_path / "bad.csv"), "--out", str(tmp_path / "o")]
    )
    captured = capsys.readouterr()
    assert status == 2 and captured.out == "" and captured.err.count("\n") == 1
    assert words in captured.err and "bad.csv" in captured.err
    assert not (tmp_path / "o").exists()


def test_csv_of_a_stranger(tmp_path, capsys):
    (tmp_path / "points.csv").write_text(
        '\ufeffweight,height,"kind"\r\n1,2,"a, b"\r\n3,4,c\r\n\r\n', encoding="utf-8"
    )
    X, y, names = script.load_data("blobs", tmp_path / "points.csv", 0, None)
    np.testing.assert_array_equal(X, [[1, 2], [3, 4]])
    np.testing.assert_array_equal(y, [-1, 1])
    assert names == ["weight", "height", "a, b", "c"]


def test_missing_and_binary_files(tmp_path, capsys):
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00\x01")
    for name in ("missing.csv", "binary.csv"):
        assert script.main(["--csv", str(tmp_path / name)]) == 2
        assert capsys.readouterr().err.count("\n") == 1


def test_overflow_is_explained(capsys):
    X, y = np.array([[1e200, 1.0], [1e200, 2.0]]), np.array([1.0, -1.0])
    with pytest.raises(FloatingPointError, match="epoch 1.*--lr"):
        with np.errstate(over="ignore", invalid="ignore"):
            learn(X, y, lr=1e200)


def test_animation_moves(rng, tmp_path, capsys, monkeypatch):
    from PIL import Image

    for plot in ("plot_path", "plot_bound", "plot_xor_cycle"):
        monkeypatch.setattr(script, plot, lambda *args: script.plt.figure())
    assert script.main(["--data", "or", "--animate", "--out", str(tmp_path)]) == 0
    with Image.open(tmp_path / "learning.gif") as gif:
        assert gif.n_frames > 3
