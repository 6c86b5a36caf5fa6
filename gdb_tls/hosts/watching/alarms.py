"""The audit while a process is watched: again where something has changed, and not so often that it costs much."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from gdb_tls.errors import TlsError
from gdb_tls.hosts.watching.variables import Watched
from gdb_tls.program.program import Program
from gdb_tls.questions.audit.answer import Audit, audit
from gdb_tls.questions.audit.suspect import Suspect
from gdb_tls.watch.model import Alarm, AlarmKey

# Of one core's time; what is not used is kept for later, up to so many seconds.
SHARE, MOST_SAVED = 0.004, 2.0
# Audits during which threads came or went; then what two of them in a row have found counts.
MOST_DISTURBED = 3


class Auditor:
    """Keeps what the last audit has found.

    Attributes:
        alarms: what it found alarming.
        failure: why there is none; empty where there is one.
    """

    def __init__(self) -> None:
        """Has found nothing yet."""
        self.alarms: dict[AlarmKey, Alarm] = {}
        self.failure = ""
        self._only: set[tuple[int, int]] | None = None
        self._has_changed = True
        self._saved = MOST_SAVED
        self._since = time.monotonic()
        self._disturbed = 0
        self._suspected: set[AlarmKey] = set()

    def only(self, variables: Sequence[Watched] | None) -> None:
        """Takes the variables whose alarms count; None for all alarms."""
        self._only = None
        if variables is not None:
            self._only = {(one.variable.module.id, one.variable.offset) for one in variables}
        self._has_changed = True

    def note_change(self) -> None:
        """Something is not as it was at the last audit."""
        self._has_changed = True

    def is_due(self) -> bool:
        """Whether there is something to audit, and time for it."""
        now = time.monotonic()
        self._saved = min(self._saved + SHARE * (now - self._since), MOST_SAVED)
        self._since = now
        return self._has_changed and self._saved > 0

    def audit(self, program: Program, is_as_it_was: Callable[[], bool]) -> None:
        """Audits.

        Args:
            program: as it is now.
            is_as_it_was: says afterwards whether no thread has come or gone meanwhile.
        """
        began = time.process_time()
        try:
            found = _alarms(audit(program), self._only)
            self.failure = ""
        except TlsError as error:
            found, self.failure = {}, error.what
        self._saved -= time.process_time() - began
        self._has_changed = False
        if self.failure:
            return
        if not is_as_it_was():
            self._has_changed = True
            self._disturbed += 1
            both = {key: alarm for key, alarm in found.items() if key in self._suspected or key in self.alarms}
            self._suspected = set(found)
            if self._disturbed < MOST_DISTURBED:
                return
            found = both
        self._disturbed = 0
        if found.keys() != self.alarms.keys():
            self.alarms = found


def _alarms(found: Audit, only: set[tuple[int, int]] | None) -> dict[AlarmKey, Alarm]:
    made = [_alarm(found, suspect) for suspect in found.alarming if only is None or _place(suspect) in only]
    return {alarm.key: alarm for alarm in made}


def _place(suspect: Suspect) -> tuple[int, int] | None:
    return (suspect.variable.module.id, suspect.variable.offset) if suspect.variable else None


def _alarm(found: Audit, suspect: Suspect) -> Alarm:
    first = suspect.findings[0]
    lwps = [found.threads[index].lwp for index in first.threads]
    return Alarm(
        name=suspect.name,
        module=suspect.variable.module.name if suspect.variable else "",
        rule=first.rule,
        score=suspect.score,
        level=suspect.level,
        sentences=[one.sentence for one in suspect.findings],
        threads=[lwp for lwp in lwps if lwp is not None],
    )
