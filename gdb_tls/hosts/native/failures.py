"""What a command that has failed says: one sentence."""

from __future__ import annotations

from gdb_tls.errors import TlsError
from gdb_tls.views.text import safe


def failure(command: str, error: BaseException, shell: bool = False) -> str:
    """The sentence for what ended a command.

    Args:
        command: its name.
        error: what ended it.
        shell: whether who reads it types into a shell, not into GDB.
    """
    if isinstance(error, TlsError):
        return safe(error.for_shell() if shell else str(error))
    if isinstance(error, KeyboardInterrupt):
        return f"{command} was interrupted."
    if isinstance(error, MemoryError):
        return f"{command} has run out of memory. Ask for fewer threads (--threads) or one --module."
    if isinstance(error, OSError):
        return safe(f"{command} could not finish: {error}.")
    sentence = safe(f"{command} failed ({type(error).__name__}: {' '.join(str(error).split())}). ")
    return sentence + "This may be a defect of gdb-tls: please report it, with what GDB_TLS_DEBUG=1 makes it print."


def is_defect(error: BaseException) -> bool:
    """Whether nobody foresaw it, so that its traceback is worth seeing."""
    return not isinstance(error, (TlsError, KeyboardInterrupt, MemoryError, OSError))
