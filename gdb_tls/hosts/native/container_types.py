"""Where classes of the C++ library keep what they own, whether they have a value, and whether they are valid at all."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from gdb_tls.target.model import Container, Presence
from gdb_tls.tuples import NamedTuple

NAME = re.compile(r"std::(?:__\w+::)?(vector|deque|basic_string|list|(?:unordered_)?(?:multi)?(?:map|set))<")
# Classes that own storage through one pointer; that it is null means they own nothing.
OWNERS = re.compile(
    r"^(std::(__\w+::)?(unique_ptr|shared_ptr|weak_ptr)|boost::(shared|scoped|intrusive)_ptr)<|"
    r"^std::(__\w+::)?atomic<.*\*( const)?\s*>$"
)
# Whose template argument is the pointer, and not what it points to.
ATOMIC = re.compile(r"^std::(__\w+::)?atomic<")
# Members of libstdc++'s containers that point to something as soon as the constructor has run (its headers
# basic_string.h, stl_deque.h, stl_list.h, stl_tree.h, hashtable.h).
WITNESSES = re.compile(r"^std::(__\w+::)?(basic_string|deque|list|(multi)?(map|set)|unordered_(multi)?(map|set))<")
TREES = re.compile(r"std::(__\w+::)?(multi)?(map|set)<")
TREE = {"header": "_M_header", "count": "_M_node_count"}
TABLE = {
    "buckets": "_M_buckets",
    "bucket_count": "_M_bucket_count",
    "before_begin": "_M_before_begin",
    "element_count": "_M_element_count",
    "single": "_M_single_bucket",
}
MEMBERS = {
    "vector": {"start": "_M_start", "finish": "_M_finish", "end": "_M_end_of_storage"},
    "deque": {"map": "_M_map", "map_size": "_M_map_size", "start": "_M_start", "finish": "_M_finish"},
    "string": {"pointer": "_M_p", "length": "_M_string_length"},
    "list": {"next": "_M_next", "prev": "_M_prev"},
}
# Inside of a deque's iterators, and of the node that is a tree's header.
INNER = {
    "deque": {
        end: {"cur": "_M_cur", "first": "_M_first", "last": "_M_last", "node": "_M_node"} for end in ("start", "finish")
    },
    "tree": {"header": {"parent": "_M_parent", "left": "_M_left", "right": "_M_right"}},
}

# libc++'s members, by the names of LLVM 20 and later, and before; each inside of the one in front.  A compressed pair,
# which those before 20 have, begins with the word that is meant.
LIBCXX: dict[str, dict[str, Sequence[str]]] = {
    "vector": {"start": ("__begin_",), "finish": ("__end_",), "end": ("__cap_", "__end_cap_")},
    "vector<bool>": {"start": ("__begin_",), "count": ("__size_",), "words": ("__cap_", "__cap_alloc_")},
    "deque": {
        "table": ("__map_.__first_", "__map_.__front_cap_"),
        "start": ("__map_.__begin_",),
        "finish": ("__map_.__end_",),
        "end": ("__map_.__cap_", "__map_.__back_cap_", "__map_.__end_cap_"),
        "before": ("__start_",),
        "count": ("__size_",),
    },
    "string": {"flag": ("__s",), "pointer": ("__l.__data_",), "length": ("__l.__size_",)},
    "tree": {
        "begin": ("__begin_node_",),
        "parent": ("__end_node_.__left_", "__pair1_.__left_"),
        "count": ("__tree_.__size_", "__pair3_"),
    },
    "list": {"next": ("__end_.__next_",), "prev": ("__end_.__prev_",), "count": ("__size_", "__size_alloc_")},
    "table": {
        "buckets": ("__bucket_list_",),
        "first": ("__first_node_.__next_", "__p1_.__next_"),
        "element_count": ("__table_.__size_", "__p2_"),
    },
}

# What has a value or none, and the members, each inside of the one before, that are zero where it has none: libstdc++'s
# headers optional, std_function.h and any; libc++'s optional, __functional/function.h and any; boost/optional.hpp.
HOLDER = re.compile(r"(?:std::(?:__\w+::)?(optional|function)<|std::(?:__\w+::)?(any)$|(boost::optional)<)")
PRESENCE = {
    "optional": (("_M_engaged",), ("__engaged_",)),
    "function": (("_M_manager",), ("__f_", "__f_")),
    "any": (("_M_manager",), ("__h_",), ("__h",)),
    "boost::optional": (("m_initialized",),),
}

Kind = TypeVar("Kind")


class Holder(NamedTuple, Generic[Kind]):
    """What a host says of a type that may be a container.

    Attributes:
        name: its whole name; empty for what is no class.
        type: the type itself.
        member: finds a member of a type by its name, however deep inside of other members it is: its offset and type.
        size: the size of a type, in bytes.
        argument: the type's first template argument.
        word: the size of a pointer.
    """

    name: str
    type: Kind
    member: Callable[[Kind, str], tuple[int, Kind] | None]
    size: Callable[[Kind], int]
    argument: Callable[[], Kind]
    word: Callable[[], int]


def presence_of(holder: Holder[Kind]) -> Presence | None:
    """Where an object says whether it has a value; None for other types, and where no such member is there."""
    match = HOLDER.match(holder.name)
    for names in PRESENCE[match[1] or match[2] or match[3]] if match else ():
        at, kind = 0, holder.type
        for name in names:
            found = holder.member(kind, name)
            if found is None:
                break
            at, kind = at + found[0], found[1]
        else:
            return Presence(at, holder.size(kind))
    return None


def container_of(holder: Holder[Kind]) -> Container | None:
    """What is known of a container's layout; None for other types, and where a member is not there."""
    match = NAME.match(holder.name)
    if not match:
        return None
    bare, member = holder.type, holder.member
    name = match[1].replace("basic_string", "string")
    wanted = MEMBERS.get(name, TABLE if name.startswith("unordered") else TREE)
    inner = INNER.get("tree" if wanted is TREE else name, {})
    offsets: dict[str, int] = {}
    for key, field in wanted.items():
        found = member(bare, field)
        if found is None:
            return _of_libcxx(holder, name)
        if key not in inner or key == "header":
            offsets[key] = found[0]
        for part, inside in inner.get(key, {}).items():
            place = member(found[1], inside)
            if place is None:
                return None
            offsets[f"{key}_{part}" if name == "deque" else part] = found[0] + place[0]
    if name == "string" and (length := member(bare, "_M_string_length")):
        offsets["own"] = length[0] + holder.size(length[1])  # a union: its own characters, or the capacity
    if name == "list" and (size := member(bare, "_M_size")):
        offsets["count"] = size[0]
    if name == "vector" and (bit := member(bare, "_M_offset")):
        finish = member(bare, "_M_finish")
        pointer = holder.word()
        if finish is None or bit[0] != pointer:
            return None
        return Container("vector<bool>", {**offsets, "start_bit": bit[0], "finish_bit": finish[0] + pointer}, 0)
    element = holder.size(holder.argument()) if name in ("vector", "deque", "string") else 0
    return Container(name, offsets, element)


def _of_libcxx(holder: Holder[Kind], name: str) -> Container | None:
    """The same of libc++'s containers."""
    layout = "table" if name.startswith("unordered") else name if name in LIBCXX else "tree"
    if name == "vector" and _place(holder, "__end_") is None:
        layout = name = "vector<bool>"
    offsets: dict[str, int] = {}
    for key, ways in LIBCXX[layout].items():
        at = next((one for one in (_place(holder, way) for way in ways) if one is not None), None)
        if at is None:
            return None
        offsets[key] = at
    element = holder.size(holder.argument()) if name in ("vector", "deque", "string") else 0
    return Container(name, offsets, element)


def _place(holder: Holder[Kind], way: str) -> int | None:
    at, kind = 0, holder.type
    for name in way.split("."):
        found = holder.member(kind, name)
        if found is None:
            return None
        at, kind = at + found[0], found[1]
    return at


def witness_of(holder: Holder[Kind]) -> int | None:
    """The offset of a pointer that is not null in any object that was constructed; None where none is known."""
    if not WITNESSES.match(holder.name):
        return None
    if TREES.match(holder.name):
        found = holder.member(holder.type, "_M_header")
        left = holder.member(found[1], "_M_left") if found else None
        return found[0] + left[0] if found and left else None
    members = (holder.member(holder.type, name) for name in ("_M_p", "_M_map", "_M_buckets", "_M_next"))
    return next((one[0] for one in members if one), None)
