"""The disassembler library, imported when it is needed."""

from __future__ import annotations

from types import ModuleType

from gdb_tls.errors import MissingPackage


def capstone() -> ModuleType:
    """The capstone package.

    Raises:
        MissingPackage: where it cannot be imported, or has no library for this machine.
    """
    try:
        import capstone as package
        import capstone.arm64
        import capstone.x86
    except ImportError as error:
        raise MissingPackage(
            f"The Python package capstone, which reads machine code, cannot be used ({error})"
        ) from None
    return package  # type: ignore[no-any-return,unused-ignore]
