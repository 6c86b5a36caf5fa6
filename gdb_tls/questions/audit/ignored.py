"""What the user knows to be harmless, and does not want to be told of again."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from gdb_tls.errors import BadArgument


def read_patterns(path: str) -> list[str]:
    """The patterns in a file, one a line; what follows a # is a comment.

    Raises:
        BadArgument: where the file cannot be read.
    """
    try:
        with open(os.path.expanduser(path), encoding="utf-8", errors="replace") as file:
            lines = [line.partition("#")[0].strip() for line in file]
    except OSError as error:
        raise BadArgument(f"The patterns in {path} cannot be read: {error.strerror or error}") from None
    return [line for line in lines if line]


def is_ignored(patterns: Sequence[str], name: str, module: str) -> bool:
    """Whether a pattern means a variable: by its name, or by MODULE::NAME; or a key, by `key N`."""
    return any(fnmatchcase(text, pattern) for text in _texts(name, module) for pattern in patterns)


def _texts(name: str, module: str) -> Iterator[str]:
    yield name
    yield name.removeprefix("pthread ")
    if module:
        yield f"{module}::{name}"
