"""gdb-tls.py, the one file that scripts/bundle makes, on machines where nothing of gdb-tls is installed."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from integration.conftest import Subjects
from integration.harness import Subject
from integration.sessions import CHECKOUT, EXTENSION, run_gdb, session
from integration.truth import mismatches

NULL = "zoo_buffer"
PACKAGES = ("gdb_tls", "rich", "pygments", "markdown_it", "mdurl")
# What bundling needs of a checkout.
PARTS = ("gdb_tls", "gdb_tls.py", "scripts", "LICENSE", "requirements.txt", "pyproject.toml", "README.md")


def bundle(output: Path, checkout: Path = CHECKOUT) -> Path:
    done = subprocess.run([checkout / "scripts" / "bundle", output], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return output


@pytest.fixture(scope="module")
def one_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """In a folder of its own that nobody may write to (unless root does)."""
    folder = tmp_path_factory.mktemp("read only")
    made = bundle(folder / "gdb-tls.py")
    folder.chmod(0o555)
    return made


@pytest.fixture
def zoo(subjects: Subjects) -> Subject:
    return subjects.get("zoo", "core")


def shell(
    one_file: Path, *words: object, folder: Path, python: Sequence[str] = (sys.executable, "-I", "-S")
) -> subprocess.CompletedProcess[str]:
    """Runs the file in a shell without HOME, with a Python that sees its standard library only."""
    return subprocess.run(
        [*python, one_file, *map(str, words)],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "TMPDIR": str(folder), "LC_ALL": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_source_in_gdb(one_file: Path, zoo: Subject, tmp_path: Path) -> None:
    """Every module is the file's own, whatever is installed; and nothing is written anywhere."""
    (tmp_path / "home").mkdir()
    for name in PACKAGES:
        (tmp_path / "installed" / name).mkdir(parents=True)
        (tmp_path / "installed" / name / "__init__.py").write_text("raise RuntimeError('the wrong one')\n")
    answers = {form: tmp_path / f"answer.{form}" for form in ("json", "html", "svg")}
    commands = [f"tls-inspect {NULL} --format {form} --output {answer}" for form, answer in answers.items()]
    names = "python import sys; print('from', [m.__file__ for m in sys.modules.values() if "
    names += f"m.__name__.split('.')[0] in {PACKAGES!r}])"
    before = sorted(one_file.parent.iterdir())
    environment = {"HOME": str(tmp_path / "home"), "PYTHONPATH": str(tmp_path / "installed"), "TMPDIR": str(tmp_path)}
    said = run_gdb(
        zoo.arguments,
        [f"source {one_file}", f"source {one_file}", f"tls-inspect {NULL}", *commands, names],
        extension=False,
        environment=environment,
    )
    found = json.loads(answers["json"].read_text())
    assert mismatches(found, zoo.truth.of(NULL), kind="core") == []
    assert len(re.findall(r"(?m)^[* ][! ] *\d+ ", said.stdout)) == len(found["threads"]), said.text
    assert answers["html"].read_text().startswith("<!DOCTYPE html>") and "<svg" in answers["svg"].read_text()
    modules = ast.literal_eval(re.findall(r"(?m)^from (.*)$", said.stdout)[0])
    assert len(modules) > 100 and {path.split(f"{one_file}/")[0] for path in modules} == {""}
    for name in ("gdb_tls", "rich", "pygments"):
        assert f"{one_file}/{name}/__init__.py" in modules
    assert sorted(one_file.parent.iterdir()) == before
    assert list((tmp_path / "home").rglob("*")) == [] and list((tmp_path / "installed").rglob("*.pyc")) == []


def test_in_a_shell(one_file: Path, zoo: Subject, tmp_path: Path) -> None:
    done = shell(one_file, "core", zoo.core, NULL, "--format", "json", folder=tmp_path)
    assert mismatches(json.loads(done.stdout), zoo.truth.of(NULL), kind="core") == []
    assert done.returncode == 1
    table = shell(one_file, "core", zoo.core, "--all", folder=tmp_path)
    assert NULL in table.stdout, table.stdout + table.stderr
    usage = shell(one_file, "--help", folder=tmp_path)
    assert usage.stdout.startswith("Usage: gdb-tls ") and usage.returncode == 0
    wrong = shell(one_file, "core", "/nonexistent", folder=tmp_path)
    assert (wrong.returncode, wrong.stdout) == (2, "") and wrong.stderr.startswith("gdb-tls: ")
    assert list(tmp_path.iterdir()) == []


WHERE = """
import sys, runpy
sys.argv = sys.argv[1:]
sys.implementation.cache_tag = sys.argv.pop(1) or sys.implementation.cache_tag
import atexit, os
from importlib.machinery import SourceFileLoader
compiled, made = [], SourceFileLoader.source_to_code
def source_to_code(self, data, path, **named):
    compiled.append(path)
    return made(self, data, path, **named)
SourceFileLoader.source_to_code = source_to_code
leave = os._exit
def left(status):
    from gdb_tls.cli.main import command
    print(len([path for path in compiled if "gdb_tls/" in path]) > 50, command.__code__.co_filename, flush=True)
    leave(status)
os._exit = left
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.mark.parametrize("tag", ["", "of-another-python"])
def test_what_is_compiled_is_not_compiled_again(one_file: Path, zoo: Subject, tmp_path: Path, tag: str) -> None:
    """For the Python of this machine; another one takes the sources. Tracebacks name the file in either case."""
    changed = tmp_path / "changed.py"
    changed.write_text(one_file.read_text().replace("#!/usr/bin/env python3", "#!/opt/python", 1))
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", WHERE, changed, tag, "core", zoo.core, NULL, "--format", "csv"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert done.stdout.splitlines()[-1] == f"{bool(tag)} {changed}/gdb_tls/cli/main.py"
    assert list(tmp_path.iterdir()) == [changed]


def test_another_rich_that_is_there_already_is_left_alone(one_file: Path, zoo: Subject, tmp_path: Path) -> None:
    """Another extension has imported its own: no package is put together from two."""
    other = tmp_path / "rich"
    shutil.copytree(Path(__import__("rich").__file__).parent, other, ignore=shutil.ignore_patterns("__pycache__"))
    said = run_gdb(
        zoo.arguments,
        [
            f"python import sys; sys.path.insert(0, {str(tmp_path)!r}); import rich",
            f"source {one_file}",
            f"tls-inspect {NULL}",
            "python print('from', {m.__file__.rpartition('/rich/')[0] for m in list(sys.modules.values()) "
            "if m.__name__.split('.')[0] == 'rich'})",
        ],
        extension=False,
    )
    assert f"from {{{str(tmp_path)!r}}}" in said.stdout, said.text


def test_an_old_python_says_so(one_file: Path) -> None:
    head = one_file.read_text()
    # The oldest grammar that this Python can check.
    ast.parse(head, feature_version=(3, 4))
    assert not re.search(r"(?m)^\s*(async|nonlocal)\b|\bf['\"]|->|: \w+ =", head.split("# Licence of", 1)[0])
    fake = "import sys; sys.version_info = (3, 8, 0)"
    told = f"{fake}; exec(compile(open({str(one_file)!r}).read(), '', 'exec'))"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "gdb-tls needs a python3 with Python 3.9 or newer; this one has Python 3.8.\n"
    for extension in (one_file, EXTENSION):
        said = run_gdb([], [f"python {fake}", f"source {extension}"], extension=False)
        assert "gdb-tls needs a GDB with Python 3.9 or newer; this one has Python 3.8." in said.text


def test_licences_are_in_it(one_file: Path) -> None:
    text = one_file.read_text()
    for name, version in re.findall(r"(?m)^([\w-]+)==([\w.]+)", (CHECKOUT / "requirements.txt").read_text()):
        part = re.search(rf"(?ms)^# Licence of {name} {re.escape(version)}:\n(.*?)\n\n\n", text)
        assert part is not None and re.search("(?i)copyright", part[1]), name
    assert "# Licence of gdb-tls:" in text


def test_same_bytes_from_another_checkout(one_file: Path, tmp_path: Path) -> None:
    """Whatever the folder, the order in it and the times of its files, and with what builds and tests leave there."""
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    for part in reversed(PARTS):
        subprocess.run(["cp", "-R", CHECKOUT / part, checkout / part], check=True)
    shutil.copytree(CHECKOUT / "site", checkout / "site")
    for leftover in ("gdb_tls/.left.py.swp", "gdb_tls/__pycache__/left.pyc"):
        (checkout / leftover).parent.mkdir(exist_ok=True)
        (checkout / leftover).write_text("left")
    made = bundle(tmp_path / "gdb-tls.py", checkout)
    assert made.read_bytes() == one_file.read_bytes()
    # A package that is not the one whose hash was checked is not taken.
    table = next(checkout.glob("site/cpython-*/rich/table.py"))
    table.write_text(table.read_text() + "\n")
    refused = subprocess.run([checkout / "scripts/bundle", made], capture_output=True, text=True, check=False)
    assert refused.returncode == 1 and str(table) in refused.stderr and "--deps" in refused.stderr


NATIVE = """
import ctypes, os
from os.path import dirname, exists, join

path = join(dirname(__file__), "lib", "libanswer.so")
found = exists(path)
library = ctypes.CDLL(path, mode=os.RTLD_LAZY) if found else None
absent = exists(join(dirname(__file__), "lib", "libother.so"))
"""
USES_NATIVE = """
import ctypes, os, sys
kept = ctypes.CDLL, os.path.exists
import native
maps = open("/proc/self/maps").read()
print(native.found, native.absent, native.library.answer(), "memfd:libanswer" in maps)
print(kept == (ctypes.CDLL, os.path.exists))
"""


def install_native(site: Path, machine: str, library: bytes) -> None:
    """Lays the package `native` as pip does, from a wheel for that machine."""
    files = {
        "native/__init__.py": NATIVE.encode(),
        "native/lib/libanswer.so": library,
        "native-1.dist-info/METADATA": b"Metadata-Version: 2.1\nName: native\nVersion: 1\n",
        "native-1.dist-info/WHEEL": f"Wheel-Version: 1.0\nTag: py3-none-manylinux_2_17_{machine}\n".encode(),
        "native-1.dist-info/LICENSE": b"Copyright nobody\n",
    }
    for name, data in files.items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_bytes(data)
    (site / "native-1.dist-info/RECORD").write_text("".join(f"{name},,\n" for name in files))


def test_native_library_is_opened_in_memory(tmp_path: Path) -> None:
    """A package that opens a library beside its modules with ctypes, as capstone does; carried for several machines."""
    (tmp_path / "answer.c").write_text("int answer(void) { return 42; }\n")
    subprocess.run(["gcc", "-shared", "-o", "libanswer.so", "answer.c"], cwd=tmp_path, check=True)
    library = (tmp_path / "libanswer.so").read_bytes()
    checkout = tmp_path / "checkout"
    shutil.copytree(CHECKOUT / "scripts", checkout / "scripts")
    (checkout / "gdb_tls" / "cli").mkdir(parents=True)
    (checkout / "gdb_tls" / "__init__.py").write_text('__version__ = "0"\n')
    (checkout / "gdb_tls" / "cli" / "__init__.py").touch()
    (checkout / "gdb_tls" / "cli" / "main.py").write_text(f"def command():\n    exec({USES_NATIVE!r}, {{}})\n")
    (checkout / "LICENSE").write_text("Copyright nobody\n")
    (checkout / "requirements.txt").write_text("native==1\n")
    here = os.uname().machine
    others = {"aarch64", "x86_64"} - {here}
    install_native(checkout / "site" / "cpython-3.11", here, library)
    for other in others:
        install_native(checkout / "site" / f"machine-{other}", other, b"of another machine")
    folder = tmp_path / "folder"
    folder.mkdir()
    made = bundle(folder / "made.py", checkout)
    assert set(re.findall(r"(?m)^#: native/lib/libanswer.so@(\w+) ", made.read_text())) == {here, *others}
    done = shell(made, folder=folder)
    assert done.stdout == "True False 42 True\nTrue\n", done.stdout + done.stderr
    assert list(folder.iterdir()) == [made]


def test_another_copy_is_there_already(one_file: Path, tmp_path: Path) -> None:
    """Whoever has put a newer file beside an older installation is told which of them answers."""
    words = [f"source {EXTENSION}", f"source {one_file}", "help tls-inspect"]
    done = session([], words, tmp_path, extension=False)
    assert f"loaded already, from {CHECKOUT}/gdb_tls: start gdb anew" in done[words[1]].words
    assert done[words[2]].error is None
