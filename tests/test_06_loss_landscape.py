"""06: the bowl is foretold exactly, and every picture agrees with the Hessian."""

import functools
import json
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import GradientCase, load, numerical_gradient, relative_error
from tutor import Lesson

script = load("06_loss_landscape")
QUICK = ["--epochs", "20", "--hidden", "4"]
TIMINGS = []
FAILS = [["--lr", "1"]]  # commands of README.md that end with status 1
LIMIT, START, BOTTOM = 0.5, np.zeros(2), np.array([1.0, 3.0])
N, D, M, K = 7, 3, 5, 2


def network(seed=6, n_hidden=5, networks=()):
    """Return theta with biases that are not zero, X and y of a small network."""
    rng = np.random.default_rng(seed)
    X, y = script.make_data(rng, networks)
    theta = script.pack(script.init_params(n_hidden, rng, networks))
    return theta + 0.3 * rng.normal(size=theta.shape), X, y


def gradient_cases():
    rng = np.random.default_rng(6)
    X, y = rng.normal(size=(N, D)), rng.normal(size=(N, K))
    params = {
        "W1": rng.normal(size=(D, M)),
        "b1": rng.normal(size=(1, M)),
        "W2": rng.normal(size=(M, K)),
        "b2": rng.normal(size=(1, K)),
    }

    def tf_loss(tf, p):
        a2 = tf.tanh(X @ p["W1"] + p["b1"]) @ p["W2"] + p["b2"]
        return tf.reduce_sum((a2 - y) ** 2) / (2 * N)

    yield GradientCase(
        "tanh-linear",
        (N, D, M, K),
        params,
        forward=lambda p: script.forward(p, X),
        loss=lambda c: script.loss(c["a2"], y),
        backward=lambda p, c: script.backward(p, X, c, y),
        tf_loss=tf_loss,
    )


def your_turn_calls(script, rng, n):
    """Arguments for each function: a network 1-4-1 on n examples; the bowl has four."""
    M = 4 if n > 1 else 1
    X, y = rng.normal(size=(n, 1)), rng.normal(size=(n, 1))
    theta = rng.normal(size=3 * M + 1)
    params = script.unpack(theta)
    cache = script.forward(params, X)
    line = rng.normal(size=2)
    d1, d2 = rng.normal(size=(2, theta.size))
    path = rng.normal(size=(6, theta.size))
    lines, thetas = rng.normal(size=(3, 2)), rng.normal(size=(3, theta.size))
    many = script.unpack(thetas)  # a stack of three
    caches = script.forward(many, X)
    other = {name: params[name] for name in ("W2", "b2", "b1", "W1")}
    low = np.linalg.solve(script.BOWL, script.A.T @ script.HEIGHTS / 4) + [1e-8, 2e-8]
    X3, y3 = (np.stack([each, each[::-1], 2 * each]) for each in (X, y))  # own data
    caches3 = script.forward(many, X3)
    return {
        "line_loss": [(line,), (lines,)],
        "line_gradient": [(line,)],
        "descend": [(line, 0.2, 0.3, 4), (line, 0.2, 0.3, 4, np.array([1, 0]))],
        "descend_adam": [(line, 0.2, 0.9, 4), (line, 0.2, 0.3, 4), (low, 0.2, 0.9, 1)],
        "forward": [(params, X), (many, X), (many, X3)],
        "pack": [(params,), (other,), (many,)],
        "unpack": [(theta,), (thetas,)],
        "loss": [(cache["a2"], y), (caches["a2"], y), (caches3["a2"], y3)],
        "backward": [
            (params, X, cache, y), (many, X, caches, y), (many, X3, caches3, y3)
        ],
        "loss_at": [(theta, X, y), (thetas, X, y), (thetas, X3, y3)],
        "gradient": [(theta, X, y), (thetas, X, y), (thetas, X3, y3)],
        "hessian_times": [
            (d1, theta, X, y), (d1, theta, X, y, 0.1), (thetas, theta, X, y)
        ],
        "train": [
            (theta, X, y, 3, 0.1), (theta, X, y, 300, 0.1),
            (thetas, X, y, 3, np.array([[0.1], [0.2], [0.3]])),
        ],  # fmt: skip
        "loss_on_plane": [(theta, d1, d2, np.linspace(-1, 1, 3), np.linspace(0, 2, 4), X, y)],
        "plane_of_path": [(path,)] if n > 1 else [],
    }


def turned(result):
    """Return a plane whose directions have their largest entry above 0."""
    directions, coordinates, *rest = result
    signs = np.sign(directions[[0, 1], np.abs(directions).argmax(axis=1)])
    return directions * signs[:, None], coordinates * signs, *rest


YOUR_TURN = Lesson(
    functions={
        "line_loss": "Half the mean of the squared differences (6.1); theta @ A.T.",
        "line_gradient": "The transpose of A times the differences, over N (6.2).",
        "descend": "velocity, then theta, then keep theta (6.16).",
        "descend_adam": "m and v, both corrected for their start at 0 (6.17).",
        "forward": "As in lesson 02, with tanh, and no activation at the output (6.18).",
        "pack": "Everything in one row: W1, b1, W2, b2.",
        "unpack": "The way back from a row of 3 M + 1 numbers.",
        "loss": "Half the squared error, summed, over the number of rows (6.19).",
        "backward": "As in lesson 02: dz2 (6.20), dW2 (6.21), dz1 and dW1 (6.22).",
        "loss_at": "The loss of the network that theta holds.",
        "gradient": "unpack, forward, backward, pack.",
        "hessian_times": "The difference of two gradients, over 2 h (6.24).",
        "train": "One step down the gradient each epoch; keep some of the path (6.23).",
        "loss_on_plane": "A grid of networks theta + alpha d1 + beta d2 (6.28).",
        "plane_of_path": "The two directions along which the path is longest (6.29).",
    },
    calls=your_turn_calls,
    names={
        "plane_of_path": ("directions", "coordinates", "distance", "share"),
        "train": ("path", "epochs"),
    },
    forms={"plane_of_path": turned},  # either sign of a direction is right
    factors=lambda n: {4: "4 times too large, and there are 4 points: is 1/N missing"},
    equivalent=("axis=(-2, (1))", "1e-05", "h=2e-05"),
    slips=[
        ("descend_adam", "np.sqrt(v / (1 - 0.999**step)) + 1e-8",
         "np.sqrt(v / (1 - 0.999**step) + 1e-8)", "1e-8 stands behind the root, not in it."),
        ("hessian_times", "(ahead - behind) / (2 * h)", "(ahead - gradient(theta, X, y)) / h",
         "this is the difference on one side; both sides together are far more exact."),
        ("backward", "(1 - a1**2)", "(1 - cache['z1'] ** 2)", "the slope of tanh is "
         "1 - a1^2, with the activation and not with the sum (6.22)."),
        ("plane_of_path", "path - path[-1]", "path - path[0]", "the plane goes through the "
         "end of the path: subtract path[-1], not the start."),
        ("plane_of_path", "vectors[:, [-1, -2]].T", "vectors[[-1, -2]]", "the eigenvectors "
         "are the columns that eigh returns, not the rows."),
        ("plane_of_path", "[-1, -2]", "[-2, -1]", "the two directions are exchanged: the "
         "first is that along which the path is longest."),
        ("line_loss", " / 2  # (6.1)", "  # (6.1)", "the loss is twice too large: half the "
         "mean (6.1)."),
        ("line_loss", "np.mean(residual**2, axis=-1)", "np.sum(residual**2, axis=-1)",
         "this is the sum over the points; (6.1) takes the mean."),
        ("line_gradient", " / len(HEIGHTS)", "", "1/N is missing (6.2)."),
        ("line_gradient", "A @ theta - HEIGHTS", "HEIGHTS - A @ theta", "the sign: the "
         "difference is the line's height minus the point's (6.2)."),
        ("descend", "- lr * free", "+ lr * free", "the step goes uphill (6.16)."),
        ("descend", " * free", "", "free is forgotten: where it is 0 nothing may move."),
        ("descend", "momentum * velocity - ", "", "momentum is forgotten: a share of the "
         "last step belongs to the next (6.16)."),
        ("descend_adam", " / (1 - momentum**step)", "", "the correction of m is missing: it "
         "starts at 0, so it is too small at first (6.17)."),
        ("descend_adam", "np.sqrt(v / (1 - 0.999**step))", "np.sqrt(v)", "the correction "
         "of v is missing: it starts at 0, so it is too small at first (6.17)."),
        ("descend_adam", "np.sqrt(v / (1 - 0.999**step))", "v / (1 - 0.999**step)", "the "
         "root is missing: the slope is divided by the root of its mean square (6.17)."),
        ("forward", "np.tanh(z1)", "z1", "a1 is not yet squashed: tanh is missing (6.18)."),
        ("forward", ' + params["b1"]', "", "b1 is missing in z1 (6.18)."),
        ("forward", ' + params["b2"]', "", "b2 is missing in z2 (6.18)."),
        ("forward", '"a2": z2', '"a2": np.tanh(z2)', "the output has no activation here: "
         "a2 is z2."),
        ("loss", "(2 * y.shape[-2])", "y.shape[-2]", "the loss is twice too large: half "
         "the mean squared error (6.19)."),
        ("backward", " / y.shape[-2]", "", "everything is N times too large: 1/N is "
         "missing in dz2 (6.20)."),
        ("backward", "(a2 - y)", "(a2 - y) * a2 * (1 - a2)", "dz2 has the slope of a "
         "sigmoid; this output has no activation (6.20)."),
        ("backward", " * (1 - a1**2)", "", "dz1 lacks the slope of tanh, 1 - a1^2 (6.22)."),
        ("backward", "(1 - a1**2)", "(1 - a1)", "the slope of tanh is 1 - a1^2, with the "
         "square (6.22)."),
        ("backward", "(1 - a1**2)", "a1 * (1 - a1)", "this is the slope of the sigmoid; "
         "that of tanh is 1 - a1^2 (6.22)."),
        ("backward", "(a2 - y)", "(y - a2)", "every slope has the wrong sign: dz2 is "
         "a2 - y, over N (6.20)."),
        ("hessian_times", "(2 * h)", "h", "H v is twice too large: the two points are 2 h "
         "apart (6.24)."),
        ("hessian_times", "ahead - behind", "behind - ahead", "H v has the wrong sign: "
         "ahead minus behind (6.24)."),
        ("train", "- lr *", "+ lr *", "the step goes uphill: subtract lr times the "
         "gradient (6.23)."),
        ("loss_on_plane", "loss_at(points, X, y)", "loss_at(points, X, y).T", "rows and columns are exchanged: a row for each beta (6.28)."),
        ("plane_of_path", "[-1, -2]", "[0, 1]", "these are the directions along which the "
         "path is shortest; eigh gives the longest last."),
        ("plane_of_path", "path - path[-1]", "path - path.mean(axis=0)", "the plane must "
         "go through the end of the path, not through its mean."),
        ("descend", "lr * free", "free",
         "lr is missing in the step (6.16)."),
        ("descend_adam", "theta - lr", "theta + lr",
         "the step goes uphill (6.17)."),
        ("descend_adam", "theta - lr *", "theta -",
         "lr is missing in the step (6.17)."),
        ("descend_adam", "(1 - momentum) * slope", "slope",
         "the slope enters m with the factor 1 - momentum (6.17)."),
        ("hessian_times", "gradient(theta - h * v, X, y)", "gradient(theta, X, y)",
         "one side is not moved: the difference is that of theta + h v and "
         "theta - h v (6.24)."),
        ("forward", "a1 @ params", "z1 @ params",
         "the next layer takes the activations a of this one, not its sums z "
         "(6.18)."),
        ("backward", "dW2 = a1.mT", "dW2 = cache[\"z1\"].mT",
         "the slopes of the weights take the activations a, not the sums z "
         "(6.21)."),
        ("line_loss", "residual**2", "residual",
         "the differences are not squared (6.1)."),
    ],
)  # fmt: skip


BREAKS = [  # of README.md, "Break it": the script's text, the change, who notices
    ("return A.T @ residual / len(HEIGHTS)", "return A.T @ residual",
     "test_the_gradient_of_the_line_is_that_of_its_loss"),
    ("(1 - a1**2)", "(1 - a1)", "test_h_is_symmetric_and_times_v_is_h_v"),
    ("[-1, -2]", "[0, 1]", "test_the_plane_of_a_path_holds_more_than_any_other"),
]  # fmt: skip


def beginning(seed):
    """Return X, y and the start (49,) of the lesson's training."""
    rng = np.random.default_rng(seed)
    X, y = script.make_data(rng)
    return X, y, script.pack(script.init_params(16, rng))


def walk(seed, lr):
    """Return X, y and each of the 4,000 steps (4001, 49) of the lesson's training."""
    X, y, start = beginning(seed)
    path = [start]
    for _ in range(4000):
        path.append(path[-1] - lr * script.gradient(path[-1], X, y))
    return X, y, np.array(path)


@functools.cache
def jumps(seed=0, lr=0.4):
    """The largest curvature in the plane of 100 more steps, and in all; lengths."""
    X, y, steps = walk(seed, lr)
    path, _ = script.train(steps[-1], X, y, 100, lr)
    d, H = script.plane_of_path(path)[0], whole(path[-1], X, y)
    values, vectors = np.linalg.eigh(H)
    across = np.diff(path @ vectors[:, -1])
    walked = np.linalg.norm(np.diff(steps, axis=0), axis=1)
    middle = script.gradient((steps[-2] + steps[-1]) / 2, X, y)
    return {
        "jumps_plane": np.linalg.eigvalsh(d @ H @ d.T)[-1],
        "jumps_all": values[-1],
        "across": across,
        "walked": walked.sum(),
        "longest": walked.max(),
        "away": np.linalg.norm(steps[0] - steps[-1]),
        "middle_slope": np.linalg.norm(middle),
        "end_slope": np.linalg.norm(script.gradient(steps[-1], X, y)),
    }


@functools.cache
def rivals(seed=0):
    """Curvature in the plane of the path, in 500 random planes, and how many win."""
    X, y, path = walk(seed, 0.2)
    d, H = script.plane_of_path(path[::40])[0], whole(path[-1], X, y)
    rng = np.random.default_rng(6)
    planes, _ = np.linalg.qr(rng.normal(size=(500, 49, 2)))  # at right angles, length 1
    seen = np.linalg.eigvalsh(planes.mT @ H @ planes)[:, -1]
    own = np.linalg.eigvalsh(d @ H @ d.T)[-1]
    back = (path[0] - path[-1]) / np.linalg.norm(path[0] - path[-1])
    return {"own": own, "random": seen.mean(), "more": np.mean(seen > own),
            "straight": back @ H @ back}  # fmt: skip


def tamed(seed=1):
    """The largest eigenvalue after ten steps with the rate 1."""
    X, y, start = beginning(seed)
    return script.largest([script.train(start, X, y, 10, 1)[0][-1]], [X], [y])[0]


def left(descent, start, momentum):
    """What 40 steps from ``start`` leave, with the best of a hundred rates."""
    start = np.array(start, dtype=float)
    paths = [descent(start, lr, momentum, 40) for lr in np.geomspace(0.05, 3, 100)]
    return np.linalg.norm(min(paths, key=late)[-1] - BOTTOM)


def worked():
    """Return the numbers that README.md works by hand."""
    low, high = np.linalg.eigvalsh(script.BOWL)
    slope = script.line_gradient(START)
    one = script.descend(START, 0.25, 0, 1)[1]
    speed = script.descend(START, 0.64, 0.36, 2)
    held = script.descend(np.array([0.0, 3.0]), 0.2, 0, 1, np.array([1, 0]))
    e = START - BOTTOM
    d = script.plane_of_path(script.descend(START, 0.25, 0, 40))[0][0]
    X, y, theta = beginning(0)
    far = np.array([3, -1])
    ball = script.descend(far, 0.64, 0.36, 40)[-1]
    return {
        "start_loss": script.line_loss(START),
        "bottom_loss": script.line_loss(BOTTOM),
        "dw": slope[0],
        "db": slope[1],
        "h11": script.BOWL[0, 0],
        "h12": script.BOWL[0, 1],
        "h22": script.BOWL[1, 1],
        "low": low,
        "high": high,
        "quadratic": e @ script.BOWL @ e / 2,
        "held_slope": script.line_gradient(np.array([0.0, 3.0]))[0],
        "held_w": held[1, 0],
        "one_w": one[0],
        "one_b": one[1],
        "best": 2 / (low + high),
        "best_factor": (high - low) / (high + low),
        "speed_w1": speed[1, 0],
        "speed_b1": speed[1, 1],
        "speed_w2": speed[2, 0],
        "speed_b2": speed[2, 1],
        "adam_w": script.descend_adam(START, 0.4, 0.9, 1)[1, 0],
        "adam_b": script.descend_adam(START, 0.4, 0.9, 1)[1, 1],
        "limit": 2 / high,
        "kappa": high / low,
        "adam_far": left(script.descend_adam, far, 0.36),
        "ball_far": np.linalg.norm(ball - BOTTOM),
        "along": d @ script.BOWL @ d,
        "next": np.linalg.eigvalsh(whole(theta, X, y))[1],
        "calm_plane": jumps(lr=0.2)["jumps_plane"],
        "calm_all": jumps(lr=0.2)["jumps_all"],
        **{f"random{seed}": rivals(seed)["more"] for seed in range(4)},
        "random_bend": rivals()["random"],
        "straight": rivals()["straight"],
        **{key: value for key, value in jumps().items() if key != "across"},
    }


# --- The bowl -------------------------------------------------------------------------


def test_the_gradient_of_the_line_is_that_of_its_loss(rng):
    for theta in rng.normal(size=(5, 2)):
        numerical = numerical_gradient(
            lambda p: script.line_loss(p["theta"]), {"theta": theta}
        )["theta"]
        assert relative_error(script.line_gradient(theta), numerical) < 1e-7


def test_the_hessian_of_the_line_is_the_derivative_of_its_gradient(rng):
    theta = rng.normal(size=2)
    for i, step in enumerate(np.eye(2)):
        column = script.line_gradient(theta + step) - script.line_gradient(theta)
        np.testing.assert_allclose(column, script.BOWL[:, i])
    np.testing.assert_allclose(np.linalg.eigvalsh(script.BOWL), [0.25, 4])


def test_the_bowl_is_its_bottom_and_half_a_square(rng):
    for theta in rng.normal(size=(5, 2)):
        e = theta - BOTTOM
        assert script.line_loss(theta) == pytest.approx(0.125 + e @ script.BOWL @ e / 2)
        np.testing.assert_allclose(script.line_gradient(theta), script.BOWL @ e)
    slope, height = np.polyfit(script.A[:, 0], script.HEIGHTS, 1)
    np.testing.assert_allclose([slope, height], BOTTOM)


def test_many_lines_at_once_have_the_losses_of_each(rng):
    thetas = rng.normal(size=(4, 3, 2))
    losses = script.line_loss(thetas)
    assert losses.shape == (4, 3)
    assert losses[2, 1] == pytest.approx(script.line_loss(thetas[2, 1]))


@pytest.mark.parametrize("share", [0.5, 1.0, 1.9, 2.1])
def test_in_one_weight_each_step_multiplies_the_error_by_one_minus_eta_lambda(share):
    curve = script.BOWL[0, 0]
    path = script.descend(np.array([0.0, 3.0]), share / curve, 0, 6, np.array([1, 0]))
    np.testing.assert_allclose(path[:, 0] - 1, -((1 - share) ** np.arange(7)))
    assert np.all(path[:, 1] == 3)


@pytest.mark.parametrize("lr", [0.25, 0.475, 0.525])
def test_in_two_weights_each_step_multiplies_the_error_by_one_minus_eta_h(lr):
    path = script.descend(START, lr, 0, 5)
    for before, after in zip(path, path[1:]):
        expected = (np.eye(2) - lr * script.BOWL) @ (before - BOTTOM)
        np.testing.assert_allclose(after - BOTTOM, expected)


@pytest.mark.parametrize("share", [0.1, 0.9, 0.99, 1.01, 1.1])
def test_descent_arrives_below_two_over_lambda_and_only_there(share):
    error = np.linalg.norm(
        script.descend(START, share * LIMIT, 0, 400) - BOTTOM, axis=1
    )
    assert (error[-1] < error[50]) == (share < 1)


def test_no_plain_rate_is_faster_than_the_best_one():
    def factor(lr):
        return np.abs(1 - lr * np.linalg.eigvalsh(script.BOWL)).max()

    assert factor(2 / 4.25) == pytest.approx(15 / 17)
    assert min(factor(lr) for lr in np.linspace(0.01, 0.6, 600)) >= 15 / 17 - 1e-12


def test_momentum_beats_the_best_plain_descent_by_far():
    plain = script.descend(START, 2 / 4.25, 0, 40)[-1]
    speedy = script.descend(START, 0.64, 0.36, 40)[-1]
    assert np.linalg.norm(speedy - BOTTOM) < 1e-4 * np.linalg.norm(plain - BOTTOM)


def late(path):
    return np.linalg.norm(path[31:] - BOTTOM, axis=1).max()


def test_no_momentum_is_better_than_the_best():
    """The longest root of (6.30), at both eigenvalues, for a grid of eta and mu."""
    eta, mu, value = np.ix_(np.linspace(0.01, 2, 200), np.linspace(0, 1, 101), (0.25, 4))
    half = (1 + mu - eta * value) / 2
    root = np.sqrt(half**2 - mu + 0j)
    longest = np.maximum(abs(half + root), abs(half - root)).max(axis=2)
    assert longest.min() == pytest.approx(0.6) == longest[63, 36]


@pytest.mark.parametrize("descent", ["descend", "descend_adam"])
def test_the_rate_found_is_the_best_of_a_hundred(descent):
    walk = getattr(script, descent)
    best = script.best_rate(walk, 0.36, BOTTOM)
    for lr in np.geomspace(0.05, 3, 100):
        assert late(walk(START, best, 0.36, 40)) <= late(walk(START, lr, 0.36, 40))


@pytest.mark.parametrize("descent", ["descend", "descend_adam"])
def test_a_memory_of_nine_tenths_is_what_makes_both_slow(descent):
    def left_by(start, momentum):
        return left(getattr(script, descent), start, momentum)

    assert left_by(START, 0.36) < 1e-4 and left_by(START, 0.9) > 0.1
    for start in ((3, -1), (0, 5)):
        assert left_by(start, 0.9) > 100 * left_by(start, 0.36)
        if descent == "descend_adam":  # the memory is only a part of the reason
            assert left_by(start, 0.36) > 1000 * left(script.descend, start, 0.36)


def test_adams_path_depends_on_the_axes_and_that_of_descent_does_not(monkeypatch):
    """Turn the bowl by an eighth: plain descent turns with it, Adam does not."""
    turn = np.array([[1.0, -1.0], [1.0, 1.0]]) / np.sqrt(2)
    plain, adam = script.descend(START, 0.25, 0, 9), script.descend_adam(START, 0.4, 0.9, 9)
    monkeypatch.setattr(script, "A", script.A @ turn)
    np.testing.assert_allclose(script.descend(START, 0.25, 0, 9) @ turn.T, plain)
    assert np.abs(script.descend_adam(START, 0.4, 0.9, 9) @ turn.T - adam).max() > 0.1


@pytest.mark.parametrize("adam", [False, True])
def test_momentum_and_adam_step_as_in_scikit_learn(adam):
    from sklearn.neural_network import _stochastic_optimizers as optimizers

    moved = START.copy()
    if adam:
        path = script.descend_adam(START, 0.05, 0.9, 10)
        oracle = optimizers.AdamOptimizer([moved], 0.05)
    else:
        path = script.descend(START, 0.05, 0.8, 10)
        oracle = optimizers.SGDOptimizer([moved], 0.05, momentum=0.8, nesterov=False)
    for step in range(1, 11):
        oracle.update_params([moved], [script.line_gradient(moved)])
        np.testing.assert_allclose(path[step], moved, atol=1e-6)


# --- The network ----------------------------------------------------------------------


def test_networks_side_by_side_are_the_networks_one_by_one(rng):
    theta, X, y = network()
    thetas = theta + rng.normal(size=(3, 2, theta.size))
    losses, grads = script.loss_at(thetas, X, y), script.gradient(thetas, X, y)
    for place in np.ndindex(3, 2):
        assert losses[place] == pytest.approx(script.loss_at(thetas[place], X, y))
        one = script.gradient(thetas[place], X, y)
        np.testing.assert_allclose(grads[place], one, atol=1e-14)


def test_networks_with_points_of_their_own_are_the_networks_one_by_one():
    theta, X, y = network(networks=(4,))
    grads = script.gradient(theta, X, y)
    for i in range(4):
        np.testing.assert_allclose(grads[i], script.gradient(theta[i], X[i], y[i]))


def test_pack_and_unpack_are_inverse_and_in_order(rng):
    params = script.init_params(5, rng, (4,))
    params["b1"] += rng.normal(size=(4, 1, 5))
    theta = script.pack(params)
    assert theta.shape == (4, 16)
    for key, value in script.unpack(theta).items():
        np.testing.assert_array_equal(value, params[key])
    np.testing.assert_array_equal(theta[2, :5], params["W1"][2].ravel())
    np.testing.assert_array_equal(theta[2, 5:10], params["b1"][2].ravel())
    np.testing.assert_array_equal(theta[2, 10:15], params["W2"][2].ravel())


def test_data_and_start_are_as_stated(rng):
    X, y = script.make_data(rng, (200,))
    assert X.shape == y.shape == (200, 50, 1) and np.abs(X).max() < 1
    assert np.std(y - np.sin(4 * X)) == pytest.approx(0.2, rel=0.03)
    params = script.init_params(400, rng, (20,))
    assert params["W1"].std() == pytest.approx(1, rel=0.03)
    assert params["W2"].std() == pytest.approx(1 / 20, rel=0.03)
    assert not params["b1"].any() and not params["b2"].any()


def test_training_is_descent_and_its_path_is_told_at_a_hundred_moments():
    theta, X, y = network()
    path, moments = script.train(theta, X, y, 502, 0.01)
    assert list(moments[[0, 1, -2, -1]]) == [0, 5, 500, 502]
    few, moments = script.train(theta, X, y, 7, 0.01)
    assert list(moments) == [*range(8)] and len(few) == 8
    for _ in range(5):
        theta = theta - 0.01 * script.gradient(theta, X, y)
    np.testing.assert_array_equal(path[1], theta)
    losses = script.loss_at(path, X, y)
    assert np.all(np.diff(losses) < 0)


def test_each_network_of_a_stack_may_have_its_own_rate():
    theta, X, y = network(networks=(3,))
    rates = np.array([[0.01], [0.02], [0.05]])
    path, _ = script.train(theta, X, y, 7, rates)
    one, _ = script.train(theta[1], X[1], y[1], 7, 0.02)
    np.testing.assert_allclose(path[:, 1], one)


@pytest.mark.parametrize("seed", range(3))
def test_training_learns_the_curve(seed):
    rng = np.random.default_rng(seed)
    X, y = script.make_data(rng)
    start = script.pack(script.init_params(16, rng))
    path, _ = script.train(start, X, y, 1500, 0.2)
    assert script.loss_at(path[-1], X, y) < 0.04  # the noise alone is 0.02


# --- Curvature and slices -------------------------------------------------------------


def whole(theta, X, y):
    return script.hessian_times(np.eye(theta.size), theta, X, y)


def test_hessian_matches_tensorflow(tf):
    theta, X, y = network()
    variables = {k: tf.Variable(v) for k, v in script.unpack(theta).items()}
    names = ("W1", "b1", "W2", "b2")
    with tf.GradientTape(persistent=True) as outer:
        with tf.GradientTape() as inner:
            a1 = tf.tanh(X @ variables["W1"] + variables["b1"])
            a2 = a1 @ variables["W2"] + variables["b2"]
            value = tf.reduce_sum((a2 - y) ** 2) / (2 * len(y))
        grads = inner.gradient(value, [variables[k] for k in names])
        flat = tf.concat([tf.reshape(g, [-1]) for g in grads], axis=0)
    rows = outer.jacobian(
        flat, [variables[k] for k in names], experimental_use_pfor=False
    )
    oracle = np.concatenate([r.numpy().reshape(theta.size, -1) for r in rows], axis=1)
    assert relative_error(whole(theta, X, y), oracle) < 1e-8


def test_h_is_symmetric_and_times_v_is_h_v(rng):
    theta, X, y = network()
    H, v = whole(theta, X, y), rng.normal(size=theta.size)
    np.testing.assert_allclose(H, H.T, atol=1e-8)
    np.testing.assert_allclose(
        script.hessian_times(v, theta, X, y), H @ v, rtol=1e-5, atol=1e-7
    )


def test_the_second_difference_of_a_slice_is_dhd(rng):
    theta, X, y = network()
    d, h = rng.normal(size=theta.size), 1e-3
    left, middle, right = script.loss_at(theta + np.outer([-h, 0, h], d), X, y)
    seen = (left - 2 * middle + right) / h**2
    assert seen == pytest.approx(d @ whole(theta, X, y) @ d, rel=1e-3)


def test_random_slices_bend_by_the_mean_eigenvalue_and_hide_most_slopes_down(rng):
    theta, X, y = network(n_hidden=16)
    row, panel = script.look_around(theta, X, y, 0, rng)
    values = np.linalg.eigvalsh(whole(theta, X, y))
    assert row["least"] == pytest.approx(values[0]) and row["least"] < 0
    assert row["largest"] == pytest.approx(values[-1])
    assert row["mean"] == pytest.approx(np.trace(whole(theta, X, y)) / theta.size)
    spread = np.sqrt(2 * np.mean((values - values.mean()) ** 2) / theta.size)
    assert abs(row["slices"] - row["mean"]) < 4 * spread / np.sqrt(1000)
    assert row["down"] < row["below 0"] / theta.size
    t, losses, _, _ = panel[1]["most"]
    assert len(t) == len(losses)
    assert losses[49][0] == pytest.approx(row["loss"])


def test_lanczos_finds_both_ends_of_the_whole_spectrum(rng, monkeypatch):
    theta, X, y = network()
    calls, product = [], script.hessian_times
    values = np.linalg.eigvalsh(whole(theta, X, y))
    monkeypatch.setattr(
        script, "hessian_times", lambda *a: calls.append(a) or product(*a)
    )
    found = script.lanczos(theta, X, y, 10, rng)
    assert len(calls) == 10 and all(v.shape == theta.shape for v, *_ in calls)
    assert len(found) == 10
    assert found[-1] == pytest.approx(values[-1], rel=1e-6)
    assert found[0] == pytest.approx(values[0], abs=0.02 * values[-1])
    assert values[0] - 1e-7 < found[0] and found[-1] < values[-1] + 1e-7
    every = script.lanczos(theta, X, y, theta.size, rng)
    np.testing.assert_allclose(every[[0, -1]], values[[0, -1]], rtol=1e-4, atol=1e-6)


def test_a_plane_is_what_a_loop_finds(rng):
    theta, X, y = network()
    d1, d2 = rng.normal(size=(2, theta.size))
    alphas, betas = np.linspace(-1, 1, 9), np.linspace(0, 2, 5)
    plane = script.loss_on_plane(theta, d1, d2, alphas, betas, X, y)
    assert plane.shape == (5, 9)
    for (i, j), value in np.ndenumerate(plane):
        one = theta + alphas[j] * d1 + betas[i] * d2
        assert value == pytest.approx(script.loss_at(one, X, y))


def test_the_plane_of_a_path_holds_more_than_any_other(rng):
    path = np.cumsum(rng.normal(size=(40, 12)), axis=0)
    directions, coordinates, distance, share = script.plane_of_path(path)
    np.testing.assert_allclose(directions @ directions.T, np.eye(2), atol=1e-12)
    offsets = path - path[-1]
    s = np.linalg.svd(offsets, compute_uv=False)
    assert share == pytest.approx((s[:2] ** 2).sum() / (s**2).sum())
    assert share > np.sum((offsets @ np.eye(12)[:2].T) ** 2) / np.sum(offsets**2)
    squares = (coordinates**2).sum(axis=1) + distance**2  # Pythagoras
    np.testing.assert_allclose(squares, (offsets**2).sum(axis=1))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_a_plane_shows_the_walls_where_the_jumps_are_all_of_the_path(seed):
    ends = jumps(seed)
    across = ends["across"]
    assert np.all(across[1:] * across[:-1] < 0), "each jump is back across"
    assert ends["jumps_plane"] > 0.9 * ends["jumps_all"]
    assert ends["walked"] > 20 * ends["away"] and ends["longest"] < ends["away"] / 3
    assert ends["middle_slope"] < ends["end_slope"] / 20, "the jumps make it long"
    X, y, _ = beginning(seed)
    theta = walk(seed, 0.4)[2][-1]
    steps = [theta := theta - 0.4 * script.gradient(theta, X, y) for _ in range(4000)]
    for each, shown in ((40, 0.03), (41, 4.9)) if seed == 0 else ():  # one side, both
        path = np.array(steps[::each])
        d, H = script.plane_of_path(path)[0], whole(path[-1], X, y)
        assert np.linalg.eigvalsh(d @ H @ d.T)[-1] == pytest.approx(shown, abs=0.02)
    calm = jumps(seed, 0.2)
    assert calm["jumps_plane"] < 0.1 * calm["jumps_all"]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_most_random_planes_bend_more_than_that_of_the_path(seed):
    found = rivals(seed)
    assert found["more"] > 0.8 and found["random"] > 2 * found["own"]


def test_above_the_limit_a_network_does_not_always_explode():
    X, y, start = beginning(1)
    assert script.largest([start], [X], [y])[0] > 2 > tamed(1)
    path, _ = script.train(start, X, y, 1000, 1)
    assert script.loss_at(path[-1], X, y) < 0.1


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_without_the_jumps_the_curvature_does_not_fall(seed):
    """60 steps from a place beyond the limit: free, and back in the middle each time."""
    X, y, theta = beginning(seed)
    lr, found = 0.4, []
    for step in range(4000):
        values, vectors = np.linalg.eigh(whole(theta, X, y))
        jump = script.gradient(theta, X, y) @ vectors[:, -1] / values[-1]
        if step > 200 and values[-1] > 2 / lr and abs(jump) > 0.01:
            break
        theta = theta - lr * script.gradient(theta, X, y)
    for held in (False, True):
        end = theta
        for _ in range(60):
            values, vectors = np.linalg.eigh(whole(end, X, y))
            u = vectors[:, -1]
            middle = end - script.gradient(end, X, y) @ u / values[-1] * u
            end = middle if held else end
            end = end - lr * script.gradient(end, X, y)
        found.append(np.linalg.eigvalsh(whole(end, X, y))[-1])
    before = np.linalg.eigvalsh(whole(theta, X, y))[-1]
    assert found[0] < 2 / lr < before < found[1]


def test_in_the_bowl_too_a_path_goes_far_where_it_is_flat():
    d = script.plane_of_path(script.descend(START, 0.25, 0, 40))[0][0]
    _, vectors = np.linalg.eigh(script.BOWL)
    start = np.abs((START - BOTTOM) @ vectors)
    assert start[0] == pytest.approx(start[1])  # equally far along both axes
    assert abs(d @ vectors[:, 0]) > 0.98


def test_a_path_of_two_points_has_a_plane(rng):
    _, _, distance, share = script.plane_of_path(rng.normal(size=(2, 9)))
    assert share == pytest.approx(1) and distance.max() < 1e-7


def test_both_planes_show_the_end_and_the_second_one_the_steepest_wall(monkeypatch):
    theta, X, y = network()
    path, _ = script.train(theta, X, y, 300, 0.2)
    values, vectors = np.linalg.eigh(whole(path[-1], X, y))
    planes, drawn = [], []
    monkeypatch.setattr(
        script, "loss_on_plane", lambda *a: planes.append(a) or np.ones((81, 81))
    )
    monkeypatch.setattr(script, "plot_plane", lambda *a: drawn.append(a) or (None, None))
    figures, directions, found = script.look_at_planes(path, X, y, vectors[:, -1])
    assert list(figures) == ["surface", "walls"] and found["loss ratio"] >= 1
    (end, d1, d2, alphas, betas, *_), (other, e1, e2, *_) = planes
    np.testing.assert_array_equal(end, path[-1])
    np.testing.assert_array_equal(other, path[-1])
    np.testing.assert_array_equal([d1, d2], directions)
    np.testing.assert_array_equal(d1, e1)
    both = np.array([e1, e2])
    np.testing.assert_allclose(both @ both.T, np.eye(2), atol=1e-12)
    # All of the steepest direction that is not along the path lies along e2.
    u = vectors[:, -1]
    assert (u @ e1) ** 2 + (u @ e2) ** 2 == pytest.approx(1)
    bend = np.linalg.eigvalsh(both @ whole(path[-1], X, y) @ both.T)[-1]
    assert f"{bend:.2g}" in drawn[1][5] and "second" in drawn[0][4][1]
    assert f"{bend:.2g}" not in drawn[0][5] and "steepest" in drawn[1][4][1]
    for (_, _, _, spots, *_), two in zip(drawn, (directions, both)):
        flat = spots[:, :2]
        np.testing.assert_allclose(flat, (path - path[-1]) @ two.T)
        below = script.loss_at(path[-1] + flat @ two, X, y)
        np.testing.assert_allclose(10 ** spots[:, 2], below)
    assert alphas[0] < drawn[0][3][:, 0].min() and betas[-1] > drawn[0][3][:, 1].max()


def test_normalised_columns_have_the_length_of_the_weights_and_biases_rest(rng):
    theta, _, _ = network()
    before = rng.normal(size=(3, theta.size))
    kept = before.copy()
    d, params = script.unpack(script.normalise_filters(before, theta)), script.unpack(theta)
    np.testing.assert_array_equal(before, kept)
    assert not d["b1"].any() and not d["b2"].any()
    for name in ("W1", "W2"):
        lengths = np.linalg.norm(d[name], axis=-2)
        own = np.linalg.norm(params[name], axis=0) + np.zeros_like(lengths)
        np.testing.assert_allclose(lengths, own)


@pytest.mark.parametrize("c", [0.1, 10.0])
def test_twins_of_relu_differ_in_raw_slices_but_not_in_normalised_ones(c, rng):
    """W1, b1 times c and W2 divided by c: with ReLU the same function."""
    theta, X, y = network()
    p = script.unpack(theta)
    twin = script.pack(p | {"W1": c * p["W1"], "b1": c * p["b1"], "W2": p["W2"] / c})

    def relu_loss(theta):
        p = script.unpack(theta)
        a1 = np.maximum(0, X @ p["W1"] + p["b1"])
        return script.loss(a1 @ p["W2"] + p["b2"], y)

    assert relu_loss(twin) == pytest.approx(relu_loss(theta))
    d, t = rng.normal(size=theta.size), np.linspace(-1, 1, 11)
    raw = [relu_loss(each + np.outer(t, d)) for each in (theta, twin)]
    same = [
        relu_loss(each + np.outer(t, script.normalise_filters(d, each)))
        for each in (theta, twin)
    ]
    np.testing.assert_allclose(same[0], same[1], rtol=1e-10)
    assert np.abs(raw[0] - raw[1]).max() > 0.1


def test_largest_is_that_of_each_network_on_its_own_points():
    theta, X, y = network(networks=(3,))
    found = script.largest(theta, X, y)
    for i in range(3):
        values = np.linalg.eigvalsh(whole(theta[i], X[i], y[i]))
        assert found[i] == pytest.approx(values[-1])


# --- The whole run --------------------------------------------------------------------


def run(tmp_path, capsys, *flags):
    assert script.main([*flags, "--no-show", "--out", str(tmp_path)]) == 0
    capsys.readouterr()
    return json.loads((tmp_path / "metrics.json").read_text())


def test_the_table_of_the_bowl_agrees_with_theory(capsys):
    args = SimpleNamespace(bowl_lr=0.64, momentum=0.36)
    figures, tables = script.study_bowl(args)
    script.plt.close("all")
    assert set(figures) == {"parabola", "descents", "errors", "bowl"}
    rows = {row["descent"]: row for row in tables["bowl"]}
    for name, factor in (("half", 0.9375), ("best", 15 / 17), ("above", 1.1)):
        assert rows[name]["theory"] == pytest.approx(factor)
        assert rows[name]["factor"] == pytest.approx(factor, rel=0.01)
    assert rows["heavy"]["theory"] == pytest.approx(0.9**0.5)
    assert rows["momentum"]["theory"] == pytest.approx(0.6, rel=1e-6)
    assert rows["momentum"]["factor"] == pytest.approx(0.6, rel=0.05)
    root = np.sqrt(16)
    assert (root - 1) / (root + 1) == pytest.approx(0.6)
    assert "condition number 16" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_what_the_readme_says_holds_for_other_seeds(seed, tmp_path, capsys):
    found = run(tmp_path, capsys, "--seed", str(seed))
    start, end = found["network"][0], found["network"][-1]
    assert start["below 0"] > 15 and start["down"] < start["below 0"] / 49 - 0.1
    assert end["below 0"] > 5 and end["down"] == 0 and -0.01 < end["least"] < 0
    seen = {row["by"]: row for row in found["seen"]}
    assert seen["plane"]["largest"] < 0.1 * seen["all of H"]["largest"]
    for row in found["barriers"]:
        assert row["mean"] > 10 * end["loss"] and row["min"] > 2 * end["loss"]
    slow, fast, gap, error = found["edge"]
    assert fast["largest"] == pytest.approx(2 / 0.3, rel=0.1)
    assert slow["largest"] > fast["largest"]
    assert slow["swapped"] == pytest.approx(2 / 0.3, rel=0.1)
    assert fast["swapped"] > fast["largest"]
    assert gap["new"] < 2 * error["new"]  # flatter is not better


@pytest.mark.parametrize(
    "flags, words",
    [
        (["--hidden", "0"], "from 4 to 32"),
        (["--hidden", "1000"], "from 4 to 32"),
        (["--momentum", "1.1"], "from 0 to 1"),
        (["--momentum", "-1e-1"], "from 0 to 1"),
        (["--bowl-lr", "nan"], "'nan'"),
        (["--lr", "inf"], "'inf'"),
    ],
)
def test_bad_input_is_one_sentence(flags, words, tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        script.main([*flags, "--out", str(tmp_path / "o")])
    captured = capsys.readouterr()
    assert stopped.value.code == 2 and captured.out == ""
    assert captured.err.count("\n") == 1 and words in captured.err
    assert not (tmp_path / "o").exists()


def test_divergence_stops_and_says_so(tmp_path, capsys):
    status = script.main([*QUICK, "--lr", "1e6", "--out", str(tmp_path)])
    captured = capsys.readouterr()
    assert status == 1 and captured.err.count("\n") == 1
    assert "--lr" in captured.err and "epoch" in captured.err
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_loss_that_hardly_falls_is_named(tmp_path, capsys):
    flags = [*QUICK, "--lr", "1e-6", "--no-show", "--out", str(tmp_path)]
    assert script.main(flags) == 0
    assert "hardly fallen" in capsys.readouterr().out
