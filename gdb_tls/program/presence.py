"""Whether objects that may have no value have one."""

from __future__ import annotations

from collections.abc import Sequence

from gdb_tls.target.model import Place, Presence
from gdb_tls.target.protocol import Target


def have_values(
    target: Target, presence: Presence, places: Sequence[Place], raws: Sequence[bytes | None]
) -> list[bool | None]:
    """Whether each object has a value; None where that is not known.

    Args:
        target: the program.
        presence: where the objects say it.
        places: of the objects.
        raws: of each the bytes that say it; empty or None where they cannot be read.
    """
    if presence.option is None:
        return [any(raw) if raw else None for raw in raws]
    known: dict[bytes, bool | None] = {}
    for place, raw in zip(places, raws):
        if raw and raw not in known and isinstance(place, int):
            known[raw] = target.has_value(presence.option, place + presence.offset)
    return [known.get(raw) if raw else None for raw in raws]
