"""The tutor of ``--mine``: for each slip of each lesson, the sentence that it gets.

``YOUR_TURN`` in tests/test_NN_*.py describes a lesson. Each slip is made in a copy of
the script, as a reader would make it, and the tutor must answer with its sentence.
"""

import functools
import os
import re
import shutil
import subprocess
import sys
import types
from pathlib import Path

import mutation
import numpy as np
import pytest
import tutor
import your_turn
from conftest import ROOT, SCRIPTS, load, project_tests

LESSONS = [path for path in SCRIPTS if hasattr(project_tests(path), "YOUR_TURN")]
EVERY_LESSON = pytest.mark.parametrize("path", LESSONS, ids=lambda p: p.parent.name[:2])
SLIPS = [
    pytest.param(path, slip, id=f"{path.parent.name[:2]}-{slip[0]}-{n}")
    for path in LESSONS
    for n, slip in enumerate(project_tests(path).YOUR_TURN.slips)
]


@functools.cache
def compiled(text, path):
    return compile(text, path, "exec")


@pytest.fixture(autouse=True)
def only_the_lesson_is_compiled_anew(request, monkeypatch):
    """What stands below the ruler is the same in all copies of a script: 8 s less."""

    def module_from_source(source, path, name):
        module = types.ModuleType(name)
        module.__file__ = str(path)
        lesson, ruler, rest = source.partition(your_turn.END_OF_LESSON)
        lines = "\n" * lesson.count("\n")  # so that line numbers stay
        exec(compile(lesson, str(path), "exec"), module.__dict__)
        exec(compiled(lines + ruler + rest, "below"), module.__dict__)
        return module

    if not request.node.get_closest_marker("slow"):
        monkeypatch.setattr(tutor, "module_from_source", module_from_source)


def verdicts(path, mine):
    """Return {function: None or a sentence} of a reader's file."""
    lesson = project_tests(path).YOUR_TURN
    return dict(tutor.review(lesson, load(path.parent.name), mine))


def with_change(path, folder, name, old, new):
    """Write a copy of a script with one change in one function; return its path."""
    source = path.read_text(encoding="utf-8")
    start = source.index(f"\ndef {name}(")
    end = source.find("\n\n\n", start)
    body = source[start:end]
    assert old in body, (name, old)
    mine = folder / f"my_{path.stem}.py"
    mine.write_text(source[:start] + body.replace(old, new) + source[end:], "utf-8")
    return mine


def test_every_lesson_has_its_turn_and_a_hundred_slips_are_known():
    assert len(LESSONS) == len(SCRIPTS)
    assert len(SLIPS) >= 100


def test_the_sentences_for_teachers_are_the_tutors_own():
    """Each row of the front page's table of mistakes is what the tutor says."""
    text = (ROOT / "README.md").read_text("utf-8").split("**Typical mistakes**")[1]
    table = text.split("\n## ")[0]
    rows = re.findall(r"^\| ([^|]+) \| (\d\d) \| ([^|]+) \|$", table, re.MULTILINE)
    assert len(rows) >= 10
    for _, number, sentence in rows:
        (path,) = (p for p in LESSONS if p.parent.name.startswith(number))
        known = [slip[3] for slip in project_tests(path).YOUR_TURN.slips]
        assert sentence in known, (number, sentence)


@EVERY_LESSON
def test_the_script_itself_is_right(path):
    lesson = project_tests(path).YOUR_TURN
    assert verdicts(path, path) == dict.fromkeys(lesson.functions)


@pytest.mark.parametrize("path, slip", SLIPS)
def test_each_slip_gets_its_sentence(path, slip, tmp_path):
    name, old, new, sentence = slip
    found = verdicts(path, with_change(path, tmp_path, name, old, new))
    assert [*found][-1] == name, "the first wrong function is this one"
    assert found[name] == f"{name}: {sentence}"
    assert sentence.endswith(".") and len(sentence) < 200


@EVERY_LESSON
def test_from_blank_to_green_with_sentences_alone(path, tmp_path):
    """Fill the functions in order: the first that is not written yet is always named."""
    lesson = project_tests(path).YOUR_TURN
    source = path.read_text(encoding="utf-8")
    mine = tmp_path / "mine.py"
    names = list(lesson.functions)
    for done in range(len(names) + 1):
        text = your_turn.blank(source, names[done:], lesson.functions)
        mine.write_text(text, encoding="utf-8")
        found = verdicts(path, mine)
        assert all(found[name] is None for name in names[:done])
        if done < len(names):
            assert found[names[done]] == f"{names[done]} is not written yet."
            assert lesson.functions[names[done]] in text


@EVERY_LESSON
def test_blank_functions_keep_their_guide(path):
    lesson = project_tests(path).YOUR_TURN
    source = path.read_text(encoding="utf-8")
    text = your_turn.blank(source, list(lesson.functions), lesson.functions)
    tree = your_turn.functions_of(text)
    for name in lesson.functions:
        assert len(tree[name].body) == 2, f"{name}: a docstring, and nothing computed"
    numbers = re.compile(r"\(\d+\.\d+\)")
    for name, node in your_turn.functions_of(source).items():
        if name in lesson.functions and numbers.search(code_of(source, node)):
            assert numbers.search(code_of(text, tree[name])), name


def code_of(source, node):
    return "\n".join(source.split("\n")[node.lineno - 1 : node.end_lineno])


@EVERY_LESSON
def test_every_step_is_one_line(path, tmp_path):
    lesson = project_tests(path).YOUR_TURN
    source = path.read_text(encoding="utf-8")
    names = list(lesson.functions)
    steps = your_turn.numbered_lines(source, names)
    assert len(steps) >= 3
    for k in {1, len(steps)}:
        text, name, count = your_turn.blank_step(source, names, k)
        assert count == len(steps)
        changed = [a for a, b in zip(source.split("\n"), text.split("\n")) if a != b]
        assert len(changed) == 1
        mine = tmp_path / "mine.py"
        mine.write_text(text, encoding="utf-8")
        assert verdicts(path, mine)[name] is not None


@pytest.mark.slow
@EVERY_LESSON
def test_no_mutation_of_the_mathematics_is_called_right(path, tmp_path):
    """Every change that tests/mutation.py makes there gets a sentence."""
    lesson = project_tests(path).YOUR_TURN
    source = path.read_text(encoding="utf-8")
    collector = mutation.Changes(source)
    for name, node in your_turn.functions_of(source).items():
        if name in lesson.functions and name in ("forward", "loss", "backward"):
            collector.visit(node)
    assert len(collector.found) >= 5
    number = path.parent.name[:2]
    for line, text in collector.found:
        changed = text.splitlines()[line - 1].strip()
        same_here = any(part in changed for part in lesson.equivalent)
        if same_here or (number, changed) in mutation.EQUIVALENT:
            continue
        mine = tmp_path / "mine.py"
        mine.write_text(text, encoding="utf-8")
        sentences = [s for s in verdicts(path, mine).values() if s]
        assert sentences, changed
        assert "Traceback" not in sentences[0] and sentences[0][-1] in ".?"


BREAKS = [
    pytest.param(path, change, id=f"{path.parent.name[:2]}-{n}")
    for path in SCRIPTS
    for n, change in enumerate(getattr(project_tests(path), "BREAKS", []))
]


@EVERY_LESSON
def test_every_page_breaks_its_script_in_two_ways_or_more(path):
    """``BREAKS``: (what the script says, what to put there, the test that notices)."""
    text = (path.parent / "README.md").read_text("utf-8")
    section = re.split(r"^#+ Going further", text[text.index("Break it") :], flags=re.M)[0]
    changes = project_tests(path).BREAKS
    assert len(changes) >= 2
    for old, _, name in changes:
        assert old in path.read_text("utf-8"), old
        assert f"`{name}`" in section, name
    named = set(re.findall(r"`(test_\w+)`", section))
    assert named == {name for _, _, name in changes}


@pytest.mark.slow
@pytest.mark.parametrize("path, change", BREAKS)
def test_what_a_page_breaks_is_noticed_by_the_test_it_names(path, change, tmp_path):
    old, new, name = change
    source, number = path.read_text("utf-8"), path.parent.name[:2]
    assert source.count(old) == 1, old
    copy = tmp_path / path.name
    copy.write_text(source.replace(old, new), "utf-8")
    for beside in path.parent.glob("*.[cn][sp][vz]"):  # the data of 03, 05 and 10
        shutil.copy(beside, tmp_path)
    own = Path(project_tests(path).__file__)
    where = own if f"def {name}(" in own.read_text("utf-8") else own.parent
    files = [own] if where == own else [own.parent / "test_gradients.py"]
    only = name if where == own else f"{name} and {number}-"
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider",
         "-m", "slow or not slow", *map(str, files), "-k", only],
        cwd=ROOT, capture_output=True, text=True, timeout=300,
        env=os.environ | {f"LESSON_{number}": str(copy)},
    )  # fmt: skip
    assert result.returncode == 1, result.stdout[-2000:]
    assert name in result.stdout


# What can be seen without knowing the lesson, on 02 -----------------------------------

XOR = ROOT / "02_xor_mlp/xor_mlp.py"
GENERAL = [
    ("backward", "return {", "return [", "Python cannot read line"),
    ("backward", '"W1": dW1, "b1"', '"w1": dW1, "b1"', "the values of W1 are right, but "
     "stand under the name w1"),
    ("backward", '"b1": db1, ', "", "backward must return W1, b1, W2, b2; yours returns "
     "W1, W2, b2"),
    ("backward", '"W1": dW1', '"W1": dW1.T', "W1 has shape (5, 3); it is the transpose"),
    ("backward", '"W1": dW1', '"W1": dW1.T @ dW1', "W1 has shape (5, 5), but must have"),
    ("backward", '"W1": dW1', '"W1": dW2', "W1 has shape (5, 2), but must have (3, 5). "
     "That is the shape of W2"),
    ("backward", '"b1": db1', '"b1": db1[0]', "keep rows as rows"),
    ("backward", '"W1": dW1', '"W1": -dW1', "W1 is minus the right value"),
    ("backward", '"W1": dW1', '"W1": 0 * dW1', "W1 is zero everywhere"),
    ("backward", '"W1": dW1', '"W1": dW1 / 0', "not finite"),
    ("backward", '"W1": dW1', '"W1": "dW1"', "no array of numbers"),
    ("backward", '"W1": dW1', '"W1": 2 * dW1', "W1 is 2 times too large"),
    ("backward", '"W1": dW1', '"W1": dW1 / len(y)', "1/N may be there twice"),
    ("backward", '"W1": dW1', '"W1": 3.3 * dW1', "W1 is 3.3 times the right value"),
    ("backward", "dW1 = X.mT @ dz1", "dW1 = X[:1].mT @ dz1[:1]", "right in the smallest "
     "case (one example, one unit a layer) and wrong in a larger one"),
    ("backward", "a1, a2 = cache", 'cache["a2"] -= y; a1, a2 = cache', "changes one of "
     "its arguments, cache['a2'], and leaves it changed"),
    ("backward", "dW1 = X.mT @ dz1", "dW1 = X @ dz1", "stops in line"),
    ("backward", '"W1": dW1', '"W1": dW1 + 0.1', "The smallest example: with params['W1'] = "),
    ("sigmoid", "return 1 / (1 + np.exp(-z))", "return np.where(z > 0, 1 / (1 + "
     "np.exp(-z)), 0)", "right where z > 0 and wrong elsewhere"),
    ("sigmoid", "return 1", "1", "it returns nothing"),
    ("forward", "z1 = X", "raise ValueError('no')\n    z1 = X", "forward stops in line"),
    ("forward", "z1 = X", "exit()\n    z1 = X", "forward stops in line"),
    ("forward", "z1 = X", "while True: pass\n    z1 = X", "does a loop never end?"),
    ("forward", "z1 = X", "X['a']\n    z1 = X", "only a dict takes names"),
    ("forward", "z1 = X @", "z1 = ... @", "or a `...` that is left"),
    ("forward", "z1 = X @", "z1 = X + ... @", "or a `...` that is left"),
    ("forward", 'params["b1"]', "...", "a `...` is left"),
    ("sigmoid", "return 1 / (1 + np.exp(-z))", "return [1 / (1 + np.exp(-v)) for v in z]",
     "must return an array, not a list"),
    ("sigmoid", "return 1 / (1 + np.exp(-z))", "return 1 / (1 + np.exp(-z)) + 1e-6",
     "I expect"),
    ("backward", '"b1": db1', '"b1": db1[None]', "in the shape (1, 1, 5) instead of (1, 5)."),
]  # fmt: skip


@pytest.mark.parametrize("name, old, new, words", GENERAL)
def test_what_can_be_seen_without_knowing_the_lesson(
    name, old, new, words, tmp_path, monkeypatch
):
    monkeypatch.setattr(tutor, "LIMIT", 1)
    mine = with_change(XOR, tmp_path, name, old, new)
    assert words in [*verdicts(XOR, mine).values()][-1]


def test_a_tuple_is_asked_for_and_either_sign_of_a_direction_is_right(tmp_path):
    path = ROOT / "04_nn_visualizer/nn_visualizer.py"
    mine = with_change(path, tmp_path, "forward", "return z, a", "return [z, a]")
    text = "forward must return z, a, with commas between them; yours returns a list."
    assert verdicts(path, mine)["forward"] == text
    mine = with_change(path, tmp_path, "forward", "return z, a", "return z")
    assert verdicts(path, mine)["forward"].endswith("yours returns a dict.")
    path = ROOT / "06_loss_landscape/loss_landscape.py"
    mine = with_change(path, tmp_path, "plane_of_path", "].T  # (2, P)", "].T * -1  #")
    assert verdicts(path, mine)["plane_of_path"] is None


def test_what_is_right_for_one_network_only_is_told(tmp_path):
    path = ROOT / "06_loss_landscape/loss_landscape.py"
    for name, old, new in (("line_loss", ", axis=-1", ""), ("backward", ".mT", ".T"),
                           ("unpack", "theta.shape[-1]", "len(theta)")):  # fmt: skip
        mine = with_change(path, tmp_path, name, old, new)
        assert "not for a stack of several" in verdicts(path, mine)[name]


def test_two_slips_at_once_get_the_general_sentence(tmp_path):
    mine = with_change(XOR, tmp_path, "backward", "da1 * a1 * (1 - a1)", "da1 * a1")
    text = mine.read_text("utf-8").replace("(a2 - y) * a2 * (1 - a2)", "(a2 - y)")
    mine.write_text(text, "utf-8")
    assert "not by a slip that I know" in verdicts(XOR, mine)["backward"]


def test_a_missing_file_or_function(tmp_path):
    assert "no file" in verdicts(XOR, tmp_path / "none.py")["sigmoid"]
    mine = tmp_path / "mine.py"
    mine.write_text("x = 1\n", "utf-8")
    assert "no function sigmoid" in verdicts(XOR, mine)["sigmoid"]
    mine.write_text("import nonsense_that_is_not_there\n", "utf-8")
    assert "cannot be imported" in verdicts(XOR, mine)["sigmoid"]


def session(folder, *flags, status=0):
    """Run a command in a copy of the repository; return what it printed."""
    result = subprocess.run(
        [sys.executable, *flags], cwd=folder, capture_output=True, text=True,
        timeout=120, encoding="utf-8",
    )  # fmt: skip
    assert result.returncode == status, result.stdout + result.stderr
    return result.stdout + result.stderr


@pytest.mark.slow
def test_a_students_session(tmp_path):
    """From the command that the README names to a green suite, outside the repository."""
    copy = tmp_path / "ein Ort"
    for folder in ("tests", "02_xor_mlp"):
        shutil.copytree(
            ROOT / folder,
            copy / folder,
            ignore=shutil.ignore_patterns("output", "__pycache__", "images"),
        )
    for path in SCRIPTS:  # the suite counts them
        (copy / path.parent.name).mkdir(exist_ok=True)
        shutil.copy(path, copy / path.parent.name)
    shutil.copy(ROOT / "pyproject.toml", copy)
    before = {p for p in copy.rglob("*") if p.is_file()}
    out = session(copy, "tests/your_turn.py", "02")
    mine = copy / "02_xor_mlp/output/my_xor_mlp.py"
    assert mine.exists() and "--mine 02_xor_mlp/output/my_xor_mlp.py" in out
    new = {p for p in copy.rglob("*") if p.is_file() and "__pycache__" not in p.parts}
    assert {p for p in new - before} == {mine}
    again = session(copy, "tests/your_turn.py", "02", status=2)
    assert "is yours" in again and again.count("\n") == 1
    ask = ["-m", "pytest", "-p", "no:cacheprovider", "tests/test_02_xor_mlp.py",
           "--mine", "02_xor_mlp/output/my_xor_mlp.py"]  # fmt: skip
    out = session(copy, *ask, status=1)
    assert "Right: none yet." in out
    assert "sigmoid is not written yet." in out
    assert "Traceback" not in out and "Error" not in out
    mine.write_text(XOR.read_text("utf-8"), "utf-8")
    assert "Right: sigmoid, neuron, forward, loss, backward, train." in session(copy, *ask)
    assert "none of" in session(
        copy, "tests/your_turn.py", "02", "--only", "x", status=2
    )
    assert "from 1 to" in session(
        copy, "tests/your_turn.py", "02", "--step", "99", status=2
    )
    session(copy, "tests/your_turn.py", "02", "--only", "backward")
    session(copy, "tests/your_turn.py", "2", "--step", "1")
    assert (copy / "02_xor_mlp/output/my_xor_mlp_backward.py").exists()


def test_near_is_strict_enough():
    a = np.array([1.0, 1e-3])
    assert tutor.near(a, a * (1 + 1e-8)) and not tutor.near(a, a * (1 + 1e-4))
    assert not tutor.near(a, a[:, None]) and not tutor.near(a, np.array([1, None]))
