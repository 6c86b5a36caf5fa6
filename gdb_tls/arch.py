"""One table: everything in which architectures differ for thread-local storage.

Sources: Drepper, "ELF Handling For Thread-Local Storage", section 3; glibc
`sysdeps/*/nptl/tls.h` (`TLS_TCB_AT_TP`, `TLS_DTV_AT_TP`, `DB_THREAD_SELF`);
musl `arch/*/pthread_arch.h` (`TP_OFFSET`, `DTP_OFFSET`, `TLS_ABOVE_TP`).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Architecture:
    """How one architecture lays out a thread's control block and static TLS.

    Attributes:
        name: as design and JSON have it.
        gdb_name: how GDB's name of it begins.
        pointer_size: in bytes.
        byte_order: "little" or "big".
        static_below: variant II: static TLS lies below the thread pointer.
        pthread_from: how glibc places `struct pthread`: "thread-pointer" (it is the thread
            pointer), "thread-area" (thread pointer - `_thread_db_const_thread_area`) or
            "sizeof" (it ends where the thread pointer, less its bias, points).
        tcb_size: bytes between the thread pointer and static TLS above it (`TLS_TCB_SIZE` of the linker's ABI).
        thread_pointer_bias: how far the thread pointer is past the point static offsets count from.
        no_static_offset: glibc's NO_TLS_OFFSET; the value below it is FORCED_DYNAMIC_TLS_OFFSET.
        musl_dtv_offset: where musl keeps the DTV pointer, from the thread pointer.
        dtp_bias: what musl's DTV entries and `tls_index.ti_offset` are biased by.
        registers: GDB's names of the thread pointer's register, the best first.
        red_zone: bytes below the stack pointer that belong to the running function.
        tls_get_addr: the function that compilers call for dynamic TLS.
    """

    name: str
    gdb_name: str
    pointer_size: int
    byte_order: str
    static_below: bool
    pthread_from: str
    registers: tuple[str, ...]
    tcb_size: int = 0
    thread_pointer_bias: int = 0
    no_static_offset: int = 0
    musl_dtv_offset: int = 0
    dtp_bias: int = 0
    red_zone: int = 0
    tls_get_addr: str = "__tls_get_addr"


ARCHITECTURES = (
    Architecture(
        "x86-64", "i386:x86-64", 8, "little", True, "thread-pointer", ("fs_base",), musl_dtv_offset=8, red_zone=128
    ),
    Architecture(
        "i386",
        "i386",
        4,
        "little",
        True,
        "thread-pointer",
        ("gs_base",),
        musl_dtv_offset=4,
        tls_get_addr="___tls_get_addr",
    ),
    Architecture("aarch64", "aarch64", 8, "little", False, "thread-area", ("tpidr", "tpidr_el0"), tcb_size=16, musl_dtv_offset=-8),
    Architecture("arm", "arm", 4, "little", False, "thread-area", ("tpidruro",), tcb_size=8, musl_dtv_offset=-4),
    Architecture(
        "riscv64",
        "riscv:rv64",
        8,
        "little",
        False,
        "sizeof",
        ("tp",),
        no_static_offset=-1,
        musl_dtv_offset=-8,
        dtp_bias=0x800,
    ),
    Architecture(
        "ppc64le",
        "powerpc:common64",
        8,
        "little",
        False,
        "sizeof",
        ("r13",),
        thread_pointer_bias=0x7000,
        no_static_offset=-1,
        musl_dtv_offset=-0x7008,
        dtp_bias=0x8000,
        red_zone=288,
    ),
    Architecture(
        "s390x", "s390:64-bit", 8, "big", True, "thread-pointer", (), musl_dtv_offset=8, tls_get_addr="__tls_get_offset"
    ),
)


def find(gdb_name: str) -> Architecture | None:
    """Finds the row for GDB's name of an architecture, such as "i386:x86-64"."""
    if "x64-32" in gdb_name or "ilp32" in gdb_name:
        return None  # 4-byte pointers on a 64-bit machine
    for row in ARCHITECTURES:
        # "i386:x64-32" is another architecture than "i386" and its "i386:intel" flavour of disassembly.
        if gdb_name.startswith(row.gdb_name) and not (row.name == "i386" and gdb_name.startswith("i386:x")):
            return row
    return None
