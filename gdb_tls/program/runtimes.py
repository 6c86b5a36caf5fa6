"""Which files are the C library or come with the compiler: their variables are in every program, and seldom news."""

from __future__ import annotations

import re

_RUNTIMES = re.compile(
    r"(libc|libpthread|libm|librt|libdl|libresolv|libstdc\+\+|libgcc_s|libc\+\+|libc\+\+abi|libunwind|libgomp"
    r"|libc\.musl-\w+|ld-[\w-]+|ld-musl-\w+)(-[\d.]+)?\.so(\.\d+)*$"
)


def is_runtime(name: str) -> bool:
    """Whether a file with this name (its last part) is one of them."""
    return bool(_RUNTIMES.match(name))
