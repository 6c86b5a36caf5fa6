"""Where the program stopped on a signal, and what address it stumbled over."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from itertools import islice

import gdb

from gdb_tls.hosts.gdb.selection import selection
from gdb_tls.hosts.native.signals import FAULTS, MOST_ASKED, WITH_ADDRESS, is_sent, signal_name, tells_address
from gdb_tls.hosts.native.thread_notes import first_signal
from gdb_tls.target.facts import NEAR_NULL, Fault


def find_fault(
    threads: Mapping[int, gdb.InferiorThread], word: int, core: str | None, most: int | None = None
) -> Fault | None:
    """Asks the threads for the signal that stopped them, the selected one first; None where there is none.

    Args:
        threads: GDB's threads by number.
        word: the size of a pointer.
        core: the core's file; None where there is none.
        most: how many threads are asked; None for `MOST_ASKED`.
    """
    selected = gdb.selected_thread()
    first = [selected.num] if selected else []
    informed = False
    with selection():
        for number in islice(dict.fromkeys([*first, *islice(threads, most or MOST_ASKED)]), most or MOST_ASKED):
            with suppress(gdb.error, KeyError):
                threads[number].switch()
                name = signal_name(int(gdb.parse_and_eval("$_siginfo.si_signo")))
                informed = True
                if name in FAULTS:
                    code = _code()
                    address = None
                    if code is None:
                        address = _operand(word) if name in WITH_ADDRESS else None
                    elif tells_address(name, code):
                        address = _address(word)
                    return Fault(number, name, address, code is not None and is_sent(code))
        if core and not informed and 1 in threads:
            # A core without NT_SIGINFO (QEMU's): its first thread is the one that faulted.
            with suppress(gdb.error):
                threads[1].switch()
                return _untold(word, signal_name(first_signal(core)))
    return None


def _untold(word: int, name: str) -> Fault | None:
    """The fault of the selected thread, where nothing but the signal is known, or not that either."""
    address = _operand(word) if name in (*WITH_ADDRESS, "") else None
    if address is not None and address >= NEAR_NULL:
        address = None  # with an index, or not the operand that faulted
    return Fault(1, name, address) if name in FAULTS or address is not None else None


def _code() -> int | None:
    """`si_code`; None where it is not known."""
    with suppress(gdb.error):
        return int(gdb.parse_and_eval("$_siginfo.si_code"))
    return None


def _address(word: int) -> int | None:
    """The faulting address: the kernel's word, or else what the instruction's register holds."""
    with suppress(gdb.error):
        return int(gdb.parse_and_eval("(unsigned long) $_siginfo._sifields._sigfault.si_addr")) % (1 << 8 * word)
    return _operand(word)


def _operand(word: int) -> int | None:
    """The base register of the instruction's memory operand: `8(%rax)`, `[x0, #8]`, `8(a0)`."""
    with suppress(gdb.error):  # no code where it stopped
        text = gdb.execute("x/i $pc", to_string=True).split("\t", 1)[-1]
        for name in re.findall(r"[(\[]\s*%?([a-z]\w*)", text):
            with suppress(gdb.error, ValueError):
                return int(gdb.newest_frame().read_register(name)) % (1 << 8 * word)
    return None
