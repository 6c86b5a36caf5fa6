"""How long a test waits for what must come.

A limit ends a test that hangs, and never decides one that works: a machine may be slow, and busy.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

LIMIT_SECONDS = 1800
Found = TypeVar("Found")


def wait_until(look: Callable[[], Found], what: str) -> Found:
    """Looks again and again until there is something; fails with `what` where that never comes."""
    end = time.monotonic() + LIMIT_SECONDS
    while not (found := look()):
        assert time.monotonic() < end, f"this never came: {what}"
        time.sleep(0.02)
    return found
