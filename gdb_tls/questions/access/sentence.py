"""What follows from who uses a variable, in plain words; nothing that is not known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gdb_tls.program.places import BY_OFFSET
from gdb_tls.questions.access.answer import ADDRESS, CHECKED, PASSED, READ, UNCHECKED, WRITE, Answer, UserRow
from gdb_tls.target.model import Kind
from gdb_tls.views.words import count, who

MOST_NAMED = 3
LONGEST_NAME = 40
# Of other types a null is no more than a number, and to check it means nothing in particular.
POINTER_LIKE = (Kind.POINTER, Kind.AGGREGATE)


def sentences(answer: Answer) -> list[str]:
    """What follows first, then who is there now, then what was looked at and what was not."""
    found = [who_uses_it(answer), *_now(answer)]
    if answer.found.used_instead:
        found.append(f"The loader has passed over this definition: {answer.found.used_instead} is used instead.")
    return found


def who_uses_it(answer: Answer) -> str:
    """Who writes it, and who reads it with or without a check."""
    return f"{_writers(answer)}{_readers(answer)}."


def writers_text(answer: Answer) -> str:
    """The functions that give it a value; empty where none was found."""
    return _names([row for row in answer.rows if WRITE in row.uses])


def scope(answer: Answer) -> list[str]:
    """What the answer stands on."""
    users, stacks = answer.users, answer.stacks
    found = []
    if users.interrupted:
        found.append("The search was interrupted: not all code was looked at.")
    found += [f"Not looked at, though it may use it: {one.name} ({one.problem})." for one in users.unread]
    if users.undecided:
        places = count(users.undecided, "place")
        found.append(f"{places} may use it or another variable of that name: memory does not tell which.")
    if users.unexplained:
        found.append(f"What {_listed(users.unexplained, 'function')} does with it could not be told.")
    if _may_be_a_part(answer):
        found.append(f"Without a symbol, {answer.expression} may be a part of something larger that is written as one.")
    looked_at = _listed(dict.fromkeys(one.name for one in users.objects))
    if looked_at:
        found.append(f"Looked at: the code of {looked_at}; not what is loaded later, or generated at run time.")
    if stacks.looked_at < stacks.threads:
        found.append(f"Stacks of {stacks.looked_at:,} of {count(stacks.threads, 'thread')} were looked at.")
    return found


def _may_be_a_part(answer: Answer) -> bool:
    """Whether the place may lie inside of a variable, whose address others may have."""
    return answer.variable.source == BY_OFFSET


def _writers(answer: Answer) -> str:
    writers = [row for row in answer.rows if row.writes]
    givers = [row for row in answer.rows if row.gives_address]
    users = answer.users
    gives = f"{_names(givers)} may give its address to others, who may write it" if givers else ""
    if not answer.rows:
        return "No code was found that uses it" + (" before the search was interrupted" if users.interrupted else "")
    if not writers:
        return f"Nothing was found that writes it, but {gives}" if gives else "Nothing was found that writes it"
    doubts = (users.unread, users.undecided, users.interrupted, users.unexplained, _may_be_a_part(answer))
    is_all = not givers and not any(doubts)
    found = f"Written {'only ' if is_all else ''}by {_names(writers, with_null=True)}"
    return f"{found}; {gives}, too" if gives else found


def _readers(answer: Answer) -> str:
    if answer.type is not None and answer.type.kind not in POINTER_LIKE:
        readers = [row for row in answer.rows if row.uses.keys() & {UNCHECKED, PASSED, READ, CHECKED}]
        return f"; read by {_names(readers)}" if readers else ""
    unchecked = [row for row in answer.rows if row.is_unchecked]
    passing = [row for row in answer.rows if PASSED in row.uses and row not in unchecked]
    parts = []
    if unchecked:
        parts.append(f"{_names(unchecked)} {_verb(unchecked, 'use')} it unchecked")
    if passing:
        parts.append(f"{_names(passing)} {_verb(passing, 'hand')} it on unchecked")
    if not parts:
        readers = [row for row in answer.rows if row.uses.keys() & {READ, CHECKED}]
        unclear = [row for row in readers if READ in row.uses]
        if readers and not unclear:
            parts.append(f"{_names(readers)} {_verb(readers, 'check')} it first")
        elif readers:
            parts.append(f"read by {_names(readers)}")
    return "".join(f"; {part}" for part in parts)


def _now(answer: Answer) -> list[str]:
    """The thread that crashed in one of the functions, or how many threads are in them."""
    inside = [(passage, row) for row in answer.rows for passage in row.passages]
    crashed = [(passage, row) for passage, row in inside if passage.thread.num == answer.stacks.crashed]
    if answer.stacks.crashed is not None and crashed:
        passage, row = min(crashed, key=lambda one: one[0].depth)
        what = f"is in {row.function.name}, frame {passage.depth}" if passage.depth else f"is in {row.function.name}"
        return [f"Thread {passage.thread.num}, which crashed, {what}."]
    unchecked = {passage.thread: None for passage, row in inside if row.is_unchecked}
    if unchecked:
        verb = "is" if len(unchecked) == 1 else "are"
        return [f"{who(list(unchecked), capital=True)} {verb} in a function now that uses it unchecked."]
    return []


def _names(rows: Sequence[UserRow], with_null: bool = False) -> str:
    names: dict[str, None] = {}
    for row in rows:
        only_null = with_null and WRITE not in row.uses
        names[brief(row.function.name) + (" (with null)" if only_null else "")] = None
    return _listed(names, "function")


def _listed(names: Iterable[str], noun: str = "module") -> str:
    """The first names, and how many more there are."""
    every = list(names)
    if len(every) > MOST_NAMED + 1:
        every = [*every[:MOST_NAMED], f"{len(every) - MOST_NAMED:,} more {noun}s"]
    return " and ".join(filter(None, [", ".join(every[:-1]), every[-1]])) if every else ""


def _verb(rows: Sequence[UserRow], verb: str) -> str:
    return verb if len({brief(row.function.name) for row in rows}) > 1 else f"{verb}s"


def uses_text(row: UserRow) -> str:
    """What a function does with the variable, and how often."""
    return ", ".join(f"{number} {_USES[use][number > 1]}" for use, number in row.uses.items())


_USES = {
    WRITE: ("write", "writes"),
    "write-null": ("write of null", "writes of null"),
    ADDRESS: ("address taken", "address taken"),
    UNCHECKED: ("unchecked", "unchecked"),
    PASSED: ("handed on", "handed on"),
    READ: ("read", "reads"),
    "own-value": ("after its write", "after its write"),
    CHECKED: ("checked", "checked"),
}


def where_text(row: UserRow, known: str = "", most: int = 3) -> str:
    """The source lines of a function's places, or the address of the first.

    Args:
        row: the function.
        known: the source file that needs not be named.
        most: how many lines are named.
    """
    lines: dict[str, dict[int, None]] = {}
    for place in row.function.places:
        if place.file:
            lines.setdefault(place.file, {})[place.line] = None
    if not lines:
        return f"0x{row.function.places[0].address:x}"
    texts, left = [], most
    for file, found in lines.items():
        shown = sorted(found)[:left]
        if shown:
            which = ",".join(map(str, shown))
            texts.append(f"line{'s' if len(shown) > 1 else ''} {which}" if file == known else f"{file}:{which}")
        left -= len(shown)
    hidden = sum(map(len, lines.values())) - (most - left)
    return " ".join([*texts, f"+{hidden}"] if hidden else texts)


def brief(name: str) -> str:
    """A function's name, of a long one without the arguments of templates."""
    if len(name) <= LONGEST_NAME:
        return name
    found, depth = "", 0
    for at, character in enumerate(name):
        is_bracket = character in "<>" and not found.endswith("operator") and name[at - 1 : at + 1] != "->"
        depth -= is_bracket and character == ">"
        if depth <= 0:
            found += character
        if is_bracket and character == "<":
            found += "..." if depth == 0 else ""
            depth += 1
    return found if depth == 0 else name
