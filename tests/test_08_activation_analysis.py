"""08: eight derivatives, gradient lengths against theory, dead units, scikit-learn."""

import contextlib
import functools
import json
import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import GradientCase, join, load, split
from tutor import Lesson

script = load("08_activation_function_analysis")
FAILS = [["--lr", "3"]]  # as the README says
QUICK = ["--epochs", "6", "--networks", "2", "--depth", "2"]
TIMINGS = []
INTERRUPT_AT = 11  # the first 8 calls measure gradients


def settings(**changes):
    return SimpleNamespace(**{"epochs": 60, "seed": 0, "start": "He"} | changes)


BREAKS = [  # of README.md, "Break it": the script's text, the change, who notices
    ("1 - a**2  # (8.8)", "1 - z**2  # (8.8)",
     "test_each_derivative_is_the_slope_of_its_function"),
    ("dz = da * phi_prime(z[k - 1], a[k - 1], name)", "dz = da",
     "test_three_units_in_a_row_multiply_their_slopes"),
    ("2 / n_in,", "1 / n_in,", "test_start_has_the_variance_of_glorot_and_of_he"),
]  # fmt: skip


@pytest.fixture(autouse=True)
def as_in_a_run():
    with np.errstate(all="ignore"):
        yield


def tf_phi(tf, name, z):
    if name == "gelu":  # TensorFlow's own rounds its constants to float32
        return z * (1 + tf.tanh(np.sqrt(2 / np.pi) * (z + 0.044715 * z**3))) / 2
    if name == "leaky_relu":
        return tf.where(z > 0, z, 0.01 * z)
    if name == "stretched":
        return 4 * tf.nn.sigmoid(z) - 2
    return getattr(tf.nn, name)(z)


def gradient_cases():
    for seed, name in enumerate(script.KINDS):
        rng = np.random.default_rng(seed)
        sizes, N = [3, 6, 5, 2], 7
        X, y = rng.normal(size=(N, 3)), rng.integers(2, size=(N, 2)).astype(float)
        W, b = script.init_params(sizes, "He", rng)
        b = {k: rng.normal(size=v.shape) for k, v in b.items()}

        def forward(p, name=name, X=X):
            z, a = script.forward(*split(p), X, name)
            return {f"z{k}": v for k, v in z.items()} | {f"a{k}": a[k] for k in a}

        def backward(p, cache, name=name, y=y):
            z = {k: cache[f"z{k}"] for k in (1, 2, 3)}
            a = {k: cache[f"a{k}"] for k in (0, 1, 2, 3)}
            return join(*script.backward(split(p)[0], z, a, y, name))

        def tf_loss(tf, p, name=name, X=X, y=y):
            a = tf.constant(X)
            for k in (1, 2):
                a = tf_phi(tf, name, a @ p[f"W{k}"] + p[f"b{k}"])
            z = a @ p["W3"] + p["b3"]
            costs = tf.nn.sigmoid_cross_entropy_with_logits(y, z)
            return tf.reduce_sum(costs) / len(y)

        yield GradientCase(
            name,
            (N, *sizes),
            join(W, b),
            forward=forward,
            loss=lambda c, y=y: script.loss(c["z3"], y),
            backward=backward,
            tf_loss=tf_loss,
            kinks=(lambda c: [c["z1"], c["z2"]]) if "relu" in name else (lambda c: []),
        )


def in_a_row(name, x=0.5, error=1.0):
    """Return a and dz, by layer, of three units in a row with weights 1 and biases 0."""
    W = {k: np.ones((1, 1)) for k in (1, 2, 3)}
    b = {k: np.zeros((1, 1)) for k in (1, 2, 3)}
    z, a = script.forward(W, b, np.array([[x]]), name)
    _, dz = script.backward(W, z, a, a[3] - error, name)
    return a, {k: float(dz[k][0, 0]) for k in dz}


def one_step(lr):
    """Return W1, b1 and both z1 of a 1-1-1 ReLU network after a step; and its first z1."""
    W, b = {1: np.array([[0.5]]), 2: np.ones((1, 1))}, {k: np.zeros((1, 1)) for k in (1, 2)}
    X, y = np.array([[1.0], [2.0]]), np.zeros((2, 1))
    data = {"training": (X, y), "validation": (X, y)}
    W, b, _ = script.train(W, b, data, "relu", lr, 1)
    z, _ = script.forward(W, b, X, "relu")
    return float(W[1][0, 0]), float(b[1][0, 0]), *z[1][:, 0].tolist()


@functools.cache
def half_mended(kind, seed=0):
    """Return metrics of a sigmoid only moved, or only stretched, 2 and 8 layers.

    The stretched sigmoid of the lesson is both, "moved" is sigmoid(z) - 1/2 and "steep" is
    4 sigmoid(z); data, starts and rates are those of the default run. "begun" is the plain
    sigmoid, and its networks begin as those of the stretched one.
    """
    honest, rng, draw = script.more_functions, np.random.default_rng(seed), script.init_params

    def as_stretched(*how):
        W, b = draw(*how)
        for k in [k for k in W if k > 1]:
            b[k], W[k] = b[k] - 2 * W[k].sum(axis=-2, keepdims=True), 4 * W[k]
        return W, b

    def with_halves(z, name):
        a = script.sigmoid(z)
        if name == "moved":
            return a - 0.5, a * (1 - a)
        return (4 * a, 4 * a * (1 - a)) if name == "steep" else honest(z, name)

    data = {
        part: script.make_data(10, n, 0.15, rng)
        for part, n in (("training", 100), ("validation", 100), ("test", 1000))
    }
    few = {part: (X[:4], y[:4]) for part, (X, y) in data.items()}
    args, deep = settings(epochs=300, seed=seed), [2] + [16] * 8 + [1]
    with pytest.MonkeyPatch.context() as patch, np.errstate(all="ignore"):
        patch.setattr(script, "more_functions", with_halves)
        if kind == "begun":
            kind = "sigmoid"
            patch.setattr(script, "init_params", as_stretched)
        row, _ = script.compare_rates([2, 16, 16, 1], kind, data, script.CANDIDATES, args)
        lost, _ = script.compare_rates(deep, kind, few, script.CANDIDATES[:4], args)
    return row, lost


@functools.cache
def first_layer(seed=0):
    """Return metrics of two layers of sigmoids: Xavier's start, He's in layer 1 alone."""
    honest = script.init_params

    def mixed(sizes, start, rng, networks=()):
        W, b = honest(sizes, start, rng, networks)
        return W | {1: W[1] * np.sqrt((2 / 2) / (2 / 18))}, b

    with pytest.MonkeyPatch.context() as patch, np.errstate(all="ignore"):
        patch.setattr(script, "init_params", mixed)
        return compare("sigmoid", 300, seed=seed, networks=10, start="Xavier")[0]


@functools.cache
def gradient_left(width, networks):
    """Return |dz_1| / |dz_31| of ReLU networks with He's start, (networks,)."""
    found = []
    for seed in range(networks):
        rng = np.random.default_rng(seed)
        W, b = script.init_params([width] * 32, "He", rng)
        X, error = rng.normal(size=(2, 1, width))
        z, a = script.forward(W, b, X, "relu")
        _, dz = script.backward(W, z, a, a[31] - error, "relu")
        found.append(np.linalg.norm(dz[1]) / np.linalg.norm(dz[31]))
    return np.array(found)


def sixteen():
    """Return the factor of lengths, q and chi of sigmoid, where H Var W = 16 for long."""
    q = 16.0
    for _ in range(30):
        z = np.sqrt(q) * script.U
        a = script.phi(z, "sigmoid")
        chi = 16 * np.sum(script.BELL * script.phi_prime(z, a, "sigmoid") ** 2)
        last, q = q, 16 * np.sum(script.BELL * a**2)
    return chi**0.5, last, chi


def paired():
    """Return the paired differences of the committed runs, and errors, in points."""
    found, images = {}, Path(script.__file__).with_name("images")
    runs = {"seed0": "metrics"} | {name: name for name in (
        "seed1", "seed2", "seed3", "xavier", "lr01", "patience", "more")}  # fmt: skip
    for run, file in runs.items():
        metrics = json.loads((images / f"{file}.json").read_text(encoding="utf-8"))
        for name, (mean, error, _) in metrics["pairs"].items():
            found[f"{run}.{name}.points"] = 100 * mean
            found[f"{run}.{name}.error"] = 100 * error
        if run == "seed0":
            relu, tanh = (metrics[name]["each"] for name in ("relu", "tanh"))
            found["correlation"] = np.corrcoef(relu, tanh)[0, 1]
    return found


def worked():
    """Return the numbers that the README works out with a pencil."""
    found = {"quarter30": 0.25**30, "log2": script.loss(np.zeros((1, 1)), np.ones((1, 1)))}
    found |= paired()
    a = script.phi(np.array([0.5, 1.0]), "sigmoid")  # of the unit that dies
    found |= {"dies_dz_first": a[0] / 2, "dies_dz_second": a[1] / 2}
    for name in ("relu", "sigmoid", "tanh", "stretched"):
        a = script.phi(np.array([0.5]), name)
        found[f"{name}_half"] = a[0]
        found[f"{name}_slope"] = script.phi_prime(np.array([0.5]), a, name)[0]
        values, dz = in_a_row(name)
        found[f"{name}_a2"] = float(values[2][0, 0])
        found |= {f"{name}_dz{k}": dz[k] for k in (1, 2)}
    four = script.phi(np.array([4.0]), "sigmoid")
    found["sigmoid_4"] = four[0]
    found["sigmoid_slope_4"] = script.phi_prime(np.array([4.0]), four, "sigmoid")[0]
    coins = np.array([[s, t] for s in (-1, 1) for t in (-1, 1)])
    found["coins"], found["coins3"] = coins.sum(axis=1).var(), (3 * coins[:, 0]).var()
    dz = np.array([0.3, -0.4])
    found["dz_square"], found["da_square"] = dz @ dz, 0.5 * (dz @ dz)
    draws = np.random.default_rng(0)
    W, _ = script.init_params([2, 16], "Xavier", draws, (100_000,))
    found["xavier"] = round(W[1].var(), 3)
    found |= {"ahead": 2 * 2 / 18, "back": 16 * 2 / 18}
    _, q, chi = script.predict_lengths(30, "Xavier", "sigmoid")
    found |= {"chi3": chi[2], "factor3": chi[2] ** 0.5, "q3": q[2]}
    found["theory30"] = script.predict_lengths(30, "Xavier", "sigmoid")[0][0]
    for lr, label in ((0.1, "small"), (1.0, "large")):
        for key, value in zip(("W1", "b1", "z1", "z2"), one_step(lr)):
            found[f"{label}_{key}"] = value
    each = np.array([-1.0, -3.0, -2.0])
    rows = {"a": {"each": np.zeros(3)}, "b": {"each": each}}
    rows = {k: v | {"accuracy": 1, "dead": 0} for k, v in rows.items()}
    with contextlib.redirect_stdout(None):
        mean, error, _ = script.tell_pairs(rows, "a")["b"]
    found |= {"pair_mean": mean, "pair_error": error}
    found |= {"births30": 1 - (7 / 8) ** 30, "births12": 1 - (1 - 0.5**12) ** 30}
    found["tanh_chi3"] = script.predict_lengths(3, "Xavier", "tanh")[2][-1]
    _, q, chi = script.predict_lengths(30, "Large", "sigmoid")
    found |= {"large_q": q[-1], "large_chi": chi[-1], "root113": (6 * np.pi**0.5) ** 2}
    found["large_theory"] = script.predict_lengths(30, "Large", "sigmoid")[0][0]
    found["large_left"] = script.measure_lengths(
        30, "Large", "sigmoid", np.random.default_rng(0)
    )[0]
    found["usual_left8"] = script.predict_lengths(8, "Xavier", "sigmoid")[0][0]
    _, q, chi = sixteen()
    found |= {"sixteen_q": q, "sixteen_chi": chi}
    found["silu_chi"] = 2 * script.phi_prime(np.zeros(1), np.zeros(1), "silu")[0] ** 2
    return found


def measured():
    """Return the numbers that the README states of trained, or of many, networks."""
    found = {}
    for kind in ("moved", "steep", "begun"):
        row, lost = half_mended(kind)
        found[kind], found[f"{kind}_deep"] = row["epochs_to_95"], lost["mean_loss"]
    left = gradient_left(100, 200)
    found |= {"wide_median": np.median(left), "wide_mean": np.mean(left**2)}
    found["wide_error"] = np.std(left**2, ddof=1) / 200**0.5
    found["wide400"] = np.median(gradient_left(400, 12))
    return found


def your_turn_calls(script, rng, N):
    """Arguments for each function: a network 3-5-4-6 on N examples, 1-1-1 if N is 1."""
    sizes = [3, 5, 4, 6] if N > 1 else [1, 1, 1]
    W, b = script.init_params(sizes, "He", rng)
    b = {k: rng.normal(size=v.shape) for k, v in b.items()}
    X, y = rng.normal(size=(N, sizes[0])), rng.integers(2, size=(N, sizes[-1])) * 1.0
    z, a = script.forward(W, b, X, "tanh")
    W3, b3 = script.init_params(sizes, "He", rng, (3,))  # a stack of three
    X3, y3 = (np.stack([part, part[::-1], part]) for part in (X, y))
    z3, a3 = script.forward(W3, b3, X3, "tanh")
    relu, relu3 = (script.forward(*net, "relu") for net in ((W, b, X), (W3, b3, X3)))
    some, even = 3 * rng.normal(size=(N, 4)), {k: (N, 5) for k in (1, 2, 3)}
    dead = {k: rng.normal(size=size) - 0.5 for k, size in even.items()}  # equally wide
    dead3 = {k: rng.normal(size=(3, *size)) - 0.5 for k, size in even.items()}
    wide = {k: 4 * rng.normal(size=size) for k, size in even.items()}
    for z_even in wide.values():
        z_even[:, :3] = 9, 7.5, 12  # of sigmoid: flat; flat, but in sum not; very flat
        z_even[0, 0] = 5.8  # steep at one example
    three = ("relu", "sigmoid", "tanh", "stretched")
    data3 = {"training": (X3, y3), "validation": (-X3, y3[::-1])}
    draw = np.random.default_rng
    init = [(sizes, kind, draw(3)) for kind in ("Xavier", "He", "Large")]
    init.append((sizes, "He", draw(3), (3,)))
    return {
        "phi": [(some, name) for name in (*three, "elu")]
        + [(300 * some, name) for name in three],  # e^z is infinite
        "phi_prime": [(some, script.phi(some, name), name) for name in (*three, "elu")],
        "forward": [(W, b, X, "tanh"), (W, b, X, "relu"), (W3, b3, X3, "tanh")],
        "loss": [(z[len(W)], y), (1000 * z[len(W)], y), (z3[len(W)], y3)],
        "backward": [
            (W, z, a, y, "tanh"), (W, *relu, y, "relu"), (W3, z3, a3, y3, "tanh")
        ],  # fmt: skip
        "predict_lengths": [
            *((3, "Xavier", "tanh"), (3, "He", "relu"), (2, "Large", "sigmoid"))
        ],
        "init_params": init if N > 1 else [],
        "train": [
            (W3, b3, data3, "tanh", 0.7, 3), (W3, b3, data3, "relu", 0.1, 3),
        ] if N > 1 else [],  # fmt: skip
        "dead_share": [
            (dead, dead, "relu"), (dead3, dead3, "relu"),
            *((wide, {k: script.phi(v, f) for k, v in wide.items()}, f)
              for f in ("sigmoid", "tanh", "silu")),
        ],  # fmt: skip
    }


YOUR_TURN = Lesson(
    functions={
        "phi": "One line for each of the four names, (8.2) to (8.5); leave the last line "
        "of the script, more_functions(z, name)[0], for all others.",
        "phi_prime": "One line for each name, (8.6) to (8.9), from z or from a; then "
        "more_functions(z, name)[1].",
        "forward": "z[k] and a[k] for k = 1 ... L (8.10); the last layer has a sigmoid.",
        "loss": "log(1 + e^z) - y z by np.logaddexp(0, z), summed, over N (8.12).",
        "backward": "dz of the output (8.13), then down the layers, (8.14) to (8.16).",
        "predict_lengths": "Start with q = H Var W; chi (8.23), the next q (8.24), then "
        "the products (8.22). Return np.array(lengths), and q and chi of layers 1 ... depth.",
        "init_params": "Normal weights times the root of the variance, (8.27) to (8.29): "
        "W[k] by one rng.normal(size=...), from k = 1 up.",
        "train": "Each epoch: forward, loss, backward, step (8.30), validation. history "
        "holds an array \"loss\" and an array \"accuracy\", a row for each epoch.",
        "dead_share": "Each unit's steepest slope over the examples (8.31); then a mean.",
    },
    calls=your_turn_calls,
    names={
        "forward": ("z", "a"),
        "backward": ("dW", "db"),
        "predict_lengths": ("the lengths", "q", "chi"),
        "init_params": ("W", "b"),
        "train": ("W", "b", "history"),
    },
    slips=[
        ("predict_lengths", "np.sqrt(q[-1]) * U", "U", "z has the variance q: multiply U by "
         "the root of q (8.23)."),
        ("predict_lengths", "np.sqrt(q[-1]) * U", "q[-1] * U", "z has the variance q: "
         "multiply U by its root (8.23)."),
        ("predict_lengths", "gain * np.sum(BELL * phi_prime", "np.sum(BELL * phi_prime",
         "H Var W is missing in chi (8.23)."),
        ("predict_lengths", "gain * np.sum(BELL * a**2)", "np.sum(BELL * a**2)", "H Var W is "
         "missing in the next q (8.24)."),
        ("predict_lengths", "chi[k:]", "chi[k + 1:]", "the factor of layer k itself is "
         "missing in the product (8.22)."),
        ("phi_prime", "1 - a**2  #", "a * (1 - a)  #", "tanh's slope is 1 - a^2; this is the "
         "sigmoid's (8.8)."),
        ("phi_prime", "1 - a**2 / 4", "(1 - a**2) / 4", "the stretched sigmoid's slope is "
         "1 - a^2 / 4: only the square is divided (8.9)."),
        ("train", "            b[k] = b[k] - lr * db[k]\n", "", "the biases are not moved "
         "(8.30)."),
        ("train", "(z[len(W)] > 0)", "(z[len(W)] > 0.5)", "an answer is 1 where a > 0.5, and "
         "so where z > 0."),
        ("train", "forward(W, b, X_val, name)", "forward(W, b, X, name)", "the accuracy is "
         "that of the validation data."),
        ("dead_share", "steepest < 0.001", "steepest == 0", "the other functions are never "
         "exactly flat: below 0.001 counts as flat (8.31)."),
        ("dead_share", ".max(axis=-2)", ".mean(axis=-2)", "a unit is dead if it is flat at "
         "every example, so the largest slope counts, not the mean (8.31)."),
        ("dead_share", ".max(axis=-2)", ".sum(axis=-2)", "the largest slope counts, not the "
         "sum of all (8.31)."),
        ("phi", "np.maximum(0.0, z)", "np.abs(z)", "ReLU makes what is negative 0; it "
         "does not turn its sign (8.2)."),
        ("phi", "4 * sigmoid(z) - 2", "4 * sigmoid(z)", "the stretched sigmoid is moved "
         "down by 2, so that it is 0 at 0 (8.5)."),
        ("phi_prime", "np.where(z > 0, 1.0, 0.0)", "np.where(z > 0, z, 0.0)", "this is "
         "ReLU itself; its slope is 1 or 0 (8.6)."),
        ("phi_prime", "a * (1 - a)", "z * (1 - z)", "the sigmoid's slope is a (1 - a), "
         "with a = phi(z), not z (8.7)."),
        ("phi_prime", "1 - a**2  #", "1 - z**2  #", "tanh's slope is 1 - a^2, with "
         "a = phi(z), not z (8.8)."),
        ("phi_prime", "1 - a**2 / 4", "1 - a**2", "the stretched sigmoid's slope is "
         "1 - a^2 / 4 (8.9)."),
        ("forward", " + b[k]", "", "the bias b[k] is missing in z[k] (8.10)."),
        ("forward", "phi(z[k], name) if k < L else sigmoid(z[k])", "phi(z[k], name)",
         "the last layer has a sigmoid, whatever phi is (8.10)."),
        ("forward", "phi(z[k], name) if k < L else sigmoid(z[k])", "sigmoid(z[k])",
         "only the last layer has a sigmoid; the others have phi (8.10)."),
        ("loss", "- y * z_last", "+ y * z_last", "y z is subtracted (8.12)."),
        ("backward", "(a[L] - y)", "(y - a[L])", "every slope has the wrong sign: dz is "
         "a - y (8.13)."),
        ("backward", " / y.shape[-2]", "", "everything is N times too large: 1/N is "
         "missing in dz (8.13)."),
        ("backward", "da * phi_prime(z[k - 1], a[k - 1], name)", "da", "the slope of "
         "the activation function is missing in dz (8.16)."),
        ("backward", "da * phi_prime(z[k - 1], a[k - 1], name)", "da * a[k - 1]",
         "dz has a where the slope phi'(z) belongs (8.16)."),
        ("backward", "dz.sum(axis=-2, keepdims=True)",
         "dz.mean(axis=-2, keepdims=True)", "db is a mean over the examples, but the 1/N "
         "is in dz already: take the sum (8.14)."),
        ("backward", "dz @ W[k].mT", "dz @ np.ones_like(W[k]).mT", "da goes back without "
         "the weights (8.15)."),
        ("predict_lengths", "phi_prime(z, a, name) ** 2)", "phi_prime(z, a, name))",
         "chi takes the mean of the squared slope (8.23)."),
        ("predict_lengths", "BELL * a**2", "BELL * a", "q takes the mean of the squared "
         "activation (8.24)."),
        ("predict_lengths", "np.sqrt(np.prod(chi[k:]))", "np.prod(chi[k:])", "chi "
         "belongs to squared lengths: take the root of the product (8.22)."),
        ("predict_lengths", "chi[k:]", "chi[: k + 1]", "the gradient comes from the "
         "output: multiply chi from layer k upwards (8.22)."),
        ("init_params", "np.sqrt(variance)", "variance", "a factor c multiplies the "
         "variance by c^2: the root is missing."),
        ("init_params", "2 / (n_in + n_out)", "1 / (n_in + n_out)", "Xavier's variance "
         "is 2 over the sum of both widths (8.27)."),
        ("init_params", "2 / n_in,", "1 / n_in,", "He's variance is 2 over the "
         "number of units below (8.28)."),
        ("init_params", "2 / n_in,", "2 / n_out,", "He counts the units below, n_in, "
         "not the layer's own (8.28)."),
        ("train", "- lr * dW[k]", "+ lr * dW[k]", "the step goes uphill: subtract lr "
         "times the slope (8.30)."),
        ("train", "- lr * db[k]", "- db[k]", "lr is missing in the step of the biases "
         "(8.30)."),
        ("dead_share", ".max(axis=-2)", ".min(axis=-2)", "a unit is dead if its slope "
         "is 0 at every example, so the largest counts (8.31)."),
        ("train", "- lr * d", "+ lr * d",
         "the step goes uphill: subtract lr times the slope (8.30)."),
        ("train", "lr * d", "d",
         "lr is missing in the step (8.30)."),
        ("loss",
         "np.sum(costs, axis=(-2, -1)) / y.shape[-2]",
         "np.mean(costs, axis=(-2, -1))",
         "the mean runs over the examples only; the costs of the outputs are "
         "added (8.12)."),
        ("backward",
         "dz = (a[L] - y) / y.shape[-2]",
         "dz = (a[L] - y) * a[L] * (1 - a[L]) / y.shape[-2]",
         "the slope of the last sigmoid has gone into a - y already (8.13)."),
        ("forward", "a[k - 1] @ W[k]", "(z[k - 1] if k > 1 else a[0]) @ W[k]",
         "the next layer takes the activations a of this one, not its sums z "
         "(8.10)."),
        ("backward", "a[k - 1].mT @ dz", "(z[k - 1] if k > 1 else a[0]).mT @ dz",
         "the slopes of the weights take the activations a, not the sums z "
         "(8.14)."),
    ],
)  # fmt: skip


EVERY = pytest.mark.parametrize("name", script.KINDS)


def test_worked_numbers_are_right_where_a_pencil_suffices():
    found = worked()
    assert found["pair_mean"] == -2 and found["pair_error"] == pytest.approx(3**-0.5)
    assert (found["coins"], found["coins3"]) == (2, 9)
    assert found["large_z1"] < 0 and found["large_z2"] < 0 < found["small_z1"]


@EVERY
def test_each_derivative_is_the_slope_of_its_function(name):
    z = np.linspace(-6, 6, 1000)  # 0 is not among them
    slopes = (script.phi(z + 1e-6, name) - script.phi(z - 1e-6, name)) / 2e-6
    found = script.phi_prime(z, script.phi(z, name), name)
    np.testing.assert_allclose(found, slopes, atol=1e-8)
    assert found.dtype == float


def test_known_values():
    from scipy.special import expit, ndtr

    z = np.linspace(-6, 6, 101)
    values = {name: script.phi(z, name) for name in script.KINDS}
    np.testing.assert_allclose(values["sigmoid"], expit(z), atol=1e-15)
    np.testing.assert_allclose(values["stretched"], 4 * expit(z) - 2, atol=1e-15)
    np.testing.assert_allclose(values["stretched"], 2 * np.tanh(z / 2), atol=1e-14)
    np.testing.assert_allclose(values["tanh"], 2 * expit(2 * z) - 1, atol=1e-14)
    np.testing.assert_allclose(values["silu"], z * expit(z), atol=1e-15)
    np.testing.assert_allclose(values["gelu"], z * ndtr(z), atol=5e-4)
    np.testing.assert_allclose(values["elu"], np.where(z > 0, z, np.exp(z) - 1))
    np.testing.assert_allclose(values["leaky_relu"], np.where(z > 0, z, z / 100))
    np.testing.assert_allclose(values["relu"], np.where(z > 0, z, 0))
    zero = np.zeros(1)
    at_0 = {n: script.phi_prime(zero, script.phi(zero, n), n)[0] for n in script.KINDS}
    expected = (0, 0.25, 1, 1, 0.01, 1, 0.5, 0.5)
    assert at_0 == pytest.approx(dict(zip(script.KINDS, expected)))


@EVERY
def test_far_from_zero_nothing_overflows(name):
    z = np.array([-800.0, 800.0])
    a = script.phi(z, name)
    assert np.isfinite(a).all() and np.isfinite(script.phi_prime(z, a, name)).all()


@pytest.mark.parametrize("name", ["relu", "sigmoid", "tanh", "stretched"])
def test_three_units_in_a_row_multiply_their_slopes(name):
    a, dz = in_a_row(name)
    slopes = {k: script.phi_prime(a[k - 1], a[k], name)[0, 0] for k in (1, 2)}
    assert dz[3] == pytest.approx(1)
    assert dz[2] == pytest.approx(slopes[2])
    assert dz[1] == pytest.approx(slopes[2] * slopes[1])


@pytest.mark.parametrize(
    "name, theirs", [("sigmoid", "logistic"), ("tanh", "tanh"), ("relu", "relu")]
)
def test_same_descent_step_for_step_as_scikit_learn(name, theirs):
    from sklearn.neural_network import MLPClassifier

    X, y = script.make_data(1, 40, 0.2, np.random.default_rng(3))
    rate = {"learning_rate_init": 0.3, "learning_rate": "constant", "batch_size": 40}
    oracle = MLPClassifier((5, 4), theirs, solver="sgd", alpha=0, momentum=0, **rate)
    oracle.set_params(nesterovs_momentum=False, shuffle=False, max_iter=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one step has not converged
        oracle.partial_fit(X[0], y[0, :, 0], classes=[0, 1])
    W = {k: W[None].copy() for k, W in enumerate(oracle.coefs_, 1)}
    b = {k: b[None, None].copy() for k, b in enumerate(oracle.intercepts_, 1)}
    for _ in range(6):
        oracle.partial_fit(X[0], y[0, :, 0])
    data = {"training": (X, y), "validation": (X, y)}
    W, b, history = script.train(W, b, data, name, 0.3, 6)
    for k in (1, 2, 3):
        np.testing.assert_allclose(W[k][0], oracle.coefs_[k - 1], rtol=1e-9)
        np.testing.assert_allclose(b[k][0, 0], oracle.intercepts_[k - 1])
    assert history["loss"][-1, 0] == pytest.approx(oracle.loss_, rel=1e-9)


def three(rng, n=20):
    return {
        part: script.make_data(3, n, 0.15, rng)
        for part in ("training", "validation", "test")
    }


def test_many_networks_at_once_are_each_as_if_alone(rng):
    data = three(rng)
    W, b = script.init_params([2, 5, 4, 1], "He", rng, (3,))
    before = {k: v.copy() for k, v in W.items()}
    together, _, history = script.train(W, b, data, "elu", 0.2, 7)
    alone = {part: (X[1], y[1]) for part, (X, y) in data.items()}
    first = [{k: v[1] for k, v in array.items()} for array in (W, b)]
    single, _, own = script.train(*first, alone, "elu", 0.2, 7)
    for k in single:
        np.testing.assert_allclose(together[k][1], single[k], rtol=1e-12)
        np.testing.assert_array_equal(W[k], before[k])
    for key in ("loss", "accuracy"):
        np.testing.assert_allclose(history[key][:, 1], own[key], rtol=1e-12)
    assert history["loss"].shape == history["accuracy"].shape == (7, 3)


def test_history_holds_the_loss_before_and_the_accuracy_after_each_step(rng):
    data = three(rng)
    W, b = script.init_params([2, 5, 1], "Xavier", rng, (3,))
    z, _ = script.forward(W, b, data["training"][0], "tanh")
    W, b, history = script.train(W, b, data, "tanh", 0.5, 4)
    expected = script.loss(z[2], data["training"][1])
    np.testing.assert_allclose(history["loss"][0], expected)
    _, a = script.forward(W, b, data["validation"][0], "tanh")
    right = np.mean((a[2] > 0.5) == (data["validation"][1] == 1), axis=(1, 2))
    np.testing.assert_allclose(history["accuracy"][-1], right)


def test_start_has_the_variance_of_glorot_and_of_he(rng):
    for start, variance in (
        *(("Xavier", 2 / 500), ("He", 2 / 300), ("Large", 100 / 300)),
    ):
        W, b = script.init_params([300, 200], start, rng, (3,))
        assert W[1].shape == (3, 300, 200) and b[1].shape == (3, 1, 200)
        assert W[1].var() == pytest.approx(variance, rel=0.02) and not b[1].any()


def test_data_are_two_centred_moons_of_each_network(rng):
    X, y = script.make_data(3, 1000, 0.0, rng)
    assert X.shape == (3, 1000, 2) and y.shape == (3, 1000, 1)
    np.testing.assert_allclose(X.mean(axis=(0, 1)), 0, atol=0.03)
    assert not np.array_equal(X[0], X[1]) and y.mean() == 0.5
    upper = X[0][y[0, :, 0] == 0] + [0.5, 0.25]
    lower = [1, 0.5] - (X[0][y[0, :, 0] == 1] + [0.5, 0.25])
    for half in (upper, lower):  # half circles
        np.testing.assert_allclose(np.linalg.norm(half, axis=1), 1)
        assert half[:, 1].min() >= 0 and half[:, 0].min() < -0.99 < 0.99 < half[:, 0].max()
    noisy, _ = script.make_data(3, 1000, 0.5, np.random.default_rng(0))
    pure, _ = script.make_data(3, 1000, 0.0, np.random.default_rng(0))
    assert (noisy - pure).std() == pytest.approx(0.5, rel=0.03)


def test_theory_against_sampling_and_closed_forms(rng):
    for name in script.KINDS:
        for init, gain in (("Xavier", 1), ("He", 2)):
            lengths, q, chi = script.predict_lengths(3, init, name)
            variance = gain
            for layer in range(3):
                z = np.sqrt(variance) * rng.normal(size=200_000)
                a = script.phi(z, name)
                assert q[layer] == pytest.approx(variance, rel=0.05)
                sampled = gain * np.mean(script.phi_prime(z, a, name) ** 2)
                assert chi[layer] == pytest.approx(sampled, rel=0.05)
                variance = gain * np.mean(a**2)
            expected = np.sqrt([chi[0] * chi[1] * chi[2], chi[1] * chi[2], chi[2]])
            np.testing.assert_allclose(lengths, expected)
    np.testing.assert_allclose(script.predict_lengths(9, "He", "relu")[0], 1)
    halves = 0.5 ** (np.arange(9, 0, -1) / 2)
    np.testing.assert_allclose(script.predict_lengths(9, "Xavier", "relu")[0], halves)


def test_mean_square_of_a_gradient_sent_back_is_the_weights_variance_times_its_own(rng):
    """(8.20), the step of the derivation that needs chance: 200,000 weights matrices."""
    dz = np.array([[0.3, -0.4, 1.2]])
    W, _ = script.init_params([4, 3], "He", rng, (200_000,))
    da = dz @ W[1].mT
    np.testing.assert_allclose(np.mean(da**2, axis=(0, 1)), 0.5 * 1.69, rtol=0.02)
    assert np.mean(np.sum(da**2, axis=(1, 2))) == pytest.approx(2 * 1.69, rel=0.02)


def test_gradients_by_layer_follow_theory():
    for name in script.KINDS:
        for init in ("Xavier", "He"):
            measured = script.measure_lengths(8, init, name, np.random.default_rng(1))
            theory, _, _ = script.predict_lengths(8, init, name)
            assert measured.shape == theory.shape == (8,)
            np.testing.assert_allclose(measured, theory, rtol=0.35, err_msg=name + init)
    measured = script.measure_lengths(30, "Xavier", "sigmoid", np.random.default_rng(0))
    assert 1e-20 < measured[0] < 0.25**30  # no slope is above 1/4


def test_measured_networks_have_the_stated_sizes(rng, monkeypatch):
    seen, honest = [], script.init_params
    monkeypatch.setattr(
        script, "init_params", lambda *args: seen.append(args) or honest(*args)
    )
    assert script.measure_lengths(3, "He", "relu", rng).shape == (3,)
    assert [(sizes, init, n) for sizes, init, _, n in seen] == [([100] * 5, "He", (12,))]


def test_dead_share_counts_units_flat_on_every_example():
    z = np.array([[-1.0, -1.0, 3.0], [-2.0, 4.0, 5.0]])
    z, a = {1: z, 2: z}, {0: z, 1: np.maximum(z, 0), 2: z}
    assert script.dead_share(z, a, "relu") == pytest.approx(1 / 3)
    assert script.dead_share(z, a, "leaky_relu") == 0
    wide, a = {1: 10 * z[1], 2: z[2]}, {0: z, 1: np.tanh(10 * z[1]), 2: z}
    assert script.dead_share(wide, a, "tanh") == 1
    both = np.stack([z[1], -z[1]])  # the second: -3 and -5 in the last column
    z, a = {1: both, 2: -both, 3: both}, {1: both, 2: both, 3: both}
    np.testing.assert_allclose(script.dead_share(z, a, "relu"), [1 / 3, 1 / 3])


def test_dead_means_no_slope_of_a_thousandth(monkeypatch):
    monkeypatch.setattr(script, "phi_prime", lambda z, a, name: a)
    a = np.array([[0.0009, -0.001, 0.0, 0.0011], [-0.0009, 0, 0.0015, 0]])
    assert script.dead_share({1: a, 2: a}, {1: a}, "") == 1 / 4


def test_a_dead_unit_gets_no_gradient_and_stays_dead(rng):
    X, y = script.make_data(1, 30, 0.1, rng)
    data = {"training": (X, y), "validation": (X, y)}
    W, b = script.init_params([2, 4, 1], "He", rng, (1,))
    b[1][0, 0, 2] = -100  # z is negative at every example
    z, a = script.forward(W, b, X, "relu")
    dW, db = script.backward(W, z, a, y, "relu")
    assert not dW[1][..., 2].any() and not db[1][..., 2].any() and dW[1][..., 1].any()
    after, _, _ = script.train(W, b, data, "relu", 0.5, 20)
    np.testing.assert_array_equal(after[1][..., 2], W[1][..., 2])


def compare(
    name,
    epochs=60,
    sizes=(2, 16, 16, 1),
    seed=1,
    rates=None,
    networks=4,
    start="He",
    drawn=None,
):
    """Compare ``networks`` of ``drawn`` data sets; 10 of each are those of a run."""
    rng = np.random.default_rng(seed)
    data = {
        part: script.make_data(drawn or networks, n, 0.15, rng)
        for part, n in (("training", 100), ("validation", 100), ("test", 1000))
    }
    data = {part: (X[:networks], y[:networks]) for part, (X, y) in data.items()}
    args = settings(epochs=epochs, seed=seed, start=start)
    return script.compare_rates([*sizes], name, data, rates or script.CANDIDATES, args)


@pytest.mark.parametrize(
    "name",
    [
        *("relu", "tanh", "leaky_relu"),
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("elu", "gelu", "silu")),
    ],
)
def test_every_activation_with_a_steep_slope_learns_the_moons(name):
    row, curve = compare(name, epochs=150)
    assert row["accuracy"] > 0.95 and row["epochs_to_95"] < 150
    assert 0.1 < row["rate"] < 10  # the best rate is not at the end of the list
    assert curve.shape == (150, 4)


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_two_layers_of_sigmoids_are_slow_and_most_of_their_gap_is_the_start(seed):
    slow, _ = compare("sigmoid", 300, seed=seed)
    quick, _ = compare("stretched", 300, seed=seed)
    small, _ = compare("sigmoid", 300, seed=seed, start="Xavier")
    assert slow["epochs_to_95"] > 3 * quick["epochs_to_95"]
    assert small["accuracy"] + 0.03 < slow["accuracy"]


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_two_layers_of_sigmoids_are_quick_from_the_large_start(seed):
    """He's start makes them slow: a start of their own takes most of that away."""
    slow, _ = compare("sigmoid", 300, seed=seed)
    quick, _ = compare("sigmoid", 300, seed=seed, start="Large")
    assert 3 * quick["epochs_to_95"] < slow["epochs_to_95"]
    assert quick["mean_loss"] < 0.5 * slow["mean_loss"]


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_deep_sigmoid_learns_nothing_where_the_others_do(seed):
    deep = (2, *[16] * 8, 1)
    for start in ("Xavier", "He"):
        row, _ = compare("sigmoid", 100, deep, seed, (0.3, 3.0), start=start)
        np.testing.assert_allclose(row["loss"], np.log(2), atol=0.002)
    for name in ("relu", "tanh", "stretched"):
        row, _ = compare(name, 200, deep, seed, (0.1,))
        assert row["mean_loss"] < 0.3, name


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_deep_sigmoid_learns_from_a_start_that_keeps_its_gradient(seed):
    row, _ = compare("sigmoid", 300, (2, *[16] * 8, 1), seed, (0.3,), start="Large")
    assert row["mean_loss"] < 0.2 and row["accuracy"] > 0.9


def test_a_stretched_network_is_a_sigmoid_network_with_other_weights(rng):
    """4 sigma - 2 may go into the next layer: four times its weights, and other biases."""
    W, b = script.init_params([2, 5, 4, 1], "Xavier", rng)
    X = rng.normal(size=(7, 2))
    z, _ = script.forward(W, b, X, "stretched")
    moved = {1: b[1]} | {k: b[k] - 2 * W[k].sum(axis=0, keepdims=True) for k in (2, 3)}
    same, _ = script.forward({1: W[1], 2: 4 * W[2], 3: 4 * W[3]}, moved, X, "sigmoid")
    np.testing.assert_allclose(same[3], z[3], atol=1e-12)


def test_large_weights_keep_the_gradient_of_sigmoids_and_blow_up_that_of_relus():
    _, _, chi = script.predict_lengths(30, "Large", "sigmoid")
    assert chi[-1] == pytest.approx(1, abs=0.02)
    np.testing.assert_allclose(script.predict_lengths(3, "Large", "relu")[2], 50)


def test_comparison_chooses_on_validation_and_reads_the_test(rng):
    data = three(rng, 30)
    X, y = data["test"]
    data["test"] = (X, 1 - y)  # every answer is wrong
    row, curve = script.compare_rates(
        [2, 16, 16, 1], "relu", data, (0.03, 0.3, 1.0), settings()
    )
    start = script.init_params([2, 16, 16, 1], "He", np.random.default_rng(0), (3,))
    runs = {
        lr: script.train(*start, data, "relu", lr, 60) for lr in (0.03, 0.3, 1.0)
    }
    best = max(runs, key=lambda lr: runs[lr][2]["accuracy"].mean())
    assert row["rate"] == best
    W, b, history = runs[best]
    np.testing.assert_array_equal(curve, history["accuracy"])
    _, a = script.forward(W, b, X, "relu")
    right = np.mean((a[3] > 0.5) == (y == 0), axis=(1, 2))
    np.testing.assert_allclose(row["each"], right)
    assert row["accuracy"] == right.mean() < 0.2 and row["sd"] == right.std(ddof=1)
    np.testing.assert_array_equal(row["loss"], history["loss"][-1])
    assert row["mean_loss"] == row["loss"].mean()
    for params, key in ((start, "born_dead"), ((W, b), "dead")):
        _, a = script.forward(*params, data["training"][0], "relu")
        dead = np.mean([np.all(a[k] == 0, axis=-2).mean() for k in (1, 2)])
        assert row[key] == pytest.approx(dead)
    assert row["by_rate"]["0.03"]["accuracy"] == runs[0.03][2]["accuracy"][-1].mean()
    np.testing.assert_array_equal(row["by_rate"]["1"]["loss"], runs[1.0][2]["loss"][-1])


def fake_training(monkeypatch, histories):
    """Let training at each rate return this history."""
    monkeypatch.setattr(
        script, "train", lambda W, b, data, name, lr, epochs: (W, b, histories[lr])
    )


def test_epochs_to_95_are_the_median_first_epoch_at_or_above_it(rng, monkeypatch):
    accuracy = np.array([[0.5, 0.9, 0.2], [0.95, 0.9, 0.3], [0.6, 0.99, 0.94]])
    history = {"loss": np.ones((3, 3)), "accuracy": accuracy}
    fake_training(monkeypatch, {1.0: history})
    args = [[2, 4, 1], "relu", three(rng), (1.0,), settings()]
    assert script.compare_rates(*args)[0]["epochs_to_95"] == 3  # of 2, 3 and never
    history["accuracy"] = accuracy - 0.06
    assert script.compare_rates(*args)[0]["epochs_to_95"] is None


def test_an_exploded_rate_is_never_chosen_while_another_is_left(rng, monkeypatch):
    good = {"loss": np.ones((9, 3)), "accuracy": np.full((9, 3), 0.6)}
    bad = {"loss": np.full((2, 3), np.nan), "accuracy": np.full((2, 3), 0.9)}
    fake_training(monkeypatch, {0.1: good, 9.0: bad})
    args = [[2, 4, 1], "relu", three(rng)]
    assert script.compare_rates(*args, (0.1, 9.0), settings())[0]["rate"] == 0.1
    with pytest.raises(FloatingPointError, match="epoch 2.*smaller --lr"):
        script.compare_rates(*args, (9.0,), settings())


def test_training_ends_where_a_loss_explodes(rng):
    W, b = script.init_params([2, 4, 1], "He", rng, (3,))
    _, _, history = script.train(W, b, three(rng), "elu", 1e200, 50)
    assert len(history["loss"]) < 6 and not history["loss"][-1].max() < 1e9


def test_all_functions_and_rates_share_starts_that_the_seed_decides(rng, monkeypatch):
    seen, data = [], three(rng)
    history = {"loss": np.ones((1, 3)), "accuracy": np.ones((1, 3))}

    def fake(W, b, data, name, lr, epochs):
        seen.append(W[1])
        return W, b, history

    monkeypatch.setattr(script, "train", fake)
    for name, seed in (("relu", 0), ("tanh", 0), ("tanh", 1)):
        sizes, args = [2, 16, 16, 1], settings(seed=seed)
        script.compare_rates(sizes, name, data, (0.1, 1.0), args)
    script.compare_rates(sizes, "relu", data, (0.1,), settings(start="Xavier"))
    for other in seen[1:4]:
        np.testing.assert_array_equal(seen[0], other)
    assert not np.allclose(seen[0], seen[4])
    np.testing.assert_allclose(seen[6], seen[0] * np.sqrt((2 / 18) / (2 / 2)))


def test_pairs_have_the_error_of_the_mean_difference_and_a_word(capsys):
    def row(each):
        return {"each": np.array(each), "accuracy": 0.9, "dead": 0.1}

    rows = {"a": row([0.9, 0.8, 0.7]), "b": row([0.8, 0.7, 0.7]), "c": row([0.9, 0, 1])}
    rows["c"] |= {"accuracy": 0.5, "dead": 0.6}
    pairs = script.tell_pairs(rows, "a")
    mean, error, each = pairs["b"]
    np.testing.assert_allclose(each, [-0.1, -0.1, 0])
    assert mean == pytest.approx(-1 / 15)
    assert error == pytest.approx(np.std([-0.1, -0.1, 0], ddof=1) / 3**0.5)
    out = capsys.readouterr().out
    assert "b - a: -6.67 +- 3.33 points, no difference" in out  # exactly two errors
    assert "c hardly beats a guess" in out and "60% of c's units are dead" in out
    assert out.count("\n") == 4


@pytest.mark.slow
def test_theory_is_about_the_mean_of_squares_and_a_median_is_below():
    left = gradient_left(100, 200)
    assert np.mean(left**2) == pytest.approx(1, abs=0.2)
    assert np.median(left) < 0.8 < np.median(gradient_left(400, 12))


@pytest.mark.parametrize("seed", [0, 1, 2, 3])
@pytest.mark.slow
def test_a_sigmoid_only_moved_or_only_stretched_is_half_mended(seed):
    moved, moved_deep = half_mended("moved", seed)
    steep, steep_deep = half_mended("steep", seed)
    both, _ = compare("stretched", 300, seed=seed, networks=10)
    slow, _ = compare("sigmoid", 300, seed=seed, networks=10)
    epochs = [row["epochs_to_95"] for row in (both, moved, steep, slow)]
    assert epochs == sorted(epochs)
    assert both["epochs_to_95"] < moved["epochs_to_95"] < steep["epochs_to_95"]
    assert steep_deep["mean_loss"] < 0.4 and 0.5 < moved_deep["mean_loss"] < 0.693
    begun, begun_deep = half_mended("begun", seed)
    assert both["epochs_to_95"] < begun["epochs_to_95"] < 0.6 * slow["epochs_to_95"]
    assert begun_deep["mean_loss"] < 0.1
    relu, _ = compare("relu", 300, seed=seed, networks=10)
    ten, _ = compare("sigmoid", 300, seed=seed, networks=10, rates=(10.0,))
    quickest = min(slow["epochs_to_95"], ten["epochs_to_95"])
    assert 4.95 < quickest / relu["epochs_to_95"] < 10


@pytest.mark.slow
def test_where_sigmoid_is_quickest_being_steep_alone_does_not_help():
    steep, _ = half_mended("steep", 5)
    slow, _ = compare("sigmoid", 300, seed=5, networks=10)
    assert slow["epochs_to_95"] <= steep["epochs_to_95"]


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.slow
def test_the_gap_of_xaviers_start_is_its_first_layer(seed):
    small, _ = compare("sigmoid", 300, seed=seed, networks=10, start="Xavier")
    he, _ = compare("sigmoid", 300, seed=seed, networks=10)
    assert first_layer(seed)["accuracy"] > max(0.95, small["accuracy"] + 0.05)
    assert first_layer(seed)["accuracy"] == pytest.approx(he["accuracy"], abs=0.015)


def test_chance_of_a_network_that_is_born_dead(rng):
    """(8.36): every layer of 3 ReLUs is off for one input with a chance of 1/8."""
    W, b = script.init_params([2] + [3] * 12 + [1], "He", rng, (20_000,))
    z, _ = script.forward(W, b, rng.normal(size=(20_000, 1, 2)), "relu")
    for k in (1, 2, 12):
        dead = np.mean(np.all(z[k] <= 0, axis=-1))
        assert dead == pytest.approx(1 - (7 / 8) ** k, abs=0.015)


def test_the_deeper_a_relu_the_more_often_it_is_born_dead(rng):
    X, _ = script.make_data(1, 100, 0.15, rng)
    W, b = script.init_params([2] + [100] * 31 + [1], "He", rng, (5,))
    z, _ = script.forward(W, b, X, "relu")
    dead = [np.mean(np.all(z[k] <= 0, axis=-2)) for k in (1, 2, 8, 30)]
    assert dead[0] == 0 < dead[1] < dead[2] < dead[3] and 0.25 < dead[3] < 0.5


@pytest.mark.parametrize(
    "flags",
    [
        ["--networks", "1"],
        ["--noise", "-1"],
        ["--depth", "1"],
        ["--depth", "x"],
        ["--lr", "0"],
        ["--functions", "softplus"],
    ],
    ids=" ".join,
)
def test_bad_flags_are_one_sentence(flags, capsys):
    with pytest.raises(SystemExit) as stopped:
        script.parse_args(flags)
    assert stopped.value.code == 2 and capsys.readouterr().err.count("\n") == 1


def test_divergence_is_explained(tmp_path, capsys):
    flags = ["--lr", "1e9", "--epochs", "40", "--depth", "2", "--out", str(tmp_path)]
    assert script.main([*flags, "--networks", "2", "--functions", "elu"]) == 1
    error = capsys.readouterr().err
    assert "epoch" in error and "--lr" in error and error.count("\n") == 1


def test_ctrl_c_ends_training_after_an_epoch_and_leaves_out_what_follows(
    rng, monkeypatch, capsys
):
    monkeypatch.setattr(script, "CTRL_C", [True])
    W, b = script.init_params([2, 4, 1], "He", rng, (3,))
    _, _, history = script.train(W, b, three(rng), "relu", 0.1, 9)
    assert len(history["loss"]) == 1
    rows, curves = script.tell_rows(["relu"], [2, 4, 1], three(rng), [0.1], settings())
    assert rows == curves == {} and "Left out: relu" in capsys.readouterr().out


def test_lengths_are_those_of_each_network_alone():
    got = script.measure_lengths(3, "He", "tanh", np.random.default_rng(3))
    rng = np.random.default_rng(3)
    W, b = script.init_params([100] * 5, "He", rng, (12,))
    X, error = rng.normal(size=(2, 12, 1, 100))
    ratios = []
    for n in range(12):
        a, dz = X[n], error[n]
        above = {0: a}
        for k in range(1, 4):
            above[k] = np.tanh(above[k - 1] @ W[k][n] + b[k][n])
        lengths = [np.linalg.norm(dz)]
        for k in (4, 3, 2):
            dz = (dz @ W[k][n].T) * (1 - above[k - 1] ** 2)
            lengths.append(np.linalg.norm(dz))
        ratios.append(np.array(lengths[:0:-1]) / lengths[0])
    np.testing.assert_allclose(got, np.median(ratios, axis=0), rtol=1e-10)


@pytest.mark.parametrize(
    "start, variance", [("Xavier", 2 / 12), ("He", 2 / 8), ("Large", 100 / 8)]
)
def test_each_start_has_its_variance(start, variance):
    class Ones:
        def normal(self, size):
            return np.ones(size)

    W, _ = script.init_params([8, 4], start, Ones())
    np.testing.assert_allclose(W[1], np.sqrt(variance) * np.ones((8, 4)), rtol=1e-12)


@pytest.mark.parametrize("value, epochs", [(0.999e9, 3), (1e9, 1), (1.5e9, 1)])
def test_training_ends_where_a_loss_has_exploded(value, epochs, rng, monkeypatch):
    W, b = script.init_params([2, 4, 1], "He", rng, (2,))
    X, y = rng.normal(size=(5, 2)), rng.integers(2, size=(5, 1))
    data = {"training": (X, y), "validation": (X, y)}
    monkeypatch.setattr(script, "loss", lambda z, y: np.array([0.5, value]))
    *_, history = script.train(W, b, data, "tanh", 0.1, 3)
    assert history["loss"].shape == (epochs, 2)
