"""01: AND by hand, the mistake bound, the proof of separability, scikit-learn."""

import contextlib
import io
import re

import numpy as np
import pytest
from conftest import ROOT, GradientCase, load, numerical_gradient
from tutor import Lesson

script = load("01_perceptron_learning")
QUICK = ["--epochs", "20"]
TIMINGS = []
CORNERS, AND = script.CORNERS, script.GATES["and"]
WIDEST_AND = np.array([2.0, 2.0]), -3.0  # the line of the README's proof


def gradient_cases():
    rng = np.random.default_rng(1)
    N, D = 7, 3
    X, y = rng.normal(size=(N, D)), rng.choice([-1.0, 1.0], N)

    def tf_loss(tf, p):
        z = tf.linalg.matvec(tf.constant(X), p["w"]) + p["b"]
        return tf.reduce_mean(tf.nn.relu(-y * z))

    yield GradientCase(
        "criterion",
        (N, D),
        {"w": rng.normal(size=D), "b": rng.normal(size=())},
        forward=lambda p: dict(zip("za", script.forward(p["w"], p["b"], X))),
        loss=lambda c: script.loss(c["z"], y),
        backward=lambda p, c: dict(zip("wb", script.backward(X, c["a"], y))),
        tf_loss=tf_loss,
        kinks=lambda c: [c["z"]],
    )


def your_turn_calls(script, rng, N):
    """Arguments for each function: N examples of 3 features, of 1 if N is 1."""
    D = 3 if N > 1 else 1
    X, w, b = rng.normal(size=(N, D)), rng.normal(size=D), rng.normal()
    X *= np.sign((X @ w) * (-1.0) ** np.arange(N)).reshape(-1, 1)
    b *= 0.01  # the sums z are above 0 and below 0 by turns
    y = rng.choice([-1.0, 1.0], N)
    y[:3] = -np.sign(X[:3] @ w + b)  # some are wrong, on both sides
    z, a = script.forward(w, b, X)
    far, side = script.make_blobs(12, 0.3, rng)
    line = script.separability(far, side)[0]
    many = N > 1
    return {
        "forward": [(w, b, X), (np.zeros(D), 0.0, X)],
        "loss": [(z, y)],
        "backward": [(X, a, y), (X, np.zeros(N), y)],
        "train": [
            (np.zeros(2), 0.0, np.array([[2.0, 1.0]]), np.array([1.0]), 1, 0.5),
            (np.zeros(2), 0.0, CORNERS, AND, 40, 0.5),  # without a mistake from epoch 9 on
        ],
        "mistake_bound": [(far, side, 3 * line[:-1], 3 * line[-1])] if many else [],
    }


YOUR_TURN = Lesson(
    functions={
        "forward": "Two lines, (1.1) and (1.2). Return z and a.",
        "loss": "One line, (1.5): np.maximum, then a mean.",
        "backward": "dz first, (1.6), then dw and db, (1.7) and (1.8). dw has the shape "
        "of w.",
        "train": "Two loops, over epochs and over examples. After each mistake step, "
        "(1.9), count, and keep a dict with epoch, n, z, w, b. Print what you like.",
        "mistake_bound": "(1.10), (1.11), (1.15). Divide (w, b) by its length first.",
    },
    calls=your_turn_calls,
    names={
        "forward": ("z", "a"),
        "backward": ("dw", "db"),
        "train": ("w", "b", "the mistakes", "the corrections"),
        "mistake_bound": ("R", "gamma", "the bound"),
    },
    factors=lambda N: {0.5: "lr times the right value", 2.0: "divided by lr"},
    slips=[
        ("forward", " + b", "", "the bias b is missing (1.1)."),
        ("forward", "np.sign(z)", "np.where(z >= 0, 1.0, -1.0)", "z = 0 is answered +1, "
         "but it is no answer: a is 0 there (1.2)."),
        ("forward", "np.sign(z)", "np.where(z > 0, 1.0, -1.0)", "z = 0 is answered -1, "
         "but it is no answer: a is 0 there (1.2)."),
        ("loss", "-y * z", "y * z", "the sign is wrong: right answers, where y z is "
         "positive, must cost nothing (1.5)."),
        ("loss", "np.mean", "np.sum", "this is the sum over the examples; (1.5) is "
         "their mean."),
        ("loss", "np.maximum(0.0, -y * z)", "-y * z", "right answers count, too: "
         "nothing below 0 may stay (1.5)."),
        ("backward", "-y, 0.0", "y, 0.0", "every slope has the wrong sign: on a mistake "
         "the loss is -y z, with the slope -y (1.6)."),
        ("backward", " / len(y)", "", "everything is N times too large: 1/N is missing "
         "in dz (1.6)."),
        ("backward", "np.where(a != y, -y, 0.0)", "-y", "right answers pull, too: their "
         "slope is 0 (1.6)."),
        ("backward", "a != y", "a == -y", "z = 0 is no mistake here, but no answer is a "
         "wrong answer (1.6)."),
        ("backward", "a != y", "a == y", "the right answers pull and the mistakes do "
         "not (1.6)."),
        ("backward", "dz.sum()", "dz.mean()", "db is a mean, but the 1/N is in dz "
         "already: take the sum (1.8)."),
        ("train", "w - lr * dw", "w + lr * dw", "w goes up the slope: subtract lr times "
         "dw (1.9)."),
        ("train", "b - lr * db", "b + lr * db", "b goes up the slope: subtract lr times "
         "db (1.9)."),
        ("train", "lr * dw", "dw", "lr is missing in the step of w (1.9)."),
        ("train", "lr * db", "db", "lr is missing in the step of b (1.9)."),
        ("train", "b = b - lr * db", "b = b", "b never moves; it learns as w does "
         "(1.9)."),
        ("mistake_bound", "direction / np.linalg.norm(direction)", "direction", "(w, b) "
         "must have length 1 before gamma is measured (1.11)."),
        ("mistake_bound", "np.linalg.norm(direction)", "np.linalg.norm(w)", "the length "
         "is that of (w, b), not of w alone (1.11)."),
        ("mistake_bound", "np.ones(len(X))", "np.zeros(len(X))", "the column of ones is "
         "missing (1.10)."),
        ("mistake_bound", "axis=1).max()", "axis=1).min()", "R is the largest length, "
         "not the smallest (1.11)."),
        ("mistake_bound", "(R / gamma) ** 2", "R / gamma", "the square is missing "
         "(1.15)."),
        ("mistake_bound", "(y * (folded @ direction)).min()",
         "(folded @ direction).min()", "gamma has the sign of the label in it: the least "
         "of y z (1.11)."),
        ("forward", "+ b", "- b",
         "the bias is added, not subtracted (1.1)."),
    ],
)  # fmt: skip


def learn(X, y, epochs=100_000, lr=1.0):
    """Train from zero; return w, b, the mistakes by epoch and the corrections."""
    return script.train(*script.init_params(X.shape[1]), X, y, epochs, lr)


def look(w, b, X, y):
    """Return the share of right answers."""
    return np.mean(script.forward(w, b, X)[1] == y)


def bound_of(X, y):
    """Return R, gamma and the bound with the widest margin."""
    separator, common_point = script.separability(X, y)
    assert common_point is None
    return script.mistake_bound(X, y, separator[:-1], separator[-1])


BREAKS = [  # of README.md, "Break it": the script's text, the change, who notices
    ("np.where(a != y, -y, 0.0)", "np.where(a != y, y, 0.0)", "test_gates_are_learnt"),
    (" / len(y)  # (N,)  (1.6)", "  # (N,)  (1.6)",
     "test_seven_examples_have_the_slope_of_their_loss"),
    ("z = X @ w + b  # (N,)", "z = X @ w  # (N,)", "test_gates_are_learnt"),
]  # fmt: skip


def worked():
    """The numbers of the README that a reader works by hand."""
    (w, b), corner = WIDEST_AND, np.array([1.0, 1.0])
    R, gamma, bound = script.mistake_bound(CORNERS, AND, w, b)
    after_one = np.array([1.0, 1.0]), 0.0  # w, b at the end of epoch 1
    z, a = script.forward(*after_one, CORNERS)
    dw, db = script.backward(CORNERS, a, AND)
    last_w, last_b, _, corrections = quietly(CORNERS, AND)
    last = np.append(last_w, last_b)
    unit = np.append(w, b) / np.linalg.norm(np.append(w, b))
    fifth, fourth = corrections[4], corrections[3]
    arrows = [np.arctan2(*c["w"]) for c in corrections[1:]]  # the first has no length
    turns = np.degrees(abs(np.diff(arrows, prepend=[arrows[0]] * 2)))  # to number 1, 2, ...
    assert turns.argmax() == 3  # to number 4
    R_or, gamma_or, bound_or = bound_of(CORNERS, script.GATES["or"])
    spread = shuffled_mistakes()
    return {
        "z_before": fifth["z"],
        "z_after": script.forward(fifth["w"], fifth["b"], corner)[0],
        "rise": corner @ corner + 1,
        "spoiled_before": script.forward(fourth["w"], fourth["b"], CORNERS[2])[0],
        "spoiled_after": script.forward(fifth["w"], fifth["b"], CORNERS[2])[0],
        "way_before": abs(fourth["w"] @ corner + fourth["b"]) / np.hypot(*fourth["w"]),
        "way_after": abs(fifth["w"] @ corner + fifth["b"]) / np.hypot(*fifth["w"]),
        "last_turn": turns[-1], "widest_turn": turns[3],
        "at_zero": sum(c["z"] == 0 for c in corrections),
        "slope_up": (script.loss(z + 0.1, AND) - script.loss(z, AND)) / 0.1,
        "slope_down": (script.loss(z, AND) - script.loss(z - 0.1, AND)) / 0.1,
        "last_z": script.forward(last_w, last_b, corner)[0],
        "last_distance": (last_w @ corner + last_b) / np.linalg.norm(last_w),
        "loss1": script.loss(z, AND), "dw1": dw[0], "dw2": dw[1], "db": db,
        "R": R, "gamma": gamma, "bound": bound, "length": np.hypot(np.hypot(*w), b),
        "distance": gamma / np.linalg.norm(unit[:-1]),
        "dot": unit @ last, "last_length": np.linalg.norm(last),
        "low18": 18 * gamma, "high18": R * np.sqrt(18),
        "gamma_or": gamma_or, "bound_or": bound_or,
        "nearest": nearest_to_the_last_line(),
        "mistakes_or": len(quietly(CORNERS, script.GATES["or"])[3]),
        "shuffled_least": min(spread), "shuffled_most": max(spread),
        "batch_steps": batch_steps(),
        "mistakes_tenth": len(quietly(CORNERS, AND, lr=0.1)[3]),
        "cube_bound": bound_of(CUBE, CUBE_LABELS)[2],
        "iris_widest": widest_gap(*irises()),
        **two_blobs(),
    }  # fmt: skip


CUBE = np.array([[1.0, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
CUBE_LABELS = np.array([-1.0, 1, 1, -1])


def two_blobs():
    """The numbers of the README on other gaps, scales and the loss of the two blobs."""
    X, y = script.make_blobs(100, 0.1, np.random.default_rng(0))
    found = {"tenfold_bound": bound_of(10 * X, y)[2] / bound_of(X, y)[2]}
    found["tenfold_mistakes"] = len(quietly(10 * X, y)[3])
    w_b = [(np.zeros(2), 0.0), *((c["w"], c["b"]) for c in quietly(X, y)[3])]
    losses = [script.loss(script.forward(w, b, X)[0], y) for w, b in w_b]
    found["loss_raised"] = np.sum(np.diff(losses) > 0)
    rights = [look(w, b, X, y) for w, b in w_b]
    found["worse"] = np.sum(np.diff(rights) < 0)
    steps = quietly(X, y)[3]
    found["still_wrong"] = sum(
        look(c["w"], c["b"], X[[c["n"]]], y[[c["n"]]]) == 0 for c in steps
    )
    tens = np.column_stack([10 * X, np.full(len(X), 10.0)])
    found["tenfold_mended"] = mistakes_without_a_bias(tens, y)
    ratios = []
    for seed in range(20):
        narrow, wide = (
            len(quietly(*script.make_blobs(100, m, np.random.default_rng(seed)))[3])
            for m in (0.01, 0.1)
        )
        ratios.append(narrow / wide)
        if seed == 18:
            found |= {"eighteen_narrow": narrow, "eighteen_wide": wide}
    found["narrow_least"], found["narrow_most"] = min(ratios), max(ratios)
    return found | {"narrow_median": np.median(ratios)}


def mistakes_without_a_bias(folded, y):
    """Count the mistakes of the rule on examples that hold their own constant."""
    w, mistakes = np.zeros(folded.shape[1]), 0
    before = -1
    while mistakes > before:
        before = mistakes
        for x_n, y_n in zip(folded, y):
            if y_n * (w @ x_n) <= 0:
                w, mistakes = w + y_n * x_n, mistakes + 1
    return mistakes


@pytest.mark.parametrize("seed", range(5))
def test_a_ten_behind_ten_times_the_coordinates_changes_no_mistake(seed):  # exercise 4
    X, y = script.make_blobs(100, 0.1, np.random.default_rng(seed))
    tens = np.column_stack([10 * X, np.full(len(X), 10.0)])
    assert mistakes_without_a_bias(tens, y) == len(quietly(X, y)[3])


def irises():
    X, y, _ = script.load_data("iris", None, 0, None)
    return X, y


def widest_gap(X, y):
    """Half the widest gap between the classes, of 20,000 directions in the plane."""
    turns = np.linspace(0, 2 * np.pi, 20_000)
    along = X @ [np.cos(turns), np.sin(turns)]
    return (along[y == 1].min(axis=0) - along[y == -1].max(axis=0)).max() / 2


def test_the_widest_gap_of_the_irises_is_another_line_than_the_widest_margin():
    from sklearn.svm import SVC

    X, y = irises()
    svm = SVC(kernel="linear", C=1e9, tol=1e-9).fit(X, y)
    assert 1 / np.linalg.norm(svm.coef_) == pytest.approx(widest_gap(X, y), rel=1e-4)
    blobs, side = script.make_blobs(100, 0.1, np.random.default_rng(0))
    for points, labels, equal in [(X, y, False), (blobs, side, True), (CORNERS, AND, True)]:
        separator, _ = script.separability(points, labels)
        nearest = bound_of(points, labels)[1] / np.linalg.norm(separator[:-1])
        assert (abs(nearest - widest_gap(points, labels)) < 1e-4) == equal


def test_every_second_corner_of_a_cube_reaches_the_bound():
    for labels in np.array(np.meshgrid(*[[-1.0, 1.0]] * 4)).reshape(4, -1).T[1:-1]:
        assert len(quietly(CUBE, labels)[3]) == 4
        assert bound_of(CUBE, labels)[2] == pytest.approx(4)


def nearest_to_the_last_line():
    """How far the nearest point of the two blobs is from the line that is learnt."""
    X, y = script.make_blobs(100, 0.1, np.random.default_rng(0))
    w, b, *_ = quietly(X, y)
    return (y * (X @ w + b)).min() / np.linalg.norm(w)


def quietly(X, y, lr=1.0):
    """Train as ``learn`` does, without a word."""
    with contextlib.redirect_stdout(io.StringIO()):
        return learn(X, y, lr=lr)


def shuffled_mistakes():
    """Exercise 6: the mistakes on the two blobs, each epoch in an order of its own."""
    X, y = script.make_blobs(100, 0.1, np.random.default_rng(0))
    found = []
    for seed in range(40):
        rng, (w, b), mistakes = np.random.default_rng(seed), (np.zeros(2), 0.0), [1]
        while mistakes[-1]:
            mistakes.append(0)
            for n in rng.permutation(len(y)):
                _, a = script.forward(w, b, X[n : n + 1])
                if a[0] != y[n]:
                    dw, db = script.backward(X[n : n + 1], a, y[n : n + 1])
                    w, b = w - dw, b - db
                    mistakes[-1] += 1
        found.append(sum(mistakes) - 1)
    return found


def batch_steps():
    """Exercise 7: the steps that all four corners of AND together need."""
    w, b = np.zeros(2), 0.0
    for step in range(100):
        _, a = script.forward(w, b, CORNERS)
        if np.all(a == AND):
            return step
        dw, db = script.backward(CORNERS, a, AND)
        w, b = w - dw, b - db
    raise AssertionError("AND is not learnt in 100 steps")


def test_seven_examples_have_the_slope_of_their_loss(rng):
    """What a run on single examples cannot show: the 1/N."""
    X, y = rng.normal(size=(7, 3)), rng.choice([-1.0, 1.0], 7)
    params = {"w": rng.normal(size=3), "b": rng.normal(size=())}
    _, a = script.forward(params["w"], params["b"], X)
    slopes = numerical_gradient(
        lambda p: script.loss(script.forward(p["w"], p["b"], X)[0], y), params
    )
    dw, db = script.backward(X, a, y)
    np.testing.assert_allclose(dw, slopes["w"], rtol=1e-7)
    np.testing.assert_allclose(db, slopes["b"], rtol=1e-7)


def test_a_correction_raises_y_z_by_the_squared_length_plus_one(rng):
    for lr in (1.0, 0.3):
        x, y = rng.normal(size=(1, 4)), np.array([-1.0])
        w, b = rng.normal(size=4), 5.0
        z, a = script.forward(w, b, x)
        dw, db = script.backward(x, -y, y)  # as if it were a mistake
        after, _ = script.forward(w - lr * dw, b - lr * db, x)
        np.testing.assert_allclose(y * after, y * z + lr * (x @ x[0] + 1))  # (1.4)


def test_the_two_epochs_of_and_in_the_readme_and_the_corrections_it_prints():
    text = (ROOT / "01_perceptron_learning/README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([12]) \| \((\d), (\d)\) \| (.+) \|$", text, flags=re.M)
    assert len(rows) == 8
    w, b = np.zeros(2), 0.0
    for n, (epoch, x1, x2, rest) in enumerate(rows):
        x, y_n = CORNERS[n % 4 : n % 4 + 1], AND[n % 4 : n % 4 + 1]
        assert int(epoch) == 1 + n // 4 and [float(x1), float(x2)] == x[0].tolist()
        cells = rest.replace("$", "").split(" | ")
        z, a = script.forward(w, b, x)
        assert (float(cells[0]), float(cells[1])) == (y_n[0], z[0])
        if a[0] != y_n[0]:
            dw, db = script.backward(x, a, y_n)
            w, b = w - dw, b - db
        assert cells[3] == "({:g}, {:g})".format(*w) and float(cells[4]) == b
        assert cells[2] == ("right" if a[0] == y_n[0] else "mistake")
    printed = re.findall(
        r"^ +(\d+) +(\d) +\((\d), (\d)\) +([+-]1) +(-?\d) +-> +(-?\d) +(-?\d) +(-?\d)$",
        text, flags=re.M,
    )[:18]  # fmt: skip
    *_, corrections = quietly(CORNERS, AND)
    for k, (row, c) in enumerate(zip(printed, corrections, strict=True), 1):
        assert [float(cell) for cell in row] == [
            k, c["epoch"], *CORNERS[c["n"]], AND[c["n"]], c["z"], *c["w"], c["b"]
        ]  # fmt: skip


def test_the_widest_margin_of_and_is_that_of_the_readme():
    separator, _ = script.separability(CORNERS, AND)
    folded = np.append(*WIDEST_AND)
    np.testing.assert_allclose(separator, folded / np.linalg.norm(folded))
    bound = script.mistake_bound(CORNERS, AND, *WIDEST_AND)
    np.testing.assert_allclose(bound, [3**0.5, 17**-0.5, 51])
    with np.errstate(divide="ignore"):  # any line on which a point lies proves nothing
        assert script.mistake_bound(CORNERS, AND, np.array([1.0, 1.0]), -1.0)[1] == 0


def test_a_narrower_line_has_a_larger_bound():
    other = script.mistake_bound(CORNERS, AND, np.array([3.0, 2.0]), -4.0)
    assert other[2] > 51


def test_all_zero_answers_are_mistakes():
    w, b = script.init_params(2)
    z, a = script.forward(w, b, np.ones((3, 2)))
    np.testing.assert_array_equal(a, 0.0)
    for label in (-1.0, 1.0):
        y = np.full(3, label)
        assert look(w, b, np.ones((3, 2)), y) == 0 and script.loss(z, y) == 0
        dw, db = script.backward(np.ones((3, 2)), a, y)
        np.testing.assert_array_equal(dw, -y[:2])
        assert db == -label


@pytest.mark.parametrize(
    "margin, sets", [(1.0, 100), (0.1, 100), (0.01, 100), (0.001, 5)]
)
def test_mistakes_never_exceed_the_bound(margin, sets, capsys):
    for seed in range(sets):
        rng = np.random.default_rng(seed)
        X, y = script.make_blobs(int(rng.integers(4, 20)), margin, rng)
        R, gamma, bound = bound_of(X, y)
        assert gamma >= margin / R
        w, b, mistakes, corrections = learn(X, y)
        assert mistakes[-1] == 0
        assert sum(mistakes) == len(corrections) <= bound
        assert look(w, b, X, y) == 1.0


def test_weight_length_stays_between_both_halves_of_the_proof(capsys):
    for seed in range(20):
        X, y = script.make_blobs(30, 0.05, np.random.default_rng(seed))
        R, gamma, _ = bound_of(X, y)
        for k, c in enumerate(learn(X, y)[3], 1):
            length = np.sqrt(c["w"] @ c["w"] + c["b"] ** 2)
            assert gamma * k - 1e-9 <= length <= R * np.sqrt(k) + 1e-9


def test_same_weights_update_for_update_as_scikit_learn(rng, capsys):
    from sklearn.linear_model import Perceptron

    X, y = script.make_blobs(60, 0.05, rng)
    corrections = learn(X, y)[3]
    oracle, updates = Perceptron(shuffle=False), 0
    while updates < len(corrections):
        for n, (x_n, y_n) in enumerate(zip(X, y)):
            before = getattr(oracle, "coef_", np.zeros((1, 2))).copy()
            oracle.partial_fit(x_n[None], [y_n], classes=[-1.0, 1.0])
            if not np.array_equal(before, oracle.coef_):
                c = corrections[updates]
                updates += 1
                assert c["n"] == n
                np.testing.assert_allclose(c["w"], oracle.coef_[0], atol=1e-12)
                np.testing.assert_allclose(c["b"], oracle.intercept_[0])


def test_learning_rate_only_scales_the_weights(rng, capsys):  # exercise 3
    X, y = script.make_blobs(40, 0.1, rng)
    w, b, mistakes, _ = learn(X, y)
    quarter, b_quarter, other, _ = learn(X, y, lr=0.25)
    assert mistakes == other
    np.testing.assert_allclose(0.25 * w, quarter, rtol=1e-12)
    assert 0.25 * b == pytest.approx(b_quarter, rel=1e-12)


def test_steps_of_a_tenth_of_and_end_where_rounding_decides(capsys):  # exercise 3
    w, b, _, corrections = learn(CORNERS, AND, lr=0.1)
    np.testing.assert_allclose([*w, b], [0.2, 0.1, -0.2])
    z, _ = script.forward(w, b, CORNERS)
    assert -3.5e-17 < z[2] < -2.5e-17


def test_the_picture_of_the_loss_names_its_slopes():
    w = np.array([1.0, 1.0])
    fig = script.plot_loss(AND, w, 0.0)
    named = [float(text.get_text().split()[1]) for text in fig.axes[0].texts]
    steep = []
    for low, high in [(-2.9, -2.8), (-0.1, 0.0), (0.0, 0.1)]:
        losses = [script.loss(script.forward(w, b, CORNERS)[0], AND) for b in (low, high)]
        steep.append((losses[1] - losses[0]) / 0.1)
    np.testing.assert_allclose(named, steep)
    script.plt.close(fig)


def test_each_line_of_the_picture_at_the_top_has_its_number_on_it():
    X, y = script.make_blobs(100, 0.1, np.random.default_rng(0))
    w, b, mistakes, corrections = quietly(X, y)
    m = script.measure(X, y, mistakes, corrections)
    fig = script.plot_path(X, y, script.NAMES, corrections, m)
    numbers = {int(text.get_text()): text.xy for text in fig.axes[0].texts}
    assert [*numbers] == [1, 6, 12, 18, 24, 30, 36, 42]  # README.md names some
    for k, place in numbers.items():
        c = corrections[k - 1]
        assert abs(c["w"] @ place + c["b"]) / np.linalg.norm(c["w"]) < 0.04  # a step
    script.plt.close(fig)


def test_every_wrong_corner_has_a_cross():
    for c in quietly(CORNERS, AND)[3]:
        fig, ax = script.plt.subplots()
        script.draw_gate(ax, AND, (-0.6, 3.6), c)
        (crosses,) = [line for line in ax.lines if line.get_marker() == "x"]
        wrong = AND * (CORNERS @ c["w"] + c["b"]) <= 0
        np.testing.assert_array_equal(crosses.get_xydata(), CORNERS[wrong])
        script.plt.close(fig)


def test_a_gate_alone_prints_its_corrections(tmp_path, capsys):  # exercise 1
    flags = ["--data", "or", "--no-show", "--out", str(tmp_path)]
    assert script.main(flags) == 0
    rows = re.findall(r"^ +\d+ +\d +\(\d, \d\) ", capsys.readouterr().out, flags=re.M)
    assert len(rows) == len(quietly(CORNERS, script.GATES["or"])[3])


def test_coordinates_ten_times_as_large_raise_the_bound_70_fold():  # exercise 4
    X, y = script.make_blobs(100, 0.1, np.random.default_rng(0))
    bounds = [bound_of(k * X, y)[2] for k in (1, 10)]
    assert bounds[1] / bounds[0] == pytest.approx(70, abs=0.5)


def test_answering_plus_one_at_zero_needs_fewer_corrections(capsys, monkeypatch):
    def forward(w, b, X):  # exercise 5
        z = X @ w + b
        return z, np.where(z >= 0, 1.0, -1.0)

    monkeypatch.setattr(script, "forward", forward)
    assert len(learn(CORNERS, AND)[3]) == 11
    X, y = script.make_blobs(100, 0.1, np.random.default_rng(0))
    assert len(learn(X, y)[3]) == 42


def widest_margin(signed):
    """Return 1 / |w~| for the shortest w~ whose sums with all rows are at least 1."""
    from scipy.optimize import minimize

    found = minimize(
        lambda w: w @ w, np.zeros(3), method="SLSQP", jac=lambda w: 2 * w,
        constraints={"type": "ineq", "fun": lambda w: signed @ w - 1},
        options={"ftol": 1e-14},
    )  # fmt: skip
    return 1 / np.linalg.norm(found.x)


def test_margin_is_the_widest_as_a_quadratic_programme_finds_it():
    for seed in range(40):  # SciPy 1.15 needs a second order of the points for some
        rng = np.random.default_rng(seed)
        X, y = script.make_blobs(int(rng.integers(4, 200)), 1.0, rng)
        signed = y[:, None] * np.column_stack([X, np.ones(len(X))])
        separator, _ = script.separability(X, y)
        R, gamma, bound = bound_of(X, y)
        assert R == np.linalg.norm(signed, axis=1).max()
        assert gamma == pytest.approx(widest_margin(signed), rel=1e-6)
        assert bound == pytest.approx((R / gamma) ** 2)
        assert np.linalg.norm(separator) == pytest.approx(1)
        assert (signed @ separator).min() == pytest.approx(gamma)


def test_margin_is_exact_however_narrow_the_gap():
    turn = np.array([[0.8, -0.6], [0.6, 0.8]])
    share = []
    for gap in 10.0 ** -np.arange(3, 12):
        X = np.array([[0, 0], [1, 0], [0.5, gap]]) @ turn.T + [0.3, -0.2]
        share.append(bound_of(X, np.array([-1, -1, 1]))[1] / gap)
    np.testing.assert_allclose(share, share[0], rtol=1e-3)


def test_a_gap_that_rounding_fills_is_not_decided():
    X = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, 1e-14]])
    with pytest.raises(script.InputError, match="too close"):
        script.separability(X, np.array([-1.0, -1.0, 1.0]))


def test_common_point_lies_in_both_hulls():
    from scipy.optimize import linprog

    for seed in range(20):
        X, y = script.make_blobs(30, -0.5, np.random.default_rng(seed))
        separator, common_point = script.separability(X, y)
        assert separator is None
        for label in (-1, 1):
            corners = X[y == label].T
            found = linprog(
                np.zeros(corners.shape[1]),
                A_eq=np.vstack([corners, np.ones(corners.shape[1])]),
                b_eq=[*common_point, 1.0],
            )
            assert found.success


def run_measured(X, y, epochs=100_000):
    w, b, mistakes, corrections = learn(X, y, epochs)
    return w, b, corrections, script.measure(X, y, mistakes, corrections)


@pytest.mark.parametrize("gate, most", [("and", 51), ("or", 27), ("nand", 51)])
def test_gates_are_learnt(gate, most, capsys):
    y = script.GATES[gate]
    w, b, corrections, found = run_measured(CORNERS, y, epochs=50)
    np.testing.assert_array_equal(script.forward(w, b, CORNERS)[1], y)
    assert found["bound"] == pytest.approx(most) and len(corrections) <= most
    assert not found["repeats"] and found["accuracy"] == found["pocket_accuracy"] == 1


def test_every_correction_is_counted_and_epochs_end_it(rng, capsys):
    X, y = script.make_blobs(60, -0.5, rng)
    *_, mistakes, corrections = learn(X, y, epochs=5)
    assert len(mistakes) == 5
    assert sum(mistakes) == len(corrections)
    for epoch, count in enumerate(mistakes, 1):
        assert sum(c["epoch"] == epoch for c in corrections) == count
    lines = capsys.readouterr().out.splitlines()[1:]
    assert [int(line.split()[0]) for line in lines] == [1, 2, 4, 5]


def test_printed_lines_are_true(capsys):
    w, b, mistakes, _ = learn(CORNERS, AND, epochs=2)
    *_, line = capsys.readouterr().out.splitlines()
    z, a = script.forward(w, b, CORNERS)
    assert line.split() == [
        "2", str(mistakes[1]), f"{script.loss(z, AND):.4f}", f"{np.mean(a == AND):.1%}"
    ]  # fmt: skip


def test_xor_cycles_in_integers_and_has_a_certificate(capsys):
    y = script.GATES["xor"]
    _, _, corrections, found = run_measured(CORNERS, y, epochs=3)
    assert len(corrections) == 12 and found["repeats"]
    for k, c in enumerate(corrections[4:], 4):
        before = corrections[k - 4]
        assert (c["w"] == before["w"]).all() and c["b"] == before["b"]
        assert all(float(v).is_integer() for v in (*c["w"], c["b"]))
    assert found["separator"] is found["gamma"] is found["bound"] is None
    np.testing.assert_allclose(found["common_point"], [0.5, 0.5])
    assert run_measured(CORNERS, y, epochs=2)[3]["repeats"]
    assert not run_measured(CORNERS, y, epochs=1)[3]["repeats"]


def test_no_step_on_all_of_xor_leads_anywhere():
    _, a = script.forward(*script.init_params(2), CORNERS)
    dw, db = script.backward(CORNERS, a, script.GATES["xor"])
    assert not np.any(dw) and db == 0  # exercise 7


def test_overlapping_clouds_have_a_common_point_and_keep_the_best_line(rng, capsys):
    X, y = script.make_blobs(60, -0.5, rng)
    _, _, corrections, found = run_measured(X, y, epochs=50)
    shares = [look(c["w"], c["b"], X, y) for c in corrections]
    assert found["pocket"] is corrections[int(np.argmax(shares))]
    assert found["pocket_accuracy"] == max(shares) < 1
    assert found["averaged_accuracy"] > 0.8 and found["accuracy"] == shares[-1]
    assert found["majority"] == 0.5
    uneven = np.where(np.arange(60) < 45, y[0], -y[0])
    for labels in (uneven, -uneven):
        assert run_measured(X, labels, epochs=2)[3]["majority"] == 0.75


def test_average_is_the_mean_over_all_examples_shown(capsys):
    X, y = np.array([[1.0, 0.0], [2.0, 1.0]]), np.array([1.0, -1.0])
    corrections = learn(X, y, epochs=1)[3]
    w, b = script.averaged(corrections, 2, 1)
    np.testing.assert_array_equal(w, [0.0, -0.5])  # (1, 0), then (-1, -1)
    assert b == 0.5
    w, b = script.averaged(learn(X, y, epochs=2)[3], 2, 2)  # then (0, -1), (-2, -2)
    np.testing.assert_array_equal(w, [-0.5, -1.0])


def test_distance_is_measured_in_the_plane(rng, capsys):
    X, y = script.make_blobs(30, 0.5, rng)
    found = run_measured(X, y)[3]
    *w, b = found["separator"]
    distances = np.abs(X @ w + b) / np.hypot(*w)
    assert found["distance"] == pytest.approx(distances.min())


@pytest.mark.parametrize(
    "text, words",
    [
        ("", "empty"),
        ("\n\n", "empty"),
        ("x,y,label\n", "0 points"),
        ("1,2,a\n3,b,c\n", "'b' in column 2 of point 2"),
        ("x,y,label\n1,2,a\n3,,b\n", "'' in column 2 of point 2"),
        ("1;2,5;a\n3;4,5;b\n", "'2,5' in column 2 of point 1"),
        ("1,2\n3,4\n", "2 columns"),
        ("1\n3\n4\n", "1 columns"),
        ("1,2,a\n3,4\n", "row 2 has 2 cells"),
        ("a,b,c,d,e\n1,2,3,4,a\n1,2,3,5,b\n", "5 columns"),
        ("1,2,a\nnan,4,b\n", "infinite"),
        ("1,2,a\n1e999,4,b\n", "infinite"),
        ("1,2,a\n1e20,4,b\n", "above 1e9"),
        ("1,2,a\n3,4,a\n", "1 different"),
        ("1,2,a\n3,4,b\n5,6,c\n", "3 different label(s) in its last column (a, b, c)"),
        ("1,2,0\n3,4,1\n5,6,1.0\n7,8,2\n", "(0, 1, 2)"),
        ("1,2,a\n3,4,\n", "rows without a label"),
        ('1,2,a\n3,4,"b\n5,6,b\n', "no regular CSV"),
        ("1,2,a\n" * 5000 + "3,4,b\n", "5001 points"),
    ],
)
def test_bad_csv_is_one_sentence(text, words, tmp_path, capsys):
    (tmp_path / "bad.csv").write_text(text)
    status = script.main(
        ["--csv", str(tmp_path / "bad.csv"), "--out", str(tmp_path / "o")]
    )
    captured = capsys.readouterr()
    assert status == 2 and captured.out == "" and captured.err.count("\n") == 1
    assert words in captured.err and "bad.csv" in captured.err
    assert not list((tmp_path / "o").iterdir())


def test_many_points_are_shown_less_often(tmp_path, capsys, monkeypatch):
    (tmp_path / "many.csv").write_text("1,2,a\n1,3,b\n" * 1000)
    monkeypatch.setattr(script, "plot_path", lambda *_: script.plt.figure())
    flags = ["--csv", str(tmp_path / "many.csv"), "--epochs", "10000", "--no-show"]
    assert script.main([*flags, "--out", str(tmp_path)]) == 0
    assert "2000 examples, learning rate 1, at most 1000 epochs" in (
        capsys.readouterr().out
    )


@pytest.mark.parametrize(
    "labels, classes, y",
    [
        ("0 1 1", ["0", "1"], [-1, 1, 1]),
        ("1 -1 1", ["-1", "1"], [1, -1, 1]),
        ("1.0 0 1", ["0", "1"], [1, -1, 1]),
        ("9 10 9", ["9", "10"], [-1, 1, -1]),
        ("yes no yes", ["no", "yes"], [1, -1, 1]),
        ("NA 1 NA", ["1", "NA"], [1, -1, 1]),
    ],
)
def test_labels_of_a_file(labels, classes, y, tmp_path, capsys):
    rows = [f"{n * 2.5} ; {n * n} ; {label}" for n, label in enumerate(labels.split())]
    (tmp_path / "points.csv").write_text("\n".join(["a;b;c", *rows, ""]))
    X, found, names = script.read_points(tmp_path / "points.csv")
    np.testing.assert_array_equal(X, [[0, 0], [2.5, 1], [5, 4]])
    np.testing.assert_array_equal(found, y)
    assert names == ["a", "b", *classes]
    assert f"-1 stands for {classes[0]}, answer +1 for {classes[1]}." in (
        capsys.readouterr().out
    )


@pytest.mark.parametrize("start", [0, 1])
def test_an_index_column_is_named_and_no_feature(start, tmp_path, capsys):
    index = range(start, start + 5)
    rows = [f"{n},{n % 3},{n * n},{'ab'[n % 2]}" for n in index]
    (tmp_path / "four.csv").write_text("\n".join([",u,v,kind", *rows]))
    X, _, names = script.read_points(tmp_path / "four.csv")
    np.testing.assert_array_equal(X, [[n % 3, n * n] for n in index])
    assert names == ["u", "v", "a", "b"]
    assert "first column only counts the rows: it is left out" in capsys.readouterr().out
    rows = [row.rsplit(",", 2)[0] + "," + row[-1] for row in rows]
    (tmp_path / "three.csv").write_text("\n".join(rows))
    X, _, names = script.read_points(tmp_path / "three.csv")
    np.testing.assert_array_equal(X, [[n, n % 3] for n in index])
    assert names == ["x1", "x2", "a", "b"]
    assert "is it a feature?" in capsys.readouterr().out
    (tmp_path / "few.csv").write_text("\n".join(rows[:4]))
    script.read_points(tmp_path / "few.csv")
    assert "counts" not in capsys.readouterr().out


def test_names_with_dollars_are_drawn_and_the_metrics_are_json(tmp_path, capsys):
    (tmp_path / "p$x$.csv").write_text("$a_,b^2$,c\n1,2,$1\n3,4,$2\n2,9,$1\n")
    flags = ["--csv", str(tmp_path / "p$x$.csv"), "--no-show", "--out", str(tmp_path)]
    assert script.main(flags) == 0
    assert (tmp_path / "path.png").exists() and capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "flags", [["--csv", "f", "--data", "and"], ["--data", "iris", "--margin", "1"]]
)
def test_contradictions_are_refused(flags, capsys):
    with pytest.raises(SystemExit) as stopped:
        script.main(flags)
    assert stopped.value.code == 2 and capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("gate, words", [
    ("xor", ["No line exists", "they repeat for ever", "these lines are no better"]),
    ("and", ["has not found it", "more --epochs"]),
])  # fmt: skip
def test_the_verdict_says_what_happened(gate, words, tmp_path, capsys):
    flags = ["--data", gate, "--epochs", "4", "--no-show", "--out", str(tmp_path)]
    assert script.main(flags) == 0
    out = capsys.readouterr().out
    assert all(word in out for word in words), out


def test_csv_of_a_stranger(tmp_path, capsys):
    (tmp_path / "points.csv").write_text(
        '\ufeffweight,height,"kind"\r\n1,2,"a, b"\r\n3,4,c\r\n\r\n', encoding="utf-8"
    )
    X, y, names = script.load_data("blobs", tmp_path / "points.csv", 0, None)
    assert "a, b" in capsys.readouterr().out
    np.testing.assert_array_equal(X, [[1, 2], [3, 4]])
    np.testing.assert_array_equal(y, [-1, 1])
    assert names == ["weight", "height", "a, b", "c"]


def test_missing_and_binary_files(tmp_path, capsys):
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00\x01")
    for name in ("missing.csv", "binary.csv"):
        assert script.main(["--csv", str(tmp_path / name)]) == 2
        assert capsys.readouterr().err.count("\n") == 1
