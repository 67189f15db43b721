"""Run every script as a user would: alone in a folder, from elsewhere, with no display.

Each tests/test_NN_*.py names in ``QUICK`` the flags of a short run, in ``TIMINGS`` the
metrics that are times, and in ``INTERRUPT_AT`` the call of ``backward`` that Ctrl-C
interrupts, if the fifth is not yet part of the training.
"""

import functools
import json
import os
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest
from conftest import SCRIPTS, load, project_tests
from matplotlib.figure import Figure
from PIL import Image

EVERY_SCRIPT = pytest.mark.parametrize("path", SCRIPTS, ids=lambda p: p.parent.name[:2])


def every_script(*quick):
    """Every script, but in the fast half only those with these numbers."""
    rows = [(path, path.parent.name[:2]) for path in SCRIPTS]
    return pytest.mark.parametrize(
        "path",
        [
            pytest.param(path, id=n, marks=() if n in quick else pytest.mark.slow)
            for path, n in rows
        ],
    )



def run(script, *flags, cwd=None, **environment):
    """Run a script without a display and return the finished process."""
    env = {
        k: v
        for k, v in os.environ.items()
        if k not in ("DISPLAY", "WAYLAND_DISPLAY", "MPLBACKEND")
    }
    return subprocess.run(
        [sys.executable, str(script), *map(str, flags)],
        cwd=cwd,
        capture_output=True,
        env=env | environment,
        timeout=1200,
        stdin=subprocess.DEVNULL,
        encoding="utf-8",
        errors="replace",
    )


def copy_alone(path, folder):
    """Copy a folder, without pictures, to a path with a space and an accent."""
    alone = folder / "une leçon" / path.parent.name
    shutil.copytree(
        path.parent,
        alone,
        ignore=shutil.ignore_patterns("images", "output", "__pycache__"),
    )
    return alone / path.name


def strict_json(path):
    """Read JSON that holds no NaN or Infinity."""

    def refuse(constant):
        raise AssertionError(f"{path.name} holds {constant}")

    return json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)


@pytest.fixture(scope="module")
def short_run(tmp_path_factory):
    """Return a function: a script's short run alone, once for all tests that look."""

    @functools.cache
    def once(path):
        folder = tmp_path_factory.mktemp(path.stem)
        script = copy_alone(path, folder)
        flags = project_tests(path).QUICK
        result = run(script, *flags, cwd=folder, PYTHONIOENCODING="ascii")
        return result, script.parent / "output"

    return once


@every_script("07")
def test_a_short_run_alone(path, short_run):
    result, output = short_run(path)
    assert (result.returncode, result.stderr) == (0, "")
    pictures = sorted(output.glob("*.png"))
    assert pictures
    for picture in pictures:
        assert picture.name in result.stdout
        with Image.open(picture) as image:
            assert np.asarray(image.convert("L")).std() > 3, f"{picture.name} is blank"
    metrics = strict_json(output / "metrics.json")
    assert "settings" in metrics and "out" not in metrics["settings"]


def draw_small(monkeypatch, dpi):
    """Save figures with so many dots per inch, or not at all: it takes less time."""
    honest = Figure.savefig

    def savefig(figure, path, **settings):
        if settings.get("dpi") != 150:  # a frame of a film
            honest(figure, path, **settings)
        elif dpi:
            honest(figure, path, dpi=dpi)
        else:
            path.touch()

    monkeypatch.setattr(Figure, "savefig", savefig)


@every_script("07")
def test_the_same_seed_writes_the_same_numbers(
    path, short_run, tmp_path, capsys, monkeypatch
):
    draw_small(monkeypatch, 0)
    flags = [*project_tests(path).QUICK, "--no-show", "--out", str(tmp_path)]
    assert load(path.parent.name).main(flags) == 0
    first, second = (
        {
            k: v
            for k, v in strict_json(folder / "metrics.json").items()
            if "second" not in k and k not in project_tests(path).TIMINGS
        }
        for folder in (short_run(path)[1], tmp_path)
    )
    assert first == second


@EVERY_SCRIPT
@pytest.mark.parametrize(
    "flags",
    [
        ["--seed", "-1"],
        ["--seed", "one"],
        ["--nonsense"],
        ["--epochs", "0"],
        ["--epochs", "many"],
        ["--epochs", "9" * 30],
        ["--lr", "nan"],
        ["--lr", "-1"],
        ["--lr", "1e999"],
        ["--out"],
    ],
    ids=" ".join,
)
def test_nonsense_is_one_sentence_and_status_2(path, flags, capsys):
    script = load(path.parent.name)
    with pytest.raises(SystemExit) as stopped:
        script.main(flags)
    captured = capsys.readouterr()
    assert stopped.value.code == 2
    assert captured.out == ""
    assert captured.err.count("\n") == 1 and "Traceback" not in captured.err


@EVERY_SCRIPT
def test_a_folder_that_cannot_be_written_is_named_at_once(path, tmp_path, capsys):
    (tmp_path / "taken").write_text("a file")
    status = load(path.parent.name).main(
        [*project_tests(path).QUICK, "--no-show", "--out", str(tmp_path / "taken")]
    )
    captured = capsys.readouterr()
    assert status == 2
    assert captured.err.count("\n") == 1 and "taken" in captured.err
    assert "epoch" not in captured.out


@every_script("03", "10")
def test_ctrl_c_during_training_keeps_what_was_learnt(
    path, tmp_path, capsys, monkeypatch
):
    script, calls = load(path.parent.name), []
    honest = script.backward

    def interrupted(*args, **kwargs):
        calls.append(1)
        if len(calls) == getattr(project_tests(path), "INTERRUPT_AT", 5):
            signal.raise_signal(signal.SIGINT)
        return honest(*args, **kwargs)

    monkeypatch.setattr(script, "backward", interrupted)
    draw_small(monkeypatch, 30)
    flags = [*project_tests(path).QUICK, "--no-show", "--out", str(tmp_path)]
    assert script.main(flags) == 0
    assert "Ctrl-C" in capsys.readouterr().out
    assert list(tmp_path.glob("*.png")) and strict_json(tmp_path / "metrics.json")
