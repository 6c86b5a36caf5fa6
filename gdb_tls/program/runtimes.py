"""Which files are the C library or come with the compiler: their variables are in every program, and seldom news."""

from __future__ import annotations

import re

_RUNTIMES = (
    r"(libc|libpthread|libm|librt|libdl|libresolv|libstdc\+\+|libgcc_s|libc\+\+|libc\+\+abi|libunwind|libgomp"
    r"|libc\.musl-\w+|ld-[\w-]+|ld-musl-\w+)(-[\d.]+)?\.so(\.\d+)*$"
)

# A language's own libraries: their variables are meant only where the program has none of that name.
_LIBRARIES = (
    r"(ld|ld64|ld-linux[\w-]*|ld-musl[\w-]*|libc|libc-[\d.]+|libc\.musl[\w-]*|lib(m|dl|rt|pthread|resolv|nss_\w+|nsl|anl|util"
    r"|crypt|thread_db|mvec)(-[\d.]+)?|libstdc\+\+|libsupc\+\+|libgcc_s|libatomic|libc\+\+(abi)?|libunwind|libgomp|libomp|libiomp5"
    r"|lib(a|t|ub|l|hwa|m)san|libgfortran|libquadmath|libgnat|libgnarl|libgphobos|libgdruntime|libphobos2|libdruntime\S*"
    r"|libphobos2-\S*|libgo|libstd-[0-9a-f]+)([-.].*)?"
)

# In a static executable the C library's own: by name and, where they are local symbols, by the source file, less its
# ending (Debian's libc.a names object files).  Found in glibc 2.31 to 2.43.
_STATIC_LIBC = (
    r"(__libc_(tsd_\w+|errno|h_errno|resp|dlerror_result|single\w*)|_nl_current_LC_\w+|__h_errno|__resp|_res_hconf\w*)@\S*"
    r"|(tcache|tcache_shutting_down|tcache_key|thread_arena)@(malloc|arena)|catch_hook@dl-error(-skeleton|-minimal)?"
    r"|current@resolv_context|(lm_cache|tls_dtor_list)@cxa_thread_atexit_impl|buffer@inet_ntoa|thread_rpc_vars@rpc_thread"
    r"|(last_result|result|once|key)@(dlerror|libc_dlerror_result)|last_value@strerror(_l)?|(local_buf|buf)@strsignal"
)


def is_runtime(name: str) -> bool:
    """Whether a file with this name (its last part) is one of them."""
    return re.match(_RUNTIMES, name) is not None


def is_of_a_language(name: str) -> bool:
    """Whether a file with this name is a library that comes with a language."""
    return re.fullmatch(_LIBRARIES, name) is not None


def is_of_static_libc(text: str) -> bool:
    """Whether NAME@FILE, or the name of a global symbol, is a variable of the C library in a static executable."""
    return re.fullmatch(_STATIC_LIBC, text) is not None
