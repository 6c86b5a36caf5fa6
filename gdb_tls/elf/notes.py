"""Notes: the PT_NOTE segments' entries, and the build id among them."""

from __future__ import annotations

import struct
from collections.abc import Iterator


def find_build_id(notes: bytes, order: str) -> str | None:
    """Finds NT_GNU_BUILD_ID (3, "GNU") in the bytes of a note segment."""
    return next((data.hex() for kind, name, data in notes_in(notes, order) if (kind, name) == (3, b"GNU")), None)


def notes_in(notes: bytes, order: str) -> Iterator[tuple[int, bytes, bytes]]:
    """Yields (type, name, contents) from the bytes of a note segment (gABI, "Note Section")."""
    at = 0
    while at + 12 <= len(notes):
        name_size, size, kind = struct.unpack_from(order + "III", notes, at)
        name_at = at + 12
        data_at = name_at + (name_size + 3 & ~3)
        if data_at + size > len(notes):
            return
        yield kind, notes[name_at : name_at + name_size].rstrip(b"\0"), notes[data_at : data_at + size]
        at = data_at + (size + 3 & ~3)
