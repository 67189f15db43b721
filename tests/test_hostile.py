"""What goes wrong around a run: one test for each kind, over all scripts that can meet it."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import SCRIPTS, load, project_tests
from matplotlib.figure import Figure
from test_scripts import copy_alone, every_script

EVERY_SCRIPT = pytest.mark.parametrize("path", SCRIPTS, ids=lambda p: p.parent.name[:2])
READERS = pytest.mark.parametrize(
    "path",
    [p for p in SCRIPTS if hasattr(load(p.parent.name), "read_rows")],
    ids=lambda p: p.parent.name[:2],
)


def args_for(folder, **flags):
    return SimpleNamespace(out=folder, no_show=True, **flags)


def one_line(text):
    return text.count("\n") == 1 and "Traceback" not in text


@every_script("07")  # the lines that this is about are the same in all
@pytest.mark.skipif(os.name != "posix", reason="closing a stream is a shell's affair")
@pytest.mark.parametrize(
    "closed",
    [
        ">&- 2>&- <&-",
        pytest.param(">&-", marks=pytest.mark.slow),
        pytest.param("2>&-", marks=pytest.mark.slow),
    ],
)
def test_closed_streams(path, closed, tmp_path):
    script = copy_alone(path, tmp_path)
    flags = " ".join(project_tests(path).QUICK)
    result = subprocess.run(
        f"'{sys.executable}' '{script}' {flags} --no-show {closed}",
        shell=True,
        stderr=None if "2>" in closed else subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        timeout=300,
        env={k: v for k, v in os.environ.items() if k != "DISPLAY"},
    )
    assert result.returncode == 0 and not result.stderr
    json.loads((script.parent / "output/metrics.json").read_text("utf-8"))


@EVERY_SCRIPT
def test_metrics_are_json_whatever_they_hold(path, tmp_path):
    script = load(path.parent.name)
    odd = {"a": float("nan"), "b": [np.float64("inf"), np.int64(3)], "c": np.arange(2.0)}
    script.save_results(args_for(tmp_path, seed=1), {}, odd, {"x.txt": b"abc"})
    text = (tmp_path / "metrics.json").read_text("utf-8")
    assert "NaN" not in text and "Infinity" not in text
    metrics = json.loads(text)
    assert metrics["a"] is None and metrics["b"] == [None, 3] and metrics["c"] == [0, 1]
    assert metrics["settings"] == {"seed": 1}
    assert (tmp_path / "x.txt").read_bytes() == b"abc"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["metrics.json", "x.txt"]


@EVERY_SCRIPT
def test_a_full_disk_leaves_what_was_there(path, tmp_path, monkeypatch, capsys):
    script = load(path.parent.name)
    (tmp_path / "metrics.json").write_text("old")

    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Figure, "savefig", full)
    story = lambda args: script.save_results(args, {"a": Figure()}, {}, {"b": b"1"})  # noqa: E731
    assert script.run_safely(story, args_for(tmp_path)) == 2
    assert one_line(capsys.readouterr().err)
    assert [p.name for p in tmp_path.iterdir()] == ["metrics.json"]
    assert (tmp_path / "metrics.json").read_text() == "old"


ERRORS = [
    (ImportError("x", name="sklearn"), 2, "pip install scikit-learn"),
    (ImportError("x", name="keras"), 2, "pip install keras"),
    (MemoryError(), 2, "not enough memory"),
    (OSError(errno.EACCES, "Permission denied", "file.csv"), 2, "file.csv"),
    (FloatingPointError("training diverged"), 1, "diverged"),
    (KeyboardInterrupt(), 130, "Ctrl-C"),
]


@EVERY_SCRIPT
@pytest.mark.parametrize("error, status, words", ERRORS, ids=lambda e: type(e).__name__)
def test_every_failure_is_one_sentence(path, error, status, words, tmp_path, capsys):
    script = load(path.parent.name)

    def story(args):
        raise error

    assert script.run_safely(story, args_for(tmp_path)) == status
    captured = capsys.readouterr()
    assert one_line(captured.err) and words in captured.err and not captured.out


@EVERY_SCRIPT
def test_a_first_ctrl_c_waits_for_the_epoch_a_second_does_not(path, tmp_path, capsys):
    script = load(path.parent.name)
    seen = []

    def story(args):
        signal.raise_signal(signal.SIGINT)
        seen.append(bool(script.CTRL_C))
        signal.raise_signal(signal.SIGINT)
        seen.append("not reached")

    before = signal.getsignal(signal.SIGINT)
    assert script.run_safely(story, args_for(tmp_path)) == 130
    assert seen == [True] and not script.CTRL_C
    assert signal.getsignal(signal.SIGINT) is before
    assert "Ctrl-C" in capsys.readouterr().out


@EVERY_SCRIPT
def test_ctrl_c_closes_the_windows(path, tmp_path, monkeypatch, capsys):
    script = load(path.parent.name)
    window = SimpleNamespace(canvas=SimpleNamespace(required_interactive_framework="tk"))
    monkeypatch.setattr(script.plt, "gcf", lambda: window)
    monkeypatch.setattr(script.plt, "show", lambda: signal.raise_signal(signal.SIGINT))
    args = SimpleNamespace(out=tmp_path, no_show=False)
    before = signal.getsignal(signal.SIGINT)
    assert script.run_safely(lambda args: script.save_results(args, {}, {}), args) == 0
    assert signal.getsignal(signal.SIGINT) is before and not capsys.readouterr().err
    assert (tmp_path / "metrics.json").exists()


@EVERY_SCRIPT
def test_numbers_in_scientific_notation_are_numbers(path, capsys):
    with pytest.raises(SystemExit) as stopped:
        load(path.parent.name).main(["--seed", "-1e-3"])
    error = capsys.readouterr().err
    assert stopped.value.code == 2 and one_line(error) and "'-1e-3' is not a whole" in error
    with pytest.raises(SystemExit):
        load(path.parent.name).main(["--seed", "9" * 5000])
    assert len(capsys.readouterr().err) < 300


@EVERY_SCRIPT
def test_warnings_are_hidden_from_a_reader_only(path, tmp_path, monkeypatch, recwarn):
    script = load(path.parent.name)
    story = lambda args: np.log(np.zeros(1))  # noqa: E731
    monkeypatch.setattr(sys, "warnoptions", [])
    assert script.run_safely(story, args_for(tmp_path)) == 0
    assert not recwarn.list


TABLES = {
    "empty": b"",
    "blank": b" , ,\n\n",
    "zeros": b"a,b\n1\0,2\n",
    "quote": b'x,y,label\n1,2,a\n"3,4,b\n5,6,c\n',
    "ragged": b"x,y,label\n1,2,a\n3,4\n5,6,c\n",
    "long cell": b"x,y,label\n1,2," + b"a" * 1_000_000 + b"\n",
    "many columns": b",".join([b"1"] * 20_000) + b"\n" + b",".join([b"2"] * 20_000),
}


@READERS
@pytest.mark.parametrize("content", TABLES.values(), ids=TABLES)
def test_what_is_no_table_is_refused_at_once(path, content, tmp_path):
    script, file = load(path.parent.name), tmp_path / "table.csv"
    file.write_bytes(content)
    start = time.process_time()
    with pytest.raises(script.InputError, match=r"table\.csv") as refused:
        script.read_rows(file)
    assert time.process_time() - start < 5
    assert "\n" not in str(refused.value) and len(str(refused.value)) < 400


@READERS
def test_what_is_no_file_is_refused(path, tmp_path):
    script = load(path.parent.name)
    for odd in (tmp_path, tmp_path / "none.csv"):
        with pytest.raises(script.InputError, match="is no file"):
            script.read_rows(odd)


@READERS
def test_tables_as_people_write_them(path, tmp_path):
    script, file = load(path.parent.name), tmp_path / "table.csv"
    rows = [["x", "y", "name"], ["1", "2.5", "a b"], ["3", "-4", "c"]]
    for mark in ",;\t|":
        text = "\n".join(mark.join(row) for row in rows) + "\n\n"
        for data in (text.encode(), text.encode("utf-8-sig"), text.encode("latin-1")):
            file.write_bytes(data.replace(b"\n", b"\r\n"))
            assert script.read_rows(file) == rows
    file.write_bytes('x,naïve "name"\n1,"a, b"\n'.encode("latin-1"))
    assert script.read_rows(file)[1] == ["1", "a, b"]


@pytest.mark.parametrize(
    "path",
    [p for p in SCRIPTS if hasattr(load(p.parent.name), "plain")],
    ids=lambda p: p.parent.name[:2],
)
def test_names_are_drawn_as_they_are(path):
    plain = load(path.parent.name).plain
    assert plain("cost in $ and $") == r"cost in \$ and \$"
    assert len(plain("x" * 100_000)) == 30
