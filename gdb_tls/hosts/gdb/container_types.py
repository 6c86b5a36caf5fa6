"""Where libstdc++'s containers keep what says whether they are in a valid state."""

from __future__ import annotations

import re
from collections.abc import Callable

import gdb

from gdb_tls.target.model import Container

NAME = re.compile(r"std::(?:__\w+::)?(vector|deque|basic_string|list|(?:unordered_)?(?:multi)?(?:map|set))<")
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

Member = Callable[[gdb.Type, str], "tuple[int, gdb.Type] | None"]


def container_of(bare: gdb.Type, member: Member) -> Container | None:
    """What is known of a container's layout; None for other types, and where a member is not there.

    Args:
        bare: the type.
        member: finds a member by its name, however deep inside of other members it is.
    """
    match = NAME.match(bare.name or "") if bare.code == gdb.TYPE_CODE_STRUCT else None
    if not match:
        return None
    name = match[1].replace("basic_string", "string")
    wanted = MEMBERS.get(name, TABLE if name.startswith("unordered") else TREE)
    inner = INNER.get("tree" if wanted is TREE else name, {})
    offsets: dict[str, int] = {}
    for key, field in wanted.items():
        found = member(bare, field)
        if found is None:
            return None
        if key not in inner or key == "header":
            offsets[key] = found[0]
        for part, inside in inner.get(key, {}).items():
            place = member(found[1].strip_typedefs(), inside)
            if place is None:
                return None
            offsets[f"{key}_{part}" if name == "deque" else part] = found[0] + place[0]
    if name == "string" and (length := member(bare, "_M_string_length")):
        offsets["own"] = length[0] + length[1].strip_typedefs().sizeof  # a union: its own characters, or the capacity
    if name == "list" and (size := member(bare, "_M_size")):
        offsets["count"] = size[0]
    if name == "vector" and (bit := member(bare, "_M_offset")):
        finish = member(bare, "_M_finish")
        pointer = bare.template_argument(0).pointer().sizeof
        if finish is None or bit[0] != pointer:
            return None
        return Container("vector<bool>", {**offsets, "start_bit": bit[0], "finish_bit": finish[0] + pointer}, 0)
    element = bare.template_argument(0).strip_typedefs().sizeof if name in ("vector", "deque", "string") else 0
    return Container(name, offsets, element)
