"""Threads that clone(2) made and no C library knows: with a thread pointer of their own, or that of their maker."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from integration.harness import Inferior, kernel_writes_cores, make_core
from integration.hosts.direct.answers import gdb_tls

# `foreign` has a thread control block that the program has made, or bytes only (`bare`); `sharing` has none.
SOURCE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
__thread int count = 7;
static volatile int said[4];
static long call(long number) {
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number) : "rcx", "r11", "memory");
    return result;
}
static int foreign(void *unused) {
    (void)unused;
    count = 99;
    said[2] = call(SYS_gettid);
    for (;;) call(SYS_pause);
}
static int sharing(void *unused) {
    (void)unused;
    said[3] = call(SYS_gettid);
    for (;;) call(SYS_pause);
}
static void *work(void *unused) {
    count = 55;
    said[1] = gettid();
    pause();
    return unused;
}
static void *stack(void) {
    return (char *)mmap(0, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) + (1 << 20) - 64;
}
int main(int argc, char **argv) {
    (void)argc;
    int *(*far)(void) = (int *(*)(void))dlsym(dlopen(argv[1], RTLD_NOW), "far");
    pthread_t thread;
    char *pointer = (char *)stack() - 32768 + 64;
    const int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
    *far() = 77;
    count = 1;
    said[0] = gettid();
    pthread_create(&thread, 0, work, 0);
    if (!strcmp(argv[2], "block")) *(void **)pointer = pointer;
    clone(foreign, stack(), flags | CLONE_SETTLS, 0, 0, pointer, 0);
    clone(sharing, stack(), flags, 0);
    while (!said[1] || !said[2] || !said[3]) usleep(1000);
    printf("lwps %d %d %d %d ready\n", said[0], said[1], said[2], said[3]);
    fflush(stdout);
    if (!strcmp(argv[3], "abort")) abort();
    pause();
}
"""
FAR = "__thread int far_count = 3; int *far(void) { return &far_count; }"
# What is true of `count`, and of `far_count` of the library, which the worker has not touched.
COUNTS, FAR_COUNTS = (1, 55, 99, 1), (77, None, None, 77)


def built(folder: Path) -> list[str]:
    program, library = str(folder / "cloned"), str(folder / "libfar.so")
    for source, words in ((FAR, ["-shared", "-fPIC", "-o", library]), (SOURCE, ["-O1", "-o", program, "-pthread"])):
        subprocess.run(["gcc", "-g", "-xc", "-", *words], input=source, text=True, check=True)
    return [program, library]


@pytest.mark.parametrize("kind", ["live", "core"])
@pytest.mark.parametrize("what", ["block", "bare"])
def test_threads_of_clone(what: str, kind: str, tmp_path: Path) -> None:
    if kind == "core" and not kernel_writes_cores():
        pytest.skip("the kernel writes no cores here")
    mode = "abort" if kind == "core" else "wait"
    with Inferior([*built(tmp_path), what, mode], tmp_path) as inferior:
        said = inferior.wait_ready()
        lwps = [int(word) for word in re.findall(rb"\d+", said)]
        subject = ["core", make_core(inferior, by_kernel=True)] if kind == "core" else ["pid", inferior.pid]
        for engine in (["--engine", "gdb"], ["--engine", "direct", *(["--stop"] if kind == "live" else [])]):
            for name, truth in (("count", COUNTS), ("far_count", FAR_COUNTS)):
                document = gdb_tls([*subject, name, *engine, "--format", "json"]).document
                rows = {row["lwp"]: row for row in document["threads"]}
                assert set(rows) == set(lwps)
                for at, lwp in enumerate(lwps):
                    check(rows[lwp], truth[at], is_foreign=at == 2, is_block=what == "block")
            table = gdb_tls([*subject, "count", *engine]).output
            number = {row["lwp"]: row["num"] for row in document["threads"]}
            main, sharing = sorted((number[lwps[0]], number[lwps[3]]))
            assert f"Thread {sharing} uses the blocks of thread {main}: it has the same thread pointer." in table
        if kind == "live":
            running = gdb_tls(["pid", inferior.pid, "count", "--engine", "direct"]).output
            assert "its registers cannot be read while it goes on (--stop stops it)" in running


def check(row: Any, value: int | None, *, is_foreign: bool, is_block: bool) -> None:
    if value is not None and (is_block or not is_foreign):
        assert (row["state"], row["value"]) == ("set", value), row
    elif is_foreign:
        why = "the thread's DTV cannot be read" if is_block else "no thread control block is at the thread pointer"
        assert row["state"] == "unresolved" and row["reason"].startswith(why), row
    else:
        assert row["state"] == "unallocated", row
