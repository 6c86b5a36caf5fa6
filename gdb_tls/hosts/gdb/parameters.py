"""`set tls ...` and `show tls`."""

from __future__ import annotations

import gdb

from gdb_tls.hosts.gdb import output
from gdb_tls.program import resolve
from gdb_tls.questions.command import Settings


class Via(gdb.Parameter):
    """How tls commands find a variable in a thread.

    passive reads memory only. gdb asks GDB. dlsym, tls-get-addr and call
    run code in a live process, which allocates blocks that were not there.
    """

    set_doc = "Set how tls commands find a variable in a thread."
    show_doc = "Show how tls commands find a variable in a thread."

    def __init__(self) -> None:
        """Registers the parameter."""
        super().__init__("tls via", gdb.COMMAND_DATA, gdb.PARAM_ENUM, list(resolve.NAMES))
        self.value = "passive"

    def get_set_string(self) -> str:
        """Says nothing when it is set."""
        return ""

    def get_show_string(self, value: str) -> str:
        """What `show tls via` prints."""
        return f"tls commands find a variable by: {value}."


class MaximumRows(gdb.Parameter):
    """Beyond how many threads a table puts those that are alike on one line.

    "unlimited" gives every thread its line; 0 means as many as the screen has
    room for.
    """

    set_doc = "Set beyond how many threads a table puts those that are alike on one line."
    show_doc = "Show beyond how many threads a table puts those that are alike on one line."

    def __init__(self) -> None:
        """Registers the parameter."""
        super().__init__("tls max-rows", gdb.COMMAND_DATA, gdb.PARAM_ZUINTEGER_UNLIMITED)
        self.value = 0

    def get_set_string(self) -> str:
        """Says nothing when it is set."""
        return ""

    def get_show_string(self, value: str) -> str:
        """What `show tls max-rows` prints."""
        shown = (
            f"{output.rows_of_a_table()} (what the screen has room for)"
            if value == "0"
            else "unlimited"
            if value == "-1"
            else value
        )
        return f"Threads that are alike share a line beyond: {shown}."


class Ignore(gdb.Parameter):
    """What tls-audit does not mention, as it is known to be harmless.

    Patterns with blanks between them, each a glob for NAME or MODULE::NAME;
    key?3 is the pthread key 3.
    """

    set_doc = "Set what tls-audit does not mention, as it is known to be harmless."
    show_doc = "Show what tls-audit does not mention, as it is known to be harmless."

    def __init__(self) -> None:
        """Registers the parameter."""
        super().__init__("tls ignore", gdb.COMMAND_DATA, gdb.PARAM_STRING_NOESCAPE)
        self.value = ""

    def get_set_string(self) -> str:
        """Says nothing when it is set."""
        return ""

    def get_show_string(self, value: str) -> str:
        """What `show tls ignore` prints."""
        return f"tls-audit leaves out: {value or 'nothing'}."


class Hint(gdb.Parameter):
    """Whether a line says, after a crash, that there is tls-audit.

    It stands before the prompt, once for each crash or core, and only where the
    program has thread-local variables.
    """

    set_doc = "Set whether a line says, after a crash, that there is tls-audit."
    show_doc = "Show whether a line says, after a crash, that there is tls-audit."

    def __init__(self) -> None:
        """Registers the parameter."""
        super().__init__("tls hint", gdb.COMMAND_DATA, gdb.PARAM_BOOLEAN)
        self.value = True

    def get_set_string(self) -> str:
        """Says nothing when it is set."""
        return ""

    def get_show_string(self, value: str) -> str:
        """What `show tls hint` prints."""
        return f"The line after a crash that reminds of tls-audit is {value}."


class Parameters:
    """All of them; made once, when the extension is loaded."""

    def __init__(self) -> None:
        """Registers the prefixes and the parameters."""
        _Prefix("set tls", "Set how thread-local variables are looked at.")
        _Prefix("show tls", "Show how thread-local variables are looked at.")
        self._via = Via()
        self._max_rows = MaximumRows()
        self._hint = Hint()
        self._ignore = Ignore()

    def hint(self) -> bool:
        """`set tls hint`."""
        return bool(self._hint.value)

    def settings(self) -> Settings:
        """What the user has set."""
        rows = self._max_rows.value
        limit = None if rows in (None, -1) else rows or output.rows_of_a_table()
        return Settings(self._via.value, limit, (self._ignore.value or "").split())


class _Prefix(gdb.Command):
    def __init__(self, name: str, doc: str) -> None:
        self.__doc__ = doc
        self._name = name
        super().__init__(name, gdb.COMMAND_DATA, gdb.COMPLETE_NONE, prefix=True)

    def invoke(self, argument: str, from_tty: bool) -> None:
        for name in ("via", "max-rows", "hint", "ignore"):
            gdb.execute(f"show tls {name}")
