"""Every way in which a command can fail, as one sentence."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager

import gdb

from gdb_tls.errors import TlsError
from gdb_tls.hosts.gdb import shared
from gdb_tls.hosts.gdb.selection import own_language
from gdb_tls.views.text import safe

# $_tls_status: 0 after an answer in which nothing looks wrong, 1 after one in which something does, 2 after an error.
STATUS = "_tls_status"
FAILED = 2


@contextmanager
def one_run(name: str) -> Iterator[None]:
    """One run of a command: in gdb-tls's language, with one look at the program; every error ends as one sentence.

    Raises:
        gdb.GdbError: with that sentence.
    """
    gdb.set_convenience_variable(STATUS, FAILED)
    collecting = gc.isenabled()
    gc.disable()  # ten thousand threads are many small objects, and none of them is garbage yet
    try:
        with own_language(), shared.sharing():
            yield
    except TlsError as error:
        raise gdb.GdbError(safe(str(error))) from None
    except KeyboardInterrupt:
        raise gdb.GdbError(f"{name} was interrupted.") from None
    except gdb.GdbError:
        raise
    except MemoryError:
        sentence = f"{name} has run out of memory. Ask for fewer threads (--threads) or one --module."
        raise gdb.GdbError(sentence) from None
    except OSError as error:
        raise gdb.GdbError(safe(f"{name} could not finish: {error}.")) from None
    except Exception as error:
        if os.environ.get("GDB_TLS_DEBUG"):
            raise
        raise gdb.GdbError(
            safe(f"{name} failed ({type(error).__name__}: {' '.join(str(error).split())}). ")
            + "This may be a defect of gdb-tls: please report it, with what GDB_TLS_DEBUG=1 makes it print."
        ) from None
    finally:
        if collecting:
            gc.enable()
