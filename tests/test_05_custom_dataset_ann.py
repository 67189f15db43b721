"""05: from a stranger's CSV file to a network, its scores and its answers."""

import csv
import json
import math
import types

import numpy as np
import pytest
from conftest import GradientCase, load, numerical_gradient

script = load("05_custom_dataset_ann")
QUICK = ["--epochs", "3", "--folds", "2", "--repeats", "1"]
TIMINGS = []


def gradient_cases():
    rng = np.random.default_rng(7)
    N, D, H1, H2, K = 7, 3, 5, 4, 6
    X = rng.normal(size=(N, D))
    targets = {K: rng.integers(0, K, N), 1: rng.normal(size=N)}
    for last, y in targets.items():
        params = script.init_params([D, H1, H2, last], rng)
        params = {k: v + 0.1 * rng.normal(size=v.shape) for k, v in params.items()}

        def tf_loss(tf, p, last=last, y=y):
            a = tf.constant(X)
            for k in (1, 2):
                a = tf.nn.tanh(a @ p[f"W{k}"] + p[f"b{k}"])
            z = a @ p["W3"] + p["b3"]
            if last == 1:
                return tf.reduce_mean(tf.square(z[:, 0] - y)) / 2
            return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, z))

        yield GradientCase(
            "number" if last == 1 else "classes",
            (N, D, H1, H2, last),
            params,
            forward=lambda p: script.forward(p, X),
            loss=lambda c, y=y: script.loss(c, y),
            backward=lambda p, c, y=y: script.backward(p, c, y),
            tf_loss=tf_loss,
        )


def settings(*flags, **changes):
    args = script.parse_args([str(flag) for flag in flags])
    return types.SimpleNamespace(**vars(args) | changes)


def read(path, *flags, target="y"):
    args = settings("--csv", path, "--target", target, *flags)
    return script.load_data(args, np.random.default_rng(0))


@pytest.fixture
def penguins(capsys):
    return script.load_data(settings(), np.random.default_rng(0))


def lines(n=40):
    """Return the rows of a clean table: two numbers, a colour and a class."""
    rng = np.random.default_rng(1)
    return [
        f"{a:.3f},{10 * b:.2f},{['red', 'green', 'blue'][i % 3]},{['no', 'yes'][i % 2]}"
        for i, (a, b) in enumerate(rng.normal(size=(n, 2)))
    ]


def text_of(rows, header="width,mass,colour,y"):
    return "\n".join([header, *rows]) + "\n"


@pytest.fixture
def file(tmp_path):
    """Return a function that writes a table and returns its path."""

    def write(text, name="table.csv"):
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return write


# What is read


def test_penguins_are_what_the_references_say(penguins):
    assert (penguins["rows"], penguins["rows_with_missing"]) == (344, 11)
    assert penguins["classes"] == ["Adelie", "Chinstrap", "Gentoo"]
    assert np.bincount(penguins["y"]).tolist() == [152, 68, 124]
    assert list(penguins["kinds"].values()) == ["category", *["number"] * 4, "category"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
def test_delimiter_newline_and_encoding_are_found(
    delimiter, newline, encoding, file, capsys
):
    text = text_of(lines()).replace("red", "röt").replace(",", delimiter)
    table = read(file(text.replace("\n", newline).encode(encoding)))
    assert table["kinds"] == {"width": "number", "mass": "number", "colour": "category"}
    assert set(table["X"][:, 2]) == {"röt", "green", "blue"}


def test_quotes_newlines_and_decimal_commas(file, capsys):
    rows = ['"1.234,5";"Bath; Avon";a', '-0,25;"York ""N""";b', '7.5;"two\nlines";a']
    table = read(file("size;town;y\n" + "\n".join(rows * 8)))
    expected = [[1234.5, "Bath; Avon"], [-0.25, 'York "N"'], [7.5, "two\nlines"]]
    assert table["X"][:3].tolist() == expected


def test_thousands_percent_and_currency_signs(file, capsys):
    rows = ['"$1,234,567.5",12 %,a', '"$1,234",3.5%,b', "$-9,0,a"] * 9
    table = read(file("price,share,y\n" + "\n".join(rows)))
    assert table["X"][:3].tolist() == [[1234567.5, 12], [1234, 3.5], [-9, 0]]


@pytest.mark.parametrize(
    "texts, numbers",
    [
        (["1,234", "980", "-12,345.5"], [1234, 980, -12345.5]),
        (["1,234", "980", "12,5"], [1.234, 980, 12.5]),
        (["1,234", "0,125"], [1.234, 0.125]),
        (["1.234,567", "1.234", "7.5"], [1234.567, 1234, 7.5]),
        (["1.234", "7.5", "1e-3", ".5", "+2."], [1.234, 7.5, 1e-3, 0.5, 2]),
        (["1.234.567", "1.234", "7,5"], [1234567, 1234, 7.5]),
        (["$1,234.5", "-$9", "12 %", "5\u20ac"], [1234.5, -9, 12, 5]),
        (["1'234.5", "1 234", "1\u00a0234", "\u22125"], [1234.5, 1234, 1234, -5]),
        (["1,2,3", "1_000", "--1", "1e99999", "1" * 99], [math.nan] * 5),
    ],
)
def test_a_comma_is_decimal_if_one_of_its_column_must_be(texts, numbers):
    np.testing.assert_array_equal(script.read_numbers(texts), numbers)


@pytest.mark.parametrize(
    "text", ["NaN", "nan", "NA", "", "?", "inf", "-Infinity", "1e999", "+INF", "wide"]
)
def test_what_is_no_finite_number_is_missing(text, file, capsys):
    table = read(file(text_of([f"{text},1,red,yes", *lines()])))
    assert math.isnan(table["X"][0, 0]) and table["rows_with_missing"] == 1
    assert "1 missing" in (out := capsys.readouterr().out)
    assert (f"texts like {text!r}" in out) == (text.lower() not in script.MISSING)


def test_a_column_is_a_category_when_over_a_tenth_is_text(file, capsys):
    for texts, kind in ((4, "number"), (5, "category")):
        rows = [f"big{row[row.index(',') :]}" for row in lines()[:texts]]
        table = read(file(text_of(rows + lines()[texts:])))
        assert table["kinds"]["width"] == kind


def test_columns_that_teach_nothing_are_left_out_and_named(file, capsys):
    header = "id,key,nothing,same,,width,mass,colour,y"
    rows = [f"{3 * i // 2 + 7},k{i},,one,{i},{row}" for i, row in enumerate(lines())]
    table = read(file(text_of(rows, header)))
    assert list(table["kinds"]) == ["width", "mass", "colour"]
    report = capsys.readouterr().out.splitlines()
    for name, word in zip(
        ["id", "key", "nothing", "same", "column 5"],
        ["suspicious", "suspicious", "empty", "one value", "suspicious"],
    ):
        (line,) = [line for line in report if line.startswith(f"  {name} ")]
        assert "left out" in line and word in line


def test_an_id_with_a_gap_is_suspicious_too(file, capsys):
    rows = [f"{i if i else ''},{row}" for i, row in enumerate(lines())]
    assert "key" not in read(file(text_of(rows, "key,width,mass,colour,y")))["kinds"]


def test_rare_categories_share_a_column(file, capsys):
    towns = [*range(31)] * 2 + list(range(29)) * 2  # towns 29 and 30 are rarer
    rows = [f"t{town},{row}" for town, row in zip(towns, lines(120))]
    table = read(file(text_of(rows, "town,width,mass,colour,y")))
    assert "31 values, the rare ones in one column" in capsys.readouterr().out
    X = script.make_encoder(table["kinds"]).fit_transform(table["X"])
    assert X.shape == (120, 2 + 30 + 3)
    assert np.flatnonzero(X[:, 31]).tolist() == [29, 30, 60, 61]


def test_whole_numbers_far_apart_are_no_id(file, capsys):
    rows = [f"{2 * i + (i > 0)},{row}" for i, row in enumerate(lines())]
    table = read(file(text_of(rows, "code,width,mass,colour,y")))
    assert "code" not in table["kinds"]
    rows = [f"{3 * i},{row}" for i, row in enumerate(lines())]
    assert "code" in read(file(text_of(rows, "code,width,mass,colour,y")))["kinds"]
    few = [f"{i},{row}" for i, row in enumerate(lines(20))]
    assert "code" in read(file(text_of(few, "code,width,mass,colour,y")))["kinds"]


def test_drop_and_categorical_overrule(file, capsys):
    path = file(text_of([f"{i % 4},{r}" for i, r in enumerate(lines())], "n,w,m,c,y"))
    assert read(path)["kinds"]["n"] == "number"
    table = read(path, "--drop", "m", "--categorical", "n")
    assert table["kinds"] == {"n": "category", "w": "number", "c": "category"}


def test_a_number_of_many_values_is_regression_unless_declared(file, capsys):
    for values, is_class in ((20, True), (21, False)):
        rows = [f"{row},{i % values}" for i, row in enumerate(lines(300))]
        path = file(text_of(rows, "width,mass,colour,y,level"))
        assert (read(path, target="level")["classes"] is not None) == is_class
    table = read(path, "--categorical", "level", target="level")
    assert len(table["classes"]) == 21 and table["classes"][table["y"][2]] == "2"


def test_rows_without_a_label_are_not_learnt_from(file, capsys):
    table = read(file(text_of([*lines(), "1,2,red,", "1,2,red,NA"])))
    assert table["rows"] == 40 and "42 rows; 40 used" in capsys.readouterr().out


@pytest.mark.parametrize(
    "text, words",
    [
        ("", "empty"),
        ("\n\n  \n", "empty"),
        ("width,mass,colour,y\n", "rows below"),
        ("1.5,2,red,yes\n" + text_of(lines()), "holds '1.5'"),
        (text_of(lines()).replace("y\n", "z\n", 1), "no column 'y'; it has width"),
        (text_of([r.replace("yes", "no") for r in lines()]), "has 40 of 'no'"),
        (text_of([*lines(), "1,2,red,maybe"]), "has 1 of 'maybe'"),
        (text_of([*lines(), *["1,2,red,maybe"] * 7]), "has 7 of 'maybe'"),
        (text_of([*lines(), "1,2,red"]), "from 4 to 3 at row 42"),
        (text_of([*lines(), "1,2,red,yes,5"]), "from 4 to 5 at row 42"),
        (text_of(lines(), "mass,mass,colour,y"), "holds 'mass'"),
        (text_of(lines()).replace(",", ":"), "a tab between"),
        (text_of(["1,NA,red,"] * 9), "has none"),
        (text_of(["1,2,red,yes", "1,2,red,no"] * 20), "no column left"),
        (b"PK\x03\x04\x00\x00\xff\xfe", "no text"),
        (text_of(lines()).encode("utf-16"), "no text"),
    ],
)
def test_bad_tables_are_one_sentence(text, words, file, tmp_path, capsys):
    flags = ["--csv", str(file(text)), "--target", "y", "--out", str(tmp_path / "out")]
    assert script.main(flags) == 2
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1 and words in captured.err
    assert captured.out == "" and not (tmp_path / "out").exists()


def test_missing_files_and_columns_are_one_sentence(tmp_path, capsys):
    for flags, words in (
        (["--csv", str(tmp_path / "no.csv")], "no.csv"),
        (["--csv", str(tmp_path)], "directory"),
        (["--drop", "beak"], "'beak'; it has species"),
        (["--categorical", "beak"], "'beak'; it has species"),
    ):
        assert script.main([*flags, "--out", str(tmp_path / "out")]) == 2
        captured = capsys.readouterr()
        assert captured.err.count("\n") == 1 and words in captured.err
    for flags in (["--folds", "-1"], ["--hidden", "0"], ["--max-rows", "9"], ["--csv"]):
        with pytest.raises(SystemExit):
            script.main(flags)


def test_a_long_file_is_sampled_fairly(file):
    path = file(text_of([f"{i},{i},red,{'ab'[i % 2]}" for i in range(5000)]))
    columns, count = script.read_table(path, 500, np.random.default_rng(0))
    kept = columns["mass"].astype(int)
    assert (count, len(set(kept))) == (5000, 500)
    assert abs(kept.mean() - 2500) < 4 * 1443 / math.sqrt(500)
    assert script.read_table(path, 5000, None)[0]["mass"].tolist()[-1] == "4999"


# What is encoded


def test_statistics_come_from_the_training_part_only(penguins):
    rows, args = np.arange(344), settings(epochs=1)
    training, validation = script.hold_out(rows, penguins, 0.1, args.seed)
    assert not set(training) & set(validation) and len(validation) == 35
    changed = penguins | {"X": penguins["X"].copy()}
    changed["X"][validation, 1], changed["X"][validation, 0] = 1e6, "Atlantis"
    models = [
        script.fit_network(table, rows, args, np.random.default_rng(0))
        for table in (penguins, changed)
    ]
    first, second = (m["encoder"].transform(penguins["X"]) for m in models)
    np.testing.assert_array_equal(first, second)
    np.testing.assert_allclose(first[training, :4].mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(first[training, :4].std(axis=0), 1)
    assert first.shape == (344, 4 + 3 + 2)
    np.testing.assert_array_equal(first[:, 4:7].sum(axis=1), 1)
    np.testing.assert_array_equal(first[:, 7:].sum(axis=1), 1)


def test_a_number_to_predict_is_scaled_by_the_training_part(capsys):
    args = settings("--target", "body_mass_g", epochs=1)
    table = script.load_data(args, np.random.default_rng(0))
    rows = np.arange(table["rows"])
    model = script.fit_network(table, rows, args, np.random.default_rng(0))
    y = table["y"][script.hold_out(rows, table, 0.1, 0)[0]]
    assert (model["center"], model["scale"]) == pytest.approx((y.mean(), y.std()))
    encoded = model["encoder"].transform(table["X"])
    z = script.forward(model["params"], encoded)["a2"]
    np.testing.assert_allclose(
        script.predict_rows(model, table["X"]), z * y.std() + y.mean()
    )
    assert model["history"]["loss"][0] < 0.5  # half the variance is 0.5


def test_classes_keep_their_shares_in_every_part(penguins):
    for part in script.hold_out(np.arange(344), penguins, 0.2, 0):
        shares = np.bincount(penguins["y"][part]) / len(part)
        np.testing.assert_allclose(shares, np.array([152, 68, 124]) / 344, atol=0.02)
    assert len(part) == 69


def test_an_unseen_category_is_no_column_and_a_missing_number_the_median(penguins):
    encoder = script.make_encoder(penguins["kinds"]).fit(penguins["X"])
    row = np.array([["Atlantis", *[math.nan] * 4, ""]], dtype=object)
    encoded = encoder.transform(row)[0]
    assert encoded[4:].tolist() == [0, 0, 0, 0, 1]  # no island; male, the most frequent
    X = penguins["X"][:, 1:5].astype(float)
    filled = np.where(np.isnan(X), np.nanmedian(X, axis=0), X)
    expected = (np.nanmedian(X, axis=0) - filled.mean(axis=0)) / filled.std(axis=0)
    np.testing.assert_allclose(encoded[:4], expected)


def test_a_column_may_be_empty_in_the_training_part(penguins):
    X = penguins["X"].copy()
    X[:100, 0], X[:100, 1] = "", math.nan
    encoder = script.make_encoder(penguins["kinds"]).fit(X[:100])
    assert np.isfinite(encoder.transform(X)).all()


# What is learnt


def test_initial_weights_have_the_variance_of_glorot(rng):
    params = script.init_params([300, 200, 3], rng)
    assert params["W1"].std() == pytest.approx(math.sqrt(2 / 500), rel=0.02)
    assert params["W1"].shape == (300, 200) and not params["b1"].any()


def test_probabilities_of_two_classes_and_of_extreme_sums(rng):
    np.testing.assert_allclose(script.log_softmax(np.array([900.0, 0])), [0, -900])
    params = script.init_params([3, 4, 2], rng)
    a = script.forward(params, rng.normal(size=(5, 3)))["a2"]
    np.testing.assert_allclose(a.sum(axis=1), 1)


def test_two_steps_of_training_are_those_of_adam_by_hand(rng):
    X, y = rng.normal(size=(6, 3)), np.array([0, 1, 2, 1, 0, 2])
    start = script.init_params([3, 4, 3], rng)
    args = settings(epochs=2, lr=0.1, batch_size=6)
    params, history = script.train(start, (X, y), (X, y), args, rng)

    def gradient(p):
        return numerical_gradient(lambda q: script.loss(script.forward(q, X), y), p)

    first = gradient(start)
    middle = {k: start[k] - 0.1 * g / (abs(g) + 1e-8) for k, g in first.items()}
    second = gradient(middle)
    for key, g in first.items():
        m = (0.09 * g + 0.1 * second[key]) / 0.19
        v = (0.000999 * g**2 + 0.001 * second[key] ** 2) / 0.001999
        expected = middle[key] - 0.1 * m / (np.sqrt(v) + 1e-8)
        np.testing.assert_allclose(params[key], expected, atol=1e-6)
    value = script.loss(script.forward(params, X), y)
    assert history["loss"][-1] == pytest.approx(value, rel=1e-12)


def test_every_row_is_in_one_batch_of_each_epoch(rng, monkeypatch):
    seen, honest = [], script.backward
    monkeypatch.setattr(
        script,
        "backward",
        lambda p, c, y: seen.append((c["a0"][:, 0], y)) or honest(p, c, y),
    )
    X, y = np.arange(10.0)[:, None], np.arange(10) % 2
    start = script.init_params([1, 2, 2], rng)
    script.train(start, (X, y), (X, y), settings(epochs=2, batch_size=4), rng)
    assert [len(rows) for rows, _ in seen] == [4, 4, 2, 4, 4, 2]
    orders = [np.concatenate([rows for rows, _ in seen[i : i + 3]]) for i in (0, 3)]
    assert (orders[0] != orders[1]).any()
    for order in orders:
        np.testing.assert_array_equal(np.sort(order), X[:, 0])
    for rows, labels in seen:
        np.testing.assert_array_equal(rows % 2, labels)


def test_the_epoch_of_the_lowest_validation_loss_is_kept(rng):
    X, y = rng.normal(size=(40, 8)), rng.integers(0, 2, 40)  # nothing to learn
    start = script.init_params([8, 16, 2], rng)
    parts = (X[:20], y[:20]), (X[20:], y[20:])
    params, history = script.train(start, *parts, settings(epochs=60), rng)
    lowest = min(history["validation"])
    assert history["validation"].index(lowest) == history["kept"] - 1 < 59
    value = script.loss(script.forward(params, X[20:]), y[20:])
    assert value == pytest.approx(lowest, rel=1e-12)


def test_ctrl_c_before_anything_is_learnt_keeps_the_start(rng, monkeypatch, capsys):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(script, "backward", interrupt)
    X, start = rng.normal(size=(4, 3)), script.init_params([3, 2], rng)
    part = X, np.array([0, 1, 0, 1])
    params, history = script.train(start, part, part, settings(), rng)
    table = read(script.PENGUINS, target="species")
    assert script.cross_validate(table, settings(), rng) == ({}, None)
    assert params is start and history["kept"] == 0 and not history["loss"]


def test_progress_is_about_ten_lines():
    for epochs, expected in ((40, [1, *range(4, 41, 4)]), (3, [1, 2, 3])):
        shown = [e for e in range(1, epochs + 1) if script.is_progress_epoch(e, epochs)]
        assert shown == expected


def test_a_diverging_run_says_so(tmp_path, capsys, monkeypatch, rng):
    X, y = np.full((4, 1), 1e200), np.ones(4)
    start = script.init_params([1, 1], rng)
    with np.errstate(all="ignore"), pytest.raises(FloatingPointError, match="epoch 1"):
        script.train(start, (X, y), (X, y), settings(), rng)
    monkeypatch.setattr(script, "loss", lambda cache, y: math.nan)
    assert script.main([*QUICK, "--out", str(tmp_path)]) == 1
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1 and "smaller --lr" in captured.err


# What is reported


def test_scores_are_those_of_scikit_learn(rng):
    from sklearn import metrics

    y, a = rng.integers(0, 4, 50), rng.random((50, 4))
    expected = metrics.accuracy_score(y, a.argmax(axis=1))
    assert script.grade({"classes": list("abcd")}, a, y) == expected
    y, a = rng.normal(size=50), rng.normal(size=(50, 1))
    expected = metrics.r2_score(y, a)
    assert script.grade({"classes": None}, a, y) == pytest.approx(expected)


def test_importance_is_zero_for_a_column_that_is_not_used(
    rng, file, capsys, monkeypatch
):
    x, noise = rng.normal(size=(2, 200))
    rows = [f"{b:.4f},{a:.4f},{'np'[int(a > 0)]}" for a, b in zip(x, noise)]
    table = read(file(text_of(rows, "noise,cause,y")))
    rest, test = script.hold_out(np.arange(200), table, 0.2, 0)
    model = script.fit_network(table, rest, settings(), rng)
    model["params"]["W1"][0] = 0  # the first column is noise: cut it
    asked, honest = [], script.predict_rows
    monkeypatch.setattr(
        script, "predict_rows", lambda *a: asked.append(1) or honest(*a)
    )
    importance = script.permutation_importance(table, model, test, rng)
    assert len(asked) == 1 + 2 * 10  # ten shuffles of each column, as the figure says
    assert list(importance) == ["cause", "noise"]
    assert importance["noise"] == (0, 0) and 0.3 < importance["cause"][0] < 0.7
    assert 0.02 < importance["cause"][1] < 0.2


def test_one_hot_columns_hold_what_a_number_cannot(rng, monkeypatch):
    seen, honest = [], script.fit_network
    monkeypatch.setattr(
        script, "fit_network", lambda *args: seen.append(dict(args[0])) or honest(*args)
    )
    scores = [script.compare_encodings(settings(), rng) for _ in range(3)]
    assert min(score["category"] for score in scores) == 1
    for table in seen:  # half of 26 towns, and one output for each class
        assert (*np.bincount(table["y"]), table["outputs"]) == (130, 130, 2)
    assert 0.5 < np.mean([score["number"] for score in scores]) < 0.85


def test_folds_test_every_row_once_and_never_in_training(penguins, monkeypatch, capsys):
    trained, honest = [], script.fit_network

    def spy(table, rows, *args):
        trained.append(rows)
        return honest(table, rows, *args)

    monkeypatch.setattr(script, "fit_network", spy)
    args = settings(folds=3, repeats=2, epochs=2)
    rng = np.random.default_rng(0)
    scores, unseen = script.cross_validate(penguins, args, rng)
    assert [len(values) for values in scores.values()] == [6, 6, 6]
    held = [np.setdiff1d(np.arange(344), rows) for rows in trained]
    np.testing.assert_array_equal(np.sort(np.concatenate(held[:3])), np.arange(344))
    np.testing.assert_allclose(unseen.sum(axis=1), 1)
    for rows, score in zip(held[:3], scores["network"]):
        right = unseen[rows].argmax(axis=1) == penguins["y"][rows]
        assert score == right.mean()
    assert set(held[0]) != set(held[3])
    assert "repeat 2 of 2: " + f"{np.mean(scores['network'][3:]):.4f}" in (
        capsys.readouterr().out
    )


def test_a_small_table_has_no_more_folds_than_rows_of_a_class(file, capsys):
    table = read(file(text_of(lines(20))))
    scores, _ = script.cross_validate(
        table, settings(folds=50, repeats=1, epochs=1), np.random.default_rng(0)
    )
    assert len(scores["network"]) == 10


@pytest.mark.slow
def test_penguins_reach_99_3_percent_in_ten_folds_times_five(penguins, capsys):
    means = []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        scores, _ = script.cross_validate(penguins, settings(seed=seed), rng)
        means.append(np.mean(scores["network"]))
        assert means[-1] >= np.mean(scores["linear"]) - 0.002
    assert means[0] >= 0.993 and min(means) >= 0.99


@pytest.mark.slow
@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "diabetes"])
def test_tables_of_scikit_learn_score_like_its_mlp(name, file, capsys):
    from sklearn import datasets

    data = getattr(datasets, f"load_{name}")()
    y = data.target if name == "diabetes" else data.target_names[data.target]
    rows = [
        ",".join([*(f"{v:.10g}" for v in x), str(label)])
        for x, label in zip(data.data, y)
    ]
    table = read(file(text_of(rows, ",".join([*data.feature_names, "y"]))))
    args = settings("--compare", repeats=1)
    scores, _ = script.cross_validate(table, args, np.random.default_rng(0))
    print({k: np.mean(v).round(4) for k, v in scores.items()})
    assert np.mean(scores["network"]) >= np.mean(scores["mlp"]) - 0.01
    assert np.mean(scores["network"]) > np.mean(scores["majority"]) + 0.2


# Whole runs, and rows without a label


def test_a_run_predicts_with_probabilities_and_names_what_it_does_not_know(
    file, tmp_path, capsys
):
    new = file(
        "sex,island,bill_length_mm,bill_depth_mm,note\n"
        "male,Biscoe,50,15,a\nfemale,Atlantis,39,NA,b\nfemale,Dream,wide,18,c\n"
    )
    flags = ["--folds", "1", "--epochs", "20", "--predict", str(new), "--no-show"]
    assert script.main([*flags, "--out", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    for words in ("no flipper_length_mm", "no body_mass_g", "Atlantis", "wide"):
        assert words in printed
    assert printed.isascii() and "cross-validation" not in printed
    metrics = json.loads((tmp_path / "out/metrics.json").read_text())
    assert metrics["test_accuracy"] > 0.95 > 0.5 > metrics["baseline_accuracy"]
    assert np.sum(metrics["confusion"]) == metrics["test_rows"] == 69
    wrong = 69 - np.trace(metrics["confusion"])
    assert metrics["wrong"] == wrong == round(69 * (1 - metrics["test_accuracy"]))
    falls = [mean for mean, _ in metrics["importance"].values()]
    assert falls == sorted(falls, reverse=True)
    counts = np.array(metrics["confusion"])
    for key, axis in (("precision", 0), ("recall", 1)):
        expected = counts.diagonal() / counts.sum(axis=axis)
        assert list(metrics[key].values()) == pytest.approx(expected)
    with open(tmp_path / "out/predictions.csv", newline="", encoding="utf-8") as f:
        rows = list(csv.DictReader(f))
    assert [row["note"] for row in rows] == ["a", "b", "c"]
    assert [row["predicted species"] for row in rows[:2]] == ["Gentoo", "Adelie"]
    for row in rows:
        p = {k: float(row[f"p({k})"]) for k in ("Adelie", "Chinstrap", "Gentoo")}
        assert sum(p.values()) == pytest.approx(1, abs=2e-4)
        assert max(p, key=p.get) == row["predicted species"]


@pytest.mark.parametrize("text", ["a,b\n1,2\n", "", "bill_length_mm,bill_length_mm\n"])
def test_bad_rows_to_predict_stop_before_training(text, file, tmp_path, capsys):
    flags = ["--predict", str(file(text)), "--out", str(tmp_path / "out")]
    assert script.main(flags) == 2
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1 and "epoch" not in captured.out
    assert not (tmp_path / "out").exists()


def test_a_class_never_predicted_has_precision_and_recall_zero():
    ratings = script.rate_classes("abc", np.array([0, 0, 1, 2]), np.array([0, 1, 1, 1]))
    assert ratings["confusion"].tolist() == [[1, 1, 0], [0, 1, 0], [0, 1, 0]]
    assert ratings["precision"] == {"a": 1, "b": 1 / 3, "c": 0}
    assert ratings["recall"] == {"a": 0.5, "b": 1, "c": 0} and ratings["wrong"] == 2


@pytest.mark.slow
def test_a_dollar_is_no_mathematics_and_a_strange_letter_no_warning(
    file, tmp_path, capsys
):
    text = text_of(lines(), "$_$,体重 ($),colour,y").replace("yes", "<$50_k^$")
    flags = ["--csv", str(file(text)), "--target", "y", "--folds", "0", "--epochs", "1"]
    assert script.main([*flags, "--no-show", "--out", str(tmp_path)]) == 0
    assert (tmp_path / "regions.png").exists()


def test_regression_of_the_body_mass(tmp_path, capsys):
    flags = ["--target", "body_mass_g", "--predict", str(script.PENGUINS), "--no-show"]
    folds = ["--folds", "2", "--repeats", "1", "--out", str(tmp_path)]
    assert script.main([*flags, *folds]) == 0
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["test_r2"] > 0.75 > 0.1 > metrics["baseline_r2"]
    assert min(metrics["test_scores"][name][0] for name in ("linear", "mlp")) > 0.75
    assert metrics["cv_mean"] == pytest.approx(metrics["cv"]["network"][0])
    with open(tmp_path / "predictions.csv", newline="") as f:
        rows = [row for row in csv.DictReader(f) if row["body_mass_g"]]
    error = [float(r["predicted body_mass_g"]) - float(r["body_mass_g"]) for r in rows]
    assert np.sqrt(np.mean(np.square(error))) < 400  # grams; the spread is 800
