"""The table of scripts/matrix: `python3 table.py FOLDER RESULTS ROW... [--readme FILE]`, from the JUnit files.

Exit status 1 where a test failed or a row was not run. Standard library only.
"""

from __future__ import annotations

import argparse
import datetime
import re
import subprocess
import xml.etree.ElementTree
from pathlib import Path

BEGIN, END = "<!-- matrix -->", "<!-- /matrix -->"
HEAD = (
    "Debian",
    "GDB",
    "Python in GDB",
    "glibc",
    "Live and core, inside",
    "Its cores in this GDB, the one file and the wheel in its GDB",
)


def version(root: Path | None, command: str, pattern: str) -> str:
    prefix = ["chroot", str(root)] if root else []
    done = subprocess.run([*prefix, "sh", "-c", command], capture_output=True, text=True, check=False)
    found = re.search(pattern, done.stdout)
    return found.group(1) if found else "?"


def versions(root: Path | None) -> tuple[str, str, str]:
    gdb = version(root, "gdb --version", r"(\d+\.\d+[^\s]*)\n")
    python = version(root, "gdb -nx --batch -ex 'python import sys; print(sys.version)'", r"(\d+\.\d+)")
    return gdb, python, version(root, "ldd --version", r"(\d+\.\d+)\n")


def result(file: Path) -> tuple[str, bool]:
    """What is in a table's cell, and whether all is well."""
    if not file.exists():
        return "not run", False
    suite = xml.etree.ElementTree.parse(file).getroot().find("testsuite")
    assert suite is not None
    count = {name: int(suite.get(name, 0)) for name in ("tests", "failures", "errors", "skipped")}
    bad = count["failures"] + count["errors"]
    passed = count["tests"] - bad - count["skipped"]
    names = [
        case.get("name", "?")
        for case in suite.iter("testcase")
        if case.find("failure") is not None or case.find("error") is not None
    ]
    text = f"{passed} passed" + (f", {bad} failed: {', '.join(names[:5])}" if bad else "")
    return text + (f", {count['skipped']} skipped" if count["skipped"] else ""), bad == 0 and passed > 0


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("results")
    parser.add_argument("rows", nargs="+")
    parser.add_argument("--readme", type=Path)
    arguments = parser.parse_args()
    well = True
    lines = ["| " + " | ".join(HEAD) + " |", "|" + " --- |" * len(HEAD)]
    for row in arguments.rows:
        root = arguments.folder / row
        cells = [result(root / arguments.results.lstrip("/") / name) for name in ("inside.xml", "elsewhere.xml")]
        well = well and all(good for _, good in cells)
        lines.append("| " + " | ".join([row, *versions(root), *(text for text, _ in cells)]) + " |")
    here = "GDB {}, Python {}, glibc {}".format(*versions(None))
    lines += ["", f"Made by `scripts/matrix` on {datetime.date.today()}; this machine has {here}."]
    table = "\n".join(lines)
    print(table)
    if arguments.readme:
        text = arguments.readme.read_text()
        if BEGIN not in text or END not in text:
            print(f"{arguments.readme} has no markers {BEGIN} and {END}")
            return 1
        before, _, rest = text.partition(BEGIN)
        arguments.readme.write_text(f"{before}{BEGIN}\n{table}\n{END}{rest.partition(END)[2]}")
    return 0 if well else 1


if __name__ == "__main__":
    raise SystemExit(main())
