"""Elements of the C++ library's containers that are in nodes, by the layouts of libstdc++ and libc++.

Sources: libstdc++ stl_tree.h, stl_list.h, forward_list.h, hashtable_policy.h, stl_deque.h; libc++ __tree, list,
forward_list, __hash_table, deque.  A damaged container ends where its own count or its links say.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from gdb_tls.hosts.native.library_objects import Children, Kind, Object
from gdb_tls.hosts.native.not_laid_out import NotLaidOut
from gdb_tls.tuples import NamedTuple

MOST = 1 << 40
# libstdc++ stl_deque.h, _GLIBCXX_DEQUE_BUF_SIZE; libc++ deque, __deque_block_size.
GNU_BUFFER, LLVM_BLOCK = 512, (256, 4096, 16)


class Links(NamedTuple):
    """Which words of a tree's node lead where, and how many there are before its value."""

    left: int
    right: int
    parent: int
    before: int


GNU_LINKS = Links(left=2, right=3, parent=1, before=4)
LLVM_LINKS = Links(left=0, right=1, parent=2, before=4)  # the fourth word begins with the colour, a bool


def _behind(offset: int, alignment: int) -> int:
    return (offset + alignment - 1) // alignment * alignment


def _named(one: Object[Kind], length: int) -> str:
    what = one.name.partition("<")[0]
    if length > MOST:
        raise NotLaidOut(f"not a valid {what}: it would have {length} elements")
    return f"{what} with {length} element{'s' * (length != 1)}"


def _is_map(one: Object[Kind]) -> bool:
    return "map<" in one.full_name.partition("<")[0] + "<"


def _entries(one: Object[Kind], places: Iterator[int]) -> Children[Kind]:
    """The elements at some addresses; of a map, keys and values in turn."""
    key = one.argument()
    mapped = one.argument(1) if _is_map(one) else None
    for index, address in enumerate(places):
        yield f"[{2 * index if mapped else index}]", one.other(address, key)
        if mapped:
            behind = _behind(one.reader.size(key), one.reader.alignment(mapped))
            yield f"[{2 * index + 1}]", one.other(address + behind, mapped)


def _alignment(one: Object[Kind]) -> int:
    """The alignment of a container's elements: of a map, of the pair."""
    return max(one.reader.alignment(one.argument(index)) for index in range(1 + _is_map(one)))


def tree(one: Object[Kind]) -> tuple[str, Children[Kind]]:
    """A map or a set: a red-black tree."""
    size = one.reader.word
    if one.has("_M_header"):
        links = GNU_LINKS
        node, length = one.found("_M_header").word("_M_left"), one.word("_M_node_count")
        inside = _behind(links.before * size, _alignment(one))
    else:
        links = LLVM_LINKS
        node, length = one.word("__begin_node_"), one.word("__size_", "__pair3_")
        inside = _behind(3 * size + 1, _alignment(one))
    nodes = _in_order(one, node, length, links)
    return _named(one, length), _entries(one, (address + inside for address in nodes))


def _in_order(one: Object[Kind], node: int, length: int, links: Links) -> Iterator[int]:
    size, word_at = one.reader.word, one.word_at
    for index in range(length):
        if index:
            right = word_at(node + links.right * size)
            if right:
                node = right
                while left := word_at(node + links.left * size):
                    node = left
            else:
                parent = word_at(node + links.parent * size)
                while node == word_at(parent + links.right * size):
                    node, parent = parent, word_at(parent + links.parent * size)
                node = parent
        yield node


def hashed(one: Object[Kind]) -> tuple[str, Children[Kind]]:
    """An unordered map or set: all nodes are in one list."""
    size = one.reader.word
    if one.has("_M_before_begin"):
        node, length = one.found("_M_before_begin").word("_M_nxt"), one.word("_M_element_count")
        inside = _behind(size, _alignment(one))
    else:
        node, length = one.found("__first_node_", "__p1_").word("__next_"), one.word("__size_", "__p2_")
        inside = _behind(2 * size, _alignment(one))
    return _named(one, length), _entries(one, (at + inside for at in _following(one, node, length, 0)))


def _following(one: Object[Kind], node: int, most: int, offset: int, end: int = 0) -> Iterator[int]:
    for _ in range(most):
        if node in (0, end):
            return
        yield node
        node = one.word_at(node + offset)


def linked(one: Object[Kind]) -> tuple[str, Children[Kind]]:
    """A list with links in one direction or in both."""
    size, element = one.reader.word, one.argument()
    if "forward_list<" in one.full_name:
        head = one.found("_M_head", "__before_begin_").address
        nodes, before = _following(one, one.word_at(head), MOST, 0), size
    elif one.has("_M_next"):
        end = one.found("_M_node", "_M_next").address
        nodes, before = _following(one, one.word_at(end), MOST, 0, end), 2 * size
    else:
        end = one.found("__end_").address
        nodes, before = _following(one, one.word_at(end + size), MOST, size, end), 2 * size
    inside = _behind(before, one.reader.alignment(element))
    first = next(nodes, None)
    name = one.name.partition("<")[0]
    if first is None:
        return f"empty {name}", iter(())
    places = (node + inside for node in chain([first], nodes))
    return name, ((f"[{index}]", one.other(place, element)) for index, place in enumerate(places))


def deque(one: Object[Kind]) -> tuple[str, Children[Kind]]:
    """A deque: blocks of elements, found through a table."""
    element, size = one.argument(), one.reader.word
    bytes_each = one.reader.size(element)
    if one.has("_M_map"):
        block = max(GNU_BUFFER // bytes_each, 1)
        start, finish = one.found("_M_start"), one.found("_M_finish")
        blocks = start.word("_M_node")
        first = (start.word("_M_cur") - start.word("_M_first")) // bytes_each
        behind = (finish.word("_M_cur") - finish.word("_M_first")) // bytes_each
        length = (finish.word("_M_node") - blocks) // size * block + behind - first
    else:
        small, room, most = LLVM_BLOCK
        block = room // bytes_each if bytes_each < small else most
        blocks = one.found("__map_").word("__begin_")
        first, length = one.word("__start_"), one.word("__size_")
    if length < 0:
        raise NotLaidOut("not a valid std::deque: its end lies before its beginning")
    name = _named(one, length)

    def elements() -> Children[Kind]:
        for index in range(length):
            at = first + index
            yield f"[{index}]", one.other(one.word_at(blocks + at // block * size) + at % block * bytes_each, element)

    return name, elements()
