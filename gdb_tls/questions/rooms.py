"""A question's folder: by its rooms, which all questions have alike."""

from __future__ import annotations

from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any

from gdb_tls.questions.command import CommandSpec, Request

if TYPE_CHECKING:
    from gdb_tls.views.page import Page
    from gdb_tls.views.records import Records
    from gdb_tls.views.screen import Screen


class Rooms:
    """What a command does: its query over the program, and the views of the answer.

    A room is imported when it is first entered: registering ten commands costs nothing, and JSON does not wait
    for what draws tables.
    """

    def __init__(self, spec: CommandSpec) -> None:
        """Finds the folder by the command's name; enters no room yet."""
        self._folder = f"gdb_tls.questions.{spec.name.removeprefix('tls-')}"

    def query(self, request: Request) -> Any:
        """Works out the answer.  It may read the target; the views may not."""
        return self._answer.query(request)

    def status(self, answer: Any) -> int:
        """What becomes `$_tls_status`: 0, 1 where something looks wrong, 2 where there is no answer after all.

        Many questions judge nothing: then `flagged` and `unanswered` are missing.
        """
        judges = {2: getattr(self._answer, "unanswered", None), 1: getattr(self._answer, "flagged", None)}
        return next((status for status, judge in judges.items() if judge and judge(answer)), 0)

    def table(self, answer: Any, screen: Screen) -> Any:
        """The answer for a screen, as something that rich can print."""
        return self._room("table").table(answer, screen)

    def page(self, answer: Any) -> Page:
        """The answer for a browser."""
        found: Page = self._room("page").page(answer)
        return found

    def document(self, answer: Any) -> dict[str, Any]:
        """The answer for JSON."""
        found: dict[str, Any] = self._room("document").document(answer)
        return found

    def records(self, answer: Any) -> Records:
        """The answer as one flat table."""
        found: Records = self._room("document").records(answer)
        return found

    @cached_property
    def _answer(self) -> Any:
        return self._room("answer")

    def _room(self, name: str) -> Any:
        return import_module(f"{self._folder}.{name}")
