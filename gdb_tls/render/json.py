"""JSON: one document."""

from __future__ import annotations

import json
import math
from typing import Any


def render(document: dict[str, Any]) -> str:
    """The document as text that ends in a newline and can be written as UTF-8.

    JSON has no infinity and no NaN: they become null.
    """
    try:
        text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)
    except ValueError:
        text = json.dumps(_finite(document), indent=1, ensure_ascii=False)
    # A lone surrogate (a byte of a file name that is no UTF-8) becomes an escape that JSON knows: \udcff.
    return text.encode("utf-8", "backslashreplace").decode() + "\n"


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
