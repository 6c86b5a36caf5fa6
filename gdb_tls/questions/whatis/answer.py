"""Whose is an address?  The thread, and the variable, block, key, DTV, control block or stack that holds it."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator, Sequence

from gdb_tls.errors import AmbiguousName, BadArgument, TlsError
from gdb_tls.program.module_symbols import Candidate
from gdb_tls.program.program import Program
from gdb_tls.program.report import inspect
from gdb_tls.program.survey import Survey
from gdb_tls.program.symbols import Symbols
from gdb_tls.questions.command import Request
from gdb_tls.target.facts import Part, Region
from gdb_tls.target.model import Absence, Kind, Module, TargetInfo, Thread, Variable
from gdb_tls.tuples import NamedTuple

# Above this, only the threads whose control block is in the same mapping are asked for their stack pointers.
MOST_ASKED = 200


class OwnerKind(str, enum.Enum):
    """What holds the address; the first that fits, from the most to the least telling."""

    VARIABLE = "variable"
    PADDING = "padding"
    KEY_SLOT = "key-slot"
    KEY_TABLE = "key-table"
    CONTROL_BLOCK = "control-block"
    DTV = "dtv"
    STACK = "stack"
    SYMBOL = "symbol"
    MAPPING = "mapping"
    UNMAPPED = "unmapped"


class Owner(NamedTuple):
    """What an address belongs to; which of the fields are there depends on the kind.

    Attributes:
        kind: what it is.
        thread: whose it is; None for what belongs to no one thread.
        module: of a variable, a block's padding, or an entry of a DTV.
        block: where the module's block begins in the thread.
        variable: the variable that holds the address; of padding, the one before it.
        part: the innermost part of the variable.
        following: of padding, the variable after it.
        key: the number of the key, of a slot or an entry of the table of keys.
        start: where the slot, table, control block or DTV begins.
        field: of a control block, the name of the field, where the library describes it.
        stack_pointer: of a stack, the thread's stack pointer.
        symbol: what the debugger calls the place.
    """

    kind: OwnerKind
    thread: Thread | None = None
    module: Module | None = None
    block: int | None = None
    variable: Variable | None = None
    part: Part | None = None
    following: Variable | None = None
    key: int | None = None
    start: int | None = None
    field: str = ""
    stack_pointer: int | None = None
    symbol: str = ""


class Holder(NamedTuple):
    """A thread-local variable whose value is the address.

    Attributes:
        variable: it.
        threads: those in which it is.
    """

    variable: Variable
    threads: Sequence[Thread]


class Whatis(NamedTuple):
    """The answer of `tls-whatis`.

    Attributes:
        target: the program.
        expression: as the user typed it.
        address: what it means.
        owner: what holds the address.
        region: the mapped region around it; None where there is none, or where that is not known.
        holders: thread-local pointers that have the address as their value.
    """

    target: TargetInfo
    expression: str
    address: int
    owner: Owner
    region: Region | None
    holders: Sequence[Holder]


def whatis(program: Program, expression: str) -> Whatis:
    """Finds what an address belongs to.

    Raises:
        BadArgument: where the expression means no address.
    """
    address = evaluate(program, expression)
    owner = next(_owners(program, address))
    return Whatis(program.info, expression, address, owner, program.region(address), _holders(program, address))


def evaluate(program: Program, expression: str) -> int:
    """An expression's address: by the debugger or, for a thread-local name that it cannot find, by ourselves.

    Raises:
        BadArgument: where it means none.
    """
    # Our own rules first, as in the other commands: the debugger might take a namesake in a library.
    looks_like_a_name = re.match(r"[*&\s]*['\"]?[A-Za-z_:]", expression)
    if looks_like_a_name and not program.target.debug.is_local(expression.lstrip("*& ")):
        place = _named(program, expression)
        if place is not None:
            return place
    return program.target.evaluate(expression)


def _named(program: Program, expression: str) -> int | None:
    name = expression.strip()
    selected = program.target.selected_thread() or 0
    try:
        found = inspect(program, name.lstrip("& "), threads=[range(selected, selected + 1)])
    except AmbiguousName:
        raise
    except TlsError:
        return None
    instance = next(iter(found.instances), None)
    if instance is None:
        return None
    if instance.address is None:
        reason = f"{found.expression} has no address in thread {instance.thread.num}: {instance.reason}"
        raise BadArgument(reason, "Select another thread.")
    is_pointer = found.type is not None and found.type.kind is Kind.POINTER and not name.startswith("&")
    return int(instance.value) if is_pointer and instance.value is not None else instance.address


def _owners(program: Program, address: int) -> Iterator[Owner]:
    threads = [thread for thread in program.threads if thread.thread_pointer is not None]
    pointers = [thread.thread_pointer or 0 for thread in threads]
    yield from _in_blocks(program, threads, address)
    yield from _in_keys(program, threads, pointers, address)
    for thread, pointer in zip(threads, pointers):
        block = program.thread_data.control_block(pointer)
        if block and block.address <= address < block.address + block.size:
            offset = address - block.address
            inside = [(size, name) for name, (at, size) in block.fields.items() if at <= offset < at + size]
            yield Owner(OwnerKind.CONTROL_BLOCK, thread, start=block.address, field=min(inside)[1] if inside else "")
    modules = {module.id: module for module in program.modules}
    for thread, dtv in zip(threads, program.thread_data.dtvs(pointers)):
        if not isinstance(dtv, Absence) and dtv.start <= address < dtv.end:
            entry = (address - dtv.address) // dtv.entry_size
            yield Owner(OwnerKind.DTV, thread, modules.get(entry), start=dtv.address)
    yield from _on_stack(program, address)
    name = program.target.symbol_at(address)
    if name:
        yield Owner(OwnerKind.SYMBOL, symbol=name)
    is_mapped = program.region(address) or program.target.memory.are_mapped([address])[0]
    yield Owner(OwnerKind.MAPPING if is_mapped else OwnerKind.UNMAPPED)


def _in_blocks(program: Program, threads: Sequence[Thread], address: int) -> Iterator[Owner]:
    symbols = program.symbols()
    for module in symbols.modules:
        if module.segment is None:
            continue
        for thread, block in zip(threads, program.blocks(module, threads)):
            if isinstance(block, int) and block <= address < block + module.segment.size:
                yield _in_block(program, symbols, Owner(OwnerKind.PADDING, thread, module, block), address - block)


def _in_block(program: Program, symbols: Symbols, owner: Owner, offset: int) -> Owner:
    own = sorted(
        (candidate for candidate in symbols.every if candidate.module is owner.module),
        key=lambda candidate: candidate.symbol.value,
    )
    before = [candidate for candidate in own if candidate.symbol.value <= offset]
    after = [candidate for candidate in own if candidate.symbol.value > offset]
    for candidate in reversed(before):
        if offset < candidate.symbol.value + _size(candidate, after, program):
            variable = symbols.variable(candidate)
            inside = offset - variable.offset
            part = program.target.debug.part_at(variable.type, inside) if variable.type else Part("", "", inside, False)
            return owner._replace(kind=OwnerKind.VARIABLE, variable=variable, part=part)
    return owner._replace(
        variable=symbols.variable(before[-1]) if before else None,
        following=symbols.variable(after[0]) if after else None,
    )


def _size(candidate: Candidate, after: Sequence[Candidate], program: Program) -> int:
    """The symbol's size; where it has none, a word, but not into the next variable."""
    limit = after[0].symbol.value - candidate.symbol.value if after else program.target.architecture.pointer_size
    return candidate.symbol.size or min(limit, program.target.architecture.pointer_size)


def _in_keys(program: Program, threads: Sequence[Thread], pointers: Sequence[int], address: int) -> Iterator[Owner]:
    for thread, slots in zip(threads, program.thread_data.key_slots(pointers)):
        for slot in [] if isinstance(slots, Absence) else slots:
            if slot.address <= address < slot.address + slot.size:
                yield Owner(OwnerKind.KEY_SLOT, thread, key=slot.number, start=slot.address)
    table = program.thread_data.keys()
    if table.address <= address < table.end:
        entry = next((key for key in table.keys if key.address <= address < key.address + table.entry_size), None)
        yield Owner(OwnerKind.KEY_TABLE, key=entry.number if entry else None, start=table.address)


def _on_stack(program: Program, address: int) -> Iterator[Owner]:
    """A stack is the mapping that a thread's stack pointer is in.

    C libraries put the control block at the upper end of the stacks that they make (glibc
    nptl/allocatestack.c), so the next one above the address tells which thread to ask first.
    """
    region = program.region(address)
    if region is None or region.file == "[heap]":
        return
    ends = {thread.thread_pointer or 0: thread for thread in program.threads}
    above = [pointer for pointer in ends if address < pointer < region.end]
    likely = [ends[min(above)]] if above else []
    others = (
        program.threads
        if len(program.threads) <= MOST_ASKED
        else [one for one in program.threads if _is_main(one, program)]
    )
    for thread in [*likely, *(thread for thread in others if thread not in likely)]:
        pointer = program.target.stack_pointer(thread) if thread.num is not None and not thread.running else None
        if pointer is None or not region.start <= pointer < region.end:
            continue
        end = thread.thread_pointer or 0
        if not (pointer < end < region.end and address >= end):
            yield Owner(OwnerKind.STACK, thread, stack_pointer=pointer)


def _is_main(thread: Thread, program: Program) -> bool:
    # Linux: the main thread's LWP is the process id.
    return thread.lwp is not None and thread.lwp == program.target.pid


def _holders(program: Program, address: int) -> list[Holder]:
    if not address:
        return []
    architecture = program.target.architecture
    wanted = address.to_bytes(architecture.pointer_size, "little" if architecture.byte_order == "little" else "big")
    survey = Survey(program)
    found = []
    for column in survey.columns:
        if column.size < architecture.pointer_size:
            continue
        at = [index for index, word in enumerate(column.words()) if word == wanted]
        if at:
            found.append(Holder(column.variable, [survey.threads[index] for index in at]))
    return found


def query(request: Request) -> Whatis:
    """Finds what the address belongs to."""
    return whatis(request.program(), " ".join(request.arguments.expression))
