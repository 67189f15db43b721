"""Break the mathematics of a script, one operator at a time; see what the tests miss.

    python tests/mutation.py                      every project: hours on two cores
    python tests/mutation.py 02 07                these projects
    python tests/mutation.py 02 --lines 100 150   only these lines of the script
    python tests/mutation.py 02 --list            print the changes, run nothing

What it changes: everything between the rulers "Model" and "Figures" of a script, so the
forward pass, loss, gradient, update and evaluation; not what is printed or raised, nor
constants below 1e-6. What it runs: that project's fast tests, without the TensorFlow
oracle. A change that no test notices is printed. ``EQUIVALENT`` holds those that cannot
be noticed, each with the reason. POSIX only: each change runs in a fork of a process
that has imported everything.
"""

import argparse
import ast
import contextlib
import multiprocessing
import os
import sys
import time
import types

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import conftest
import numpy as np
import pytest
import scipy.optimize  # noqa: F401
import sklearn.datasets
import sklearn.linear_model
import sklearn.model_selection
import sklearn.neural_network  # noqa: F401

TIMEOUT = 120  # seconds; a change that makes a loop endless is noticed, too
SWAPS = {
    ast.Add: "-", ast.Sub: "+", ast.Mult: "/", ast.Div: "*", ast.Gt: ">=",
    ast.GtE: ">", ast.Lt: "<=", ast.LtE: "<",
}  # fmt: skip
TURNED = {ast.Gt: "<", ast.GtE: "<=", ast.Lt: ">", ast.LtE: ">="}
EQUIVALENT = {  # (project, the changed line, stripped): why nobody could notice
    (
        "01",
        "for epoch in until_ctrl_c(range(1, epochs + 2)):  # range; Ctrl-C ends it",
    ): "the loop ends itself at ``epochs``",
    ("01", "b = b - lr / db  # ()  (1.9)"): "of one example db is -1 or 1",
    ("01", "target = np.append(np.zeros(Z.shape[1]), 2.0)"): (
        "it scales u, which is divided by its sum"
    ),
    (
        "01",
        "for seed in range(51):  # SciPy 1.15 fails on some orders of the rows; "
        "take another",
    ): "one more order to try where 50 have failed",
    (
        "01",
        "if margin >= 1e-13 and np.isclose(margin, limit, rtol=1e-9, atol=1e-14):",
    ): "no margin equals a tolerance to the last bit",
    ("01", "if limit < 1e-15:  # both classes weigh the same and have the same mean"): (
        "no limit equals a tolerance to the last bit"
    ),
    (
        "01",
        'return share @ [c["w"] for c in corrections], (([c["b"] for c in corrections]) '
        "@ (share))",
    ): "a product of two vectors is the same in both orders",
    ("01", "positive = Z[:, -1] >= 0"): "the last column is y / R, never 0",
    ("01", "positive = Z[:, -1] < 0"): "by (1.16) both classes have the same mean",
    ("02", 'slope["z"] = (a) * (1 - a)  # (2.2), the sigmoid'): "slope of a at a is 1",
    ("02", 'slope["p"] = slope["z"] / 1  # (2.3), a sum'): "times 1 is over 1",
    ("02", 'slope["p"] = (slope["z"])  # (2.3), a sum'): "times 1 changes nothing",
    ("02", 'slope["b"] = slope["z"] / 1'): "times 1 is over 1",
    ("02", 'slope["b"] = (slope["z"])'): "times 1 changes nothing",
    (
        "02",
        "p = 2 / 3 if tied == 3 else 1 / 2  # of these corners, those that want a 1 "
        "(or a 0)",
    ): "the loss at rest is the same for p and 1 - p",
    (
        "02",
        "outcome[np.abs(cost / resting_loss(tied, args.loss) - 1) <= 0.02] = tied",
    ): "no quotient equals a tolerance to the last bit",
    (
        "03",
        "return map_coordinates(X.reshape(-2, *shape), where, order=1)"
        ".reshape(X.shape)",
    ): "NumPy takes any negative length for the one to find",
    ("03", "moved = X.reshape(-2, *shape).copy()"): "as above",
    ("05", "if k <= L:"): "a[L] is set anew after the loop",
    ("05", "if k >= 1:"): "one more step back, to a gradient that nobody reads",
    (
        "05",
        'history, least = {"training": [], "validation": [], "kept": 1}, np.inf',
    ): "the first epoch sets it",
    ("05", "y = ((y - center) / scale).reshape(-2, 1)  # (N, 1)"): (
        "NumPy takes any negative length for the one to find"
    ),
    ("04", "y = np.where(P[:, 1] >= P[:, 0] / 2, 1, 0)"): "no point lies on the line",
    ("04", "y = np.where(P[:, 1] >= 1.5 * np.sin(1.5 * P[:, 0]), 1, 0)"): (
        "no point lies on the curve"
    ),
    (
        "04",
        "P = 0.7 * rng.normal(size=P.shape) + np.where(y, 1.4, -1.4).reshape(-2, 1)",
    ): "NumPy takes any negative size as the open one",
    ("04", "P = 1.8 * np.where(y.reshape(-2, 1), -half, half)"): (
        "NumPy takes any negative size as the open one"
    ),
    ("04", "r, turn = 3 * u, 3.5 * np.pi * u - np.pi * y"): "half a turn, either way",
    (
        "04",
        "P = r.reshape(-2, 1) * np.column_stack([np.sin(turn), np.cos(turn)])",
    ): "NumPy takes any negative size as the open one",
    ("04", "return ((a > 0.5) == (y >= 0.5))[:, 0]"): "a class is 0 or 1",
    (
        "04",
        "X, phi = xor_clouds(200, rng)[0], dict.fromkeys(range(1, 8), activation)",
    ): "the name of a layer that is not there",
    (
        "06",
        'return {"W1": W1, "b1": 0 / W1, "W2": W2, "b2": np.zeros(networks + (1, 1))}',
    ): "0 over a number is 0, too",
    ("06", "row = theta.reshape(theta.shape[:-1] + (1, -2))  # (1, P)"): (
        "NumPy takes any negative size as the open one"
    ),
    (
        "06",
        "points = theta + along + across.reshape(len(betas), 1, -2)  # (R, C, P)  "
        "(6.28)",
    ): "NumPy takes any negative size as the open one",
    ("06", "def hessian_times(v, theta, X, y, h=2e-05):"): "another h as good",
    ("06", "q = q - (((older) @ (q))) * older"): "of two vectors, in either order",
    ("06", 'return pack(d | {"b1": 0 / d["b1"], "b2": 0 * d["b2"]})'): (
        "0 over a number is 0, too"
    ),
    ("06", 'return pack(d | {"b1": 0 * d["b1"], "b2": 0 / d["b2"]})'): (
        "0 over a number is 0, too"
    ),
    ("06", "root = np.sqrt(v / (1 - 0.999**step)) - 1e-8"): "a guard against 0 only",
    (
        "09",
        "on = np.indices((2,) * len(beta)).reshape(len(beta), -2).T  # (2^D, D), "
        "every mask",
    ): "NumPy takes any negative size as the open one",
    (
        "09",
        "return np.mean(a2.argmax(axis=-1) == y.argmax(axis=-1), axis=(1))",
    ): "the runs are always stacked: axis 1 is the last",
    (
        "09",
        "if epoch % max(10, epochs // 21) == 0 or epoch == epochs:",
    ): "how often the path is noted, no mathematics",
    ("09", "return ((losses) @ (chance)), ridge, *sampled"): "a dot product commutes",
}


class Changes(ast.NodeVisitor):
    """Collect (line number, source after the change) for every change to a tree."""

    def __init__(self, source):
        self.source, self.found = source, []
        self.starts = np.cumsum([0, *map(len, source.splitlines(keepends=True))])

    def place(self, node):
        """Return where the text of a node starts and ends (the source is ASCII)."""
        return (
            self.starts[node.lineno - 1] + node.col_offset,
            self.starts[node.end_lineno - 1] + node.end_col_offset,
        )

    def text(self, node):
        start, end = self.place(node)
        return self.source[start:end]

    def change(self, node, text):
        """Note that this text could stand in the place of the node."""
        start, end = self.place(node)
        self.found.append((node.lineno, self.source[:start] + text + self.source[end:]))

    def join(self, node, left, operator, right):
        """Note a change of what stands between two operands, brackets included."""
        start, end = self.place(left)[1], self.place(right)[0]
        between = self.source[start:end]
        for sign in ("**", "//", *"+-*/@"):
            if sign in between:
                text = between.replace(sign, operator, 1)
                self.found.append(
                    (node.lineno, self.source[:start] + text + self.source[end:])
                )
                return

    def visit_BinOp(self, node):
        left, right = self.text(node.left), self.text(node.right)
        if type(node.op) in SWAPS:
            self.join(node, node.left, SWAPS[type(node.op)], node.right)
        if isinstance(node.op, ast.MatMult):
            self.change(node, f"(({right}) @ ({left}))")
        if isinstance(node.op, ast.Mult | ast.Div):  # a mask, a scale, 1/N forgotten
            self.change(node, f"({left})")
        if isinstance(node.op, ast.Mult):
            self.change(node, f"({right})")
        self.generic_visit(node)

    def visit_AugAssign(self, node):
        if type(node.op) in SWAPS:
            self.join(node, node.target, SWAPS[type(node.op)], node.value)
        self.generic_visit(node)

    def visit_UnaryOp(self, node):
        if isinstance(node.op, ast.USub):
            self.change(node, f"({self.text(node.operand)})")
        self.visit(node.operand)

    def visit_Compare(self, node):
        right = node.comparators[0]
        for table in (SWAPS, TURNED):
            if type(node.ops[0]) in table and len(node.ops) == 1:
                sign = f" {table[type(node.ops[0])]} "
                start, end = self.place(node.left)[1], self.place(right)[0]
                between = self.source[start:end]
                opening = between[len(between.rstrip("(")) :]
                closing = between[: len(between) - len(between.lstrip(")"))]
                text = closing + sign + opening
                self.found.append(
                    (node.lineno, self.source[:start] + text + self.source[end:])
                )
        self.generic_visit(node)

    def visit_Attribute(self, node):
        if node.attr in ("T", "mT"):
            self.change(node, f"({self.text(node.value)})")
        self.generic_visit(node)

    def visit_Call(self, node):
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        if name in ("print", "isinstance", "InputError"):
            return
        self.generic_visit(node)

    def visit_FunctionDef(self, node):
        if node.name != "is_progress_epoch":  # when to print is no mathematics
            self.generic_visit(node)

    def visit_keyword(self, node):
        if node.arg != "maxiter":
            self.generic_visit(node)

    def visit_Constant(self, node):
        guard = 0 < abs(node.value) < 1e-6 if type(node.value) is float else False
        if type(node.value) in (int, float) and not guard:  # "not quite 0" has no value
            one_more = isinstance(node.value, int) or node.value == 0
            self.change(node, repr(node.value + 1 if one_more else node.value * 2))

    def visit_Raise(self, node):
        pass

    def visit_JoinedStr(self, node):
        pass


def changes(path, lines):
    """Return [(line number, changed source)] for the mathematics within two lines."""
    source = path.read_text(encoding="utf-8")
    rulers = {
        line.split()[2]: n
        for n, line in enumerate(source.splitlines(), 1)
        if line.startswith("# --- ")
    }
    collector = Changes(source)
    for node in ast.parse(source).body:
        if rulers["Model"] < node.lineno < rulers["Figures"]:
            collector.visit(node)
    return [change for change in collector.found if lines[0] <= change[0] <= lines[1]]


class OnlyFast:
    """A pytest plugin: one script only, and no TensorFlow oracle."""

    def __init__(self, path):
        self.path = path

    def pytest_sessionstart(self):
        sys.modules["conftest"].SCRIPTS = [self.path]  # pytest has imported it anew

    def pytest_collection_modifyitems(self, items):
        items[:] = [item for item in items if "tf" not in item.fixturenames]


def run_tests(path, source):
    """Exit with pytest's status for a script with this source (called in a fork)."""
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
    module = types.ModuleType(path.stem)
    module.__file__ = str(path)
    sys.modules[path.stem] = module
    try:
        exec(compile(source, str(path), "exec"), module.__dict__)
    except Exception:
        os._exit(1)
    (own,) = (conftest.ROOT / "tests").glob(f"test_{path.parent.name[:2]}_*.py")
    names = ("test_gradients.py", "test_shared.py", own.name)
    files = [str(conftest.ROOT / "tests" / name) for name in names]
    flags = ["-x", "-q", "-p", "no:cacheprovider", f"--rootdir={conftest.ROOT}"]
    os._exit(pytest.main([*flags, *files], [OnlyFast(path)]))


def verdicts(path, found, jobs):
    """Yield (line number, source, whether a test noticed) as the runs end."""
    context = multiprocessing.get_context("fork")
    waiting, running = list(found), {}
    while waiting or running:
        while waiting and len(running) < jobs:
            line, source = waiting.pop(0)
            process = context.Process(target=run_tests, args=(path, source))
            process.start()
            running[process] = line, source, time.monotonic()
        for process, (line, source, start) in list(running.items()):
            if time.monotonic() - start > TIMEOUT:
                process.kill()
            if not process.is_alive():
                process.join()
                del running[process]
                yield line, source, process.exitcode != 0
        time.sleep(0.02)


def judge_tests(path, jobs, lines):
    """Print the survivors of one project and the share of changes noticed."""
    number = path.parent.name[:2]
    original = path.read_text(encoding="utf-8")
    whole = multiprocessing.get_context("fork").Process(
        target=run_tests, args=(path, original)
    )
    whole.start()
    whole.join()
    if whole.exitcode:
        sys.exit(f"{number}: the tests fail already (pytest's status {whole.exitcode})")
    found, noticed, equivalent = changes(path, lines), 0, 0
    for line, source, caught in verdicts(path, found, jobs):
        changed = source.splitlines()[line - 1].strip()
        if caught:
            noticed += 1
        elif reason := EQUIVALENT.get((number, changed)):
            equivalent += 1
            print(f"{number}:{line}: {changed}\n    equivalent: {reason}", flush=True)
        else:
            was = original.splitlines()[line - 1].strip()
            print(f"{number}:{line}: {was}\n   now: {changed}", flush=True)
    real = max(1, len(found) - equivalent)
    print(
        f"{number}: {noticed} of {real} changes noticed, {noticed / real:.1%}"
        f" ({equivalent} more are equivalent)",
        flush=True,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("projects", nargs="*", metavar="NN", help="01 to 10")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--lines", type=int, nargs=2, default=[1, 10**6])
    parser.add_argument("--list", action="store_true")
    args = parser.parse_args()
    for path in conftest.SCRIPTS:
        if args.projects and path.parent.name[:2] not in args.projects:
            continue
        if args.list:
            for line, source in changes(path, args.lines):
                print(f"{line}: {source.splitlines()[line - 1].strip()}")
        else:
            judge_tests(path, args.jobs, args.lines)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
