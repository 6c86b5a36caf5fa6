"""The plan of the house: who imports whom, and what rooms a command has.

Facts flow to the right, so nothing imports what is to its right, and no files import each other in a circle.
An import counts wherever it stands: inside a function and under TYPE_CHECKING, too.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Set
from graphlib import CycleError, TopologicalSorter
from importlib import import_module
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

import pytest

from gdb_tls.questions.every import every

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "gdb_tls"


def load(script: str) -> ModuleType:
    loader = SourceFileLoader(script, str(ROOT / "scripts" / script))
    module = module_from_spec(spec_from_loader(script, loader))  # type: ignore[arg-type]
    loader.exec_module(module)
    return module


house = load("house")
FOLDERS = list(house.FOLDERS)
MODULES, imports, own_imports, folder = house.MODULES, house.imports, house.own_imports, house.folder
# What a question's folder has: what is typed, the answer, and its three views.
ROOMS = {"spec", "answer", "table", "page", "document"}


QUESTIONS = sorted(path.name for path in (PACKAGE / "questions").iterdir() if (path / "__init__.py").exists())


def test_something_is_looked_at() -> None:
    assert len(MODULES) > 100
    assert ("gdb_tls.objects.loaded", "LoadedObjects") in imports(MODULES["gdb_tls.libc.find"])
    assert len(QUESTIONS) >= 10


def test_every_folder_has_its_place() -> None:
    assert {folder(name) for name in MODULES} - {""} == set(FOLDERS)


@pytest.mark.parametrize("name", [name for name in MODULES if folder(name)])
def test_nothing_imports_what_is_to_its_right(name: str) -> None:
    own = FOLDERS.index(folder(name))
    wrong = [other for other in own_imports(name) if not folder(other) or FOLDERS.index(folder(other)) > own]
    assert not [other for other in wrong if other != "gdb_tls"], f"{name} imports {', '.join(wrong)}"


def circle(graph: Mapping[str, Set[str]]) -> list[str]:
    """Files that import each other, as a path that ends where it begins; empty where there are none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_files_import_each_other() -> None:
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"a"}}), "a circle is found"
    found = circle({name: own_imports(name) for name in MODULES})
    assert not found, " <- ".join(found)


@pytest.mark.parametrize("question", QUESTIONS)
def test_each_question_has_the_same_rooms(question: str) -> None:
    """So whoever wants to change what a command shows opens one folder and knows where to look."""
    there = {path.stem for path in (PACKAGE / "questions" / question).glob("*.py")} - {"__init__"}
    assert there >= ROOMS, ROOMS - there
    base = f"gdb_tls.questions.{question}"
    assert not [name for name in own_imports(f"{base}.spec") if name.startswith(f"{base}.")], "registering is quick"
    assert [spec for spec in every() if spec.name == f"tls-{question}"], "it is in the list"
    for room, names in {"answer": ["query"], "table": ["table"], "page": ["page"]}.items():
        assert all(hasattr(import_module(f"{base}.{room}"), name) for name in names)
    assert {"document", "records"} <= set(dir(import_module(f"{base}.document")))


@pytest.mark.parametrize("question", QUESTIONS)
def test_each_question_has_its_tests(question: str) -> None:
    assert (ROOT / "tests" / "integration" / "questions" / f"test_{question}.py").exists()


def test_no_room_knows_what_finds_rooms() -> None:
    """Rooms are found by their names: so no circle of imports can hide there."""
    users = {name for name in MODULES if "gdb_tls.questions.rooms" in own_imports(name)}
    assert users
    assert {folder(name) for name in users} == {"hosts"}


def test_the_parts_of_a_command_carry_its_name() -> None:
    """The command's word is the folder's name, the documents' and the tests'."""
    for question in QUESTIONS:
        document = (PACKAGE / "questions" / question / "document.py").read_text()
        assert f"gdb-tls/{question}/1" in document, question


def test_only_a_host_imports_gdb() -> None:
    users = {name for name, path in MODULES.items() if any(module == "gdb" for module, _ in imports(path))}
    assert users, "the host imports it"
    assert not [name for name in users if not name.startswith("gdb_tls.hosts.gdb")]
    assert any(module == "gdb" for module, _ in imports(ROOT / "gdb_tls.py"))


def test_the_command_line_has_no_debugger() -> None:
    for name in MODULES:
        if folder(name) == "cli" or name.startswith(("gdb_tls.hosts.native", "gdb_tls.hosts.direct")):
            assert not [other for other in own_imports(name) if other.startswith("gdb_tls.hosts.gdb")], name


def test_views_read_no_target() -> None:
    """Views get data; of the door to the program they know the plain records only."""
    rooms = tuple(f".{room}" for room in ROOMS - {"spec", "answer"})
    for name, path in MODULES.items():
        if folder(name) == "views" or (folder(name) == "questions" and name.endswith(rooms)):
            taken = {what for module, what in imports(path) if module == "gdb_tls.target.protocol"}
            assert taken <= {"Frame", "Region", "Fault", "Part"}, name
            assert not own_imports(name) & {"gdb_tls.program.program", "gdb_tls.program.symbols"}, name


def test_all_but_the_hosts_of_gdb_runs_in_plain_python() -> None:
    code = f"""
import importlib, pkgutil, sys
sys.path[:0] = {[str(ROOT), *sys.path]!r}
sys.modules["gdb"] = None
import gdb_tls
names = [one.name for one in pkgutil.walk_packages(gdb_tls.__path__, "gdb_tls.", onerror=lambda name: None)]
for name in names:
    if not name.startswith(("gdb_tls.hosts.gdb", "gdb_tls.__main__")):
        importlib.import_module(name)
        print(name)
try:
    import gdb_tls.hosts.gdb.command
except ImportError:
    print("gdb is blocked")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    said = done.stdout.split("\n")
    assert "gdb is blocked" in said
    assert {"gdb_tls.program.report", "gdb_tls.libc.glibc.library", "gdb_tls.questions.inspect.table"} <= set(said)


def test_no_path_of_this_machine() -> None:
    """Nothing in the product names the folder in which it happens to lie; `/src` alone may be anybody's example."""
    folder = f"{ROOT}/" if len(ROOT.parts) > 2 else f"{ROOT}/gdb_tls/"
    for path in [*PACKAGE.rglob("*.py"), *(ROOT / "tests" / "unit").rglob("*.py"), ROOT / "gdb_tls.py"]:
        assert folder not in path.read_text(), path
