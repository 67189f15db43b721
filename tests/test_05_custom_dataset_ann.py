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
    for activation, classes in [
        ("tanh", True),
        ("relu", True),
        ("tanh", False),
        ("relu", False),
    ]:
        last = K if classes else 1
        params = script.init_params([D, H1, H2, last], rng)
        params = {k: v + 0.1 * rng.normal(size=v.shape) for k, v in params.items()}
        y = rng.integers(0, K, N) if classes else rng.normal(size=N)

        def tf_loss(tf, p, activation=activation, classes=classes, y=y):
            a = tf.constant(X)
            for k in (1, 2):
                a = getattr(tf.nn, activation)(a @ p[f"W{k}"] + p[f"b{k}"])
            z = a @ p["W3"] + p["b3"]
            if classes:
                return tf.reduce_mean(
                    tf.nn.sparse_softmax_cross_entropy_with_logits(y, z)
                )
            return tf.reduce_mean(tf.square(z[:, 0] - y)) / 2

        yield GradientCase(
            f"{activation} {'classes' if classes else 'number'}",
            (N, D, H1, H2, last),
            params,
            forward=lambda p, f=activation: script.forward(p, X, f),
            loss=lambda c, y=y: script.loss(c, y),
            backward=lambda p, c, y=y, f=activation: script.backward(p, c, y, f),
            tf_loss=tf_loss,
            kinks=lambda c, f=activation: [c["z1"], c["z2"]] if f == "relu" else [],
        )


def settings(**changes):
    return types.SimpleNamespace(
        **{
            "epochs": 40,
            "lr": 0.03,
            "batch_size": 64,
            "activation": "tanh",
            "hidden": [16],
            "seed": 0,
            "folds": 10,
            "repeats": 1,
            "compare": True,
        }
        | changes
    )


def read(path, target="y", drop=(), categorical=(), max_rows=10_000):
    rng = np.random.default_rng(0)
    return script.load_data(path, target, drop, categorical, max_rows, rng)


def lines(n=40):
    """Return the rows of a clean table: two numbers, a colour and a class."""
    rng = np.random.default_rng(1)
    colours, labels = ["red", "green", "blue"], ["no", "yes"]
    return [
        f"{a:.3f},{10 * b:.2f},{colours[i % 3]},{labels[i % 2]}"
        for i, (a, b) in enumerate(rng.normal(size=(n, 2)))
    ]


HEADER = "width,mass,colour,y"


@pytest.fixture
def table_file(tmp_path):
    """Return a function that writes a table and returns its path."""

    def write(text, encoding="utf-8", name="table.csv"):
        path = tmp_path / name
        path.write_bytes(text.encode(encoding) if isinstance(text, str) else text)
        return path

    return write


def text_of(rows, header=HEADER):
    return "\n".join([header, *rows]) + "\n"


# What is read


def test_penguins_are_what_the_references_say():
    table = read(script.PENGUINS, "species", ["year"])
    assert (table["rows"], table["rows_with_missing"]) == (344, 11)
    assert table["classes"] == ["Adelie", "Chinstrap", "Gentoo"]
    assert np.bincount(table["y"]).tolist() == [152, 68, 124]
    kinds = dict(zip(table["names"], table["kinds"]))
    assert [n for n, k in kinds.items() if k == "category"] == ["island", "sex"]
    assert table["remarks"]["year"][0] == "left out"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
def test_delimiter_newline_and_encoding_are_found(
    delimiter, newline, encoding, table_file
):
    text = text_of(lines()).replace("red", "röt").replace(",", delimiter)
    table = read(table_file(text.replace("\n", newline).encode(encoding)))
    assert table["names"] == ["width", "mass", "colour"]
    assert table["kinds"] == ["number", "number", "category"]
    assert set(table["X"][:, 2]) == {"röt", "green", "blue"}


def test_quotes_and_decimal_commas(table_file):
    text = 'size;town;y\n"1,5";"Bath; Avon";a\n"2,5";"York ""N""";b\n' * 1
    rows = ['"3,25";"York ""N""";' + "ab"[i % 2] for i in range(20)]
    table = read(table_file(text + "\n".join(rows)))
    assert table["X"][0].tolist() == [1.5, "Bath; Avon"]
    assert table["X"][1].tolist() == [2.5, 'York "N"']


@pytest.mark.parametrize(
    "text", ["NaN", "nan", "NA", "", "?", "inf", "-Infinity", "1e999", "+INF", "null"]
)
def test_every_spelling_of_nan_and_infinity_is_missing(text, table_file):
    rows = [f"{text},1,red,yes", *lines()]
    table = read(table_file(text_of(rows)))
    assert table["kinds"][0] == "number" and math.isnan(table["X"][0, 0])
    assert table["rows_with_missing"] == 1
    assert "1 missing" in table["remarks"]["width"][1]


def test_text_in_a_column_of_numbers_is_named_and_missing(table_file):
    table = read(table_file(text_of(["wide,1,red,yes", *lines()])))
    assert table["kinds"][0] == "number" and math.isnan(table["X"][0, 0])
    assert "'wide'" in table["remarks"]["width"][1]


def test_a_column_half_of_texts_is_a_category(table_file):
    rows = [row.replace(row.split(",")[0], "big") for row in lines()[:20]]
    assert read(table_file(text_of(rows + lines())))["kinds"][0] == "category"


def test_columns_that_teach_nothing_are_left_out_and_named(table_file):
    header = "id,key,nothing,same," + HEADER
    rows = [f"{i + 7},k{i},,one,{row}" for i, row in enumerate(lines())]
    table = read(table_file(text_of(rows, header)))
    assert table["names"] == ["width", "mass", "colour"]
    words = {
        "id": "suspicious",
        "key": "suspicious",
        "nothing": "empty",
        "same": "one value",
    }
    for name, word in words.items():
        kind, remark = table["remarks"][name]
        assert kind == "left out" and word in remark


def test_drop_and_categorical_overrule(table_file):
    rows = [f"{i % 4},{row}" for i, row in enumerate(lines())]
    path = table_file(text_of(rows, "code," + HEADER))
    assert read(path)["kinds"][0] == "number"
    table = read(path, drop=["mass"], categorical=["code"])
    assert table["names"] == ["code", "width", "colour"]
    assert table["kinds"][0] == "category"


def test_a_number_of_many_values_is_regression_unless_declared(table_file):
    rows = [row + f",{i // 10}" for i, row in enumerate(lines(300))]
    path = table_file(text_of(rows, HEADER + ",level"))
    table = read(path, "level")
    assert table["classes"] is None and table["y"].dtype == float
    assert len(read(path, "level", categorical=["level"])["classes"]) == 30


def test_rows_without_a_label_are_not_learnt_from(table_file):
    rows = [*lines(), "1,2,red,", "1,2,red,NA"]
    table = read(table_file(text_of(rows)))
    assert (table["rows"], table["rows_in_file"]) == (40, 42)


@pytest.mark.parametrize(
    "text, words",
    [
        ("", "empty"),
        ("\n\n  \n", "empty"),
        (HEADER + "\n", "no rows"),
        ("1.5,2,red,yes\n" + text_of(lines()), "name the columns"),
        (text_of(lines()).replace("y\n", "z\n", 1), "no column 'y'"),
        (text_of([r.replace("yes", "no") for r in lines()]), "one class"),
        (text_of([*lines(), "1,2,red,maybe"]), "'maybe' of 'y' has 1 example"),
        (text_of([*lines(), "1,2,red"]), "line 42: 3 values"),
        (text_of([*lines(), "1,2,red,yes,5"]), "line 42: 5 values"),
        (text_of(lines(), "mass,mass,colour,y"), "two columns are called 'mass'"),
        (text_of(lines()).replace(",", ":"), "one column only"),
        (text_of(["1,NA,red,"] * 9), "missing in every row"),
        (text_of(["1,2,red,yes", "1,2,red,no"] * 20), "no column left"),
        (text_of(['"1,2,red,yes' + "x" * 200_000, *lines()]), "not a CSV file"),
        (b"PK\x03\x04\x00\x00\xff\xfe", "not a table"),
        (text_of(lines()).encode("utf-16"), "not a table"),
    ],
)
def test_bad_tables_are_one_sentence(text, words, table_file, tmp_path, capsys):
    path = table_file(text)
    out = tmp_path / "out"
    status = script.main(["--csv", str(path), "--target", "y", "--out", str(out)])
    captured = capsys.readouterr()
    assert (status, captured.out) == (2, "")
    assert captured.err.count("\n") == 1 and words in captured.err
    assert not out.exists()


def test_missing_files_and_flags_are_one_sentence(tmp_path, capsys):
    assert script.main(["--csv", str(tmp_path / "no.csv"), "--target", "y"]) == 2
    assert "no.csv" in capsys.readouterr().err
    assert script.main(["--csv", str(tmp_path), "--target", "y"]) == 2
    for flags in (["--csv", "x.csv"], ["--folds", "1"], ["--hidden", "0"]):
        with pytest.raises(SystemExit):
            script.main(flags)
    assert script.main(["--drop", "beak"]) == 2
    assert "'beak'; it has species" in capsys.readouterr().err


def test_a_long_file_is_sampled_fairly(table_file):
    rows = [f"{i % 100},{i},red,{'ab'[i % 2]}" for i in range(5000)]
    rng = np.random.default_rng(0)
    path = table_file(text_of(rows))
    names, kept, count = script.read_table(path, 500, rng)
    numbers = np.array([int(row[1]) for row in kept])
    assert (count, len(kept), len(set(numbers))) == (5000, 500, 500)
    assert abs(numbers.mean() - 2500) < 4 * 1443 / math.sqrt(500)


@pytest.mark.slow
def test_a_million_rows_fit_into_little_memory(table_file):
    import tracemalloc

    path = table_file(text_of(lines(1000) * 1000))
    tracemalloc.start()
    assert read(path)["rows_in_file"] == 1_000_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100e6  # bytes


# What is encoded


def test_statistics_come_from_the_training_part_only():
    table = read(script.PENGUINS, "species", ["year"])
    rows = np.arange(table["rows"])
    args = settings(epochs=1)
    model = script.fit_network(table, rows, args, np.random.default_rng(0))
    training, validation = script.hold_out(rows, table, 0.1, args.seed)
    assert not set(training) & set(validation) and len(validation) == 35
    changed = table | {"X": table["X"].copy()}
    changed["X"][validation, 1] = 1e6
    changed["X"][validation, 0] = "Atlantis"
    other = script.fit_network(changed, rows, args, np.random.default_rng(0))
    for fitted in (model, other):
        encoded = fitted["encoder"].transform(table["X"][training])
        np.testing.assert_allclose(encoded[:, :4].mean(axis=0), 0, atol=1e-12)
        np.testing.assert_allclose(encoded[:, :4].std(axis=0), 1)
        assert encoded.shape[1] == 4 + 3 + 2
        assert set(np.unique(encoded[:, 4:])) == {0, 1}
        np.testing.assert_array_equal(encoded[:, 4:].sum(axis=1), 2)
    np.testing.assert_array_equal(
        model["encoder"].transform(table["X"]), other["encoder"].transform(table["X"])
    )


def test_a_number_to_predict_is_scaled_by_the_training_part():
    table = read(script.PENGUINS, "body_mass_g", ["year"])
    rows, args = np.arange(table["rows"]), settings(epochs=1)
    model = script.fit_network(table, rows, args, np.random.default_rng(0))
    y = table["y"][script.hold_out(rows, table, 0.1, 0)[0]]
    assert (model["center"], model["scale"]) == pytest.approx((y.mean(), y.std()))
    cache = script.forward(
        model["params"], model["encoder"].transform(table["X"]), "tanh"
    )
    np.testing.assert_allclose(
        script.answers(model, table["X"]), cache["a2"] * y.std() + y.mean()
    )


def test_classes_keep_their_shares_in_every_part():
    table = read(script.PENGUINS, "species", ["year"])
    rest, test = script.hold_out(np.arange(344), table, 0.2, 0)
    for part in (rest, test):
        shares = np.bincount(table["y"][part]) / len(part)
        np.testing.assert_allclose(shares, np.array([152, 68, 124]) / 344, atol=0.02)


# What is learnt


def test_initial_weights_have_the_variance_of_glorot(rng):
    params = script.init_params([300, 200, 3], rng)
    assert params["W1"].std() == pytest.approx(math.sqrt(2 / 500), rel=0.02)
    assert params["W1"].shape == (300, 200) and not params["b1"].any()


def test_two_steps_of_training_are_those_of_adam_by_hand(rng):
    X, y = rng.normal(size=(6, 3)), np.array([0, 1, 2, 1, 0, 2])
    start = script.init_params([3, 4, 3], rng)
    args = settings(epochs=2, lr=0.1, batch_size=6)
    params, history = script.train(start, (X, y), (X, y), args, rng)
    assert history["kept"] == 2 and len(history["loss"]) == 2

    def gradient(p):
        numerical = numerical_gradient(
            lambda moved: script.loss(script.forward(moved, X), y), p
        )
        exact = script.backward(p, script.forward(p, X), y)
        for key in p:
            np.testing.assert_allclose(exact[key], numerical[key], atol=1e-8)
        return exact

    first = gradient(start)
    middle = {k: start[k] - 0.1 * g / (abs(g) + 1e-8) for k, g in first.items()}
    second = gradient(middle)
    for key, g in first.items():
        m = (0.09 * g + 0.1 * second[key]) / 0.19
        v = (0.000999 * g**2 + 0.001 * second[key] ** 2) / 0.001999
        expected = middle[key] - 0.1 * m / (np.sqrt(v) + 1e-8)
        np.testing.assert_allclose(params[key], expected, atol=1e-10)
    cache = script.forward(params, X)
    assert history["loss"][-1] == pytest.approx(script.loss(cache, y), rel=1e-12)


def test_every_row_is_in_one_batch_of_each_epoch(rng, monkeypatch):
    seen, honest = [], script.backward
    monkeypatch.setattr(
        script,
        "backward",
        lambda p, c, y, f: seen.append(c["a0"][:, 0]) or honest(p, c, y, f),
    )
    X, y = np.arange(10.0)[:, None], np.arange(10) % 2
    start = script.init_params([1, 2, 2], rng)
    args = settings(epochs=2, batch_size=4)
    script.train(start, (X, y), (X, y), args, rng)
    assert [len(batch) for batch in seen] == [4, 4, 2, 4, 4, 2]
    epochs = [np.concatenate(seen[:3]), np.concatenate(seen[3:])]
    for epoch in epochs:
        np.testing.assert_array_equal(np.sort(epoch), X[:, 0])
    assert (epochs[0] != epochs[1]).any()


def test_the_epoch_of_the_lowest_validation_loss_is_kept(rng):
    X = rng.normal(size=(40, 8))
    y = rng.integers(0, 2, 40)  # nothing to learn: it must overfit
    parts = (X[:20], y[:20]), (X[20:], y[20:])
    params, history = script.train(
        script.init_params([8, 16, 2], rng), *parts, settings(epochs=60), rng
    )
    lowest = min(history["validation"])
    assert history["validation"].index(lowest) == history["kept"] - 1
    assert history["kept"] < 60 and history["validation"][-1] > lowest
    cache = script.forward(params, X[20:])
    assert script.loss(cache, y[20:]) == pytest.approx(lowest, rel=1e-12)


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
    table = {"classes": list("abcd")}
    guess = a.argmax(axis=1)
    assert script.judge(table, a, y) == metrics.accuracy_score(y, guess)
    counts, precision, recall = script.precision_and_recall(table, guess, y)
    np.testing.assert_array_equal(counts, metrics.confusion_matrix(y, guess))
    expected = metrics.precision_recall_fscore_support(y, guess)
    np.testing.assert_allclose([precision, recall], expected[:2])
    y, a = rng.normal(size=50), rng.normal(size=(50, 1))
    table = {"classes": None}
    assert script.judge(table, a, y) == pytest.approx(metrics.r2_score(y, a))


def test_importance_is_zero_for_a_column_that_is_not_used_and_large_for_the_cause(
    rng, table_file
):
    x, noise = rng.normal(size=(2, 200))
    rows = [f"{a:.4f},{b:.4f},{'np'[int(a > 0)]}" for a, b in zip(x, noise)]
    table = read(table_file(text_of(rows, "cause,noise,y")))
    rest, test = script.hold_out(np.arange(200), table, 0.2, 0)
    model = script.fit_network(table, rest, settings(), rng)
    model["params"]["W1"][1] = 0  # the second column is noise: cut it
    importance = script.permutation_importance(table, model, test, rng)
    assert list(importance) == ["cause", "noise"]
    assert importance["noise"] == (0, 0) and 0.3 < importance["cause"][0] < 0.7


def test_one_hot_columns_hold_what_a_number_cannot(rng):
    scores = [script.compare_encodings(settings(), rng) for _ in range(5)]
    assert min(score["one_hot"] for score in scores) == 1
    assert np.mean([score["numbered"] for score in scores]) < 0.85


def test_cross_validation_tests_every_row_once_and_never_in_training(
    monkeypatch, capsys
):
    table = read(script.PENGUINS, "species", ["year"])
    trained, honest = [], script.fit_network

    def spy(table, rows, args, rng, verbose=False):
        trained.append(rows)
        return honest(table, rows, args, rng, verbose)

    monkeypatch.setattr(script, "fit_network", spy)
    args = settings(folds=5, repeats=2, epochs=2, compare=False)
    scores, unseen = script.cross_validate(table, args, np.random.default_rng(0))
    assert set(scores) == {"network", "majority", "linear"}
    assert [len(values) for values in scores.values()] == [10, 10, 10]
    left_out = np.concatenate([np.setdiff1d(np.arange(344), r) for r in trained[:5]])
    np.testing.assert_array_equal(np.sort(left_out), np.arange(344))
    np.testing.assert_allclose(unseen.sum(axis=1), 1)
    sizes = [344 - len(rows) for rows in trained[:5]]
    whole = np.average(scores["network"][:5], weights=sizes)
    assert whole == pytest.approx(script.judge(table, unseen, table["y"]))


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_penguins_reach_the_floor_in_ten_folds_times_five(seed, capsys):
    table = read(script.PENGUINS, "species", ["year"])
    args = settings(seed=seed, repeats=5, compare=False)
    scores, _ = script.cross_validate(table, args, np.random.default_rng(seed))
    assert np.mean(scores["network"]) >= 0.985
    assert np.mean(scores["network"]) >= np.mean(scores["linear"]) - 0.005


@pytest.mark.slow
@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "diabetes"])
def test_tables_of_scikit_learn_score_like_its_mlp(name, table_file, capsys):
    from sklearn import datasets

    data = getattr(datasets, f"load_{name}")()
    y = data.target if name == "diabetes" else data.target_names[data.target]
    rows = [
        ",".join([*(f"{v:.10g}" for v in row), str(label)])
        for row, label in zip(data.data, y)
    ]
    header = ",".join([*(n.replace(",", " ") for n in data.feature_names), "y"])
    table = read(table_file(text_of(rows, header)))
    scores, _ = script.cross_validate(table, settings(), np.random.default_rng(0))
    assert np.mean(scores["network"]) >= np.mean(scores["mlp"]) - 0.01
    assert np.mean(scores["network"]) > np.mean(scores["majority"]) + 0.2


# Rows without a label


def test_predictions_are_written_with_probabilities(table_file, tmp_path, capsys):
    new = table_file(
        "sex,island,bill_length_mm,bill_depth_mm,note\n"
        "male,Biscoe,50,15,a\nfemale,Atlantis,39,NA,b\nfemale,Dream,wide,18,c\n"
    )
    out = tmp_path / "out"
    flags = ["--folds", "0", "--epochs", "20", "--predict", str(new), "--no-show"]
    assert script.main([*flags, "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    for words in ("lacks flipper_length_mm, body_mass_g", "Atlantis", "'wide'"):
        assert words in printed
    with open(out / "predictions.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["note"] for row in rows] == ["a", "b", "c"]
    assert [row["predicted species"] for row in rows[:2]] == ["Gentoo", "Adelie"]
    for row in rows:
        p = {k: float(row[f"p({k})"]) for k in ("Adelie", "Chinstrap", "Gentoo")}
        assert sum(p.values()) == pytest.approx(1, abs=2e-4)
        assert max(p, key=p.get) == row["predicted species"]


def test_an_unseen_category_is_no_column_and_a_missing_column_the_median():
    table = read(script.PENGUINS, "species", ["year"])
    encoder = script.make_encoder(table["kinds"]).fit(table["X"])
    row = np.array(
        [["Atlantis", math.nan, math.nan, math.nan, math.nan, ""]], dtype=object
    )
    encoded = encoder.transform(row)[0]
    assert encoded[4:].tolist() == [0, 0, 0, 0, 1]  # no island; male, the most frequent
    medians = [np.nanmedian(table["X"][:, j].astype(float)) for j in range(1, 5)]
    scaler = encoder.named_transformers_["number"][-1]
    np.testing.assert_allclose(encoded[:4], (medians - scaler.mean_) / scaler.scale_)


@pytest.mark.parametrize("text", ["a,b\n1,2\n", "", "bill_length_mm,bill_length_mm\n"])
def test_bad_rows_to_predict_stop_before_training(text, table_file, tmp_path, capsys):
    out = tmp_path / "out"
    flags = ["--predict", str(table_file(text)), "--out", str(out)]
    assert script.main(flags) == 2
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1 and "epoch" not in captured.out
    assert not out.exists()


def test_regression_of_the_body_mass_from_the_command_line(tmp_path, capsys):
    new = str(script.PENGUINS)
    flags = ["--target", "body_mass_g", "--folds", "0", "--predict", new]
    assert script.main([*flags, "--no-show", "--out", str(tmp_path)]) == 0
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["test_r2"] > 0.75 > metrics["baseline_r2"]
    with open(tmp_path / "predictions.csv", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["body_mass_g"] != "NA"]
    error = [
        float(row["predicted body_mass_g"]) - float(row["body_mass_g"]) for row in rows
    ]
    assert np.sqrt(np.mean(np.square(error))) < 400  # grams; the spread is 800
