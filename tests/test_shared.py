"""What several scripts share, tested in every copy; all copies have the same text."""

import numpy as np
import pytest
import scipy.special
from conftest import SCRIPTS, load


def copies(name):
    """Parametrize a test over the scripts that have a function of this name."""
    modules = [load(path.parent.name) for path in SCRIPTS]
    cases = [
        pytest.param(getattr(module, name), id=path.parent.name[:2])
        for path, module in zip(SCRIPTS, modules)
        if hasattr(module, name)
    ]
    return pytest.mark.parametrize(name, cases)


Z = np.array([[-800.0, -3.0, 0.0, 0.5, 800.0], [1.0, -1.0, 2.0, 710.0, 0.0]])


@copies("relu")
def test_relu(relu):
    np.testing.assert_array_equal(relu(Z), [[0, 0, 0, 0.5, 800], [1, 0, 2, 710, 0]])


@copies("sigmoid")
def test_sigmoid_cannot_overflow(sigmoid):
    with np.errstate(over="ignore"):  # as a run does: 1 / inf is the right 0
        a = sigmoid(Z)
    np.testing.assert_allclose(a, scipy.special.expit(Z), rtol=1e-12, atol=1e-15)


@copies("softmax")
def test_softmax_is_along_the_last_axis_and_cannot_overflow(softmax):
    for z in (Z, Z[0], np.stack([Z, 2 * Z, -Z])):
        np.testing.assert_allclose(softmax(z), scipy.special.softmax(z, axis=-1))


@copies("log_softmax")
def test_log_softmax_is_exact_where_softmax_underflows(log_softmax):
    for z in (Z, Z[0], np.stack([Z, 2 * Z, -Z])):
        np.testing.assert_allclose(
            log_softmax(z), scipy.special.log_softmax(z, axis=-1)
        )


@copies("accuracy")
def test_accuracy_is_the_share_of_rows_whose_largest_entry_is_right(accuracy):
    a = np.array([[0.1, 0.7, 0.2], [0.5, 0.2, 0.3], [0.2, 0.3, 0.5], [0.4, 0.3, 0.3]])
    assert accuracy(a, np.array([1, 0, 2, 2])) == 0.75


@copies("stop_if_diverged")
def test_a_loss_has_diverged_from_a_thousand_million_on(stop_if_diverged):
    for value in (0.0, 999_999_999.0, -999_999_999.0):
        stop_if_diverged(value, 3)
    for value in (1e9, -1e9, 1.5e9, np.inf, np.nan):
        with pytest.raises(FloatingPointError, match="epoch 3.*smaller --lr"):
            stop_if_diverged(value, 3)


@copies("is_progress_epoch")
def test_about_ten_epochs_print_a_line(is_progress_epoch):
    for epochs, lines in ((1, 1), (7, 7), (40, 11), (1005, 12)):
        printed = [e for e in range(1, epochs + 1) if is_progress_epoch(e, epochs)]
        assert len(printed) == lines and {1, epochs} <= {*printed}
