"""Inside GDB: runs a program to several of its stops, and writes down what gdb-tls and the compiler's code say there.

Reads what to do from the JSON file named in $peer_task; writes one JSON line for each look into the task's `output`.
"""

from __future__ import annotations

import json
import os
import signal
import time
from typing import Any

import gdb

# What a program that waits for its threads calls.
CALLS = ["dlopen", "dlclose", "pthread_create", "pthread_join", "pthread_barrier_wait", "sem_wait"]
CALLS += ["sleep", "pause", "exit", "_exit", "abort"]
COUNT_SECONDS = 20
MOST_COUNTED = 400


def answers(folder: str, by_name: bool = False) -> list[list[Any]] | str:
    """What gdb-tls says of every variable of the programs under a folder, in every thread.

    [file, load base, offset, lwp, state, address, reason]: of a definition that no code uses, what it says of the one
    that is used instead.  Where there is no answer at all, why.

    Args:
        folder: of the programs.
        by_name: asks for each as a user does, by its name; else by its symbol.
    """
    from gdb_tls.errors import TlsError
    from gdb_tls.hosts.gdb import current_program
    from gdb_tls.program.report import inspect
    from gdb_tls.program.resolve import make
    from gdb_tls.target.model import Absence, State

    try:
        program = current_program()
        threads, symbols, resolver = program.threads, program.symbols(), make("passive", program)
    except TlsError as error:
        return f"no answer: {error}"
    found: dict[tuple[str, int, int, int | None], list[Any]] = {}
    for candidate in symbols.every:
        module = candidate.module
        path = module.path or module.target_path
        if not path.startswith(folder) or candidate.symbol.name.startswith("peer_alias_"):
            continue
        variable = symbols.variable(symbols.unused.get(candidate, candidate))
        if by_name:
            name = f"{variable.name}@{variable.offset:#x}"
            try:
                instances = inspect(program, name, module=str(variable.module.id), with_names=False).instances
                places = [
                    Absence(one.state, one.reason or "") if one.address is None else one.address for one in instances
                ]
            except TlsError as error:
                places = [Absence(State.UNRESOLVED, f"by name: {error}")] * len(threads)
        else:
            places = resolver.resolve(variable, threads)
        for thread, place in zip(threads, places):
            key = (path, module.load_base, candidate.symbol.value, thread.lwp)
            said = [place.state.value, None, place.reason] if isinstance(place, Absence) else ["set", place, ""]
            found.setdefault(key, [*key, *said])
    return list(found.values())


def truth(functions: dict[str, list[Any]]) -> list[list[Any]]:
    """What the compiler's code says: every function is called in every thread, while the others stand still.

    [file, load base, offset, lwp, address or None, why]
    """
    found: list[list[Any]] = []
    selected = gdb.selected_thread()
    gdb.execute("set scheduler-locking on")
    for path, base in loaded(set(functions)):
        for address, _, offset in functions[path]:
            call = f"((unsigned long (*)(void)) {base + address:#x})()"
            for thread in gdb.selected_inferior().threads():
                lwp = thread.ptid[1]
                try:
                    thread.switch()
                    found.append([path, base, offset, lwp, int(gdb.parse_and_eval(call)), ""])
                except gdb.error as error:
                    found.append([path, base, offset, lwp, None, str(error).split("\n")[0]])
    selected.switch()
    gdb.execute("set scheduler-locking off")
    return found


def loaded(paths: set[str]) -> list[tuple[str, int]]:
    """Each copy of the files that is mapped, with what is added to the addresses in the file: by the kernel's word."""
    pid = gdb.selected_inferior().pid
    found = []
    with open(f"/proc/{pid}/maps") as lines:
        for line in lines:
            words = line.split(None, 5)
            if len(words) == 6 and words[5].strip() in paths and int(words[2], 16) == 0:
                path = words[5].strip()
                found.append((path, int(words[0].split("-")[0], 16) - first_address(path)))
    return found


def first_address(path: str) -> int:
    """Where the file's first byte would be without a base: p_vaddr - p_offset of the first PT_LOAD."""
    with open(path, "rb") as file:
        head = file.read(4096)
    wide = head[4] == 2
    start = int.from_bytes(head[32:40] if wide else head[28:32], "little")
    size = int.from_bytes(head[54:56] if wide else head[42:44], "little")
    count = int.from_bytes(head[56:58] if wide else head[44:46], "little")
    for number in range(count):
        row = head[start + number * size : start + (number + 1) * size]
        if int.from_bytes(row[:4], "little") == 1:
            offset, address = (row[8:16], row[16:24]) if wide else (row[4:8], row[8:12])
            return int.from_bytes(address, "little") - int.from_bytes(offset, "little")
    return 0


class Run:
    """One program: counted to its end once, then asked at some of its stops."""

    def __init__(self, task: dict[str, Any]) -> None:
        self.task = task
        self.stops = 0
        self.output = open(task["output"], "a")  # noqa: SIM115

    def write(self, **what: Any) -> None:
        self.output.write(json.dumps(what) + "\n")
        self.output.flush()

    def begin(self) -> None:
        gdb.execute(f"file {self.task['program']}")
        gdb.execute(f"set args {self.task['arguments']}")
        gdb.execute(f"set environment LD_LIBRARY_PATH {self.task['folder']}")
        gdb.execute("delete")
        gdb.execute("starti", to_string=True)
        for name in [*self.task["functions_to_stop_at"], *CALLS]:
            try:
                gdb.Breakpoint(f"-q {name}", internal=True)
            except gdb.error:
                continue

    def next(self) -> bool:
        """Goes on to the next stop; False at the program's end."""
        try:
            gdb.execute("continue", to_string=True)
        except gdb.error:
            return False
        return bool(gdb.selected_inferior().pid)

    def count(self) -> int:
        self.begin()
        end, found = time.monotonic() + COUNT_SECONDS, 0
        while time.monotonic() < end and found < MOST_COUNTED and self.next():
            found += 1
        self.end()
        return found

    def end(self) -> None:
        if gdb.selected_inferior().pid:
            gdb.execute("kill", to_string=True)

    def ask(self, wanted: set[int]) -> None:
        self.begin()
        for number in range(max(wanted, default=0) + 1):
            if not self.next():
                break
            if number in wanted:
                self.look(number, early=bool(len(wanted) and number % 2))
        self.end()

    def look(self, number: int, early: bool) -> None:
        """Asks before and after the calls: before them, some blocks may not be there yet."""
        folder, functions = self.task["folder"], self.task["functions"]
        core = f"{self.task['cores']}/{number}"
        frame = gdb.newest_frame().name() or "?"
        before = answers(folder)
        if early:
            gdb.execute(f"gcore {core}", to_string=True)
        true = truth(functions)
        after = answers(folder)
        if not early:
            gdb.execute(f"gcore {core}", to_string=True)
        self.write(stop=number, at=frame, core=core, early=early, truth=true, before=before, after=after)


def main() -> None:
    task = json.loads(open(os.environ["PEER_TASK"]).read())  # noqa: SIM115
    for setting in (
        "confirm off",
        "pagination off",
        "debuginfod enabled off",
        "breakpoint pending on",
        "unwindonsignal on",
        "print thread-events off",
        "print inferior-events off",
        "startup-with-shell off",
        "style enabled off",
        "detach-on-fork on",
        "follow-fork-mode parent",
    ):
        gdb.execute(f"set {setting}", to_string=True)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    run = Run(task)
    if task["kind"] == "core":
        for stop, core in task["of"]:
            gdb.execute(f"file {task['program']}")
            gdb.execute(f"core-file {core}", to_string=True)
            run.write(stop=stop, core=answers(task["folder"]), named=answers(task["folder"], by_name=True))
        run.write(end=True)
        return
    for name in ("SIGUSR1", "SIGUSR2", "SIGALRM", "SIG34", "SIG33", "SIG32"):
        gdb.execute(f"handle {name} nostop noprint pass", to_string=True)
    count = run.count()
    most = task["stops"]
    wanted = {count * number // most for number in range(most)} if count > most else set(range(count))
    run.write(count=count)
    run.ask(wanted)
    run.write(end=True)


main()
