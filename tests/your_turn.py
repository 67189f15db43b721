"""Write a copy of a lesson's script for you to complete, with the mathematics blank.

    python tests/your_turn.py 02                    all functions of the lesson blank
    python tests/your_turn.py 02 --only backward    one function blank
    python tests/your_turn.py 02 --step 3           only the third numbered line blank

The copy lies in the output folder of the lesson, and is never overwritten.
"""

import argparse
import ast
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

END_OF_LESSON = "# The lesson ends here."


def functions_of(source):
    """Return {name: its node in the syntax tree} of the lesson part's functions."""
    end = source[: source.index(END_OF_LESSON)].count("\n")
    return {
        node.name: node
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef) and node.lineno < end
    }


def guide(lines):
    """Return what stays of a body: what is assigned, its shape, its equation's number."""
    kept = []
    for line in lines:
        code, _, comment = line.partition("  # ")
        if not re.search(r"\(\d+\.\d+\)|^\(", comment):
            continue
        left = re.match(r"\s*(return|[\w\[\], .\"']+ [-+*/]?=) ", code)
        kept.append(f"    # {left[1] if left else '...'} ...  # {comment}")
    return kept


def blank(source, names, advice):
    """Return the source with the bodies of these functions blank."""
    lines, nodes = source.split("\n"), functions_of(source)
    for name in sorted(names, key=lambda n: -nodes[n].lineno):  # from the last upwards
        node = nodes[name]
        start = node.body[0].end_lineno  # the docstring's last line
        body = lines[start : node.end_lineno]
        lines[start : node.end_lineno] = [
            f"    # Yours. {advice[name]}",
            *guide(body),
            f'    raise NotImplementedError("{name} is not written yet.")',
        ]
    return "\n".join(lines)


def numbered_lines(source, names):
    """Return (line number, function) of each assignment with an equation's number."""
    nodes = functions_of(source)
    found = []
    for name in names:
        for node in ast.walk(nodes[name]):
            if isinstance(node, ast.Assign | ast.AugAssign | ast.Return):
                comment = source.split("\n")[node.end_lineno - 1].partition("  # ")[2]
                if (
                    re.search(r"\(\d+\.\d+\)", comment)
                    and node.lineno == node.end_lineno
                ):
                    found.append((node.lineno, name))
    return sorted(found)


def blank_step(source, names, step):
    """Return the source with the right side of one numbered line blank, and its count."""
    found = numbered_lines(source, names)
    if not 1 <= step <= len(found):
        raise SystemExit(fail(f"--step takes a number from 1 to {len(found)}"))
    number, name = found[step - 1]
    lines = source.split("\n")
    line = lines[number - 1]
    code, _, comment = line.partition("  # ")
    left = re.match(r"\s*(return|.*? [-+*/]?=) ", code)[0]
    lines[number - 1] = f"{left}...  # {comment}  <- yours"
    return "\n".join(lines), name, len(found)


def fail(message):
    """Print one sentence on standard error; return the exit status."""
    print(f"your_turn.py: {message}", file=sys.stderr)
    return 2


def main(argv=None):
    """Write the copy; return the exit status."""
    try:
        from conftest import ROOT, SCRIPTS, project_tests
    except ImportError as error:
        return fail(f"please install a package first: pip install {error.name}")
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.error = lambda message: sys.exit(fail(message))
    numbers = [path.parent.name[:2] for path in SCRIPTS]
    parser.add_argument(
        "lesson", choices=numbers, metavar="NN", help="01 to 10",
        type=lambda text: text.zfill(2)
    )  # fmt: skip
    parser.add_argument("--only", metavar="NAME", help="blank one function only")
    parser.add_argument("--step", type=int, metavar="K", help="blank one line only")
    args = parser.parse_args(argv)
    path = SCRIPTS[numbers.index(args.lesson)]
    tests = project_tests(path)
    functions = tests.YOUR_TURN.functions
    if args.only and args.only not in functions:
        return fail(f"{args.only!r} is none of {', '.join(functions)}")
    names = [args.only] if args.only else list(functions)
    source = path.read_text(encoding="utf-8")
    stem = f"my_{path.stem}" + (f"_{args.only}" if args.only else "")
    if args.step is not None:
        text, name, count = blank_step(source, names, args.step)
        stem += f"_step{args.step}"
        what = f"one line of {name} (step {args.step} of {count})"
    else:
        text = blank(source, names, functions)
        what = f"{', '.join(names)}"
    # The copy lies one folder deeper: what lies beside the script is still found there.
    text = text.replace(
        "Path(__file__).resolve().parent", "Path(__file__).resolve().parents[1]"
    )
    mine = path.parent / "output" / f"{stem}.py"
    if mine.exists():
        return fail(f"{mine} exists and is yours; move or delete it to begin again")
    mine.parent.mkdir(exist_ok=True)
    mine.write_text(text, encoding="utf-8")
    test = Path(tests.__file__).relative_to(ROOT).as_posix()
    shown = mine.relative_to(ROOT).as_posix()
    print(
        f"Wrote {shown}; yours to write: {what}.\nAsk the tutor:\n"
        f"    python -m pytest {test} --mine {shown}\nRun it, when all is right:\n"
        f"    python {shown}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
