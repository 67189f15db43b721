"""04: any depth, the window's buttons and mouse, films, and what a hand can check."""

import json
import math
import re
import shutil
import subprocess

import matplotlib.pyplot as plt
import numpy as np
import pytest
from conftest import GradientCase, load
from matplotlib.backend_bases import MouseEvent

script = load("04_nn_visualizer")
QUICK = ["--epochs", "12", "--frames", "4", "--points", "40", "--hidden", "3", "2"]
TIMINGS = []
TIMES_IN_OUTPUT = r"draws \d+"
FAILS = [["--data", "plane", "--lr", "20"]]


def gradient_cases():
    for activation, output in [
        ("tanh", "sigmoid"),
        ("sigmoid", "linear"),
        ("relu", "sigmoid"),
    ]:
        rng = np.random.default_rng(4)
        N, D, H1, H2, K = 7, 3, 5, 4, 2
        X = rng.normal(size=(N, D))
        y = (
            rng.integers(0, 2, (N, K))
            if output == "sigmoid"
            else rng.normal(size=(N, K))
        )
        y = y.astype(float)
        params = script.init_params([D, H1, H2, K], activation, rng)
        params |= {
            k: rng.normal(size=v.shape) for k, v in params.items() if v.ndim == 1
        }

        def tf_loss(tf, p, X=X, y=y, activation=activation, output=output):
            function = {"tanh": tf.tanh, "sigmoid": tf.sigmoid, "relu": tf.nn.relu}
            a = tf.constant(X)
            for k in (1, 2):
                a = function[activation](a @ p[f"W{k}"] + p[f"b{k}"])
            z = a @ p["W3"] + p["b3"]
            if output == "linear":
                each = 0.5 * (z - y) ** 2
            else:
                each = tf.nn.sigmoid_cross_entropy_with_logits(labels=y, logits=z)
            return tf.reduce_mean(tf.reduce_sum(each, axis=1))

        yield GradientCase(
            f"{activation}-{output}",
            (N, D, H1, H2, K),
            params,
            forward=lambda p, X=X, a=activation, o=output: script.forward(p, X, a, o),
            loss=lambda c, y=y, o=output: script.loss(c, y, o),
            backward=lambda p, c, y=y, a=activation: script.backward(p, c, y, a),
            tf_loss=tf_loss,
            kinks=lambda c, a=activation: [c["z1"], c["z2"]] if a == "relu" else [],
        )


def learnt(*flags):
    """Train without a picture; return the args, data, params and history."""
    args = script.parse_args([*map(str, flags)])
    data, params, history, rng = script.begin(args)
    params, history = script.train(
        params,
        data,
        args.epochs,
        args.lr,
        args.batch_size,
        args.activation,
        rng,
        history,
    )
    return args, data, params, history


@pytest.fixture(scope="module")
def shared_window(films):  # films ends by closing every figure
    with plt.rc_context(script.STYLE | script.LOOK):
        window = script.Window(script.parse_args(QUICK))
        yield window
        plt.close(window.canvas.figure)


@pytest.fixture
def window(shared_window):
    with plt.rc_context(script.STYLE | script.LOOK):
        shared_window.slider.set_val(-1)
        if not shared_window.playing:
            shared_window.toggle()
        shared_window.reset(data="xor", activation="tanh")
        yield shared_window


def send(window, name, ax, where, data=True):
    """Send a mouse event at data coordinates, or at a fraction of the axes."""
    transform = ax.transData if data else ax.transAxes
    x, y = transform.transform(where)
    canvas = window.canvas
    canvas.callbacks.process(name, MouseEvent(name, canvas, x, y, button=1))


def click(window, ax, where=(0.5, 0.5), data=False):
    send(window, "button_press_event", ax, where, data)
    send(window, "button_release_event", ax, where, data)


def screen(window):
    return np.asarray(window.canvas.buffer_rgba()).copy()


# What is learnt ----------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    "name, floor",
    [("xor", 0.999), ("circle", 0.99), ("moons", 0.97), ("gaussians", 0.98)]
    + [("plane", 0.95)],
)
def test_data_sets_are_learnt_on_average_over_ten_seeds(name, floor, capsys):
    scores = [
        learnt("--data", name, "--seed", seed)[3]["test_score"][-1]
        for seed in range(10)
    ]
    assert np.mean(scores) >= floor, scores


def test_the_default_run_learns_every_test_point(capsys):
    assert learnt()[3]["test_score"][-1] == 1.0


@pytest.mark.slow
def test_spiral_is_learnt_with_the_stated_settings(capsys):
    flags = "--data spiral --hidden 16 8 --points 500 --epochs 1000".split()
    scores = [learnt(*flags, "--seed", seed)[3]["test_score"][-1] for seed in range(3)]
    assert min(scores) >= 0.95, scores


def test_no_hidden_neuron_but_one_cannot_learn_xor(capsys):
    assert learnt("--hidden", 1)[3]["test_score"][-1] < 0.9


def test_two_epochs_are_the_steps_of_tensorflow(tf, capsys):
    args, data, params, _ = learnt("--epochs", 2, "--points", 25, "--lr", 0.3)
    fresh, start, _, rng = script.begin(args)
    variables = {k: tf.Variable(v) for k, v in start.items()}
    optimizer = tf.keras.optimizers.SGD(0.3)
    for _ in range(2):
        order = rng.permutation(25)
        for rows in (order[:10], order[10:20], order[20:]):
            with tf.GradientTape() as tape:
                a = tf.tanh(fresh["X"][rows] @ variables["W1"] + variables["b1"])
                a = tf.tanh(a @ variables["W2"] + variables["b2"])
                z = a @ variables["W3"] + variables["b3"]
                value = tf.reduce_mean(
                    tf.nn.sigmoid_cross_entropy_with_logits(fresh["y"][rows], z)
                )
            grads = tape.gradient(value, list(variables.values()))
            optimizer.apply_gradients(zip(grads, variables.values()))
    for key, value in variables.items():
        np.testing.assert_allclose(params[key], value.numpy(), atol=1e-6)


def test_history_holds_what_the_data_say(capsys):
    args, data, params, history = learnt("--epochs", 5)
    assert history["epoch"] == [0, 1, 2, 3, 4, 5]
    np.testing.assert_array_equal(history["weights"][-1], script.flat(params))
    for part in ("", "test_"):
        a = script.forward(params, data[part + "X"], "tanh", "sigmoid")["a3"]
        y = data[part + "y"]
        assert history[part + "score"][-1] == np.mean((a > 0.5) == (y > 0.5))
        expected = -np.mean(y * np.log(a) + (1 - y) * np.log(1 - a))
        assert history[part + "loss"][-1] == pytest.approx(expected)
    cache = script.forward(params, data["X"], "tanh", "sigmoid")
    grads = script.backward(params, cache, data["y"], "tanh")
    norm = math.sqrt(sum((g**2).sum() for g in grads.values()))
    assert history["gradient"][-1] == pytest.approx(norm)


def test_training_one_epoch_at_a_time_is_the_same_training(window, capsys):
    for _ in range(5):
        window.learn()
    _, _, params, _ = learnt("--hidden", 3, 2, "--points", 40, "--epochs", 5)
    for key in params:
        np.testing.assert_array_equal(params[key], window.params[key])


@pytest.mark.parametrize("activation, gain", [("tanh", 1), ("sigmoid", 1), ("relu", 2)])
def test_initial_weights_have_the_stated_variance(activation, gain, rng):
    params = script.init_params([40, 300, 50], activation, rng)
    assert params["W1"].var() == pytest.approx(gain / 40, rel=0.05)
    assert params["W2"].var() == pytest.approx(gain / 300, rel=0.05)
    assert params["b1"].shape == (300,) and not params["b1"].any()


def test_r2_agrees_with_scikit_learn(rng):
    from sklearn.metrics import r2_score

    y, a = rng.normal(size=(2, 30, 1))
    a = y + 0.3 * a
    assert script.score(a, y, "linear") == pytest.approx(r2_score(y, a))
    assert script.score(a * 1e9, y, "linear") == -1.0


# Data --------------------------------------------------------------------------------


def test_data_sets_are_what_their_names_say(rng):
    X, y = script.make_data("xor", 500, 0, rng)
    np.testing.assert_array_equal(y[:, 0], X[:, 0] * X[:, 1] < 0)
    assert np.abs(X).min() >= 0.6 - 1e-12
    X, y = script.make_data("circle", 500, 0, rng)
    r = np.hypot(*X.T)
    assert (r[y[:, 0] == 1] <= 1.4).all() and (r[y[:, 0] == 0] >= 2.1).all()
    X, y = script.make_data("spiral", 500, 0, rng)
    turn = 3.5 * np.pi * np.hypot(*X.T) / 3 + np.pi * y[:, 0]
    np.testing.assert_allclose(np.cos(np.arctan2(*X.T) - turn), 1)
    X, y = script.make_data("moons", 500, 0, rng)
    for label, sign in ((0, 1), (1, -1)):
        centre = sign * 1.8 * np.array([-0.5, -0.25])
        np.testing.assert_allclose(np.hypot(*(X[y[:, 0] == label] - centre).T), 1.8)
    X, y = script.make_data("gaussians", 4000, 0, rng)
    assert X[y[:, 0] == 1].mean() == pytest.approx(1.4, abs=0.05)
    assert X[y[:, 0] == 0].std() == pytest.approx(0.7, abs=0.05)
    X, y = script.make_data("plane", 500, 0, rng)
    np.testing.assert_allclose(y[:, 0], (X[:, 0] + X[:, 1]) / 3)
    for name in script.DATA:
        quiet, _ = script.make_data(name, 3000, 0, np.random.default_rng(5))
        noisy, heights = script.make_data(name, 3000, 0.5, np.random.default_rng(5))
        spread = heights - noisy.sum(axis=1, keepdims=True) / 3
        spread = spread if name == "plane" else noisy - quiet
        assert spread.std() == pytest.approx(0.5, rel=0.1)


def test_csv_is_scaled_by_its_training_half_alone(tmp_path, rng):
    rows = rng.normal([5, 100], [1, 20], size=(40, 2))
    text = "".join(f"{a},{b},{'no' if a < 5 else 'yes'}\n" for a, b in rows)
    (tmp_path / "points.csv").write_text("width,weight,kind\n" + text)
    data = script.load_data("csv", tmp_path / "points.csv", 0, 0, rng)
    np.testing.assert_allclose(data["X"].mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(data["X"].std(axis=0), 1)
    assert data["names"] == ["width", "weight"]
    every = np.vstack([data["X"], data["test_X"]]) * data["std"] + data["mean"]
    np.testing.assert_allclose(np.sort(every, axis=0), np.sort(rows, axis=0))
    labels = np.vstack([data["y"], data["test_y"]])[:, 0]
    np.testing.assert_array_equal(labels == 1, every[:, 0] >= 5)


@pytest.mark.parametrize(
    "text, words",
    [
        ("", "empty"),
        ("1,2\n3,4\n", "columns"),
        ("1,2,a\nnan,4,b\n", "infinite"),
        ("1,2,a\n3,x,b\n", "'x'"),
        ("1,2,a\n" * 5, "1 different"),
        ("1,2,a\n3,4,b\n5,6,c\n7,8,a\n", "3 different"),
        ("1,2,a\n3,4,b\n", "2 row"),
    ],
)
def test_bad_csv_is_one_sentence(text, words, tmp_path, capsys):
    (tmp_path / "bad.csv").write_text(text)
    flags = ["--csv", str(tmp_path / "bad.csv"), "--out", str(tmp_path / "o")]
    assert script.main(flags) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1
    assert words in captured.err and "bad.csv" in captured.err
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize(
    "flags",
    ["--hidden 0", "--hidden 17", "--hidden 2 2 2 2 2 2 2", "--data rings", "--lr inf",
     "--noise nan", "--points 1", "--batch-size 0", "--frames 1", "--activation step"],
)  # fmt: skip
def test_bad_flags_are_one_sentence(flags, capsys):
    with pytest.raises(SystemExit) as stopped:
        script.main(flags.split())
    captured = capsys.readouterr()
    assert (stopped.value.code, captured.out) == (2, "")
    assert captured.err.count("\n") == 1


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    folder = tmp_path_factory.mktemp("films")
    assert script.main([*QUICK, "--no-show", "--out", str(folder)]) == 0
    return folder


# The forward pass in words -----------------------------------------------------------


@pytest.mark.parametrize(
    "activation, output",
    [("tanh", "sigmoid"), ("relu", "linear"), ("sigmoid", "sigmoid")],
)
def test_every_printed_sum_can_be_recomputed_by_hand(activation, output, rng):
    params = script.init_params([2, 5, 3, 1], activation, rng)
    params |= {k: rng.normal(size=v.shape) for k, v in params.items() if v.ndim == 1}
    cache = script.forward(params, rng.normal(size=(1, 2)), activation, output)
    lines = " ".join(script.explain(params, cache, activation, output))
    lines = " ".join(lines.split())
    pattern = r"(z\d\[\d\]) = (.*?) = (.*?) = (\S+); (\w+): (a\d\[\d\]) = (\S+)"
    found = re.findall(pattern, lines)
    assert len(found) == 5 + 3 + 1
    functions = {"tanh": math.tanh, "relu": lambda z: max(z, 0.0)}
    functions |= {"sigmoid": lambda z: 1 / (1 + math.exp(-z)), "linear": lambda z: z}
    for name, factors, products, z, function, _, a in found:
        terms = [math.prod(map(float, t.split("*"))) for t in factors.split()]
        np.testing.assert_allclose(terms, [*map(float, products.split())], atol=3e-3)
        assert sum(terms) == pytest.approx(float(z), abs=9e-3)
        assert functions[function](float(z)) == pytest.approx(float(a), abs=2e-3)
        k, j = int(name[1]), int(name[3])
        assert float(z) == pytest.approx(cache[f"z{k}"][0, j], abs=5.1e-4)
    assert function == output


def test_weights_json_repeats_the_output(films):
    net = json.loads((films / "weights.json").read_text())
    a = net["example"]["a0"]
    for k in (1, 2, 3):  # plain Python, as a reader would
        z = [
            sum(x * row[j] for x, row in zip(a, net[f"W{k}"])) + b
            for j, b in enumerate(net[f"b{k}"])
        ]
        a = [math.tanh(v) if k < 3 else 1 / (1 + math.exp(-v)) for v in z]
        assert a == pytest.approx(net["example"][f"a{k}"])


# The window --------------------------------------------------------------------------


def test_the_window_draws_what_a_whole_redraw_would(window):
    for _ in range(12):
        window.learn()
    blitted = screen(window)
    window.canvas.draw()
    assert (blitted != screen(window)).mean() < 1e-3


def test_play_pause_step_and_reset(window):
    window.tick()
    assert window.history["epoch"][-1] == 1
    click(window, window.widgets["Pause"].ax)
    window.tick()
    assert window.history["epoch"][-1] == 1 and not window.playing
    assert window.widgets["Pause"].label.get_text() == "Play"
    before = screen(window)
    click(window, window.widgets["Step"].ax)
    assert window.history["epoch"][-1] == 2
    assert (before != screen(window)).any()
    click(window, window.widgets["Pause"].ax)
    window.tick()
    assert window.history["epoch"][-1] == 3
    click(window, window.widgets["Reset"].ax)
    assert window.history["epoch"] == [0]
    assert "epoch 0" in window.picture.title.get_text()


def test_the_learning_rate_changes_without_a_reset(window):
    window.learn()
    before = window.params
    send(window, "button_press_event", window.slider.ax, (-2, 0.5))
    send(window, "button_release_event", window.slider.ax, (-2, 0.5))
    assert window.slider.val == pytest.approx(-2, abs=0.05)
    assert window.history["epoch"][-1] == 1 and window.params is before
    window.learn()
    slow = np.abs(script.flat(window.params) - script.flat(before)).max()
    window.reset()
    window.slider.set_val(0)
    window.learn()
    assert (
        slow < np.abs(window.history["weights"][1] - window.history["weights"][0]).max()
    )


@pytest.mark.parametrize("flag, name", [("activation", "relu"), ("data", "spiral")])
def test_radio_buttons_begin_anew(window, flag, name):
    window.learn()
    radio = window.widgets[flag]
    label = next(text for text in radio.labels if text.get_text() == name)
    x, y = label.get_position()
    click(window, radio.ax, (x + 0.05, y))
    assert window.history["epoch"] == [0] and name in window.picture.title.get_text()
    window.learn()
    assert window.history["epoch"] == [0, 1]


def test_the_mouse_names_neurons_and_edges(window):
    picture, net = window.picture, window.picture.ax["net"]
    params, b = window.params, window.params["b1"][2]
    send(window, "motion_notify_event", net, picture.places[1, 2])
    text = picture.tip.get_text()
    assert "a1[2] = tanh(" in text and f"b1[2] = {b:+.4f}" in text
    assert f"{params['W1'][0, 2]:+.2f}*a0[0]" in text
    for (k, i, _), curve in picture.curves.items():
        send(window, "motion_notify_event", net, curve[1])
        text = picture.tip.get_text()
        assert re.search(rf"W{k}\[{i}, \d\]", text)  # near a neuron several begin
    send(window, "motion_notify_event", net, picture.curves[3, 1, 0][10])
    assert f"W3[1, 0] = {params['W3'][1, 0]:+.4f}" in picture.tip.get_text()
    cache = script.forward(params, window.data["X"], "tanh", "sigmoid")
    grads = script.backward(params, cache, window.data["y"], "tanh")
    assert f"{grads['W3'][1, 0]:+.1e}" in picture.tip.get_text()
    send(window, "motion_notify_event", net, picture.places[0, 1])
    assert "a0[1]" in picture.tip.get_text()
    send(window, "motion_notify_event", net, (0.01, 0.01))
    assert picture.tip.get_text() == ""


def test_a_click_on_a_point_shows_its_forward_pass(window):
    surface, x = window.picture.ax["surface"], window.data["test_X"][3]
    window.learn()
    click(window, surface, x, data=True)
    cache = script.forward(window.params, x[None], "tanh", "sigmoid")
    text = window.picture.walk.get_text()
    assert f"a0[0] = {x[0]:.3f}" in text and f"a3[0] = {cache['a3'][0, 0]:.3f}" in text
    np.testing.assert_array_equal(window.picture.ring.get_offsets(), [x])
    window.learn()
    assert window.picture.walk.get_text() != text, "it follows the training"
    click(window, window.picture.ax["net"], (0.01, 0.01))
    assert window.picture.walk.get_text() == ""


def test_divergence_is_explained_in_the_window_and_reset_ends_it(window):
    window.reset(data="plane")
    window.slider.set_val(2)
    with np.errstate(all="ignore"):
        for _ in range(40):
            window.learn()
    epochs = window.history["epoch"][-1]
    text = window.picture.message.get_text()
    assert "diverged" in text and "--lr" in text and np.isfinite(epochs)
    with np.errstate(all="ignore"):
        window.learn()
    assert window.history["epoch"][-1] == epochs
    window.slider.set_val(-1)
    window.reset()
    window.learn()
    assert window.picture.message.get_text() == "" and window.history["epoch"][-1] == 1


def test_every_neuron_shows_its_activation(window):
    picture, history = window.picture, window.history
    picture.update(history)
    cache = script.forward(
        window.params, picture.plane.reshape(-1, 2), "tanh", "sigmoid"
    )
    side, gap = script.GRID, script.GAP
    image = picture.images[1].get_array().data
    assert image.shape == (3 * side + 2 * gap, side)
    for j in range(3):
        low = (2 - j) * (side + gap)
        shown = image[low : low + side].ravel()
        np.testing.assert_allclose(shown, cache["a1"][:, j])
    shown = picture.surface.get_array().data.ravel()
    np.testing.assert_allclose(shown, 2 * cache["a3"][:, 0] - 1)
    widths = np.array(picture.edges.get_linewidths())
    assert np.argmax(widths) == np.argmax(np.abs(script.flat(window.params, "W")))
    red, _, blue, _ = script.weight_colours(np.array([-2.0, 2.0])).T
    assert blue[0] > red[0] and red[1] > blue[1]


def test_frames_are_cheap(capsys):
    args = script.parse_args([])
    rate = script.measure_frame_rate(args, 25)
    assert rate > 3  # 15 and more on an idle machine: tests/benchmark.py prints it


# Files -------------------------------------------------------------------------------


def test_divergence_is_drawn_and_ends_with_status_1(tmp_path, capsys):
    flags = ["--data", "plane", "--lr", "20", "--out", str(tmp_path)]
    assert script.main(flags) == 1
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1 and "--lr" in captured.err
    assert (tmp_path / "diverged.png").stat().st_size > 20_000
    assert not (tmp_path / "metrics.json").exists()


def test_gif_moves_and_is_small(films):
    from PIL import Image

    with Image.open(films / "learning.gif") as gif:
        assert gif.n_frames == 4 and gif.size == (600, 400)
        first = np.asarray(gif.convert("RGB")).copy()
        gif.seek(3)
        assert (np.asarray(gif.convert("RGB")) != first).mean() > 0.01
    assert (films / "learning.gif").stat().st_size < 1_500_000


def test_html_fetches_nothing(films):
    page = (films / "learning.html").read_text(encoding="utf-8")
    assert not re.search(r"(src|href|url)\s*=?\s*[\"'(]?\s*https?:", page)
    assert "<link" not in page and 'class="fa' not in page
    assert page.count("data:image/png;base64,") == 4
    for word in ("Play", "Pause", "Next frame"):
        assert re.search(rf">\s*{word}</button>", page)


@pytest.mark.slow
def test_html_plays_in_a_browser_without_an_error(films, tmp_path):
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if not browser:
        pytest.skip("no Chromium is installed")
    page = tmp_path / "page.html"
    drive = """<script>setTimeout(() => {
      let act = name => document.querySelector(`[title="${name}"]`).click();
      let slider = document.querySelector("input[type=range]");
      let image = document.querySelector("img"), log = [slider.max, slider.value];
      let first = image.src;
      act("Next frame"); log.push(slider.value, image.src !== first);
      slider.value = 3; slider.dispatchEvent(new Event("input"));
      log.push(image.naturalWidth > 0, anims().current_frame);
      act("First frame"); act("Play");
      setTimeout(() => { act("Pause"); log.push(slider.value > 0);
        document.title = log.join(" "); }, 700);
    }, 300);
    function anims() { return window[Object.keys(window).find(k => /^anim[0-9a-f]{8}/
      .test(k))]; }</script>"""
    text = (films / "learning.html").read_text(encoding="utf-8")
    page.write_text(text.replace("</html>", drive + "</html>"), encoding="utf-8")
    flags = """--headless --no-sandbox --disable-gpu --disable-quic --no-first-run
        --disable-background-networking --disable-component-update --disable-sync
        --enable-logging=stderr --virtual-time-budget=4000 --dump-dom""".split()
    result = subprocess.run(
        [browser, *flags, f"--user-data-dir={tmp_path / 'profile'}", page.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "CONSOLE" not in result.stderr, result.stderr
    title = re.search(r"<title>(.*?)</title>", result.stdout)[1]
    assert title == "3 0 1 true true 3 true"
