"""07: every printed number, the worked example, Jacobians, outputs, kinks and slips."""

import functools
import json
import re
import types

import numpy as np
import pytest
from conftest import (
    GradientCase,
    join,
    load,
    numerical_gradient,
    relative_error,
    split,
)
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from tutor import Lesson

script = load("07_backprop_simulator")
QUICK = ["--epochs", "30"]
TIMINGS = ["check"]  # its errors are rounding, and another machine rounds differently
TIMES_IN_OUTPUT = r"\b\de[-+]\d\d\b"  # the errors, for the same reason
SLIPS = list(script.SLIPS)
PHI = {1: "sigmoid", 2: "sigmoid"}
OUTPUTS = [("sigmoid", "mse"), ("softmax", "ce"), ("linear", "mse")]


def targets(output, shape, rng):
    y = rng.uniform(0.05, 0.95, size=shape)
    return y / y.sum(axis=1, keepdims=True) if output == "softmax" else y


def tf_loss(tf, p, X, y, phi, kind):
    """The same loss in TensorFlow's own functions."""
    a = tf.constant(X)
    for k in phi:
        z = a @ p[f"W{k}"] + p[f"b{k}"]
        a = z if phi[k] == "linear" else getattr(tf.nn, phi[k])(z)
    y = tf.constant(y)
    if kind == "mse":
        return tf.reduce_sum((a - y) ** 2) / (2 * len(X))
    return tf.reduce_sum(tf.nn.softmax_cross_entropy_with_logits(y, z)) / len(X)


def gradient_cases():
    for name, sizes, output, kind, seed in [
        ("sigmoid", (4, 3, 2), "sigmoid", "mse", 1),
        ("tanh", (2, 5, 3, 4), "sigmoid", "mse", 2),
        ("relu", (3, 6, 5, 2), "linear", "mse", 3),
        ("relu", (3, 4, 2), "softmax", "ce", 4),
        ("tanh", (2, 3, 6, 4, 5), "softmax", "ce", 5),
    ]:
        rng = np.random.default_rng(seed)
        N, L = 7, len(sizes) - 1
        X, y = rng.normal(size=(N, sizes[0])), targets(output, (N, sizes[-1]), rng)
        phi = {k: name if k < L else output for k in range(1, L + 1)}

        def forward(p, X=X, phi=phi):
            return script.forward(*split(p), X, phi)

        def backward(p, cache, y=y, phi=phi, kind=kind):
            W, _ = split(p)
            return join(*script.backward(W, *cache, y, phi, kind))

        def kinks(cache, phi=phi):
            return [cache[0][k] for k in phi if phi[k] == "relu"]

        yield GradientCase(
            f"{'-'.join(map(str, sizes))} {name} {output} {kind}",
            (N, *sizes),
            join(*script.init_params(sizes, rng)),
            forward=forward,
            loss=lambda c, y=y, kind=kind: script.loss(*c, y, kind),
            backward=backward,
            tf_loss=functools.partial(tf_loss, X=X, y=y, phi=phi, kind=kind),
            kinks=kinks,
        )


def settings(*flags):
    args = script.parse_args(["--epochs", "10", *flags])
    W, b, X, y = script.load_data(args, np.random.default_rng(args.seed))
    args.phi = {k: args.activation if k < len(W) else args.output for k in W}
    return args, W, b, X, y


def slopes_of(args, W, b, X, y):
    """Return the slopes of the script, {"da": ..., "dz": ..., "dW": ..., "db": ...}."""
    z, a = script.forward(W, b, X, args.phi)
    da, dz = script.walk_back(W, z, a, y, args.phi, args.loss)
    dW, db = script.backward(W, z, a, y, args.phi, args.loss)
    return {"da": da, "dz": dz, "dW": dW, "db": db}


def worked():
    """The numbers that the README works out, by the script's own functions."""
    args, W, b, X, y = settings()
    z, a = script.forward(W, b, X, args.phi)
    found = slopes_of(args, W, b, X, y)
    numbers = script.by_name({"z": z, "a": a, **found})
    for k in (1, 2):
        for j in (0, 1):
            slope = script.local_slope(z[k], a[k], "sigmoid")[0, j]
            numbers[f"slope{k}[{j}]"] = slope
            numbers[f"E[{j}]"] = (a[2][0, j] - y[0, j]) ** 2 / 2
    numbers["J"] = script.loss(z, a, y, "mse")
    for j in (0, 1):
        numbers[f"pathsum{j}"] = found["dz"][2][0, j] * W[2][0, j]
        path = found["dz"][2][0, j] * W[2][0, j] * numbers["slope1[0]"] * X[0, 0]
        numbers[f"path{j}"] = path
    numbers["newW2[0,0]"] = W[2][0, 0] - 0.5 * found["dW"][2][0, 0]
    numbers["newW1[0,0]"] = W[1][0, 0] - 0.5 * found["dW"][1][0, 0]
    args, W, b, X, y = settings("--output", "softmax")
    z, a = script.forward(W, b, X, args.phi)
    dJ_da, da_dz, _, _ = script.jacobians(W, z, a, y, args.phi, args.loss)
    soft = {"a": {2: a[2]}, "dz": {2: slopes_of(args, W, b, X, y)["dz"][2]}}
    numbers |= {"soft." + name: v for name, v in script.by_name(soft).items()}
    numbers["soft.dJ1"] = dJ_da[0, 1]
    numbers["soft.J"] = script.loss(z, a, y, "ce")
    for i, j in np.ndindex(2, 2):
        numbers[f"soft.j{i}{j}"] = da_dz[2][i, j]
        numbers[f"soft.exp{j}"] = np.exp(z[2][0, j])
    numbers["transposed0"] = (found["dz"][2] @ script.W_START[2])[0, 0]
    numbers["transposed1"] = (found["dz"][2] @ script.W_START[2])[0, 1]
    right = found["da"][1][0, 1]
    numbers["off"] = script.gradient_error(numbers["transposed1"], right)
    numbers |= {"full": 256 * 784 * 256, "compact": 784 * 256}
    return {name.translate(str.maketrans("[,", "..", "]")): v
            for name, v in numbers.items()}  # fmt: skip


@functools.cache
def measured():
    """What the README says of causes: each one taken away, or given to the rival."""
    args, W, b, X, y = settings()
    z, a = script.forward(W, b, X, args.phi)
    found = slopes_of(args, W, b, X, y)
    numbers = {"shrink": found["dW"][2][0, 0] / found["dW"][1][0, 0]}
    numbers["shrink.input"] = a[1][0, 0] / X[0, 0]
    numbers["shrink.sigmoid"] = 1 / script.local_slope(z[1], a[1], "sigmoid")[0, 0]
    numbers["shrink.weight"] = 1 / W[2][0, 0]
    numbers["shrink.paths"] = found["dz"][2][0, 0] * W[2][0, 0] / found["da"][1][0, 0]
    numbers["faster"] = faster_hidden_layer(W, b, X, y, 10_000)
    numbers["uphill"] = faster_hidden_layer(W, b, X, y, 10_000, -1)
    numbers["order.example"] = 100 * wrong_order(W, b, X, y, 10_000)
    args, W, b, X, y = settings()
    W, b, _ = script.train(W, b, X, y, args.phi, "mse", 1000, 0.5)
    z, a = script.forward(W, b, X, args.phi)
    right = script.backward(W, z, a, y, args.phi, "mse")[0][1]
    given = "forgotten-transpose", W, z, a, y, args.phi, "mse", 0.5
    slipped = script.backward_with_slip(*given)[2][1]
    numbers["late.forgotten-transpose"] = script.gradient_error(slipped, right).max()
    return numbers


def faster_hidden_layer(W, b, X, y, epochs, factor=4.14):
    """Return the end of the right rule, layer 1 with ``factor`` times the rate."""
    W, b, phi = dict(W), dict(b), PHI
    for _ in range(epochs):
        z, a = script.forward(W, b, X, phi)
        dW, db = script.backward(W, z, a, y, phi, "mse")
        for k, lr in ((1, 0.5 * factor), (2, 0.5)):
            W[k], b[k] = W[k] - lr * dW[k], b[k] - lr * db[k]
    return script.loss(*script.forward(W, b, X, phi), y, "mse")


def wrong_order(W, b, X, y, epochs):
    """Return how much higher, as a share, the loss of the wrong order ends, if layer 2
    has the rate with which lr (1 + sum a1**2) is that of the right rule.

    Both rules walk side by side.
    """
    phi, lr, slip = PHI, 0.5, "sequential-update"
    right, wrong = (dict(W), dict(b)), (dict(W), dict(b))
    for _ in range(epochs):
        z, a = script.forward(*right, X, phi)
        z_, a_ = script.forward(*wrong, X, phi)
        grads = script.backward(right[0], z, a, y, phi, "mse")
        slips = script.backward_with_slip(slip, wrong[0], z_, a_, y, phi, "mse", lr)[2:]
        speed = (1 + (a[1] ** 2).sum()) / (1 + (a_[1] ** 2).sum())
        for (W, b), (dW, db), rates in (
            (right, grads, {1: lr, 2: lr}), (wrong, slips, {1: lr, 2: lr * speed}),
        ):  # fmt: skip
            for k, rate in rates.items():
                W[k], b[k] = W[k] - rate * dW[k], b[k] - rate * db[k]
    J, J_ = (script.loss(*script.forward(*p, X, phi), y, "mse") for p in (right, wrong))
    return J_ / J - 1


def other_gradients(*net):
    """What ``train`` may be given in the place of ``backward``."""
    dW, db = script.backward(*net)
    return {k: 2 * v for k, v in dW.items()}, {k: 0 * v for k, v in db.items()}


def your_turn_calls(script, rng, N):
    """Arguments for each function: a network 3-5-4-6 on N examples, 1-1-1 if N is 1."""
    sizes, last = ((3, 5, 4, 6), 3) if N > 1 else ((1, 1, 1), 2)
    W = {k: rng.normal(size=sizes[k - 1 : k + 1]) for k in range(1, last + 1)}
    b = {k: rng.normal(size=(1, sizes[k])) for k in W}
    inputs = rng.normal(size=(N, sizes[0]))
    nets = []
    for hidden, output, kind in (
        ("sigmoid", "sigmoid", "mse"), ("tanh", "softmax", "ce"),
        ("relu", "linear", "mse"), ("tanh", "sigmoid", "mse"),
    ):  # fmt: skip
        phi = {k: hidden if k < last else output for k in W}
        y = targets(output, (N, sizes[-1]), rng)
        nets.append((phi, y, kind, *script.forward(W, b, inputs, phi)))
    full = []
    for phi, y, kind, z, a in nets[:2]:
        one = {k: v[:1] for k, v in z.items()}, {k: v[:1] for k, v in a.items()}
        full.append((W, *one, y[:1], phi, kind))
    phi, y, kind = nets[0][:3]
    return {
        "forward": [(W, b, inputs, net[0]) for net in nets],
        "loss": [(z, a, y, kind) for _, y, kind, z, a in nets],
        "local_slope": [
            (sums, script.phi_of(sums, name), name)
            for name in ("sigmoid", "tanh", "relu", "linear")
            for sums in [rng.normal(size=(N, 4))]
        ],
        "walk_back": [(W, z, a, y, phi, kind) for phi, y, kind, z, a in nets],
        "backward": [(W, z, a, y, phi, kind) for phi, y, kind, z, a in nets],
        "central_difference": [(W, b, inputs, y, phi, kind, W[1])] if N > 1 else [],
        "gradient_error": [
            (rng.normal(size=(N, 3)), rng.normal(size=(N, 3)) * size) for size in (1, 0)
        ],
        "train": [
            (W, b, inputs, y, phi, kind, 3, 0.7),
            (W, b, inputs, y, phi, kind, 3, 0.7, other_gradients),
        ] if N > 1 else [],  # fmt: skip
        "jacobians": full,
        "multiply": [script.jacobians(*arguments) for arguments in full],
    }


YOUR_TURN = Lesson(
    functions={
        "forward": "One loop over the layers, (7.1) and (7.2). Return the dicts z and a.",
        "loss": "One line for each kind: (7.3), (7.24).",
        "local_slope": "The derivative of each activation, from a; (7.4) for the sigmoid.",
        "walk_back": "From the last layer to the first: (7.5) or (7.25), (7.6), (7.9).",
        "backward": "Call walk_back; then (7.10) and (7.11) for each layer.",
        "central_difference": "Move one number up and down, and put it back: (7.13).",
        "gradient_error": "One line: (7.14). Divide by 1e-6 at least.",
        "train": "Each epoch: forward, loss, backward, step (7.12); a last loss.",
        "jacobians": "The row dJ_da, then for each layer (7.18) or (7.23), (7.19), (7.20).",
        "multiply": "Row times Jacobian, (7.17), from the last layer to the first.",
    },
    calls=your_turn_calls,
    names={
        "forward": ("z", "a"),
        "walk_back": ("da", "dz"),
        "backward": ("dW", "db"),
        "train": ("W", "b", "losses"),
        "jacobians": ("dJ_da", "da_dz", "dz_da", "dz_dW"),
        "multiply": ("row_a", "row_z", "row_W"),
    },
    slips=[
        ("forward", " + b[k]", "", "the bias is missing in z (7.1)."),
        ("forward", "a[k] = phi_of(z[k], phi[k])", "a[k] = z[k]", "the "
         "activation is missing in a (7.2)."),
        ("forward", "a[k - 1] @", "(z[k - 1] if k > 1 else X) @", "z takes the sums z of "
         "the layer before where its activations a belong, (7.1)."),
        ("loss", " / (2 * N)", " / N", "half the squared error: the 1/2 of (7.3) is "
         "missing."),
        ("loss", "/ (2 * N)", "/ 2", "the mean over the examples, the 1/N of (7.3), is "
         "missing."),
        ("loss", "-np.sum(y * log", "np.sum(y * log", "the cross-entropy has the wrong "
         "sign (7.24)."),
        ("local_slope", "a * (1 - a)", "z * (1 - z)", "the sigmoid's slope is a (1 - a), "
         "not z (1 - z): (7.4)."),
        ("local_slope", "1 - a**2", "1 - a", "the slope of tanh is 1 - a**2."),
        ("local_slope", "z > 0", "z < 0", "the slope of relu is 1 where z > 0."),
        ("walk_back", "da[L] = (a[L] - y)", "da[L] = (y - a[L])", "da[L] has the wrong "
         "sign: the derivative of (a - y)^2 / 2 is a - y, (7.5)."),
        ("walk_back", "da[L] = (a[L] - y) / N", "da[L] = a[L] - y", "with mse everything "
         "is N times too large: 1/N is missing in da[L] (7.5)."),
        ("walk_back", "dz[L] = (a[L] - y) / N", "dz[L] = a[L] - y", "with a "
         "cross-entropy everything is N times too large: 1/N is missing (7.25)."),
        ("walk_back", "dz[L] = da[L] * local_slope(z[L], a[L], phi[L])", "dz[L] = da[L]",
         "the slope of the last activation is missing in dz[L] (7.6)."),
        ("walk_back", "dz[k] = da[k] * local_slope(z[k], a[k], phi[k])", "dz[k] = da[k]",
         "the slope of the hidden activation is missing in dz (7.6)."),
        ("walk_back", "dz[k] = da[k] * local_slope(z[k], a[k], phi[k])",
         "dz[k] = da[k] * z[k] * (1 - z[k])", "the slope of the hidden activation is "
         "taken at z, and as that of a sigmoid: call local_slope, with z before a (7.6)."),
        ("walk_back", "dz[L] = (a[L] - y) / N  # (N, K)  (7.25)", "dz[L] = (a[L] - y) / N "
         "* local_slope(z[L], a[L], 'sigmoid')", "with a cross-entropy dz[L] has no slope "
         "of the last activation any more: it is in a - y already (7.25)."),
        ("walk_back", "dz[k + 1] @ W[k + 1].T", "dz[k + 1] @ np.ones_like(W[k + 1]).T",
         "da goes back without the weights, (7.9)."),
        ("backward", "a[k - 1].T @", "(z[k - 1] if k > 1 else a[0]).T @", "dW takes the "
         "sums z where the activations a belong, (7.10)."),
        ("backward", "dz[k].sum(", "dz[k].mean(", "db is a mean over the examples, but "
         "the 1/N is in dz already: take the sum (7.11)."),
        ("central_difference", "(up - down) / (2 * h)", "0.0", "every slope is 0, or "
         "nearly. The loss does not see a copy: move the number in the array itself, and put "
         "it back. Or brackets are missing: / (2 * h)."),
        ("central_difference", "(up - down) / (2 * h)", "(up - down) / h", "twice too "
         "large: up and down are 2h apart, (7.13)."),
        ("central_difference", "array[place] = number - h", "array[place] = number",
         "one side is not moved: the difference is J(q + h) - J(q - h), (7.13)."),
        ("gradient_error", "np.abs(ours - measured)", "(ours - measured)", "an error has "
         "no sign: take the absolute value of the difference (7.14)."),
        ("train", "lr * d", "d", "lr is missing in the step (7.12)."),
        ("train", "= gradients(", "= backward(", "the slopes come from the function "
         "gradients, which need not be backward."),
        ("train", "b[k] = b[k] - lr * db[k]", "pass", "the biases do not move (7.12)."),
        ("train", "[k] - lr", "[k] + lr", "the step goes uphill: subtract lr times the "
         "slope (7.12)."),
        ("train", "W[k] - lr", "W[k] + lr", "the weights go uphill: subtract lr times the "
         "slope (7.12)."),
        ("train", "b[k] - lr", "b[k] + lr", "the biases go uphill: subtract lr times the "
         "slope (7.12)."),
        ("jacobians", "np.diag(a[k][0]) - a[k].T @ a[k]", "np.diag(a[k][0] * (1 - "
         "a[k][0]))", "the softmax Jacobian is not diagonal: -a_i a_j stands beside the "
         "diagonal (7.23)."),
        ("jacobians", "dJ_da = -y / a[L]", "dJ_da = y / a[L]", "dJ_da of the "
         "cross-entropy has the wrong sign (7.24)."),
        ("multiply", "row_z[k] @ dz_dW[k]", "row_a[k] @ dz_dW[k]", "row_W starts from "
         "dJ/da where dJ/dz belongs, (7.17)."),
        ("gradient_error",
         "np.maximum(np.abs(measured), 1e-6)",
         "(np.abs(measured) + 1e-6)",
         "below the bar stands the larger of the two, not their sum (7.14)."),
    ],
)  # fmt: skip


BREAKS = [  # of README.md, "Break it": the script's text, the change, who notices
    ("dz[k + 1] @ W[k + 1].T", "dz[k + 1] @ W[k + 1]",
     "test_every_slope_is_measured_and_right"),
    ("np.diag(a[k][0]) - a[k].T @ a[k]", "np.diag(a[k][0])",
     "test_full_jacobians_multiply_to_the_compact_form"),
    ("(up - down) / (2 * h)", "(up - down) / h",
     "test_central_difference_is_what_it_claims"),
]  # fmt: skip


def test_the_picture_of_slips_draws_each_loss_at_each_step():
    args, W, b, X, y = settings()
    measured = script.measure_slopes(W, b, X, y, args.phi, "mse")
    results, curves = script.compare_slips(W, b, X, y, args, *measured)
    (ax,) = script.plot_slips(curves).axes
    assert len(ax.lines) == len(results) == 1 + len(SLIPS)
    ends = [line.get_ydata()[-1] for line in ax.lines]
    assert ends == sorted((r["J_end"] for r in results.values()), reverse=True)
    assert all(len(line.get_ydata()) == args.epochs + 1 for line in ax.lines)
    lower = sum(r["J_end"] < results["right"]["J_end"] for r in results.values())
    title = ax.get_title("left") + ax.get_title("center")
    assert title.startswith(f"With {lower} of {len(SLIPS)} slips")
    names = [text.get_text().split(":")[0] for text in ax.texts]
    assert sorted(names) == sorted(results)
    heights = [text.get_position()[1] for text in ax.texts]
    assert np.diff(heights).max() < -0.059  # no label lies on another
    on_top = max(ax.lines, key=lambda line: line.get_zorder())
    assert list(on_top.get_ydata()) == curves["right"] and on_top.get_linewidth() == 1
    ends_at_zero = {"right": [0.1, 0.0], "wrong-sign": [0.1, 0.2]}
    script.plot_slips(ends_at_zero).canvas.draw()
    equal = {"right": [0.2, 0.1], "forgotten-transpose": [0.2, 0.1]}
    (tied,) = script.plot_slips(equal).axes  # as with one layer: nothing goes back
    assert "With 0 of 1 slips" in tied.get_title("left") + tied.get_title("center")
    blue = {script.BLUE, "#56B4E9"}
    for line, text in zip(ax.lines, ax.texts):
        end = results[text.get_text().split(":")[0]]["J_end"]
        assert (line.get_color() in blue) == (end < results["right"]["J_end"])


def test_the_picture_of_h_draws_the_errors_of_the_table():
    args, W, b, X, y = settings()
    table = script.check_steps(W, b, X, y, args)
    (ax,) = script.plot_check(table).axes
    for line, name in zip(ax.lines, ("W2", "W1")):
        assert line.get_label() == f"d{name}[0,0]"
        np.testing.assert_array_equal(line.get_xydata().T, [table["h"], table[name]])
    assert list(ax.lines[2].get_xdata()) == [1e-5, 1e-5]  # the h of central_difference
    left, right = ax.get_xlim()
    assert left > max(table["h"]) and right < min(table["h"])
    best = [min(table[name]) for name in ("W2", "W1")]  # measured and derived: the same
    assert max(best) < 1e-8


def test_the_picture_of_jacobians_multiplies_row_by_row():
    args, W, b, X, y = settings()
    full = script.jacobians(W, *script.forward(W, b, X, args.phi), y, args.phi, "mse")
    rows = script.multiply(*full)
    (ax,) = script.plot_jacobians(*full[1:], *rows[:2]).axes
    numbers, row_a, row_z, row_W = [text.get_text() for text in ax.texts], *rows
    for block in (row_a[2], full[1][2], row_z[2], full[2][2], row_a[1], row_z[1], row_W[1]):
        assert {f"{value:.4g}" for value in block.flat} <= {*numbers}
    assert numbers.count("-0.0381") == 2 and len(ax.lines) == 3  # result, then next row
    signs = [np.sign(float(v)) for v in numbers if re.fullmatch(r"-?[\d.]+", v)]
    colors = [patch.get_facecolor() for patch in ax.patches]
    for sign, color in zip(signs, colors, strict=True):
        assert color == to_rgba(script.PALE[1 + int(sign)])


NETWORKS = [
    [],
    ["--layers", "3", "2", "4", "--activation", "tanh"],
    ["--layers", "2", "3", "3", "1", "--activation", "relu", "--fix-biases"],
    ["--layers", "3", "2", "--seed", "7"],
    ["--output", "softmax"],
    ["--layers", "2", "3", "4", "--output", "softmax", "--activation", "tanh"],
    ["--layers", "3", "4", "2", "--output", "linear"],
]
NETS = pytest.mark.parametrize("flags", NETWORKS, ids=" ".join)


@functools.cache
def learn(slip="", fix_biases=False, epochs=10_000):
    args, W, b, X, y = settings()
    given = types.SimpleNamespace(lr=0.5, fix_biases=fix_biases)
    with np.errstate(all="ignore"):
        W, b, losses = script.train(
            W, b, X, y, args.phi, "mse", epochs, 0.5, script.gradients_of(given, slip)
        )
    return W, b, losses, script.forward(W, b, X, args.phi)[1][2][0]


@pytest.mark.slow
def test_the_published_numbers_to_every_digit():
    """All weights at once, W2 first, biases too; and the example's own two rows."""
    _, _, right, a = learn("", True)
    assert f"{right[0]:.9f}" == "0.298371109"
    assert f"{right[1]:.12f}" == "0.291027773694"
    assert f"{right[-1]:.6e}" == "3.510188e-05"
    assert [f"{v:.8f}" for v in a] == ["0.01591362", "0.98406427"]
    _, _, slipped, a = learn("sequential-update", True)
    assert f"{slipped[1]:.12f}" == "0.291027923905"
    assert f"{slipped[-1]:.6e}" == "3.508479e-05"
    assert [f"{v:.9f}" for v in a] == ["0.015912196", "0.984065734"]
    _, _, biases, a = learn()
    assert f"{biases[1]:.9f}" == "0.280471447" and f"{biases[-1]:.4e}" == "2.4476e-06"
    assert [f"{v:.8f}" for v in a] == ["0.01158753", "0.98845894"]
    assert f"{right[9_999]:.10f}" == "0.0000351085"  # as published, for another rule
    published = 0.5 * ((0.015912196 - 0.01) ** 2 + (0.984065734 - 0.99) ** 2)
    assert f"{published:.10f}" == f"{slipped[-1]:.10f}" == "0.0000350848"


def test_one_step_of_the_worked_example():
    args, W, b, X, y = settings()
    _, a = script.forward(W, b, X, args.phi)
    assert [f"{v:.8f}" for v in a[1][0]] == ["0.59326999", "0.59688438"]
    assert [f"{v:.8f}" for v in a[2][0]] == ["0.75136507", "0.77292847"]
    W, b, _, _ = learn("", True, 1)
    assert [f"{v:.8f}" for v in (*W[1].T.flat, *W[2].T.flat)] == [
        *("0.14978072", "0.19956143", "0.24975114", "0.29950229"),
        *("0.35891648", "0.40866619", "0.51130127", "0.56137012"),
    ]
    assert (b[1] == 0.35).all() and (b[2] == 0.6).all()
    assert not (learn("", False, 1)[1][1] == 0.35).any()
    assert script.W_START[1][0, 0] == 0.15  # training leaves the start alone


FUNCTIONS = {"tanh": np.tanh, "log": np.log, "exp": np.exp}
FUNCTIONS |= {"sigmoid": lambda z: 1 / (1 + np.exp(-z)), "relu": lambda z: max(z, 0)}


@NETS
def test_every_line_is_what_the_numbers_in_it_give(flags):
    """The pencil: nine digits put in give seven; the slopes are those of backward."""
    args, W, b, X, y = settings(*flags)
    known = script.by_name(slopes_of(args, W, b, X, y))
    rows = script.work_out(W, b, X, y, args)
    for part, symbol, _, numbers, value in rows:
        by_hand = eval(numbers, FUNCTIONS)
        assert by_hand == pytest.approx(value, rel=2e-7, abs=1e-8), symbol
        if not flags:  # as the page says of its run
            assert f"{by_hand:.7g}" == f"{value:.7g}", symbol
        if part in ("Backward", "The step taken"):
            assert value == pytest.approx(known[symbol], rel=1e-9, abs=1e-14)
    names = {row[1] for row in rows if row[0] == "Backward"}
    assert names == set(known)
    stepped = {row[1] for row in rows if row[0] == "The step taken"}
    assert stepped == {n for n in known if n[1] in ("W" if args.fix_biases else "Wb")}
    (J,) = [row[4] for row in rows if row[1] == "J"]
    assert J == script.loss(*script.forward(W, b, X, args.phi), y, args.loss)


def test_new_weights_of_the_table_are_those_of_training():
    args, W, b, X, y = settings("--layers", "3", "2", "4")
    new = {row[1]: row[4] for row in script.work_out(W, b, X, y, args)
           if row[0] == "Update"}  # fmt: skip
    W, b, _ = script.train(W, b, X, y, args.phi, "mse", 1, 0.5)
    assert new == pytest.approx(script.by_name({"W": W, "b": b}), rel=1e-14)


def test_the_step_taken_is_read_off_the_weights_that_train_moved(monkeypatch):
    args, W, b, X, y = settings()
    wrong = {k: W[k] + 1 for k in W}
    monkeypatch.setattr(script, "train", lambda *_: (wrong, b, []))
    rows = script.work_out(W, b, X, y, args)
    stepped = {row[1]: row[4] for row in rows if row[0] == "The step taken"}
    assert stepped["dW1[0,0]"] == pytest.approx(-1 / args.lr)
    assert stepped["db1[0]"] == 0


def test_numbers_are_put_in_as_a_student_would_write_them():
    args, W, b, X, y = settings()
    rows = {row[1]: row[3] for row in reversed(script.work_out(W, b, X, y, args))}
    assert rows["z1[0]"] == "0.05*0.15 + 0.1*0.2 + 0.35"
    assert rows["da1[0]"] == "0.138498562*0.4 + (-0.0380982365)*0.5"
    known = {"z1[0]": -0.0, "z1[1]": 0.0, "z1[2]": -1.5}
    assert script.put_in("relu(z1[0]) + z1[1]", known) == "relu(0) + 0"
    assert script.put_in("sigmoid(z1[2])", known) == "sigmoid(-1.5)"
    assert script.put_in("(z1[2] - z1[0])**2", known) == "((-1.5) - 0)**2"


@NETS
def test_every_slope_is_measured_and_right(flags):
    args, W, b, X, y = settings(*flags)
    found = script.by_name(slopes_of(args, W, b, X, y))
    slopes, kinks = script.measure_slopes(W, b, X, y, args.phi, args.loss)
    assert found.keys() <= slopes.keys() and not kinks
    for name, value in found.items():
        assert value == pytest.approx(slopes[name], abs=1e-9), name
        assert script.gradient_error(value, slopes[name]) < 1e-6, name


def test_central_difference_is_what_it_claims():
    args, W, b, X, y = settings()
    start = join(W, b)
    ours = numerical_gradient(
        lambda p: script.loss(*script.forward(*split(p), X, args.phi), y, "mse"), start
    )
    exact = slopes_of(args, W, b, X, y)["dW"][2]
    for name, array in start.items():
        before = array.copy()
        central = script.central_difference(W, b, X, y, args.phi, "mse", array)
        np.testing.assert_allclose(central, ours[name], rtol=1e-9)
        np.testing.assert_array_equal(array, before)
    far, near = (
        script.central_difference(W, b, X, y, args.phi, "mse", W[2], h) - exact
        for h in (0.02, 0.01)
    )
    assert np.abs(far).max() / np.abs(near).max() == pytest.approx(4, rel=0.01)


def test_gradient_error_is_a_share_of_the_measured_slope():
    assert script.gradient_error(3.0, 2.0) == 0.5
    assert script.gradient_error(-2.0, 2.0) == 2
    assert script.gradient_error(1e-9, 0.0) == pytest.approx(1e-3)


def test_the_slope_of_relu_at_its_kink_is_zero():
    slope = script.local_slope(np.array([-1.0, 0.0, 2.0]), None, "relu")
    np.testing.assert_array_equal(slope, [0, 0, 1])


def run(tmp_path, *flags):
    return script.main(
        ["--epochs", "5", "--no-show", "--out", str(tmp_path / "out"), *flags]
    )


@pytest.fixture
def no_pictures(monkeypatch):
    for name in ("plot_graph", "plot_slips", "plot_check", "plot_gate", "plot_jacobians"):
        monkeypatch.setattr(script, name, lambda *args: Figure((1, 1)))


KINK = {"W1": [[1, -0.5], [-1, 0.8]], "b1": [0, 0.1], "W2": [[0.4], [0.3]], "b2": [0.1]}


def test_at_a_kink_the_screen_says_kink_and_not_wrong(tmp_path, capsys, no_pictures):
    (tmp_path / "w.json").write_text(json.dumps(KINK))
    flags = ["--weights", str(tmp_path / "w.json"), "--activation", "relu"]
    assert run(tmp_path, *flags, "--input", "1", "1", "--target", ".5") == 0
    text = capsys.readouterr().out
    assert "WRONG" not in text and "confirm all of 17" in text
    lines = [line for line in text.splitlines() if line.endswith(" kink")]
    assert [line.split()[0] for line in lines][:4] == [
        "dz1[0]", "dW1[0,0]", "dW1[1,0]", "db1[0]",
    ]  # fmt: skip
    assert "7 more are at the kink" in text
    assert run(tmp_path, *flags, "--input", "1", ".2", "--target", ".5") == 0
    assert " kink" not in capsys.readouterr().out


def test_a_kink_excuses_only_the_slopes_that_go_through_it(
    tmp_path, capsys, no_pictures
):
    (tmp_path / "w.json").write_text(json.dumps(KINK))
    flags = ["--weights", str(tmp_path / "w.json"), "--activation", "relu"]
    flags += ["--input", "1", "1", "--mistake", "last-layer-only"]
    assert run(tmp_path, *flags) == 0
    lines = capsys.readouterr().out.split("Backward:")[1].splitlines()
    wrong = {line.split()[0] for line in lines if line.endswith("WRONG")}
    assert wrong == {"da1[0]", "da1[1]", "dz1[1]", "dW1[0,1]", "dW1[1,1]", "db1[1]"}
    kinks = {line.split()[0] for line in lines if line.endswith("kink")}
    assert kinks == {"dz1[0]", "dW1[0,0]", "dW1[1,0]", "db1[0]"}
    ways = json.loads((tmp_path / "out/metrics.json").read_text())["ways"]
    assert ways["last-layer-only"]["max_gradient_error"] == pytest.approx(1)
    assert ways["right"]["max_gradient_error"] < 1e-6


def test_a_kink_spoils_what_lies_before_it_and_not_what_cannot_reach_it():
    """Layers 1-3-2-1: unit 0 of layer 2 is at its kink. It gets nothing from unit 1 of
    layer 1, and unit 2 there is off."""
    W = {1: np.array([[1.0, 1.0, 1.0]]), 2: np.array([[1.0, 2], [0, 1], [1, 1]]),
         3: np.array([[1.0], [1.0]])}  # fmt: skip
    b = {1: np.array([[0.0, 0, -9]]), 2: np.array([[-1.0, 0]]), 3: np.array([[0.1]])}
    given = np.ones((1, 1)), np.ones((1, 1)), {1: "relu", 2: "relu", 3: "linear"}
    _, kinks = script.measure_slopes(W, b, *given, "mse")
    assert kinks == {
        "dz2[0]", "db2[0]", "dW2[0,0]", "dW2[1,0]",
        "da1[0]", "da1[2]", "dz1[0]", "db1[0]", "dW1[0,0]",
    }  # fmt: skip


@pytest.mark.parametrize("mistake", SLIPS)
def test_each_slip_is_seen_where_it_is(mistake, tmp_path, capsys, no_pictures):
    """The rule is the right one: only in the row of a slip is it not what the numbers
    give, and from there on the measured slopes say WRONG."""
    args, W, b, X, y = settings("--mistake", mistake)
    rows = script.work_out(W, b, X, y, args)
    slipped = {
        row[1].split("[")[0]
        for row in rows
        if row[0] in ("Backward", "Update")
        and eval(row[3], FUNCTIONS) != pytest.approx(row[4], rel=1e-6)
    }
    assert slipped == {
        "forgotten-transpose": {"da1"}, "missing-activation-derivative": {"dz1"},
        "wrong-sign": {"da2"}, "forgotten-half": {"da2"},
        "missing-bias-gradient": {"db1", "db2"}, "sequential-update": {"W1", "b1"},
        "last-layer-only": {"da1"},
    }[mistake]  # fmt: skip
    assert run(tmp_path, "--mistake", mistake, "--jacobians") == 0
    text = capsys.readouterr().out
    assert "contradict" in text and "WRONG" in text and "The slip:" in text
    backward = text.split("Backward:")[1].split("Update:")[0]
    assert ("WRONG" in backward) == (mistake != "sequential-update")
    metrics = json.loads((tmp_path / "out/metrics.json").read_text())
    assert metrics["max_gradient_error"] > 1e-2
    assert list(metrics["ways"]) == ["right", mistake]


def test_without_a_slip_the_variant_is_backward():
    for flags in NETWORKS:
        args, W, b, X, y = settings(*flags)
        z, a = script.forward(W, b, X, args.phi)
        found = script.backward_with_slip("", W, z, a, y, args.phi, args.loss, 0.5)
        right = script.by_name(slopes_of(args, W, b, X, y))
        named = script.by_name(dict(zip(("da", "dz", "dW", "db"), found)))
        assert named == pytest.approx(right, rel=1e-14)


@pytest.mark.parametrize("slip, factor", [("wrong-sign", -1), ("forgotten-half", 2)])
@pytest.mark.parametrize("kind, last", [("mse", "tanh"), ("ce", "softmax")])
def test_two_slips_multiply_every_slope_of_three_examples(slip, factor, kind, last, rng):
    phi = {1: "sigmoid", 2: last}
    W, b = script.init_params([4, 3, 2], rng)
    X, y = rng.normal(size=(3, 4)), np.eye(2)[[0, 1, 1]]
    given = W, *script.forward(W, b, X, phi), y, phi, kind
    right = script.backward(*given)
    slipped = script.backward_with_slip(slip, *given, 0.5)[2:]
    for k in W:
        np.testing.assert_allclose(slipped[0][k], factor * right[0][k], rtol=1e-12)
        np.testing.assert_allclose(slipped[1][k], factor * right[1][k], rtol=1e-12)


def test_the_slip_of_the_last_layer_only_sends_zeros_of_the_right_shapes(rng):
    W, b = script.init_params([4, 5, 3, 2], rng)
    X, phi = rng.normal(size=(3, 4)), dict.fromkeys(W, "sigmoid")
    given = W, *script.forward(W, b, X, phi), np.eye(2)[[0, 1, 1]], phi, "mse"
    right = script.backward(*given)[0]
    da, _, dW, db = script.backward_with_slip("last-layer-only", *given, 0.5)
    np.testing.assert_allclose(dW[3], right[3], rtol=1e-12)
    for k in (1, 2):
        assert da[k].shape == given[2][k].shape and not da[k].any()
        assert dW[k].shape == W[k].shape and not dW[k].any() and not db[k].any()


def test_a_symmetric_matrix_hides_the_forgotten_transpose_from_every_check():
    args, W, b, X, y = settings()
    W = {1: W[1], 2: (W[2] + W[2].T) / 2}
    z, a = script.forward(W, b, X, args.phi)
    _, _, dW, _ = script.backward_with_slip(
        "forgotten-transpose", W, z, a, y, args.phi, "mse", 0.5
    )
    np.testing.assert_allclose(
        dW[1], script.backward(W, z, a, y, args.phi, "mse")[0][1], rtol=1e-14
    )


@pytest.mark.slow
def test_what_the_page_says_of_causes():
    """Each cause taken away, or given to the rival: see also ``measured``."""
    numbers, ends = measured(), {name: learn(name)[2][-1] for name in ["", *SLIPS]}
    four = [numbers[f"shrink.{c}"] for c in ("input", "sigmoid", "weight", "paths")]
    assert np.prod(four) == pytest.approx(numbers["shrink"]) and max(four) == four[0]
    _, W, b, X, y = settings()
    given = W, *script.forward(W, b, X, PHI), y
    found = slopes_of(settings()[0], W, b, X, y)["dW"]
    assert np.abs(found[2]).min() > 20 * np.abs(found[1]).max()
    right = ends[""]
    twice = script.train(W, b, X, y, settings()[0].phi, "mse", 50, 1.0)[2]
    assert learn("forgotten-half", epochs=50)[2] == pytest.approx(twice, rel=1e-12)
    falls = {name for name in SLIPS if ends[name] < learn(name)[2][0]}
    assert falls == {*SLIPS} - {"wrong-sign"}
    lower = {"forgotten-half", "missing-activation-derivative", "sequential-update"}
    assert {name for name in SLIPS if ends[name] < right} == lower
    assert numbers["faster"] < right
    assert 1 - ends["sequential-update"] / right == pytest.approx(0.004, abs=5e-4)
    W_end, b_end, _, _ = learn("last-layer-only")
    assert (W_end[1] == W[1]).all() and (b_end[1] == b[1]).all()
    assert right < ends["last-layer-only"] < ends["forgotten-transpose"]
    ratio = np.divide(learn("forgotten-transpose")[2], learn("last-layer-only")[2])
    assert ratio[5] < 1 < ratio[6:].min() and ratio.max() < 1.04
    assert numbers["uphill"] < 2e-4 * learn()[2][0]
    z, a = given[1:3]
    slipped = script.backward_with_slip("sequential-update", *given, PHI, "mse", 0.5)
    da, dz = script.walk_back(*given, PHI, "mse")
    moved = da[1] - 0.5 * (dz[2] ** 2).sum() * a[1]  # the one term of the page
    np.testing.assert_allclose(slipped[0][1], moved, rtol=1e-12)
    W2, b2 = W[2] - 0.5 * slipped[2][2], b[2] - 0.5 * slipped[3][2]
    faster = z[2] - 0.5 * dz[2] * (1 + (a[1] ** 2).sum())
    np.testing.assert_allclose(a[1] @ W2 + b2, faster, rtol=1e-12)
    slipped = script.backward_with_slip(
        "missing-activation-derivative", *given, PHI, "mse", 0.5
    )[2]
    a1 = given[2][1]  # with one example: a positive number for each hidden unit
    np.testing.assert_allclose(slipped[1] * a1 * (1 - a1), found[1], rtol=1e-12)


def test_sequential_update_is_an_update_from_the_last_layer_to_the_first():
    args, W, b, X, y = settings("--layers", "2", "3", "4", "2")
    z, a = script.forward(W, b, X, args.phi)
    moved = dict(W)
    for k in (3, 2, 1):  # the gradient through weights that have already moved
        dW, _ = script.backward(moved, z, a, y, args.phi, "mse")
        moved[k] = W[k] - 0.5 * dW[k]
    given = types.SimpleNamespace(lr=0.5, fix_biases=True)
    gradients = script.gradients_of(given, "sequential-update")
    end, end_b, _ = script.train(W, b, X, y, args.phi, "mse", 1, 0.5, gradients)
    np.testing.assert_equal(end_b, b)
    for k in W:
        np.testing.assert_allclose(end[k], moved[k], rtol=1e-14)


@NETS
def test_full_jacobians_multiply_to_the_compact_form(flags):
    args, W, b, X, y = settings(*flags)
    z, a = script.forward(W, b, X, args.phi)
    full = script.jacobians(W, z, a, y, args.phi, args.loss)
    rows = script.multiply(*full)
    ours = slopes_of(args, W, b, X, y)
    for name, row in zip(("da", "dz", "dW"), rows):
        for k, value in ours[name].items():
            assert row[k].shape == (1, value.size)
            np.testing.assert_allclose(row[k][0], value.ravel(), rtol=1e-10, atol=1e-15)
    _, da_dz, dz_da, dz_dW = full
    for k in W:  # each Jacobian by central differences of what it claims to be

        def activation(p, k=k):
            return script.phi_of(p["z"], args.phi[k])[0]

        def sums(p, k=k):
            return (p["a"] @ p["W"] + b[k])[0]

        pieces = [(da_dz[k], activation, {"z": z[k]}, "z"),
                  (dz_da[k], sums, {"a": a[k - 1], "W": W[k]}, "a"),
                  (dz_dW[k], sums, {"a": a[k - 1], "W": W[k]}, "W")]  # fmt: skip
        for J, function, inputs, name in pieces:
            for j in range(len(J)):
                numerical = numerical_gradient(
                    lambda p, f=function, j=j: f(p)[j], inputs
                )[name]
                assert relative_error(J[j], numerical.ravel()) < 1e-8, name


def test_loss_of_outputs_that_round_to_0_or_1_is_finite(tmp_path, capsys, no_pictures):
    flags = ["--output", "softmax", "--jacobians"]
    assert run(tmp_path, *flags, "--input", "1e3", "-1e3") == 0
    text = capsys.readouterr().out
    assert "inf" not in text.split("How small")[0] or "rounded to 0 or 1" in text
    json.loads((tmp_path / "out/metrics.json").read_text())


def test_same_steps_as_scikit_learn_on_a_batch(rng):
    from sklearn.neural_network import MLPClassifier

    X, labels = rng.normal(size=(9, 3)), np.arange(9) % 3
    oracle = MLPClassifier(
        [4], "logistic", solver="sgd", alpha=0, batch_size=9, momentum=0,
        learning_rate_init=0.3,
    )  # fmt: skip
    oracle.partial_fit(X, labels, classes=[0, 1, 2])
    W = {k: oracle.coefs_[k - 1].copy() for k in (1, 2)}
    b = {k: oracle.intercepts_[k - 1][None].copy() for k in (1, 2)}
    phi = {1: "sigmoid", 2: "softmax"}
    for _ in range(20):
        W, b, losses = script.train(W, b, X, np.eye(3)[labels], phi, "ce", 1, 0.3)
        oracle.partial_fit(X, labels)
        assert losses[0] == pytest.approx(oracle.loss_, rel=1e-10)
        np.testing.assert_allclose(W[1], oracle.coefs_[0], rtol=1e-9)
        np.testing.assert_allclose(b[2][0], oracle.intercepts_[1], rtol=1e-9)


@pytest.mark.parametrize("output, kind", OUTPUTS)
def test_small_random_networks_learn_their_example(output, kind):
    for seed in range(3):
        flags = ["--layers", "3", "4", "2", "--seed", str(seed)]
        args, W, b, X, y = settings(*flags, "--output", output)
        _, _, losses = script.train(W, b, X, y, args.phi, kind, 1000, 0.2)
        assert losses[-1] < 0.05 * losses[0]


def test_random_numbers_are_easy_to_copy():
    args, W, b, X, y = settings("--layers", "4", "6", "3")
    for values in (*W.values(), *b.values(), X, y):
        np.testing.assert_array_equal(values, values.round(2))
        assert np.abs(values).max() <= 1 and np.unique(values).size > 1
    assert (y > 0).all() and (y < 1).all()
    assert [W[1].shape, W[2].shape, b[2].shape] == [(4, 6), (6, 3), (1, 3)]
    assert X.min() < 0 and b[1].min() < 0 and W[2].min() < 0
    y = settings("--layers", "4", "6", "3", "--output", "softmax")[-1]
    np.testing.assert_array_equal(y, [[0, 0, 1]])


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


@pytest.mark.parametrize("error", [EOFError, RuntimeError, OSError, UnicodeError])
def test_step_without_a_keyboard_goes_on(
    error, tmp_path, capsys, monkeypatch, no_pictures
):
    def nobody(prompt):
        raise error

    monkeypatch.setattr("builtins.input", nobody)
    assert run(tmp_path, "--step") == 0
    assert (tmp_path / "out/metrics.json").exists()


@pytest.mark.parametrize("nested", [False, True])
def test_a_weights_file_gives_the_same_numbers(nested, tmp_path, capsys, no_pictures):
    _, W, b, _, _ = settings()
    entries = {name: v.tolist() for name, v in join(W, b).items()}
    if not nested:  # biases as a plain list, too
        entries |= {name: v[0] for name, v in entries.items() if name[0] == "b"}
    (tmp_path / "w.json").write_text(json.dumps(entries))
    flags = ["--weights", str(tmp_path / "w.json"), "--input", ".05", "1e-1"]
    assert run(tmp_path, *flags, "--target", ".01", ".99", "--fix-biases") == 0
    metrics = json.loads((tmp_path / "out/metrics.json").read_text())
    assert f"{metrics['J1']:.12f}" == "0.291027773694"
    losses = learn("", True, 5)[2]
    assert [metrics[k] for k in ("J0", "J1", "J_end")] == [losses[i] for i in (0, 1, 5)]
    assert metrics["max_gradient_error"] < 1e-7
    assert len(metrics["check"]["W1"]) == len(metrics["check"]["h"]) == 12


@pytest.mark.parametrize(
    "text, words",
    [
        ("", "Expecting value"),
        ("[1, 2]", "list"),
        ("{}", "1"),
        ('{"W1": [[1, 2]], "b1": [1]}', "fit"),
        ('{"W1": [[1, 2]], "b1": [1, 2], "W2": [[1]], "b2": [1]}', "fit"),
        ('{"W1": [[1, 2]], "b1": [1, 2], "extra": 1}', "extra"),
        ('{"W1": [[1, NaN]], "b1": [1, 2]}', "finite"),
        ('{"W1": [[1, 1e999]], "b1": [1, 2]}', "finite"),
        ('{"W1": [[1, 1001]], "b1": [1, 2]}', "1000"),
        ('{"W1": [[1, "x"]], "b1": [1, 2]}', "'x'"),
        ('{"W1": [[1], [2, 3]], "b1": [1]}', "sequence"),
        ('{"W1": [[]], "b1": []}', "from 1 to 8"),
        ('{"W1": [[1, 1, 1, 1, 1, 1, 1, 1, 1]], "b1": [0]}', "fit"),
        (json.dumps({"W1": [[1]] * 9, "b1": [1]}), "from 1 to 8"),
        ("[" * 100_000, "depth"),
    ],
)
def test_bad_weights_are_one_sentence(text, words, tmp_path, capsys):
    (tmp_path / "bad.json").write_text(text)
    assert run(tmp_path, "--weights", str(tmp_path / "bad.json")) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1
    assert words in captured.err and "bad.json" in captured.err


@pytest.mark.parametrize(
    "flags, words",
    [
        (["--input", "1"], "--input holds 1 number"),
        (["--target", ".1", ".2", ".3"], "--target holds 3"),
        (["--target", "1.5", "0"], "from 0 to 1"),
        (["--output", "softmax", "--target", ".5", ".6"], "sum 1"),
        (["--output", "softmax", "--layers", "2", "1"], "two or more"),
        (["--layers", "2", "3", "1", "--mistake", "forgotten-transpose"], "square"),
        (["--weights", "missing.json"], "missing.json"),
    ],
)
def test_numbers_that_do_not_fit_are_one_sentence(flags, words, tmp_path, capsys):
    assert run(tmp_path, *flags) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1
    assert words in captured.err


@pytest.mark.parametrize(
    "flags",
    [
        ["--layers", "3"],
        ["--layers", "2", "0", "1"],
        ["--layers", "2", "99"],
        ["--layers", *"2" * 9],
        ["--layers", "2", "2", "--weights", "w.json"],
        ["--input", "nan", "1"],
        ["--mistake", "none"],
        ["--activation", "cube"],
        ["--output", "tanh"],
        ["--fix-biases", "--mistake", "missing-bias-gradient"],
    ],
    ids=" ".join,
)
def test_bad_flags_are_one_sentence(flags, capsys):
    with pytest.raises(SystemExit) as stopped:
        script.main(flags)
    assert stopped.value.code == 2 and capsys.readouterr().err.count("\n") == 1


def test_divergence_says_when_and_what_to_do(tmp_path, capsys):
    flags = ["--layers", "2", "3", "2", "--activation", "relu", "--output", "linear"]
    assert run(tmp_path, *flags, "--lr", "1e9", "--epochs", "500") == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "epoch" in error and "--lr" in error


def test_a_slip_that_diverges_ends_the_run_only_if_it_was_asked_for(
    tmp_path, capsys, no_pictures
):
    flags = ["--output", "linear", "--epochs", "60"]
    assert run(tmp_path, *flags) == 0
    assert re.search("wrong-sign +fails: training diverged", capsys.readouterr().out)
    assert run(tmp_path, *flags, "--mistake", "wrong-sign") == 1
    assert "--lr" in capsys.readouterr().err


def test_a_loss_that_did_not_fall_is_named(tmp_path, capsys, no_pictures):
    assert run(tmp_path, "--mistake", "wrong-sign") == 0
    assert "has not fallen" in capsys.readouterr().out
    assert run(tmp_path) == 0
    assert "has not fallen" not in capsys.readouterr().out


def test_printed_jacobians_agree_with_backward(capsys):
    args, W, b, X, y = settings("--layers", "2", "3", "1")
    script.show_jacobians(W, b, X, y, args)
    text = capsys.readouterr().out
    gaps = re.findall(r"largest difference is (\S+)", text)
    assert len(gaps) == 5 and max(map(float, gaps)) < 1e-15
    assert "dz1/dW1 (3, 6), 6 of 18 not 0" in text
    assert "dJ/dz1 @ dz1/dW1 = (1, 6)" in text and "dW1 of backward (2, 3)" in text
    args, W, b, X, y = settings("--layers", "1", "2", "3")  # exercise 5
    script.show_jacobians(W, b, X, y, args)
    text = capsys.readouterr().out
    assert "dz2/da1 (3, 2)" in text and "dz2/dW2 (3, 6), 6 of 18 not 0" in text


@NETS
def test_the_lines_of_the_graph_are_as_thick_as_their_slopes(flags):
    args, W, b, X, y = settings(*flags)
    z, a = script.forward(W, b, X, args.phi)
    found = slopes_of(args, W, b, X, y)
    (ax,) = script.plot_graph(W, b, z, a, y, 0.3, *found.values()).axes
    texts = " ".join(text.get_text() for text in ax.texts)
    assert texts.count("target") == y.size
    for value in (*X.flat, *y.flat, *a[len(W)].flat):
        assert f"{value:.4g}" in texts
    thick = sorted(ln.get_linewidth() for ln in ax.lines if ln.get_color() != "grey")
    largest = max(np.abs(v).max() for v in found["dW"].values()) or 1
    slopes = [abs(v) / largest for k in W for v in found["dW"][k].flat]
    np.testing.assert_allclose(thick, 0.8 + 6 * np.sort(slopes))
