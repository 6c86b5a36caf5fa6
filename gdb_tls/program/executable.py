"""Whether a program could run what lies at an address."""

from __future__ import annotations

from collections.abc import Sequence

from gdb_tls.program.program import Program


def without_code(program: Program, addresses: Sequence[int]) -> set[int]:
    """Those of the addresses where no code can be: nothing is mapped there, or what may not be executed.

    Where a library was, the next thread's stack often is.  A core may leave out code: the kernel's lists the place all
    the same; of GDB's (gcore) only the note of files tells, without permissions, and the loader knows what is there.
    """
    regions = {address: program.region(address) for address in addresses}
    lost = [address for address, region in regions.items() if region is None]
    unmapped = [one for one, mapped in zip(lost, program.target.memory.are_mapped(lost)) if not mapped] if lost else []
    data = [one for one, region in regions.items() if region is not None and not region.executable]
    return {one for one in (*unmapped, *data) if program.objects.at(one) is None}
