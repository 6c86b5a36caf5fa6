"""What a command's help says: made from its spec."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import TextWrapper, wrap

from gdb_tls.questions.command import CommandSpec


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
    lines = []
    for spec in specs:
        lines += wrap(f"{spec.name:<13} {spec.summary}", 80, subsequent_indent=" " * 14, break_on_hyphens=False)
    return lines


def help_text(spec: CommandSpec) -> str:
    """What `help NAME` prints, in the shape of GDB's own help."""
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
