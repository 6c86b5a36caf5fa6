"""Text from the program under inspection is data: it never becomes markup or a terminal escape."""

from __future__ import annotations


def safe(text: str) -> str:
    """Writes characters that cannot be shown (control codes, lone surrogates) as escapes."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
