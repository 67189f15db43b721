"""The tutor: compares a reader's functions with the lesson's, and says what it sees.

    python -m pytest tests/test_02_xor_mlp.py --mine 02_xor_mlp/output/my_xor_mlp.py

Each tests/test_NN_*.py describes its lesson in ``YOUR_TURN``, a ``Lesson``. For every
function, in order, the tutor calls the script's own function and the reader's with the
same arguments, on networks whose sizes all differ, and compares what comes back. If it
differs, the tutor looks for a reason that explains the difference exactly: a transpose,
a sign, a factor, another name, or one of the lesson's ``slips``: changes to the
script's line whose results it computes. It never reads the reader's text. If nothing
explains the difference, it shows the smallest example.
"""

import contextlib
import copy
import functools
import inspect
import io
import re
import signal
import traceback
import types
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

LIMIT = 20  # seconds for one call of a reader's function


@dataclass
class Lesson:
    """What the tutor knows of a lesson.

    ``functions``: {name: one line of advice}, in the order in which they are written.
    ``calls(script, rng, N)``: {name: a list of argument tuples}, made with the script's
    own functions, for N examples; N = 1 gives the smallest network. ``names``: {name of
    a function: names of what it returns, where it returns a tuple}. ``slips``: (function,
    what the script says, what a reader may write, sentence). ``factors(N)``: {value:
    sentence} for results that are so many times too large. ``equivalent``: parts of lines
    that only a stack of networks would tell from the script's. ``forms``: {name: a
    function of its result} where several results are right, as with either sign of an
    eigenvector: it turns each of them into the same one.
    """

    functions: dict
    calls: Callable
    slips: list
    names: dict = field(default_factory=dict)
    factors: Callable = lambda N: {}
    equivalent: tuple = ()
    forms: dict = field(default_factory=dict)


class Sentence(Exception):
    """What the tutor says."""


class Exploded(Sentence):
    """What the tutor says when training diverges."""


def near(a, b):
    """Say whether two arrays have the same shape and the same numbers."""
    a, b = np.asarray(a), np.asarray(b)
    if "U" in (a.dtype.kind, b.dtype.kind):  # names, as those of 04's activations
        return np.array_equal(a, b)
    if a.shape != b.shape or "O" in (a.dtype.char, b.dtype.char):
        return False
    if a.dtype.kind == "U" or b.dtype.kind == "U":  # a name
        return bool(np.all(a == b))
    size = np.abs(b[np.isfinite(b)]).max(initial=0)
    return np.allclose(a, b, rtol=1e-6, atol=1e-9 + 1e-7 * size, equal_nan=True)


def flatten(value, names=None, name=""):
    """Return {name: array} for an array, a dict, a tuple or list of them, nested."""
    if isinstance(value, dict):
        pairs = [(f"{name}[{k!r}]" if name else str(k), v) for k, v in value.items()]
    elif isinstance(value, tuple):
        count = range(1, len(value) + 1)
        given = names or [f"{name}[{i - 1}]" if name else f"part {i}" for i in count]
        pairs = list(zip(given, value))
        if len(pairs) != len(value):
            pairs += [(f"part {i}", v) for i, v in enumerate(value)][len(pairs) :]
    elif isinstance(value, list) and not any(
        isinstance(v, dict | tuple | np.ndarray) for v in value
    ):
        return {name or "the result": np.array(value)}
    elif isinstance(value, list):
        pairs = [(f"{name}[{i}]", v) for i, v in enumerate(value)]
    else:
        return {name or "the result": value}
    flat = {}
    for key, part in pairs:
        flat |= flatten(part, None, key)
    return flat


def named(function, args):
    """Return {name: array} for arguments, by the names of the parameters."""
    return flatten(tuple(args), tuple(inspect.signature(function).parameters))


def quiet_call(function, args):
    """Call a function on copies of the arguments; return its result and the copies."""
    args = copy.deepcopy(args)
    with contextlib.redirect_stdout(io.StringIO()), np.errstate(all="ignore"):
        return function(*args), args


def module_from_source(source, path, name):
    """Execute a script's source as a module of its own."""
    module = types.ModuleType(name)
    module.__file__ = str(path)
    exec(compile(source, str(path), "exec"), module.__dict__)
    return module


def load_mine(path):
    """Return the reader's file as a module, or say what keeps it from being one."""
    path = Path(path)
    if not path.is_file():
        raise Sentence(f"There is no file {path}. Write one with tests/your_turn.py.")
    try:
        return module_from_source(path.read_text(encoding="utf-8"), path, "mine")
    except SyntaxError as error:
        raise Sentence(
            f"Python cannot read line {error.lineno} of your file: {error.msg}."
        ) from None
    except Exception as error:
        raise Sentence(
            f"Your file cannot be imported: {type(error).__name__}: {error}."
        ) from None


def where_it_stopped(error, path, name):
    """Return "line 12, `the line`" of the reader's file, in this function if possible."""
    frames = [*reversed(traceback.extract_tb(error.__traceback__))]
    for frame in sorted(frames, key=lambda frame: frame.name != name):
        if Path(frame.filename) == Path(path):
            text = Path(path).read_text(encoding="utf-8").splitlines()
            return f"line {frame.lineno}, `{text[frame.lineno - 1].strip()}`"
    return "a line outside your file"


def call_mine(script, mine, name, args):
    """Call the reader's function; turn everything that goes wrong into a sentence."""
    function = getattr(mine, name, None)
    if function is None:
        raise Sentence(f"Your file has no function {name}.")
    try:
        with time_limit():
            result, after = quiet_call(function, args)
    except NotImplementedError as error:
        text = str(error) or f"{name} is not written yet."
        raise Sentence(text) from None
    except FloatingPointError as error:
        raise Exploded(
            f"{name} makes the loss explode. Look at the sign of the step, and at its "
            "roots, squares and brackets."
        ) from error
    except TimeoutError:
        raise Sentence(
            f"{name} has not come back after {LIMIT} seconds: does a loop never end?"
        ) from None
    except (Exception, SystemExit) as error:
        words = (str(error).splitlines() or [""])[0]
        if "matmul" in words:
            sizes = re.search(r"size (\d+) is different from (\d+)", words)
            there = f" ({sizes[2]} columns, and {sizes[1]} rows)" if sizes else ""
            if "enough dimensions" in words:
                words = "a factor of @ is a single number, or a `...` that is left"
            else:
                words = "the shapes of the two factors of @ do not fit" + there
        if "only integers, slices" in words:
            words = "an array takes numbers between [ ]; only a dict takes names"
        if "'ellipsis'" in words:
            raise Sentence(
                f"{name} is not whole yet: a `...` is left in or before "
                f"{where_it_stopped(error, mine.__file__, name)}."
            ) from None
        raise Sentence(
            f"{name} stops in {where_it_stopped(error, mine.__file__, name)}: "
            f"{type(error).__name__}: {words[:120]}."
        ) from None
    if result is None or result is Ellipsis:
        words = [f"{k} = {v!r}" for k, v in named(function, args).items() if type(v) is str]
        case = f" for {words[0]}" if len(words) == 1 else ""
        raise Sentence(
            f"{name} is not written yet: it returns nothing{case} (print is no return)."
        )
    before, now = (named(getattr(script, name), a) for a in (args, after))
    for key in before:
        if np.asarray(before[key]).dtype.char == "O":  # a generator, a name, None
            continue
        if key not in now or not near(now[key], before[key]):
            raise Sentence(
                f"{name} changes one of its arguments, {key}, and leaves it changed. The "
                "caller still needs it as it was: work on a copy, or put it back."
            )
    return result


@contextlib.contextmanager
def time_limit():
    """End a loop of the reader's that never ends, where the system has alarms."""
    if not hasattr(signal, "SIGALRM"):  # Windows
        yield
        return

    def stop(*_):
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(LIMIT)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def numbers(value, precision=4):
    """Return an array as short text."""
    with np.printoptions(precision=precision, suppress=True, threshold=12):
        return " ".join(str(np.asarray(value)).split())


def expected(true, mine):
    """Return "I expect ..., and got ..." with as many digits as tell them apart."""
    for precision in (4, 6, 9, 12):
        texts = numbers(true, precision), numbers(mine, precision)
        if texts[0] != texts[1]:
            break
    return "I expect {}, and got {}.".format(*texts)


def listed(names):
    """Return names in a row, not more than six of them."""
    rest = f" and {len(names) - 6} more" if len(names) > 6 else ""
    return ", ".join(list(names)[:6]) + rest


@functools.cache
def compiled_slip(path, name, old, new):
    """Return the code of a script's function with one change."""
    source = Path(path).read_text(encoding="utf-8")
    start = source.index(f"\ndef {name}(")
    body = source[start : source.find("\n\n\n", start)]
    assert old in body, f"{name} holds no {old!r}"
    return compile(body.replace(old, new), path, "exec")


def slipped(script, name, old, new):
    """Return the script's function with one change; the rest is the script's own."""
    names = dict(vars(script))  # to compile one function is 10 times as fast as all
    exec(compiled_slip(script.__file__, name, old, new), names)
    return names[name]


def simple_reason(key, mine, true, others, factors):
    """Return a sentence for what can be seen at one array alone, or None."""
    m, t = np.asarray(mine), np.asarray(true)
    if mine is Ellipsis:
        return f"{key} is `...`: a blank is left."
    if m.dtype.char == "O" or (m.dtype.kind not in "fiub"):
        return f"{key} is no array of numbers."
    if m.shape != t.shape:
        if m.ndim == 2 and near(m.T, t):
            return f"{key} has shape {m.shape}; it is the transpose of the right array."
        if m.size == t.size and near(m.ravel(), t.ravel()):
            text = f"{key} has the right numbers in the shape {m.shape} instead of "
            wide = [size for size in t.shape if size > 1]
            if m.ndim < t.ndim and [size for size in m.shape if size > 1] == wide:
                kept = "keep rows as rows (keepdims=True)" if m.ndim else "a row is wanted"
                return text + f"{t.shape}: {kept}."
            return text + f"{t.shape}."
        same = [k for k, v in others.items() if k != key and np.shape(v) == m.shape]
        like = f" That is the shape of {same[0]}." if same else ""
        return f"{key} has shape {m.shape}, but must have {t.shape}.{like}"
    for other, value in others.items():
        # By chance, one number may be the same, or the same one many times.
        told_apart = m.size > 1 and m.dtype.kind in "fi" and np.any(t) and np.ptp(m)
        if other != key and told_apart and near(m, value) and not near(t, value):
            return f"What you call {key} is right, but it is {other}."
    if not np.all(np.isfinite(m)):
        return f"{key} holds numbers that are not finite."
    if np.any(t) and not np.any(m):
        return f"{key} is zero everywhere, and should not be."
    if m.ndim == 2 and m.shape[0] == m.shape[1] and near(m.T, t):
        return f"{key} is the transpose of the right array."
    for factor, text in {
        -1: "minus the right value: look at the signs",
        **factors,
    }.items():
        if near(m, factor * t):
            return f"{key} is {text}."
    return None


def ratio_reason(key, mine, true):
    """Return a sentence for an array that is a constant times the right one."""
    m, t = np.asarray(mine, dtype=float), np.asarray(true, dtype=float)
    if m.shape != t.shape or t.size < 3 or not np.all(np.isfinite(m)) or not np.any(t):
        return None
    i = np.abs(t).argmax()
    ratio = m.ravel()[i] / t.ravel()[i]
    if near(m, ratio * t):
        return f"{key} is {ratio:.4g} times the right value."
    return None


def compare(lesson, script, mine, name, calls_by_n):
    """Raise a Sentence if the reader's function is wrong."""
    for n, calls in calls_by_n.items():
        for i, args in enumerate(calls[name]):
            try:
                diagnose(lesson, script, mine, name, args, n, calls_by_n)
            except Sentence as found:
                words = [arg for arg in args if isinstance(arg, str)]
                twins = [[arg for arg in other if isinstance(arg, str)]
                         for other in plain(calls[name])]  # of one network; all are right
                if i and is_stack(args, calls[name][0]) and words in twins:
                    where = f" Here {found}" if " stops in " in str(found) else ""
                    raise Sentence(
                        f"{name} is right for one network, and not for a stack of "
                        "several, whose arrays have one more axis in front. Count axes "
                        "from the end: .mT for .T, axis=-2 for axis=0, axis=-1 for "
                        "axis=1, X[..., k] for X[:, k], y.shape[-2] for len(y), one "
                        f"result for each network.{where}"
                    ) from None
                raise


def is_stack(args, first):
    """Say whether an array among the arguments has more axes than in the first call."""
    sizes, own = (flatten(tuple(each)) for each in (args, first))
    return any(np.ndim(sizes[k]) > np.ndim(own[k]) for k in sizes.keys() & own.keys())


def plain(calls):
    """Return the calls without those of a stack of networks."""
    return [args for args in calls if not is_stack(args, calls[0])]


def same(mine, true):
    """Say whether two flat results hold the same arrays."""
    return mine.keys() == true.keys() and all(near(mine[k], true[k]) for k in true)


def diagnose(lesson, script, mine, name, args, n, calls_by_n):
    names = lesson.names.get(name)
    right = quiet_call(getattr(script, name), args)[0]
    try:
        given = call_mine(script, mine, name, args)
    except Exploded as found:
        for function, old, new, sentence in lesson.slips:
            try:
                if function == name:
                    quiet_call(slipped(script, name, old, new), args)
            except FloatingPointError as error:
                text = str(error)  # nan may come from anything; a number is a proof
                if text == str(found.__cause__) and "nan" not in text:
                    raise Sentence(f"{name}: {sentence}") from None
            except Exception:
                continue
        raise
    look_at_kind(name, given, right, names)
    true, got = (flatten(in_form(lesson, name, each), names) for each in (right, given))
    if same(got, true):
        return
    if got.keys() != true.keys():
        missing = [k for k in true if k not in got]
        unknown = [k for k in got if k not in true]
        if missing and unknown:
            for k in unknown:
                for m in missing:
                    if near(got[k], true[m]):
                        raise Sentence(
                            f"{name}: the values of {m} are right, but stand under the "
                            f"name {k}. Are all in the right order?"
                        )
        raise Sentence(
            f"{name} must return {listed(true)}; yours returns {listed(got) or 'nothing'}."
        )
    wrong = [k for k in true if not near(got[k], true[k])]
    first = min(wrong, key=layer_of) if name == "forward" else wrong[0]
    for function, old, new, sentence in lesson.slips:
        if function == name:
            try:
                slip = quiet_call(slipped(script, name, old, new), args)[0]
                slip = in_form(lesson, name, slip)
            except Exception:
                continue  # a slip that does not run with these sizes
            if same(flatten(slip, names), got):
                raise Sentence(f"{name}: {sentence}")
    factors = {
        n: f"{n} times too large, and there are {n} examples: 1/N may be missing",
        1 / n: f"{n} times too small, and there are {n} examples: 1/N may be there twice",
        2: "2 times too large",
        0.5: "2 times too small",
    }
    if n == 1:
        factors = {}
    own = lesson.factors(n)
    known = inspect.signature(getattr(script, name)).parameters
    if "lr" not in known and "args" not in known:
        own = {k: v for k, v in own.items() if "lr" not in v and k not in (0.7, 1 / 0.7)}
    factors = {k: v for k, v in {**factors, **own}.items() if k != 1}
    for factor, text in {
        -1: "minus the right value: look at the signs",
        **factors,
    }.items():
        if all(
            np.any(true[k]) and near(got[k], factor * np.asarray(true[k]))
            for k in wrong
        ):
            if len(wrong) > 1:
                raise Sentence(f"{name}: {listed(wrong)} are each {text}.")
    reason = simple_reason(first, got[first], true[first], true, factors)
    inputs = named(getattr(script, name), args)
    reason = reason or sign_reason(first, got[first], true[first], inputs)
    if reason is None and n > 1 and 1 in calls_by_n:
        alone = [
            one_is_right(script, mine, name, a)
            for a in plain(calls_by_n[1][name])
            if says_something(script, name, a, names, first)
        ]
        if alone and all(alone):
            reason = (
                f"{first} is right in the smallest case (one example, one unit a layer) "
                "and wrong in a larger one: what is added up there, and what kept apart?"
            )
    reason = reason or ratio_reason(first, got[first], true[first])
    if reason is None:
        raise Sentence(
            f"{name}: {smallest(script, mine, name, calls_by_n, names, first)}"
        )
    raise Sentence(f"{name}: {reason}")


def in_form(lesson, name, result):
    """Return the one of several right results that is compared."""
    with contextlib.suppress(Exception):  # of another shape: said later
        return lesson.forms.get(name, lambda same: same)(result)
    return result


def look_at_kind(name, given, right, names, where=""):
    """Raise a Sentence if the result is another kind of thing than the script's."""
    kind = {list: "a list", dict: "a dict", tuple: "several values"}
    kind = kind.get(type(given), "one value")
    if isinstance(right, tuple) and not where:
        what = ", ".join(names) if names else f"{len(right)} values"
        if not isinstance(given, tuple):
            raise Sentence(
                f"{name} must return {what}, with commas between them; yours returns {kind}."
            )
        if len(given) != len(right):
            raise Sentence(f"{name} must return {what}; yours returns {len(given)} values.")
    if isinstance(given, tuple) and not isinstance(right, tuple) and not where:
        raise Sentence(
            f"{name} must return one value; yours returns {len(given)} in a row of "
            "commas: is there a comma too many?"
        )
    if isinstance(right, dict) and not isinstance(given, dict) and not where:
        keys = listed([repr(k) for k in right])
        raise Sentence(f"{name} must return a dict with {keys}; yours returns {kind}.")
    if isinstance(right, np.ndarray) and isinstance(given, list):
        what = f"return an array{where}"
        raise Sentence(f"{name} must {what}, not a list: np.array(...) makes one.")
    if isinstance(right, tuple) and isinstance(given, tuple) and len(given) == len(right):
        for k, (part, own) in enumerate(zip(given, right)):
            called = names[k] if names and not where else f"part {k}"
            look_at_kind(name, part, own, names, f"{where} in {called}")
    if isinstance(right, dict) and isinstance(given, dict):
        for k in right.keys() & given.keys():
            look_at_kind(name, given[k], right[k], names, f"{where} at {k!r}")


def says_something(script, name, args, names, key):
    """Say whether the right result at ``key`` is neither 0 nor one of the arguments."""
    true = flatten(quiet_call(getattr(script, name), args)[0], names)
    inputs = named(getattr(script, name), args)
    if key not in true or not np.any(true[key]):
        return False
    return not any(near(true[key], value) for value in inputs.values())


def one_is_right(script, mine, name, args):
    """Say whether the reader's function is right for these arguments."""
    true = flatten(quiet_call(getattr(script, name), args)[0])
    try:
        return same(flatten(quiet_call(getattr(mine, name), args)[0]), true)
    except Exception:
        return False


def layer_of(key):
    """Return the number of a layer in a name like z[2] or a1, or 0."""
    found = re.search(r"\d+", key)
    return int(found[0]) if found else 0


def sign_reason(key, mine, true, inputs):
    """Return a sentence for a result that is right only where an input is positive."""
    wrong = ~np.isclose(np.asarray(mine), np.asarray(true), rtol=1e-6, atol=1e-9)
    for name, value in inputs.items():
        z = np.asarray(value)
        if "z" not in name:  # by chance: nothing is decided by the sign of a weight
            continue
        if z.shape == wrong.shape and z.dtype.kind == "f" and (z > 0).any():
            if not wrong[z > 0].any() and wrong[z <= 0].any() and (z <= 0).sum() > 1:
                return f"{key} is right where {name} > 0 and wrong elsewhere."
            if not wrong[z <= 0].any() and wrong[z > 0].any() and (z <= 0).sum() > 1:
                return f"{key} is right where {name} is not above 0, and wrong elsewhere."
    return None


def smallest(script, mine, name, calls_by_n, names, first):
    """Return a sentence with the smallest example in which the function is wrong."""
    for n in sorted(calls_by_n):
        for args in plain(calls_by_n[n][name]):
            true = flatten(quiet_call(getattr(script, name), args)[0], names)
            try:
                got = flatten(quiet_call(getattr(mine, name), args)[0], names)
            except Exception:
                continue
            for key in sorted(true, key=layer_of) if name == "forward" else true:
                if key in got and not near(got[key], true[key]):
                    inputs = "; ".join(
                        f"{k} = {numbers(v)}"
                        for k, v in named(getattr(script, name), args).items()
                        if np.size(v) <= 12 and np.asarray(v).dtype.char != "O"
                    )
                    given = f"with {inputs} " if inputs else ""
                    return (
                        f"{key} is wrong, and not by a slip that I know. The smallest "
                        f"example: {given}{expected(true[key], got[key])}"
                    )
    return f"{first} is wrong, and not by a slip that I know."


def review(lesson, script, path):
    """Yield (function, None or the sentence) until the first that is wrong."""
    try:
        mine = load_mine(path)
    except Sentence as sentence:
        yield next(iter(lesson.functions)), str(sentence)
        return
    rng = np.random.default_rng(1)
    with contextlib.redirect_stdout(io.StringIO()):
        calls_by_n = {n: lesson.calls(script, rng, n) for n in (7, 1)}
    for name in lesson.functions:
        try:
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of infinite numbers: the tutor's words
                compare(lesson, script, mine, name, calls_by_n)
        except Sentence as sentence:
            yield name, str(sentence)
            return
        yield name, None


class Function(pytest.Item):
    """One function of the reader's file; pytest reports it like a test."""

    def __init__(self, *, verdict, **kwargs):
        super().__init__(**kwargs)
        self.verdict = verdict

    def runtest(self):
        if self.verdict is not None:
            raise Sentence(self.verdict)

    def repr_failure(self, excinfo):
        return str(excinfo.value)

    def reportinfo(self):
        return self.path, 0, self.name


def items_for(session, module, mine):
    """Return one pytest item for each function that was looked at."""
    script = module.script
    lesson = module.YOUR_TURN
    verdicts = review(lesson, script, mine)
    return [
        Function.from_parent(session, name=name, verdict=verdict)
        for name, verdict in verdicts
    ]
