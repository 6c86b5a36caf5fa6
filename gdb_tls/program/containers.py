"""Whether bytes are a state in which a container of the C++ library can be: what is none is no value.

An object whose constructor has not run in a thread, which was destroyed or overwritten there, would be printed by a
pretty printer all the same ("std::deque with -64 elements").  The rules are of libstdc++'s headers stl_vector.h,
stl_deque.h, basic_string.h, stl_tree.h, stl_list.h and hashtable.h, and of libc++'s vector, deque, string, __tree, list
and __hash_table.
"""

from __future__ import annotations

from collections.abc import Callable

from gdb_tls.target.model import Container
from gdb_tls.target.protocol import Target

# More elements, or bytes, than any process has.
MOST = 1 << 47
# std::string's own characters, with the zero at the end.
OWN_CHARACTERS = 16
# stl_deque.h, _GLIBCXX_DEQUE_BUF_SIZE.
DEQUE_BUFFER = 512
# libc++'s deque, __deque_block_size: the bytes of a block of small elements, and how many of others are in one.
DEQUE_SMALL, DEQUE_BLOCK, DEQUE_LARGE = 256, 4096, 16

Words = Callable[[str], int]


def invalid(container: Container, raw: bytes, address: int, target: Target) -> str:
    """Why the bytes at an address are no state of a container; empty where they may be one."""
    size = target.architecture.pointer_size
    order = target.architecture.byte_order

    def word(name: str) -> int:
        at = container.members[name]
        return int.from_bytes(raw[at : at + size], "little" if order == "little" else "big")

    rule = RULES.get(container.name)
    if rule is None or len(raw) < max(container.members.values()) + size:
        return ""
    problem = rule(container, word, address, size)
    for name in () if problem or _is_short(container, word) else HELD[container.name]:
        held = word(name) if name in container.members else 0
        if held and not address <= held < address + len(raw) and not target.memory.are_mapped([held])[0]:
            problem = f"it points to 0x{held:x}, which is not mapped"
    return f"not a valid std::{container.name}: {problem}" if problem else ""


def _vector(container: Container, word: Words, address: int, size: int) -> str:
    start, finish, end = word("start"), word("finish"), word("end")
    if not start <= finish <= end:
        return "its end lies before its beginning" if finish < start else "it has more elements than room"
    if (start == 0) != (end == 0) or end - start > MOST:
        return f"its elements would be from 0x{start:x} to 0x{end:x}"
    if container.element and (finish - start) % container.element:
        return f"it would not hold whole elements of {container.element} bytes"
    return ""


def _is_short(container: Container, word: Words) -> bool:
    """Whether it is a string of libc++ with its characters in itself; then the lowest bit of its first byte is 0."""
    return "flag" in container.members and not word("flag") & 1


def _bits(container: Container, word: Words, address: int, size: int) -> str:
    if "words" in container.members:
        count, room = word("count"), 8 * size * word("words")
        valid = count <= room <= MOST and (word("start") == 0) == (room == 0)
        return "" if valid else f"{count} bits with room for {room}"
    start, finish, end = word("start"), word("finish"), word("end")
    if not start <= finish <= end or (start == 0) != (end == 0):
        return f"its bits would be from 0x{start:x} to 0x{finish:x} of 0x{end:x}"
    # An `unsigned int` with the bit's number in the word; what follows it in the word of memory is padding.
    if any(word(name) % (1 << 32) >= 8 * size for name in ("start_bit", "finish_bit")):
        return "its iterators lie outside of their words"
    return ""


def _deque(container: Container, word: Words, address: int, size: int) -> str:
    element = container.element
    if "table" in container.members:
        first, start, finish, end = (word(name) for name in ("table", "start", "finish", "end"))
        each = (DEQUE_BLOCK // element if element < DEQUE_SMALL else DEQUE_LARGE) if element else 1
        room = (finish - start) // size * each
        valid = first <= start <= finish <= end and (first == 0) == (end == 0)
        valid = valid and word("before") + word("count") <= room <= MOST
        return "" if valid else "its elements lie outside of its table"
    buffer = (DEQUE_BUFFER // element if element < DEQUE_BUFFER else 1) * element if element else 0
    nodes, count = word("map"), word("map_size")
    for which in ("start", "finish"):
        first, current, last = (word(f"{which}_{name}") for name in ("first", "cur", "last"))
        if (
            not first <= current <= last
            or (buffer and last - first != buffer)
            or (element and (current - first) % element)
        ):
            return "its iterators lie outside of their buffers"
    if count > MOST or not nodes <= word("start_node") <= word("finish_node") < nodes + count * size:
        return "its iterators lie outside of its table of buffers"
    if word("start_node") == word("finish_node") and word("finish_cur") < word("start_cur"):
        return "its end lies before its beginning"
    return ""


def _string(container: Container, word: Words, address: int, size: int) -> str:
    length, pointer = word("length"), word("pointer")
    each = max(container.element, 1)
    if "flag" in container.members:  # libc++'s: the lowest bit of the first word says that the characters are elsewhere
        is_short = _is_short(container, word)
        length = word("flag") >> 1 & 0x7F if is_short else length
        room = max((3 * size - 1) // each, 2) - 1 if is_short else word("flag") & ~1
        return "" if length <= room and length <= MOST else f"a length of {length} with room for {room}"
    own = pointer == address + container.members["own"]
    room = OWN_CHARACTERS - 1 if own else word("own")  # the capacity is in a union with the own characters
    if length > MOST or length > room:
        return f"a length of {length} with room for {room}"
    return ""


def _tree(container: Container, word: Words, address: int, size: int) -> str:
    count, parent = word("count"), word("parent")
    if "begin" in container.members:  # libc++'s: the header is one link
        begin, header = word("begin"), address + container.members["parent"]
        if count > MOST or not begin or not (count == 0) == (parent == 0) == (begin == header):
            return f"its header does not fit {count} elements"
        return ""
    ends = {word("left"), word("right")}
    header = address + container.members["header"]
    if count > MOST:
        return f"it would have {count} elements"
    if (count == 0) != (parent == 0):
        return f"{count} elements, {'no' if parent == 0 else 'but a'} root"
    if (count == 0) != (ends == {header}) or 0 in ends:
        return "its header does not fit its number of elements"
    return ""


def _list(container: Container, word: Words, address: int, size: int) -> str:
    following, before = word("next"), word("prev")
    if not following or not before or (following == address) != (before == address):
        return "its header is not linked to itself"
    if "count" in container.members and (word("count") == 0) != (following == address):
        return f"{word('count')} elements, but its header says otherwise"
    return ""


def _table(container: Container, word: Words, address: int, size: int) -> str:
    if "first" in container.members:  # libc++'s
        count = word("element_count")
        return "" if count <= MOST and (count == 0) == (word("first") == 0) else f"{count} elements in its buckets"
    buckets, elements = word("bucket_count"), word("element_count")
    own = word("buckets") == address + container.members["single"]
    if not buckets or buckets > MOST or elements > MOST or (own and buckets != 1):
        return f"{elements} elements in {buckets} buckets"
    if (elements == 0) != (word("before_begin") == 0):
        return f"{elements} elements, but its first node says otherwise"
    return ""


RULES: dict[str, Callable[[Container, Words, int, int], str]] = {
    "vector": _vector,
    "vector<bool>": _bits,
    "deque": _deque,
    "string": _string,
    **dict.fromkeys(("map", "set", "multimap", "multiset"), _tree),
    "list": _list,
    **{f"unordered_{name}": _table for name in ("map", "set", "multimap", "multiset")},
}
# What has to be mapped, where it is not null.
HELD = {
    **dict.fromkeys(("vector", "vector<bool>"), ("start",)),
    "deque": ("start_cur", "table"),
    "string": ("pointer",),
    **dict.fromkeys(("map", "set", "multimap", "multiset"), ("parent", "begin")),
    "list": ("next", "prev"),
    **{f"unordered_{name}": ("buckets", "first") for name in ("map", "set", "multimap", "multiset")},
}
