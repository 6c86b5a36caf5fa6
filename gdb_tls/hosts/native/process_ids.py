"""Which process a thread is of."""

from __future__ import annotations

from contextlib import suppress


def process_of(tid: int) -> int:
    """The process of a thread, by whose id the kernel shows it, too (proc(5), Tgid); itself where there is none."""
    with suppress(OSError, ValueError), open(f"/proc/{tid}/status", encoding="ascii", errors="replace") as file:
        for line in file:
            if line.startswith("Tgid:"):
                return int(line.split()[1])
    return tid
