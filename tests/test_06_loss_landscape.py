"""06: curvature told exactly, planes that can be trusted, and the limit 2 / lambda."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import GradientCase, load, numerical_gradient, relative_error

script = load("06_loss_landscape")
QUICK = ["--epochs", "2", "--grid", "7", "--hidden", "4", "3"]
TIMINGS = []
TIMES_IN_OUTPUT = r"in [\d.]+ s"
INTERRUPT_AT = 310  # after the 5 x 60 steps of part one, in the first epoch of part two
N, D, K = 7, 3, 2
SHARES = {"half": 0.5, "near": 0.97, "above": 1.02}  # of the limit


def small_task(net, seed=6, n_points=N):
    """Return a task with several outputs, and a theta with biases that are not zero."""
    rng = np.random.default_rng(seed)
    sizes = [D, K] if net[1] == "linear" else [D, 5, 4, K]
    like = script.init_params(sizes, net[0], rng)
    X = rng.normal(size=(n_points, D))
    y = rng.normal(size=(n_points, K))
    if net[1] == "sigmoid":
        y = (y > 0).astype(float)
    theta = script.pack(like) + 0.3 * rng.normal(size=script.pack(like).size)
    return theta, {"X": X, "y": y, "net": net, "like": like}


NETS = [("tanh", "linear"), ("tanh", "sigmoid"), ("relu", "sigmoid")]
EVERY_NET = pytest.mark.parametrize("net", NETS, ids="-".join)


def tf_loss(tf, params, task):
    a, L = tf.constant(task["X"]), len(params) // 2
    for k in range(1, L + 1):
        z = a @ params[f"W{k}"] + params[f"b{k}"]
        a = {"tanh": tf.tanh, "relu": tf.nn.relu}[task["net"][0]](z)
    if task["net"][1] == "linear":
        return tf.reduce_sum((z - task["y"]) ** 2) / len(task["y"])
    cross = tf.nn.sigmoid_cross_entropy_with_logits(task["y"], z)
    return tf.reduce_sum(cross) / len(task["y"])


def gradient_cases():
    for net in NETS:
        theta, task = small_task(net)
        params = script.unpack(theta, task["like"])
        yield GradientCase(
            "-".join(net),
            (N, D, 5, 4, K),
            params,
            forward=lambda p, t=task: script.forward(p, t["X"], t["net"]),
            loss=lambda c, t=task: script.loss(c, t["y"], t["net"]),
            backward=lambda p, c, t=task: script.backward(p, c, t["y"], t["net"]),
            tf_loss=lambda tf, p, t=task: tf_loss(tf, p, t),
            kinks=lambda c, r=net[0] == "relu": [c["z1"], c["z2"]] if r else [],
        )


def gradient(theta, task):
    params = script.unpack(theta, task["like"])
    cache = script.forward(params, task["X"], task["net"])
    return script.pack(script.backward(params, cache, task["y"], task["net"]))


def full_hessian(theta, task):
    return script.hessian_vector(theta, np.eye(theta.size), task)


# --- Networks side by side ------------------------------------------------------------


@EVERY_NET
def test_networks_side_by_side_are_the_networks_one_by_one(net, rng):
    theta, task = small_task(net)
    thetas = theta + rng.normal(size=(6, theta.size))
    losses, grads = script.loss_at(thetas, task), gradient(thetas, task)
    for t, one in enumerate(thetas):
        assert losses[t] == pytest.approx(script.loss_at(one, task), rel=1e-13)
        np.testing.assert_allclose(grads[t], gradient(one, task), atol=1e-14)


def test_pack_and_unpack_are_inverse_and_in_order(rng):
    params = script.init_params([2, 3, 1], "tanh", rng, (4,))
    theta = script.pack(params)
    assert theta.shape == (4, 13)
    like = {k: v[0] for k, v in params.items()}
    for key, v in script.unpack(theta, like).items():
        np.testing.assert_array_equal(v, params[key])
    np.testing.assert_array_equal(theta[2, :6], params["W1"][2].ravel())


def test_initial_weights_have_the_stated_spread(rng):
    for name, gain in (("tanh", 1.0), ("relu", 2.0)):
        params = script.init_params([50, 400, 300], name, rng)
        assert params["W1"].std() == pytest.approx(np.sqrt(gain / 50), rel=0.03)
        assert params["W2"].std() == pytest.approx(np.sqrt(gain / 400), rel=0.03)
        assert not params["b1"].any() and not params["b2"].any()


def test_relu_is_flat_at_zero():
    assert list(script.FUNCTIONS["relu"][1](np.array([-1.0, 0.0, 1.0]), 0)) == [0, 0, 1]


# --- Curvature ------------------------------------------------------------------------


@EVERY_NET
def test_hessian_vector_is_the_derivative_of_the_gradient(net, rng):
    theta, task = small_task(net)
    for _ in range(3):
        v, h = rng.normal(size=theta.size), 1e-5
        slope = gradient(theta + h * v, task) - gradient(theta - h * v, task)
        exact = script.hessian_vector(theta, v, task)
        assert relative_error(exact, slope / (2 * h)) < 1e-7


@EVERY_NET
def test_hessian_matches_tensorflow(net, tf):
    theta, task = small_task(net)
    variables = [tf.Variable(v) for v in script.unpack(theta, task["like"]).values()]
    with tf.GradientTape(persistent=True) as outer:
        with tf.GradientTape() as inner:
            value = tf_loss(tf, dict(zip(task["like"], variables)), task)
        flat = tf.concat(
            [tf.reshape(g, [-1]) for g in inner.gradient(value, variables)], axis=0
        )
    rows = outer.jacobian(flat, variables, experimental_use_pfor=False)
    rows = [
        np.zeros((theta.size, v.shape.num_elements())) if r is None else r.numpy()
        for r, v in zip(rows, variables)
    ]
    oracle = np.concatenate([r.reshape(theta.size, -1) for r in rows], axis=1)
    assert relative_error(full_hessian(theta, task), oracle) < 1e-10


@EVERY_NET
def test_many_directions_at_once_are_one_after_the_other_and_h_is_symmetric(net, rng):
    theta, task = small_task(net)
    v = rng.normal(size=(4, theta.size))
    many = script.hessian_vector(theta, v, task)
    for one, row in zip(v, many):
        np.testing.assert_allclose(script.hessian_vector(theta, one, task), row)
    H = full_hessian(theta, task)
    np.testing.assert_allclose(H, H.T, atol=1e-14)


@EVERY_NET
def test_lanczos_finds_the_top_of_the_full_spectrum(net):
    theta, task = small_task(net, n_points=40)
    spectrum = np.linalg.eigvalsh(full_hessian(theta, task))[::-1]
    found = script.top_eigenvalues(theta, task, 3)
    np.testing.assert_allclose(found, spectrum[:3], rtol=1e-9)


def test_the_second_difference_of_a_picture_is_dhd(rng):
    theta, task = small_task(("tanh", "sigmoid"), n_points=30)
    d = script.normalise_filters(rng.normal(size=theta.size), theta, task["like"])
    exact, errors = d @ script.hessian_vector(theta, d, task), []
    for h in (0.02, 0.01):
        left, middle, right = script.loss_on_plane(
            theta, np.stack([d, d]), [-h, 0, h], [0], task
        )[0]
        errors.append((left - 2 * middle + right) / h**2 - exact)
    assert abs(errors[1]) < 1e-3 * abs(exact)
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.02)  # of second order


# --- Planes ---------------------------------------------------------------------------


@EVERY_NET
def test_a_plane_is_what_a_loop_finds(net, rng):
    theta, task = small_task(net)
    axes = rng.normal(size=(2, theta.size))
    alphas, betas = np.linspace(-1, 1, 9), np.linspace(0, 2, 5)
    plane = script.loss_on_plane(theta, axes, alphas, betas, task)
    assert plane.shape == (5, 9)
    for (i, j), value in np.ndenumerate(plane):
        one = theta + alphas[j] * axes[0] + betas[i] * axes[1]
        assert value == pytest.approx(script.loss_at(one, task), rel=1e-12)


def test_a_plane_that_is_not_finite_is_refused(rng):
    theta, task = small_task(("tanh", "sigmoid"))
    axes = rng.normal(size=(2, theta.size))
    for bad in (np.nan, np.inf):
        with (
            pytest.raises(script.InputError, match="not finite"),
            np.errstate(all="ignore"),
        ):
            script.loss_on_plane(theta * bad, axes, [0, 1], [0, 1], task)


def test_normalised_columns_have_the_length_of_the_weights_and_biases_rest(rng):
    theta, task = small_task(("tanh", "sigmoid"))
    directions = script.normalise_filters(
        rng.normal(size=(2, theta.size)), theta, task["like"]
    )
    params = script.unpack(theta, task["like"])
    for d in directions:
        for key, v in script.unpack(d, task["like"]).items():
            if key[0] == "b":
                assert not v.any()
            else:
                np.testing.assert_allclose((v**2).sum(0), (params[key] ** 2).sum(0))


@pytest.mark.parametrize("c", [0.1, 10.0])
def test_rescaled_relu_layers_change_the_raw_slice_but_not_the_normalised(c, rng):
    theta, task = small_task(("relu", "sigmoid"))
    params = script.unpack(theta, task["like"])
    twin = {"W1": c * params["W1"], "b1": c * params["b1"], "W2": params["W2"] / c}
    twin = script.pack(params | twin)
    assert script.loss_at(twin, task) == pytest.approx(script.loss_at(theta, task))
    d, t = rng.normal(size=(2, theta.size)), np.linspace(-1, 1, 11)
    raw, normalised = (
        [script.loss_on_plane(end, axes(end), t, t, task) for end in (theta, twin)]
        for axes in (
            lambda end: d,
            lambda end: script.normalise_filters(d, end, task["like"]),
        )
    )
    np.testing.assert_allclose(normalised[0], normalised[1], rtol=1e-10)
    assert np.abs(raw[0] - raw[1]).max() > 0.5


def test_the_plane_of_a_path_is_that_of_scikit_learn(rng):
    from sklearn.decomposition import PCA

    path = np.cumsum(rng.normal(size=(40, 12)), axis=0)
    axes, explained, coordinates, distance = script.fit_plane(path)
    pca = PCA(2).fit(path)
    np.testing.assert_allclose(explained, pca.explained_variance_ratio_)
    np.testing.assert_allclose(np.abs(axes @ pca.components_.T), np.eye(2), atol=1e-12)
    np.testing.assert_allclose(coordinates, (path - path[-1]) @ axes.T)
    squares = (coordinates**2).sum(axis=1) + distance**2  # Pythagoras
    np.testing.assert_allclose(squares, ((path - path[-1]) ** 2).sum(axis=1))
    assert distance[-1] == 0 and distance[0] > 0


def test_a_random_walk_too_lies_in_a_plane_to_three_quarters(rng):
    walk = np.cumsum(rng.normal(size=(100, 3000)), axis=0)
    explained = script.fit_plane(walk)[1]
    np.testing.assert_allclose(explained, 6 / np.pi**2 / np.array([1, 4]), rtol=0.03)


def test_a_path_of_one_point_has_a_plane(rng):
    axes, explained, coordinates, distance = script.fit_plane(rng.normal(size=(1, 9)))
    np.testing.assert_allclose(axes @ axes.T, np.eye(2), atol=1e-12)
    assert not explained.any() and not coordinates.any() and not distance.any()


# --- Descent --------------------------------------------------------------------------


def bowl(seed, capsys):
    """Return the tasks of both parts and the metrics of part one."""
    rng = np.random.default_rng(seed)
    args = SimpleNamespace(data="moons", activation="tanh", hidden=[8, 8], grid=5)
    line, task = script.load_data(args, rng)
    _, metrics = script.part_one(args, line, rng)
    script.plt.close("all")
    capsys.readouterr()
    return line, task, metrics


@pytest.mark.parametrize("seed", range(3))
def test_part_one_is_exact_and_its_rates_are_those_of_theory(seed, capsys):
    line, _, found = bowl(seed, capsys)
    slope, intercept = np.polyfit(line["X"][:, 0], line["y"][:, 0], 1)
    np.testing.assert_allclose(found["minimum"]["exact"], [slope, intercept])
    np.testing.assert_allclose(found["minimum"]["found"], [slope, intercept], atol=1e-5)
    assert abs(slope - 2) < 1 and abs(intercept - 3) < 1.5
    H = full_hessian(np.zeros(2), line)
    low, high = np.linalg.eigvalsh(H)
    assert found["lambda_max"] == pytest.approx(high)
    assert found["condition_number"] == pytest.approx(high / low)
    assert found["limit"] == pytest.approx(2 / high)
    theory = found["rate_theory"]
    for name, share in SHARES.items():
        rate = max(abs(1 - share * 2 * value / high) for value in (low, high))
        assert theory[name] == pytest.approx(rate)
        assert found["rate_measured"][name] == pytest.approx(rate, rel=0.01)
    root = np.sqrt(high / low)
    assert theory["momentum"] == pytest.approx((root - 1) / (root + 1), rel=1e-6)
    assert found["rate_measured"]["momentum"] == pytest.approx(
        theory["momentum"], rel=0.05
    )
    assert theory["Adam"] is None and found["rate_measured"]["Adam"] < 1


@pytest.mark.parametrize("share", [0.1, 0.9, 0.99, 1.01, 1.1])
def test_descent_converges_below_two_over_lambda_and_only_there(share, rng, capsys):
    line, _, found = bowl(1, capsys)
    _, history = script.train(np.zeros(2), line, 400, share * found["limit"], 50, rng)
    error = np.linalg.norm(history["path"] - found["minimum"]["exact"], axis=1)
    assert (error[-1] < error[50]) == (share < 1)


@pytest.mark.parametrize("adam", [False, True])
def test_momentum_and_adam_step_as_in_scikit_learn(adam, rng):
    from sklearn.neural_network import _stochastic_optimizers as optimizers

    theta, task = small_task(("tanh", "sigmoid"))
    _, history = script.train(theta, task, 10, 0.05, N, rng, 0.8, adam)
    moved = theta.copy()
    oracle = (
        optimizers.AdamOptimizer([moved], 0.05)
        if adam
        else optimizers.SGDOptimizer([moved], 0.05, momentum=0.8, nesterov=False)
    )
    for step in range(1, 11):
        oracle.update_params([moved], [gradient(moved, task)])
        np.testing.assert_allclose(history["path"][step], moved, atol=1e-4)


def test_adam_hardly_moves_where_the_gradient_is_far_below_its_guard(rng):
    theta, task = small_task(("tanh", "linear"))
    H, g = full_hessian(theta, task), gradient(0 * theta, task)
    minimum = np.linalg.lstsq(H, g, rcond=None)[0]
    near = 1e-12 * rng.normal(size=theta.size) - minimum
    _, history = script.train(near, task, 1, 1e-6, N, rng, 0, True)
    step, uphill = history["path"][1] - near, gradient(near, task)
    assert np.abs(uphill).max() < 1e-10 and np.abs(step).max() < 1e-8
    assert step @ uphill < 0


def test_every_point_is_seen_once_an_epoch_and_the_history_is_of_all_data(monkeypatch):
    theta, task = small_task(("tanh", "sigmoid"), n_points=23)
    task["X"] = np.arange(23.0)[:, None] + np.zeros((23, D))
    seen, honest = [], script.forward

    def spy(params, X, net):
        seen.append(X[:, 0])
        return honest(params, X, net)

    monkeypatch.setattr(script, "forward", spy)
    _, history = script.train(theta, task, 2, 0.01, 5, np.random.default_rng(0))
    batches = [x for x in seen if len(x) < 23]
    assert [len(x) for x in batches] == 2 * [5, 5, 5, 5, 3]
    for epoch in (batches[:5], batches[5:]):
        np.testing.assert_array_equal(np.sort(np.concatenate(epoch)), np.arange(23))
    assert list(history["step"]) == [0, 5, 10]
    for point, value in zip(history["path"], history["loss"]):
        assert value == pytest.approx(script.loss_at(point, task))


def test_a_long_path_is_thinned_to_a_hundred_points_and_its_end(rng):
    theta, task = small_task(("tanh", "linear"))
    _, history = script.train(theta, task, 502, 1e-3, N, rng)
    assert list(history["step"][[0, 1, -2, -1]]) == [0, 5, 500, 502]


def test_progress_lines_tell_the_latest_loss_and_the_end_is_that_of_the_path(capsys):
    theta, task = small_task(("tanh", "sigmoid"))
    rng = np.random.default_rng(0)
    end, history = script.train(theta, task, 230, 0.1, N, rng, quiet=False)
    np.testing.assert_array_equal(end, history["path"][-1])
    told = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [int(epoch) for epoch, _, _ in told] == [40, 80, 120, 160, 200, 230]
    for _, step, value in told:
        (row,) = np.flatnonzero(history["step"] == int(step))
        assert value == f"{history['loss'][row]:.4f}"
    assert len({value for _, _, value in told}) == len(told)


# --- The whole run --------------------------------------------------------------------


def run(tmp_path, capsys, *flags):
    assert script.main([*flags, "--no-show", "--out", str(tmp_path)]) == 0
    capsys.readouterr()
    return json.loads((tmp_path / "metrics.json").read_text())


@pytest.mark.slow
def test_the_numbers_of_a_run_are_those_of_its_networks(tmp_path, capsys):
    found = run(tmp_path, capsys, *QUICK)
    assert {
        "minimum",
        "lambda_max",
        "condition_number",
        "rate_measured",
        "rate_theory",
        "explained_variance",
        "grid_seconds",
        "sharpness",
    } <= found.keys()
    assert 0.5 < found["explained_variance"] <= 1
    for part in found["sharpness"].values():
        assert part["lambda_max"]["mean"] > 0 and part["lambda_max"]["sd"] > 0
        assert 0 < part["loss"]["mean"] < 0.7 and 0 < part["test_loss"]["mean"] < 0.8


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_large_batches_end_at_the_limit_and_small_ones_far_below(
    seed, tmp_path, capsys
):
    found = run(tmp_path, capsys, "--seed", str(seed), "--grid", "5")["sharpness"]
    small, large = found["small"], found["large"]
    assert large["lambda_max"]["mean"] == pytest.approx(2 / 0.5, rel=0.2)
    assert small["lambda_max"]["mean"] < 0.5 * large["lambda_max"]["mean"]
    assert small["normalised"]["mean"] < large["normalised"]["mean"]
    assert small["loss"]["mean"] < 0.2 and large["loss"]["mean"] < 0.2


@pytest.mark.slow
def test_ten_thousand_networks_take_a_second(tmp_path, capsys):
    assert run(tmp_path, capsys, "--epochs", "2")["grid_seconds"] < 1.5


@pytest.mark.slow
def test_the_film_turns(tmp_path, capsys):
    from PIL import Image

    run(tmp_path, capsys, *QUICK, "--animate")
    with Image.open(tmp_path / "surface.gif") as gif:
        assert gif.n_frames == 36
        first = np.asarray(gif.convert("L")).astype(int)
        gif.seek(9)
        assert np.abs(first - np.asarray(gif.convert("L"))).mean() > 1


@pytest.mark.parametrize(
    "flags, words",
    [
        (["--grid", "0"], "from 2"),
        (["--grid", "1"], "from 2"),
        (["--grid", "100000"], "80.0 GB"),
        (["--data", "spiral"], "'moons', 'circles'"),
        (["--activation", "sigmoid"], "'tanh', 'relu'"),
        (["--hidden", "0"], "from 1"),
        (["--hidden", "8", "0"], "from 1"),
        (["--batch-size", "201"], "from 1 to 200"),
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
    flags = [*QUICK[:4], "--activation", "relu", "--hidden", "50", "50", "50"]
    status = script.main([*flags, "--lr", "1e6", "--out", str(tmp_path)])
    captured = capsys.readouterr()
    assert status == 1 and captured.err.count("\n") == 1
    assert "--lr" in captured.err and "epoch" in captured.err
    assert not list(tmp_path.iterdir())


def test_the_gradient_here_is_the_one_that_trains():
    theta, task = small_task(("tanh", "sigmoid"))
    numerical = numerical_gradient(
        lambda p: script.loss_at(p["theta"], task), {"theta": theta}
    )["theta"]
    assert relative_error(gradient(theta, task), numerical) < 1e-7
