"""What GDB is told before it calls code on a processor with more registers than it can write."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

# Has GDB read and write the registers that every x86 processor has, by the older system calls.
FEW_REGISTERS = '<?xml version="1.0"?><target version="1.0"></target>'


@cache
def writing_registers(gdb: str = "gdb") -> tuple[str, ...]:
    """The commands, to be given before the program is; none where this GDB can write this processor's registers.

    GDB before 14 cannot those of a processor with AMX, and then no call is possible.
    """
    if not _is_refused(gdb, ()):
        return ()
    description = Path(tempfile.mkdtemp(prefix="gdb-tls-registers-")) / "registers.xml"
    description.write_text(FEW_REGISTERS)
    command = f"set tdesc filename {description}"
    assert not _is_refused(gdb, (command,)), "this GDB can write no registers here, whatever it is told"
    return (command,)


def _is_refused(gdb: str, early: Sequence[str]) -> bool:
    """Whether GDB cannot set a register of a process, as for a call."""
    command = [gdb, "-nx", "--batch", "-iex", "set debuginfod enabled off"]
    for one in early:
        command += ["-iex", one]
    for one in ("starti", "set var $mxcsr = 0x1fa0", "kill"):
        command += ["-ex", one]
    done = subprocess.run(
        [*command, "/bin/true"], stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False
    )
    return "Couldn't write" in done.stdout + done.stderr
