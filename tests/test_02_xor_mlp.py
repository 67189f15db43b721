"""02: what a line, one network and a thousand do with XOR, and where some get stuck."""

import itertools
import re
import time

import numpy as np
import pytest
from conftest import ROOT, GradientCase, load

script = load("02_xor_mlp")
QUICK = ["--epochs", "30", "--trials", "10"]
TIMINGS = []
ACTIVATIONS = list(script.HIDDEN_ACTIVATIONS)
X, y = script.make_data()


def gradient_cases():
    rng = np.random.default_rng(2)
    N, D, H, K = 7, 3, 5, 2
    inputs, targets = rng.normal(size=(N, D)), rng.uniform(size=(N, K))
    for activation, kind in itertools.product(ACTIVATIONS, ("mse", "bce")):
        sizes = {"W1": (D, H), "b1": H, "W2": (H, K), "b2": K}
        params = {k: rng.normal(size=size) for k, size in sizes.items()}

        def tf_loss(tf, p, activation=activation, kind=kind):
            names = {"identity": tf.identity, "tanh": tf.tanh, "relu": tf.nn.relu}
            a1 = names.get(activation, tf.sigmoid)(inputs @ p["W1"] + p["b1"])
            z2 = a1 @ p["W2"] + p["b2"]
            if kind == "mse":
                return tf.reduce_sum((tf.sigmoid(z2) - targets) ** 2) / (2 * N)
            bits = tf.nn.sigmoid_cross_entropy_with_logits(targets, z2)
            return tf.reduce_sum(bits) / N

        yield GradientCase(
            f"{activation} {kind}",
            (N, D, H, K),
            params,
            forward=lambda p, f=activation: script.forward(p, inputs, f),
            loss=lambda c, kind=kind: script.loss(c, targets, kind),
            backward=lambda p, c, f=activation, k=kind: script.backward(
                p, c, targets, f, k
            ),
            tf_loss=tf_loss,
            kinks=lambda c, f=activation: [c["z1"]] if f == "relu" else [],
        )


def settings(*flags):
    return script.parse_args([*flags])


def start(n, args, rng=None):
    rng = rng or np.random.default_rng(args.seed)
    return script.init_params(args.hidden, args.init, np.full(n, args.scale), rng)


def learn(n, *flags):
    """Train n networks with these flags; return what ``train_and_judge`` says."""
    args = settings(*flags)
    data = script.make_data(args.signed)
    first = start(n, args)
    return script.train_and_judge(first, *data, args.activation, args.epochs, args)


def one(params, t):
    return {k: v[t] for k, v in params.items()}


def judge(params, activation="sigmoid"):
    """Return the judgement of one network as it is: no step is taken."""
    args = settings("--momentum", "0")
    args.lr = 0.0
    batch = {k: np.array(v, dtype=float)[None] for k, v in params.items()}
    return script.train_and_judge(batch, X, y, activation, 1, args)


def test_no_line_has_more_than_three_corners_right():
    grid = np.linspace(-3, 3, 25)
    lines = np.array(list(itertools.product(grid, repeat=3)))
    answers = X @ lines[:, :2].T + lines[:, 2] > 0
    assert (answers == y).sum(axis=0).max() == 3
    assert len(np.unique(answers, axis=1).T) == 14  # of 16 truth tables
    assert X[0] @ [1, 1] + X[3] @ [1, 1] == X[1] @ [1, 1] + X[2] @ [1, 1]


def test_without_an_activation_the_answer_is_a_half(rng):
    params = script.init_params(2, "uniform", 0.3, rng)
    params, _ = script.train(params, X, y, "identity", "mse", 1000, 2.0, 0.9)
    cache = script.forward(params, X, "identity")
    np.testing.assert_allclose(cache["a2"], 0.5, atol=1e-4)
    assert script.loss(cache, y, "mse") == pytest.approx(1 / 8)


def test_signed_inputs_are_the_same_corners():
    signed, targets = script.make_data(signed=True)
    np.testing.assert_array_equal(signed, 2 * X - 1)
    np.testing.assert_array_equal(targets, [[0], [1], [1], [0]])


def test_a_network_wired_by_hand_computes_xor():
    wired = {"W1": [[1, 1], [1, 1]], "b1": [0, -1], "W2": [[20], [-40]], "b2": [-10]}
    params = {k: np.array(v, dtype=float) for k, v in wired.items()}
    cache = script.forward(params, X, "relu")
    np.testing.assert_array_equal(cache["a1"], [[0, 0], [1, 0], [1, 0], [2, 1]])
    np.testing.assert_array_equal(cache["z2"][:, 0], [-10, 10, 10, -10])
    assert cache["a2"][0, 0] == pytest.approx(1 / (1 + np.exp(10)), rel=1e-12)
    assert judge(params, "relu")["missed"] == 0
    _, history = script.train(params, X, y, "relu", "mse", 3, 0.01, 0.9)
    assert history["right"] == history["close"] == 0  # from the start


def test_a_half_is_not_right_and_relu_is_flat_at_zero(rng):
    zero = script.init_params(2, "uniform", 0.0, rng)
    _, history = script.train(zero, X, y, "relu", "mse", 7, 2.0, 0.9)
    assert history["right"] == history["close"] == 7
    slopes = script.HIDDEN_ACTIVATIONS["relu"][1](np.array([-1.0, 0, 1]), None)
    np.testing.assert_array_equal(slopes, [0, 0, 1])


def test_an_error_of_exactly_the_limit_is_not_close(monkeypatch, rng):
    params = script.init_params(2, "uniform", 0.3, rng)
    cache = script.forward(params, X, "sigmoid")
    cache["a2"] = np.array([[0.05], [1.0], [1.0], [0.0]])
    monkeypatch.setattr(script, "forward", lambda *_: cache)
    _, history = script.train(params, X, y, "sigmoid", "mse", 3, 2.0, 0.9)
    assert history["right"] == 0 and history["close"] == 3


def test_loss_is_a_mean_and_survives_huge_sums():
    cache = {"a2": np.array([[0.0], [0.0], [1.0], [1.0]])}
    assert script.loss(cache, y, "mse") == 0.25  # two wrong: (1 + 1) / (2 * 4)
    cache["z2"] = np.array([[-1e4], [-1e4], [1e4], [1e4]])
    assert script.loss(cache, y, "bce") == 5000
    np.testing.assert_array_equal(script.sigmoid(np.array([-1e4, 0, 1e4])), [0, 0.5, 1])


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("kind", ["mse", "bce"])
def test_a_batch_learns_what_each_network_alone_learns(activation, kind):
    args = settings("--scale", "1")
    many = start(8, args)
    together, history = script.train(many, X, y, activation, kind, 300, 0.5, 0.9)
    for t in range(8):
        alone, single = script.train(
            one(many, t), X, y, activation, kind, 300, 0.5, 0.9
        )
        for key in alone:
            np.testing.assert_allclose(together[key][t], alone[key], rtol=0, atol=1e-12)
        assert history["right"][t] == single["right"]
        assert history["close"][t] == single["close"]


def test_step_for_step_as_scikit_learn():
    from sklearn.neural_network import MLPClassifier

    oracle = MLPClassifier(
        (5,), activation="tanh", solver="sgd", alpha=0, batch_size=4,
        learning_rate_init=0.3, momentum=0.8, nesterovs_momentum=False, shuffle=False,
        random_state=0,
    )  # fmt: skip
    oracle.partial_fit(X, y[:, 0], classes=[0, 1])

    def arrays():
        (W1, W2), (b1, b2) = oracle.coefs_, oracle.intercepts_
        return {"W1": W1.copy(), "b1": b1.copy(), "W2": W2.copy(), "b2": b2.copy()}

    for v in oracle._optimizer.velocities:
        v[...] = 0.0
    params = arrays()
    for _ in range(200):
        oracle.partial_fit(X, y[:, 0])
    ours, _ = script.train(params, X, y, "tanh", "bce", 200, 0.3, 0.8)
    for key, expected in arrays().items():
        np.testing.assert_allclose(ours[key], expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("scale", [0.3, np.full(4000, 0.3), np.full(4000, 3.0)])
@pytest.mark.parametrize("init", ["uniform", "normal"])
def test_first_weights(scale, init, rng):
    params = script.init_params(3, init, scale, rng)
    trials = np.shape(scale)
    assert {k: v.shape for k, v in params.items()} == {
        "W1": (*trials, 2, 3), "b1": (*trials, 3),
        "W2": (*trials, 3, 1), "b2": (*trials, 1),
    }  # fmt: skip
    for key, values in params.items():
        relative = values / np.max(scale)
        if init == "uniform":
            assert np.abs(relative).max() <= 1
        if init == "normal" and key in ("b1", "b2"):
            assert not values.any()
        elif trials:
            spread = 1 if init == "normal" else 1 / np.sqrt(3)
            assert relative.std() == pytest.approx(spread, rel=0.05)
            assert abs(relative.mean()) < 0.03


def test_each_network_has_its_own_scale(rng):
    params = script.init_params(2, "uniform", np.array([0.0, 1.0, 10.0]), rng)
    assert not params["W1"][0].any() and not params["b1"][0].any()
    assert np.abs(params["W1"][2]).max() > 1 >= np.abs(params["W1"][1]).max()


def test_wilson_interval_is_scipys():
    from scipy.stats import binomtest

    for won, trials in [(0, 10), (1, 10), (972, 1000), (10, 10)]:
        expected = binomtest(won, trials).proportion_ci(method="wilson")
        ours = script.wilson(np.arange(trials) < won)
        assert ours["rate"] == won / trials
        assert ours["low"] == pytest.approx(expected.low, abs=1e-7)
        assert ours["high"] == pytest.approx(expected.high, abs=1e-7)
    for trials in range(10, 500):  # rounding must not leave the unit interval
        assert script.wilson(np.ones(trials, dtype=bool))["high"] <= 1
        assert script.wilson(np.zeros(trials, dtype=bool))["low"] >= 0


@pytest.mark.parametrize("kind", ["mse", "bce"])
@pytest.mark.parametrize("tied, ones", [(2, 1), (3, 1), (3, 2), (4, 2)])
def test_resting_loss_is_the_least_that_one_output_can_have(tied, ones, kind):
    p = np.linspace(1e-4, 1 - 1e-4, 20_001)
    targets = np.arange(tied)[:, None] < ones
    if kind == "mse":
        losses = (0.5 * (p - targets) ** 2).sum(axis=0) / 4
    else:
        losses = -np.where(targets, np.log(p), np.log(1 - p)).sum(axis=0) / 4
    assert script.resting_loss(tied, kind) == pytest.approx(losses.min(), rel=1e-6)
    assert p[losses.argmin()] == pytest.approx(ones / tied, abs=1e-3)


def test_why_a_stuck_network_is_stuck():
    """Unit 1 says x1, unit 2 says "only x2"; where x1 = 1 both are flat and equal."""
    stuck = {
        "W1": np.array([[40.0, -40.0], [0.0, 40.0]]),
        "b1": np.array([-20.0, -20.0]),
        "W2": np.array([[10.0], [20.0]]),
        "b2": np.array([-10.0]),
    }
    found = judge(stuck)
    cache = script.forward(stuck, X, "sigmoid")
    np.testing.assert_allclose(cache["a2"][:, 0], [0, 1, 0.5, 0.5], atol=1e-4)
    assert found["missed"] == 2 and found["slope"] < 1e-8
    assert found["error"] == pytest.approx(0.5, abs=1e-6)
    assert found["loss"] == pytest.approx(script.resting_loss(2, "mse"), rel=1e-6)
    grads = script.backward(stuck, cache, y, "sigmoid", "mse")
    assert max(np.abs(g).max() for g in grads.values()) < 1e-8


@pytest.mark.parametrize(
    "outputs, missed, error",
    [
        ([0.0, 1.0, 1.0, 0.0], 0, 0.0),
        ([0.4, 0.6, 0.6, 0.4], 0, 0.4),  # solved, though still far off
        ([0.5, 0.5, 0.5, 0.5], 4, 0.5),
        ([0.0, 1.0, 0.3, 0.2], 1, 0.7),
        ([0.24, 0.76, 0.24, 0.26], 2, 0.76),
        ([0.25, 0.0, 1.0, 0.0], 1, 1.0),  # a quarter off is not yet missed
    ],
)
def test_a_network_is_judged_by_its_outputs(outputs, missed, error, monkeypatch):
    a2 = np.array(outputs)[None, :, None]
    hidden = np.array([[[0.5], [0.1], [0.2], [0.9]]])
    cache = {"X": X, "z1": hidden, "a1": hidden, "z2": a2, "a2": a2}
    params = start(1, settings("--hidden", "1"))
    monkeypatch.setattr(script, "forward", lambda *_: cache)
    found = judge(one(params, 0))
    assert found["missed"] == missed and found["error"] == pytest.approx(error)
    off = np.abs(a2 - y)[0, :, 0] > 0.25
    slopes = np.where(off, [0.25, 0.09, 0.16, 0.09], 0)
    assert found["slope"] == pytest.approx(slopes.max())


@pytest.mark.parametrize(
    "flags",
    [
        ["--scale", "1", "--epochs", "1500"],
        ["--activation", "tanh", "--loss", "bce", "--lr", "0.5", "--scale", "1"],
        ["--activation", "relu", "--loss", "bce", "--lr", "0.4", "--scale", "1"],
    ],
    ids=["sigmoid", "tanh", "relu"],
)
def test_every_stuck_network_rests_on_a_level_that_can_be_computed(flags):
    found = learn(200, "--epochs", "1500", *flags)
    assert set(found["missed"]) - {0} >= {2, 3}
    for tied in {2, 3, 4} & set(found["missed"]):
        level = script.resting_loss(tied, settings(*flags).loss)
        there = found["missed"] == tied
        np.testing.assert_allclose(found["loss"][there], level, rtol=0.02)
        assert tied == 4 or np.median(found["slope"][there]) < 0.002
    assert (found["missed"] == 1).sum() == 0


def test_the_first_network_of_the_default_seed_converges():
    args = settings()
    first = one(start(args.trials, args), 0)
    params, history = script.train(first, X, y, "sigmoid", "mse", 5000, 2.0, 0.9)
    error = np.abs(script.forward(params, X, "sigmoid")["a2"] - y).max()
    assert error < 0.05 and 500 < history["right"] < history["close"] < 2000


@pytest.mark.parametrize("bound, name", [(0.5, "right"), (0.05, "close")])
def test_history_knows_since_when_the_outputs_are_near(bound, name):
    def error_after(epochs, params):
        params, history = script.train(params, X, y, "sigmoid", "mse", epochs, 2, 0.9)
        cache = script.forward(params, X, "sigmoid")
        return np.abs(cache["a2"] - y).max(axis=(-2, -1)), history[name]

    first = start(5, settings("--scale", "1"))
    error, since = error_after(1500, first)
    solved = np.flatnonzero(error < 0.05)
    assert len(solved) >= 3
    for t in solved:
        assert error_after(since[t], one(first, t))[0] < bound
        assert error_after(since[t] - 1, one(first, t))[0] >= bound


def test_history_keeps_the_losses_of_about_500_epochs():
    first = start(3, settings())
    for epochs, every in ((20, 1), (999, 1), (1000, 2), (1500, 3)):
        _, history = script.train(first, X, y, "sigmoid", "mse", epochs, 2.0, 0.9)
        assert history["epoch"] == list(range(1, epochs + 1, every))
        assert np.shape(history["loss"]) == (len(history["epoch"]), 3)
    before = script.loss(script.forward(first, X, "sigmoid"), y, "mse")
    np.testing.assert_array_equal(history["loss"][0], before)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("activation, floor", [("sigmoid", 145), ("tanh", 140)])
def test_four_hidden_units_hardly_ever_get_stuck(seed, activation, floor):
    found = learn(
        150, "--seed", str(seed), "--hidden", "4", "--signed", "--scale", "1",
        "--activation", activation, "--epochs", "400",
    )  # fmt: skip
    assert (found["error"] < 0.5).sum() >= floor


def test_progress_and_verdict_speak_of_the_same_networks(capsys):
    args = settings("--scale", "1", "--epochs", "600")
    first = start(40, args)
    found = script.train_and_judge(first, X, y, "sigmoid", 600, args, show=True)
    progress = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [int(words[0]) for words in progress] == [1, *range(60, 601, 60)]
    script.train_and_judge(first, X, y, "sigmoid", 5, args, show=True)
    assert len(capsys.readouterr().out.splitlines()) == 5
    loss = script.loss(script.forward(first, X, "sigmoid"), y, "mse")
    assert progress[0][1] == f"{loss[0]:.5f}"
    metrics, solved = script.report_networks(found, "mse"), found["error"] < 0.5
    assert f"{solved.sum()} of 40 solve XOR" in capsys.readouterr().out
    assert metrics["success_rate"] == solved.mean() and metrics["trials"] == 40
    assert metrics["max_error"] == found["error"][0]
    lost = sum(kind["networks"] for kind in metrics["stuck"].values())
    assert lost == (~solved).sum()


def test_none_solved_is_reported_too(capsys):
    found = learn(10, "--hidden", "1", "--epochs", "20")
    metrics = script.report_networks(found, "mse")
    assert "0 of 10 solve XOR: 0.0%" in capsys.readouterr().out
    assert metrics["success_rate"] == 0 and metrics["median_epochs"] is None
    assert metrics["epochs_to_converge"] is None


def test_divergence_names_the_epoch_and_the_cure(tmp_path, capsys):
    flags = ["--activation", "relu", "--loss", "bce", "--lr", "1e6", "--momentum",
             "0.999", "--scale", "100", "--trials", "10", "--no-show"]  # fmt: skip
    assert script.main([*flags, "--out", str(tmp_path)]) == 1
    message = capsys.readouterr().err
    assert re.search(r"diverged in epoch \d+; try a smaller --lr\n$", message)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "flags",
    [
        "--hidden 0", "--hidden 2.5", "--scale -1", "--scale nan", "--momentum 1",
        "--momentum -0.1", "--trials 9", "--trials 1e3", "--activation gelu",
        "--loss mae", "--init he", "--lr 0",
    ],
)  # fmt: skip
def test_bad_settings_are_one_sentence(flags, tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        script.main([*flags.split(), "--out", str(tmp_path / "o")])
    captured = capsys.readouterr()
    assert stopped.value.code == 2 and captured.out == ""
    assert captured.err.count("\n") == 1 and flags.split()[0] in captured.err
    assert not (tmp_path / "o").exists()


def rows_of_the_table():
    """Yield flags, published range, rate, interval and median of each README row."""
    text = (ROOT / "02_xor_mlp/README.md").read_text(encoding="utf-8")
    cell = r"\| *([^|]*?) *"
    pattern = rf"^\| `([^`|]*)` {cell}{cell}{cell}{cell}\|$"
    return re.findall(pattern, text, flags=re.M)


@pytest.mark.slow
def test_the_table_of_success_rates():
    rows = rows_of_the_table()
    assert len(rows) >= 10
    for flags, published, rate, interval, median in rows:
        won = learn(1000, *flags.split())
        solved = won["error"] < 0.5
        truth = script.wilson(solved)
        assert float(rate) == pytest.approx(100 * truth["rate"], abs=0.101), flags
        low, high = (float(number) for number in interval.split(" to "))
        assert low == pytest.approx(100 * truth["low"], abs=0.16), flags
        assert high == pytest.approx(100 * truth["high"], abs=0.16), flags
        assert low <= float(published.split()[0]) <= high, flags
        steps = np.median(won["history"]["right"][solved])
        assert steps == pytest.approx(float(median), abs=2), flags


@pytest.mark.slow
def test_rumelharts_setting_and_its_time():
    before = time.process_time()
    found = learn(1000)
    assert time.process_time() - before < 5
    assert script.wilson(found["error"] < 0.5)["rate"] >= 0.96
