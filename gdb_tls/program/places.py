"""Places in modules' blocks: what has no symbol is named by its module and its offset, `MODULE+0xOFFSET`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from gdb_tls.elf.file import NotElf, open_elf
from gdb_tls.elf.symbols import ElfSymbol
from gdb_tls.errors import AmbiguousName, BadArgument, MissingFile, TlsError
from gdb_tls.program.module_symbols import Candidate, candidates_of, modules_of
from gdb_tls.program.names import PlaceName
from gdb_tls.target.model import Module
from gdb_tls.target.protocol import Target

if TYPE_CHECKING:
    from gdb_tls.code.index import CodeIndex

# What `ElfSymbol.source` and `Variable.source` say of what was found by its place.
BY_OFFSET = "offset"
# Bytes of functions that are followed for them: about a second.
MOST_FOLLOWED = 1 << 17
# Bytes of code that are looked through for the places that it uses: about two seconds.
LARGEST_CODE = 8 << 20
# Every C library has it (glibc csu/libc-start.c, musl src/env/__libc_start_main.c), and nothing else does; its own
# variables are of no interest without their names.
LIBC_SYMBOL = "__libc_start_main"


def candidate_at(target: Target, modules: Sequence[Module], place: PlaceName) -> Candidate | None:
    """The variable at a place: the one whose symbol begins there, or one that is called after the place.

    Args:
        target: the debugger.
        modules: all modules.
        place: as the user typed it.

    Returns:
        None where no module is called so.

    Raises:
        AmbiguousName, BadArgument, MissingFile: where several modules are, or the block ends before.
    """
    meant = modules_of(modules, place.module)
    if not meant:
        return None
    if len(meant) > 1:
        texts = ", ".join(f"{one.id}+0x{place.offset:x} ({one.name})" for one in meant[:10])
        raise AmbiguousName(f"{len(meant)} modules are called {place.module}", f"Type one of: {texts}.")
    module = meant[0]
    if module.segment is None:
        raise MissingFile(f"The size of {module.name}'s block is not known: {module.problem or 'no PT_TLS header'}")
    if place.offset >= module.segment.size:
        raise BadArgument(
            f"{module.name}'s block ends at 0x{module.segment.size:x}, before 0x{place.offset:x}",
            "An offset counts from the beginning of the block.",
        )
    known = [one for one in candidates_of([module], target.debug) if one.symbol.value == place.offset]
    return known[0] if known else nameless(module, place.offset, target.architecture.pointer_size)


def nameless(module: Module, offset: int, pointer_size: int, width: int | None = None) -> Candidate:
    """A variable without a symbol.

    Args:
        module: in whose block it is.
        offset: where.
        pointer_size: of the architecture: what is not known is taken for a pointer.
        width: how many bytes it has; None for as many as code reads or writes there at once.
    """
    size = width_incode_of(module, offset) or pointer_size if width is None else width
    if module.segment is not None:
        size = min(size, module.segment.size - offset)
    return Candidate(module, ElfSymbol(f"{module.name}+0x{offset:x}", offset, size, False, False, "", BY_OFFSET))


def nameless_in(module: Module, known: Sequence[Candidate], pointer_size: int) -> list[Candidate]:
    """The places in a module's block that its code uses and that no symbol describes.

    There are none where a full symbol table has thread-local symbols: then all variables have some.

    Args:
        module: the module.
        known: its variables that have symbols.
        pointer_size: of the architecture.

    Raises:
        TlsError, NotElf: where the file's code cannot be read.
    """
    if module.path is None or module.segment is None:
        return []
    if any(one.symbol.source != "dynsym" for one in known):
        return []
    if LIBC_SYMBOL in open_elf(module.path).symbols([LIBC_SYMBOL]):
        return []
    taken = [(one.symbol.value, one.symbol.value + max(one.symbol.size, 1)) for one in known]
    found = []
    for offset, width in used_places(module, pointer_size):
        is_known = any(start < offset + width and offset < end for start, end in taken)
        if not is_known and offset + width <= module.segment.size:
            found.append(nameless(module, offset, pointer_size, width))
    return found


def is_too_large(module: Module) -> bool:
    """Whether a module has so much code that nobody would wait for a look through all of it."""
    code = code_of(module).functions.executable
    return sum(len(one) for _, one in code) > LARGEST_CODE


def used_places(module: Module, pointer_size: int) -> list[tuple[int, int]]:
    """(offset, width) of every place in a module's block that its code reads or writes, without overlaps.

    There are none for a module with so much code that nobody would wait for it.
    """
    if is_too_large(module):
        return []
    index = code_of(module)
    widths: dict[int, int] = {}
    for offset, width in index.offsets(MOST_FOLLOWED):
        widths[offset] = max(widths.get(offset, 0), width or pointer_size)
    ordered = sorted(widths)
    return [
        (offset, min(widths[offset], following - offset)) for offset, following in zip(ordered, [*ordered[1:], 1 << 62])
    ]


def width_incode_of(module: Module, offset: int) -> int | None:
    """How many bytes the module's code reads or writes at an offset, mostly; None where none does or none is known."""
    if module.path is None:
        return None
    try:
        found = code_of(module).accesses(offset, offset + 1)
    except (TlsError, NotElf, OSError):
        return None
    widths = Counter(one.width for one in found if one.exact and one.width and one.offset == offset)
    return max(widths, key=lambda width: (widths[width], width), default=None)


def code_of(module: Module) -> CodeIndex:
    """The index of a module's code; most questions need none, and it is a fifth of the modules."""
    from gdb_tls.code.index import code_index

    return code_index(module.path or "")
