"""The commands: one file each, with a spec and a function that runs it.

`help`, `--help`, completion, the README's table and the man page are all made from the specs.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from gdb_tls.errors import BadArgument
from gdb_tls.target.progress import SILENT, Progress

if TYPE_CHECKING:
    from gdb_tls.program.program import Program
    from gdb_tls.target.model import Thread
    from gdb_tls.views.page import Page


class Settings(NamedTuple):
    """What the user has set for all commands.

    Attributes:
        via: `set tls via`.
        max_rows: `set tls max-rows`; None for no limit.
    """

    via: str
    max_rows: int | None


class Screen(NamedTuple):
    """What a table is made for.

    Attributes:
        columns: how wide it is.
        colour: whether styles will be seen, so that highlighting is worth its time.
    """

    columns: int
    colour: bool


class Records(NamedTuple):
    """An answer as one flat table, for CSV and the rows of a page.

    Attributes:
        columns: their names.
        rows: the cells: text, numbers or None.
    """

    columns: Sequence[str]
    rows: Iterable[Sequence[object]]


class Option(NamedTuple):
    """One argument of a command, in argparse's terms.

    Attributes:
        name: "name" for a positional argument, "--via" for an option.
        help: one sentence without a full stop.
        settings: further arguments of `ArgumentParser.add_argument`.
        complete: what can be typed there: "names", "modules", "threads", "files", or empty.
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

    arguments: argparse.Namespace
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
        return None if self.arguments.threads is None else parse_threads(self.arguments.threads)

    def chosen(self, program: Program) -> list[Thread] | None:
        """The program's threads that --threads names; None for all.

        Raises:
            BadArgument: where it names none.
        """
        from gdb_tls.program.report import wanted

        return None if self.threads is None else wanted(program.threads, self.threads)


class Action(NamedTuple):
    """What a command does: a query over the program, and the views of its answer.

    Attributes:
        query: works out the answer.  It may read the target; the views may not.
        table: the answer for a screen, as something that rich can print.
        document: the answer for JSON.
        records: the answer as one flat table.
        page: the answer for HTML; None where the page is made from the document.
        flagged: whether the answer has something that looks wrong; it becomes `$_tls_status`.
    """

    query: Callable[[Request], Any]
    table: Callable[[Any, Screen], Any]
    document: Callable[[Any], dict[str, Any]]
    records: Callable[[Any], Records]
    page: Callable[[Any], Page] | None = None
    flagged: Callable[[Any], bool] = lambda answer: False


class CommandSpec(NamedTuple):
    """A command: what is known of it without running it, and a way to what it does.

    Attributes:
        name: as typed.
        summary: one sentence.
        description: paragraphs of plain text.
        options: in the order in which help shows them.
        examples: (command line, what it does).
        load: gives what it does.  It imports that, so that registering ten commands costs little.
    """

    name: str
    summary: str
    description: str
    options: Sequence[Option]
    examples: Sequence[tuple[str, str]]
    load: Callable[[], Action]


class Parser(argparse.ArgumentParser):
    """An argparse parser that raises instead of leaving the program."""

    def error(self, message: str) -> Any:
        """Raises what argparse has to complain of."""
        raise BadArgument(f"{self.prog}: {message}", f"Type `help {self.prog}` for what it takes.")


def parser(spec: CommandSpec) -> Parser:
    """Makes a command's parser."""
    form = partial(argparse.HelpFormatter, width=80)  # else it would find out the terminal's
    made = Parser(spec.name, add_help=False, allow_abbrev=False, formatter_class=form)
    for option in spec.options:
        made.add_argument(option.name, help=option.help, **option.settings)
    return made


def usage(spec: CommandSpec) -> str:
    """The line after `Usage:`; arguments in capitals, as in GDB's own help."""
    words = [spec.name]
    for option in spec.options:
        metavar = option.settings.get("metavar", "")
        if not option.name.startswith("-"):
            words.append(f"[{metavar}]" if option.settings.get("nargs") in ("*", "?") else metavar)
    return " ".join([*words, "[OPTION]..."])


def title(spec: CommandSpec, arguments: argparse.Namespace) -> str:
    """The command line without what only says how the answer is written."""
    words = [spec.name]
    for option in spec.options:
        value = getattr(arguments, option.name.lstrip("-").replace("-", "_"))
        if option.name in ("--format", "--output") or value in (None, False, []):
            continue
        if option.name.startswith("-"):
            words.append(option.name)
        if value is not True:
            words += [str(one) for one in value] if isinstance(value, list) else [str(value)]
    return " ".join(words)


def help_text(spec: CommandSpec) -> str:
    """What `help NAME` prints, in the shape of GDB's own help."""
    from textwrap import TextWrapper

    paragraphs = TextWrapper(78, break_on_hyphens=False)
    arguments = TextWrapper(78, initial_indent="  ", subsequent_indent=" " * 22, break_on_hyphens=False)
    lines = [spec.summary, f"Usage: {usage(spec)}", ""]
    for paragraph in spec.description.strip().split("\n\n"):
        lines += [*paragraphs.wrap(" ".join(paragraph.split())), ""]
    for option in spec.options:
        metavar = option.settings.get("metavar", "")
        shown = metavar or option.name if not option.name.startswith("-") else f"{option.name} {metavar}".strip()
        choices = option.settings.get("choices")
        about = option.help + (f": {', '.join(choices)}" if choices else "")
        lines += arguments.wrap(f"{shown:<18}  {about}.")
    if spec.examples:
        lines += ["", "Examples:"]
        for command, meaning in spec.examples:
            lines += [f"  {command}", f"      {meaning}."]
    return "\n".join(lines)


def every() -> Sequence[CommandSpec]:
    """All commands, in the order in which help and README show them."""
    from gdb_tls.questions.audit import spec as audit
    from gdb_tls.questions.diff import spec as diff
    from gdb_tls.questions.inspect import spec as inspect
    from gdb_tls.questions.keys import spec as keys
    from gdb_tls.questions.map import spec as map
    from gdb_tls.questions.modules import spec as modules
    from gdb_tls.questions.symbols import spec as symbols
    from gdb_tls.questions.thread import spec as thread
    from gdb_tls.questions.verify import spec as verify
    from gdb_tls.questions.whatis import spec as whatis

    return (
        inspect.SPEC,
        audit.SPEC,
        map.SPEC,
        thread.SPEC,
        diff.SPEC,
        modules.SPEC,
        symbols.SPEC,
        keys.SPEC,
        whatis.SPEC,
        verify.SPEC,
    )


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
            raise BadArgument(f"--threads {text} is no list of thread numbers", "Write it like 1,3-5.")
    if not any(found):
        raise BadArgument("--threads names no thread", "Write it like 1,3-5.")
    return found
