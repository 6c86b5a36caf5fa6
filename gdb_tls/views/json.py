"""JSON: one document, written piece by piece."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar, overload

One = TypeVar("One")


class Each(Sequence[Any]):
    """A list of a document; an item is made when it is written, so that ten thousand are never there at once."""

    def __init__(self, make: Callable[[One], Any], of: Sequence[One]) -> None:
        """Takes what makes an item, and what the items are made of."""
        self._make = make
        self._of = of

    def __len__(self) -> int:
        return len(self._of)

    def __iter__(self) -> Iterator[Any]:
        return map(self._make, self._of)

    @overload
    def __getitem__(self, at: int) -> Any: ...
    @overload
    def __getitem__(self, at: slice) -> list[Any]: ...
    def __getitem__(self, at: int | slice) -> Any:
        return list(map(self._make, self._of[at])) if isinstance(at, slice) else self._make(self._of[at])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)


def whole(document: Mapping[str, Any]) -> dict[str, Any]:
    """The same document with all its items made, for whoever looks at them more than once."""
    return {key: list(value) if isinstance(value, Each) else value for key, value in document.items()}


def render(document: dict[str, Any]) -> Iterator[str]:
    """The document as pieces of text that end in a newline and can be written as UTF-8.

    One line for each key and for each item of a list of objects, so that lines can be searched and compared.
    JSON has no infinity and no NaN: they become null.
    """
    opening = "{\n "
    for key, value in document.items():
        yield f"{opening}{_text(key)}: "
        opening = ",\n "
        if isinstance(value, Sequence) and value and isinstance(value[0], dict):
            separator = "[\n  "
            for item in value:
                yield separator + _text(item)
                separator = ",\n  "
            yield "\n ]"
        else:
            yield _text(value)
    yield "\n}\n" if document else "{}\n"


def _items(value: Any) -> list[Any]:
    if isinstance(value, Each):
        return list(value)
    raise TypeError(f"{value!r} is nothing that JSON has")


_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, default=_items).encode


def _text(value: Any) -> str:
    try:
        text = _encode(value)
    except ValueError:
        text = _encode(_finite(value))
    # A lone surrogate (a byte of a file name that is no UTF-8) becomes an escape that JSON knows: \udcff.
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
