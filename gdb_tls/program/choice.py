"""Which threads a question is about."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from gdb_tls.errors import BadArgument

if TYPE_CHECKING:
    from gdb_tls.target.model import Thread


def parse_threads(text: str) -> list[range]:
    """Reads `1,3-5`.

    Raises:
        BadArgument: where it is no such list.
    """
    found: list[range] = []
    for part in text.replace(" ", ",").split(","):
        match = re.fullmatch(r"(\d+)(?:-(\d+))?", part)
        if match:
            found.append(range(int(match[1]), int(match[2] or match[1]) + 1))
        elif part:
            raise BadArgument(f"{text} is no list of thread numbers", "Write it like 1,3-5.")
    if not any(found):
        raise BadArgument("No thread is named", "Write it like 1,3-5.")
    return found


def wanted(threads: Sequence[Thread], numbers: Sequence[range] | None) -> list[Thread]:
    """The threads with these numbers; all where none are given.

    Raises:
        BadArgument: where no thread has one of the numbers.
    """
    if numbers is None:
        return list(threads)
    # `None in range(...)` would compare with every number of it.
    listed = [thread for thread in threads if thread.num is not None]
    chosen = [thread for thread in listed if any(thread.num in part for part in numbers)]
    if not chosen:
        known = [thread.num for thread in threads if thread.num is not None]
        asked = ",".join(f"{part[0]}-{part[-1]}" if len(part) > 1 else str(part[0]) for part in numbers if part)
        raise BadArgument(
            f"There is no thread {asked}", f"GDB's threads have the numbers {min(known)} to {max(known)}."
        )
    return chosen
