"""One table: everything in which architectures differ for thread-local storage.

Sources: Drepper, "ELF Handling For Thread-Local Storage", section 3; glibc
`sysdeps/*/nptl/tls.h` (`TLS_TCB_AT_TP`, `TLS_DTV_AT_TP`, `DB_THREAD_SELF`);
musl `arch/*/pthread_arch.h` (`TP_OFFSET`, `DTP_OFFSET`, `TLS_ABOVE_TP`).
"""

from __future__ import annotations

from gdb_tls.tuples import NamedTuple


class Architecture(NamedTuple):
    """How one architecture lays out a thread's control block and static TLS.

    Attributes:
        name: as design and JSON have it.
        gdb_name: how GDB's name of it begins.
        pointer_size: in bytes.
        byte_order: "little" or "big".
        static_below: variant II: static TLS lies below the thread pointer.
        dtv_offset: where glibc keeps the DTV pointer, from the thread pointer.  The offset that
            `_thread_db_pthread_dtvp` gives, less this, is how far the thread pointer is past `struct pthread`.
        tcb_size: bytes between the thread pointer and static TLS above it (`TLS_TCB_SIZE` of the linker's ABI).
        thread_pointer_bias: how far the thread pointer is past the point static offsets count from.
        no_static_offset: glibc's NO_TLS_OFFSET; the value below it is FORCED_DYNAMIC_TLS_OFFSET.
        musl_dtv_offset: where musl keeps the DTV pointer, from the thread pointer.
        dtp_bias: what musl's DTV entries and `tls_index.ti_offset` are biased by.
        registers: GDB's names of the thread pointer's register, the best first.
        red_zone: bytes below the stack pointer that belong to the running function.
        vector_status: a register of flags that GDB writes together with the vector registers; empty for none.
        tls_get_addr: the function that compilers call for dynamic TLS.
    """

    name: str
    gdb_name: str
    pointer_size: int
    byte_order: str
    static_below: bool
    dtv_offset: int
    registers: tuple[str, ...]
    tcb_size: int = 0
    thread_pointer_bias: int = 0
    no_static_offset: int = 0
    musl_dtv_offset: int = 0
    dtp_bias: int = 0
    red_zone: int = 0
    vector_status: str = ""
    tls_get_addr: str = "__tls_get_addr"


# What gives the address of a variable of emulated TLS (libgcc's emutls.c and LLVM's), on all of them.
EMUTLS_GET_ADDRESS = "__emutls_get_address"

ARCHITECTURES = (
    Architecture(
        "x86-64",
        "i386:x86-64",
        8,
        "little",
        True,
        8,
        ("fs_base",),
        musl_dtv_offset=8,
        red_zone=128,
        vector_status="mxcsr",
    ),
    Architecture(
        "i386",
        "i386",
        4,
        "little",
        True,
        4,
        ("gs_base",),
        musl_dtv_offset=4,
        tls_get_addr="___tls_get_addr",
    ),
    Architecture("aarch64", "aarch64", 8, "little", False, 0, ("tpidr", "tpidr_el0"), tcb_size=16, musl_dtv_offset=-8),
    Architecture("arm", "arm", 4, "little", False, 0, ("tpidruro",), tcb_size=8, musl_dtv_offset=-4),
    Architecture(
        "riscv64",
        "riscv:rv64",
        8,
        "little",
        False,
        -16,
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
        -0x7008,
        ("r13",),
        thread_pointer_bias=0x7000,
        no_static_offset=-1,
        musl_dtv_offset=-0x7008,
        dtp_bias=0x8000,
        red_zone=288,
    ),
    Architecture("s390x", "s390:64-bit", 8, "big", True, 8, (), musl_dtv_offset=8, tls_get_addr="__tls_get_offset"),
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
