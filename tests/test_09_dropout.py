"""09: masks and their scale, the ridge theorem, the ensemble, and a fair comparison."""

import numpy as np
import pytest
from conftest import GradientCase, load, numerical_gradient, relative_error

script = load("09_dropout_regularization")
QUICK = ["--epochs", "6", "--seeds", "2", "--hidden", "16", "12", "--train-size", "50"]
TIMINGS = []


def small(rng, runs=(), N=7, D=3, H1=5, H2=4, K=6):
    """Return params, X, one-hot y and masks of a small network, in float64."""
    sizes = {"W1": (D, H1), "b1": (H1,), "W2": (H1, H2), "b2": (H2,)}
    sizes |= {"W3": (H2, K), "b3": (K,)}
    params = {k: rng.normal(size=(*runs, *shape)) for k, shape in sizes.items()}
    X, y = rng.normal(size=(N, D)), np.eye(K)[rng.integers(0, K, N)]
    masks = script.draw_masks(0.4, [(*runs, N, H1), (*runs, N, H2)], rng)
    return params, X, y, [np.float64(mask) for mask in masks]


def gradient_cases():
    for name in ("masks", "evaluation"):
        params, X, y, masks = small(np.random.default_rng(5))
        masks = masks if name == "masks" else None

        def tf_loss(tf, p, X=X, y=y, masks=masks):
            a = tf.constant(X)
            for k in (1, 2):
                a = tf.nn.relu(a @ p[f"W{k}"] + p[f"b{k}"])
                a = a if masks is None else a * masks[k - 1]
            z = a @ p["W3"] + p["b3"]
            return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(y, z))

        yield GradientCase(
            name,
            (7, 3, 5, 4, 6),
            params,
            forward=lambda p, X=X, m=masks: script.forward(p, X, m),
            loss=lambda c, y=y: script.loss(c, y),
            backward=lambda p, c, y=y: script.backward(p, c, y),
            tf_loss=tf_loss,
            kinks=lambda c: [c["z1"], c["z2"]],
        )


def test_a_batch_of_runs_is_each_run_alone(rng):
    params, X, y, masks = small(rng, (2,))
    cache = script.forward(params, X, masks)
    losses, grads = script.loss(cache, y), script.backward(params, cache, y)
    for s in range(2):
        one = {k: v[s] for k, v in params.items()}
        alone = script.forward(one, X, [mask[s] for mask in masks])
        assert losses[s] == pytest.approx(script.loss(alone, y), rel=1e-13)
        for k, grad in script.backward(one, alone, y).items():
            np.testing.assert_allclose(grads[k][s], grad, atol=1e-13)
        numerical = numerical_gradient(
            lambda p, s=s: script.loss(script.forward(p, X, [m[s] for m in masks]), y),
            one,
        )
        assert all(relative_error(grads[k][s], numerical[k]) < 1e-7 for k in one)


# Masks


@pytest.mark.parametrize("drop", [0.0, 0.2, 0.5, 0.8])
def test_a_mask_holds_two_values_and_its_mean_is_one(drop, rng):
    a, b = script.draw_masks(drop, [(400, 500), (2, 3)], rng)
    assert a.shape == (400, 500) and b.shape == (2, 3) and a.dtype == np.float32
    expected = {1.0} if drop == 0 else {0.0, 1 / (1 - drop)}
    np.testing.assert_allclose(sorted(set(a.ravel().tolist())), sorted(expected))
    assert drop * 0 + (1 - drop) * a.max() == pytest.approx(1)  # exactly E[mask]
    assert np.mean(a == 0) == pytest.approx(drop, abs=0.005)
    assert a.mean() == pytest.approx(1, abs=0.02)


def test_the_masks_of_all_rates_come_from_the_same_random_numbers():
    low, high = (
        script.draw_masks(q, [(50, 60)], np.random.default_rng(1))[0]
        for q in (0.2, 0.6)
    )
    assert np.all((low > 0) >= (high > 0))


def test_a_unit_that_is_off_passes_nothing_on_and_gets_no_gradient(rng):
    params, X, y, (m1, m2) = small(rng)
    m1[:, 2], m2[:, 1] = 0, 0
    cache = script.forward(params, X, (m1, m2))
    grads = script.backward(params, cache, y)
    assert not cache["a1"][:, 2].any() and not cache["a2"][:, 1].any()
    assert not grads["W1"][:, 2].any() and not grads["W2"][2].any()
    assert not grads["W2"][:, 1].any() and not grads["W3"][1].any()


def test_evaluation_is_deterministic_and_without_scale(rng):
    params, X, _, _ = small(rng)
    first, second = script.forward(params, X), script.forward(params, X)
    np.testing.assert_array_equal(first["a3"], second["a3"])
    a1 = np.maximum(0, X @ params["W1"] + params["b1"])
    np.testing.assert_array_equal(first["a1"], a1)
    a2 = np.maximum(0, a1 @ params["W2"] + params["b2"])
    np.testing.assert_array_equal(first["a2"], a2)
    ones = [np.ones_like(a1), np.ones_like(a2)]
    np.testing.assert_array_equal(script.forward(params, X, ones)["a3"], first["a3"])


def test_a_unit_at_zero_has_slope_zero(rng):
    for layer in "12":
        params, X, y, masks = small(rng)
        params[f"W{layer}"][:], params[f"b{layer}"][:] = 0, 0
        grads = script.backward(params, script.forward(params, X, masks), y)
        assert not grads[f"W{layer}"].any() and not grads[f"b{layer}"].any()


def test_rate_zero_never_switches_a_unit_off():
    class Zeros:
        def random(self, shape, dtype):
            return np.zeros(shape, dtype)

    np.testing.assert_array_equal(script.draw_masks(0.0, [(2, 3)], Zeros())[0], 1.0)


def test_accuracies_keep_all_leading_axes():
    y = np.eye(3)[[0, 1, 2, 2]]
    a = np.stack([[y, y[::-1]], [y[[0, 1, 1, 1]], y[[1, 1, 1, 1]]]])  # (2, 2, 4, 3)
    np.testing.assert_array_equal(script.accuracies(a, y), [[1, 0], [0.5, 0.25]])


# Theory


@pytest.mark.parametrize("drop", [0.0, 0.1, 0.5, 0.9])
def test_expected_loss_of_a_linear_model_is_a_ridge_penalty(drop, rng):
    X, y, beta = rng.normal(size=(20, 6)), rng.normal(size=20), rng.normal(size=6)
    exact, formula, sampled, error = script.expected_loss(X, y, beta, drop, rng)
    assert exact == pytest.approx(formula, rel=1e-13)
    penalty = sum((X[:, j] @ X[:, j]) * beta[j] ** 2 for j in range(6))
    plain = np.sum((y - X @ beta) ** 2)
    assert formula == pytest.approx(plain + drop / (1 - drop) * penalty, rel=1e-13)
    assert abs(sampled - exact) <= 4 * error + 1e-4 * exact


def test_ridge_regression_minimises_the_expected_dropout_loss(rng):
    from sklearn.linear_model import Ridge

    X, y, drop = rng.normal(size=(20, 6)), rng.normal(size=20), 0.3
    norms = np.linalg.norm(X, axis=0)
    ridge = Ridge(alpha=drop / (1 - drop), fit_intercept=False).fit(X / norms, y)
    beta = ridge.coef_ / norms
    least = script.expected_loss(X, y, beta, drop, rng)[0]
    for step in 0.05 * rng.normal(size=(5, 6)):
        assert script.expected_loss(X, y, beta + step, drop, rng)[0] > least


def test_mean_and_standard_error():
    assert script.mean_and_error(np.array([1.0, 2.0, 6.0])) == pytest.approx(
        (3.0, np.sqrt(7 / 3))
    )


def test_a_thinned_network_is_the_network_without_those_units(rng):
    params, X, _, _ = small(rng, (2,))
    votes = script.thin_out(params, X, 0.5, 3, np.random.default_rng(4))
    assert votes.shape == (3, 2, 7, 6)
    again = np.random.default_rng(4)
    for vote in votes:
        m1, m2 = script.draw_masks(0.5, [(2, 1, 5), (2, 1, 4)], again)
        for s in range(2):
            on1, on2 = m1[s, 0] > 0, m2[s, 0] > 0
            a = 2 * np.maximum(0, X @ params["W1"][s] + params["b1"][s])[:, on1]
            z2 = a @ params["W2"][s][on1] + params["b2"][s]
            a = 2 * np.maximum(0, z2)[:, on2]
            z = a @ params["W3"][s][on2] + params["b3"][s]
            np.testing.assert_allclose(vote[s], np.exp(script.log_softmax(z)), 1e-10)


# Training and evaluation


def test_a_step_is_momentum_on_gradient_and_decay_under_fresh_masks(rng):
    params, X, y, _ = small(rng, (2,))
    X, y = np.stack([X, X]), np.stack([y, y])
    rate = {"drop": 0.4, "l2": 0.3, "lr": 0.05}
    first, again, p = np.random.default_rng(2), np.random.default_rng(2), params
    end, path = script.train(params, X, y, epochs=3, rng=first, **rate)
    velocity = dict.fromkeys(params, 0.0)
    for _ in range(3):
        masks = script.draw_masks(0.4, [(2, 7, 5), (2, 7, 4)], again)
        grads = script.backward(p, script.forward(p, X, masks), y)
        for k in p:
            grad = grads[k] + (0.3 * p[k] if k[0] == "W" else 0)
            velocity[k] = 0.9 * velocity[k] - 0.05 * grad
        p = {k: p[k] + velocity[k] for k in p}
    for k in p:
        np.testing.assert_allclose(end[k], p[k], rtol=1e-12)
        np.testing.assert_array_equal(path[0][1][k], params[k])
        np.testing.assert_array_equal(path[-1][1][k], end[k])
    assert [epoch for epoch, _ in path] == [0, 3]
    for epochs, noted in ((12, [0, 5, 10, 12]), (10, [0, 5, 10])):
        path = script.train(params, X, y, epochs=epochs, rng=rng, **rate)[1]
        assert [epoch for epoch, _ in path] == noted


def test_training_without_dropout_draws_no_random_numbers(rng):
    params, X, y, _ = small(rng)
    script.train(params, X, y, 0.0, 0.0, 2, 0.1, None)


def test_keras_drops_and_scales_alike(tf, rng):
    x = np.ones((300, 400), np.float32)
    keras = tf.keras.layers.Dropout(0.4, seed=1)(x, training=True).numpy()
    (mask,) = script.draw_masks(0.4, [x.shape], rng)
    np.testing.assert_allclose(np.unique(keras), np.unique(mask), rtol=1e-6)
    assert keras.mean() == pytest.approx(mask.mean(), abs=0.02)


def test_follow_and_early_stopping_pick_per_run(rng):
    params, X, y, _ = small(rng, (2,))
    other = {k: v + 1.0 for k, v in params.items()}
    path = [(0, params), (5, other)]
    losses, scores = script.follow(path, X, y)
    for t, (_, p) in enumerate(path):
        cache = script.forward(p, X)
        np.testing.assert_allclose(losses[t], script.loss(cache, y))
        for s in range(2):
            right = sum(
                cache["a3"][s, n].argmax() == y[n].argmax() for n in range(len(y))
            )
            assert scores[t, s] == right / len(y)
    only = script.stop_early(path[:1], np.array([[0.5, 0.5]]))
    assert all(np.array_equal(only[k], params[k]) for k in params)
    kept = script.stop_early(path, np.array([[0.5, 0.5], [0.5, 0.6]]))
    for k in params:  # the earliest of equals for run 0, the better for run 1
        np.testing.assert_array_equal(kept[k][0], params[k][0])
        np.testing.assert_array_equal(kept[k][1], other[k][1])


def test_he_initialisation_and_zero_biases():
    params = script.init_params([64, 300, 200, 10], 3, np.random.default_rng(0))
    assert {k: v.shape for k, v in params.items()} == {
        "W1": (3, 64, 300), "b1": (3, 300), "W2": (3, 300, 200), "b2": (3, 200),
        "W3": (3, 200, 10), "b3": (3, 10),
    }  # fmt: skip
    for k, n_in in (("W1", 64), ("W2", 300), ("W3", 200)):
        assert params[k].std() == pytest.approx(np.sqrt(2 / n_in), rel=0.03)
        assert params[k].dtype == np.float32
    assert not any(params[k].any() for k in ("b1", "b2", "b3"))


def test_loss_is_exact_where_softmax_underflows():
    cache = {"z3": np.array([[0.0, 2000.0], [1.0, 1.0]])}
    assert script.loss(cache, np.eye(2)) == pytest.approx((2000 + np.log(2)) / 2)


def test_splits_share_no_image_and_small_training_sets_lie_in_large_ones():
    large = script.load_data(600, 3, np.random.default_rng(0))
    little = script.load_data(50, 3, np.random.default_rng(0))
    assert [large[k][0].shape for k in large] == [(3, 600, 64), (3, 298, 64), (898, 64)]
    np.testing.assert_array_equal(large["training"][0][:, :50], little["training"][0])
    np.testing.assert_array_equal(large["validation"][0], little["validation"][0])
    test = {x.tobytes() for x in large["test"][0]}
    for s in range(3):
        train, validation = (
            {x.tobytes() for x in large[k][0][s]} for k in ("training", "validation")
        )
        assert not train & validation and not (train | validation) & test
    assert not np.array_equal(large["training"][0][0], large["training"][0][1])
    assert large["test"][0].max() == 1 and np.all(large["test"][1].sum(axis=1) == 1)


def test_dropout_helps_by_three_standard_errors():
    """Other splits, weights and masks than those of the default run."""
    gains = []
    for seed in (1, 2):
        data = script.load_data(200, 5, np.random.default_rng([seed, 0]))
        test = []
        for drop in (0.0, 0.4):
            rng = np.random.default_rng(seed)
            params = script.init_params([64, 128, 128, 10], 5, rng)
            path = script.train(params, *data["training"], drop, 0.0, 100, 0.1, rng)[1]
            test.append(script.follow(path[-1:], *data["test"])[1, 0])
        assert min(test[0]) > 0.85
        gains.append(test[1] - test[0])
    mean, error = script.mean_and_error(np.concatenate(gains))
    assert mean > 3 * error


# Command line


@pytest.mark.parametrize(
    "flags",
    [
        ["--drop", "1"], ["--drop", "-0.1"], ["--drop", "nan"], ["--train-size", "5"],
        ["--train-size", "900"], ["--seeds", "1"], ["--hidden", "0", "5"],
        ["--hidden", "5"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_bad_flags(flags, tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        script.main([*flags, "--out", str(tmp_path / "o")])
    captured = capsys.readouterr()
    assert stopped.value.code == 2 and captured.err.count("\n") == 1
    assert flags[0] in captured.err and not (tmp_path / "o").exists()


def test_a_loss_of_a_thousand_million_has_diverged():
    script.stop_if_diverged(0.999e9, 1)
    for value in (1e9, -1e9, np.nan):
        with pytest.raises(FloatingPointError, match="epoch 1"):
            script.stop_if_diverged(value, 1)


def test_divergence_names_the_epoch_and_writes_nothing(tmp_path, capsys):
    flags = [*QUICK, "--lr", "1e6", "--out", str(tmp_path), "--no-show"]
    assert script.main(flags) == 1
    error = capsys.readouterr().err
    assert "epoch" in error and "--lr" in error and error.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("call, ends", [(4, [3, 3]), (9, [6, 2])])
def test_ctrl_c_leaves_a_fair_pair(call, ends, capsys, monkeypatch):
    """Interrupted in the first setting of 6 epochs, and in the second."""
    honest, calls = script.backward, []

    def interrupted(*args):
        calls.append(1)
        if len(calls) == call:
            raise KeyboardInterrupt
        return honest(*args)

    monkeypatch.setattr(script, "backward", interrupted)
    results = script.train_all(script.parse_args(QUICK))
    assert [s[1:] for s in results] == [(0.0, 0.0), (0.4, 0.0)]
    assert [row["x"][-1] for row in results.values()] == ends
    assert "Ctrl-C" in capsys.readouterr().out
