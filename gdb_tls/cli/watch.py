"""gdb-tls watch: its options, and what it is made of."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from gdb_tls.cli.status import say
from gdb_tls.errors import BadArgument
from gdb_tls.questions import command_line
from gdb_tls.questions.command import Option
from gdb_tls.tuples import NamedTuple
from gdb_tls.watch.options import Address, address, duration

if TYPE_CHECKING:
    from gdb_tls.hosts.watching.loop import Teller
    from gdb_tls.hosts.watching.observer import Observer

OPTIONS = (
    Option("--interval", "How often to look, such as 500ms, 1s or 5m", {"metavar": "TIME", "default": "1s"}),
    Option("--for", "How long to watch, such as 1h; by default until the process ends", {"metavar": "TIME"}),
    Option("--jsonl", "Append each event to FILE, a JSON document a line", {"metavar": "FILE"}, complete="files"),
    Option(
        "--metrics",
        "Answer Prometheus there; a PORT alone is one of this machine only",
        {"metavar": "[ADDRESS:]PORT"},
    ),
    Option(
        "--on-alarm",
        "Run CMD in the shell once for each new alarm, which it gets as JSON on standard input",
        {"metavar": "CMD"},
    ),
    Option("--exe", "Take FILE for the executable", {"metavar": "FILE"}, complete="files"),
)


class Plan(NamedTuple):
    """A command line that has been understood.

    Attributes:
        subject: the process id, as it was typed.
        names: the variables; empty for all of the program's own.
        interval: from one look to the next, in seconds.
        total: for how many seconds; None for as long as the process lives.
        jsonl: the file for events; None for none.
        metrics: where to answer Prometheus; None for nowhere.
        on_alarm: the command line for new alarms; None for none.
        executable: the executable's file; None for the process's own.
    """

    subject: str
    names: Sequence[str]
    interval: float
    total: float | None
    jsonl: str | None
    metrics: Address | None
    on_alarm: str | None
    executable: str | None


class _Parser(command_line.Parser):
    def error(self, message: str) -> Any:
        raise BadArgument(message[:1].upper() + message[1:], f"Type {self.prog} --help for what it takes.")


def parse(words: Sequence[str]) -> Plan:
    """Understands everything after `gdb-tls watch`.

    Raises:
        BadArgument: where it makes no sense.
    """
    parser = _Parser("gdb-tls watch")
    parser.add_argument("words", nargs="*", metavar="PID [NAME]...")
    for option in OPTIONS:
        parser.add_argument(option.name, **option.settings)
    found = vars(parser.parse_intermixed_args(list(words)))
    if not found["words"]:
        raise BadArgument("gdb-tls watch needs a PID", "Type `pgrep NAME` for a program's process ids.")
    subject, *names = found["words"]
    return Plan(
        subject,
        names,
        duration(found["interval"], "--interval"),
        duration(found["for"], "--for") if found["for"] is not None else None,
        found["jsonl"],
        address(found["metrics"]) if found["metrics"] is not None else None,
        found["on_alarm"],
        os.path.abspath(found["exe"]) if found["exe"] else None,
    )


def run(plan: Plan, pid_of: Callable[[str], int]) -> int:
    """Watches; the exit status.

    Raises:
        TlsError: where the process cannot be looked at.
    """
    from gdb_tls.hosts.watching.loop import Times, watch
    from gdb_tls.hosts.watching.observer import Observer

    gc.enable()
    observer = Observer(pid_of(plan.subject), plan.names, plan.executable, say)
    with ExitStack() as stack:
        tellers = []
        for make in _tellers(plan, observer):
            teller = make()
            stack.callback(teller.close)
            tellers.append(teller)
        return watch(observer, Times(plan.interval, plan.total), tellers)


def _tellers(plan: Plan, observer: Observer) -> list[Callable[[], Teller]]:
    """What makes those who tell; the screen comes last, so that what is wrong with the others is said before."""
    made: list[Callable[[], Teller]] = []
    if plan.jsonl is not None:
        path = plan.jsonl
        made.append(lambda: _jsonl(path))
    if plan.metrics is not None:
        where = plan.metrics
        made.append(lambda: _metrics(where, observer.pid))
    if plan.on_alarm is not None:
        command = plan.on_alarm
        made.append(lambda: _on_alarm(command, observer.pid))
    return [*made, lambda: _screen(observer)]


def _jsonl(path: str) -> Teller:
    from gdb_tls.watch.jsonl import JsonLines

    return JsonLines(path)


def _metrics(where: Address, pid: int) -> Teller:
    from gdb_tls.watch.metrics import Metrics

    found = Metrics(where, pid)
    say(f"Metrics are at http://{found.address}/metrics")
    return found


def _on_alarm(command: str, pid: int) -> Teller:
    from gdb_tls.watch.command import AlarmCommand

    return AlarmCommand(command, pid, say)


def _screen(observer: Observer) -> Teller:
    from gdb_tls.views.drawing import has_rich
    from gdb_tls.watch.lines import Lines

    if not has_rich() or not sys.stdout.isatty() or os.environ.get("TERM", "dumb") == "dumb":
        return Lines()
    from gdb_tls.watch.live import Screen

    return Screen(f"{os.path.basename(observer.info.executable or '') or 'process'} ({observer.pid})")
