"""Members of classes as GDB has them."""

from __future__ import annotations

import gdb


def is_placed(field: gdb.Field) -> bool:
    """Whether a member has a place in its class: a static one has none, and of a virtual base class it is computed."""
    return getattr(field, "bitpos", None) is not None
