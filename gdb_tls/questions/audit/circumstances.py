"""What else is known of a crash: in which member, behind which end, written by whom before, in whose threads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gdb_tls.errors import reason
from gdb_tls.evidence.cause import Cause
from gdb_tls.evidence.place import Place
from gdb_tls.evidence.published import Published
from gdb_tls.objects.words import Words
from gdb_tls.program.names import EMULATED_CONTROL, without_parameters
from gdb_tls.program.places import BY_OFFSET
from gdb_tls.program.survey import Survey
from gdb_tls.questions.audit.cause import Guilty, where
from gdb_tls.questions.audit.scene import Threads
from gdb_tls.target.facts import Frame, Part
from gdb_tls.target.model import Container, Variable
from gdb_tls.target.protocol import UnreadableMemory
from gdb_tls.views.words import count, who

# Containers whose elements lie one after the other from `start` to `finish`.
IN_A_ROW = ("vector",)
# A pointer of x86-64 or AArch64, whose code alone is read; an address has at most six bytes that are not zero.
WORD, FEWEST_CHARACTERS = 8, 7
HOW = {"null": "had set it to null", "back": "had put back what it held earlier", "other": "had already written it"}


class Circumstances:
    """What surrounds one crash."""

    def __init__(self, survey: Survey, threads: Threads, cause: Cause, found: Guilty) -> None:
        """Reads nothing yet."""
        self._survey = survey
        self._program = survey.program
        self._threads = threads
        self._cause = cause
        self._found = found

    # ------------------------------------------------------------------ what the first sentence says

    def crashed(self) -> Place:
        """Where it crashed, by the name of the innermost function, which the compiler may have inlined."""
        crashed = self._cause.crashed
        frame = next((one for one in self._frames if one.pc == crashed.pc), None)
        return crashed._replace(function=frame.function) if frame and frame.function else self.named(crashed)

    def named(self, place: Place) -> Place:
        """The place, called after its file where it has no name."""
        return place if place.function else place._replace(function=self._program.objects.place_name(place.pc))

    def caller(self) -> Frame | None:
        """The innermost of the program's own functions on the stack where that is not the one that crashed."""
        frames = [one for one in self._frames if one.pc]
        at = next((at for at, one in enumerate(frames) if one.pc == self._cause.crashed.pc), None)
        if at is None or self._program.is_own(frames[at]):
            return None
        return next((one for one in frames[at:] if self._program.is_own(one) and one.function), None)

    def member(self) -> str:
        """What was followed from the variable, as the source writes it; empty where types do not tell."""
        variable = self._found.variable
        if not self._cause.path or variable is None or variable.type is None:
            return ""
        debug = self._program.target.debug
        try:
            text = debug.part_at(variable.type, self._found.inside).path
            for displacement in self._cause.path:
                pointed = debug.parse_path(variable.name, variable.type, f"{text}[0]").type
                part = debug.part_at(pointed, displacement)
                if part.padding or part.offset:
                    return ""
                text += f"[0]{part.path}"
        except Exception as error:  # it only adds to what is known of the crash
            reason(error)
            return ""
        star = "*" if text.endswith("[0]") else ""
        return f"{star}{variable.name}{text.removesuffix('[0]').replace('[0].', '->')}"

    def part(self) -> Part | None:
        """The innermost member of the variable that was read; None where types do not tell."""
        variable = self._found.variable
        if variable is None or variable.type is None or not self._cause.is_of_own_value:
            return None
        try:
            part = self._program.target.debug.part_at(variable.type, self._found.inside)
        except Exception as error:  # it only adds to what is known of the crash
            reason(error)
            return None
        return None if part.padding or part.offset else part

    @property
    def _frames(self) -> Sequence[Frame]:
        crashed = self._threads.crashed
        return self._threads.stack(crashed) if crashed is not None else ()

    # ------------------------------------------------------------------ what follows it

    def remarks(self) -> Iterator[str]:
        """One sentence for each thing that is known."""
        cause, found = self._cause, self._found
        module = found.variable.module if found.variable else None
        if module is not None and module.emulated:
            named = found.variable is not None and found.variable.source != BY_OFFSET
            descriptor = f"{EMULATED_CONTROL}{found.name}" if named else "at that place of the file"
            yield f"{found.name} is emulated TLS: its descriptor is {descriptor}."
        if cause.asked is not None:
            yield from self._asked()
        if cause.published is not None:
            yield self._published(cause.published)
        pointer = cause.thread.thread_pointer
        if cause.kind == "jump" and cause.address is not None and pointer is not None:
            # glibc has a thread's thread pointer in the mapping of its stack.
            region = self._program.region(cause.address)
            if region is not None and region == self._program.region(pointer):
                yield "It lies on the thread's own stack: most likely in a function that has returned since."
        if cause.written is not None and cause.value == 0 and not cause.path and cause.foreign is None:
            yield f"{where(cause.written.place)} {HOW[cause.written.how]}, on the way to the crash."
        if found.variable is not None and cause.address is not None and cause.is_of_own_value and not cause.path:
            yield from self._bounds(found.variable)
        if found.variable is not None and cause.value is not None and cause.width == WORD:
            yield from self._overwritten(found.variable, cause.value)

    def _published(self, published: Published) -> str:
        """Who made its address known."""
        name = self._program.symbol_at(published.to) if published.to is not None else None
        if published.to is None:
            return f"{where(published.place)} gives its address to others."
        to = (name or f"the global at 0x{published.to:x}").partition(" + ")[0]
        return f"Its address is still in {to}: {where(published.place)} puts it there."

    def _overwritten(self, variable: Variable, value: int) -> Iterator[str]:
        """Whether what should be an address is text: then something has written past its end."""
        text = value.to_bytes(WORD, "little").rstrip(b"\0")
        if len(text) < FEWEST_CHARACTERS or not all(32 <= one < 127 for one in text):
            return
        before = [
            one
            for one in self._survey.columns
            if one.module.id == variable.module.id and one.offset + one.size <= variable.offset
        ]
        nearest = max(before, key=lambda one: one.offset, default=None)
        where_it_lies = f"; before it in memory lies {nearest.name} ({nearest.size:,} bytes)" if nearest else ""
        yield f'Its bytes are text, "{text.decode("ascii")}", and no address: it was written over{where_it_lies}.'

    def _asked(self) -> Iterator[str]:
        asked = self._cause.asked
        name = self._program.symbol_at(asked.address) if asked else None
        if asked is None or not name:
            return
        function = without_parameters((self._program.symbol_at(asked.function) if asked.function else "") or "")
        by = f"by calling {function} " if function else ""
        here = without_parameters(self.crashed().function) or "The function"
        yield f"{here} read it {by}with the address of {name.partition(' + ')[0]}."

    def _bounds(self, variable: Variable) -> Iterator[str]:
        """How many elements a container has in the thread, where the address is none of theirs."""
        container = variable.type.container if variable.type else None
        crashed = self._threads.crashed
        if container is None or container.name not in IN_A_ROW or not container.element or crashed is None:
            return
        start, finish = self._ends(variable, container, crashed)
        address = self._cause.address
        if not start or finish < start or address is None or start <= address < finish:
            return
        size = finish - start
        elements = count(size // container.element, "element")
        number = self._survey.threads[crashed].num
        side = f"{address - finish:,} bytes behind their end" if address >= finish else "before them"
        yield f"In thread {number} it has {elements} ({size:,} bytes at 0x{start:x}): 0x{address:x} lies {side}."
        column = self._survey.column_of(variable)
        life = column.lives[crashed] if column and column.lives else None
        if life is not None and life.state is None:
            yield f"It was constructed in thread {number} before."

    def _ends(self, variable: Variable, container: Container, crashed: int) -> tuple[int, int]:
        """The first element's address and the end of the last one; zeros where memory does not tell."""
        (block,) = self._program.blocks(variable.module, [self._survey.threads[crashed]])
        if not isinstance(block, int):
            return 0, 0
        words, at = Words(self._program.target), block + variable.offset
        try:
            return words.read(at + container.members["start"]), words.read(at + container.members["finish"])
        except UnreadableMemory:
            return 0, 0

    def who_began(self, states: Sequence[int | None]) -> str:
        """Whether it is null in just those threads that the library that has it did not start; empty for no.

        Args:
            states: what the variable holds in each thread; None where that is not known.
        """
        variable, main = self._found.variable, self._threads.main
        if variable is None or self._threads.crashed is None or states[self._threads.crashed] != 0:
            return ""
        routines = self._threads.start_routines
        objects = [self._program.objects.at(one) if one and at != main else None for at, one in enumerate(routines)]
        made = [one.name if one else None for one in objects]
        null = [at for at, word in enumerate(states) if word == 0 and at != main]
        have = [at for at, word in enumerate(states) if word and at != main]
        own = variable.module.name
        if not have or not null or {made[at] for at in have} != {own} or own in {made[at] for at in null}:
            return ""
        if any(made[at] is None for at in null):
            return ""
        names = dict.fromkeys(without_parameters(self._program.symbol_at(routines[at] or 0) or "") for at in null)
        began = f"; they began in {' and '.join(names)}" if all(names) and len(names) <= 2 else ""
        whose = who([self._survey.threads[at] for at in null], capital=True)
        return f"{whose} {'was' if len(null) == 1 else 'were'} not started by {own}{began}."
