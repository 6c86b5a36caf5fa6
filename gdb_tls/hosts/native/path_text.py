"""Paths into values as they are typed: `->field`, `.field`, `[2]`, `["key"]`."""

from __future__ import annotations

import re

PIECES = re.compile(r"""->\s*[\w:~]+|\.\s*[\w:~]+|\[\s*(?:"[^"]*"|'[^']*'|[^\]]*?)\s*\]|\S""")


def pieces(text: str) -> list[str]:
    """The steps of a path; what is none stands alone, character by character."""
    return PIECES.findall(text)
