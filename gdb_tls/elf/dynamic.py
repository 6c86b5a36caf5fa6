"""The dynamic section, and the symbol table that the loader uses (gABI, "Dynamic Section").

Both are loaded, so files whose section headers were cut off (sstrip, packers, some vendors' libraries) have them too.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping

DT_HASH, DT_STRTAB, DT_SYMTAB, DT_STRSZ, DT_SYMENT, DT_GNU_HASH = 4, 5, 6, 10, 11, 0x6FFFFEF5
# By the size of an address: Elf_Dyn.
DYNAMIC = {4: "iI", 8: "qQ"}
MOST_SYMBOLS = 1 << 22

Read = Callable[[int, int], "bytes | None"]


def entries(data: bytes, pointer_size: int, order: str) -> dict[int, int]:
    """Tag -> value of a dynamic section's bytes, up to its end mark; the first of a tag counts.

    Args:
        data: the bytes; what is no whole row at their end is left out.
        pointer_size: of the file, in bytes.
        order: "<" or ">".
    """
    return dict(reversed(every_entry(data, pointer_size, order)))


def every_entry(data: bytes, pointer_size: int, order: str) -> list[tuple[int, int]]:
    """(tag, value) of all rows up to the end mark; see `entries`."""
    row = struct.Struct(order + DYNAMIC[pointer_size])
    found: list[tuple[int, int]] = []
    for tag, value in row.iter_unpack(data[: len(data) // row.size * row.size]):
        if tag == 0:
            break
        found.append((tag, value))
    return found


def symbol_table(dynamic: Mapping[int, int], read: Read, order: str) -> tuple[bytes, bytes] | None:
    """The rows of the loader's symbol table and their names; None where the file does not have all of them.

    The dynamic section does not say how many rows there are: the hash table does.

    Args:
        dynamic: as `entries` gives it.
        read: what is at a linked address, as many bytes as asked for; None where the file has none.
        order: "<" or ">".
    """
    if not {DT_SYMTAB, DT_STRTAB, DT_STRSZ, DT_SYMENT} <= dynamic.keys():
        return None

    def word(address: int) -> int:
        data = read(address, 4)
        return int.from_bytes(data, "little" if order == "<" else "big") if data else 0

    if DT_HASH in dynamic:
        count = word(dynamic[DT_HASH] + 4)  # nchain
    else:
        count = _counted_by_gnu_hash(dynamic[DT_GNU_HASH], word, dynamic[DT_SYMENT]) if DT_GNU_HASH in dynamic else 0
    if not 0 < count <= MOST_SYMBOLS:
        return None
    rows = read(dynamic[DT_SYMTAB], count * dynamic[DT_SYMENT])
    names = read(dynamic[DT_STRTAB], dynamic[DT_STRSZ])
    return (rows, names) if rows is not None and names is not None else None


def _counted_by_gnu_hash(address: int, word: Callable[[int], int], row: int) -> int:
    """The number of symbols: up to the end of the chain of the highest that a bucket begins with."""
    buckets, first, bloom = word(address), word(address + 4), word(address + 8)
    start = address + 16 + bloom * (8 if row == 24 else 4)
    if buckets > MOST_SYMBOLS:
        return 0
    last = max((word(start + 4 * one) for one in range(buckets)), default=0)
    if last < first:
        return first
    chain = start + 4 * buckets
    while last < MOST_SYMBOLS and not word(chain + 4 * (last - first)) & 1:
        last += 1
    return last + 1
