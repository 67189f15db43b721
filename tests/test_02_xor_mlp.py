"""02: one network worked by hand, a thousand at once, and where some get stuck."""

import itertools
import json
import time
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import GradientCase, load
from tutor import Lesson

script = load("02_xor_mlp")
QUICK = ["--epochs", "30", "--networks", "10"]
TIMINGS = []
X, y = script.X, script.y
LEARNS = {name: np.array(value) for name, value in script.LEARNS.items()}
STUCK = {name: np.array(value) for name, value in script.STUCK.items()}


def gradient_cases():
    rng = np.random.default_rng(2)
    N, D, H, K = 7, 3, 5, 2
    inputs, targets = rng.normal(size=(N, D)), rng.uniform(size=(N, K))
    sizes = {"W1": (D, H), "b1": (1, H), "W2": (H, K), "b2": (1, K)}
    params = {k: rng.normal(size=size) for k, size in sizes.items()}

    def tf_loss(tf, p, activation="sigmoid", kind="mse"):
        names = {"sigmoid": tf.sigmoid, "tanh": tf.tanh, "relu": tf.nn.relu}
        z2 = names[activation](inputs @ p["W1"] + p["b1"]) @ p["W2"] + p["b2"]
        if kind == "mse":
            return tf.reduce_sum((tf.sigmoid(z2) - targets) ** 2) / (2 * N)
        bits = tf.nn.sigmoid_cross_entropy_with_logits(targets, z2)
        return tf.reduce_sum(bits) / N

    yield GradientCase(
        "the lesson",
        (N, D, H, K),
        params,
        forward=lambda p: script.forward(p, inputs),
        loss=lambda c: script.loss(c["a2"], targets),
        backward=lambda p, c: script.backward(p, inputs, c, targets),
        tf_loss=tf_loss,
    )
    for name, kind in itertools.product(("sigmoid", "tanh", "relu"), ("mse", "bce")):

        def whole(p, name=name, kind=kind):
            a2, cost, grads = script.variant(p, inputs, targets, name, kind)
            z1 = inputs @ p["W1"] + p["b1"]
            return {"a2": a2, "cost": cost, "z1": z1}

        yield GradientCase(
            f"{name} {kind}",
            (N, D, H, K),
            params,
            forward=whole,
            loss=lambda c: c["cost"],
            backward=lambda p, c, f=name, k=kind: script.variant(
                p, inputs, targets, f, k
            )[2],
            tf_loss=lambda tf, p, f=name, k=kind: tf_loss(tf, p, f, k),
            kinks=lambda c, f=name: [c["z1"]] if f == "relu" else [],
        )


def one_corner(n):
    """Return the cache, the gradients and the loss of corner n at the first weights."""
    x, target = X[n : n + 1], y[n : n + 1]
    cache = script.forward(LEARNS, x)
    return (
        cache,
        script.backward(LEARNS, x, cache, target),
        script.loss(cache["a2"], target),
    )


def worked():
    """The numbers of the README that a reader works by hand."""
    values, slope = script.neuron(3.0, 2.0, -5.0)
    nudged, _ = script.neuron(3.0, 2.01, -5.0)
    cache, grads, cost = one_corner(2)
    other, other_grads, other_cost = one_corner(1)
    a2 = cache["a2"][0, 0]
    whole = script.backward(LEARNS, X, script.forward(LEARNS, X), y)
    params, _ = learn(LEARNS)
    hundred = script.forward(learn(LEARNS, 100)[0], X)["a2"]
    brackets = {}
    for epochs in (0, 100, 200):
        params = learn(LEARNS, epochs)[0] if epochs else LEARNS
        a1 = script.forward(params, X)["a1"][:, 0]
        brackets[f"bracket{epochs}"] = a1[0] + a1[3] - a1[1] - a1[2]
    tied = script.forward(learn(STUCK)[0], X)["a1"][2:]
    flat = {f"flat_1{m}_{j + 1}": tied[m, j] * (1 - tied[m, j])
            for m in (0, 1) for j in (0, 1)}  # fmt: skip
    falls = [script.loss(script.forward(learn(LEARNS, n)[0], X)["a2"], y)
             for n in (0, 100, 300)]  # fmt: skip
    params, _ = learn(LEARNS)
    biases = [one_corner(n)[1]["b2"][0, 0] for n in range(4)]
    ten = thousand_after_ten_steps()
    return {
        "least10": ten.min(), "most10": ten.max(),
        **brackets, "bend0": brackets["bracket0"] / 32,
        **flat, "fall100": falls[0] - falls[1], "fall300": falls[1] - falls[2],
        "a": values["a"], "a_nudged": nudged["a"],
        **{f"slope_{name}": value for name, value in slope.items()},
        "a11": cache["a1"][0, 0], "a12": cache["a1"][0, 1],
        "z2": cache["z2"][0, 0], "a2": a2, "loss": cost, "da2": a2 - 1,
        "local2": a2 * (1 - a2), "dz2": grads["b2"][0, 0],
        "dW21": grads["W2"][0, 0], "dW22": grads["W2"][1, 0],
        "dz11": grads["b1"][0, 0], "dz12": grads["b1"][0, 1],
        "da11": 0.4 * grads["b2"][0, 0], "da12": -0.9 * grads["b2"][0, 0],
        "mean_slope": whole["W2"][0, 0],
        "step": LEARNS["W2"][0, 0] - 5 * whole["W2"][0, 0],
        "fan": slope["x"] + 0.5 * -1, "low100": hundred.min(), "high100": hundred.max(),
        **{f"db{n}": b for n, b in enumerate(biases)}, "db": np.mean(biases),
        "b2": 0.2 - 5 * np.mean(biases),
        "out1": params["W2"][0, 0], "out2": params["W2"][1, 0],
        "out_bias": params["b2"][0, 0],
        "ex1_a2": other["a2"][0, 0], "ex1_loss": other_cost,
        "ex2_dz2": other_grads["b2"][0, 0], "ex2_dz11": other_grads["b1"][0, 0],
        "ex2_dz12": other_grads["b1"][0, 1],
    }  # fmt: skip


def descend(params, epochs, lr=5.0, targets=y, faster=1):
    """Take steps with a stack, those of the hidden weights ``faster`` times as long."""
    for _ in range(epochs):
        grads = script.backward(params, X, script.forward(params, X), targets)
        # len(y) is the number of networks where the targets are stacked: 1/4 is meant
        step = lr * len(targets) / 4
        params = {
            k: v - step * (faster if k[1] == "1" else 1) * grads[k]
            for k, v in params.items()
        }
    return params


def thousand_after_ten_steps():
    first = script.init_params(1000, 2, 1.0, np.random.default_rng(0))
    return script.loss(script.forward(descend(first, 10), X)["a2"], y)


def your_turn_calls(script, rng, N):
    """Arguments for each function: a network 3-5-2 on N examples, 1-1-1 if N is 1."""
    D, H, K = (3, 5, 2) if N > 1 else (1, 1, 1)
    sizes = {"W1": (D, H), "b1": (1, H), "W2": (H, K), "b2": (1, K)}
    params = {name: rng.normal(size=size) for name, size in sizes.items()}
    inputs, targets = rng.normal(size=(N, D)), rng.uniform(size=(N, K))
    cache = script.forward(params, inputs)
    three = {k: rng.normal(size=(3, *v.shape)) for k, v in params.items()}  # a stack
    caches = script.forward(three, inputs)
    corners = {k: v[:, :1] if k[1] == "2" else v for k, v in params.items()}
    corners["W1"] = rng.normal(size=(2, H))
    return {
        "sigmoid": [(rng.normal(size=(N, 4)) * 3,)],
        "neuron": [tuple(rng.normal(size=3) + 1) for _ in range(2)],
        "forward": [(params, inputs), (three, inputs)],
        "loss": [(cache["a2"], targets), (caches["a2"], targets)],
        "backward": [
            (params, inputs, cache, targets),
            (three, inputs, caches, targets),
        ],
        "train": [(corners, X, y, 3, 0.7)] if N > 1 else [],
    }


YOUR_TURN = Lesson(
    functions={
        "sigmoid": "One line: (2.1).",
        "neuron": "First p, z and a, then a slope for each, from the end to the start.",
        "forward": "Four lines, (2.10) and (2.11). Return a dict with z1, a1, z2, a2.",
        "loss": "Half the squared error, summed, over the number of rows (2.8).",
        "backward": "From dz2 back to dW1, (2.12) to (2.15). Each slope has the shape "
        "of what it belongs to.",
        "train": "Each epoch: forward, loss, backward, step (2.16). Keep the losses.",
    },
    calls=your_turn_calls,
    names={"neuron": ("the values", "the slopes"), "train": ("params", "losses")},
    factors=lambda N: {0.7: "0.7 times the right value", 1 / 0.7: "divided by lr"},
    slips=[
        ("sigmoid", "np.exp(-z)", "np.exp(z)", "this is the sigmoid of -z: look at the "
         "sign in the exponent."),
        ("sigmoid", "1 / (1 + np.exp(-z))", "np.tanh(z)", "this is tanh; it runs from -1 "
         "to 1, the sigmoid from 0 to 1."),
        ("neuron", 'slope["a"] * a * (1 - a)', 'slope["a"] * a', "the sigmoid's local "
         "slope is a (1 - a), (2.2)."),
        ("neuron", 'slope["p"] * w', 'slope["p"] * x', "a product multiplies by the "
         "other factor: the slope at x has the factor w."),
        ("neuron", 'slope["p"] * x', 'slope["p"] * w', "a product multiplies by the "
         "other factor: the slope at w has the factor x."),
        ("neuron", 'slope["z"] * 1  # (2.3), a sum', 'slope["z"] * p', "a sum hands its "
         "slope on unchanged: its local slope is 1."),
        ("forward", ' + params["b1"]', "", "b1 is missing in z1 (2.10)."),
        ("forward", ' + params["b2"]', "", "b2 is missing in z2 (2.11)."),
        ("forward", "sigmoid(z1)", "z1", "a1 is not yet squashed: the sigmoid is missing "
         "in (2.10)."),
        ("forward", "a2 = sigmoid(z2)", "a2 = z2", "a2 is not yet squashed: the sigmoid "
         "is missing in (2.11)."),
        ("forward", "a1 @ params", "z1 @ params", "the second layer must take a1, the "
         "activations, and not z1."),
        ("loss", "(a2 - y) ** 2", "(a2 - y)", "the error is not squared (2.8)."),
        ("loss", "(a2 - y) ** 2", "np.abs(a2 - y)", "this is the absolute error; (2.8) "
         "squares it."),
        ("backward", "(a2 - y) * a2 * (1 - a2)", "(a2 - y)", "dz2 lacks the sigmoid's "
         "local slope a2 (1 - a2), (2.12)."),
        ("backward", "(a2 - y) * a2 * (1 - a2)", "(a2 - y) * a2", "dz2 has a2 where "
         "a2 (1 - a2) belongs, (2.12)."),
        ("backward", " / len(y)", "", "everything is N times too large: 1/N is missing "
         "in dz2 (2.12)."),
        ("backward", "(a2 - y) * a2", "(y - a2) * a2", "every slope has the wrong sign: "
         "the derivative of (a2 - y)^2 / 2 is a2 - y."),
        ("backward", "a1.mT @ dz2", 'cache["z1"].mT @ dz2', "dW2 takes z1 where a1 "
         "belongs, (2.13)."),
        ("backward", "da1 * a1 * (1 - a1)", "da1", "dz1 lacks the hidden sigmoid's local "
         "slope a1 (1 - a1), (2.14)."),
        ("backward", "da1 * a1 * (1 - a1)", 'da1 * cache["z1"] * (1 - cache["z1"])',
         "dz1 has z1 (1 - z1) where a1 (1 - a1) belongs, (2.14)."),
        ("backward", "da1 * a1 * (1 - a1)", "da1 * a1", "dz1 has a1 where a1 (1 - a1) "
         "belongs, (2.14)."),
        ("backward", 'params["W2"].mT', 'np.ones_like(params["W2"]).mT', "da1 goes back "
         "without the weights W2, (2.14)."),
        ("backward", "dz1.sum(axis=-2, keepdims=True)",
         "dz1.mean(axis=-2, keepdims=True)", "db1 is a mean over the examples, but the "
         "1/N is in dz2 already: take the sum."),
        ("backward", "dz2.sum(axis=-2, keepdims=True)",
         "dz2.mean(axis=-2, keepdims=True)", "db2 is a mean over the examples, but the "
         "1/N is in dz2 already: take the sum."),
        ("train", "- lr *", "+ lr *", "the step goes uphill: subtract lr times the "
         "slope (2.16)."),
        ("train", "lr * grads", "grads", "the step is too long or too short: lr is "
         "missing (2.16)."),
        ("loss",
         "np.sum((a2 - y) ** 2, axis=(-2, -1)) / (2 * len(y))",
         "np.mean((a2 - y) ** 2, axis=(-2, -1)) / 2",
         "this is right for one output, as on the page. The tutor's network "
         "has two: add up over them, and divide by the rows alone (2.8)."),
    ],
)  # fmt: skip


BREAKS = [  # of README.md, "Break it": the script's text, the change, who notices
    ("dz1 = da1 * a1 * (1 - a1)", "dz1 = da1",
     "test_backward_matches_central_differences"),
    ("(1 - a2) / len(y)  # (N, 1)  (2.12)", "(1 - a2)  # (N, 1)  (2.12)",
     "test_backward_matches_central_differences"),
    ("params[name] - lr * grads[name]", "params[name] + lr * grads[name]",
     "test_the_network_of_the_lesson_learns_xor"),
]  # fmt: skip


def settings(*flags):
    return script.parse_args([*flags])


def learn(params, epochs=2000, lr=5.0):
    return script.train(params, X, y, epochs, lr)


def many(n, *flags):
    """Train n networks with these flags; return params, history and the judgement."""
    args = settings(*flags)
    rng = np.random.default_rng(args.seed)
    first = script.init_params(n, args.hidden, args.scale, rng)
    last, history = script.train_many(first, X, y, args)
    return last, history, script.judge_networks(last, X, y, args)


def one(params, t):
    return {k: v[t] for k, v in params.items()}


def judge(params, *flags):
    """Judge one network as it is."""
    batch = {k: np.array(v, dtype=float)[None] for k, v in params.items()}
    return script.judge_networks(batch, X, y, settings(*flags))


def test_no_line_has_more_than_three_corners_right():
    grid = np.linspace(-3, 3, 25)
    lines = np.array(list(itertools.product(grid, repeat=3)))
    answers = X @ lines[:, :2].T + lines[:, 2] > 0
    assert (answers == y).sum(axis=0).max() == 3
    assert len(np.unique(answers, axis=1).T) == 14  # of 16 truth tables
    np.testing.assert_array_equal(y[:, 0], np.logical_xor(X[:, 0], X[:, 1]))


def test_the_circuit_against_central_differences():
    for x, w, b in ((3.0, 2.0, -5.0), (-0.7, 1.3, 0.2)):
        values, slope = script.neuron(x, w, b)
        assert values["p"] == x * w and values["z"] == x * w + b
        h = 1e-6
        for name in ("x", "w", "b"):
            up, down = ({"x": x, "w": w, "b": b} for _ in range(2))
            up[name] += h
            down[name] -= h
            moved = script.neuron(**up)[0]["a"] - script.neuron(**down)[0]["a"]
            assert slope[name] == pytest.approx(moved / (2 * h), rel=1e-8)
        z = values["z"]
        moved = script.sigmoid(z + h) - script.sigmoid(z - h)
        assert slope["z"] == pytest.approx(moved / (2 * h), rel=1e-8)
        assert slope["p"] == slope["z"]
        assert slope["a"] == 1


def test_forward_and_loss_of_one_corner_as_on_paper():
    cache, _, cost = one_corner(2)
    z11, z12 = 0.8 + 1.0, 0.7 - 0.9
    a11, a12 = 1 / (1 + np.exp(-z11)), 1 / (1 + np.exp(-z12))
    z2 = 0.4 * a11 - 0.9 * a12 + 0.2
    a2 = 1 / (1 + np.exp(-z2))
    np.testing.assert_allclose(cache["z1"], [[z11, z12]], rtol=1e-14)
    np.testing.assert_allclose(cache["a1"], [[a11, a12]], rtol=1e-14)
    np.testing.assert_allclose(cache["z2"], [[z2]], rtol=1e-14)
    np.testing.assert_allclose(cache["a2"], [[a2]], rtol=1e-14)
    assert cost == pytest.approx((a2 - 1) ** 2 / 2, rel=1e-14)


def test_the_slope_of_the_loss_is_the_mean_of_the_corners_slopes():
    whole = script.backward(LEARNS, X, script.forward(LEARNS, X), y)
    for name in whole:
        mean = sum(one_corner(n)[1][name] for n in range(4)) / 4
        np.testing.assert_allclose(whole[name], mean, rtol=1e-12)


def test_loss_is_a_mean():
    a2 = np.array([[0.0], [0.0], [1.0], [1.0]])
    assert script.loss(a2, y) == 0.25  # two wrong: (1 + 1) / (2 * 4)
    np.testing.assert_array_equal(script.loss(np.stack([a2, y]), y), [0.25, 0])


def test_the_network_of_the_lesson_learns_xor(capsys):
    start = {k: v.copy() for k, v in LEARNS.items()}
    params, losses = learn(start)
    error = np.abs(script.forward(params, X)["a2"] - y).max()
    assert error < 0.05 and len(losses) == 2000
    assert losses[0] == script.loss(script.forward(LEARNS, X)["a2"], y)
    for name in start:  # the caller keeps the start
        np.testing.assert_array_equal(start[name], LEARNS[name])
    lines = capsys.readouterr().out.splitlines()
    assert [int(line.split()[0]) for line in lines[1:]] == [1, *range(200, 2001, 200)]


def test_the_outline_is_folded_and_the_units_are_or_and_and():
    params, _ = learn(LEARNS)
    cache = script.forward(params, X)
    np.testing.assert_array_equal(cache["a1"][:, 0] > 0.5, [0, 1, 1, 1])
    np.testing.assert_array_equal(cache["a1"][:, 1] > 0.5, [0, 0, 0, 1])
    assert np.abs(cache["a1"][1] - cache["a1"][2]).max() < 0.01


def test_the_stages_that_the_picture_of_learning_shows():
    """Which corners are above each hidden line, as *What happened* says."""
    above = {n: script.forward(learn(LEARNS, n)[0], X)["z1"] > 0
             for n in (0, 100, 150, 200, 300)}  # fmt: skip
    assert above[0][:, 0].all() and above[150][:, 0].all()
    for n in (200, 300):
        np.testing.assert_array_equal(above[n][:, 0], [0, 1, 1, 1])
    for n in (100, 150, 200, 300):
        np.testing.assert_array_equal(above[n][:, 1], [0, 0, 0, 1])
    axes = script.plot_learning([learn(LEARNS, n) for n in above], X, y).axes
    titles = [ax.get_title() or ax.get_title(loc="left") for ax in axes]
    assert [title.split()[1] for title in titles] == [*map(str, above)]
    # black, and the dashed lines of both units once both cross the part that is drawn
    assert [len(ax.collections) - 4 for ax in axes] == [2, 2, 3, 3, 3]


@pytest.mark.parametrize("epochs", [2000, pytest.param(20_000, marks=pytest.mark.slow)])
def test_the_stuck_network_stays_and_why(epochs):
    params, losses = learn(STUCK, epochs)
    cache = script.forward(params, X)
    assert np.abs(cache["a2"][:2, 0] - [0, 1]).max() < 0.03
    np.testing.assert_allclose(cache["a2"][2:, 0], 0.5, atol=0.003)
    assert cache["a1"][2:].min() > 0.999  # saturated at both tied corners
    assert losses[-1] == pytest.approx(script.resting_loss(2, "mse"), rel=0.02)
    grads = script.backward(params, X, cache, y)
    assert np.abs(grads["W1"]).max() < 2e-4
    dz2 = (cache["a2"] - y) * cache["a2"] * (1 - cache["a2"]) / 4
    # at the output the two tied corners cancel
    pull = cache["a1"][2:] * dz2[2:]
    assert np.abs(pull.sum(axis=0)).max() < 0.01 * np.abs(pull).max()


def tied_pairs(n, seed=0):
    """Return the networks of n whose two corners are tied, and these two corners."""
    last, _, found = many(n, "--seed", str(seed))
    tied = (found["outcome"] == 2) & ~found["solved"]
    stuck = {k: v[tied] for k, v in last.items()}
    wrong = np.abs(script.forward(stuck, X)["a2"] - y)[..., 0] > 0.25
    assert tied.sum() >= 30 and (wrong.sum(axis=1) == 2).all()
    return stuck, np.array([np.flatnonzero(row) for row in wrong])


def learnt(params, targets=y):
    """Say of each network whether no output is over 0.25 from its target."""
    error = np.abs(script.forward(params, X)["a2"] - targets)
    return error.max(axis=(-2, -1)) < 0.25


def test_tied_corners_move_on_into_saturation_and_towards_each_other():
    stuck, pairs = tied_pairs(400)
    rows = np.arange(len(pairs))[:, None]
    before, after = (
        {k: script.forward(p, X)[k][rows, pairs] for k in ("a1", "a2")}
        for p in (stuck, descend(stuck, 1))
    )
    flat = before["a1"] * (1 - before["a1"])
    assert flat.max() < 0.004
    assert (np.abs(after["a1"] - 0.5) > np.abs(before["a1"] - 0.5)).all()
    # of the two corners the one that wants a 1 has the smaller answer
    gap = np.diff(before["a2"][..., 0]) * np.diff(y[pairs, 0])
    assert (gap < 0).all()
    for key in ("a1", "a2"):
        ends = [np.linalg.norm(np.diff(v[key], axis=1)[:, 0], axis=-1)
                for v in (before, after)]  # fmt: skip
        assert (ends[1] < ends[0]).all()


def test_the_picture_of_the_stuck_shows_where_its_next_step_goes():
    params, _ = learn(STUCK)
    points = script.forward(params, X)["a1"]
    way = script.forward(descend(params, 1, lr=1.0), X)["a1"] - points
    inset = script.plot_folding(params, X, y).axes[1].child_axes[0]
    arrows = [c for c in inset.collections if hasattr(c, "U")]
    assert len(arrows) == 2
    for n, arrow in zip((2, 3), arrows):
        np.testing.assert_allclose(arrow.XY, points[n : n + 1])
        drawn = np.array([arrow.U[0], arrow.V[0]])
        np.testing.assert_allclose(drawn, way[n] / np.linalg.norm(way[n]))
        assert (drawn > 0).all()  # into the corner (1, 1)
    learnt_xor, _ = learn(LEARNS)
    assert not script.plot_folding(learnt_xor, X, y).axes[1].child_axes


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_it_takes_saturation_and_the_wrong_order_to_hold_the_tied(seed):
    """The table of *What fails*: none, all, and none of the controls."""
    stuck, pairs = tied_pairs(400, seed)
    assert not learnt(descend(stuck, 2000)).any()
    assert not learnt(descend(stuck, 2000, faster=100)).any()
    swapped = np.tile(y, (len(pairs), 1, 1))
    rows = np.arange(len(pairs))[:, None]
    swapped[rows, pairs] = swapped[rows, pairs[:, ::-1]]
    assert not learnt(stuck, swapped).any()  # not learnt before the first step
    assert learnt(descend(stuck, 2000, targets=swapped), swapped).all()
    for names, by, low, high in (
        (("W1", "b1"), 2, 0, 0.1), (("W1", "b1"), 10, 0.5, 0.8),
        (("W1", "b1"), 100, 0.97, 1), (("W2", "b2"), 10, 0, 0),
    ):  # fmt: skip
        softer = {k: v / (by if k in names else 1) for k, v in stuck.items()}
        answers = script.forward(softer, X)["a2"][rows, pairs][..., 0]
        assert (np.diff(answers) * np.diff(y[pairs, 0]) < 0).all()  # still wrong
        assert low <= learnt(descend(softer, 2000)).mean() <= high


@pytest.mark.slow
def test_the_numbers_of_the_table_in_what_fails():
    stuck, pairs = tied_pairs(1000)
    assert len(pairs) == 147
    counts = []
    for by in (2, 10, 100):
        softer = {k: v / (by if k in ("W1", "b1") else 1) for k, v in stuck.items()}
        counts.append(learnt(descend(softer, 2000)).sum())
    assert counts == [4, 99, 147]


@pytest.mark.slow
def test_tied_networks_fall_ever_more_slowly_and_their_weights_grow():
    stages = [tied_pairs(1000)[0]]
    for _ in range(2):
        stages.append(descend(stages[-1], 2000))
    losses = [script.loss(script.forward(p, X)["a2"], y) for p in stages]
    falls = -np.diff(losses, axis=0)
    assert (0 < falls[1]).all() and (falls[1] < falls[0]).all()
    sizes = [sum((v**2).sum(axis=(-2, -1)) for v in p.values()) for p in stages]
    assert (np.diff(sizes, axis=0) > 0).all()


def scaled(n, hidden=1.0, output=1.0, seed=0):
    """Return n random networks whose layers start that many times as large."""
    first = script.init_params(n, 2, 1.0, np.random.default_rng(seed))
    return {k: v * (hidden if k[1] == "1" else output) for k, v in first.items()}


@pytest.mark.parametrize(
    "seed, medians",
    [(0, (98, 208, 453)),
     pytest.param(1, (92.5, 208.5, 463), marks=pytest.mark.slow)],
)  # fmt: skip
def test_larger_first_hidden_weights_shorten_the_plateau(seed, medians):
    """Half of 300 networks are below 0.115 after so many epochs (*What happened*)."""
    largest = np.inf
    for hidden, median in zip((2, 1, 0.5), medians):
        params, steps = scaled(300, hidden, seed=seed), np.zeros(300)
        a1 = script.forward(params, X)["a1"]
        brackets = np.abs(a1[:, 0] + a1[:, 3] - a1[:, 1] - a1[:, 2])
        assert (brackets < largest).mean() > 0.7
        largest = brackets
        for epoch in range(1, 600):
            high = script.loss(script.forward(params, X)["a2"], y) > 0.115
            steps[high] = epoch
            params = descend(params, 1)
        assert np.median(steps) == median


def test_it_takes_two_small_layers_to_keep_all_on_the_plateau():
    for hidden, output, low, high in ((0.1, 0.1, 0, 0), (0.1, 1, 0.2, 0.4),
                                      (1, 0.1, 0.7, 0.9)):  # fmt: skip
        last = script.forward(descend(scaled(200, hidden, output), 2000), X)["a2"]
        share = (np.abs(last - y).max(axis=(-2, -1)) < 0.5).mean()
        assert low <= share <= high


@pytest.mark.slow
def test_the_numbers_of_small_first_weights():
    for n, hidden, output, epochs, count in (
        (1000, 0.1, 1, 2000, 285), (1000, 1, 0.1, 2000, 818), (100, 0.1, 0.1, 20_000, 69)
    ):  # fmt: skip
        last = script.forward(descend(scaled(n, hidden, output), epochs), X)["a2"]
        assert (np.abs(last - y).max(axis=(-2, -1)) < 0.5).sum() == count


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_a_tied_corner_moves_the_unit_that_is_less_saturated_there(seed):
    """And what this corner wants of that unit saturates it more."""
    stuck, pairs = tied_pairs(400, seed)
    rows = np.arange(len(pairs))[:, None]
    a1 = script.forward(stuck, X)["a1"][rows, pairs]  # (networks, 2 corners, H)
    unit = (a1 * (1 - a1)).argmax(axis=-1)
    weight = stuck["W2"][rows, unit, 0]
    up = np.sign(y[pairs, 0] - 0.5) * weight > 0
    activation = np.take_along_axis(a1, unit[..., None], axis=-1)[..., 0]
    assert (up == (activation > 0.5)).mean() > 0.98


def test_the_central_difference_of_the_exercise():
    moved = []
    for sign in (1, -1):
        params = {k: v.copy() for k, v in LEARNS.items()}
        params["W1"][0, 1] += sign * 1e-5
        moved.append(script.loss(script.forward(params, X)["a2"], y))
    grads = script.backward(LEARNS, X, script.forward(LEARNS, X), y)
    assert (moved[0] - moved[1]) / 2e-5 == pytest.approx(grads["W1"][0, 1], rel=5e-8)


@pytest.mark.slow
def test_of_the_tied_those_with_four_and_some_with_three_learn_later():
    last, _, found = many(1000)
    for tied, later, all_of_them in ((4, 1, 1), (3, 8, 15), (2, 0, 147)):
        chosen = (found["outcome"] == tied) & ~found["solved"]
        left = learnt(descend({k: v[chosen] for k, v in last.items()}, 18_000))
        assert (left.sum(), left.size) == (later, all_of_them)


def test_slopes_near_a_half_are_a_thirty_second_of_the_bracket():
    a1, half = np.array([[0.1], [0.4], [0.3], [0.9]]), np.full((4, 1), 0.5)
    params = {k: np.ones_like(v) for k, v in LEARNS.items()}
    params["W2"] = np.ones((1, 1))
    grads = script.backward(params, X, {"a1": a1, "a2": half}, y)
    bracket = a1[0] + a1[3] - a1[1] - a1[2]
    assert grads["W2"][0, 0] == pytest.approx(bracket[0] / 32, rel=1e-12)


def test_a_relu_unit_that_is_off_at_all_corners_never_comes_back():
    flags = ["--activation", "relu", "--loss", "bce", "--lr", "0.5", "--epochs", "300"]
    rng = np.random.default_rng(0)
    first = script.init_params(300, 2, 1.0, rng)
    last, _ = script.train_many(first, X, y, settings(*flags))
    off = ((X @ first["W1"] + first["b1"]) <= 0).all(axis=1)
    still = ((X @ last["W1"] + last["b1"]) <= 0).all(axis=1)
    assert off.sum() >= 20 and still[off].all()


def test_equal_units_stay_equal_and_zero_never_moves():
    zero = {k: np.zeros_like(v) for k, v in LEARNS.items()}
    params, losses = learn(zero, 500)
    assert losses[0] == losses[-1] == 1 / 8
    assert not any(v.any() for v in params.values())
    equal = {k: np.full_like(v, 0.7) for k, v in LEARNS.items()}
    params, losses = learn(equal, 3000)
    np.testing.assert_allclose(params["W1"][:, 0], params["W1"][:, 1], rtol=1e-9)
    outputs = script.forward(params, X)["a2"]
    assert np.abs(outputs - 0.5).max() > 0.1  # they do leave a half
    assert np.abs(outputs - y).max() > 0.5


def test_without_dividing_by_n_it_is_only_a_larger_step():
    params, _ = learn(LEARNS, 50, lr=5.0)
    four = dict(LEARNS)
    for _ in range(50):
        grads = script.backward(four, X, script.forward(four, X), y)
        four = {k: four[k] - 5.0 / 4 * (4 * grads[k]) for k in four}
    for name in params:
        np.testing.assert_allclose(params[name], four[name], rtol=1e-12)


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
@pytest.mark.parametrize("kind", ["mse", "bce"])
@pytest.mark.parametrize("momentum", ["0", "0.9"])
def test_a_stack_learns_what_each_network_alone_learns(activation, kind, momentum):
    args = settings(
        "--activation", activation, "--loss", kind, "--momentum", momentum,
        "--epochs", "200", "--lr", "0.5",
    )  # fmt: skip
    first = script.init_params(8, 2, 1.0, np.random.default_rng(0))
    together, history = script.train_many(first, X, y, args)
    for t in range(8):
        single = {k: v[t : t + 1] for k, v in first.items()}
        alone, one_history = script.train_many(single, X, y, args)
        for key in alone:
            np.testing.assert_allclose(together[key][t], alone[key][0], atol=1e-12)
        assert history["right"][t] == one_history["right"][0]
    if activation == "sigmoid" and kind == "mse" and momentum == "0":
        lesson, losses = learn(one(first, 3), 200, 0.5)
        for key in lesson:
            np.testing.assert_allclose(lesson[key], together[key][3], atol=1e-12)
        np.testing.assert_allclose(losses, np.array(history["losses"])[:, 3])


def test_the_variant_with_the_lessons_settings_is_the_lesson():
    first = script.init_params(5, 3, 1.0, np.random.default_rng(1))
    a2, cost, grads = script.variant(first, X, y, "sigmoid", "mse")
    cache = script.forward(first, X)
    np.testing.assert_array_equal(a2, cache["a2"])
    np.testing.assert_array_equal(cost, script.loss(cache["a2"], y))
    for name, expected in script.backward(first, X, cache, y).items():
        np.testing.assert_allclose(grads[name], expected, rtol=1e-13)


def test_cross_entropy_is_its_definition_and_survives_huge_sums():
    first = {k: v[None] for k, v in LEARNS.items()}
    a2, cost, _ = script.variant(first, X, y, "sigmoid", "bce")
    expected = -(y * np.log(a2) + (1 - y) * np.log(1 - a2)).mean()
    assert cost[0] == pytest.approx(expected, rel=1e-13)
    with np.errstate(over="ignore"):
        first["b2"] = np.array([[[1e4]]])
        _, cost, grads = script.variant(first, X, y, "sigmoid", "bce")
    assert cost[0] == pytest.approx(5000, rel=1e-3) and np.isfinite(grads["W1"]).all()


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
        return {"W1": W1.copy(), "b1": b1[None].copy(), "W2": W2.copy(),
                "b2": b2[None].copy()}  # fmt: skip

    for v in oracle._optimizer.velocities:
        v[...] = 0.0
    params = {k: v[None] for k, v in arrays().items()}
    for _ in range(200):
        oracle.partial_fit(X, y[:, 0])
    args = SimpleNamespace(
        epochs=200, lr=0.3, momentum=0.8, activation="tanh", loss="bce"
    )
    ours, _ = script.train_many(params, X, y, args)
    for key, expected in arrays().items():
        np.testing.assert_allclose(ours[key][0], expected, rtol=0, atol=1e-10)


def test_first_weights():
    params = script.init_params(4000, 3, 0.3, np.random.default_rng(0))
    shapes = {"W1": (2, 3), "b1": (1, 3), "W2": (3, 1), "b2": (1, 1)}
    for name, values in params.items():
        assert values.shape == (4000, *shapes[name])
        assert np.abs(values).max() <= 0.3
        assert values.std() == pytest.approx(0.3 / np.sqrt(3), rel=0.05)
        assert abs(values.mean()) < 0.01


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


def test_a_network_is_judged_by_its_outputs_and_its_loss():
    wired = {  # OR and AND, steep; the output "the first, but not the second"
        "W1": [[40.0, 40.0], [40.0, 40.0]], "b1": [[-20.0, -60.0]],
        "W2": [[40.0], [-40.0]], "b2": [[-20.0]],
    }  # fmt: skip
    found = judge(wired)
    assert found["solved"][0] and found["outcome"][0] == 0
    tied = {  # unit 1 says x1, unit 2 says "only x2"; flat and equal where x1 = 1
        "W1": [[40.0, -40.0], [0.0, 40.0]], "b1": [[-20.0, -20.0]],
        "W2": [[10.0], [20.0]], "b2": [[-10.0]],
    }  # fmt: skip
    found = judge(tied)
    assert not found["solved"][0] and found["outcome"][0] == 2
    assert found["loss"][0] == pytest.approx(1 / 16, rel=1e-3)
    half = {k: np.zeros_like(v) for k, v in LEARNS.items()}
    found = judge(half)
    assert found["outcome"][0] == 4
    assert not found["solved"][0]  # a half is not right
    found = judge(half, "--loss", "bce")
    assert found["outcome"][0] == 4 and found["loss"][0] == pytest.approx(np.log(2))
    moving, _, found = many(50, "--epochs", "250")
    levels = np.array([script.resting_loss(m, "mse") for m in (2, 3, 4)])
    near = np.abs(found["loss"][:, None] / levels - 1) < 0.02
    np.testing.assert_array_equal(found["outcome"] > 0, near.any(axis=1))
    error = np.abs(script.forward(moving, X)["a2"] - y)[..., 0]
    np.testing.assert_array_equal(found["solved"], error.max(axis=1) < 0.5)


@pytest.mark.parametrize("momentum", ["0", "0.9"])
@pytest.mark.parametrize("activation, lr", [("sigmoid", "5"), ("tanh", "2")])
def test_no_tied_network_has_a_loss_below_its_level(activation, lr, momentum):
    flags = ["--activation", activation, "--momentum", momentum, "--epochs", "1500"]
    _, _, found = many(200, *flags, "--lr", lr)
    assert set(found["outcome"]) >= {2}
    for tied in {2, 3, 4} & set(found["outcome"]):
        level = script.resting_loss(tied, "mse")
        there = found["outcome"] == tied
        np.testing.assert_allclose(found["loss"][there], level, rtol=0.02)


def test_history_knows_since_when_the_outputs_are_right():
    first = script.init_params(5, 2, 1.0, np.random.default_rng(0))
    args = settings("--epochs", "1500")
    _, history = script.train_many(first, X, y, args)
    assert history["epoch"] == [*range(1, 50), *range(51, 1501, 3)]
    assert np.shape(history["losses"]) == (len(history["epoch"]), 5)
    before = script.loss(script.forward(first, X)["a2"], y)
    np.testing.assert_array_equal(history["losses"][0], before)
    learnt = np.flatnonzero(history["right"] < 1500)
    assert len(learnt) > 0
    for t in learnt:
        for steps, right in ((history["right"][t], True),
                             (history["right"][t] - 1, False)):  # fmt: skip
            params, _ = learn(one(first, t), steps)
            error = np.abs(script.forward(params, X)["a2"] - y).max()
            assert (error < 0.5) == right


def test_history_of_outputs_that_are_right_at_once_and_of_a_half():
    fold = {"W1": [[20.0, 20], [20, 20]], "b1": [[-10.0, -30]],
            "W2": [[20.0], [-40]], "b2": [[-10.0]]}  # fmt: skip
    for params, right in (
        ({k: np.array([v]) for k, v in fold.items()}, 0),
        ({k: np.array([v]) * 0 for k, v in fold.items()}, 3),  # each output is a half
    ):
        _, history = script.train_many(params, X, y, settings("--epochs", "3"))
        np.testing.assert_array_equal(history["right"], [right])


@pytest.mark.parametrize(
    "seed", [1, *(pytest.param(s, marks=pytest.mark.slow) for s in (2, 3))]
)
def test_four_hidden_units_hardly_ever_get_stuck(seed):
    _, _, found = many(150, "--seed", str(seed), "--hidden", "4")
    assert found["solved"].sum() >= 145


def test_verdict_speaks_of_the_same_networks(capsys):
    args = settings("--epochs", "600")
    last, history, found = many(40, "--epochs", "600")
    capsys.readouterr()
    metrics = script.tell_many(history, found, args)
    out = capsys.readouterr().out
    assert f"{found['solved'].sum()} of 40 solve XOR" in out
    assert metrics["success_rate"] == found["solved"].mean()
    assert metrics["median_epochs"] == np.median(history["right"][found["solved"]])
    assert sum(row["networks"] for row in metrics["others"].values()) == (
        ~found["solved"]
    ).sum()
    none = {**found, "solved": np.zeros(40, dtype=bool)}
    metrics = script.tell_many(history, none, args)
    assert metrics["median_epochs"] is None and "0 of 40" in capsys.readouterr().out


def test_each_way_to_fail_has_its_name(capsys):
    found = {
        "solved": np.zeros(5, dtype=bool), "outcome": np.array([2, 2, 3, 4, 0]),
        "loss": np.array([0.06, 0.07, 0.08, 0.12, 0.1]),
    }  # fmt: skip
    metrics = script.tell_many({"right": np.zeros(5)}, found, settings())
    assert {name: row["networks"] for name, row in metrics["others"].items()} == {
        "two corners tied": 2, "three tied": 1, "all four tied": 1, "on the way": 1
    }  # fmt: skip
    assert metrics["others"]["two corners tied"]["loss"] == pytest.approx(0.065)
    out = capsys.readouterr().out
    assert "0.0625" in out and "0.0833" in out and "0.1250" in out


def test_relu_is_flat_at_zero():
    a, slope = script.activate(np.array([-1.0, 0.0, 2.0]), "relu")
    np.testing.assert_array_equal(a, [0, 0, 2])
    np.testing.assert_array_equal(slope, [0, 0, 1])


def test_a_run_says_that_it_has_not_learnt(tmp_path, capsys, undrawn):
    flags = ["--networks", "10", "--no-show", "--out", str(tmp_path)]
    assert script.main(["--epochs", "700", *flags]) == 0
    out = capsys.readouterr().out
    assert "It has learnt XOR" in out
    assert "has not learnt XOR" in out and "--weights" in out


def test_own_weights_as_rows_or_lists_and_of_other_widths(tmp_path, capsys):
    path = tmp_path / "mine.json"
    saved = {k: v.tolist() for k, v in STUCK.items()}
    for b1, b2 in (([[0.8, -0.6]], [[0.3]]), ([0.8, -0.6], [0.3]), ([0.8, -0.6], 0.3)):
        path.write_text(json.dumps({**saved, "b1": b1, "b2": b2}))
        read = script.read_weights(path)
        for name in STUCK:
            np.testing.assert_array_equal(read[name], STUCK[name])
    wide = {"W1": [[1, 2, 3], [4, 5, 6]], "b1": [1, 2, 3], "W2": [[1], [2], [3]],
            "b2": [0]}  # fmt: skip
    path.write_text(json.dumps(wide))
    flags = ["--weights", str(path), "--networks", "10", "--epochs", "20", "--no-show"]
    assert script.main([*flags, "--out", str(tmp_path / "o")]) == 0
    assert not (tmp_path / "o" / "folding.png").exists()


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '{"W1": 3}', "nonsense", '{"W1": [[1, 2]], "b1": [1, 2]}',
     '{"W1": [[1, 2], [3, NaN]], "b1": [1, 2], "W2": [[1], [2]], "b2": [1]}',
     '{"W1": [[1, 2], [3, "x"]], "b1": [1, 2], "W2": [[1], [2]], "b2": [1]}',
     '{"W1": [[], []], "b1": [], "W2": [], "b2": [1]}', "[" * 100_000,
     '{"W1": [[1, 2], [3, 1' + "0" * 400 + ']], "b1": [1, 2], "W2": [[1], [2]], "b2": 1}'],
    ids=lambda content: content[:30],
)  # fmt: skip
def test_bad_weights_are_one_sentence(content, tmp_path, capsys):
    path = tmp_path / "mine.json"
    path.write_text(content)
    flags = ["--weights", str(path), "--no-show", "--out", str(tmp_path / "o")]
    assert script.main(flags) == 2
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1 and "mine.json" in captured.err


@pytest.mark.parametrize(
    "flags",
    ["--hidden 0", "--hidden 2.5", "--scale -1", "--scale nan", "--momentum 1",
     "--momentum -1e-1", "--networks 9", "--networks 1e3", "--activation gelu",
     "--loss mae", "--start stuck", "--lr 0"],
)  # fmt: skip
def test_bad_settings_are_one_sentence(flags, tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        script.main([*flags.split(), "--out", str(tmp_path / "o")])
    captured = capsys.readouterr()
    assert stopped.value.code == 2 and captured.out == ""
    assert captured.err.count("\n") == 1 and flags.split()[0] in captured.err
    assert not (tmp_path / "o").exists()


@pytest.mark.slow
def test_rumelharts_setting_and_its_time():
    before = time.process_time()
    flags = ("--scale", "0.3", "--momentum", "0.9", "--lr", "2", "--epochs", "5000")
    _, _, found = many(1000, *flags)
    assert time.process_time() - before < 5
    assert script.wilson(found["solved"])["rate"] >= 0.96
