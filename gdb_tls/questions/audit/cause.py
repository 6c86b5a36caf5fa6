"""The variable that a crash came from, in plain words: how the bad value came from it, and who has it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gdb_tls.evidence.blame import Elsewhere
from gdb_tls.evidence.cause import Cause
from gdb_tls.evidence.place import Place
from gdb_tls.evidence.sources import Emulated, Specific, ThreadLocal
from gdb_tls.program.names import EMULATED_CONTROL, without_parameters
from gdb_tls.program.program import Program
from gdb_tls.program.survey import Survey
from gdb_tls.questions.access.sentence import brief
from gdb_tls.target.facts import NEAR_NULL, Frame, Part
from gdb_tls.target.model import Kind, Variable
from gdb_tls.tuples import NamedTuple
from gdb_tls.views.words import who


class Guilty(NamedTuple):
    """What a cause is called.

    Attributes:
        variable: the variable; None for a key.
        key: the pthread key's number; None for a variable, or where it is not known.
        name: what it is called.
        inside: the offset in the variable of what was read.
    """

    variable: Variable | None
    key: int | None
    name: str
    inside: int = 0


def guilty(program: Program, place: ThreadLocal | Emulated | Specific, width: int) -> Guilty:
    """Finds the variable, or the key, from which something was read.

    Args:
        program: the program.
        place: what was read.
        width: how many bytes of it.
    """
    if isinstance(place, Specific):
        return Guilty(None, place.key, "a pthread key" if place.key is None else f"pthread key {place.key}")
    if isinstance(place, Emulated):
        symbols = program.symbols()
        for one in symbols.every:
            if one.module.emulated and one.module.emulated.control == place.control:
                variable = symbols.variable(one)
                return Guilty(variable, None, variable.name, place.offset)
        nameless = program.objects.place_name(place.control) or f"0x{place.control:x}"
        name = program.target.symbol_at(place.control) or nameless
        return Guilty(None, None, name.removeprefix(EMULATED_CONTROL), place.offset)
    module = next(one for one in program.modules if one.id == place.module)
    symbols = program.symbols()
    candidate = symbols.at(place.module, place.offset)
    variable = symbols.variable(candidate) if candidate else symbols.nameless(module, place.offset, width)
    return Guilty(variable, None, variable.name, place.offset - variable.offset)


def chain(cause: Cause, found: Guilty, member: str = "", caller: Frame | None = None) -> str:
    """How the crash came from the variable, in one sentence.

    Args:
        cause: how it came.
        found: the variable.
        member: what was followed from the variable, as the source writes it; empty where that is not known.
        caller: the program's own function that led there; None where it crashed itself.
    """
    who, name = f"Thread {cause.thread.num}", found.name
    read = _read_at(cause)
    if cause.kind == "condition":
        if member:
            return f"{who} gave up in {where(cause.crashed)} after comparing {member}; {name} was read {read}."
        what = f"{_member(cause)} of what {name} points to" if cause.path else name
        return f"{who} gave up in {where(cause.crashed)} after comparing {what}, read {read}."
    if cause.published is not None:
        # Without a global that has it, only its place in the page speaks for it.
        was = "was" if cause.published.to is not None else "most likely was"
        return f"{who} crashed {_at(cause.crashed)}{_on(cause.address)}, where {name} of a thread that has ended {was}."
    if cause.kind == "destructor":
        return f"{who} ended and called the destructor of {name} at {_address(cause.address)}, where no code is mapped."
    if cause.kind == "call":
        called = f"{who} called {_address(cause.address)} {_at(cause.crashed)}"
        return f"{called}; the function's address came from {member or name}, read {read}."
    if cause.kind == "jump":
        jumped = f"{who} jumped back (longjmp) {_at(cause.crashed)} by the buffer at {_address(cause.address)}"
        return f"{jumped}, which has no place to go on any more; its address came from {member or name}, read {read}."
    if cause.kind == "missing":
        return f"{who} gave up in {where(cause.crashed)}, which was called for {name}."
    if cause.kind == "freed":
        freed = f"{_member(cause)} of what {name} points to" if cause.path else name
        given = f"{who} gave {_address(cause.address)} back to malloc {_at(cause.crashed)}"
        return f"{given}, where it was free already; it came from {member or freed}, read {read}."
    if cause.kind == "divisor":
        divided = f"{who} divided by zero {_at(cause.crashed)}; the divisor was"
        if cause.value or not cause.agrees:
            return f"{divided} computed from {member or name}, read {read}."
        return f"{divided} read {read} from {member or name}."
    via = f" (called by {_where_of(caller)})" if caller else ""
    crashed = f"{who} crashed {_at(cause.crashed)}{via}{_on(cause.address)}"
    if cause.kind == "instead":
        what = f"{_member(cause)} of what {name} points to" if cause.path else name
        return f"{crashed}; that is what the code goes on with where {member or what} is null, read {read}."
    if cause.kind == "index":
        return f"{crashed}; the address was computed from {name}, read {read}."
    if cause.path and member:
        return f"{crashed}; the pointer is {member}, and {name} was read {read}."
    if cause.path:
        return f"{crashed}; the pointer is {_member(cause)} of what {name} points to, which was read {read}."
    return f"{crashed}; the pointer was read {read} from {name}."


def remarks(cause: Cause, found: Guilty, part: Part | None = None) -> Iterator[str]:
    """What else is known of it.

    Args:
        cause: how it came.
        found: the variable.
        part: the member that was read; None where that is not known.
    """
    name = found.name
    kind = found.variable.type if found.variable else None
    is_unsigned = kind is not None and kind.kind is Kind.INTEGER and not kind.is_signed
    if isinstance(cause.place, Specific):
        if cause.kind == "destructor":
            yield "Most likely the library that has it was unloaded (dlclose) before pthread_key_delete was called."
            return
        yield f"pthread_getspecific gave {'null' if not cause.value else hex(cause.value)} for it."
    if cause.foreign is not None:
        whose = f"thread {cause.foreign.thread.num}'s"
        where = f"register {cause.foreign.where}" if cause.foreign.where else "its stack"
        yield (
            f"It used the address of {whose} {name}, another thread's copy, which {where} holds: perhaps it was "
            "handed over, or code that took the address in one thread went on in another (a fiber or a coroutine)."
        )
    elif not cause.agrees and cause.value is not None:
        yield f"{name} has changed since: now it is {_value(cause.value)}."
    elif cause.kind in ("index", "condition", "divisor") and cause.value is not None:
        what = its_member(part) or name
        zero = zero_word(cause, found, part)
        yield f"{what} is {_value(cause.value, cause.width, is_unsigned) if cause.value else zero} there."
    if cause.in_handler:
        yield "It happened in a signal handler, which may run in any thread."
    if cause.after_handler:
        yield "A signal handler ran after the crash."


def its_member(part: Part | None) -> str:
    """The member of a variable that was read, at the beginning of a sentence; empty where it is none, or not known."""
    return f"Its member {part.path.lstrip('.')}" if part and part.path else ""


def zero_word(cause: Cause, found: Guilty, part: Part | None) -> str:
    """What a zero in the variable is called: "null" where it is a pointer, by its type or by what was done with it."""
    if cause.kind in ("pointer", "call", "instead"):
        return "null"
    kind = found.variable.type if found.variable else None
    if part is not None and part.path:
        return "null" if "*" in part.type else "0"
    return "null" if kind is not None and kind.kind is Kind.POINTER else "0"


def in_libc(cause: Cause, name: str) -> str:
    """What is said of a crash on the C library's own variables."""
    crashed = f"Thread {cause.thread.num} crashed {_at(cause.crashed)}{_on(cause.address)}"
    return (
        f"{crashed} on what the C library's own {name} led to: mostly memory that was written to before, by other "
        "code (valgrind and AddressSanitizer find it)."
    )


def elsewhere(found: Elsewhere, program: Program) -> str:
    """What is known of a crash that did not come from thread-local storage."""
    if found.why:
        return f"Where the bad value came from is not known: {found.why}."
    if found.is_full:
        return (
            f"The stack is full: {where(found.crashed)} had no room left on it, as after a recursion that goes too "
            "deep, or with very large local variables."
        )
    if found.among:
        names = [guilty(program, one.place, one.width).name for one in found.among if one.place is not None]
        return f"The bad value came from {' or '.join(names)}; each leads to it now, so which one it was is not known."
    if found.is_constant:
        return "The bad value is a number that the code itself has: it came from no variable."
    name = program.target.symbol_at(found.fixed) if found.fixed is not None else None
    source = f"the global {name}" if name else "a global variable"
    return f"The bad value came from {source}, not from thread-local storage."


def _member(cause: Cause) -> str:
    return " of what is ".join(f"the member at +{offset}" for offset in reversed(cause.path))


def _read_at(cause: Cause) -> str:
    starts = cause.loaded.function_start, cause.crashed.function_start
    if None in starts:
        same = without_parameters(cause.loaded.function) == without_parameters(cause.crashed.function)
    else:
        same = starts[0] == starts[1]
    if cause.loaded.file and same and cause.loaded.file == cause.crashed.file:
        return f"at {cause.loaded.file}:{cause.loaded.line}"
    return f"in {where(cause.loaded)}"


def where(place: Place) -> str:
    """A place in words: the function, and the line where that is known."""
    name = brief(without_parameters(place.function)) or f"0x{place.pc:x}"
    return f"{name} ({place.file}:{place.line})" if place.file else name


def _where_of(frame: Frame) -> str:
    return where(Place(frame.pc, frame.function, frame.file, frame.line))


def _at(place: Place) -> str:
    name = brief(without_parameters(place.function))
    if place.file:
        return f"at {place.file}:{place.line} ({name})" if name else f"at {place.file}:{place.line}"
    return f"in {name}" if name else f"at 0x{place.pc:x}"


def _on(address: int | None) -> str:
    return "" if address is None else f" on {_address(address)}"


def _address(address: int | None) -> str:
    if address == 0:
        return "null"
    if address is None:
        return "an address"
    return f"0x{address:x}, just above null" if address < NEAR_NULL else f"0x{address:x}"


def _value(value: int, width: int = 8, is_unsigned: bool = False) -> str:
    if value == 0:
        return "null" if width == 8 else "0"
    if width < 8:
        negative = value - (1 << 8 * width) if value >> (8 * width - 1) else None
        if negative == -1:
            return f"{value} (-1)"
        return f"{value}" if negative is None or is_unsigned else f"{negative}"
    return f"0x{value:x}"


def who_has_it(
    survey: Survey, words: Sequence[int | None], crashed: int, main: int | None, zero: str = "null", what: str = "It"
) -> str:
    """In which threads it is null, and in which set; empty where that says nothing.

    Args:
        survey: the threads.
        words: what each has.
        crashed: who crashed.
        main: the main thread; None where it is not there.
        zero: what a zero is called.
        what: has it; a member where not the whole variable is meant.
    """
    null = [index for index, word in enumerate(words) if word == 0]
    have = [index for index, word in enumerate(words) if word]
    if crashed not in null:
        return ""
    if not have:
        return f"{what} is {zero} in every thread that has it ({len(null):,})."
    if have == [main]:
        return f"{what} is set in the main thread only, and {zero} in {_threads(survey, null)}."
    others = f"set in {_threads(survey, have)}"
    if len(null) == 1:
        return f"{what} is {zero} only in thread {survey.threads[crashed].num}, and {others}."
    return f"{what} is {zero} in {_threads(survey, null)}, and {others}."


def as_it_began(survey: Survey, words: Sequence[int | None], crashed: int) -> str:
    """That the thread which crashed has the starting value, and others another; empty where that says nothing.

    Args:
        survey: the threads.
        words: what each has.
        crashed: who crashed.
    """
    unset = [index for index, word in enumerate(words) if word == words[crashed] and index != crashed]
    changed = [index for index, word in enumerate(words) if word is not None and word != words[crashed]]
    if not changed:
        return ""
    also = f", as in {_threads(survey, unset)}" if unset else ""
    have = "has" if len(changed) == 1 else "have"
    return f"That is the value with which it begins{also}; {_threads(survey, changed)} {have} another."


def _threads(survey: Survey, indices: Sequence[int]) -> str:
    return who([survey.threads[index] for index in indices])
