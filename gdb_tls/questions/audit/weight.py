"""What a finding weighs: the same pattern means less in a library that uses TLS as its own cache.

A C library keeps caches and buffers that a thread gets when it first needs them, so "null in some" is
how it works; a program's own variables are mostly meant to be set.  What is said here is of kinds of modules;
there is no list of names of variables.
"""

from __future__ import annotations

from collections.abc import Sequence

from gdb_tls.questions.audit.rules import Finding
from gdb_tls.questions.audit.scene import ModuleScene

# At least this much is shown without --all, and makes `tls-audit` say that something looks wrong.
ALARM = 50

IN_LIBC = 45
IN_SYSTEM_LIBRARY = 25
WITHOUT_DEBUG_INFORMATION = 10
EACH_MORE_FINDING = 10


def weigh(findings: Sequence[Finding], place: ModuleScene) -> int:
    """The score of a variable: that of its worst finding, more for each other one, less for what the module is.

    A crash speaks for a finding that is about the thread which crashed; it can lift the score above 100, so that
    what fits best comes first.
    """
    crash = next((finding for finding in findings if finding.rule == "explains-fault"), None)
    others = [finding for finding in findings if finding is not crash]
    total = max((finding.score for finding in findings), default=0)
    if crash:
        fitting = [finding.score for finding in others if set(crash.threads) & set(finding.threads)]
        total = max(total, crash.score + max(fitting, default=0))
    total += EACH_MORE_FINDING * max(0, len(others) - 1)
    total -= IN_LIBC if place.is_libc else IN_SYSTEM_LIBRARY if place.is_system else 0
    total -= 0 if place.is_described else WITHOUT_DEBUG_INFORMATION
    return max(0, total)
