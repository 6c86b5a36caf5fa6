"""Elements of the C++ library's containers that are in nodes, by the layouts of libstdc++ and libc++.

Sources: libstdc++ stl_tree.h, stl_list.h, forward_list.h, hashtable_policy.h, stl_deque.h; libc++ __tree, list,
forward_list, __hash_table, deque.  A damaged container ends where its own count or its links say.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import gdb

from gdb_tls.hosts.gdb.library_members import Children, NotLaidOut, address_of, found, held, kind_of, name_of, word

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


def _word_at(address: int) -> int:
    return int(held(address, gdb.lookup_type("unsigned long")))


def _aligned(offset: int, kind: gdb.Type) -> int:
    align = kind.strip_typedefs().alignof or 1
    return (offset + align - 1) // align * align


def _named(value: gdb.Value, length: int) -> str:
    what = name_of(value).partition("<")[0]
    if length > MOST:
        raise NotLaidOut(f"not a valid {what}: it would have {length} elements")
    return f"{what} with {length} element{'s' * (length != 1)}"


def _is_gnu(value: gdb.Value, name: str) -> bool:
    try:
        found(value, name)
    except NotLaidOut:
        return False
    return True


def _entries(value: gdb.Value, values: Iterator[int]) -> Children:
    """The elements at some addresses; of a map, keys and values in turn."""
    kind = kind_of(value)
    key = kind.template_argument(0)
    is_map = "map<" in (kind.name or "").partition("<")[0] + "<"
    mapped = kind.template_argument(1) if is_map else None
    for index, address in enumerate(values):
        yield f"[{2 * index if mapped else index}]", held(address, key)
        if mapped:
            yield f"[{2 * index + 1}]", held(address + _aligned(key.strip_typedefs().sizeof, mapped), mapped)


def _alignment(value: gdb.Value) -> int:
    """The alignment of a container's elements: of a map, of the pair."""
    kind = kind_of(value)
    parts = [kind.template_argument(0)]
    if "map<" in (kind.name or "").partition("<")[0] + "<":
        parts.append(kind.template_argument(1))
    return max(part.strip_typedefs().alignof or 1 for part in parts)


def _behind(offset: int, alignment: int) -> int:
    return (offset + alignment - 1) // alignment * alignment


def tree(value: gdb.Value) -> tuple[str, Children]:
    """A map or a set: a red-black tree."""
    size = gdb.lookup_type("long").sizeof
    if _is_gnu(value, "_M_header"):
        links = GNU_LINKS
        header = found(value, "_M_header")
        node, length = word(header, "_M_left"), word(value, "_M_node_count")
        inside = _behind(links.before * size, _alignment(value))
    else:
        links = LLVM_LINKS
        node, length = word(value, "__begin_node_"), word(value, "__size_", "__pair3_")
        inside = _behind(3 * size + 1, _alignment(value))
    nodes = _in_order(node, length, links, size)
    return _named(value, length), _entries(value, (one + inside for one in nodes))


def _in_order(node: int, length: int, links: Links, size: int) -> Iterator[int]:
    for index in range(length):
        if index:
            right = _word_at(node + links.right * size)
            if right:
                node = right
                while left := _word_at(node + links.left * size):
                    node = left
            else:
                parent = _word_at(node + links.parent * size)
                while node == _word_at(parent + links.right * size):
                    node, parent = parent, _word_at(parent + links.parent * size)
                node = parent
        yield node


def hashed(value: gdb.Value) -> tuple[str, Children]:
    """An unordered map or set: all nodes are in one list."""
    size = gdb.lookup_type("long").sizeof
    if _is_gnu(value, "_M_before_begin"):
        node, length = word(found(value, "_M_before_begin"), "_M_nxt"), word(value, "_M_element_count")
        inside = _behind(size, _alignment(value))
    else:
        first = found(value, "__first_node_", "__p1_")
        node, length = word(first, "__next_"), word(value, "__size_", "__p2_")
        inside = _behind(2 * size, _alignment(value))
    return _named(value, length), _entries(value, (one + inside for one in _following(node, length, 0)))


def _following(node: int, most: int, offset: int, end: int = 0) -> Iterator[int]:
    for _ in range(most):
        if node in (0, end):
            return
        yield node
        node = _word_at(node + offset)


def linked(value: gdb.Value) -> tuple[str, Children]:
    """A list with links in one direction or in both."""
    kind = kind_of(value)
    size = gdb.lookup_type("long").sizeof
    element = kind.template_argument(0)
    what = name_of(value).partition("<")[0]
    if "forward_list<" in (kind.name or ""):
        head = found(value, "_M_head", "__before_begin_")
        nodes, before = _following(_word_at(address_of(head)), MOST, 0), size
    elif _is_gnu(value, "_M_next"):
        end = address_of(found(value, "_M_node", "_M_next"))
        nodes, before = _following(_word_at(end), MOST, 0, end), 2 * size
    else:
        end = address_of(found(value, "__end_"))
        nodes, before = _following(_word_at(end + size), MOST, size, end), 2 * size
    inside = _behind(before, element.strip_typedefs().alignof or 1)
    children = ((f"[{index}]", held(node + inside, element)) for index, node in enumerate(nodes))
    return what, children


def deque(value: gdb.Value) -> tuple[str, Children]:
    """A deque: blocks of elements, found through a table."""
    element = kind_of(value).template_argument(0)
    bytes_each = element.strip_typedefs().sizeof
    size = gdb.lookup_type("long").sizeof
    if _is_gnu(value, "_M_map"):
        block = max(GNU_BUFFER // bytes_each, 1)
        start, finish = found(value, "_M_start"), found(value, "_M_finish")
        blocks = word(start, "_M_node")
        first = (word(start, "_M_cur") - word(start, "_M_first")) // bytes_each
        behind = (word(finish, "_M_cur") - word(finish, "_M_first")) // bytes_each
        length = (word(finish, "_M_node") - blocks) // size * block + behind - first
    else:
        small, room, most = LLVM_BLOCK
        block = room // bytes_each if bytes_each < small else most
        blocks = word(found(value, "__map_"), "__begin_")
        first, length = word(value, "__start_"), word(value, "__size_")
    if length < 0:
        raise NotLaidOut("not a valid std::deque: its end lies before its beginning")
    name = _named(value, length)

    def elements() -> Children:
        for index in range(length):
            at = first + index
            yield f"[{index}]", held(_word_at(blocks + at // block * size) + at % block * bytes_each, element)

    return name, elements()
