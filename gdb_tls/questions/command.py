"""What is known of a command: its spec, and one run of it.

`help`, `--help`, completion, the README's table and the man page are all made from the specs.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gdb_tls.target.progress import SILENT, Progress
from gdb_tls.tuples import NamedTuple

if TYPE_CHECKING:
    from argparse import Namespace

    from gdb_tls.program.program import Program
    from gdb_tls.target.model import Thread


class Settings(NamedTuple):
    """What the user has set for all commands.

    Attributes:
        via: `set tls via`.
        max_rows: `set tls max-rows`; None for no limit.
        ignore: the patterns of `set tls ignore`.
    """

    via: str
    max_rows: int | None
    ignore: Sequence[str] = ()


class Option(NamedTuple):
    """One argument of a command, in argparse's terms.

    Attributes:
        name: "name" for a positional argument, "--via" for an option.
        help: one sentence without a full stop.
        settings: further arguments of `ArgumentParser.add_argument`.
        complete: what can be typed there: "names", "expressions", "modules", "threads", "files", or empty.
    """

    name: str
    help: str
    settings: Mapping[str, Any] = {}
    complete: str = ""


def _no_inferiors() -> Generator[tuple[int, int | None], None, None]:
    yield from ()


class Request(NamedTuple):
    """One run of a command.

    Attributes:
        arguments: the parsed arguments.
        settings: what the user has set.
        program: gives the program; raises NoProcess where there is none.
        progress: for work that may take over a second.
        inferiors: selects each inferior in turn, for the time of one round: its number and process id.
    """

    arguments: Namespace
    settings: Settings
    program: Callable[[], Program]
    progress: Progress = SILENT
    inferiors: Callable[[], Generator[tuple[int, int | None], None, None]] = _no_inferiors

    @property
    def max_rows(self) -> int | None:
        """How many lines a table may have before threads that are alike share one; None for no limit."""
        return None if self.arguments.all else self.settings.max_rows

    @property
    def is_for_people(self) -> bool:
        """Whether the format is one that people look at, so that what only they want is worth reading."""
        return self.arguments.format not in ("json", "csv")

    @property
    def threads(self) -> list[range] | None:
        """The numbers given with --threads; None for all threads."""
        from gdb_tls.program.choice import parse_threads

        return None if self.arguments.threads is None else parse_threads(self.arguments.threads)

    def chosen(self, program: Program) -> list[Thread] | None:
        """The program's threads that --threads names; None for all.

        Raises:
            BadArgument: where it names none.
        """
        from gdb_tls.program.choice import wanted

        return None if self.threads is None else wanted(program.threads, self.threads)


class CommandSpec(NamedTuple):
    """A command, as far as it is known without running it.

    Attributes:
        name: as typed: "tls-" and the name of the question's folder.
        summary: one sentence.
        description: paragraphs of plain text.
        options: in the order in which help shows them.
        examples: (command line, what it does).
        is_raw: whether what stands beside the options is one text, in which quotes and backslashes mean what they mean
            in the program's language.
    """

    name: str
    summary: str
    description: str
    options: Sequence[Option]
    examples: Sequence[tuple[str, str]]
    is_raw: bool = False
