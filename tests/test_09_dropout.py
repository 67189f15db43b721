"""09: masks and their scale, the ridge theorem, the ensemble, and a fair comparison."""

import json
import math
import signal

import numpy as np
import pytest
from conftest import ROOT, GradientCase, load, numerical_gradient, relative_error
from tutor import Lesson

script = load("09_dropout_regularization")
QUICK = ["--epochs", "6", "--networks", "2", "--hidden", "16", "--train-size", "50"]
TIMINGS = []


def small(rng, runs=(), N=7, D=3, H=5, K=6):
    """Return params, X, one-hot y and a mask of a small network."""
    sizes = {"W1": (D, H), "b1": (1, H), "W2": (H, K), "b2": (1, K)}
    params = {k: rng.normal(size=(*runs, *shape)) for k, shape in sizes.items()}
    X, y = rng.normal(size=(N, D)), np.eye(K)[rng.integers(0, K, N)]
    return params, X, y, script.draw_mask((*runs, N, H), 0.4, rng)


def gradient_cases():
    for name in ("mask", "evaluation"):
        params, X, y, mask = small(np.random.default_rng(5))
        mask = mask if name == "mask" else 1.0

        def tf_loss(tf, p, X=X, y=y, mask=mask):
            a = tf.nn.relu(tf.constant(X) @ p["W1"] + p["b1"]) * mask
            z = a @ p["W2"] + p["b2"]
            return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(y, z))

        yield GradientCase(
            name,
            (7, 3, 5, 6),
            params,
            forward=lambda p, X=X, m=mask: script.forward(p, X, m),
            loss=lambda c, y=y: script.loss(c["z2"], y),
            backward=lambda p, c, X=X, m=mask, y=y: script.backward(p, X, c, m, y),
            tf_loss=tf_loss,
            kinks=lambda c: [c["z1"]],
        )


def worked():
    """The numbers of the README that a reader works by hand."""
    a = np.array([0.5, 1.2, 0, 0.8, 2.0, 0.3])
    kept = 1 / (1 - 0.4)
    masks = np.array([[0, 1, 1, 0, 1, 1], [1, 1, 0, 1, 0, 1]]) * kept
    drawn = np.unique(script.draw_mask((50, 6), 0.4, np.random.default_rng(0)))
    np.testing.assert_allclose(drawn, [0, kept])
    unit = {"W1": np.ones((1, 1)), "b1": np.zeros((1, 1)), "W2": np.ones((1, 1)),
            "b2": np.zeros((1, 1))}  # fmt: skip
    cache = {"a1": np.array([[2.0]]), "a2": np.array([[0.3]]), "z1": np.array([[1.2]])}
    dz = script.backward(unit, np.ones((1, 1)), cache, kept, np.zeros((1, 1)))["b1"]
    folder = ROOT / "09_dropout_regularization/images"
    metrics = json.loads((folder / "metrics.json").read_text("utf-8"))
    sds = [100 * metrics[name]["sd"] for name in ("without", "dropout")]
    error = metrics["dropout"]["error"]
    return {
        "kept": kept, "sum0": a.sum(), "sum1": (a * masks[0]).sum(),
        "sum2": (a * masks[1]).sum(), "dz": dz[0, 0], "s": error * np.sqrt(10),
        "se": error, "sd0": sds[0], "sd1": sds[1],
        "unpaired": np.hypot(*sds) / np.sqrt(10),
    }  # fmt: skip


def your_turn_calls(script, rng, N):
    """Arguments for each function: a network 3-5-6 on N examples, 1-1-2 if N is 1."""
    sizes = {"D": 3, "H": 5, "K": 6} if N > 1 else {"D": 1, "H": 1, "K": 2}
    params, X, y, mask = small(rng, N=N, **sizes)
    if N == 1:  # so that the one unit is alive
        X, mask = abs(X), 0 * mask + 1 / 0.6
        params |= {"W1": abs(params["W1"]), "b1": abs(params["b1"])}
    cache = script.forward(params, X, mask)
    three, _, _, mask3 = small(rng, (3,), N=N, **sizes)  # a stack of three
    X3, y3 = (np.stack([part, part[::-1], part]) for part in (X, y))
    cache3 = script.forward(three, X3, mask3)
    huge = 1000 * cache["z2"]  # exp of it is infinite
    generator = np.random.default_rng(N)
    return {
        "draw_mask": [((N, 6), 0.4, generator)],
        "softmax": [(cache["z2"],), (huge,), (cache3["z2"],)],
        "forward": [(params, X, mask), (three, X3, mask3)],
        "log_softmax": [(cache["z2"],), (huge,), (cache3["z2"],)],
        "loss": [(cache["z2"], y), (cache3["z2"], y3)],
        "backward": [(params, X, cache, mask, y), (three, X3, cache3, mask3, y3)],
        "train": [
            (params, X, y, 0.4, 3, 0.3, generator),
            (params, X, y, 0.4, 25, 0.3, generator, 0.01),
        ],
    }


YOUR_TURN = Lesson(
    functions={
        "draw_mask": "Numbers from rng.random(shape), compared with drop, and the scale "
        "(9.1).",
        "softmax": "As in lesson 03; subtract the largest entry of each row first.",
        "forward": "Four lines; the mask comes after the ReLU (9.2). Return a dict with z1, "
        "a1, z2, a2.",
        "log_softmax": "As in lesson 03: the shifted z minus log of the sum of exp.",
        "loss": "Minus the sum of y log a2, over the number of rows (9.4).",
        "backward": "From dz2 (9.5) back to dW1; the mask that forward had (9.6). Return a "
        "dict like params.",
        "train": "Each epoch: a mask, forward, backward, a step. The path is a list of (epoch, "
        "params), a dict of its own for each.",
    },
    calls=your_turn_calls,
    names={"train": ("params", "path")},
    factors=lambda N: {
        0.6: "1 - q times the right value: the scale 1 / (1 - q) is missing",
        1 / 0.6: "1 / (1 - q) times the right value: the scale is there twice",
    },
    equivalent=('(cache["z1"] >= 0)',),  # at exactly 0 either slope may be taken
    slips=[
        ("draw_mask", "rng.random(shape) >= drop", "rng.random(shape) < 1 - drop", "your "
         "mask is as good by chance, but other units are on: write >= drop, and the numbers "
         "will be those of the page."),
        ("draw_mask", " / (1 - drop)", " * 1.0", "the scale 1 / (1 - q) is missing "
         "(9.1)."),
        ("draw_mask", "/ (1 - drop)", "/ drop", "the scale is 1 / q where 1 / (1 - q) "
         "belongs (9.1)."),
        ("draw_mask", ">= drop", ">= 1 - drop", "units are on with probability q; they "
         "must be off with probability q (9.1)."),
        ("draw_mask", ">= drop", "< drop", "units are on with probability q; they must "
         "be off with probability q (9.1)."),
        ("softmax", "e / e.sum(axis=-1, keepdims=True)", "e / e.sum()", "the sum must "
         "run over one row at a time, not over all examples."),
        ("forward", " * mask", "", "the mask is missing in a1 (9.2)."),
        ("forward", ' + params["b1"]', "", "b1 is missing in z1."),
        ("forward", ' + params["b2"]', "", "b2 is missing in z2."),
        ("forward", "np.maximum(0, z1) * mask", "z1 * mask", "the ReLU is missing in a1 "
         "(9.2)."),
        ("forward", "a2 = softmax(z2)", "a2 = z2", "a2 must be the softmax of z2."),
        ("loss", "-np.sum", "np.sum", "the sign: the loss is minus the sum (9.4)."),
        ("backward", "da1 * mask * (", "da1 * (", "the mask is missing in dz1 (9.6): "
         "a unit that was off gets a slope."),
        ("backward", "da1 * mask * (", "da1 * (mask > 0) * (", "dz1 has the mask "
         "without its scale 1 / (1 - q), (9.6)."),
        ("backward", ' * (cache["z1"] > 0)', "", "dz1 lacks the slope of the ReLU "
         "(9.6)."),
        ("backward", '* (cache["z1"] > 0)', '* np.maximum(0, cache["z1"])', "dz1 has the "
         "value of the ReLU where its slope, 0 or 1, belongs (9.6)."),
        ("backward", '(cache["a2"] - y) /', '(cache["a2"] - y) * cache["a2"] * (1 - '
         'cache["a2"]) /', "softmax and cross-entropy together leave a2 - y: no sigmoid's "
         "slope belongs there (9.5)."),
        ("backward", 'cache["a1"].mT @ dz2', 'cache["z1"].mT @ dz2', "dW2 takes z1 where "
         "the activations a1 belong."),
        ("backward", ' / y.shape[-2]  # (N, K)  (9.5)', "  # (N, K)  (9.5)", "everything "
         "is N times too large: 1/N is missing in dz2 (9.5)."),
        ("backward", '(cache["a2"] - y)', '(y - cache["a2"])', "every slope has the "
         "wrong sign: dz2 is a2 - y, over N (9.5)."),
        ("backward", 'cache["a1"].mT @ dz2', 'np.maximum(0, cache["z1"]).mT @ dz2',
         "dW2 takes the activations before the mask; a unit that was off took no part."),
        ("train", "- lr * grads[name]", "- grads[name]", "lr is missing in the step."),
        ("train", "backward(params, X, cache, mask, y)",
         "backward(params, X, cache, draw_mask(shape, drop, rng), y)", "the backward pass "
         "has a mask of its own; it must have that of the forward pass (9.6)."),
        ("train", "mask = draw_mask(shape, drop, rng) if drop > 0 else 1.0",
         "mask = draw_mask(shape, drop, rng) if epoch == 1 else mask", "there is one mask "
         "for all epochs; draw a new one in each."),
        ("train", "for name in params:", "for name in ('W1', 'W2'):", "the biases do not "
         "move."),
        ("train", "- lr *", "+ lr *", "the step goes uphill: subtract lr times the "
         "slope."),
        ("train", "backward(params, X, cache, mask, y)",
         "backward(params, X, cache, 1.0, y)", "the backward pass has lost the mask of "
         "the forward pass."),
        ("softmax", "axis=-1", "axis=0",
         "the sum runs over the classes of one image, so along the last "
         "axis."),
        ("softmax", "e.sum(axis=-1", "e.sum(axis=0",
         "the sum runs over the classes of one image, so along the last "
         "axis."),
        ("train", "path.append((epoch, dict(params)))", "path.append((epoch, params))",
         "the params in the path go on changing: append a copy, "
         "dict(params)."),
        ("train", "grads[\"W1\"] + l2 * params[\"W1\"]", "grads[\"W1\"]",
         "the penalty l2 is missing at W1."),
        ("train",
         "mask = draw_mask(shape, drop, rng) if drop > 0 else 1.0",
         "mask = 1.0",
         "there is no mask: draw one in each epoch (9.1)."),
        ("train",
         "draw_mask(shape, drop, rng) if",
         "draw_mask(shape, 1 - drop, rng) if",
         "drop is the share that is switched off; this mask switches off 1 - "
         "drop."),
        ("train",
         "cache = forward(params, X, mask)",
         "cache = forward(params, X, 1.0)",
         "the forward pass has no mask (9.2)."),
    ],
)  # fmt: skip


BREAKS = [  # of README.md, "Break it": the script's text, the change, who notices
    ("dz1 = da1 * mask * (", "dz1 = da1 * (",
     "test_backward_matches_central_differences"),
    ("return on / (1 - drop)", "return on * 1.0",
     "test_a_mask_holds_two_values_and_its_mean_is_one"),
    ('forward(params, X, 1.0)["a2"]\n    return np.mean',
     'forward(params, X, draw_mask(X.shape[:-1] + (params["b1"].shape[-1],), 0.5, '
     'np.random.default_rng(0)))["a2"]\n    return np.mean',
     "test_accuracies_keep_all_leading_axes"),
]  # fmt: skip


def test_a_stack_of_runs_is_each_run_alone(rng):
    params, X, y, mask = small(rng, (2,))
    cache = script.forward(params, X, mask)
    losses = script.loss(cache["z2"], y)
    grads = script.backward(params, X, cache, mask, y)
    for s in range(2):
        one = {k: v[s] for k, v in params.items()}
        alone = script.forward(one, X, mask[s])
        assert losses[s] == pytest.approx(script.loss(alone["z2"], y), rel=1e-13)
        for k, grad in script.backward(one, X, alone, mask[s], y).items():
            np.testing.assert_allclose(grads[k][s], grad, atol=1e-13)
        numerical = numerical_gradient(
            lambda p, s=s: script.loss(script.forward(p, X, mask[s])["z2"], y), one
        )
        assert all(relative_error(grads[k][s], numerical[k]) < 1e-7 for k in one)


# Masks


@pytest.mark.parametrize("drop", [0.0, 0.2, 0.5, 0.8])
def test_a_mask_holds_two_values_and_its_mean_is_one(drop, rng):
    a = script.draw_mask((400, 500), drop, rng)
    assert a.shape == (400, 500)
    expected = {1.0} if drop == 0 else {0.0, 1 / (1 - drop)}
    np.testing.assert_allclose(sorted(set(a.ravel().tolist())), sorted(expected))
    assert drop * 0 + (1 - drop) * a.max() == pytest.approx(1)  # exactly E[mask]
    assert np.mean(a == 0) == pytest.approx(drop, abs=0.005)
    assert a.mean() == pytest.approx(1, abs=0.02)


def test_the_masks_of_all_rates_come_from_the_same_random_numbers():
    low, high = (
        script.draw_mask((50, 60), q, np.random.default_rng(1)) for q in (0.2, 0.6)
    )
    assert np.all((low > 0) >= (high > 0))


def test_the_expected_sums_are_those_without_a_mask(rng):
    """(9.3), by adding up all 2^5 masks of five units."""
    params, X, _, _ = small(rng)
    plain, q, total = script.forward(params, X, 1.0), 0.3, 0.0
    for number in range(2**5):
        on = np.array([number >> i & 1 for i in range(5)])
        chance = np.prod(np.where(on, 1 - q, q))
        total = total + chance * script.forward(params, X, on / (1 - q))["z2"]
    np.testing.assert_allclose(total, plain["z2"], rtol=1e-12)


def test_a_unit_that_is_off_passes_nothing_on_and_gets_no_gradient(rng):
    params, X, y, mask = small(rng)
    mask[:, 2] = 0
    cache = script.forward(params, X, mask)
    grads = script.backward(params, X, cache, mask, y)
    assert not cache["a1"][:, 2].any()
    assert not grads["W1"][:, 2].any() and not grads["W2"][2].any()


def test_evaluation_is_deterministic_and_without_scale(rng):
    params, X, _, _ = small(rng)
    first, second = (script.forward(params, X, 1.0) for _ in range(2))
    np.testing.assert_array_equal(first["a2"], second["a2"])
    a1 = np.maximum(0, X @ params["W1"] + params["b1"])
    np.testing.assert_array_equal(first["a1"], a1)
    np.testing.assert_array_equal(first["z2"], a1 @ params["W2"] + params["b2"])


def test_a_unit_at_zero_has_slope_zero(rng):
    params, X, y, mask = small(rng)
    params["W1"][:], params["b1"][:] = 0, 0
    grads = script.backward(params, X, script.forward(params, X, mask), mask, y)
    assert not grads["W1"].any() and not grads["b1"].any()


def test_a_random_zero_switches_no_unit_off_at_rate_zero():
    class Zeros:
        def random(self, shape):
            return np.zeros(shape)

    np.testing.assert_array_equal(script.draw_mask((2, 3), 0.0, Zeros()), 1.0)


def test_accuracies_keep_all_leading_axes(rng):
    params, X, y, _ = small(rng, (2,), N=300)
    found = script.accuracies(params, X, y)
    for s in range(2):
        a1 = np.maximum(0, X @ params["W1"][s] + params["b1"][s])
        read = (a1 @ params["W2"][s] + params["b2"][s]).argmax(axis=1)
        assert found[s] == np.mean(read == y.argmax(axis=1))


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


def test_luck_beyond_two_standard_errors_and_why_s_minus_one(rng):
    """README.md: one time in thirteen with ten pairs; S - 1 is right on average."""
    d = rng.normal(size=(20_000, 10))
    s = d.std(axis=1, ddof=1)
    beyond = np.mean(np.abs(d.mean(axis=1)) > 2 * s / np.sqrt(10))
    assert beyond == pytest.approx(1 / 13, abs=0.006)
    assert np.mean(s**2) == pytest.approx(1, abs=0.02)


def test_mean_and_standard_error():
    assert script.mean_and_error(np.array([1.0, 2.0, 6.0])) == pytest.approx(
        (3.0, np.sqrt(7 / 3))
    )


def test_a_thinned_network_is_the_network_without_those_units(rng):
    params, X, _, _ = small(rng, (2,))
    mean, single = script.mean_vote(params, X, 0.5, 3, np.random.default_rng(4))
    assert mean.shape == single.shape == (2, 7, 6)
    again, votes = np.random.default_rng(4), []
    for _ in range(3):
        mask = script.draw_mask((2, 1, 5), 0.5, again)
        vote = []
        for s in range(2):
            on = mask[s, 0] > 0
            a = 2 * np.maximum(0, X @ params["W1"][s] + params["b1"][s])[:, on]
            z = a @ params["W2"][s][on] + params["b2"][s]
            vote.append(np.exp(script.log_softmax(z)))
        votes.append(vote)
    np.testing.assert_allclose(single, votes[0], rtol=1e-10)
    np.testing.assert_allclose(mean, np.mean(votes, axis=0), rtol=1e-10)


def test_doubt_is_the_share_of_pairs_in_the_right_order():
    y = np.eye(2)[[0, 0, 0, 1]]
    a2 = np.array([[[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.6, 0.4]]])
    # mistakes: row 2 (0.7) and row 3 (0.6); right: 0.9 and 0.8, all more certain
    assert script.doubt_finds_mistakes(a2, y) == [1.0]
    a2[0, 2] = [0.15, 0.85]  # now one pair of four is the wrong way round
    assert script.doubt_finds_mistakes(a2, y) == [0.75]


# Training and evaluation


@pytest.mark.parametrize("l2", [0.0, 0.3])
def test_a_step_is_descent_on_gradient_and_decay_under_fresh_masks(rng, l2):
    params, X, y, _ = small(rng, (2,))
    X, y = np.stack([X, X]), np.stack([y, y])
    start = {k: v.copy() for k, v in params.items()}
    first, again, p = np.random.default_rng(2), np.random.default_rng(2), params
    end, path = script.train(params, X, y, 0.4, 3, 0.05, first, l2)
    for _ in range(3):
        mask = script.draw_mask((2, 7, 5), 0.4, again)
        grads = script.backward(p, X, script.forward(p, X, mask), mask, y)
        p = {k: p[k] - 0.05 * (grads[k] + (l2 * p[k] if k[0] == "W" else 0)) for k in p}
    for k in p:
        np.testing.assert_allclose(end[k], p[k], rtol=1e-12)
        np.testing.assert_array_equal(start[k], params[k])
        np.testing.assert_array_equal(path[0][1][k], params[k])
        np.testing.assert_array_equal(path[-1][1][k], end[k])
    assert [epoch for epoch, _ in path] == [0, 3]
    for epochs, noted in ((12, [0, 10, 12]), (20, [0, 10, 20])):
        path = script.train(params, X, y, 0.4, epochs, 0.05, rng)[1]
        assert [epoch for epoch, _ in path] == noted


def test_training_without_dropout_draws_no_random_numbers(rng):
    params, X, y, _ = small(rng)
    script.train(params, X, y, 0.0, 2, 0.1, None)


def test_keras_drops_and_scales_alike(tf, rng):
    x = np.ones((300, 400), np.float32)
    keras = tf.keras.layers.Dropout(0.4, seed=1)(x, training=True).numpy()
    mask = script.draw_mask(x.shape, 0.4, rng)
    np.testing.assert_allclose(np.unique(keras), np.unique(mask), rtol=1e-6)
    assert keras.mean() == pytest.approx(mask.mean(), abs=0.02)


def test_early_stopping_picks_per_run(rng):
    """Of three nets, bad, good and middling: run 1 has them in another order."""
    params, X, y, _ = small(rng, (2,))
    path = [(0, params)]
    for epoch in (10, 20):
        start = {k: v.copy() for k, v in path[-1][1].items()}
        path.append((epoch, script.train(start, X, y, 0.0, 5, 0.1, None)[0]))
    first, last = path[0][1], path[2][1]
    for name in first:  # run 1 learns backwards in time
        first[name][1], last[name][1] = last[name][1].copy(), first[name][1].copy()
    kept, epochs = script.stop_early(path, X, y)
    assert epochs == [20, 0]
    for k in params:
        np.testing.assert_array_equal(kept[k][0], last[k][0])
        np.testing.assert_array_equal(kept[k][1], first[k][1])


def test_early_stopping_looks_without_a_mask(rng, monkeypatch):
    params, X, y, _ = small(rng, (2,))
    forward, masks = script.forward, []

    def seen(params, X, mask):
        masks.append(mask)
        return forward(params, X, mask)

    monkeypatch.setattr(script, "forward", seen)
    script.stop_early([(0, params), (10, params)], X, y)
    assert masks == [1.0, 1.0]


def test_early_stopping_keeps_the_last_epoch_where_the_loss_falls_to_the_end():
    """README.md, "What happened": nine runs stop at epoch 200, one at 190."""
    images = ROOT / "09_dropout_regularization/images"
    metrics = json.loads((images / "metrics.json").read_text("utf-8"))
    assert metrics["early_epochs"] == (9 * 200 + 190) / 10
    assert metrics["early"]["gain"] == 0


def test_he_initialisation_and_zero_biases():
    params = script.init_params(300, 3, np.random.default_rng(0))
    assert {k: v.shape for k, v in params.items()} == {
        "W1": (3, 64, 300), "b1": (3, 1, 300), "W2": (3, 300, 10), "b2": (3, 1, 10),
    }  # fmt: skip
    for k, n_in in (("W1", 64), ("W2", 300)):
        assert params[k].std() == pytest.approx(np.sqrt(2 / n_in), rel=0.03)
    assert not any(params[k].any() for k in ("b1", "b2"))
    again = np.random.default_rng(0).normal(scale=(2 / 64) ** 0.5, size=(3, 64, 300))
    np.testing.assert_array_equal(params["W1"], again)


def test_loss_is_exact_where_softmax_underflows():
    z2 = np.array([[0.0, 2000.0], [1.0, 1.0]])
    assert script.loss(z2, np.eye(2)) == pytest.approx((2000 + np.log(2)) / 2)


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


@pytest.mark.slow
def test_dropout_helps_by_two_standard_errors_and_harms_a_narrow_network():
    """Other splits, weights and masks than those of the default run."""
    for hidden, sign in ((128, 1), (16, -1)):
        gains = []
        for seed in (1, 2):
            data = script.load_data(200, 8, np.random.default_rng([seed, 0]))
            scores = []
            for drop in (0.0, 0.5):
                rng = np.random.default_rng(seed)
                params = script.init_params(hidden, 8, rng)
                params, _ = script.train(params, *data["training"], drop, 200, 0.5, rng)
                scores.append(script.accuracies(params, *data["test"]))
            assert min(scores[0]) > 0.85
            gains.append(scores[1] - scores[0])
        mean, error = script.mean_and_error(np.concatenate(gains))
        assert sign * mean > 2 * error


def test_with_dropout_fewer_units_are_on_and_more_can_be_spared():
    """README.md, "What happened": in every pair, on other splits than the page's."""
    data = script.load_data(200, 4, np.random.default_rng([1, 0]))
    start = script.init_params(128, 4, np.random.default_rng([1, 1]))
    X, y = data["validation"]
    on, left = [], []
    for drop in (0.0, 0.5):
        rng = np.random.default_rng([1, 2])
        params, _ = script.train(start, *data["training"], drop, 200, 0.5, rng)
        on.append(np.mean(script.forward(params, X, 1.0)["a1"] > 0, axis=(1, 2)))
        masks = script.draw_mask((10, 4, 1, 128), 0.4, np.random.default_rng(3))
        thinned = params | {"W2": params["W2"] * masks.mT}
        left.append(script.accuracies(thinned, X, y).mean(axis=0))
    assert np.all(on[1] < on[0] - 0.05) and np.all(left[1] > left[0] + 0.05)


@pytest.mark.slow
def test_a_backward_pass_without_its_mask_loses_the_gain(monkeypatch):
    """README.md, "Break it", exercises 6 and 8: what ``--networks 40`` then prints."""
    data = script.load_data(200, 40, np.random.default_rng([0, 0]))
    start = script.init_params(128, 40, np.random.default_rng([0, 1]))
    right, draw, other = script.backward, script.draw_mask, np.random.default_rng(3)

    def forgotten(params, X, cache, mask, y):
        return right(params, X, cache, 1.0, y)

    def new(params, X, cache, mask, y):
        return right(params, X, cache, draw(mask.shape, 0.5, other), y)

    def one_for_all(shape, drop, rng):
        return draw((*shape[:-2], 1, shape[-1]), drop, rng)

    def noise(shape, drop, rng):
        return rng.normal(1, math.sqrt(drop / (1 - drop)), shape)

    def test_scores(drop, backward=right, draw_mask=draw):
        monkeypatch.setattr(script, "backward", backward)
        monkeypatch.setattr(script, "draw_mask", draw_mask)
        rng = np.random.default_rng([0, 2])
        params, _ = script.train(start, *data["training"], drop, 200, 0.5, rng)
        return 100 * script.accuracies(params, *data["test"])

    plain, dropout = test_scores(0.0), test_scores(0.5)
    slips = test_scores(0.5, forgotten), test_scores(0.5, new)
    for slip in slips:
        mean, error = script.mean_and_error(dropout - slip)
        assert mean > 2 * error and 85 < slip.mean() < plain.mean()
    readme = (ROOT / "09_dropout_regularization/README.md").read_text("utf-8")
    shared = test_scores(0.5, draw_mask=one_for_all)
    noisy = test_scores(0.5, draw_mask=noise)
    for scores in (dropout, slips[0], shared, noisy):
        mean, error = script.mean_and_error(scores - plain)
        assert f"{mean:+.2f} ± {error:.2f}".replace("-", "−") in readme


# Command line


@pytest.mark.parametrize(
    "flags",
    [
        ["--drop", "1"], ["--drop", "0"], ["--drop", "-1e-1"], ["--drop", "nan"], ["--train-size", "5"],
        ["--train-size", "900"], ["--networks", "1"], ["--hidden", "0"],
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


def test_ctrl_c_leaves_a_fair_pair(capsys, monkeypatch, tmp_path):
    """Interrupted in the first setting: the second has one epoch, no more follow."""
    honest, calls = script.backward, []

    def interrupted(*args):
        calls.append(1)
        if len(calls) == 4:
            signal.raise_signal(signal.SIGINT)
        return honest(*args)

    monkeypatch.setattr(script, "backward", interrupted)
    assert script.main([*QUICK, "--no-show", "--out", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "Ctrl-C" in out and "are missing" in out and len(calls) == 5
    assert (tmp_path / "metrics.json").exists()


def test_the_verdict_speaks_of_losses_and_of_no_difference(capsys, tmp_path, undrawn):
    flags = ["--networks", "4", "--no-show", "--out", str(tmp_path), "--hidden"]
    assert script.main(["--epochs", "60", *flags, "4"]) == 0
    out = capsys.readouterr().out
    assert "Dropout loses" in out and "more --epochs" in out
    assert script.main(["--epochs", "1", *flags, "128"]) == 0
    assert "No difference" in capsys.readouterr().out
