"""10: windows, the split by time, early stopping, the rivals, and strangers' series."""

import json

import numpy as np
import pytest
import scipy.signal
from conftest import GradientCase, load

script = load("10_time_series_ann")
QUICK = ["--epochs", "20", "--seeds", "3"]
TIMINGS = []
SETTINGS = {"window": 9, "hidden": 8, "skip": True, "root": True, "decay": 0.001,
            "lr": 0.003, "epochs": 60, "seeds": 4, "seed": 0}  # fmt: skip


def gradient_cases():
    rng = np.random.default_rng(3)
    N, D, H, S, decay = 7, 3, 5, 4, 0.3
    X, y = rng.normal(size=(N, D)), rng.normal(size=(N, 1))
    for skip in (False, True):
        params = script.init_params(D, H, skip, S, rng)
        params = {k: v + 0.1 * rng.normal(size=v.shape) for k, v in params.items()}

        def forward(p):  # the loss needs the weights, too: they travel with the cache
            return script.forward(p, X) | {"W1": p["W1"], "W2": p["W2"]}

        def tf_loss(tf, p, skip=skip):
            a2 = tf.tanh(X @ p["W1"] + p["b1"][:, None]) @ p["W2"] + p["b2"][:, None]
            error = tf.square(a2 + (X @ p["V"] if skip else 0.0) - y)
            sizes = tf.reduce_sum(p["W1"] ** 2) + tf.reduce_sum(p["W2"] ** 2)
            return tf.reduce_sum(tf.reduce_mean(error, axis=1)) + decay * sizes

        yield GradientCase(
            "skip" if skip else "plain",
            (N, D, H, S),
            params,
            forward=forward,
            loss=lambda c: float(np.sum(script.loss(c, c, y, decay))),
            backward=lambda p, c: script.backward(p, c, y, decay),
            tf_loss=tf_loss,
        )


def sunspots():
    return script.read_series(script.SUNSPOTS, None)


def problem(rng, n=40, D=3):
    X = rng.normal(size=(n, D))
    return X, np.sin(X[:, :1]) + 0.5 * X[:, 1:2]


def test_windows_are_views_and_hold_what_came_before():
    x = np.arange(10.0)
    X, y = script.windows(x, 4)
    assert X.shape == (6, 4) and y.shape == (6, 1) and np.shares_memory(X, x)
    for i in range(6):
        np.testing.assert_array_equal(X[i], x[i : i + 4])
        assert y[i, 0] == x[i + 4]


def test_start_has_the_stated_spread(rng):
    params = script.init_params(9, 50, True, 300, rng)
    shapes = {k: v.shape[1:] for k, v in params.items()}
    assert shapes == {
        "W1": (9, 50),
        "b1": (50,),
        "W2": (50, 1),
        "b2": (1,),
        "V": (9, 1),
    }
    assert params["W1"].std() == pytest.approx(1 / 3, rel=0.02)
    assert params["W2"].std() == pytest.approx(50**-0.5, rel=0.02)
    assert not any(params[key].any() for key in ("b1", "b2", "V"))
    assert "V" not in script.init_params(9, 5, False, 2, rng)


def test_many_networks_at_once_are_each_as_if_alone(rng):
    X, y = problem(rng)
    start = script.init_params(3, 5, True, 4, rng)
    together, history = script.train(start, X, y, 9, 0.01, 0.1, (X, y))
    for s in range(4):
        alone = {key: value[s : s + 1] for key, value in start.items()}
        params, own = script.train(alone, X, y, 9, 0.01, 0.1, (X, y))
        watch = np.array(history["validation"])[:, s]
        np.testing.assert_allclose(np.ravel(own["validation"]), watch)
        for key in params:
            np.testing.assert_allclose(params[key][0], together[key][s], atol=1e-12)


def test_training_is_adam_and_validates_before_each_step(rng, capsys):
    X, y = problem(rng)
    other = problem(rng)
    params = start = script.init_params(3, 5, True, 2, rng)
    moments, seen = {}, []
    for t in (1, 2, 3):
        a2 = script.forward(params, other[0])["a2"]
        seen.append(np.mean((a2 - other[1]) ** 2, axis=(1, 2)))
        grads = script.backward(params, script.forward(params, X), y, 0.1)
        params = script.adam_step(params, grads, moments, t, 0.01)
    ours, history = script.train(start, X, y, 3, 0.01, 0.1, other, verbose=True)
    np.testing.assert_allclose(history["validation"], seen)
    for key in params:
        np.testing.assert_array_equal(ours[key], params[key])
    lines = capsys.readouterr().out.split("\n")
    assert len(lines) == 4 and lines[2].split()[2] == f"{seen[2].mean():.4f}"
    script.train(start, X, y, 40, 0.01, 0.1, other, verbose=True)
    assert len(capsys.readouterr().out.split("\n")) == 12  # epoch 1, then each tenth


@pytest.mark.parametrize("seed", range(5))
def test_networks_learn_a_curve_that_no_line_follows(seed):
    rng = np.random.default_rng(seed)
    X = rng.uniform(-2, 2, size=(200, 2))
    y = X[:, :1] * X[:, 1:]  # no line explains any of it
    params, _ = script.train(
        script.init_params(2, 16, True, 3, rng), X, y, 600, 0.02, 0
    )
    error = script.loss(params, script.forward(params, X), y, 0)
    assert np.all(error < 0.1 * y.var())


def test_divergence_and_ctrl_c_in_quiet_training_are_passed_on(rng, monkeypatch):
    X, y = problem(rng)
    start = script.init_params(3, 5, False, 2, rng)
    with np.errstate(over="ignore"):
        with pytest.raises(FloatingPointError, match="epoch 2.*smaller --lr"):
            script.train(start, X, y, 9, 1e200, 0.1)

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(script, "backward", interrupt)
    with pytest.raises(KeyboardInterrupt):
        script.train(start, X, y, 9, 0.1, 0.1)


@pytest.mark.parametrize("root", [False, True])
def test_fit_stops_where_the_last_pairs_say_and_learns_all_again(root):
    x = sunspots()[1][:120]
    targets = np.arange(12, 120)
    model = script.fit(x, targets, SETTINGS | {"root": root, "lr": 0.02})
    u = np.sqrt(x) if root else x
    z = (u - u[12:].mean()) / u[12:].std()
    X, y = np.array([z[t - 9 : t] for t in targets]), z[12:, None]
    np.testing.assert_allclose(model["pairs"][0], X)
    np.testing.assert_allclose(model["pairs"][1], y)
    start = script.init_params(9, 8, True, 4, np.random.default_rng(0))
    rest = (60, 0.02, 0.001, (X[91:], y[91:]))
    watch = script.train(start, X[:91], y[:91], *rest)[1]["validation"]
    epochs = int(np.median(np.argmin(watch, axis=0)))
    assert model["epochs"] == epochs and 1 < epochs < 60
    params, _ = script.train(start, X, y, epochs, 0.02, 0.001)
    for key in params:
        np.testing.assert_allclose(model["params"][key], params[key])
    a2 = script.forward(params, X)["a2"][..., 0]
    u_next = a2 * u[12:].std() + u[12:].mean()
    x_next = np.maximum(u_next, 0) ** 2 if root else u_next
    pasts = np.array([x[t - 12 : t] for t in targets])  # wider than needed
    np.testing.assert_allclose(model["forecast"](pasts[None]), x_next)


def test_fit_learns_for_one_epoch_at_least_and_a_root_below_zero_is_zero():
    x = np.tile([0.0, 0.0, 0.0, 0.0, 9.0], 20)
    model = script.fit(x, np.arange(9, 100), SETTINGS | {"epochs": 1})
    assert model["epochs"] == 1
    model["params"]["b2"] -= 99
    assert not model["forecast"](np.ones((1, 3, 9))).any()


def test_fit_sees_no_pair_but_its_own():
    x = sunspots()[1][:90]
    targets = np.arange(50, 80)
    model = script.fit(x, targets, SETTINGS)
    x[:41], x[80:] = 77.0, 99.0
    again = script.fit(x, targets, SETTINGS)
    for key in model["params"]:
        np.testing.assert_array_equal(model["params"][key], again["params"][key])


def test_select_keeps_blocks_apart_and_takes_the_lowest_error(monkeypatch, capsys):
    monkeypatch.setattr(script, "GRID", {"window": (3, 2), "root": (False, True)})
    x, held_out, offset = np.arange(1.0, 54), [], {3: 2.0, 2: 1.0}

    def fit(values, targets, config):
        def step(past):
            years = past[0, :, -1] + 1  # the next value of x: its place is one less
            held_out.extend(years - 1)
            assert np.all(abs(years[:, None] - 1 - targets).min(axis=1) >= 1)
            assert targets.min() == 3 or years.min() == 4
            after = targets[targets > years.max() - 1]
            assert not len(after) or after.min() == years.max() - 1 + 4
            before = targets[targets < years.min() - 1]
            assert not len(before) or before.max() == years.min() - 2
            assert config["seeds"] == 10 and config["lr"] == 0.003
            off = offset[config["window"]] - 0.5 * config["root"]
            return np.array([years + off - 1, years + off + 1])

        return {"forecast": step}

    monkeypatch.setattr(script, "fit", fit)
    assert script.select(x, SETTINGS) == {"window": 2, "root": True}
    assert sorted(held_out) == sorted(list(range(3, 53)) * 4)
    printed = capsys.readouterr().out
    assert "error 0.25" in printed and "error 4\n" in printed
    calls = []

    def prefer_root(values, targets, config):
        calls.append(targets)
        return {"forecast": lambda past: past[..., -1] + config["root"]}

    monkeypatch.setattr(script, "fit", prefer_root)
    assert script.select(x - 50, SETTINGS)["root"] is False  # no root below zero
    assert len(calls) == 2 * 5  # two windows, five blocks
    assert script.select(x - 1, SETTINGS) == {
        "window": 3,
        "root": True,
    }  # first of equals


def test_the_search_space_is_the_one_fixed_beforehand():
    assert script.GRID == {
        "window": (6, 9, 12),
        "hidden": (4, 8, 16),
        "skip": (False, True),
        "root": (False, True),
        "decay": (0.001, 0.003, 0.01, 0.03),
        "lr": (0.003, 0.01),
    }
    args = vars(script.parse_args([]))
    chosen = {
        "window": 9,
        "hidden": 8,
        "skip": True,
        "root": True,
        "decay": 0.001,
        "lr": 0.003,
    }
    assert {key: args[key] for key in script.GRID} == chosen
    assert list(script.PUBLISHED.values()) == [(0.097, 0.28), (0.086, 0.35)]


def blocks_up_to_1920():
    """Yield values, the pairs to learn from and the block to forecast, as select."""
    times, x, _ = sunspots()
    x = x[times <= 1920]
    targets = np.arange(12, len(x))
    for block in np.array_split(targets, 5):
        yield x, targets[(targets < block[0]) | (targets > block[-1] + 12)], block


@pytest.mark.parametrize("p, stated", [(2, 230), (9, 238), (12, 263)])
def test_lines_on_the_blocks_are_as_the_readme_says(p, stated):
    errors = []
    for x, apart, block in blocks_up_to_1920():
        X, y = script.windows(x, p)
        A = np.column_stack([X, np.ones(len(X))])
        line = np.linalg.lstsq(A[apart - p], y[apart - p, 0], rcond=None)[0]
        errors.extend((A[block - p] @ line - x[block]) ** 2)
    assert np.mean(errors) == pytest.approx(stated, abs=0.5)


@pytest.mark.slow
def test_the_chosen_settings_have_the_stated_error_on_the_blocks():
    errors, config = [], vars(script.parse_args([])) | {"seeds": 10}
    for x, apart, block in blocks_up_to_1920():
        forecast = script.fit(x, apart, config)["forecast"]
        pasts = np.array([x[t - 9 : t] for t in block])
        errors.extend((forecast(pasts[None]).mean(axis=0) - x[block]) ** 2)
    assert np.mean(errors) == pytest.approx(177, rel=0.02)


def test_one_network_alone_needs_no_axis_in_front(rng):
    X, y = problem(rng)
    stack = script.init_params(3, 5, True, 1, rng)
    one = {key: value[0] for key, value in stack.items()}
    cache, caches = script.forward(one, X), script.forward(stack, X)
    assert cache["a2"].shape == y.shape
    assert script.loss(one, cache, y, 0.1) == script.loss(stack, caches, y, 0.1)[0]
    grads, many = (
        script.backward(one, cache, y, 0.1),
        script.backward(stack, caches, y, 0.1),
    )
    for key in one:
        np.testing.assert_allclose(grads[key], many[key][0])


def test_autocorrelation_is_the_textbook_sum(rng):
    x = rng.normal(size=50) + 3
    e, r = x - x.mean(), script.autocorrelation(x, 4)
    assert r.shape == (4,)
    for k in range(1, 5):
        expected = sum(e[t] * e[t + k] for t in range(50 - k)) / sum(e**2)
        assert r[k - 1] == pytest.approx(expected)


def test_rivals_do_what_their_names_say(rng):
    from sklearn.linear_model import LinearRegression

    x = rng.normal(size=80) + 20 * np.sin(np.arange(80) * 2 * np.pi / 10)
    steps, period = script.fit_rivals(x)
    assert period == 10 and [*steps] == [
        "persistence",
        "seasonal",
        "AR2",
        "AR9",
        "AR12",
    ]
    past = script.sliding_window_view(x, 12)[None]
    np.testing.assert_array_equal(steps["persistence"](past)[0], x[11:])
    np.testing.assert_array_equal(steps["seasonal"](past)[0], x[2:-9])
    for p in (2, 9, 12):
        X = np.array([x[t - p : t] for t in range(p, 80)])
        line = LinearRegression().fit(X, x[p:])
        np.testing.assert_allclose(
            steps[f"AR{p}"](past)[0], line.predict(past[0, :, -p:])
        )


def test_period_is_a_peak_after_the_first_fall_below_zero():
    x = np.cos(np.arange(90) * 2 * np.pi / 30) + 0.01 * np.cos(np.arange(90) * np.pi)
    assert script.fit_rivals(x)[1] in (29, 30)
    assert script.fit_rivals(np.tile([1.0, -1.0], 40))[1] == 2
    season = np.sin(np.arange(100) * 2 * np.pi / 12)
    assert script.fit_rivals(season + np.arange(100))[1] == 12  # despite a trend


def test_period_comes_from_what_a_line_leaves(rng, monkeypatch):
    x, seen = rng.normal(size=80) + np.arange(80) ** 2, []

    def autocorrelation(residuals, lags):
        seen.extend([residuals, lags])
        return np.array([0.2, 0.0, -0.5, -0.1])  # 0 is not negative yet

    monkeypatch.setattr(script, "autocorrelation", autocorrelation)
    assert script.fit_rivals(x)[1] == 4
    np.testing.assert_allclose(seen[0], scipy.signal.detrend(x), atol=1e-8)
    assert seen[1] == 26


def test_recursion_reads_its_own_forecasts():
    past = np.array([[[1.0, 2.0, 4.0], [3.0, 1.0, 1.0]]])

    def step(past):  # two forecasters: the sum of the last two, and the last but two
        return np.stack([past[0, :, -2:].sum(axis=-1), past[-1, :, 0]])

    path = script.recurse(step, past, 4)
    assert path.shape == (2, 2, 4)
    np.testing.assert_array_equal(path[0], [[6, 10, 16, 26], [2, 3, 5, 8]])
    np.testing.assert_array_equal(path[1], [[1, 2, 4, 1], [3, 1, 1, 3]])


def test_scores_by_hand():
    truth = np.array([1.0, 2.0, 4.0])
    path = np.array(
        [[[2.0, 3.0], [0.0, 4.0], [4.0, 0.0]], [[1.0, 2.0], [5.0, 1.0], [4.0, 0.0]]]
    )
    scores = script.score(path, truth, {"mae": 2.0, "mse": 5.0})
    mse = np.array([5 / 3, 3.0])
    expected = {"mse": mse, "rmse": mse**0.5, "mae": np.ones(2), "arv": mse / 5}
    expected["mase"] = np.full(2, 0.5)
    for key, values in expected.items():
        assert scores[key]["mean"] == pytest.approx(values.mean())
        assert scores[key]["sd"] == pytest.approx(values.std())
    two_ahead = np.mean([(1 / 2) ** 0.5, (9 / 2) ** 0.5])  # 3, 4 and 2, 1 against 2, 4
    assert scores["by_horizon"] == pytest.approx([(mse**0.5).mean(), two_ahead])
    assert scores["inside"] == pytest.approx(1 / 5)  # of 1, 2, 4 only 2; of 2, 4 none
    near = np.array([[[1.9]], [[2.1]]])
    assert script.score(near, np.array([2.0]), {"mae": 1.0, "mse": 1.0})["inside"] == 1


def test_published_and_recomputed_rivals_agree():
    """The reference numbers of this project's data, on the literature's windows."""
    times, x, _, ends = script.load_data(script.parse_args([]), None)
    assert [int(times[end - 1]) for end in ends] == [1920, 1955, 1979, 2008]
    steps, _ = script.fit_rivals(x[: ends[0]])
    expected = {
        "persistence": (0.416, 0.940),
        "AR9": (0.123, 0.342),
        "AR12": (0.126, 0.358),
    }
    pasts = script.sliding_window_view(x, 12)[None]
    for who, arvs in expected.items():
        for a, b, arv in zip(ends, ends[1:], arvs):
            error = steps[who](pasts[:, a - 12 : b - 12])[0] - x[a:b]
            assert np.mean(error**2) / 1535 == pytest.approx(arv, abs=6e-4)


@pytest.fixture
def quick_main(monkeypatch, tmp_path):
    """Return main, for a short run that saves nothing and returns the metrics."""
    caught = []

    def keep(args, figures, metrics):
        caught.append(metrics | {"settings": vars(args)})
        script.plt.close("all")

    monkeypatch.setattr(script, "save_results", keep)

    def run(*flags):
        assert script.main([*map(str, flags), *QUICK, "--out", str(tmp_path)]) == 0
        return caught[-1]

    return run


def write(path, values, times=None, header="time,value"):
    times = range(1, len(values) + 1) if times is None else times
    lines = [header, *(f"{t},{v}" for t, v in zip(times, values))]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


WAVE = [round(9 + 5 * np.sin(t / 2), 3) for t in range(100)]


@pytest.mark.parametrize(
    "values, times, words",
    [
        ([], None, "at least two"),
        (WAVE[:20], None, "window of 9 needs 42"),
        ([*WAVE[:50], "", *WAVE[51:]], None, "row 51"),
        ([*WAVE[:50], "n/a", *WAVE[51:]], None, "'n/a'"),
        ([*WAVE[:50], "nan", *WAVE[51:]], None, "'nan'"),
        ([*WAVE[:50], "inf", *WAVE[51:]], None, "'inf'"),
        ([5.0] * 100, None, "never changes"),
        (WAVE, [*range(1, 99), 100, 99], "even steps"),
        (WAVE, [*range(1, 100), 99], "'99' to '99'"),
        (WAVE, [*range(1, 51), *range(52, 102)], "'50' to '52'"),
        (WAVE, range(100, 0, -1), "even steps"),
        (WAVE, [*range(1, 100), "soon"], "'soon'"),
        (WAVE, ["red"] * 100, "red"),
        (WAVE * 400, None, "letters"),
    ],
)
def test_bad_series_is_one_sentence(values, times, words, tmp_path, capsys):
    path = write(tmp_path / "bad.csv", values, times)
    status = script.main(["--csv", str(path), "--out", str(tmp_path / "o")])
    captured = capsys.readouterr()
    assert status == 2 and captured.out == "" and captured.err.count("\n") == 1
    assert words in captured.err and not (tmp_path / "o").exists()


def test_a_horizon_beyond_the_data_other_columns_and_other_files(tmp_path, capsys):
    path = write(tmp_path / "good.csv", WAVE)
    (tmp_path / "ragged.csv").write_text("a,b\n1,2\n3\n4,5\n")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00\x01")
    for flags, words in [
        (["--csv", path, "--horizon", "16"], "beyond the data"),
        (["--horizon", "25"], "beyond the data"),
        (["--window", "300"], "window of 300"),
        (["--csv", path, "--column", "sales"], "sales"),
        (["--csv", tmp_path / "ragged.csv"], "ragged.csv"),
        (["--csv", tmp_path / "binary.csv"], "binary.csv"),
        (["--csv", tmp_path / "none.csv"], "none.csv"),
    ]:
        assert script.main([*map(str, flags), "--out", str(tmp_path / "o")]) == 2
        captured = capsys.readouterr()
        assert captured.err.count("\n") == 1 and words in captured.err
        assert captured.out == "" and not (tmp_path / "o").exists()


def test_csv_of_a_stranger(tmp_path):
    text = '\ufeffmonth;sales;"in; stock"\r\n2001-01;3;5\r\n2001-02;4;6\r\n'
    text += "\r\n2001-03;1;7\r\n"
    (tmp_path / "shop.csv").write_text(text, encoding="utf-8")
    times, values, name = script.read_series(tmp_path / "shop.csv", "sales")
    np.testing.assert_array_equal(values, [3, 4, 1])
    np.testing.assert_allclose(times, 2001 + np.array([0, 31, 59]) / 365.25, atol=0.01)
    assert name == "sales"
    assert script.read_series(tmp_path / "shop.csv", None)[2] == "in; stock"
    (tmp_path / "one.csv").write_text("value\n3\n1\n2\n")
    times, values, _ = script.read_series(tmp_path / "one.csv", None)
    np.testing.assert_array_equal([times, values], [[1, 2, 3], [3, 1, 2]])


def test_later_values_change_nothing_that_is_learnt(quick_main, tmp_path, capsys):
    printed = []
    for later in (WAVE[70:], [v + 20 for v in WAVE[70:]]):
        quick_main("--csv", write(tmp_path / "series.csv", WAVE[:70] + later))
        printed.append(capsys.readouterr().out.split("\n\n71-")[0])
    assert printed[0] == printed[1] and "Best epoch" in printed[0]


def test_sine_negative_values_and_the_network_behind_the_scores(quick_main, tmp_path):
    below = write(tmp_path / "wave.csv", [v - 9 for v in WAVE])
    for flags, root in ((["--synthetic"], True), (["--csv", below], False)):
        metrics = quick_main(*flags, "--horizon", 4)
        (table, *_) = metrics["windows"].values()
        assert table["ensemble"]["rmse"]["sd"] == 0 < table["network"]["rmse"]["sd"]
        assert table["ensemble"]["mse"]["mean"] < table["network"]["mse"]["mean"]
        assert len(metrics["forecast"]) == 4 and metrics["settings"]["root"] is root


def test_arv_and_mase_use_training_values_only(quick_main, tmp_path):
    metrics = quick_main("--csv", write(tmp_path / "wave.csv", WAVE))
    x = np.array(WAVE[:70])
    for table in metrics["windows"].values():
        scores = {k: table["persistence"][k]["mean"] for k in script.SCORES}
        assert scores["arv"] == pytest.approx(scores["mse"] / x.var())
        assert scores["mase"] == pytest.approx(scores["mae"] / abs(np.diff(x)).mean())


@pytest.mark.slow
def test_keras_makes_the_same_steps(tmp_path, capsys, tf):
    for skip in ("--skip", "--no-skip"):
        flags = ["--compare", skip, "--no-show", "--out", str(tmp_path), *QUICK]
        assert script.main(flags) == 0
        metrics = json.loads((tmp_path / "metrics.json").read_text())
        assert metrics["keras_differs_by"] < 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_the_readme_claims_hold_for_other_seeds(seed, tmp_path, capsys):
    assert script.main(["--seed", str(seed), "--no-show", "--out", str(tmp_path)]) == 0
    tables = json.loads((tmp_path / "metrics.json").read_text())["windows"]
    arv = {t: {w: s["arv"]["mean"] for w, s in v.items()} for t, v in tables.items()}
    assert arv["1921-1955"]["ensemble"] < arv["1921-1955"]["AR12"]
    assert arv["1956-1979"]["ensemble"] > arv["1956-1979"]["AR12"]  # the loss, too
    for table in arv.values():
        assert table["ensemble"] < table["network"] < table["persistence"]
