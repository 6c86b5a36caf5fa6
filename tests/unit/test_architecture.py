"""The shape of the code: who imports whom.

    gdb -> edge -> target -> symbols -> libc -> resolve -> value -> answers -> render -> commands

Facts flow to the right, so nothing imports what is to its right.  The edge is the outermost
ring: it makes the target, and runs the commands; it alone imports gdb.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "gdb_tls"

# From the foundations to the edges.  An entry stands for itself and, where it ends in a dot, for what is below it.
LAYERS = (
    ("errors", "model", "instances", "arch", "elf_headers", "elf", "progress"),
    ("target",),
    ("objects", "symbols"),
    ("libc", "libc."),
    ("program",),
    ("resolve", "resolve."),
    ("value",),
    # Answers: what the commands find out.
    ("report", "verify", "verdict", "survey", "grid", "difference", "keys", "modules", "thread", "whatis",
     "memory_map", "audit", "audit."),
    # What a command and a page are.
    ("commands", "commands.options", "render.page"),
    ("render", "render."),
    ("commands.",),
    # The edges: GDB, the command line, and the Python interface.
    ("debugger", "debugger.", "cli", "cli.", "__main__", "gdb_tls"),
)  # fmt: skip

# `commands.every()` is the list of all commands.
REGISTRY = "commands"


def short(name: str) -> str:
    """A module's name without the package's."""
    return name.removeprefix("gdb_tls.")


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def imports(path: Path) -> Iterator[tuple[str, str]]:
    """(module, name) of everything that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: a relative import"
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield (full, "") if full in MODULES else (str(node.module), alias.name)


def layer(name: str) -> int:
    """The index of a module's layer: the longest entry that fits it."""
    fitting = [
        (len(entry), index)
        for index, entries in enumerate(LAYERS)
        for entry in entries
        if short(name) == entry or (entry.endswith(".") and short(name).startswith(entry))
    ]
    assert fitting, f"{name} is in no layer yet: say in LAYERS where it belongs"
    return max(fitting)[1]


def test_something_is_looked_at() -> None:
    assert len(MODULES) > 30
    assert ("gdb_tls.objects", "LoadedObjects") in set(imports(MODULES["gdb_tls.libc"]))


@pytest.mark.parametrize("name", MODULES)
def test_nothing_imports_what_is_to_its_right(name: str) -> None:
    own = layer(name)
    wrong = [
        other
        for other, _ in imports(MODULES[name])
        if other.split(".")[0] == "gdb_tls" and layer(other) > own
        if not (short(name) == REGISTRY and short(other).startswith(f"{REGISTRY}."))
    ]
    assert not wrong, f"{name} imports {', '.join(wrong)}"


def test_only_the_edge_imports_gdb() -> None:
    users = {short(name) for name, path in MODULES.items() if any(module == "gdb" for module, _ in imports(path))}
    assert users, "the edge imports it"
    assert {name for name in users if not name.startswith("debugger.")} == set()
    assert any(module == "gdb" for module, _ in imports(ROOT / "gdb_tls.py"))


def test_the_command_line_has_no_debugger() -> None:
    for name, path in MODULES.items():
        if short(name).startswith("cli"):
            assert not [other for other, _ in imports(path) if short(other).startswith("debugger")], name


def test_views_read_no_target() -> None:
    """Rendering gets data; of the door to the program it knows the plain records only."""
    for name, path in MODULES.items():
        if short(name).startswith("render."):
            taken = {what for module, what in imports(path) if module == "gdb_tls.target"}
            assert taken <= {"Frame", "Region", "Fault", "Part"}, name
            behind = {"objects", "symbols", "program", "value"} | {one for one in LAYERS[3] + LAYERS[5]}
            assert not [other for other, _ in imports(path) if short(other).split(".")[0] in behind], name


def test_all_but_the_edge_runs_in_plain_python() -> None:
    code = f"""
import importlib, pkgutil, sys
sys.path[:0] = {[str(ROOT), *sys.path]!r}
sys.modules["gdb"] = None
import gdb_tls
names = [one.name for one in pkgutil.walk_packages(gdb_tls.__path__, "gdb_tls.", onerror=lambda name: None)]
for name in names:
    if not name.startswith(("gdb_tls.debugger", "gdb_tls.__main__")):
        importlib.import_module(name)
        print(name)
try:
    import gdb_tls.debugger.command
except ImportError:
    print("gdb is blocked")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    said = done.stdout.split("\n")
    assert "gdb is blocked" in said
    assert {"gdb_tls.report", "gdb_tls.libc.glibc", "gdb_tls.render.inspect"} <= set(said)


def test_no_path_of_this_machine() -> None:
    """Nothing in the product names the folder in which it happens to lie."""
    for path in [*PACKAGE.rglob("*.py"), *(ROOT / "tests" / "unit").glob("*.py"), ROOT / "gdb_tls.py"]:
        assert str(ROOT) + "/" not in path.read_text(), path
