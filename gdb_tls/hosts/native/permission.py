"""Why the kernel does not let a process be looked at: ptrace(2), "Ptrace access mode checking", and Yama of Linux.

The rules of ptrace(2) are those of /proc/PID/mem, too; of the two only tracing takes that nobody else does.
"""

from __future__ import annotations

import os
import pwd
import time
from collections.abc import Mapping
from contextlib import suppress

from gdb_tls.errors import NoProcess

CAP_SYS_PTRACE = 19  # linux/capability.h
YAMA = "/proc/sys/kernel/yama/ptrace_scope"
WITH_ROOT = "Use sudo."
# The values of Yama's ptrace_scope that forbid something, and what helps.
SCOPES = {
    1: (f"only its parents may ({YAMA} is 1)", f"Use sudo, or `echo 0 | sudo tee {YAMA}`."),
    2: (f"only root may ({YAMA} is 2)", WITH_ROOT),
    3: (f"nobody may ({YAMA} is 3)", "That value stays until the machine starts again; its core dumps can be read."),
}


LOOKS, PAUSE_SECONDS = 20, 0.1
PF_KTHREAD = 0x00200000  # linux/sched.h
AT_FLAGS = 6  # in /proc/PID/stat, behind the name


def ended(pid: int) -> NoProcess:
    """The error for a process that has ended, but is there until its parent asks how."""
    return NoProcess(f"Process {pid} has ended, and only its parent has not asked for its status yet (a zombie)", "")


def denied(pid: int, *, tracing: bool) -> NoProcess:
    """The error for a process that may not be looked at: why, and what to do.

    Args:
        pid: its id.
        tracing: whether it was to be traced, and not only read.
    """
    status = _status(f"/proc/{pid}/status")
    if _is_of_the_kernel(pid):
        return NoProcess(f"Process {pid} is a thread of the kernel, which has no memory of a program", "")
    if tracing and _has_left(pid):
        others = [tid for tid in os.listdir(f"/proc/{pid}/task") if tid != str(pid)]
        what = f"The main thread of process {pid} has ended, and GDB attaches to none of the others through it"
        return NoProcess(what, "Use --engine direct, which looks at them.") if others else ended(pid)
    if tracing:
        tracer = _tracer(pid, status)
        if tracer:
            what = f"Process {pid} is already traced by process {tracer}, and only one can"
            return NoProcess(what, "End that one, or use --engine direct without --stop, which only reads.")
    why, hint = _reason(pid, status)
    return NoProcess(f"Process {pid} may not be looked at: {why}", hint)


def uninterruptible(pid: int) -> NoProcess | None:
    """The error for a process that GDB would wait for without an end: a thread that nothing stops, as in vfork.

    A read of a disk takes its thread there, too, but not for long: it must be there at each look.
    """
    waiting: set[str] | None = None
    for look in range(LOOKS):
        time.sleep(PAUSE_SECONDS * bool(look))
        with suppress(OSError):
            found = {tid for tid in os.listdir(f"/proc/{pid}/task") if _waits(f"/proc/{pid}/task/{tid}")}
            waiting = found if waiting is None else waiting & found
        if not waiting:
            return None
    what = f"Thread {min(waiting or (), key=int)} of process {pid} waits in the kernel, where nothing interrupts it"
    return NoProcess(f"{what}: GDB cannot attach", "Use --engine direct, which looks without stopping it.")


def _waits(folder: str) -> bool:
    """Whether a thread is in state D of proc(5), as it was when its folder was read."""
    return _status(f"{folder}/status").get("State", "").startswith("D")


def _reason(pid: int, status: Mapping[str, str]) -> tuple[str, str]:
    own = _status("/proc/self/status")
    scope = _yama()
    can_trace = int(own.get("CapEff", "0") or "0", 16) >> CAP_SYS_PTRACE & 1
    if scope == max(SCOPES):
        return SCOPES[scope]
    if os.geteuid() == 0 and not can_trace:
        hint = "In a container, start that with --cap-add=SYS_PTRACE."
        return "this root has not the capability CAP_SYS_PTRACE", hint
    owners = {int(word) for word in status.get("Uid", "").split()[:3]}
    if not can_trace and owners and owners != {os.geteuid()}:
        others = sorted(owners - {os.geteuid()})
        return f"it is {_name(others[0])}'s, and this is {_name(os.geteuid())}", WITH_ROOT
    if not can_trace and scope in SCOPES:
        return SCOPES[scope]
    if not can_trace and _is_protected(pid):
        why = "it is not dumpable: it has asked for that, began with more rights, or its file may not be read"
        return why, WITH_ROOT
    hint = (
        "It may be another container's, or a security profile forbids it (docker: --security-opt seccomp=unconfined)."
    )
    return "the kernel does not permit it", hint if can_trace else f"{WITH_ROOT} {hint}"


def _is_of_the_kernel(pid: int) -> bool:
    with (
        suppress(OSError, IndexError, ValueError),
        open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file,
    ):
        return bool(int(file.read().rpartition(")")[2].split()[AT_FLAGS]) & PF_KTHREAD)
    return False


def _has_left(pid: int) -> bool:
    return _status(f"/proc/{pid}/task/{pid}/status").get("State", "Z")[:1] in ("Z", "X")


def _is_protected(pid: int) -> bool:
    """Whether its files in /proc are root's: proc(5), where the "dumpable" attribute is not 1."""
    with suppress(OSError):
        return os.stat(f"/proc/{pid}/mem").st_uid != os.geteuid()
    return False


def _tracer(pid: int, status: Mapping[str, str]) -> str:
    """Who traces it, or one of its threads: "12 (strace)"; empty for nobody."""
    every = [status]
    with suppress(OSError):
        every += [_status(f"/proc/{pid}/task/{tid}/status") for tid in os.listdir(f"/proc/{pid}/task")]
    number = next((one["TracerPid"] for one in every if one.get("TracerPid", "0") != "0"), "")
    if not number:
        return ""
    with suppress(OSError), open(f"/proc/{number}/comm", encoding="utf-8", errors="replace") as file:
        return f"{number} ({file.read().strip()})"
    return number


def _status(path: str) -> dict[str, str]:
    with suppress(OSError), open(path, encoding="utf-8", errors="replace") as file:
        return {name: value.strip() for name, _, value in (line.partition(":") for line in file)}
    return {}


def _yama() -> int:
    with suppress(OSError, ValueError), open(YAMA, encoding="ascii") as file:
        return int(file.read())
    return 0


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
