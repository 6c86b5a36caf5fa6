"""Command lines: they are parsed by what the specs say."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from functools import partial
from typing import Any

from gdb_tls.errors import BadArgument
from gdb_tls.questions.command import CommandSpec


class Parser(argparse.ArgumentParser):
    """An argparse parser that raises instead of leaving the program, and has no words of its own for help."""

    def __init__(self, name: str) -> None:
        """Takes the command's name; without a usage and a width argparse would work out both."""
        form = partial(argparse.HelpFormatter, width=80)
        super().__init__(name, usage="", add_help=False, allow_abbrev=False, formatter_class=form)

    def error(self, message: str) -> Any:
        """Raises what argparse has to complain of."""
        raise BadArgument(f"{self.prog}: {message}", f"Type `help {self.prog}` for what it takes.")


def parser(spec: CommandSpec) -> Parser:
    """Makes a command's parser."""
    made = Parser(spec.name)
    for option in spec.options:
        made.add_argument(option.name, help=option.help, **option.settings)
    return made


def parsed(spec: CommandSpec, words: Sequence[str], rest: str = "") -> argparse.Namespace:
    """The arguments of a command.

    Args:
        spec: of the command.
        words: of the command line; of one that takes a text as it is, those of the options.
        rest: that text.

    Raises:
        BadArgument: where they make no sense.
    """
    found: argparse.Namespace = parser(spec).parse_intermixed_args([*words, *(["text"] if rest else [])])
    if rest:
        setattr(found, next(option.name for option in spec.options if not option.name.startswith("-")), [rest])
    return found


def parsed_words(spec: CommandSpec, words: Sequence[str]) -> argparse.Namespace:
    """The arguments of a command whose words are apart already, as a shell or an editor gives them.

    Raises:
        BadArgument: where they make no sense.
    """
    if not spec.is_raw:
        return parsed(spec, words)
    by_name = {option.name: option for option in spec.options}
    rest, options = [], []
    following = iter(words)
    for word in following:
        if not re.match(r"--[A-Za-z]", word):
            rest.append(word)
            continue
        name = word.partition("=")[0]
        takes = name in by_name and by_name[name].settings.get("action") != "store_true" and "=" not in word
        value = next(following, None) if takes else None
        options.append(word if value is None else f"{word}={value}")
    return parsed(spec, options, " ".join(rest))


# A word of options; in it a backslash and quotes are GDB's (buildargv in libiberty).
WORD = re.compile(r"""(?:\\.|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[^\s\\"'])+""", re.DOTALL)


def without_options(spec: CommandSpec, text: str) -> tuple[str, list[str]]:
    """Takes the options out of a command line of which the rest is one text: the rest, and the options' words.

    An option begins with two dashes after a blank, outside of brackets and strings.  A value may begin with a dash.
    """
    from gdb_tls.program.expression_text import CLOSING, OPENING, TOKEN

    by_name = {option.name: option for option in spec.options}
    rest, words, depth, at = "", [], 0, 0
    while at < len(text):
        match = re.compile(r"--[A-Za-z][\w-]*(?=[\s=]|$)").match(text, at) if not depth else None
        if match and (at == 0 or text[at - 1].isspace()):
            option, at = by_name.get(match[0]), match.end()
            value = WORD.match(text, at + 1) if text[at : at + 1] == "=" else None
            if value is None and option is not None and option.settings.get("action") != "store_true":
                blanks = len(text) - len(text[at:].lstrip())
                value = WORD.match(text, blanks) if blanks < len(text) else None
            words.append(match[0] if value is None else f"{match[0]}={value[0]}")
            at = value.end() if value else at
            continue
        token = TOKEN.match(text, at)
        assert token is not None
        depth += (token[0] in OPENING) - (token[0] in CLOSING) if token.lastgroup == "other" else 0
        rest += token[0]
        at = token.end()
    return rest.strip(), words


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
