"""Globals that a runtime copies for each thread: nobody is told that every thread sees the same one."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from integration.hosts.direct.answers import gdb_tls

# What clang calls upon where it uses no thread-local storage; its own runtime need not be installed.
OPENMP = """
#include <stdlib.h>
int counter = 5;
#pragma omp threadprivate(counter)
int shared_by_all = 6;
int __kmpc_global_thread_num(void *where) { return 0; }
void *__kmpc_threadprivate_cached(void *where, int thread, void *data, size_t size, void ***cache) {
    if (!*cache) *cache = calloc(8, sizeof(void *));
    return (*cache)[thread] ? (*cache)[thread] : ((*cache)[thread] = calloc(1, size));
}
int main(void) { counter = 7; shared_by_all = 8; abort(); }
"""
# A unit's variables and its list, as Free Pascal 3.2 writes them for x86-64.
PASCAL = """
int plain asm("U_$P$P_$$_PLAIN") = 3;
struct { unsigned offset, unused; short value; } counter asm("U_$P$P_$$_COUNTER");
struct { void *variable; int size; } __attribute__((packed)) list[] asm("THREADVARLIST_$P$P") = {{&counter, 2}, {0, 0}};
int main(void) { __builtin_trap(); }
"""
BUILDS = {
    "openmp": (OPENMP, ["clang", "-fopenmp", "-fnoopenmp-use-tls"], "thread-private by OpenMP's runtime"),
    "pascal": (PASCAL, ["gcc", "-no-pie"], "a threadvar of Free Pascal"),
}


@pytest.mark.parametrize("runtime", BUILDS)
def test_copies_that_a_runtime_keeps(runtime: str, tmp_path: Path) -> None:
    source, command, words = BUILDS[runtime]
    file, program, core = tmp_path / "program.c", tmp_path / "program", tmp_path / "core"
    file.write_text(source)
    compiled = [*command, "-g", "-c", file, "-o", tmp_path / "program.o"]
    subprocess.run(compiled, check=True)
    linked = ["gcc", *(["-no-pie"] if runtime == "pascal" else []), tmp_path / "program.o", "-o", program]
    subprocess.run(linked, check=True)
    gdb = ["gdb", "-nx", "--batch", "-ex", "run", "-ex", f"generate-core-file {core}", program]
    subprocess.run(gdb, check=True, capture_output=True)
    for engine in ("gdb", "direct"):
        said = gdb_tls(["core", core, "counter", "--engine", engine])
        assert f"counter is {words}" in said.errors, said
        assert "every thread sees the same one" not in said.errors
        if runtime == "openmp":
            others = gdb_tls(["core", core, "shared_by_all", "--engine", engine])
            assert "shared_by_all is a global variable" in others.errors
        else:
            assert words not in gdb_tls(["core", core, "plain", "--engine", engine]).errors
