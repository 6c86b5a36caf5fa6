"""Signals that say that a program went wrong."""

from __future__ import annotations

import signal

# All others only say why it was stopped.
FAULTS = ("SIGSEGV", "SIGBUS", "SIGILL", "SIGFPE", "SIGABRT")
WITH_ADDRESS = ("SIGSEGV", "SIGBUS")
# sigaction(2): `si_code` of a non-canonical address, which the kernel does not tell.
SI_KERNEL = 0x80
# Threads that are asked for theirs.
MOST_ASKED = 256


def signal_name(number: int) -> str:
    """The name of a signal; empty for what is none."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return ""


def is_sent(code: int) -> bool:
    """Whether a process sent the signal (sigaction(2): `si_code` is not above 0)."""
    return code <= 0


def tells_address(name: str, code: int) -> bool:
    """Whether `si_addr` is the address that was accessed."""
    return name in WITH_ADDRESS and not is_sent(code) and code != SI_KERNEL
