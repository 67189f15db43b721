"""The rules that make ten scripts read as one book (design page, "The tree")."""

import ast
import math
import re
import subprocess
import sys

import pytest
from conftest import ROOT, SCRIPTS

EVERY_SCRIPT = pytest.mark.parametrize("path", SCRIPTS, ids=lambda p: p.parent.name[:2])
OWN = {
    "load_data",
    "make_data",
    "init_params",
    "phi_of",
    "forward",
    "loss",
    "local_slope",
    "backward",
    "train",
    "parse_args",
    "main",
}  # each lesson's own; plot_* too
SECTIONS = [
    "Data",
    "Model",
    "Loss and gradients",
    "Training",
    "Going further",
    "Figures",
    "Files and command line",
]
LESSON = ("Data", "Model", "Loss and gradients", "Training")
END_OF_LESSON = f"""# {"=" * 86}
# The lesson ends here. What follows repeats it, measures, draws and reads files.
# {"=" * 86}
"""
BANNED = {  # from the lesson part: what a beginner would have to look up
    r"\bexec\(": "exec",
    r"\beval\(": "eval",
    r"\binspect\b": "inspect",
    r"\bswapaxes\b": "swapaxes; write .mT",
    r"\[\.\.\., None": "a new axis in the middle; keep biases as rows",
    r"\blambda\b": "lambda",
    r":=": "an assignment inside an expression",
    r"\[f[\"']": "a key put together from strings",
    r"\beinsum\b": "einsum",
    r"\bfunctools\b": "functools",
}
DISTRIBUTION = {
    "numpy": "numpy",
    "matplotlib": "matplotlib",
    "PIL": "matplotlib",
    "sklearn": "scikit-learn",
    "scipy": "scikit-learn",
    "tensorflow": "tensorflow",
    "keras": "tensorflow",
}


def source(path):
    return path.read_text(encoding="utf-8")


def imports(tree):
    """Return the top-level names of the packages that a tree imports."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add("." if node.level else node.module.split(".")[0])
    return names


def definitions(path):
    """Yield name and source of each function, class and constant of a script."""
    lines = source(path).splitlines()
    for node in ast.parse(source(path)).body:
        text = "\n".join(lines[node.lineno - 1 : node.end_lineno])
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name, text
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            yield node.targets[0].id, text


def test_ten_folders_hold_one_script_and_one_readme_each():
    assert [path.parent.name[:2] for path in SCRIPTS] == [
        f"{i:02d}" for i in range(1, len(SCRIPTS) + 1)
    ]
    for path in SCRIPTS:
        assert (path.parent / "README.md").exists()


def test_what_two_scripts_share_is_the_same_to_the_letter():
    seen = {}
    for path in SCRIPTS:
        for name, text in definitions(path):
            if name not in OWN and not name.startswith("plot_"):
                other, expected = seen.setdefault(name, (path.name, text))
                assert text == expected, f"{name} differs: {other} and {path.name}"


@EVERY_SCRIPT
def test_imports_are_allowed_and_heavy_ones_wait(path):
    tree = ast.parse(source(path))
    allowed = set(sys.stdlib_module_names) | set(DISTRIBUTION)
    assert imports(tree) <= allowed
    top = ast.Module(
        [n for n in tree.body if isinstance(n, ast.Import | ast.ImportFrom)], []
    )
    assert imports(top) - set(sys.stdlib_module_names) <= {"numpy", "matplotlib"}


@EVERY_SCRIPT
def test_inline_metadata_equals_requirements(path):
    """TensorFlow stays out: only --compare needs it, and it is 600 MB to fetch."""
    bounds = {
        re.split(r"[>=;]", line)[0]: line
        for line in (ROOT / "requirements.txt").read_text().split("\n")
        if line
    }
    used = {
        DISTRIBUTION[n] for n in imports(ast.parse(source(path))) if n in DISTRIBUTION
    }
    header = source(path).split('"""')[0]
    assert header.startswith('# /// script\n# requires-python = ">=3.10"\n')
    assert set(re.findall(r'"([a-z-]+>=[\d.]+)"', header)) == {
        bounds[name] for name in used - {"tensorflow"}
    }


@EVERY_SCRIPT
def test_layout_of_a_script(path):
    text = source(path)
    tree = ast.parse(text)
    rulers = re.findall(r"^# --- (.+?) -+$", text, flags=re.M)
    assert rulers == SECTIONS
    assert text.count(END_OF_LESSON) == 1
    end = text.index(END_OF_LESSON)
    assert text.index("# --- Training") < end < text.index("# --- Going further")
    one_thread = 'os.environ.setdefault("OMP_NUM_THREADS", "1")'
    assert one_thread in text.split("import matplotlib")[0]
    for line in text.splitlines():
        assert len(line) <= 88, line
        assert not line.startswith("# --- ") or len(line) == 88, line
    functions = {n.name: n for n in tree.body if isinstance(n, ast.FunctionDef)}
    assert {"init_params", "forward", "loss", "backward", "train"} <= functions.keys()
    for name, node in functions.items():
        assert ast.get_docstring(node), f"{name} has no docstring"
    for banned in ("matplotlib.use", "np.random.seed", "plt.figure("):
        assert banned not in text
    for name, node in functions.items():
        body = ast.get_source_segment(text, node)
        if name == "train":
            assert "plt." not in body
        if name.startswith("plot_"):
            assert "train(" not in body


@EVERY_SCRIPT
def test_the_lesson_part_is_plain(path):
    """What design.md bans there, so that a beginner need not look anything up."""
    text = source(path)
    lesson = text[text.index("# --- Data -") : text.index(END_OF_LESSON)]
    for pattern, name in BANNED.items():
        assert not re.search(pattern, lesson), name
    for node in ast.walk(ast.parse(lesson)):
        if isinstance(node, ast.FunctionDef):
            inner = [n for n in ast.walk(node) if isinstance(n, ast.FunctionDef)]
            assert inner == [node], f"{node.name} holds another function"
        if isinstance(node, ast.Assign):
            assert not any(isinstance(n, ast.Starred) for n in ast.walk(node)), (
                f"unpacking with a star: {ast.unparse(node)}"
            )


LONGEST = dict(zip(("01", "02", "03", "05", "06", "07", "08", "09", "10"),
                   (697, 683, 743, 855, 625, 891, 567, 556, 806)))  # fmt: skip


@EVERY_SCRIPT
def test_no_script_swells(path):
    """Each but 04's, the visualizer, ends no longer than it was on 2026-11-25, but for
    ``until_ctrl_c``: its six lines took two out of every ``train``, and for the line of
    ``run_safely`` that saves half a second.

    02's may have 190 lines more: it draws the sigmoid, the circuit, the network and the
    corners; 09's may have 65 more, for the paired differences and the test of doubt; 05's
    54, for helpers that others have, too, and so that rows of ``--predict`` change nothing;
    03's one, for underlines; 07's six, so that its ``train`` is plain; 10's 28, for dates
    behind an index, times in UTC, the row with another form of time, a doubtful mark.
    """
    lines = source(path).count("\n")
    assert lines <= LONGEST.get(path.parent.name[:2], math.inf)
    for node in ast.walk(ast.parse(source(path))):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno - node.lineno < 45, f"{node.name} is too long"


def test_importing_runs_nothing():
    code = (
        "import importlib.util, sys, warnings\n"
        "import matplotlib.pyplot\n"  # an old one may warn of its own parts
        "warnings.simplefilter('error')\n"
        "for path in sys.argv[1:]:\n"
        "    spec = importlib.util.spec_from_file_location('lesson', path)\n"
        "    spec.loader.exec_module(importlib.util.module_from_spec(spec))\n"
        "print(*(set(sys.modules) & {'sklearn', 'scipy', 'tensorflow', 'PIL.ImageTk'}))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, *map(str, SCRIPTS)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (result.stdout.strip(), result.stderr) == ("", "")
