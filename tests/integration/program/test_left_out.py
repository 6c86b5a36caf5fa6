"""Thread-local variables that the optimiser left out: the debugger knows of them, and nobody can show them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from integration.sessions import run_gdb

MAIN = "void first(int); void second(int); int main(void) { first(1); second(2); __builtin_trap(); }\n"
SOURCE = """
#include <stdio.h>
static __thread long level = 5;
__attribute__((noinline)) void NAME(int n) { level = 100 + n; printf("%ld\\n", level); }
"""


@pytest.mark.parametrize("compiler", [("gcc",), ("clang",), ("clang", "-flto=thin", "-fuse-ld=lld")], ids=" ".join)
def test_left_out(compiler: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "main.c").write_text(MAIN)
    for name in ("first", "second"):
        (tmp_path / f"{name}.c").write_text(SOURCE.replace("NAME", name))
    files = ("main.c", "first.c", "second.c")
    command = (*compiler, "-O2", "-g", "-pthread", *files, "-o", "program")
    subprocess.run(command, cwd=tmp_path, check=True)
    asked = ["'first.c'::level", "second.c::level"]
    done = run_gdb(
        [tmp_path / "program"], ["run", *(f"tls-inspect {one}" for one in asked), "tls-inspect 'first.c'::levels"]
    )
    why = "The debug information says of no place where it is: most likely the compiler has left it out."
    sentence = f"level is optimised out. {why}"
    assert done.text.count(sentence) == 2, done.text
    assert "No thread-local variable is called 'first.c'::levels" in done.text.replace("first.c::", "'first.c'::")
