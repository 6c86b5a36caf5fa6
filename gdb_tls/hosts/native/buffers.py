"""Structures that hold a buffer and its length, by what their members are called."""

from __future__ import annotations

from collections.abc import Mapping

from gdb_tls.target.model import Counted

# The members' names, less prefixes and underscores; the first that a structure has is taken.
BYTES = ("str", "string", "data", "buf", "buffer", "base", "ptr", "text", "bytes", "chars", "s", "p")
LENGTHS = ("length", "len", "used", "nbytes", "bytes_used", "count", "size", "n")
# Members of base classes and of anonymous members count, too, so many levels deep.
DEEPEST = 4


def plain_name(name: str) -> str:
    """A member's name without what says that it is one."""
    return name.strip("_").removeprefix("M_").removeprefix("m_").removeprefix("iov_").lower()


def chosen(texts: Mapping[str, int], lengths: Mapping[str, tuple[int, int]]) -> Counted | None:
    """The buffer of a structure, and how long it is.

    Args:
        texts: the pointers to bytes by their plain names: offsets.
        lengths: the numbers: offset and size.
    """
    named = [name for name in BYTES if name in texts]
    text = named[0] if named else next(iter(texts)) if len(texts) == 1 else None
    length = next((name for name in LENGTHS if name in lengths), None)
    return Counted(texts[text], *lengths[length]) if text is not None and length is not None else None
