"""Notes: the PT_NOTE segments' entries, and the build id among them."""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterator

NT_GNU_BUILD_ID = 3


def find_build_id(notes: bytes, order: str) -> str | None:
    """Finds NT_GNU_BUILD_ID (3, "GNU") in the bytes of a note segment."""
    found = notes_in(notes, order, (NT_GNU_BUILD_ID,))
    return next((data.hex() for _, name, data in found if name == b"GNU"), None)


def notes_in(notes: bytes, order: str, kinds: Collection[int]) -> Iterator[tuple[int, bytes, bytes]]:
    """Yields (type, name, contents) of the notes of these types in a note segment (gABI, "Note Section").

    A core has several for each of its threads: the others cost as little as can be.
    """
    at, last = 0, len(notes)
    unpack = struct.Struct(order + "III").unpack_from
    while at + 12 <= last:
        name_size, size, kind = unpack(notes, at)
        data_at = at + 12 + (name_size + 3 & ~3)
        if data_at + size > last:
            return
        if kind in kinds:
            yield kind, notes[at + 12 : at + 12 + name_size].rstrip(b"\0"), notes[data_at : data_at + size]
        at = data_at + (size + 3 & ~3)
