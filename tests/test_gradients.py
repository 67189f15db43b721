"""Every gradient of every project, against central differences and TensorFlow.

The networks come from ``gradient_cases()`` in tests/test_NN_*.py.
"""

import numpy as np
import pytest
from conftest import SCRIPTS, numerical_gradient, project_tests, relative_error

CASES = [
    pytest.param(case, steps, id=f"{path.parent.name[:2]}-{case.name}-{steps} steps")
    for path in SCRIPTS
    for case in project_tests(path).gradient_cases()
    for steps in (0, 5)
]


def after(case, steps):
    """Return copies of the params after some steps of plain gradient descent."""
    params = {key: np.array(value, dtype=float) for key, value in case.params.items()}
    for _ in range(steps):
        grads = case.backward(params, case.forward(params))
        params = {key: params[key] - 0.1 * grads[key] for key in params}
    return params


def frozen(arrays):
    """Return copies of the arrays of a dict, or of a tuple of dicts, in a list."""
    dicts = arrays if isinstance(arrays, tuple) else (arrays,)
    return [
        np.array(value, copy=True)
        for each in dicts
        for value in each.values()
        if value is not None
    ]


@pytest.mark.parametrize("case, steps", CASES)
def test_backward_matches_central_differences(case, steps):
    params = after(case, steps)
    assert len(set(case.sizes)) == len(case.sizes), "equal sizes hide a lost axis"
    cache = case.forward(params)
    for z in case.kinks(cache):
        assert np.abs(z).min() > 1e-3, "too near a kink for central differences"
    grads = case.backward(params, cache)
    numerical = numerical_gradient(lambda p: case.loss(case.forward(p)), params)
    assert grads.keys() == params.keys()
    for key in params:
        assert np.shape(grads[key]) == np.shape(params[key]), key
        assert np.any(grads[key]), f"the gradient of {key} is zero and proves nothing"
        assert relative_error(grads[key], numerical[key]) < 1e-7, key


@pytest.mark.parametrize("case, steps", CASES)
def test_loss_and_backward_match_tensorflow(case, steps, tf):
    params = after(case, steps)
    variables = {
        key: tf.Variable(value, dtype=tf.float64) for key, value in params.items()
    }
    with tf.GradientTape() as tape:
        oracle = case.tf_loss(tf, variables)
    cache = case.forward(params)
    assert case.loss(cache) == pytest.approx(float(oracle), rel=1e-12, abs=1e-14)
    grads = case.backward(params, cache)
    for key, expected in tape.gradient(oracle, variables).items():
        assert relative_error(grads[key], expected.numpy()) < 1e-10, key


@pytest.mark.parametrize("case, steps", CASES)
def test_backward_changes_neither_params_nor_cache(case, steps):
    params = after(case, steps)
    cache = case.forward(params)
    before = frozen(params) + frozen(cache)
    case.backward(params, cache)
    for old, now in zip(before, frozen(params) + frozen(cache), strict=True):
        np.testing.assert_array_equal(now, old)
