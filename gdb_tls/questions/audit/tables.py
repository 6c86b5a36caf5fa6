"""Objects whose virtual table is gone: the library that has the class was unloaded, and the object stayed.

An object of a C++ class with virtual functions begins with the address of its class's table, in the library that
defines the class (Itanium C++ ABI, 2.4); a structure of pointers to functions, as C libraries have, is used alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from gdb_tls.code.values import Loaded
from gdb_tls.errors import reason
from gdb_tls.evidence.cause import Cause
from gdb_tls.evidence.code import Code
from gdb_tls.program.memory_map import OTHER, UNMAPPED
from gdb_tls.program.program import Program
from gdb_tls.program.survey import Column, Survey
from gdb_tls.questions.audit.rules import Finding, Holding, Scene
from gdb_tls.target.facts import NEAR_NULL
from gdb_tls.target.model import Thread
from gdb_tls.views.words import who

RULE, SCORE = "table-gone", 60
# What debug information calls the member: `_vptr.Class` (gcc), `_vptr$Class` (clang).
MEMBER = "_vptr"
LARGEST_TABLE = 1 << 16
# Addresses of programs: below that no library lies, nor above.
LOWEST, HIGHEST = 1 << 16, 1 << 47
# Of so many different objects the first word is read.
MOST_READ = 64
UNLOADED = "most likely the library that has it was unloaded (dlclose) while the object was still in use"


def of_crash(survey: Survey, cause: Cause, member: str, scene: Scene) -> str:
    """What is said of a crash on a table of functions that is not there; empty where it was none.

    Args:
        survey: the variables.
        cause: how the crash came from a variable.
        member: what was followed from it, as the source writes it; empty where that is not known.
        scene: what is known of the variable's module.
    """
    program = survey.program
    code = Code(program)
    holder, table = None, cause.value
    for displacement in cause.path:
        holder = (table or 0) + displacement
        table = code.word(holder)
    if not cause.agrees or not table or cause.address is None or cause.kind not in ("pointer", "call"):
        return ""
    if not LOWEST <= table <= cause.address < min(table + LARGEST_TABLE, HIGHEST) or _is_mapped(program, table):
        return ""
    if holder is not None and scene.freed([holder - cause.path[-1]]):
        return ""  # what is there is malloc's
    if MEMBER in member.rpartition("->")[2].rpartition("[0].")[2]:
        return f"0x{table:x} was the virtual table of its class, and no memory is mapped there: {UNLOADED}."
    if _is_called(code, cause.crashed.pc):
        return (
            f"A function's address was to be read there: 0x{table:x} was an object's virtual table, or another table "
            f"of functions, and no memory is mapped there: {UNLOADED}."
        )
    return ""


def _is_mapped(program: Program, address: int) -> bool:
    return program.region(address) is not None or program.target.memory.are_mapped([address])[0]


def _is_called(code: Code, pc: int) -> bool:
    """Whether what an instruction reads is then called."""
    spot = code.at(pc)
    flow = spot.flow if spot else None
    if spot is None or flow is None:
        return False
    for one in flow.instructions:
        if one.template.flow in ("call", "jump"):
            called = flow.called(one.address)
            if one.address == spot.address and one.goes_to is None:
                return True
            if isinstance(called, Loaded) and called.at == spot.address:
                return True
    return False


def of_values(survey: Survey, column: Column, holding: Holding, at: int, scene: Scene) -> Iterator[Finding]:
    """The objects behind a pointer whose class has virtual functions, and whose table is gone.

    Args:
        survey: the variables.
        column: the variable.
        holding: what it holds in each thread.
        at: where in the variable the pointer is.
        scene: what is known of its module.
    """
    pointers = [one for one, area in holding.areas.items() if area.kind == OTHER and one >= NEAR_NULL][:MOST_READ]
    size = survey.pointer_size
    raws = survey.program.target.memory.read_many(pointers, size) if pointers else ()
    words = {one: _number(survey, raw) for one, raw in zip(pointers, raws) if raw}
    gone = _gone(survey, words)
    if not gone or not _has_table(survey, column, at, is_behind=True):
        return
    gone = {one: table for one, table in gone.items() if one not in scene.freed(sorted(gone))}
    threads = [index for index, pointer in holding.pointers.items() if pointer in gone]
    if threads:
        yield _finding(survey, threads, gone[holding.pointers[threads[0]]], "the object that it points to")


def of_object(survey: Survey, column: Column, holding: Holding) -> Iterator[Finding]:
    """A thread-local object whose class has virtual functions, and whose table is gone.

    Args:
        survey: the variables.
        column: the variable.
        holding: what it begins with in each thread.
    """
    if UNMAPPED not in holding.kinds:
        return
    unmapped = [word for word, area in holding.areas.items() if area.kind == UNMAPPED]
    gone = {word for word in unmapped if _may_be_table(survey, word)}
    if gone and _has_table(survey, column, 0, is_behind=False):
        threads = [index for index, word in holding.pointers.items() if word in gone]
        yield _finding(survey, threads, holding.pointers[threads[0]], "the object")


def _may_be_table(survey: Survey, word: int) -> bool:
    return LOWEST <= word < HIGHEST and word % survey.pointer_size == 0


def _number(survey: Survey, raw: bytes) -> int:
    return int.from_bytes(raw, "big" if survey.program.target.architecture.byte_order == "big" else "little")


def _gone(survey: Survey, words: Mapping[int, int]) -> dict[int, int]:
    """Those of the words that may be addresses of tables, and of memory that is not there."""
    aligned = {word for word in words.values() if _may_be_table(survey, word)}
    lost = sorted(one for one in aligned if survey.program.region(one) is None)
    mapped = survey.program.target.memory.are_mapped(lost) if lost else ()
    gone = {one for one, is_there in zip(lost, mapped) if not is_there}
    return {key: word for key, word in words.items() if word in gone}


def _has_table(survey: Survey, column: Column, at: int, is_behind: bool) -> bool:
    """Whether a variable, or what the pointer in it points to, begins with the address of a virtual table."""
    kind = column.variable.type
    if kind is None:
        return False
    debug = survey.program.target.debug
    try:
        if is_behind:
            text = "" if kind.owner is not None else debug.part_at(kind, at).path
            kind = debug.parse_path(column.variable.name, kind, f"{text}[0]").type
        part = debug.part_at(kind, 0)
    except Exception as error:  # it only adds to what is known of the values
        reason(error)
        return False
    return MEMBER in part.path and not part.offset


def _finding(survey: Survey, threads: Sequence[int], table: int, what: str) -> Finding:
    asked: list[Thread] = [survey.threads[index] for index in threads]
    sentence = f"In {who(asked)} {what} has its virtual table at 0x{table:x}, where no memory is mapped: {UNLOADED}."
    return Finding(RULE, SCORE, sentence, threads)
