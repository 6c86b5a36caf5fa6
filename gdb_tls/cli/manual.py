"""The manual page and the README's table of commands, from the same specs as --help and help."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gdb_tls import __version__
from gdb_tls.cli import arguments
from gdb_tls.questions import help
from gdb_tls.questions.command import CommandSpec, Option

FILES = (
    ("GDB", "the gdb to start, where --gdb does not name one"),
    ("NO_COLOR", "if set, the answer has no colours"),
    ("DEBUGINFOD_URLS", "where gdb may fetch debug information; only used with --debuginfod"),
)


def page(specs: Sequence[CommandSpec]) -> str:
    """The manual page gdb-tls(1), in the man macros."""
    lines = [f'.TH GDB-TLS 1 "" "gdb-tls {__version__}" "User Commands"', ".SH NAME"]
    lines.append(f"gdb-tls \\- {_text(arguments.SUMMARY[:1].lower() + arguments.SUMMARY[1:])}")
    lines.append(".SH SYNOPSIS")
    for way in arguments.WAYS:
        lines += [f".B gdb-tls {way.name}", f".RI {_quoted(way.usage)}", ".br"]
        lines += [".B gdb\\-tls", f".RI {_quoted(way.short)}", ".br"] if way.short else []
    lines += [".SH DESCRIPTION", *_paragraphs(arguments.DESCRIPTION)]
    for way in arguments.WAYS:
        lines += [".SS " + _quoted(f"gdb-tls {way.name} {way.usage}"), *_paragraphs(way.description)]
    lines += [".SH OPTIONS", *_options(arguments.options(arguments.CORE))]
    lines += [".SS Options of watch", *_options(arguments.options(arguments.WATCH))]
    lines += [".SH COMMANDS", "In gdb, and with", ".BR \\-\\-command :"]
    for spec in specs:
        lines += _command(spec)
    lines += [
        ".SH EXIT STATUS",
        *(line for status, meaning in arguments.STATUS for line in _item(status, f"{meaning}.")),
    ]
    lines += [".SH ENVIRONMENT", *(line for name, meaning in FILES for line in _item(name, f"{meaning}."))]
    lines += [".SH SEE ALSO", ".BR gdb (1),", ".BR core (5),", ".BR coredumpctl (1)"]
    return "\n".join(lines) + "\n"


def _command(spec: CommandSpec) -> list[str]:
    lines = [
        ".SS " + _quoted(help.usage(spec)),
        _text(spec.summary),
        *_paragraphs(spec.description, first=False),
    ]
    own = [option for option in spec.options if option.name.startswith("-")]
    lines += _options(own)
    for example, meaning in spec.examples:
        lines += [".PP", f"{_text(meaning)}:", ".PP", ".RS", ".nf", _text(example), ".fi", ".RE"]
    return lines


def _options(options: Iterable[Option]) -> list[str]:
    lines = []
    for option in options:
        choices = option.settings.get("choices")
        about = option.help + (f": {', '.join(choices)}" if choices else "")
        lines += _item(f"{option.name} {option.settings.get('metavar', '')}".strip(), f"{about}.")
    return lines


def _item(name: str, meaning: str) -> list[str]:
    return [".TP", f".B {_text(name)}", _text(meaning)]


def _paragraphs(text: str, first: bool = True) -> list[str]:
    found = []
    for index, paragraph in enumerate(text.strip().split("\n\n")):
        found += ([".PP"] if index or not first else []) + [_text(" ".join(paragraph.split()))]
    return found


def _text(text: str) -> str:
    """Text that roff takes for nothing else (groff_char(7): a plain - is a hyphen there)."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + escaped if escaped[:1] in (".", "'") else escaped


def _quoted(text: str) -> str:
    return '"' + _text(text).replace('"', '""') + '"'


def table(specs: Sequence[CommandSpec]) -> str:
    """The README's table: every command, in gdb and outside."""
    lines = ["| in gdb | |", "|---|---|"]
    lines += [f"| `{_cell(help.usage(spec))}` | {_cell(spec.summary)} |" for spec in specs]
    lines += ["", "| outside | |", "|---|---|"]
    for way in arguments.WAYS:
        short = f" (or `gdb-tls {way.short}`)" if way.short else ""
        lines.append(f"| `gdb-tls {way.name} {_cell(way.usage)}` | {_cell(way.summary + short)}. |")
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
