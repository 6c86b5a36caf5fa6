"""Names, types, files and lines of thread-local variables out of DWARF, whole and damaged."""

from __future__ import annotations

import random
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from gdb_tls.elf.file import open_elf
from gdb_tls.hosts.direct.demangling import demangled
from gdb_tls.hosts.direct.names import DwarfNames
from gdb_tls.target.model import Kind

SOURCE = """\
#include <memory>
#include <string>
namespace space { struct Point { int x, y; unsigned flag : 3; }; }
enum class Colour { red = 1, green = 2 };
struct Node;
template <typename T> struct Pool { static thread_local T *head; };
template <typename T> thread_local T *Pool<T>::head;
thread_local space::Point point;
thread_local space::Point *const *pointer;
thread_local unsigned long number;
thread_local volatile char text[8][4];
thread_local int (*function)(const char *, ...);
thread_local Colour colour;
thread_local std::unique_ptr<int> owned;
thread_local std::string words;
static thread_local Node *node;
namespace { thread_local bool hidden; }
int *local() { static thread_local int counted; return &counted; }
long use() { return (long) &Pool<int>::head + (long) &node + (long) &hidden + (long) local(); }
"""
# Name: (type, kind, size, line).
TRUE: dict[str, tuple[str, Kind, int, int]] = {
    "point": ("space::Point", Kind.AGGREGATE, 12, 8),
    "pointer": ("space::Point * const *", Kind.POINTER, 8, 9),
    "number": ("unsigned long", Kind.INTEGER, 8, 10),
    "text": ("volatile char [8][4]", Kind.AGGREGATE, 32, 11),
    "function": ("int (*)(const char *, ...)", Kind.POINTER, 8, 12),
    "colour": ("Colour", Kind.ENUM, 4, 13),
    "owned": ("std::unique_ptr<int>", Kind.AGGREGATE, 8, 14),
    "words[abi:cxx11]": ("std::string", Kind.AGGREGATE, 32, 15),
    "node": ("Node *", Kind.POINTER, 8, 16),
    "(anonymous namespace)::hidden": ("bool", Kind.BOOLEAN, 1, 17),
    "local()::counted": ("int", Kind.INTEGER, 4, 18),
    "Pool<int>::head": ("int *", Kind.POINTER, 8, 6),
}


class NoObjects:
    """Nothing is loaded."""

    all: tuple[()] = ()


def library(folder: Path, *flags: str) -> Path:
    source, output = folder / "variables.cc", folder / "libvariables.so"
    source.write_text(SOURCE)
    subprocess.run(["g++", "-shared", "-fPIC", *flags, "-o", output, source], check=True)
    return output


def described(path: Path) -> dict[str, Any]:
    names = DwarfNames(NoObjects())  # type: ignore[arg-type]
    symbols = open_elf(str(path)).tls_symbols()
    called = demangled([symbol.name for symbol in symbols])
    return {name: names.describe(symbol, name, str(path)) for symbol, name in zip(symbols, called)}


TYPE_UNITS = ["-gdwarf-4 -fdebug-types-section", "-gdwarf-5 -fdebug-types-section"]


@pytest.mark.parametrize(
    "flags", ["-g", "-gdwarf-2", "-gdwarf-3", "-gdwarf-4", "-gdwarf-5 -O2", "-g -gz", "-g -gdwarf64", *TYPE_UNITS]
)
def test_as_compilers_write_it(flags: str, tmp_path: Path) -> None:
    found = described(library(tmp_path, *flags.split()))
    assert found.keys() >= TRUE.keys()
    for name, (kind, what, size, line) in TRUE.items():
        one = found[name]
        assert one is not None and one.type is not None, name
        shown = one.type.name
        assert (shown, one.type.kind, one.type.size) == (kind, what, size), name
        assert one.file == "variables.cc" and (one.line == line or "::" in name), (name, one.line)
    assert found["number"].type.is_signed is False
    assert found["owned"].type.owner == 0


@pytest.mark.parametrize("version", [4, 5])
def test_packages(version: int, tmp_path: Path) -> None:
    """Types are found in a package of .dwo files, which are gone; and without it nothing is made up."""
    path = library(tmp_path, f"-gdwarf-{version}", "-gsplit-dwarf")
    subprocess.run(["llvm-dwp" if version == 5 else "dwp", "-e", path, "-o", f"{path}.dwp"], check=True)
    for file in [*tmp_path.glob("*.dwo"), *Path().glob("libvariables.so-*.dwo")]:
        file.unlink()
    found = described(path)
    for name, (kind, what, size, _) in TRUE.items():
        one = found[name]
        assert one is not None and (one.type.name, one.type.kind, one.type.size) == (kind, what, size), name
    Path(f"{path}.dwp").rename(tmp_path / "elsewhere.dwp")
    assert not any(one and one.type for one in described(path).values())


@pytest.mark.parametrize("section", [".debug_info", ".debug_abbrev", ".debug_str", ".debug_line"])
def test_damaged(section: str, tmp_path: Path) -> None:
    """Nothing is asked of damaged DWARF that does not end, and no exception leaves."""
    path = library(tmp_path, "-g")
    whole = path.read_bytes()
    raw = open_elf(str(path)).debug_section(section)
    start = whole.index(raw)
    began = time.monotonic()
    for seed in range(60):
        chance = random.Random(seed)
        data = bytearray(whole)
        for _ in range(1 + seed % 40):
            at = start + chance.randrange(len(raw) - 8)
            data[at : at + chance.choice((1, 4))] = chance.randbytes(1) * chance.choice((1, 4))
        damaged = tmp_path / f"lib{seed}.so"
        damaged.write_bytes(data[: len(whole)])
        for found in described(damaged).values():
            assert found is None or isinstance(found.name, str)
        damaged.unlink()
    assert time.monotonic() - began < 300
