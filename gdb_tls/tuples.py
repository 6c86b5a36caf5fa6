"""Tuples whose fields have names: `typing.NamedTuple`, made in a quarter of its time.

Python before 3.14 compiles the text of each field's type, which nobody asks for: with a hundred and fifty such classes
that was a fifth of what a whole look at a small core took.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

__all__ = ["NamedTuple", "tuples_of"]

Made = TypeVar("Made", bound="tuple[Any, ...]")

if TYPE_CHECKING:
    from typing import NamedTuple
else:
    from collections import namedtuple
    from types import GenericAlias

    class _Maker(type):
        """Makes a named tuple of a class's body: its annotations are the fields, what they are set to the defaults."""

        def __new__(cls, name, bases, body):
            fields = body.get("__annotations__", {})
            defaults = [body[field] for field in fields if field in body]
            made = namedtuple(name, fields, defaults=defaults, module=body["__module__"])
            made.__annotations__ = fields
            if len(bases) > 1:  # Generic
                made.__class_getitem__ = classmethod(GenericAlias)
            for key, value in body.items():
                if key not in fields and key not in ("__annotations__", "__module__"):
                    setattr(made, key, value)
            return made

    class _Base:
        """What stands in a class's parentheses."""

        def __mro_entries__(self, bases):
            return (_Named,)

    _Named = type.__new__(_Maker, "NamedTuple", (), {})
    NamedTuple = _Base()


def tuples_of(kind: type[Made], rows: Iterable[Iterable[Any]]) -> list[Made]:
    """Many named tuples of one kind, made without running any Python.

    Args:
        kind: the class.
        rows: the fields of each, all of them in their order.
    """
    return list(map(partial(tuple.__new__, kind), rows))
