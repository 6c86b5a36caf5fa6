"""From addresses and a type to what a user wants to know: state, flags, value, text."""

from __future__ import annotations

import struct
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from gdb_tls.errors import reason
from gdb_tls.program import scalars
from gdb_tls.program.containers import invalid
from gdb_tls.program.instances import Instances, Judgement
from gdb_tls.program.names import COMMON_BLOCK
from gdb_tls.program.presence import have_values
from gdb_tls.program.type_names import bits_of
from gdb_tls.target.model import Counted, Flag, Instance, Kind, Life, Place, State, Thread, Type
from gdb_tls.target.protocol import Target, UnreadableMemory

if TYPE_CHECKING:
    from gdb_tls.program.lifetimes import Lifetime

# A string that has no end within this is not read to its end.
LONGEST_STRING = 1 << 16
SMALLEST_PAGE = 4096
FLOATS = {4: "f", 8: "d"}
# A greater length is no length: the structure is not what its members' names promise, or not initialised.
LONGEST_BUFFER = 1 << 40
NO_WITNESS = "a pointer is null that is not null in any constructed object"
NOT_CONSTRUCTED = "is zero-filled, as before its constructor, or overwritten"


# Of these the standards say what they are: C11 7.5 and POSIX <errno.h>, <netdb.h>; glibc's names within itself are
# of include/errno.h and resolv/herrno.c.
INTEGERS = ("errno", "h_errno", "__libc_errno", "__h_errno", "__libc_h_errno")


def untyped(size: int, pointer_size: int, linkage_name: str = "") -> tuple[Type, tuple[Flag, ...]]:
    """What to take a variable for whose type nothing describes.

    Pointer-sized ones are taken for `void *`, and say so; an unknown size counts as a pointer's.
    """
    if size == 4 and linkage_name in INTEGERS:
        return Type("int", Kind.INTEGER, 4, is_signed=True), ()
    if COMMON_BLOCK.fullmatch(linkage_name) and size:
        return Type(f"{size} bytes", Kind.AGGREGATE, size), ()
    if size in (0, pointer_size):
        return Type("void *", Kind.POINTER, pointer_size), (Flag.ASSUMED_POINTER,)
    if size in (1, 2, 4):
        return Type(f"{size}-byte integer", Kind.INTEGER, size), ()
    return Type(f"{size} bytes", Kind.AGGREGATE, size), ()


def read_instances(
    target: Target,
    kind: Type,
    assumed: tuple[Flag, ...],
    threads: Sequence[Thread],
    places: Sequence[Place],
    via: str,
    holders: Mapping[int, int] | None = None,
    are_constant: Callable[[Iterable[int]], set[int]] = lambda addresses: set(),
    lives: Sequence[Lifetime | None] | None = None,
) -> Instances:
    """Reads and judges one variable in every thread: each different value once, however many threads have it.

    Args:
        target: the program.
        kind: the variable's type.
        assumed: flags that hold for every instance that has a value.
        threads: all threads.
        places: for each thread the variable's address, or why there is none.
        via: the resolver's name.
        holders: pointer -> how many threads have it, where that is not to be counted among `threads`.
        are_constant: says which addresses are of constants or code: no thread has its own, so nothing is shared.
        lives: what is known of each object's life; None for nothing.
    """
    raws = _read(target, places, kind.size)
    if kind.bits is not None:
        raws = [None if raw is None else _bit_field(raw, kind, target) for raw in raws]
    return judged(target, kind, assumed, threads, places, raws, via, holders, are_constant, lives)


def judged(
    target: Target,
    kind: Type,
    assumed: tuple[Flag, ...],
    threads: Sequence[Thread],
    places: Sequence[Place],
    raws: Sequence[bytes | None],
    via: str,
    holders: Mapping[int, int] | None = None,
    are_constant: Callable[[Iterable[int]], set[int]] = lambda addresses: set(),
    lives: Sequence[Lifetime | None] | None = None,
) -> Instances:
    """Judges values whose bytes are read already; see `read_instances`.

    Args:
        target: see `read_instances`.
        kind: the values' type.
        assumed: see `read_instances`.
        threads: see `read_instances`.
        places: the address of each, 0 for a value that is nowhere in memory, or why there is none.
        raws: the bytes of each; None where they cannot be read.
        via: see `read_instances`.
        holders: see `read_instances`.
        are_constant: see `read_instances`.
        lives: see `read_instances`.
    """
    # Two threads may use one block (a kernel worker of io_uring has no TLS of its own): that is one holder.
    once = raws if len(set(places)) == len(places) or 0 in places else list(dict(zip(places, raws)).values())
    dead = {index for index, life in enumerate(lives or ()) if life is not None and life.state is not None}
    if dead:  # what its bytes are is held by nobody
        once = [None if index in dead else raw for index, raw in enumerate(raws)]
    said = _judge(Counter(once), kind, assumed, holders, target, are_constant)
    judgements = [said[None if index in dead else raw] for index, raw in enumerate(raws)]
    if None in said:
        for index, (place, raw) in enumerate(zip(places, raws)):
            if not isinstance(place, int):
                judgements[index] = Judgement(place.state, (), place.reason)
            elif raw is None:
                judgements[index] = Judgement(State.UNREADABLE, (), _unreadable(place, target))
    if kind.presence is not None:
        start, end = kind.presence.offset, kind.presence.offset + kind.presence.size
        saying = [raw[start:end] if raw is not None else None for raw in raws]
        for index, has in enumerate(have_values(target, kind.presence, places, saying)):
            if has is False:
                judgements[index] = Judgement(State.NO_VALUE, assumed)
    if kind.container is not None:
        for index, (place, raw) in enumerate(zip(places, raws)):
            if isinstance(place, int) and raw is not None and judgements[index].state is State.SET:
                problem = invalid(kind.container, raw, place, target)
                judgements[index] = Judgement(State.UNREADABLE, (), problem) if problem else judgements[index]
    for index, known in enumerate(lives or ()):
        if known is not None and isinstance(places[index], int) and raws[index] is not None:
            judgements[index] = _alive(judgements[index], known)
    if target.memory.changing:
        for index in [index for index, place in enumerate(places) if place in target.memory.changing]:
            judgement = judgements[index]
            judgements[index] = judgement._replace(flags=_with(judgement.flags, Flag.CHANGING))
    for index in [index for index, thread in enumerate(threads) if thread.life is not Life.LISTED]:
        judgement = judgements[index]
        life = Flag(threads[index].life.value)
        judgements[index] = judgement._replace(flags=_with(judgement.flags, life))
    describe = _Describer(target, kind)

    def make(index: int) -> Instance:
        place, raw = places[index], raws[index]
        state, flags, reason = judgements[index]
        address = place if isinstance(place, int) else None
        value: int | float | bool | None = None
        text = ""
        if raw is not None and address is not None and not reason and state is not State.NO_VALUE:
            value, text = describe(address, raw)
        address = address or None
        return Instance(threads[index], state, flags, address, value, text, via, reason)

    return Instances(threads, judgements, raws, make)


def _with(flags: Sequence[Flag], another: Flag) -> tuple[Flag, ...]:
    return tuple(flag for flag in Flag if flag in flags or flag is another)


def _alive(judgement: Judgement, life: Lifetime) -> Judgement:
    """What is said of an object, with what is known of its life."""
    if life.state is not None:
        return Judgement(life.state, (), life.reason)
    return judgement._replace(flags=tuple(one for one in Flag if one in judgement.flags or one is Flag.CONSTRUCTED))


def _bit_field(raw: bytes, kind: Type, target: Target) -> bytes:
    """The value of a bit-field in eight bytes; bits are counted from the end where the ABI stores numbers so."""
    assert kind.bits is not None
    before, size = kind.bits
    little = target.architecture.byte_order == "little"
    value = word(raw, target) >> (before if little else 8 * len(raw) - before - size) & ((1 << size) - 1)
    if kind.is_signed and value >> (size - 1):
        value -= 1 << size
    return value.to_bytes(8, "little" if little else "big", signed=kind.is_signed)


def _read(target: Target, places: Sequence[Place], size: int) -> list[bytes | None]:
    """The bytes at each place; None where it is no address or cannot be read."""
    addresses = [place for place in places if isinstance(place, int)]
    found = target.memory.read_many(addresses, size)
    if len(found) == len(places):
        return found
    read = iter(found)
    return [next(read) if isinstance(place, int) else None for place in places]


def _judge(
    known: Mapping[bytes | None, int],
    kind: Type,
    assumed: tuple[Flag, ...],
    holders: Mapping[int, int] | None,
    target: Target,
    are_constant: Callable[[Iterable[int]], set[int]],
) -> dict[bytes | None, Judgement]:
    """What is said of each different value; `known` says how many instances have it."""
    found: dict[bytes | None, Judgement] = dict.fromkeys(known, Judgement(State.SET, assumed))
    pointers = pointers_in([raw for raw in known if raw is not None], kind, target)
    shared = _shared(known, pointers, holders, kind)
    shared -= are_constant(shared) if shared else set()
    unmapped = _unmapped([pointer for pointer in pointers.values() if pointer], target)
    if Flag.ASSUMED_POINTER in assumed:
        # What points nowhere is most likely no pointer, but a number.
        shared, unmapped = shared - unmapped, set()
    if kind.witness is not None:
        end = kind.witness + target.architecture.pointer_size
        for raw in found:
            if raw is not None and not any(raw[kind.witness : end]):
                why = f"not a valid {kind.name}: {NO_WITNESS}" if any(raw) else f"it {NOT_CONSTRUCTED}"
                found[raw] = Judgement(State.UNREADABLE if any(raw) else State.NOT_CONSTRUCTED, (), why)
    null = Judgement(State.NULL, assumed)
    if kind.null:
        found.update((raw, null) for raw in known if raw is not None and raw.startswith(kind.null))
    remarkable = shared | unmapped | {0}
    for raw, pointer in pointers.items():
        if pointer in remarkable:
            flags = (Flag.SHARED,) * (pointer in shared) + (Flag.DANGLING,) * (pointer in unmapped)
            found[raw] = Judgement(State.SET, flags + assumed) if pointer else null
    return found


def _shared(
    known: Mapping[bytes | None, int], pointers: Mapping[bytes, int], holders: Mapping[int, int] | None, kind: Type
) -> set[int]:
    """The pointers to objects that several threads hold; a function is nobody's own."""
    if kind.points_to == "function":
        return set()
    if holders is None:
        if len(set(pointers.values())) == len(pointers):
            return {pointer for raw, pointer in pointers.items() if known[raw] > 1}
        counts: dict[int, int] = defaultdict(int)
        for raw, pointer in pointers.items():
            counts[pointer] += known[raw]
        holders = counts
    return {pointer for pointer in pointers.values() if holders.get(pointer, 0) > 1}


def _unreadable(address: int, target: Target) -> str:
    if target.kind == "core":
        return f"the page at 0x{address:x} is not in the core"
    return f"0x{address:x} cannot be read"


def _unmapped(pointers: Sequence[int], target: Target) -> set[int]:
    """Those that point to no mapped memory; one look a page."""
    by_page = {pointer & -SMALLEST_PAGE: pointer for pointer in pointers}
    mapped = target.memory.are_mapped(list(by_page.values()))
    bad = {page for page, is_mapped in zip(by_page, mapped) if not is_mapped}
    return {pointer for pointer in pointers if pointer & -SMALLEST_PAGE in bad} if bad else set()


def is_null(kind: Type, raw: bytes, target: Target) -> bool:
    """Whether bytes of a type are a null pointer, or an object whose owned pointer is null."""
    return pointers_in([raw], kind, target).get(raw) == 0 or (bool(kind.null) and raw.startswith(kind.null))


def pointers_in(raws: Sequence[bytes], kind: Type, target: Target) -> dict[bytes, int]:
    """The pointer that each value is, or owns; empty for a type without one."""
    at = 0 if kind.kind is Kind.POINTER else kind.owner
    if at is None:
        return {}
    size = target.architecture.pointer_size
    order = "<" if target.architecture.byte_order == "little" else ">"
    words = b"".join([raw[at : at + size] for raw in raws])
    return dict(zip(raws, struct.unpack(f"{order}{len(raws)}{'Q' if size == 8 else 'I'}", words)))


def word(raw: bytes, target: Target) -> int:
    """Bytes as the number that they are in this program."""
    return int.from_bytes(raw, "little" if target.architecture.byte_order == "little" else "big")


def counted_bits(value: int, kind: Type) -> int:
    """What a `_BitInt(N)` is: only so many of its bits count, and the others may be anything."""
    width = bits_of(kind.name)
    if width is None or kind.kind is not Kind.INTEGER:
        return value
    value &= (1 << width) - 1
    return value - (1 << width) if kind.is_signed and value >> (width - 1) else value


class _Describer:
    """Values and texts of one type; what is the same in many threads is worked out once."""

    def __init__(self, target: Target, kind: Type) -> None:
        self._target = target
        self._kind = kind
        self._known: dict[bytes, tuple[int | float | bool | None, str]] = {}
        self._order: Literal["little", "big"] = "little" if target.architecture.byte_order == "little" else "big"
        self._float = ("<" if self._order == "little" else ">") + FLOATS[kind.size] if kind.size in FLOATS else ""

    def __call__(self, address: int, raw: bytes) -> tuple[int | float | bool | None, str]:
        """The value, or None where it is no scalar, and its text."""
        if self._kind.kind is Kind.AGGREGATE or (self._kind.kind is Kind.FLOAT and not self._float):
            # The same bytes may print differently (a string's inner pointer), so they are not kept.
            return None, self._formatted(address, raw)
        known = self._known.get(raw)
        if known is None:
            try:
                known = self._scalar(raw)
            except Exception as error:  # one bad value is one bad row
                known = None, f"<{reason(error)}>"
            self._known[raw] = known
        return known

    def _formatted(self, address: int, raw: bytes) -> str:
        if self._kind.debugger_type is None:
            return raw[:16].hex(" ") + (" ..." if len(raw) > 16 else "")
        try:
            return self._target.format_value(self._kind, address)
        except UnreadableMemory:
            return ""
        except Exception as error:
            return f"<{reason(error)}>"

    def _scalar(self, raw: bytes) -> tuple[int | float | bool, str]:
        kind = self._kind.kind
        if kind is Kind.FLOAT:
            real = float(struct.unpack(self._float, raw)[0])
            return real, scalars.real(real, self._kind.size)
        value = counted_bits(int.from_bytes(raw, self._order, signed=self._kind.is_signed), self._kind)
        if kind is Kind.POINTER:
            return value, f"({self._kind.name}) 0x{value:x}" + self._pointed(value)
        if kind is Kind.ENUM:
            return value, scalars.enumerator(self._kind.enumerators, value)
        if kind is Kind.BOOLEAN:
            return bool(value), str(bool(value)).lower()
        if kind is Kind.CHARACTER:
            return value, scalars.character(value, self._kind.size, self._kind.name)
        return value, str(value)

    def _pointed(self, pointer: int) -> str:
        if not pointer:
            return ""
        if self._kind.points_to == "character":
            return preview(pointer, self._target)
        if self._kind.points_to == "function":
            name = self._target.symbol_at(pointer)
            return f" <{name}>" if name else ""
        if self._kind.points_to == "printed":
            text = self._target.format_pointed(self._kind, pointer)
            colon = ":" if self._kind.name.endswith("&") else ""
            return f"{colon} {text}" if text else ""
        return counted_preview(self._kind.counted, pointer, self._target) if self._kind.counted else ""


def preview(pointer: int, target: Target) -> str:
    """The beginning of a zero-terminated string, quoted and escaped, and its length where that is not all of it.

    Empty where it cannot be read.
    """
    most = target.most_characters
    found = b""
    while b"\0" not in found and len(found) < LONGEST_STRING:
        try:
            # Up to the end of a page, so that a string before a page that is not there is read.
            found += target.memory.read(pointer + len(found), SMALLEST_PAGE - (pointer + len(found)) % SMALLEST_PAGE)
        except UnreadableMemory:
            break
    if not found:
        return ""
    text, zero, _ = found.partition(b"\0")
    if len(text) <= most:
        return f' "{escape(text)}"{"" if zero else "..."}'
    length = f" length {len(text)}" if zero else ""
    return f' "{escape(text[:most])}"...{length}'


def counted_preview(counted: Counted, address: int, target: Target) -> str:
    """The length of a buffer and the beginning of its bytes; empty where they make no sense."""
    try:
        length = word(target.memory.read(address + counted.length, counted.length_size), target)
        pointer = word(target.memory.read(address + counted.pointer, target.architecture.pointer_size), target)
    except UnreadableMemory:
        return ""
    if length > LONGEST_BUFFER or (length and not pointer):
        return ""
    try:
        text = target.memory.read(pointer, min(length, target.most_characters)) if length else b""
    except UnreadableMemory:
        return f" length {length}, unreadable"
    return f' length {length} "{escape(text)}"{"..." if length > len(text) else ""}'


def escape(text: bytes) -> str:
    """Bytes of the program as C would write them in a string."""

    def shown(c: str) -> str:
        if "\udc80" <= c <= "\udcff":  # a byte that is no UTF-8, by surrogateescape
            return f"\\x{ord(c) - 0xDC00:02x}"
        if c == '"':
            return '\\"'
        return c if c.isprintable() and c != "\\" else c.encode("unicode_escape").decode()

    return "".join(map(shown, text.decode("utf-8", errors="surrogateescape")))
