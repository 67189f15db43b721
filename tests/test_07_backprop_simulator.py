"""07: every printed number, the worked example, Jacobians, slips and worksheets."""

import functools
import json
import re
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import GradientCase, load, numerical_gradient, relative_error
from matplotlib.figure import Figure

script = load("07_backprop_simulator")
QUICK = ["--epochs", "30"]
TIMINGS = []
MISTAKES = list(script.MISTAKES)


def gradient_cases():
    for name, sizes, kind, seed in [
        ("sigmoid", (4, 3, 2), "mse", 1),
        ("tanh", (2, 5, 3, 4), "bce", 2),
        ("relu", (3, 6, 5, 2), "mse", 3),
        ("relu", (3, 4, 2), "bce", 4),
    ]:
        rng = np.random.default_rng(seed)
        N = 7
        params = script.init_params(sizes, rng)
        X, y = rng.normal(size=(N, sizes[0])), rng.uniform(size=(N, sizes[-1]))

        def tf_loss(tf, p, X=X, y=y, name=name, kind=kind):
            a, depth = tf.constant(X), len(p) // 2
            for k in range(1, depth + 1):
                z = a @ p[f"W{k}"] + p[f"b{k}"]
                a = getattr(tf.nn, name)(z) if k < depth else tf.sigmoid(z)
            if kind == "mse":
                return tf.reduce_sum((a - y) ** 2) / (2 * len(X))
            terms = tf.nn.sigmoid_cross_entropy_with_logits(tf.constant(y), z)
            return tf.reduce_sum(terms) / len(X)

        yield GradientCase(
            f"{'-'.join(map(str, sizes))} {name} {kind}",
            (N, *sizes),
            params,
            forward=lambda p, X=X, name=name: script.forward(p, X, name),
            loss=lambda c, y=y, kind=kind: script.loss(c, y, kind),
            backward=lambda p, c, y=y, name=name, kind=kind: script.backward(
                p, c, y, name, kind
            ),
            tf_loss=tf_loss,
            kinks=lambda c, name=name: [
                c[k] for k in c if name == "relu" and k[0] == "z"
            ],
        )


def settings(*flags):
    args = script.parse_args(["--epochs", "10", *flags])
    return args, *script.load_data(args, np.random.default_rng(args.seed))


NETWORKS = [
    [],
    ["--layers", "3", "2", "4", "--activation", "tanh", "--loss", "bce"],
    ["--layers", "2", "3", "3", "1", "--activation", "relu", "--train-biases"],
    ["--layers", "3", "2", "--train-biases", "--seed", "7"],
]
NETS = pytest.mark.parametrize("flags", NETWORKS, ids=" ".join)


@functools.cache
def learn(moving="W", mistake=None, epochs=10_000):
    args, params, X, y = settings("--epochs", str(epochs))
    gradient = script.slip(mistake, args.lr)[0] if mistake else script.backward
    params, history = script.train(params, X, y, args, moving, gradient)
    return params, history["loss"], script.forward(params, X, "sigmoid")["a2"][0]


def test_rows_one_to_three_of_the_table_to_every_printed_digit():
    _, right, a = learn()
    assert f"{right[0]:.9f}" == "0.298371109"
    assert f"{right[1]:.12f}" == "0.291027773694" and f"{right[-1]:.6e}" == (
        "3.510188e-05"
    )
    assert [f"{v:.8f}" for v in a] == ["0.01591362", "0.98406427"]
    _, slipped, a = learn(mistake="sequential-update")
    assert f"{slipped[1]:.12f}" == "0.291027923905"
    assert f"{slipped[-1]:.6e}" == "3.508479e-05"
    assert f"{a[0]:.7f}" == "0.0159122" and f"{a[1]:.8f}" == "0.98406573"
    _, biases, a = learn("Wb")
    assert f"{biases[1]:.9f}" == "0.280471447" and f"{biases[-1]:.4e}" == "2.4476e-06"
    assert [f"{v:.8f}" for v in a] == ["0.01158753", "0.98845894"]


def test_row_four_is_made_of_two_rules():
    """Published: weights of one rule, E1 and outputs of another, E_final of neither."""
    _, slipped, a = learn(mistake="sequential-update")
    assert f"{slipped[1]:.9f}" == "0.291027924"
    assert [f"{v:.9f}" for v in a] == ["0.015912196", "0.984065734"]
    _, right, _ = learn()
    assert f"{right[9_999]:.10f}" == "0.0000351085"
    assert f"{slipped[-1]:.10f}" == "0.0000350848"  # what the published outputs give
    published = 0.5 * ((0.015912196 - 0.01) ** 2 + (0.984065734 - 0.99) ** 2)
    assert f"{published:.10f}" == "0.0000350848"
    assert not any(f"{value:.10f}" == "0.0000351085" for value in slipped)


def test_one_step_of_the_worked_example():
    args, params, X, y = settings()
    hidden = script.forward(params, X, "sigmoid")["a1"][0]
    assert [f"{v:.8f}" for v in hidden] == ["0.59326999", "0.59688438"]
    output = script.forward(params, X, "sigmoid")["a2"][0]
    assert [f"{v:.8f}" for v in output] == ["0.75136507", "0.77292847"]
    params, _, _ = learn(epochs=1)
    numbers = [f"{v:.8f}" for v in (*params["W1"].T.flat, *params["W2"].T.flat)]
    assert numbers == [
        *("0.14978072", "0.19956143", "0.24975114", "0.29950229"),
        *("0.35891648", "0.40866619", "0.51130127", "0.56137012"),
    ]
    assert (params["b1"] == 0.35).all() and (params["b2"] == 0.6).all()


@NETS
@pytest.mark.parametrize("mistake", [None, *MISTAKES])
def test_every_line_is_what_the_numbers_in_it_give_and_what_the_code_gives(
    flags, mistake
):
    if mistake == "forgotten-transpose" and flags:
        flags = ["--layers", "3", "4", "4", "4", "--activation", "tanh"]
    if mistake == "missing-bias-gradient":
        flags = [*flags, "--train-biases"]
    flags = [*flags, "--mistake", mistake] if mistake else flags
    args, params, X, y = settings(*flags)
    gradient = script.slip(mistake, args.lr)[0] if mistake else script.backward
    known = {k: v[0] for k, v in script.forward(params, X, args.activation).items()}
    derivatives = script.every_derivative(params, X, y, args, gradient)
    rows = script.work_out(params, X, y, args)
    functions = {k: getattr(np, k) for k in ("tanh", "log")}
    functions.update(sigmoid=lambda z: 1 / (1 + np.exp(-z)), relu=lambda z: max(z, 0))
    for part, symbol, _, numbers, value, _ in rows:
        assert eval(numbers, functions) == pytest.approx(value, rel=1e-4, abs=1e-6)
        name, _, index = symbol.rstrip("]").partition("[")
        place = tuple(map(int, index.split(","))) if index else ()
        if part.startswith("Backward"):
            code = derivatives[name[1:]]
            code = code[0] if name[1] in "az" else code
            assert value == pytest.approx(code[place], rel=1e-12, abs=1e-15), symbol
        elif part == "Forward" and name in known:
            assert value == pytest.approx(known[name][place], rel=1e-12), symbol
        elif part == "Update":
            step = args.lr * derivatives[name][place]
            assert value == pytest.approx(params[name][place] - step, rel=1e-12)
    losses = [row[4] for row in rows if row[1] == "L"]
    moving = "Wb" if args.train_biases else "W"
    args.epochs = 1
    _, history = script.train(params, X, y, args, moving, gradient)
    np.testing.assert_allclose(losses, history["loss"], rtol=1e-12)


def test_numbers_are_put_in_as_a_student_would_write_them():
    args, params, X, y = settings()
    rows = {row[1]: row[3] for row in reversed(script.work_out(params, X, y, args))}
    assert rows["z1[0]"] == "0.05*0.15 + 0.1*0.2 + 0.35"
    assert rows["da1[0]"] == "0.138499*0.4 + (-0.0380982)*0.5"
    known = {"z1": np.array([-0.0, 0.0, -1.5])}
    assert script.put_in("relu(z1[0]) + z1[1]", known) == "relu(0) + 0"
    assert script.put_in("sigmoid(z1[2])", known) == "sigmoid(-1.5)"
    assert script.put_in("(z1[2] - z1[0])**2", known) == "((-1.5) - 0)**2"


@NETS
def test_every_derivative_has_its_central_difference(flags):
    args, params, X, y = settings(*flags)
    rows = [row for row in script.work_out(params, X, y, args) if row[1][0] == "d"]
    assert {row[1].split("[")[0][1:] for row in rows} >= {
        k for k in script.every_derivative(params, X, y, args, script.backward)
        if k[0] != "b" or args.train_biases
    }  # fmt: skip
    for _, symbol, _, _, value, check in rows:
        assert script.gradient_error(value, check) < 1e-6, symbol
        assert value == pytest.approx(check, abs=1e-9)


def test_central_difference_is_exact_for_what_it_claims():
    args, params, X, y = settings()
    ours = numerical_gradient(
        lambda p: script.loss(script.forward(p, X, "sigmoid"), y, "mse"), params
    )
    for name in params:
        central = script.central_difference(name, params, X, y, args)
        np.testing.assert_array_equal(central, ours[name])
    exact = script.every_derivative(params, X, y, args, script.backward)["W2"]
    far, near = (
        np.abs(script.central_difference("W2", params, X, y, args, h=h) - exact).max()
        for h in (0.02, 0.01)
    )
    assert far / near == pytest.approx(4, rel=0.01)  # the error goes with h * h


def test_the_slope_of_relu_at_its_kink_is_zero():
    slope = script.ACTIVATIONS["relu"][1](np.array([-1.0, 0.0, 2.0]), None)
    np.testing.assert_array_equal(slope, [0, 0, 1])


def test_gradient_error_is_relative_but_not_for_dust():
    assert script.gradient_error(3.0, 1.0) == 0.5
    assert script.gradient_error(1e-9, 0.0) == pytest.approx(1e-3)
    assert script.gradient_error(2e-6, -2e-6) == 1.0


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_gradient_check_sees_every_slip(mistake):
    args, params, X, y = settings("--mistake", mistake, "--train-biases")
    gradient, right, wrong = script.slip(mistake, args.lr)
    assert right != wrong
    rows = [row for row in script.work_out(params, X, y, args) if row[1][0] == "d"]
    assert max(script.gradient_error(row[4], row[5]) for row in rows) > 1e-2


def test_the_table_calls_wrong_what_rounding_cannot_explain(capsys):
    for error, words in ((0.9e-4, 0), (1.1e-4, 1)):
        check = (1 - error) / (1 + error)
        assert script.show([("Backward", "dz1[0]", "rule", "1", 1.0, check)], False)
        assert capsys.readouterr().out.count("WRONG") == words


def test_each_part_of_the_table_has_one_heading(capsys):
    args, params, X, y = settings()
    assert script.show(script.work_out(params, X, y, args), False)
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.endswith(":")] == [
        "Forward:",
        "Backward:",
        "Update:",
        "Forward, with the new weights:",
    ]


def test_columns_of_the_table_never_touch(capsys):
    for n in (*range(23, 28), *range(41, 47)):
        text = "x" * 9 + " " + "y" * (n - 10)
        row = ("Update", "W1[0,0]", text, text, -1.23456789e-05, None)
        script.show([row], False)
    lines = [line for line in capsys.readouterr().out.splitlines() if "xx" in line]
    assert len(lines) == 11
    for line in lines:
        assert line[8] == line[34] == line[78] == " " and line.endswith("789e-05")


def test_a_symmetric_matrix_hides_the_forgotten_transpose_from_every_check():
    args, params, X, y = settings()
    gradient = script.slip("forgotten-transpose", args.lr)[0]
    params["W2"] = (params["W2"] + params["W2"].T) / 2
    honest = script.every_derivative(params, X, y, args, script.backward)
    slipped = script.every_derivative(params, X, y, args, gradient)
    for name in honest:
        np.testing.assert_allclose(honest[name], slipped[name], rtol=1e-14)


def test_sequential_update_is_an_update_from_the_last_layer_to_the_first():
    args, params, X, y = settings("--layers", "2", "3", "4", "2", "--epochs", "1")
    cache, expected = script.forward(params, X, "sigmoid"), dict(params)
    for k in (3, 2, 1):  # the gradient through weights that have already moved
        grads = script.backward(expected, cache, y, "sigmoid", "mse")
        expected[f"W{k}"] = params[f"W{k}"] - 0.5 * grads[f"W{k}"]
    gradient = script.slip("sequential-update", 0.5)[0]
    end, _ = script.train(params, X, y, args, "W", gradient)
    for name in params:
        np.testing.assert_allclose(end[name], expected[name], rtol=1e-14)


@NETS
def test_full_jacobians_multiply_to_the_compact_form(flags):
    args, params, X, y = settings(*flags)
    cache = script.forward(params, X, args.activation)
    full = script.jacobians(params, cache, y, args.activation, args.loss)
    ours = script.every_derivative(params, X, y, args, script.backward)
    assert {name.split("/d")[1] for name in full} >= {k for k in ours if k[0] != "b"}
    row = np.ones((1, 1))
    for name, J in full.items():
        above, below = name[1:].split("/d")
        product = row @ J
        if below in ours:
            np.testing.assert_allclose(
                product, ours[below].reshape(1, -1), rtol=1e-10, atol=1e-16
            )
        row = row if below[0] == "W" else product
        if above == "L":
            continue
        for j in range(len(J)):  # each row of J by central differences, too

            def output(values, above=above, below=below, j=j):
                nudge = {below: values - {**params, **cache}[below]}
                moved = {**params, below: values} if below in params else params
                return script.forward(moved, X, args.activation, nudge)[above][0, j]

            numerical = numerical_gradient(
                lambda p, f=output: f(p["v"]), {"v": {**params, **cache}[below]}
            )["v"]
            assert relative_error(J[j], numerical.ravel()) < 1e-7, name


def test_same_steps_as_scikit_learn_on_a_batch(rng):
    from sklearn.neural_network import MLPClassifier

    X, y = rng.normal(size=(9, 3)), rng.integers(2, size=(9, 2))
    oracle = MLPClassifier(
        [4], "logistic", solver="sgd", alpha=0, batch_size=9, momentum=0,
        learning_rate_init=0.3,
    )  # fmt: skip
    oracle.partial_fit(X, y, classes=[0, 1])
    params = {
        "W1": oracle.coefs_[0].copy(),
        "b1": oracle.intercepts_[0].copy(),
        "W2": oracle.coefs_[1].copy(),
        "b2": oracle.intercepts_[1].copy(),
    }
    args = SimpleNamespace(activation="sigmoid", loss="bce", epochs=1, lr=0.3)
    for _ in range(20):
        params, history = script.train(params, X, y, args, "Wb")
        oracle.partial_fit(X, y)
        assert history["loss"][0] == pytest.approx(oracle.loss_, rel=1e-10)
        np.testing.assert_allclose(params["W1"], oracle.coefs_[0], rtol=1e-9)
        np.testing.assert_allclose(params["b2"], oracle.intercepts_[1], rtol=1e-9)


def test_small_random_networks_learn_their_example():
    for seed in range(5):
        for flags in (["--layers", "2", "3", "1"], ["--layers", "3", "4", "2"]):
            args, params, X, y = settings(
                *flags, "--seed", str(seed), "--epochs", "1000"
            )
            _, history = script.train(params, X, y, args, "Wb")
            assert history["loss"][-1] < 1e-2 * history["loss"][0]


def test_random_numbers_are_easy_to_copy():
    args, params, X, y = settings("--layers", "4", "6", "3")
    for values in (*params.values(), X, y):
        np.testing.assert_array_equal(values, values.round(2))
        assert np.abs(values).max() <= 1 and np.unique(values).size > 1
    assert (y > 0).all() and (y < 1).all()
    assert script.layer_sizes(params) == [4, 6, 3]
    assert params["W2"].shape == (6, 3) and params["W2"].min() < 0
    assert X.min() < 0 and params["b1"].min() < 0


@pytest.fixture
def no_pictures(monkeypatch):
    for name in ("plot_graph", "plot_loss"):
        monkeypatch.setattr(script, name, lambda *args: Figure((1, 1)))


def run(tmp_path, *flags):
    return script.main(
        ["--epochs", "5", "--no-show", "--out", str(tmp_path / "out"), *flags]
    )


@pytest.mark.parametrize(
    "keys, shown",
    [
        (["q"], ["z1[0]"]),
        (["b", "b", "q"], ["z1[0]", "z1[0]", "z1[0]"]),
        (["", "", "b", "q"], ["z1[0]", "z1[1]", "a1[0]", "z1[1]"]),
    ],
)
def test_step_waits_goes_back_and_quits(keys, shown, tmp_path, capsys, monkeypatch):
    answers = iter(keys)
    monkeypatch.setattr("builtins.input", lambda prompt: next(answers))
    assert run(tmp_path, "--step") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines if line[:1] in "za" and line] == shown
    assert not (tmp_path / "out/metrics.json").exists()


def test_step_without_a_keyboard_goes_on(tmp_path, capsys, monkeypatch, no_pictures):
    monkeypatch.setattr(
        "builtins.input", lambda prompt: (_ for _ in ()).throw(EOFError)
    )
    assert run(tmp_path, "--step") == 0
    assert (tmp_path / "out/metrics.json").exists()


@NETS
def test_worksheet_has_blanks_and_the_answers_have_none(
    flags, tmp_path, capsys, no_pictures
):
    assert run(tmp_path, *flags, "--worksheet", str(tmp_path / "w")) == 0
    exercise, answers = (
        (tmp_path / "w" / f"{name}.md").read_text() for name in ("exercise", "answers")
    )
    args, params, X, y = settings(*flags)
    rows = script.work_out(params, X, y, args)
    tables = [
        [line.split(" | ") for line in text.splitlines() if line.startswith("| ")][2:]
        for text in (exercise, answers)
    ]
    assert len(tables[0]) == len(tables[1]) == len(rows)
    for blank, full, row in zip(*tables, rows):
        assert blank[:3] == full[:3] and "".join(blank[3:]).strip(" |") == ""
        assert float(full[4].rstrip(" |")) == pytest.approx(row[4], rel=1e-5)
        for cell in full[1:4]:
            assert cell[0] == cell[-1] == "$" and cell.count("{") == cell.count("}")
            assert "*" not in cell and "[" not in cell
    assert "\n| --- | --- | --- | --- | --- |\n" in exercise
    assert exercise.count("$") % 2 == 0 and "W^{(1)}_{0,0} = " in exercise


def test_latex_of_symbols_rules_and_numbers():
    assert script.to_latex("dW1[0,1]") == (
        r"$\frac{\partial L}{\partial W^{(1)}_{0,1}}$"
    )
    assert script.to_latex("dz2 @ (W2 - lr*dW2)[0,:]") == (
        r"$\frac{\partial L}{\partial z^{(2)}} \cdot (W^{(2)} - \eta \cdot "
        r"\frac{\partial L}{\partial W^{(2)}})_{0,:}$"
    )
    assert script.to_latex("(y[0] - 2e-05)**2") == r"$(y_{0} - 2 \cdot 10^{-5})^2$"
    assert script.to_latex("sigmoid(z1[0])") == r"$\sigma(z^{(1)}_{0})$"


def test_a_weights_file_gives_the_same_numbers(tmp_path, capsys, no_pictures):
    (tmp_path / "w.json").write_text(json.dumps(script.EXAMPLE))
    flags = ["--weights", str(tmp_path / "w.json"), "--input", ".05", ".1"]
    assert run(tmp_path, *flags, "--target", ".01", ".99") == 0
    metrics = json.loads((tmp_path / "out/metrics.json").read_text())
    assert f"{metrics['E1']:.12f}" == "0.291027773694"
    params, X, y = settings()[1:]
    args = settings("--epochs", "5")[0]
    _, history = script.train(params, X, y, args, "W")
    assert [metrics[k] for k in ("E0", "E1", "E_final")] == [
        history["loss"][i] for i in (0, 1, 5)
    ]
    assert set(metrics) > {"E0", "E1", "E_final", "outputs", "max_gradient_error"}
    assert metrics["max_gradient_error"] < 1e-7


@pytest.mark.parametrize(
    "text, words",
    [
        ("", "Expecting value"),
        ("[1, 2]", "list"),
        ("{}", "W1"),
        ('{"W1": [[1, 2]], "b1": [1]}', "fit"),
        ('{"W1": [[1, 2]], "b1": [1, 2], "W2": [[1]], "b2": [1]}', "fit"),
        ('{"W1": [[1, 2]], "b1": [1, 2], "extra": 1}', "fit"),
        ('{"W1": [[1, NaN]], "b1": [1, 2]}', "finite"),
        ('{"W1": [[1, 1e999]], "b1": [1, 2]}', "finite"),
        ('{"W1": [[1, "x"]], "b1": [1, 2]}', "'x'"),
        ('{"W1": [[1], [2, 3]], "b1": [1]}', "sequence"),
        ('{"W1": [[]], "b1": []}', "sizes from 1 to 8"),
        ('{"W1": [[1, 1, 1, 1, 1, 1, 1, 1, 1]], "b1": [0]}', "fit"),
        (json.dumps({"W1": [[1]] * 9, "b1": [1]}), "sizes from 1 to 8"),
        ("[" * 100_000, "depth"),
    ],
)
def test_bad_weights_are_one_sentence(text, words, tmp_path, capsys):
    (tmp_path / "bad.json").write_text(text)
    assert run(tmp_path, "--weights", str(tmp_path / "bad.json")) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1
    assert words in captured.err and "bad.json" in captured.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "flags, words",
    [
        (["--input", "1"], "--input holds 1 number"),
        (["--target", ".1", ".2", ".3"], "--target holds 3"),
        (["--layers", "2", "3", "1", "--mistake", "forgotten-transpose"], "square"),
        (["--weights", "missing.json"], "missing.json"),
    ],
)
def test_numbers_that_do_not_fit_are_one_sentence(flags, words, tmp_path, capsys):
    assert run(tmp_path, *flags) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1
    assert words in captured.err and not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "flags",
    [
        ["--layers", "3"],
        ["--layers", "2", "0", "1"],
        ["--layers", "2", "99"],
        ["--layers", *"2" * 9],
        ["--layers", "2", "2", "--weights", "w.json"],
        ["--input", "nan", "1"],
        ["--target", "1.5", "0"],
        ["--mistake", "none"],
        ["--activation", "cube"],
        ["--loss", "hinge"],
    ],
    ids=" ".join,
)
def test_bad_flags_are_one_sentence(flags, capsys):
    with pytest.raises(SystemExit) as stopped:
        script.main(flags)
    assert stopped.value.code == 2 and capsys.readouterr().err.count("\n") == 1


def test_divergence_says_when_and_what_to_do(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(script, "backward", script.slip("wrong-sign", 1e9)[0])
    flags = ["--layers", "2", "3", "2", "--activation", "relu", "--loss", "bce"]
    assert run(tmp_path, *flags, "--lr", "1e9", "--epochs", "500") == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "epoch" in error and "--lr" in error


def test_a_slip_that_diverges_ends_the_run_only_if_it_was_asked_for(
    tmp_path, capsys, no_pictures
):
    flags = ["--loss", "bce", "--epochs", "9", "--lr", "1e8"]
    assert run(tmp_path, *flags) == 0
    assert re.search("wrong-sign +fails: training diverged", capsys.readouterr().out)
    assert run(tmp_path, *flags, "--mistake", "wrong-sign") == 1
    assert "--lr" in capsys.readouterr().err


@pytest.mark.parametrize("steps", [1, 3, 7])
def test_ctrl_c_before_the_chosen_slip_was_trained(
    steps, tmp_path, capsys, monkeypatch, no_pictures
):
    calls, honest = [], script.stop_if_diverged

    def interrupted(value, epoch):
        calls.append(epoch)
        if len(calls) == steps:
            raise KeyboardInterrupt
        honest(value, epoch)

    monkeypatch.setattr(script, "stop_if_diverged", interrupted)
    assert run(tmp_path, "--mistake", "forgotten-half") == 0
    assert (tmp_path / "out/metrics.json").exists()


def test_ctrl_c_before_the_first_loss(tmp_path, capsys, monkeypatch, no_pictures):
    def interrupted(params, *args):
        return params, {"loss": [0.5], "stopped": True}

    monkeypatch.setattr(script, "train", interrupted)
    assert run(tmp_path) == 0
    assert "from 0.500000000 to 0.500000000" in capsys.readouterr().out


def test_printed_jacobians_agree_with_the_compact_form(capsys):
    args, params, X, y = settings("--layers", "2", "3", "1")
    script.show_jacobians(params, X, y, args)
    text = capsys.readouterr().out
    gaps = re.findall(r"largest difference (\S+)", text)
    assert len(gaps) == 6 and max(map(float, gaps)) < 1e-15
    assert "dz1/dW1 (3, 6), 6 of 18 numbers not 0" in text
    assert "row times Jacobian: (1, 6); compact dW1: (2, 3)" in text


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_run_with_a_slip_says_what_the_check_says(
    mistake, tmp_path, capsys, no_pictures
):
    assert run(tmp_path, "--mistake", mistake, "--jacobians") == 0
    text = capsys.readouterr().out
    assert "contradict" in text and "WRONG" in text and "Slip:" in text
    metrics = json.loads((tmp_path / "out/metrics.json").read_text())
    assert metrics["max_gradient_error"] > 1e-2
    assert list(metrics["ways"]) == ["right", "biases-too", mistake]
