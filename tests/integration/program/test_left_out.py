"""Thread-local variables that the optimiser left out, or left only a part of: what is shown of them is true."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from integration.harness import Inferior
from integration.hosts.direct.answers import gdb_tls
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


# What is only written is removed: gcc's link-time optimisation in parts leaves the place, which nothing uses any more;
# LLVM's leaves the members that are used, and what lies behind them is another variable's.
PARTLY = """
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
struct parts { int read; int written; char *text; };
static __thread int removed;
__thread int kept = 3;
__thread struct parts parts;
__attribute__((noinline)) static int use(int n) {
    removed = n; parts.written = n; parts.text = "text"; parts.read = n; kept = n;
    return n + parts.read;
}
static void *work(void *number) {
    int sum = use((int)(long)number);
    printf("truth %ld %d %d %d\\n", (long)gettid(), kept, parts.read, sum);
    fflush(stdout);
    pause();
    return number;
}
int main(void) {
    pthread_t thread;
    pthread_create(&thread, 0, work, (void *)100);
    usleep(100000);
    puts("ready");
    work((void *)7);
}
"""
LTO = {
    "gcc": ("gcc", "-flto", "-flto-partition=max"),
    "clang": ("clang", "-flto", "-fuse-ld=lld"),
}


@pytest.mark.parametrize("compiler", LTO)
def test_left_in_part(compiler: str, tmp_path: Path) -> None:
    program, source = tmp_path / "partly", tmp_path / "partly.c"
    source.write_text(PARTLY)
    subprocess.run([*LTO[compiler], "-D_GNU_SOURCE", "-g", "-O2", "-pthread", source, "-o", program], check=True)
    symbols = subprocess.run(["nm", "-S", program], capture_output=True, text=True, check=True).stdout
    with Inferior([program], tmp_path) as inferior:
        said = inferior.wait_ready(b"truth %d 7" % inferior.pid).decode()
        truth = {int(one[0]): tuple(map(int, one[1:3])) for one in re.findall(r"truth (\d+) (\d+) (\d+)", said)}
        assert len(truth) == 2
        for engine in ("gdb", "direct"):

            def asked(name: str, engine: str = engine) -> Any:
                return gdb_tls(["pid", inferior.pid, name, "--engine", engine, "--format", "json"])

            kept = asked("kept").document
            assert {row["lwp"]: row["value"] for row in kept["threads"]} == {lwp: one[0] for lwp, one in truth.items()}
            assert kept["caution"] is None and kept["variable"]["piece_of"] is None
            if compiler == "gcc":
                assert "removed.lto_priv" in symbols
                assert "No code uses it" in asked("removed").document["caution"]
                whole = asked("parts.read").document
            else:
                assert " removed" not in symbols and " parts.0" in symbols
                whole = asked("parts").document
                # Only gdb has it by name that this is a piece of; what is shown is the piece in any case.
                assert whole["variable"]["size"] == 4 and whole["variable"]["type"] is None
                assert whole["variable"]["piece_of"] == (16 if engine == "gdb" else None)
            assert {row["lwp"]: row["value"] for row in whole["threads"]} == {lwp: one[1] for lwp, one in truth.items()}


FORMATS = [("clang", "-gdwarf-5"), ("clang", "-gdwarf-4"), ("gcc", "-gdwarf-5")]


@pytest.mark.parametrize("compiler", FORMATS, ids=" ".join)
def test_several_left_out(compiler: tuple[str, ...], tmp_path: Path) -> None:
    """GDB's index has none of them, and in DWARF 5 a text may be known by its number in a table only."""
    program, sources = tmp_path / "program", [tmp_path / f"{name}.c" for name in ("one", "two", "main")]
    for source in sources[:2]:
        source.write_text(f"static __thread int removed;\nvoid {source.stem}(void) {{ removed = 1; }}\n")
    sources[2].write_text(PARTLY.replace("removed", "another"))
    subprocess.run([*compiler, "-D_GNU_SOURCE", "-g", "-O2", "-pthread", *sources, "-o", program], check=True)
    with Inferior([program], tmp_path) as inferior:
        inferior.wait_ready()
        for engine in ("gdb", "direct"):
            for name in ("removed", "'one.c'::removed"):
                said = gdb_tls(["pid", inferior.pid, name, "--engine", engine])
                assert "removed is optimised out. " in said.errors, said
            unknown = gdb_tls(["pid", inferior.pid, "removed_too", "--engine", engine])
            assert "is called removed_too in" in unknown.errors


def test_left_out_without_gdb(tmp_path: Path) -> None:
    """By the debug information, in the same words."""
    program, source = tmp_path / "partly", tmp_path / "partly.c"
    source.write_text(PARTLY)
    subprocess.run(["gcc", "-D_GNU_SOURCE", "-g", "-O2", "-pthread", source, "-o", program], check=True)
    with Inferior([program], tmp_path) as inferior:
        inferior.wait_ready()
        for engine in ("gdb", "direct"):
            said = gdb_tls(["pid", inferior.pid, "removed", "--engine", engine])
            assert said.errors.startswith("gdb-tls: removed is optimised out. "), said
            assert "is called removed_too" in gdb_tls(["pid", inferior.pid, "removed_too", "--engine", engine]).errors
