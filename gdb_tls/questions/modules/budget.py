"""The budget of static TLS in plain words and as data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from gdb_tls.program.static_tls import Budget, Share
from gdb_tls.program.would_load import Room
from gdb_tls.views.words import count

MOST_NAMED = 6


def budget_sentences(budget: Budget) -> Iterator[str]:
    """How much there is, who has it, and what is left."""
    total = budget.total
    if total.size is None or total.left is None:
        yield (
            f"Static TLS: modules have {count(total.used, 'byte')} of each thread's; how much there is in all is not "
            f"known ({total.problem})."
        )
        return
    later = budget.later
    ours = total.size - total.overhead
    yield f"Static TLS: {total.used:,} of {ours:,} bytes are used in each thread, {total.left:,} are left for dlopen."
    if later:
        taken = sum(share.size for share in later)
        yield f"Of these, libraries that were loaded later took {taken:,}: {named(later)}."


def named(shares: Sequence[Share]) -> str:
    """Who took how much, the largest first."""
    largest = sorted(shares, key=lambda share: -share.size)
    texts = [f"{share.module.name} {share.size:,}" for share in largest[:MOST_NAMED]]
    if len(largest) > MOST_NAMED:
        rest = largest[MOST_NAMED:]
        texts.append(f"{len(rest):,} more {sum(share.size for share in rest):,}")
    return ", ".join(texts)


def room_sentence(room: Room) -> str:
    """Whether a file would still be loaded."""
    if room.fits is None:
        return f"{room.why}."
    if room.fits:
        return f"Static TLS would not keep {room.path} from being loaded: {room.why}."
    return f"dlopen of {room.path} would fail: {room.why}."


def budget_document(budget: Budget | None, problem: str) -> dict[str, Any]:
    """The budget as the JSON document has it."""
    if budget is None:
        return {"problem": problem or "this C library keeps no static TLS for libraries that are loaded later"}
    total = budget.total
    return {
        "size": total.size,
        "control_block": total.overhead,
        "used": total.used,
        "left": total.left,
        "alignment": total.alignment,
        "optional_left": total.optional,
        "shares": [
            {"id": share.module.id, "name": share.module.name, "size": share.size, "loaded_later": share.is_later}
            for share in budget.shares
        ],
        "problem": total.problem or None,
    }


def room_document(room: Room) -> dict[str, Any]:
    """The answer to --would-load, for programs."""
    return {
        "path": room.path,
        "size": room.size,
        "needs_static": room.needs_static,
        "fits": room.fits,
        "text": room_sentence(room),
    }
