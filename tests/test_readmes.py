"""Every README against its script: quoted code, commands, links and numbers.

A number that a run measures is followed by its key in ``images/metrics.json``, in a
comment that GitHub does not show: ``98.4 %<!-- test_accuracy -->``. The file is
written, with the pictures, by the script's default run, which the slow half repeats.
``<!-- seeds:test_mean -->`` is a number of ``images/seeds.json``, the metrics of a run
with other flags, which stand in it as ``settings``. ``$\\sigma(1) = 0.7311$<!--
worked:a -->`` is a number worked by hand: ``worked()`` in the tests of that lesson
computes it again with the functions of the script; where many networks must be trained
for it, ``measured()`` does, which the slow half calls.
"""

import functools
import json
import re
import shlex
import shutil

import pytest
from conftest import ROOT, SCRIPTS, load, project_tests
from test_scripts import copy_alone, run

EVERY_SCRIPT = pytest.mark.parametrize("path", SCRIPTS, ids=lambda p: p.parent.name[:2])
NUMBER = r"[-−]?\d[\d,]*(?:\.\d+)?(?:e-?\d+)?"


def readme(path):
    return (path.parent / "README.md").read_text(encoding="utf-8")


def blocks(text, language):
    """Return the contents of the fenced blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.M | re.S)


def commands(path):
    """Return the flags of every command in the README that runs this script."""
    lines = "\n".join(blocks(readme(path), "console") + blocks(readme(path), "bash"))
    pattern = rf"^(?:\$ )?python {re.escape(path.name)}(.*?)(?:#.*)?$"
    return [shlex.split(flags) for flags in re.findall(pattern, lines, flags=re.M)]


def to_float(text):
    return float(text.replace(",", "").replace("−", "-"))


@functools.cache
def worked(path):
    """Return the worked numbers of a lesson by name."""
    return project_tests(path).worked()


@functools.cache
def measured(path):
    """Return the numbers of a lesson that take seconds of training, by name."""
    return getattr(project_tests(path), "measured", dict)()


def is_quick(path, key):
    """Say whether a number is found without training: not by ``measured``."""
    slow = hasattr(project_tests(path), "measured") and key.startswith("worked:")
    return not slow or key.removeprefix("worked:") in worked(path)


def lookup(path, key):
    """Return metrics["a"]["b"][0] for the key a.b.0, or file:a.b.0, of a script."""
    file, _, key = key.rpartition(":")
    if file == "worked":
        return float((worked if key in worked(path) else measured)(path)[key])
    file = path.parent / "images" / f"{file or 'metrics'}.json"
    metrics = json.loads(file.read_text(encoding="utf-8"))
    for part in key.split("."):
        metrics = metrics[int(part)] if isinstance(metrics, list) else metrics[part]
    return float(metrics)


def stated_numbers(text):
    """Yield (number as text, is a percentage, key) for each number with a key."""
    mark = r"(?:\*\*|`|\$)*"
    pattern = rf"({NUMBER}){mark}(?:\s?(\\?%))?{mark}<!-- ([\w.:/ -]+) -->"
    for number, percent, key in re.findall(pattern, text):
        yield number, bool(percent), key


def check_number(path, text, percent, key):
    """Assert that a stated number is the one in the file, correctly rounded."""
    decimals = len(text.split("e")[0].partition(".")[2])
    unit = 10.0 ** (-decimals + int(text.partition("e")[2] or 0))
    value = lookup(path, key) * (100 if percent else 1)
    assert abs(to_float(text) - value) <= 0.5001 * unit, f"{key}: {text} for {value}"


@EVERY_SCRIPT
def test_quoted_code_stands_in_the_script(path):
    lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    quoted = blocks(readme(path), "python")
    assert quoted, "a README quotes the code that computes its equations"
    for block in quoted:
        wanted = [line.strip() for line in block.splitlines() if line.strip()]
        assert any(lines[i : i + len(wanted)] == wanted for i in range(len(lines))), (
            block
        )


@EVERY_SCRIPT
def test_equation_numbers_agree(path):
    number = rf"\({int(path.parent.name[:2])}\.\d+\)"
    in_code = set(re.findall(number, path.read_text(encoding="utf-8")))
    tags = set(re.findall(r"\\tag\{(\d+\.\d+)\}", readme(path)))
    assert in_code and in_code <= {f"({tag})" for tag in tags}


@EVERY_SCRIPT
def test_links_and_pictures_exist(path):
    prose = re.sub(r"^```.*?^```", "", readme(path), flags=re.M | re.S)
    targets = re.findall(r"\]\(([^)#\s]+)\)|src=\"([^\"]+)\"", prose)
    targets = [a or b for a, b in targets if "://" not in (a or b)]
    assert any(target.endswith((".png", ".gif")) for target in targets)
    for target in targets:
        assert (path.parent / target).exists(), target
    for picture in (path.parent / "images").iterdir():
        limit = 1_500_000 if picture.suffix == ".gif" else 330_000
        assert picture.stat().st_size <= limit, f"{picture.name} is too large"


@EVERY_SCRIPT
def test_commands_are_understood(path):
    assert len(commands(path)) >= 5
    for flags in commands(path):
        if "--help" not in flags:
            load(path.parent.name).parse_args(flags)


@EVERY_SCRIPT
def test_numbers_are_those_of_the_committed_run(path):
    stated = list(stated_numbers(readme(path)))
    assert len(stated) >= 3
    for text, percent, key in stated:
        if is_quick(path, key):
            check_number(path, text, percent, key)


@pytest.mark.slow
@pytest.mark.parametrize("number", ["07", "08"])
def test_numbers_that_take_training_are_measured_again(number):
    (path,) = (path for path in SCRIPTS if path.parent.name.startswith(number))
    stated = [s for s in stated_numbers(readme(path)) if not is_quick(path, s[2])]
    assert stated, "without such numbers the lesson needs no measured()"
    for text, percent, key in stated:
        check_number(path, text, percent, key)


@EVERY_SCRIPT
def test_worked_numbers_are_recomputed(path):
    """A README carries operations out with numbers; a test holds them (design page)."""
    keys = [key for _, _, key in stated_numbers(readme(path)) if "worked:" in key]
    assert len(set(keys)) >= 5


@EVERY_SCRIPT
def test_equations_come_in_order(path):
    """Each number once, rising, none left out: the page can be read downwards."""
    tags = re.findall(r"\\tag\{(\d+)\.(\d+)\}", readme(path))
    lesson = int(path.parent.name[:2])
    assert tags == [(str(lesson), str(n)) for n in range(1, len(tags) + 1)]


@EVERY_SCRIPT
def test_maths_delimiters_and_folded_answers(path):
    text = readme(path)
    prose = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    prose = re.sub(r"`[^`\n]*`", "", prose)
    assert prose.count("$$") % 2 == 0 and prose.count("$") % 2 == 0
    summaries = re.findall(r"</summary>(.*\n.*\n)", text)
    assert len(summaries) >= 6, "at least six exercises, with folded answers"
    for after in summaries:  # without a blank line Markdown is not rendered everywhere
        assert after.startswith("\n\n"), "a blank line belongs after </summary>"
    for heading in ("Your turn", "Break it", "Going further"):
        assert re.search(rf"^(#+ |\*\*){heading}", text, flags=re.M), heading


def same_output(stated, real, skip):
    """Compare two outputs word by word; numbers may differ by 2 % or 0.02.

    Another machine's BLAS rounds differently, and training amplifies it. Words matching
    ``skip`` (times, and columns of times) are left out.
    """
    for line, other in zip(stated, real):
        line, other = re.sub(skip, " ", line), re.sub(skip, " ", other)
        words, others = re.split(rf"({NUMBER})", line), re.split(rf"({NUMBER})", other)
        assert [" ".join(w.split()) for w in words[::2]] == [
            " ".join(w.split()) for w in others[::2]
        ], f"{line!r} is now {other!r}"
        for a, b in zip(words[1::2], others[1::2]):
            a, b = to_float(a), to_float(b)
            assert abs(a - b) <= max(0.02, 0.02 * abs(b)), f"{line!r} is now {other!r}"


def compare_metrics(old, new, timings, where="metrics"):
    """Compare two metrics files like ``same_output``, without their timings."""
    if isinstance(old, dict):
        assert old.keys() == new.keys(), where
        for key in old:
            if "second" not in key and key not in timings:
                compare_metrics(old[key], new[key], timings, f"{where}.{key}")
    elif isinstance(old, list):
        assert len(old) == len(new), where
        for i, (a, b) in enumerate(zip(old, new)):
            compare_metrics(a, b, timings, f"{where}.{i}")
    elif isinstance(old, float) and isinstance(new, int | float):
        assert abs(old - new) <= max(0.02, 0.02 * abs(old)), (
            f"{where}: {old} is now {new}"
        )
    else:
        assert old == new, where


@pytest.mark.slow
@EVERY_SCRIPT
def test_default_run_writes_what_the_readme_states(path, tmp_path):
    script = copy_alone(path, tmp_path)
    result = run(script, "--no-show")
    assert (result.returncode, result.stderr) == (0, "")
    committed = json.loads((path.parent / "images/metrics.json").read_text("utf-8"))
    fresh = json.loads((script.parent / "output/metrics.json").read_text("utf-8"))
    project = project_tests(path)
    compare_metrics(committed, fresh, project.TIMINGS)
    console = next(
        block
        for block in blocks(readme(path), "console")
        if block.startswith(f"$ python {path.name}\n")
    )
    stated, real = (text.rstrip().splitlines() for text in (console, result.stdout))
    stated, skip = stated[1:], getattr(project, "TIMES_IN_OUTPUT", r"(?!)")
    for n, line in enumerate(stated):
        if line == "...":  # lines are left out: go on where the next one stands
            words = [text.split()[:1] for text in real]
            real[n : words.index(stated[n + 1].split()[:1], n)] = ["..."]
    assert len(stated) == len(real)
    same_output(stated[:-1], real[:-1], skip)


@pytest.mark.slow
@EVERY_SCRIPT
def test_every_command_runs(path, tmp_path):
    script = copy_alone(path, tmp_path)
    shutil.copytree(path.parent / "images", script.parent / "images")
    every = commands(path)
    for flags in every:
        if flags or "output/" in str(every):  # the bare command is the test above, too
            result = run(script, *flags, "--no-show", cwd=script.parent)
            allowed = project_tests(path).__dict__.get("FAILS", [])
            if flags in allowed:
                assert result.returncode in (1, 2) and "Traceback" not in result.stderr
            elif "--compare" in flags:
                assert result.returncode == 0, result.stderr
            else:
                assert (result.returncode, result.stderr) == (0, ""), flags


def test_top_level_readme():
    """Its links exist; ``<!-- 03/seeds:test_mean -->`` is a number of project 03."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for a, b in re.findall(r"\]\(([^)#\s]+)\)|src=\"([^\"]+)\"", text):
        if "://" not in (a or b):
            assert (ROOT / (a or b)).exists(), a or b
    scripts = {path.parent.name[:2]: path for path in SCRIPTS}
    numbers = list(stated_numbers(text))
    assert len(numbers) >= 10
    for stated, percent, place in numbers:
        folder, _, key = place.partition(":")
        number, _, file = folder.partition("/")
        check_number(scripts[number], stated, percent, f"{file}:{key}")
