"""08: seven derivatives, deep gradients and dead ReLUs against theory, scikit-learn."""

import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import GradientCase, load

script = load("08_activation_function_analysis")
FAILS = [["--lr", "3"]]  # as the README says
QUICK = ["--epochs", "6", "--seeds", "2", "--depth", "2"]
TIMINGS = []
INTERRUPT_AT = 17  # the first 14 calls measure gradients


def settings(**changes):
    return SimpleNamespace(
        **{"epochs": 100, "seeds": 4, "lr": None, "noise": 0.15, "depth": 30}
        | {"stopped": False}
        | changes
    )


@pytest.fixture(autouse=True)
def as_in_a_run():
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        yield


def tf_phi(tf, name, z):
    if name == "gelu":  # TensorFlow's own rounds its constants to float32
        return z * (1 + tf.tanh(np.sqrt(2 / np.pi) * (z + 0.044715 * z**3))) / 2
    if name == "leaky_relu":
        return tf.where(z > 0, z, 0.01 * z)
    return getattr(tf.nn, name)(z)


def gradient_cases():
    for seed, name in enumerate(script.PHI):
        rng = np.random.default_rng(seed)
        sizes, N = [3, 6, 5, 2], 7
        X, y = rng.normal(size=(N, 3)), rng.integers(2, size=(N, 2)).astype(float)
        params = script.init_params(sizes, "He", rng)
        params |= {k: rng.normal(size=v.shape) for k, v in params.items() if "b" in k}

        def tf_loss(tf, p, name=name, X=X, y=y):
            a = tf.constant(X)
            for k in (1, 2):
                a = tf_phi(tf, name, a @ p[f"W{k}"] + p[f"b{k}"])
            z = a @ p["W3"] + p["b3"]
            costs = tf.nn.sigmoid_cross_entropy_with_logits(y, z)
            return tf.reduce_sum(costs) / len(y)

        yield GradientCase(
            name,
            (N, *sizes),
            params,
            forward=lambda p, name=name, X=X: script.forward(p, X, name),
            loss=lambda c, y=y: script.loss(c, y),
            backward=lambda p, c, name=name, y=y: script.backward(p, c, y, name),
            tf_loss=tf_loss,
            kinks=(lambda c: [c["z1"], c["z2"]]) if "relu" in name else (lambda c: []),
        )


EVERY = pytest.mark.parametrize("name", script.PHI)


@EVERY
def test_each_derivative_is_the_slope_of_its_function(name):
    phi, derivative, _ = script.PHI[name]
    z = np.linspace(-6, 6, 1000)  # 0 is not among them
    slopes = (phi(z + 1e-6) - phi(z - 1e-6)) / 2e-6
    np.testing.assert_allclose(derivative(z, phi(z)), slopes, atol=1e-8)
    assert derivative(z, phi(z)).dtype == float


def test_an_undecided_network_answers_class_0():
    cache = {"a0": None, "z1": np.array([[0.0], [1e-9]]), "a1": None}
    assert script.accuracy_of(cache, np.array([[0.0], [1.0]])) == 1
    assert script.accuracy_of(cache, np.array([[1.0], [0.0]])) == 0


def test_known_values():
    from scipy.special import expit, ndtr

    z = np.linspace(-6, 6, 101)
    values = {name: phi(z) for name, (phi, _, _) in script.PHI.items()}
    np.testing.assert_allclose(values["sigmoid"], expit(z), atol=1e-15)
    np.testing.assert_allclose(values["silu"], z * expit(z), atol=1e-15)
    np.testing.assert_allclose(values["gelu"], z * ndtr(z), atol=5e-4)
    np.testing.assert_allclose(values["elu"], np.where(z > 0, z, np.exp(z) - 1))
    np.testing.assert_allclose(values["leaky_relu"], np.where(z > 0, z, z / 100))
    at_0 = {
        n: d(np.zeros(1), phi(np.zeros(1)))[0] for n, (phi, d, _) in script.PHI.items()
    }
    assert at_0 == pytest.approx(
        {
            "sigmoid": 0.25,
            "tanh": 1,
            "relu": 0,
            "leaky_relu": 0.01,
            "elu": 1,
            "gelu": 0.5,
        }
        | {"silu": 0.5}
    )


@pytest.mark.parametrize(
    "name, theirs", [("sigmoid", "logistic"), ("tanh", "tanh"), ("relu", "relu")]
)
def test_same_descent_step_for_step_as_scikit_learn(name, theirs, capsys):
    from sklearn.neural_network import MLPClassifier

    rng = np.random.default_rng(3)
    data = script.make_data(1, 40, 0.2, rng)
    X, y = data["training"][0][0], data["training"][1][0, :, 0]
    rate = {"learning_rate_init": 0.3, "learning_rate": "constant", "batch_size": 40}
    oracle = MLPClassifier((5, 4), theirs, solver="sgd", alpha=0, momentum=0.9, **rate)
    oracle.set_params(nesterovs_momentum=False, shuffle=False, max_iter=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one step has not converged
        oracle.partial_fit(X, y, classes=[0, 1])
    params = {f"W{k}": W[None].copy() for k, W in enumerate(oracle.coefs_, 1)}
    params |= {f"b{k}": b[None].copy() for k, b in enumerate(oracle.intercepts_, 1)}
    oracle._optimizer.velocities = [
        np.zeros_like(v) for v in oracle._optimizer.velocities
    ]
    for _ in range(6):
        oracle.partial_fit(X, y)
    trained, history = script.train(
        params, data, name, np.array([0.3]), settings(epochs=6)
    )
    for k in (1, 2, 3):
        np.testing.assert_allclose(
            trained[f"W{k}"][0, 0], oracle.coefs_[k - 1], rtol=1e-9
        )
        np.testing.assert_allclose(trained[f"b{k}"][0, 0], oracle.intercepts_[k - 1])
    assert history["loss"][-1, 0, 0] == pytest.approx(oracle.loss_, rel=1e-9)


def test_many_networks_and_rates_at_once_are_each_as_if_alone(rng, capsys):
    data = script.make_data(3, 20, 0.1, rng)
    start = script.init_params([2, 5, 4, 1], "He", rng, (3,))
    rates = np.array([0.03, 0.2])
    together, history = script.train(start, data, "elu", rates, settings(epochs=7))
    alone = {k: v[1:2] for k, v in start.items()}
    part = {key: (X[1:2], y[1:2]) for key, (X, y) in data.items()}
    single, own = script.train(alone, part, "elu", rates[1:], settings(epochs=7))
    for k in single:
        np.testing.assert_allclose(together[k][1, 1], single[k][0, 0], rtol=1e-12)
    for key in ("loss", "accuracy"):
        np.testing.assert_allclose(history[key][:, 1, 1], own[key][:, 0, 0], rtol=1e-12)
    X, y = data["validation"]
    cache = script.forward(together, X, "elu")
    hits = np.mean((cache["a3"] > 0.5) == (y == 1), axis=(-2, -1))
    np.testing.assert_array_equal(history["accuracy"][-1], hits)
    assert history["loss"].shape == (7, 2, 3)


def test_start_has_the_variance_of_glorot_and_of_he(rng):
    for start, n_in, variance in (("Xavier", 300, 2 / 500), ("He", 300, 2 / 300)):
        params = script.init_params([n_in, 200], start, rng, (3,))
        assert params["W1"].shape == (3, 300, 200) and not params["b1"].any()
        assert params["W1"].var() == pytest.approx(variance, rel=0.02)
        assert script.GAIN[start] == {"Xavier": 1, "He": 2}[start]


def test_data_are_two_centred_moons_of_each_network(rng):
    data = script.make_data(3, 50, 0.0, rng)
    assert data["training"][0].shape == data["validation"][0].shape == (3, 50, 2)
    assert data["test"][1].shape == (3, 1000, 1)
    X, y = data["test"]
    np.testing.assert_allclose(X.mean(axis=(0, 1)), 0, atol=0.01)
    assert not np.array_equal(X[0], X[1])
    upper = X[0][y[0, :, 0] == 0] + [0.5, 0.25]
    np.testing.assert_allclose(np.linalg.norm(upper, axis=1), 1)  # a half circle


def test_slope_factors_against_sampling_and_closed_forms(rng):
    X = 1.3 * rng.normal(size=(2, 50))
    for name, (phi, derivative, _) in script.PHI.items():
        for start, gain in (("Xavier", 1), ("He", 2)):
            chi = script.slope_factors(3, start, name, X)
            q, z = gain * np.mean(X**2, axis=1), rng.normal(size=(50_000, 1))
            for layer in range(3):
                a = phi(np.sqrt(q) * z)
                sampled = gain * np.mean(derivative(np.sqrt(q) * z, a) ** 2, axis=0)
                np.testing.assert_allclose(chi[layer], sampled, rtol=0.05)
                q = gain * np.mean(a**2, axis=0)
    np.testing.assert_allclose(script.slope_factors(9, "He", "relu", X), 1, rtol=1e-12)
    np.testing.assert_allclose(script.slope_factors(9, "Xavier", "relu", X), 0.5)


def test_gradients_by_layer_follow_theory(rng):
    found = script.measure_gradients(8, rng, n=200, networks=10)
    for (name, start), (measured, theory) in found.items():
        assert measured.shape == theory.shape == (8,)
        np.testing.assert_allclose(
            measured, theory, rtol=0.35, err_msg=f"{name} {start}"
        )
    measured, theory = found["relu", "He"]
    np.testing.assert_allclose(theory, 1)
    np.testing.assert_allclose(
        found["relu", "Xavier"][1], 0.5 ** (np.arange(8, 0, -1) / 2)
    )
    assert found["sigmoid", "Xavier"][0][0] < 1e-4


def test_chance_of_dead_units_and_networks(rng):
    X = rng.normal(size=(30, 2))
    births = script.count_births(X, 12, rng)
    for key, tolerance in (("units", 0.08), ("networks", 0.05)):
        np.testing.assert_allclose(births[key], births[f"{key}_theory"], atol=tolerance)
    assert (
        births["units"][0] == births["units_theory"][0] == 0
    )  # X surrounds the origin
    np.testing.assert_allclose(births["networks_theory"][:2], [1 / 8, 15 / 64])
    # Two inputs: both off with chance (pi - angle) / (2 pi), the share of a half plane.
    pair = np.array([[2.0, 0.0], [1.0, np.sqrt(3.0)]])  # 60 degrees apart
    assert script.count_births(pair, 1, rng)["units_theory"][0] == pytest.approx(
        1 / 3, abs=0.02
    )
    opposite = script.count_births(np.array([[1.0, 0.0], [-3.0, 0.0]]), 3, rng)
    c = 1 / np.pi  # the arc-cosine kernel of a right angle, which opposite inputs have
    np.testing.assert_allclose(
        opposite["units_theory"],
        [0, 1 / 4, 1 / 4 + np.arcsin(c) / (2 * np.pi)],
        atol=0.02,
    )


def test_rounding_beyond_opposite_examples_does_no_harm(rng):
    X = rng.normal(size=(50, 2))
    X = np.vstack([X, -2 * X])  # some products round to less than -1
    chances = script.count_births(X, 2, rng)["units_theory"]
    assert chances[0] == 0 < chances[1]


def test_chance_of_a_dead_unit_is_the_share_of_draws_off_on_every_example(rng):
    z, calls = np.array([[0.0, -1.0], [1, 2], [-1, -2], [1, -1]]), []

    def draw(mean, C, size, *args, **kwargs):
        calls.append((mean.tolist(), C.shape, size))
        return z

    fake = SimpleNamespace(normal=rng.normal, multivariate_normal=draw)
    births = script.count_births(np.array([[1.0, 0.0], [0.0, 2.0]]), 1, fake)
    assert births["units_theory"] == [0.5] and calls == [([0, 0], (2, 2), 10_000)]


def test_dead_share_counts_units_flat_on_every_example():
    z = np.array([[-1.0, -1.0, 3.0], [-2.0, 4.0, 5.0]])
    cache = {"a0": None, "z1": z, "a1": np.maximum(z, 0), "z2": None, "a2": None}
    np.testing.assert_allclose(script.dead_share(cache, "relu"), [1 / 3])
    np.testing.assert_allclose(script.dead_share(cache, "leaky_relu"), [0])
    cache |= {"z1": 10 * z, "a1": np.tanh(10 * z)}
    np.testing.assert_allclose(script.dead_share(cache, "tanh"), [1])


def test_dead_means_no_slope_of_a_thousandth(monkeypatch):
    monkeypatch.setitem(script.PHI, "tanh", (None, lambda z, a: a, None))  # slope = a
    a = np.array([[0.0009, -0.001, 0.0, 0.0011], [-0.0009, 0, 0.0015, 0]])
    cache = {"a0": None, "z1": a, "a1": a, "z2": None, "a2": None}
    assert script.dead_share(cache, "tanh") == [1 / 4]


@pytest.mark.parametrize("name", ["tanh", "relu", "leaky_relu", "elu", "gelu", "silu"])
def test_every_activation_but_sigmoid_learns_the_moons(name, capsys):
    for seed in (1, 2):
        rng = np.random.default_rng(seed)
        data = script.make_data(4, 100, 0.15, rng)
        row, history = script.try_rates(name, data, settings(epochs=60), rng)
        assert row["accuracy_mean"] > 0.96 and row["epochs_to_95"] < 50
        assert 0.1 < row["lr"] < 10  # the best rate is not at the end of the list
        assert history["loss"][-1].mean() < 0.1 * history["loss"][0].mean()


def test_comparison_chooses_on_validation_and_reads_the_test(rng, capsys):
    data = script.make_data(3, 30, 0.15, rng)
    data["test"] = (data["test"][0], 1 - data["test"][1])  # every answer is wrong
    row, history = script.try_rates(
        "tanh", data, settings(epochs=30, lr=0.3, seeds=3), rng
    )
    assert row["accuracy_mean"] < 0.2 and row["lr"] == 0.3
    first = np.argmax(history["accuracy"] >= 0.95, axis=0) + 1.0
    reached = (history["accuracy"] >= 0.95).any(axis=0)
    median = np.median(np.where(reached, first, np.inf))
    assert row["epochs_to_95"] == (median if np.isfinite(median) else None)


def test_comparison_takes_the_rate_with_the_best_mean_validation_accuracy(capsys):
    data = script.make_data(3, 30, 0.15, np.random.default_rng(4))
    args = settings(epochs=20, seeds=3)
    row, kept = script.try_rates("relu", data, args, np.random.default_rng(5))
    start = script.init_params([2, 16, 16, 1], "He", np.random.default_rng(5), (3,))
    rates = np.array([0.1, 0.3, 1.0, 3.0, 10.0])
    params, history = script.train(start, data, "relu", rates, args)
    best = int(np.argmax(history["accuracy"].mean(axis=2).mean(axis=0)))
    assert row["lr"] == rates[best] and best > 0
    np.testing.assert_array_equal(kept["loss"], history["loss"][:, best])
    cache = script.forward(
        {k: v[best] for k, v in params.items()}, data["test"][0], "relu"
    )
    right = np.mean((cache["a3"] > 0.5) == data["test"][1], axis=(1, 2))
    assert row["accuracy_mean"] == pytest.approx(right.mean())
    assert row["accuracy_sd"] == pytest.approx(right.std(ddof=1))
    cache = script.forward(
        {k: v[best] for k, v in params.items()}, data["training"][0], "relu"
    )
    dead = [np.all(cache[f"a{k}"] == 0, axis=-2).mean() for k in (1, 2)]
    assert row["dead_fraction"] == pytest.approx(np.mean(dead))


class Stop(Exception):
    pass


def record(monkeypatch, name, result=None):
    """Replace a function of the script; return the list of its positional arguments."""
    calls = []

    def fake(*args, **kwargs):
        calls.append(args)
        if result is None:
            raise Stop
        return result(*args, **kwargs)

    monkeypatch.setattr(script, name, fake)
    return calls


def test_epochs_to_95_are_the_median_first_epoch_at_or_above_it(rng, monkeypatch):
    accuracy = np.array([[0.5, 0.9, 0.2], [0.95, 0.9, 0.3], [0.6, 0.99, 0.94]])[:, None]
    start = script.init_params([2, 16, 16, 1], "He", rng, (1, 3))
    history = {"loss": np.ones((3, 1, 3)), "accuracy": accuracy}
    calls = record(monkeypatch, "train", lambda *args: (start, history))
    data = script.make_data(3, 9, 0.1, rng)
    row, _ = script.try_rates("relu", data, settings(seeds=3), rng)
    assert row["epochs_to_95"] == 3  # of 2, 3 and never
    assert calls[0][3].tolist() == [0.1, 0.3, 1, 3, 10]
    history["accuracy"] = accuracy - 0.06
    assert script.try_rates("relu", data, settings(), rng)[0]["epochs_to_95"] is None


def test_what_is_trained_and_measured_has_the_stated_sizes(rng, monkeypatch, capsys):
    honest = script.init_params
    inits = record(monkeypatch, "init_params", honest)
    record(monkeypatch, "train")
    made = record(monkeypatch, "make_data", script.make_data)
    with pytest.raises(Stop):
        script.try_rates("tanh", None, settings(seeds=7), rng)
    with pytest.raises(Stop):
        script.deepest_learnt("tanh", "He", settings(), rng)
    with pytest.raises(Stop):
        script.watch_saturation("tanh", 0.3, None, settings(seeds=6), rng)
    assert [(call[0], call[-1]) for call in inits] == [
        ([2, 16, 16, 1], (7,)),
        ([2, 16, 1], (2,)),
        ([2, 32, 32, 32, 32, 32, 1], (6,)),
    ]
    assert inits[1][1] == "He" and made[0][:3] == (2, 60, 0.15)
    inits.clear()
    forwards = record(monkeypatch, "forward")
    with pytest.raises(Stop):
        script.measure_gradients(3, rng)
    assert inits[0][0] == [100] * 5 and inits[0][-1] == (12,)
    assert forwards[0][1].shape == (12, 1, 100)
    inits.clear()
    with pytest.raises(Stop):
        script.count_births(rng.normal(size=(5, 2)), 2, rng)
    assert [(call[0], call[-1]) for call in inits] == [
        ([2, 100, 100, 1], (5,)),
        ([2, 3, 3, 1], (2000,)),
    ]
    assert forwards[1][1].shape == (1, 2)  # networks die for one input


def test_depth_grows_while_92_percent_are_right(rng, monkeypatch):
    for last, expected in ((0.92, [1, 2, 4, 8, 16, 30]), (0.919, [1])):
        hits = np.array([[[0.1, 0.2]], [[last, last]]])
        answer = (None, {"accuracy": hits})
        goals = []
        calls = record(
            monkeypatch,
            "train",
            lambda *args, goal, answer=answer, goals=goals: (
                goals.append(goal) or answer
            ),
        )
        deepest = script.deepest_learnt("relu", "He", settings(), rng)
        assert [len(call[0]) // 2 - 1 for call in calls] == expected
        assert deepest == (30 if last == 0.92 else 0)
        assert calls[0][3].tolist() == [0.01, 0.1, 1.0] and set(goals) == {0.92}
    calls = record(monkeypatch, "train", lambda *args, answer=answer, goal: answer)
    script.deepest_learnt("relu", "He", settings(depth=2), rng)
    hits[:] = 1
    calls.clear()
    assert script.deepest_learnt("relu", "He", settings(depth=4), rng) == 4
    assert [len(call[0]) // 2 - 1 for call in calls] == [1, 2, 4]


def test_a_deep_sigmoid_learns_nothing_where_tanh_and_relu_do(rng, capsys):
    args = settings(depth=8)
    assert script.deepest_learnt("sigmoid", "Xavier", args, rng) <= 3
    assert script.deepest_learnt("tanh", "He", args, rng) == 8
    assert script.deepest_learnt("relu", "He", args, rng) >= 5
    args = settings(depth=1, epochs=1)
    assert script.deepest_learnt("sigmoid", "Xavier", args, rng) == 0


def test_training_ends_at_its_goal(rng, capsys):
    data = script.make_data(3, 60, 0.15, rng)
    start = script.init_params([2, 16, 1], "He", rng, (3,))
    _, history = script.train(
        start, data, "relu", np.array([1.0]), settings(), goal=0.9
    )
    best = history["accuracy"].mean(axis=2).max(axis=1)
    assert best[-1] >= 0.9 and (best[:-1] < 0.9).all() and len(best) < 100


def test_the_top_sigmoid_layer_saturates_as_glorot_and_bengio_saw(capsys):
    rng = np.random.default_rng(0)
    data = script.make_data(4, 100, 0.15, rng)
    cost, shares = script.watch_saturation(
        "sigmoid", 3.0, data, settings(epochs=40), rng
    )
    assert shares.shape == (40, 5) and cost.shape == (40,)
    assert shares[0].max() == 0 and shares[-1, -1] > 0.95 and shares[-1, 0] < 0.1
    assert cost[-1] == pytest.approx(np.log(2), abs=0.05)


def test_saturated_means_a_slope_below_a_tenth_of_the_steepest(rng, monkeypatch):
    z = np.array([[0.0, 1.81, 1.83, -1.83]])  # 1 - tanh(1.8184)**2 = 0.1
    cache = {f"z{k}": z for k in range(1, 6)} | {
        f"a{k}": np.tanh(z) for k in range(1, 6)
    }
    seen = []

    def fake(*args, watch):
        seen.append(watch(cache))
        return None, {"loss": np.zeros((2, 1, 3)), "watch": np.array(seen)}

    monkeypatch.setattr(script, "train", fake)
    script.watch_saturation("tanh", 0.1, None, settings(), rng)
    np.testing.assert_allclose(seen[0], 0.5)
    phi = (lambda z: z + 2, lambda z, a: z + a, None)  # the slope at 0 is 2
    monkeypatch.setitem(script.PHI, "tanh", phi)
    for k in range(1, 6):
        cache |= {f"z{k}": np.zeros(4), f"a{k}": np.array([0.1, 0.19, 0.2, 0.21])}
    script.watch_saturation("tanh", 0.1, None, settings(), rng)
    np.testing.assert_allclose(seen[1], 0.5)


@pytest.mark.parametrize(
    "flags",
    [
        ["--seeds", "1"],
        ["--noise", "-1"],
        ["--depth", "1"],
        ["--depth", "x"],
        ["--lr", "0"],
    ],
    ids=" ".join,
)
def test_bad_flags_are_one_sentence(flags, capsys):
    with pytest.raises(SystemExit) as stopped:
        script.parse_args(flags)
    assert stopped.value.code == 2 and capsys.readouterr().err.count("\n") == 1


def test_divergence_is_explained(tmp_path, capsys):
    flags = ["--lr", "1e9", "--epochs", "400", "--depth", "2", "--out", str(tmp_path)]
    assert script.main([*flags, "--seeds", "2"]) == 1
    error = capsys.readouterr().err
    assert "epoch" in error and "--lr" in error and error.count("\n") == 1


def test_one_diverging_rate_of_several_does_not_stop_the_others(rng, capsys):
    data = script.make_data(2, 20, 0.1, rng)
    start = script.init_params([2, 4, 1], "He", rng, (2,))
    with np.errstate(all="ignore"):
        _, history = script.train(
            start, data, "elu", np.array([0.1, 1e200]), settings(epochs=9)
        )
    assert np.isfinite(history["loss"][:, 0]).all() and len(history["loss"]) == 9


def test_ctrl_c_cuts_every_later_training_short(rng, monkeypatch, capsys):
    data, honest, calls = script.make_data(2, 20, 0.1, rng), script.backward, []

    def interrupted(*args):
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return honest(*args)

    monkeypatch.setattr(script, "backward", interrupted)
    start, args = script.init_params([2, 4, 1], "He", rng, (2,)), settings(epochs=9)
    lengths = [
        len(script.train(start, data, "relu", np.array([0.1]), args)[1]["loss"])
        for _ in range(2)
    ]
    assert lengths == [3, 1] and capsys.readouterr().out.count("Ctrl-C") == 1
    calls.clear()
    calls.extend([1, 1, 1])
    with pytest.raises(KeyboardInterrupt):  # nothing learnt yet
        script.train(start, data, "relu", np.array([0.1]), settings())
