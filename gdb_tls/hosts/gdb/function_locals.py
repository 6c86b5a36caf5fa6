"""Static variables inside functions: GDB lists them in the functions' blocks only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import gdb

LONGEST_WALK = 4096


def by_signature(signature: str, name: str) -> Iterator[gdb.Symbol]:
    """Of the functions that are called so, with or without parameters."""
    for spelling in (signature, signature.split("(", 1)[0]):
        function = gdb.lookup_global_symbol(spelling)
        functions = [function] if function is not None else list(gdb.lookup_static_symbols(spelling))
        for found in functions:
            if found.is_function:
                yield from of_function(found, name)


def by_linkage(linkage: str) -> Iterator[gdb.Symbol]:
    """By the function's own symbol, which the mangled name holds: operators and lambdas have odd names."""
    for function, name in _enclosing(linkage):
        with suppress(gdb.error, RuntimeError, AttributeError):
            address = int(gdb.parse_and_eval(f"(unsigned long) &'{function}'"))
            block = gdb.block_for_pc(address)
            while block is not None and block.function is None:
                block = block.superblock
            if block is not None and block.function is not None:
                yield from _in_blocks(block, block.function.symtab, name)


def _enclosing(linkage: str) -> Iterator[tuple[str, str]]:
    """Itanium C++ ABI 5.1.6: a local name is Z, the function's encoding, E, the entity's name."""
    at = linkage.rfind("E")
    while linkage.startswith("_ZZ") and at > 0:
        rest = linkage[at + 1 :]
        digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
        if digits and len(rest) >= len(digits) + int(digits):
            yield "_Z" + linkage[3:at], rest[len(digits) :][: int(digits)]
        at = linkage.rfind("E", 0, at)


def of_function(function: gdb.Symbol, name: str) -> Iterator[gdb.Symbol]:
    """Of one name, in all blocks of a function."""
    with suppress(gdb.error, RuntimeError):
        address = function.value().address
        outer = gdb.block_for_pc(int(address)) if address is not None else None
        if outer is not None:
            yield from _in_blocks(outer, function.symtab, name)


def _in_blocks(outer: gdb.Block, symtab: gdb.Symtab, name: str) -> Iterator[gdb.Symbol]:
    # A gdb.Block cannot list its inner ones: each line's own block is asked for.
    seen = set()
    for pc in [outer.start, *_lines(symtab, outer)]:
        block = gdb.block_for_pc(pc)
        while block is not None and not block.is_static and not block.is_global:
            if (block.start, block.end) not in seen:
                seen.add((block.start, block.end))
                yield from (symbol for symbol in block if symbol.name.rsplit("::", 1)[-1] == name)
            block = block.superblock


def _lines(symtab: gdb.Symtab, outer: gdb.Block) -> list[int]:
    table = symtab.linetable()
    try:
        table.source_lines()  # going through a table that is not there kills GDB 13; this raises
    except (gdb.error, RuntimeError):
        return list(range(outer.start, min(outer.end, outer.start + LONGEST_WALK)))
    return [entry.pc for entry in table if outer.start <= entry.pc < outer.end]
