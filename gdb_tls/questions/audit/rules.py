"""The rules: each looks at one pointer variable in all threads and says what looks wrong.

They are plain functions over plain data.  A finding's score is between 0 and 100 before
`gdb_tls.questions.audit.weight` takes into account how much is known of the module.  What separates a defect from a
variable that is null by design is evidence, never a name: did the thread touch the module, does it run the
same function as those that have it, did it crash on a null pointer?
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from typing import Protocol

from gdb_tls.program.memory_map import BLOCK, OTHER, STACK, STATIC, UNMAPPED, Area
from gdb_tls.target.facts import NEAR_NULL
from gdb_tls.target.model import Thread, Type
from gdb_tls.tuples import NamedTuple
from gdb_tls.views.words import who

ONCE = "perhaps initialised once for the process, not once for each thread"
# Fewer threads than this make no majority.
SMALLEST_GROUP = 4
LARGEST_MINORITY = 0.25
# Values like 1 or -1 in a pointer are marks, not addresses.
LARGEST_MARK = 4096
NEAR_OBJECT = 4096
# Of ten thousand threads these are enough to see what the null ones do.
MOST_ASKED = 64
MOST_COMPARED = 160


class Held(NamedTuple):
    """What one pointer variable holds; threads are positions in `Survey.threads`.

    Attributes:
        null: the living threads in which it is null.
        pointers: living thread -> its non-null pointer.
        areas: pointer -> what it points to.
        owner: whether it is an object that owns what it points to alone (a unique_ptr).
        shares: whether sharing is what its type is for (a shared_ptr, a pointer to constants).
        typed: whether its type is known.
        bits: of a pointer.
    """

    null: Sequence[int]
    pointers: Mapping[int, int]
    areas: Mapping[int, Area]
    owner: bool = False
    shares: bool = False
    typed: bool = True
    bits: int = 64


class Holding(Held):
    """The same, and what follows from it."""

    @cached_property
    def kinds(self) -> set[str]:
        """The kinds of memory that the pointers point to."""
        return {area.kind for area in self.areas.values()}

    def is_mark(self, pointer: int) -> bool:
        """Whether a value stands for something else than an object: a small number, or -1."""
        return pointer < LARGEST_MARK or pointer >= (1 << self.bits) - LARGEST_MARK


class Finding(NamedTuple):
    """What one rule has to say of one variable.

    Attributes:
        rule: its name.
        score: how bad it looks, 0 to 100.
        sentence: why.
        threads: those in which it looks wrong, as positions in `Survey.threads`.
    """

    rule: str
    score: int
    sentence: str
    threads: Sequence[int]


class Crash(NamedTuple):
    """The crash, as the rules see it.

    Attributes:
        thread: who crashed, as a position in `Survey.threads`.
        address: what it stumbled over; None where it is not known.
        inside: whether the innermost frames are code of the variable's module.
    """

    thread: int
    address: int | None
    inside: bool


class Scene(Protocol):
    """What a rule may ask about the threads; the answers may cost time, so rules ask last."""

    main: int | None

    def fault(self) -> Crash | None:
        """The crash; None where there was none."""
        ...

    def has_touched(self, thread: int) -> bool | None:
        """Whether the thread has a block of its own of the module, or runs code of it; None where no stack tells."""
        ...

    def function(self, thread: int) -> Hashable:
        """What the thread runs: equal for threads that run the same function; None where it is not known."""
        ...

    def thread(self, thread: int) -> Thread:
        """The thread itself."""
        ...

    def has_ended(self, thread: int) -> bool:
        """Whether the thread has ended (its stack is what is left of it)."""
        ...

    def freed(self, pointers: Sequence[int]) -> Collection[int]:
        """The pointers that are of memory which was surely given back to malloc."""
        ...

    def is_dead(self, thread: int, pointer: int) -> bool:
        """Whether an address on a thread's stack belongs to no function that still runs."""
        ...


Rule = Callable[[Holding, Scene], Iterator[Finding]]


def set_in_main_only(holding: Holding, scene: Scene) -> Iterator[Finding]:
    """Set in the main thread and null in every other one that has it: initialised once, not once a thread."""
    if list(holding.pointers) != [scene.main] or not holding.null:
        return
    asked = holding.null[:MOST_ASKED]
    answers = [scene.has_touched(thread) for thread in asked]
    touched = [thread for thread, answer in zip(asked, answers) if answer]
    if not touched and None in answers:
        score, addition = 20, ""
    elif not touched:
        score, addition = 20, ", and none of them is seen to use the module"
        if len(asked) < len(holding.null):
            addition = f", and none of the {len(asked)} of them that were asked is seen to use the module"
    else:
        score, addition = 45 + round(15 * len(touched) / len(asked)), ""
    if len(holding.null) > 1:
        score += 5
    fault = scene.fault()
    # Memory alone does not tell these apart; the crash of one that has it null does.
    unless = "" if fault and fault.thread in holding.null else ", unless each makes its own when it first needs it"
    sentence = f"Set only in the main thread, null in {_threads(holding.null, scene)}{addition}: {ONCE}{unless}."
    yield Finding("set-in-main", score, sentence, holding.null)


def null_in_minority(holding: Holding, scene: Scene) -> Iterator[Finding]:
    """Null in a few of the threads that run the same function."""
    if not holding.null or len(holding.pointers) < SMALLEST_GROUP - 1:
        return
    null = set(holding.null) - {scene.main}
    if not null or len(null) > len(holding.pointers):
        return
    groups: dict[Hashable, list[int]] = {}
    compared = [*sorted(null)[:MOST_ASKED], *islice(holding.pointers, MOST_COMPARED)]
    of = len(null) + len(holding.pointers)
    sample = f" (a sample: {len(compared):,} of {of:,} threads were compared)" if len(compared) < of else ""
    for thread in compared:
        if thread != scene.main:
            groups.setdefault(scene.function(thread), []).append(thread)
    for function, members in groups.items():
        odd = [thread for thread in members if thread in null]
        if function is None or len(members) < SMALLEST_GROUP or not 0 < len(odd) <= LARGEST_MINORITY * len(members):
            continue
        rest = len(members) - len(odd)
        sentence = f"Null in {_threads(odd, scene)}, but set in {rest:,} others that run the same function{sample}."
        yield Finding("null-in-minority", 65, sentence, odd)


def shared_object(holding: Holding, scene: Scene) -> Iterator[Finding]:
    """Some threads hold one object, where others have their own.

    A pool that all share, or constants, are meant so; so is what is in the file's own memory.
    """
    if holding.shares or OTHER not in holding.kinds or len(holding.areas) == len(holding.pointers):
        return
    counts = Counter(holding.pointers.values())
    several = {pointer for pointer, count in counts.items() if count > 1 and holding.areas[pointer].kind == OTHER}
    several = {pointer for pointer in several if not holding.is_mark(pointer)}
    if not several:
        return
    sharing = [thread for thread, pointer in holding.pointers.items() if pointer in several]
    own = len(holding.pointers) - len(sharing)
    what = "one object" if len(several) == 1 else f"{len(several)} objects"
    if own >= len(sharing):
        addition = f", while {_count(own)} their own"
        score = 60
    elif holding.owner:
        addition, score = ", and its type means that each is the only owner", 75
    else:
        addition, score = "", 25
    yield Finding("shared", score, f"{_threads(sharing, scene, True)} share {what}{addition}.", sharing)


def dangling(holding: Holding, scene: Scene) -> Iterator[Finding]:
    """Points to memory that is not mapped."""
    if UNMAPPED not in holding.kinds or not holding.typed:  # what is only taken for a pointer may be a number
        return
    bad = [
        thread
        for thread, pointer in holding.pointers.items()
        if holding.areas[pointer].kind == UNMAPPED and not holding.is_mark(pointer)
    ]
    if bad:
        sentence = f"Dangling in {_threads(bad, scene)}: it points to memory that is not mapped."
        yield Finding("dangling", 60, sentence, bad)


def into_other_thread(holding: Holding, scene: Scene) -> Iterator[Finding]:
    """Points into another thread's stack or TLS block, which ends with that thread."""
    for kind, what in ((STACK, "stack"), (BLOCK, "thread-local storage")):
        if kind not in holding.kinds:
            continue
        bad = [
            (thread, area.thread)
            for thread, pointer in holding.pointers.items()
            if (area := holding.areas[pointer]).kind == kind and area.thread not in (None, thread)
        ]
        if not bad:
            continue
        whose = sorted({owner for _, owner in bad if owner is not None})
        ended = any(scene.has_ended(owner) for owner in whose)
        # The main thread's stack is there as long as the process: programs rely on it.
        score = 75 if ended else 30 if whose == [scene.main] and kind == STACK else 55
        threads = [thread for thread, _ in bad]
        addition = ", which has ended" if ended else ""
        sentence = f"In {_threads(threads, scene)} it points into the {what} of {_threads(whose, scene)}{addition}."
        yield Finding("other-" + kind, score, sentence, threads)


def into_freed(holding: Holding, scene: Scene) -> Iterator[Finding]:
    """Points to memory that was given back to malloc."""
    if OTHER not in holding.kinds:
        return
    asked = {one for one, area in holding.areas.items() if area.kind == OTHER and not holding.is_mark(one)}
    freed = scene.freed(sorted(asked)) if asked else ()
    bad = [thread for thread, pointer in holding.pointers.items() if pointer in freed] if freed else []
    if bad:
        sentence = (
            f"In {_threads(bad, scene)} it points to heap memory that has been freed (malloc's free lists have it)."
        )
        yield Finding("freed", 60, sentence, bad)


def into_dead_stack(holding: Holding, scene: Scene) -> Iterator[Finding]:
    """Points into the own stack, below the functions that run: what was there is gone."""
    if STACK not in holding.kinds:
        return
    asked = [
        thread
        for thread, pointer in holding.pointers.items()
        if holding.areas[pointer].kind == STACK and holding.areas[pointer].thread == thread
    ]
    bad = [thread for thread in asked[:MOST_ASKED] if scene.is_dead(thread, holding.pointers[thread])]
    if bad:
        sentence = (
            f"In {_threads(bad, scene)} it points into that thread's own stack, below the functions that run there: "
            "to a variable of a function that has returned."
        )
        yield Finding("dead-stack", 60, sentence, bad)


def explains_fault(holding: Holding, scene: Scene) -> Iterator[Finding]:
    """The thread that crashed has it null and stumbled over null, or points to where it stumbled."""
    fault = scene.fault()
    if fault is None or fault.address is None:
        return
    inside = 20 if fault.inside else 0
    if fault.thread in holding.null and fault.address < NEAR_NULL:
        access = "null" if fault.address == 0 else f"0x{fault.address:x}, just above null"
        sentence = f"Thread {scene.thread(fault.thread).num} crashed on an access to {access}, and has it null."
        yield Finding("explains-fault", 30 + inside, sentence, [fault.thread])
    pointer = holding.pointers.get(fault.thread)
    if pointer is not None and fault.address >= NEAR_NULL and 0 <= fault.address - pointer < NEAR_OBJECT:
        sentence = (
            f"Thread {scene.thread(fault.thread).num} crashed on an access to 0x{fault.address:x}, where it points to."
        )
        yield Finding("explains-fault", 50 + inside, sentence, [fault.thread])


RULES: Sequence[Rule] = (
    explains_fault,
    set_in_main_only,
    null_in_minority,
    shared_object,
    dangling,
    into_other_thread,
    into_freed,
    into_dead_stack,
)


def holding_of(holding: Holding, kind: Type, typed: bool) -> Holding:
    """What a variable holds, with what its type says of that."""
    return holding._replace(
        owner=kind.owner is not None,
        shares="shared_ptr<" in kind.name or kind.name.startswith("const "),
        typed=typed,
    )


def why_shared(holding: Holding) -> str:
    """Why it is no defect that threads hold the same pointer; empty where that is not known."""
    counts = Counter(holding.pointers.values())
    several = [pointer for pointer, count in counts.items() if count > 1]
    if holding.shares:
        return "which is what its type is for"
    if several and all(map(holding.is_mark, several)):
        return "which is a mark, and no address"
    if several and all(holding.areas[pointer].kind == STATIC for pointer in several):
        return "which is a global one of the program's"
    return ""


def is_pointer_like(holding: Holding) -> bool:
    """Whether what the threads hold are addresses at all, for a variable whose type is not known."""
    values = set(holding.pointers.values())
    good = sum(1 for pointer in values if holding.areas[pointer].kind != UNMAPPED)
    return not values or good * 2 > len(values)


def _count(number: int) -> str:
    return "one other has" if number == 1 else f"{number:,} others have"


def _threads(threads: Sequence[int], scene: Scene, capital: bool = False) -> str:
    return who(list(map(scene.thread, threads)), capital)
