"""JSON: one document."""

from __future__ import annotations

import json
from typing import Any


def render(document: dict[str, Any]) -> str:
    """The document as text that ends in a newline."""
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"
