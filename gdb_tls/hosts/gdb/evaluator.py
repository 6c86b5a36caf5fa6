"""The user's expressions, evaluated by GDB in each thread; nothing runs in the process or is changed there."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress

import gdb

from gdb_tls.errors import ResolverUnavailable
from gdb_tls.hosts.gdb.library_printers import own_printers
from gdb_tls.hosts.gdb.selection import selection, setting, shown, users_language
from gdb_tls.hosts.gdb.symbols import is_thread_local
from gdb_tls.hosts.gdb.types import POINTERS, describe, gdb_type
from gdb_tls.program.expression_text import dollars, names
from gdb_tls.program.value import FLOATS
from gdb_tls.target.architectures import Architecture
from gdb_tls.target.facts import Evaluated, Given
from gdb_tls.target.model import Kind, Thread, Type
from gdb_tls.target.protocol import EvaluationFailed

# `p->x` of a smart pointer and a string literal would call; a function in Python may write.
FORBIDDEN = {"may-call-functions": "off", "may-write-memory": "off"}
# A convenience variable that points to a thread's own variable: what it points to can be assigned to no other.
PURE = ("$_streq", "$_regex", "$_memeq", "$_strlen")
PLACEHOLDER = "_tls_variable_"
# A wait in a condition variable of C++ is seven frames deep in glibc.
MOST_FRAMES = 12
# Threads in which macros are looked for.
MOST_THREADS = 8
NO_SYMBOL = re.compile(r'No symbol "(.+)" in current context')


class GdbEvaluator:
    """Evaluates through GDB; implements `gdb_tls.target.protocol.Evaluator`."""

    def __init__(
        self,
        switch: Callable[[Thread], None],
        one_line: Callable[[str, gdb.Value], str],
        architecture: Architecture,
        most_characters: int,
    ) -> None:
        """Takes what selects a thread, and what makes one line of a value's text.

        Raises:
            ResolverUnavailable: where GDB cannot be kept from calls and writes.
        """
        for name in FORBIDDEN:
            try:
                shown(name)
            except RuntimeError:
                raise ResolverUnavailable(
                    f"This GDB has no setting {name}, so an expression might change the process",
                    "Use variables and paths as columns only, or a newer GDB.",
                ) from None
        self._switch = switch
        self._one_line = one_line
        self._mask = (1 << 8 * architecture.pointer_size) - 1
        self._order = "<" if architecture.byte_order == "little" else ">"
        self._most_characters = most_characters
        self._types: dict[str, Type] = {}
        self._used = 0
        self._unknown: dict[str, str] = {}  # name -> GDB's sentence
        self._switched: Thread | None = None
        self._stack = ExitStack()

    def __enter__(self) -> GdbEvaluator:
        """Keeps the selection, and forbids calls and writes."""
        with ExitStack() as stack:
            stack.enter_context(selection())
            # What a function in Python says becomes the reason; GDB would print its traceback, too.
            for name, value in {**FORBIDDEN, "python print-stack": "none"}.items():
                stack.enter_context(setting(name, value))
            stack.enter_context(users_language())
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        """Puts everything back."""
        for index in range(self._used):
            gdb.set_convenience_variable(f"{PLACEHOLDER}{index}", None)
        self._stack.close()

    def placeholder(self, index: int, by_value: bool) -> str:
        """See `Evaluator.placeholder`."""
        return f"${PLACEHOLDER}{index}" if by_value else f"(*${PLACEHOLDER}{index})"

    def needs_thread(self, expression: str) -> bool:
        """See `Evaluator.needs_thread`."""
        if any(not one.startswith(f"${PLACEHOLDER}") and not _is_same_everywhere(one) for one in dollars(expression)):
            return True
        return any(_differs(name.text) for name in names(expression))

    def evaluate(self, expression: str, thread: Thread | None, given: Sequence[Given]) -> Evaluated:
        """See `Evaluator.evaluate`."""
        try:
            if thread is not None and thread is not self._switched:
                if thread.running:
                    raise EvaluationFailed("the thread is running")
                self._switched = None
                self._switch(thread)
                self._switched = thread
            self._give(given)
            # GDB looks through all files for a name that none has, for milliseconds in each thread.
            for name in self._unknown and {one.text for one in names(expression)} & set(self._unknown):
                if not _is_local(name):
                    raise EvaluationFailed(self._unknown[name])
            return self._described(gdb.parse_and_eval(expression))
        except (gdb.error, RuntimeError, ValueError, OverflowError) as error:
            sentence = " ".join(str(error).split()).rstrip(".").removeprefix("Error occurred in Python: ")
            sentence = re.sub(rf"\(?\*?\${PLACEHOLDER}\d+\)?", "the variable", sentence)
            found = NO_SYMBOL.fullmatch(sentence)
            if found:
                self._unknown[found[1]] = sentence
            raise EvaluationFailed(sentence) from None

    def fits(self, expression: str, given: Sequence[Given]) -> bool:
        """See `Evaluator.fits`."""
        try:
            self._give(given)
            gdb.execute(f"whatis {expression}", to_string=True)
        except gdb.error:
            return False
        return True

    def expansions(self, expression: str) -> Sequence[str]:
        """See `Evaluator.expansions`.

        GDB knows the macros of a frame's source file only (`gcc -g3`).  The innermost frames are often the C library's,
        and where a call that does not return ends a file's code GDB takes that frame for the next file's.
        """
        with selection():
            some = [one for one in (gdb.selected_thread(), *gdb.selected_inferior().threads()) if one is not None]
            for thread in some[: 1 + MOST_THREADS]:
                found: dict[str, None] = {}
                with suppress(gdb.error):
                    thread.switch()
                    frame: gdb.Frame | None = gdb.newest_frame()
                    for _ in range(MOST_FRAMES):
                        if frame is None:
                            break
                        frame.select()
                        said = gdb.execute(f"macro expand {expression}", to_string=True)
                        text = said.partition("expands to: ")[2].strip()
                        found.update({text: None} if text and text != expression else {})
                        frame = frame.older()
                if found:
                    return list(found)
        return []

    def _give(self, given: Sequence[Given]) -> None:
        for index, one in enumerate(given):
            kind = gdb_type(one.type)
            value = gdb.Value(one.address).cast(kind.pointer()) if one.raw is None else gdb.Value(one.raw, kind)
            gdb.set_convenience_variable(f"{PLACEHOLDER}{index}", value)
        self._used = max(self._used, len(given))

    def _described(self, value: gdb.Value) -> Evaluated:
        if value.type.code in POINTERS[1:]:
            value = value.referenced_value()
        name = str(value.type)
        kind = self._types.get(name)
        if kind is None:
            kind = self._types[name] = describe(value.type)
        address = None if value.address is None else int(value.address) & self._mask
        if value.is_lazy and address is not None:
            return Evaluated(kind, address, None)  # of a large core GDB reads memory slowly
        if kind.kind is Kind.FLOAT and kind.size in FLOATS:
            return Evaluated(kind, address, struct.pack(self._order + FLOATS[kind.size], float(value)))
        if kind.kind in (Kind.AGGREGATE, Kind.FLOAT):
            return Evaluated(kind, address, None, self._one_line(self._format(value), value))
        number = int(value) % (1 << 8 * kind.size)
        return Evaluated(kind, address, number.to_bytes(kind.size, "little" if self._order == "<" else "big"))

    def _format(self, value: gdb.Value) -> str:
        with own_printers():
            return value.format_string(pretty_structs=False, max_elements=self._most_characters)


def _is_local(name: str) -> bool:
    """Whether the selected frame's function or file may have such a variable, or the object whose function it is."""
    with suppress(RuntimeError):  # code without debug information
        block: gdb.Block | None = gdb.selected_frame().block()
        while block is not None and not block.is_global:
            if any(symbol.name in (name, "this") for symbol in block):
                return True
            block = block.superblock
    return False


def _is_same_everywhere(name: str) -> bool:
    """Whether a `$name` is a value of the history, a variable that the user has set, or a function of its arguments."""
    if name in PURE or name.strip("$").isdigit() or name in ("$", "$$"):
        return True
    return not name.startswith("$_") and gdb.convenience_variable(name[1:]) is not None


def _differs(name: str) -> bool:
    """Whether a name may mean something else in another thread: a local variable, or what is not known here."""
    if not re.fullmatch(r"\w+(::\w+)*", name):
        return True  # GDB dies of odd names
    with suppress(gdb.error, RuntimeError):
        symbol = gdb.lookup_symbol(name)[0] or next(iter(gdb.lookup_static_symbols(name)), None)
        if symbol is not None:
            return bool(symbol.needs_frame) or is_thread_local(symbol)
    with suppress(gdb.error, RuntimeError):
        gdb.lookup_type(name)
        return False
    return True
