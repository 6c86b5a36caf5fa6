"""Which program GDB has, what it was started with, on which machine, and how it ended."""

from __future__ import annotations

import os
import time
from contextlib import suppress

from gdb_tls.elf.core_notes import NT_PRPSINFO
from gdb_tls.elf.file import NotElf
from gdb_tls.errors import reason
from gdb_tls.hosts.native.thread_notes import process_notes
from gdb_tls.target.protocol import Target, UnreadableMemory
from gdb_tls.views.origin import Origin

# The size of pr_psargs, the end of struct elf_prpsinfo (Linux include/linux/elfcore.h).
ARGUMENTS = 80
MOST_ASKED = 8
AT_EXECFN = 31
LONGEST_ENVIRONMENT = 1 << 17
PAGE = 4096
TIME = "%Y-%m-%d %H:%M:%S %z"


def name_of(target: Target) -> Origin:
    """The program and its core dump, or its process: what costs nothing."""
    return Origin(_executable(target), target.pid, target.core_file or "", target.kind == "remote")


def _executable(target: Target) -> str:
    """GDB has gone to the end of symbolic links, such as `redis-server`'s to `redis-check-rdb`."""
    found = target.executable or ""
    address = target.auxiliary_vector().get(AT_EXECFN, 0)
    with suppress(UnreadableMemory):
        noted = os.fsdecode(target.memory.read(address, PAGE - address % PAGE).split(b"\0", 1)[0]) if address else ""
        if found and noted and os.path.realpath(noted) == os.path.realpath(found):
            return noted
    return found


def origin_of(target: Target) -> Origin:
    """The same, and what else is known."""
    found = name_of(target)
    signal = _signal(target)
    if target.kind == "core":
        return found._replace(
            arguments=_noted(found.core), signal=signal, host=_environments_host(target), time=_written(found.core)
        )
    now = time.strftime(TIME)
    if target.kind == "remote":
        return found._replace(signal=signal, time=now)
    return found._replace(arguments=_command_line(target.pid), signal=signal, host=os.uname().nodename, time=now)


def _signal(target: Target) -> str:
    try:
        fault = target.fault(MOST_ASKED)
    except Exception as error:  # it is only a heading
        reason(error)
        return ""
    return f"{fault.signal} in thread {fault.num}" if fault and fault.signal else ""


def _noted(core: str) -> str:
    """The beginning of the command line, which is all that the kernel notes of it."""
    with suppress(NotElf, OSError):
        for data in (data for kind, _, data in process_notes(core) if kind == NT_PRPSINFO):
            text = os.fsdecode(data[-ARGUMENTS:].split(b"\0", 1)[0]).strip()
            return text + ("..." if len(text) >= ARGUMENTS - 2 else "")
    return ""


def _environments_host(target: Target) -> str:
    """A core does not name its machine, but the environment may: its strings end where the kernel put AT_EXECFN's."""
    end = target.auxiliary_vector().get(AT_EXECFN, 0)
    found = b""
    with suppress(UnreadableMemory):
        while end and len(found) < LONGEST_ENVIRONMENT:
            size = end % PAGE or PAGE
            end -= size
            found = target.memory.read(end, size) + found
    _, there, value = found.partition(b"\0HOSTNAME=")
    return os.fsdecode(value.split(b"\0", 1)[0]) + " (by its environment)" if there else ""


def _written(core: str) -> str:
    with suppress(OSError):
        return time.strftime(TIME, time.localtime(os.stat(core).st_mtime))
    return ""


def _command_line(pid: int | None) -> str:
    with suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as file:
        return os.fsdecode(file.read().replace(b"\0", b" ")).strip()
    return ""
