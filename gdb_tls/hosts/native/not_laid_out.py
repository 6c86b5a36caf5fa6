"""What is said where an object cannot be taken apart."""

from __future__ import annotations


class NotLaidOut(Exception):
    """An object is in no state, or a class or an array laid out in no way, that is known."""
