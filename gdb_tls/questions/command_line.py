"""Command lines: made from the specs, they are parsed and explained."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from gdb_tls.errors import BadArgument
from gdb_tls.questions.command import CommandSpec

if TYPE_CHECKING:
    pass


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


def listing(specs: Sequence[CommandSpec]) -> list[str]:
    """The commands, each with its summary; a line has at most 80 columns."""
    from textwrap import wrap

    lines = []
    for spec in specs:
        lines += wrap(f"{spec.name:<13} {spec.summary}", 80, subsequent_indent=" " * 14, break_on_hyphens=False)
    return lines


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
