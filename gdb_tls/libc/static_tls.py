"""The block of static TLS that every thread has, and what of it is left for libraries that are loaded later."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from gdb_tls.elf.headers import TlsSegment
from gdb_tls.tuples import NamedTuple


class StaticTls(NamedTuple):
    """How much static TLS there is; all sizes in bytes of one thread.

    Attributes:
        size: of the whole block, as the loader has it; None where that is not known.
        overhead: what of it is no module's: the control block that stands behind it (variant II).
        used: up to where modules have it; a lower bound where `size` is None.
        alignment: of the block: a module that asks for more does not fit; None where it is not known.
        at_start: how many modules came with the program, by their ids: 1 to this one; None where it is not known.
        optional: what is left of the part that may be given to modules which do not need it (rtld.optional_static_tls);
            None where it is not known.
        below: whether modules lie below the thread pointer (variant II).
        problem: why not all is known; empty where it is.
    """

    size: int | None
    overhead: int
    used: int
    alignment: int | None
    at_start: int | None
    optional: int | None
    below: bool
    problem: str = ""

    @property
    def left(self) -> int | None:
        """What is left; None where it is not known."""
        return None if self.size is None else max(self.size - self.overhead - self.used, 0)

    def with_one_more(self, segment: TlsSegment) -> StaticTls | None:
        """What there is after a module was given its part; None where it does not fit, or that is not known.

        elf/dl-reloc.c, `_dl_try_allocate_static_tls`.
        """
        if self.size is None or self.alignment is None or segment.alignment > self.alignment:
            return None
        first = segment.address % segment.alignment
        if self.below:
            spare = self.size - self.overhead - self.used - segment.size - first
            lost = spare % segment.alignment + segment.size
            return self._replace(used=self.used + lost) if spare >= 0 else None
        start = -(-(self.used - first) // segment.alignment) * segment.alignment + first
        return self._replace(used=start + segment.size) if start + segment.size <= self.size else None


@runtime_checkable
class HasStaticTls(Protocol):
    """A C library that gives libraries which are loaded later a part of each thread's static TLS."""

    @property
    def static_tls(self) -> StaticTls:
        """How much there is of it."""
        ...
