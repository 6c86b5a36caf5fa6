"""Which C library the program runs on."""

from __future__ import annotations

from gdb_tls.errors import CorruptMemory, MissingFile, TlsError, UnsupportedTarget
from gdb_tls.libc.library import CLibrary
from gdb_tls.objects.loaded import LoadedObjects
from gdb_tls.target.protocol import Target

# What the Go linker notes its build id in (cmd/link/internal/ld/elf.go).
GO_SECTION = ".note.go.buildid"
GO_HINT = "Go keeps what is a goroutine's elsewhere: Go's runtime-gdb.py (`info goroutines`) and Delve know it."


def find(target: Target, objects: LoadedObjects) -> CLibrary:
    """The program's C library; where its own bookkeeping cannot be read, what the ABI alone fixes.

    Raises:
        MissingFile, CorruptMemory, UnsupportedTarget: where not even the ABI gives a module.
    """
    from gdb_tls.libc.abi import AbiOnly

    found: CLibrary | None = None
    try:
        found = detect(target, objects)
        found.modules()
    except (MissingFile, CorruptMemory, UnsupportedTarget) as error:
        fallback = AbiOnly(target, objects, found, _clause(error.what), _clause(error.hint))
        if fallback.modules():
            return fallback
        raise
    if not found.modules():
        # glibc's loader fills its list when it makes the first thread's block (elf/rtld.c, init_tls; csu/libc-tls.c).
        # It copies the initial images when all objects are relocated: until then no block has what it begins with.
        fallback = AbiOnly(target, objects, found, "the loader has not set up thread-local storage yet", "", early=True)
        if fallback.modules():
            return fallback
    return found


def detect(target: Target, objects: LoadedObjects) -> CLibrary:
    """Finds which C library the program runs on.

    Raises:
        MissingFile: where the library's file is not here.
        CorruptMemory: where the list of loaded objects is lost.
        UnsupportedTarget: where it is none that is known.
    """
    from gdb_tls.libc.glibc.descriptors import Descriptors
    from gdb_tls.libc.glibc.library import Glibc

    descriptors = Descriptors.find(target, objects)
    if descriptors:
        return Glibc(target, objects, descriptors)
    from gdb_tls.libc.musl.library import Musl, is_musl

    if is_musl(objects):
        return Musl(target, objects)
    raise _why_none(objects, is_core=target.kind == "core")


def _why_none(objects: LoadedObjects, is_core: bool) -> TlsError:
    if objects.list_is_lost:
        hint = "The core may be truncated, or made with a narrow coredump_filter; 0x33 is what the kernel starts with."
        begun = "The dynamic loader makes it soon after the program's first instruction."
        return CorruptMemory("The program's list of loaded objects cannot be read", hint if is_core else begun)
    missing = [loaded for loaded in objects.all if loaded.problem]
    for loaded in missing:
        if loaded.name.startswith(("libc.", "libc-", "libpthread")):
            return MissingFile(f"The C library's file is needed to read TLS, and {loaded.problem}")
    if missing and not any(loaded.path for loaded in objects.all):
        return MissingFile(f"The program's files are needed to read TLS, and {missing[0].problem}")
    executable = next((loaded.file for loaded in objects.all), None)
    if executable and not objects.interpreter and not executable.tls_segment:
        what = "The program has no thread-local variables: it is static, without a C library and without a TLS segment"
        is_go = executable.has_section(GO_SECTION)
        return UnsupportedTarget(f"{what}, as Go programs without cgo are" if is_go else what, GO_HINT if is_go else "")
    return UnsupportedTarget(
        "No C library that describes its threads was found in the program",
        "glibc is known by the _thread_db_ symbols in libc.so.6 (libpthread.so.0 before 2.34); is it stripped of them?",
    )


def _clause(sentence: str) -> str:
    """A sentence as part of a longer one."""
    sentence = sentence.rstrip(".")
    return sentence[:1].lower() + sentence[1:]
