"""What every test shares: scripts, numerical gradients and the TensorFlow oracle."""

import importlib
import importlib.util
import os
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # as every script does, before NumPy
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # no start-up chatter

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure

matplotlib.use("agg")
ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = sorted(ROOT.glob("[0-9][0-9]_*/*.py"))


def load(folder):
    """Import and return the one script of ``folder``, whose name begins with digits.

    LESSON_02 in the environment names a changed copy to test in the place of 02's.
    """
    (path,) = (ROOT / folder).glob("*.py")
    path = Path(os.environ.get(f"LESSON_{folder[:2]}", path))
    if path.stem not in sys.modules:
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        sys.modules[path.stem] = module
        spec.loader.exec_module(module)
    return sys.modules[path.stem]


def project_tests(script):
    """Return the module tests/test_NN_*.py that belongs to the script at this path."""
    (path,) = (ROOT / "tests").glob(f"test_{script.parent.name[:2]}_*.py")
    return importlib.import_module(path.stem)


def pytest_addoption(parser):
    parser.addoption("--mine", metavar="FILE", help="your copy of a lesson's script")


def pytest_collection_modifyitems(session, config, items):
    """With ``--mine FILE`` the tutor looks at the reader's file; no other test runs."""
    if not config.getoption("--mine"):
        return
    import tutor

    modules = {item.module for item in items if hasattr(item.module, "YOUR_TURN")}
    if len(modules) != 1:
        raise pytest.UsageError("--mine needs one file: tests/test_02_xor_mlp.py")
    items[:] = tutor.items_for(session, modules.pop(), config.getoption("--mine"))


def pytest_terminal_summary(terminalreporter, config):
    """With ``--mine FILE``, name the functions that are right: pytest prints dots."""
    if config.getoption("--mine"):
        right = [r.nodeid.split("::")[-1] for r in terminalreporter.stats.get("passed", [])]
        terminalreporter.write_line(f"Right: {', '.join(right) or 'none yet'}.")


@dataclass
class GradientCase:
    """A small network on which test_gradients.py checks a project's ``backward``.

    ``sizes`` are N, D, H, K ... of the network: all different, so that a lost transpose
    or axis cannot hide. ``kinks(cache)`` lists the arrays whose sign changes are kinks.
    ``params`` and grads are flat dicts, {"W1": ..., "b1": ...}; ``split`` and ``join``
    translate for the lessons that number their layers. A cache is a dict of arrays, or
    a tuple of such dicts.
    """

    name: str
    sizes: tuple
    params: dict
    forward: Callable  # params -> cache
    loss: Callable  # cache -> float
    backward: Callable  # params, cache -> grads
    tf_loss: Callable  # tf, {name: tf.Variable} -> the same loss, written in TensorFlow
    kinks: Callable = lambda cache: []


def split(params):
    """Return {"W1": ..., "b1": ...} as two dicts numbered by layer, W and b."""
    W = {int(name[1:]): value for name, value in params.items() if name[0] == "W"}
    b = {int(name[1:]): value for name, value in params.items() if name[0] == "b"}
    return W, b


def join(W, b):
    """Return two dicts numbered by layer as one, {"W1": ..., "b1": ...}."""
    named = {f"W{k}": value for k, value in W.items()}
    return named | {f"b{k}": value for k, value in b.items()}


def numerical_gradient(function, params, h=1e-5):
    """Return the central differences of ``function(params)`` for every parameter."""
    grads = {}
    for key in params:
        grads[key] = np.zeros(np.shape(params[key]))
        for i in np.ndindex(grads[key].shape):
            slopes = []
            for sign in (1, -1):
                moved = {k: np.array(v, dtype=float) for k, v in params.items()}
                moved[key][i] += sign * h
                slopes.append(sign * function(moved))
            grads[key][i] = sum(slopes) / (2 * h)
    return grads


def relative_error(a, b):
    """Return |a - b| / (|a| + |b|), and 0 where both vanish."""
    a, b = np.asarray(a), np.asarray(b)
    scale = np.linalg.norm(a) + np.linalg.norm(b)
    return np.linalg.norm(a - b) / scale if scale > 0 else 0.0


@pytest.fixture(autouse=True)
def strict_warnings(monkeypatch):
    """A run hides warnings from its reader; it must not hide them from the tests."""
    monkeypatch.setattr(sys, "warnoptions", ["error"])


@pytest.fixture
def undrawn(monkeypatch):
    """Write empty pictures: to draw takes most of the time of a short run."""
    monkeypatch.setattr(Figure, "savefig", lambda figure, path, **settings: path.touch())


@pytest.fixture
def rng():
    """A generator that starts the same in every test."""
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def tf():
    """TensorFlow, or a skip with the reason where it is not installed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its imports warn of its own affairs
        return pytest.importorskip("tensorflow", reason="TensorFlow is not installed")
