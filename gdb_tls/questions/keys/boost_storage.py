"""boost::thread_specific_ptr: all of a thread are in one std::map, by the addresses of these objects.

boost libs/thread/src/pthread/thread.cpp: `get_tss_data(address)` asks `get_current_thread_data()` for what the thread
has under Boost's own pthread key, and looks into its member `tss_data`, a `std::map<void const *, tss_data_node>`; the
node's last member, behind a function and its caller (or, in old versions, a `shared_ptr` to it), is the value.  Where
the map is, the code of `get_tss_data` tells; what is found is believed where it is a tree of libstdc++'s
(bits/stl_tree.h): a node is {colour, parent, left, right, key, value}, and the root's parent is the head {colour, root,
leftmost, rightmost} in the map.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gdb_tls.code.values import Value, loads_in
from gdb_tls.evidence.code import Code, Spot
from gdb_tls.objects.loaded import LoadedObject
from gdb_tls.objects.words import Words
from gdb_tls.program.program import Program
from gdb_tls.questions.keys.members import member_of, used_addresses
from gdb_tls.questions.keys.names import KeyNames, KeyVariable, name_of
from gdb_tls.questions.keys.storages import Storage, Storages, StoredValue
from gdb_tls.target.model import Thread
from gdb_tls.target.protocol import UnreadableMemory

KIND = "boost::thread_specific_ptr"
# Older ones have the second, which the first is called with.
LOOK_UP = ("_ZN5boost6detail12get_tss_dataEPKv", "_ZN5boost6detail13find_tss_dataEPKv")
PARENT, LEFT, RIGHT, KEY, VALUE = 1, 2, 3, 4, 7  # words of a node
MOST_NODES = 100_000


def boost_storages(
    program: Program, threads: Sequence[Thread], names: KeyNames, values: Mapping[int, Sequence[int | None]]
) -> Storages:
    """Reads the maps of these threads.

    Args:
        program: the program.
        threads: the threads.
        names: what is known of the pthread keys' names.
        values: what each of the threads has for each of the pthread keys; None for what is not known.
    """
    code = Code(program)
    boost = next((one for one in program.objects.all if one.file and one.file.symbols(LOOK_UP)), None)
    found = _places(code, boost, names) if boost else None
    if boost is None or found is None:
        why = f"the code of {boost.name} does not tell where it keeps them" if boost else ""
        return Storages((), [f"{KIND}: {why}"] if why else ())
    key, members = found
    words = Words(program.target)
    maps: list[dict[int, int] | str] = []
    for data in values.get(key) or [0] * len(threads):
        maps.append("the value of Boost's key is not known" if data is None else _map(words, data, members))
    places = sorted({place for one in maps if isinstance(one, dict) for place in one})
    storages = [
        Storage(KIND, None, [_variable(program, code, place)], _values(threads, maps, place)) for place in places
    ]
    return Storages(storages)


def _values(threads: Sequence[Thread], maps: Sequence[dict[int, int] | str], place: int) -> list[StoredValue]:
    return [
        StoredValue(thread, None, one) if isinstance(one, str) else StoredValue(thread, one.get(place, 0))
        for thread, one in zip(threads, maps)
    ]


def _variable(program: Program, code: Code, place: int) -> KeyVariable:
    name, file, is_nameless = name_of(program, code, [place])
    return KeyVariable(name, is_nameless, file, place, None, (), (), None)


def _places(code: Code, boost: LoadedObject, names: KeyNames) -> tuple[int, list[int]] | None:
    """(Boost's pthread key, where in the thread's data the map may be); None where the code does not tell."""
    index = code.index_of(boost)
    if index is None or boost.file is None:
        return None
    for known in boost.file.symbols(LOOK_UP).values():
        spot = Spot(index, boost.load_base, known.value, boost)
        flow = spot.flow
        members: dict[int, set[int]] = {}
        for value in used_addresses(flow) if flow else ():
            _note(value, members)
        for at, offsets in members.items():
            called = code.call_at(spot, at)
            there = code.at(called[1]) if called and called[1] is not None else None
            function = there.pc if there else None
            keys = [one.number for one in names.variables if function in _functions(code, one)]
            if len(keys) == 1 and keys[0] is not None:
                return keys[0], sorted(offsets)
    return None


def _note(value: Value | None, members: dict[int, set[int]]) -> None:
    member = member_of(value)
    if member is not None:
        members.setdefault(member[0], set()).add(member[1])
    for load, _ in loads_in(value):
        _note(load.address, members)


def _functions(code: Code, variable: KeyVariable) -> set[int | None]:
    spots = [code.at(place) for place in variable.places]
    return {spot.function for spot in spots if spot}


def _map(words: Words, data: int, members: Sequence[int]) -> dict[int, int] | str:
    """Address of the object -> the thread's value; or why that is not known."""
    if not data:
        return {}
    try:
        for member in members:
            # What the code was seen to use: the map, its head, or the root in the head.
            for root_at in (member, member + words.size, member + 2 * words.size):
                head = data + root_at - PARENT * words.size
                root, _, _, count = words.read_some(data + root_at, 4)
                if root and 0 < count < MOST_NODES and words.read(root + PARENT * words.size) == head:
                    return _nodes(words, root, count)
                if not root and not count and words.read(head + LEFT * words.size) == head:
                    return {}
    except UnreadableMemory as error:
        return f"Boost's data at 0x{data:x} cannot be read ({error})"
    return f"at 0x{data:x} is no map as libstdc++ builds it"


def _nodes(words: Words, root: int, count: int) -> dict[int, int] | str:
    found: dict[int, int] = {}
    waiting = [root]
    while waiting and len(found) <= count:
        node = words.read_some(waiting.pop(), VALUE + 1)
        found[node[KEY]] = node[VALUE]
        waiting += [one for one in (node[LEFT], node[RIGHT]) if one]
    return found if len(found) == count else "its map is damaged"
