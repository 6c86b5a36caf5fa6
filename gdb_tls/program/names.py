"""Names: as a user types them, and as compilers write them into symbol tables."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gdb_tls.tuples import NamedTuple

# What optimisers and linkers add to the name of a local symbol (gcc: .lto_priv, .0; LLVM: .llvm).
SUFFIXES = re.compile(r"(\.(lto_priv|llvm|constprop|isra|part|localalias)(\.\d+)*|\.\d+)+$")
# What link-time optimisation adds where it joins files.
OPTIMISED = re.compile(r"\.(lto_priv|llvm)(\.\d+)*$")
# Itanium C++ ABI 5.1.4.4 and 5.1.4.5: guards of initialisation and temporaries bound to references; LLVM's one guard.
HELPER = re.compile(r"_ZG[VR]|__tls_guard(\.\d+)?$|__emutls_[vt]\.")
# The control variable of emulated TLS; who types its name means the variable.
EMULATED_CONTROL = "__emutls_v."
# Rust's std::thread_local! puts the value into a function or constant of its own (library/std/src/sys/thread_local).
RUST_VALUE = re.compile(
    r"(::(\{+[\w ]+(#\d+)?\}+|__getit|__init|_?__rust_std_internal_\w+))+"
    r"::(VAL|STATE|__KEY|__RUST_STD_INTERNAL_(VAL|KEY))$"
)
RUST_LINKAGE = re.compile(r"RUST_STD_INTERNAL|__getit|5__KEY17h|3VAL17h|5STATE17h")
# Before Rust 1.79 a constant's value and its state are variables of their own (std/src/thread/local.rs, const branch).
RUST_CONSTANT = re.compile(r"(_(?:ZN|R)\w*?7_?__getit)(3VAL|5STATE)(?:17h[0-9a-f]{16}E)?(?:\.\d+)?")
RUST_CRATE = re.compile(r"(?<=\w)\[[0-9a-f]{12,16}\](?=::)")
RUST_HASH = re.compile(r"::h[0-9a-f]{16}$")
RUST_DETAILS = re.compile(f"{RUST_HASH.pattern}|{RUST_CRATE.pattern}")
# A unit of code generation, which symbol tables have where other compilers write the source file.
RUST_UNIT = re.compile(r"-cgu\.\d+$")
# gfortran's trans-decl.c, gfc_sym_mangled_identifier.
FORTRAN = re.compile(r"__(\w+?)_MOD_(\w+)")

# gfortran's name of a common block (trans-common.c, gfc_sym_mangled_common_id): several variables, seldom a pointer.
COMMON_BLOCK = re.compile(r"[a-z][a-z0-9_]*_")

# GNAT's exp_dbug.ads: the parts of an expanded name are joined by two underscores, all in lower case.
ADA = re.compile(r"(?<=[a-z0-9])__(?=[a-z])")

# Nim's compiler/ccgtypes.nim, mangleName and fillBackendName: the name, the module, and a number.
NIM = re.compile(r"([A-Za-z]\w*?)__([A-Za-z]\w*?)_u?\d+")

# Source leaves inline namespaces out; no debug information that GDB reads says which are, but they look like versions.
INLINE_NAMESPACE = re.compile(r"::(v\d+\w*|_V\d+|__\w+)::")
# Before a member in Fortran (Fortran 2018, R911).
PERCENT = re.compile(r"(?<=[\w)\]])\s*%\s*(?=[A-Za-z])")


class Query(NamedTuple):
    """A name as the user typed it, taken apart.

    Attributes:
        text: all of it.
        name: the variable's name.
        scope: the file or module before the first `::`; empty where there is none.
        path: the path into the value, such as `->str`; empty where there is none.
    """

    text: str
    name: str
    scope: str
    path: str


class PlaceName(NamedTuple):
    """A place in a module's block, as a user types it.

    Attributes:
        module: the module's file name or id.
        offset: in the block, in bytes.
        path: the path into the value, as in `Query`.
    """

    module: str
    offset: int
    path: str


def place_name(text: str) -> PlaceName | None:
    """Takes `MODULE+0xOFFSET` apart, which names what has no symbol; None for other texts.

    The module may be quoted, the offset be decimal, and a path may follow.
    """
    match = re.fullmatch(r"\s*(\S.*?)\s*\+\s*(0x[0-9a-fA-F]+|[0-9]+)\s*((->|\.|\[).*)?", text, re.DOTALL)
    return (
        PlaceName(_unquote(match[1]), int(match[2], 0 if match[2][:2] == "0x" else 10), match[3] or "")
        if match
        else None
    )


def queries(text: str) -> Iterator[Query]:
    """Ways to read what was typed, the most literal first.

    A linkage name may hold a dot (`counter.0`), and in Ada and D a dot is what `::` is in C++, so all of the text
    is tried as a name before a path is split off, and then the longer names before the shorter.
    A first component may be a namespace, or a file or module. Fortran's `%` is a dot.
    """
    text = PERCENT.sub(".", text.strip().removeprefix(EMULATED_CONTROL))
    name, path = split_path(text)
    dotted = re.match(r"(\.\s*[A-Za-z_]\w*)*", path)
    ends = [match.end() for match in re.finditer(r"\.\s*[A-Za-z_]\w*", dotted[0] if dotted else "")]
    splits = [(text, ""), *((name + path[:end], path[end:]) for end in reversed(ends)), (name, path)]
    for name, path in dict.fromkeys(splits):
        yield Query(text, _unquote(name), "", path)
        scope, rest = _split_scope(name)
        if scope:
            yield Query(text, _unquote(rest), scope, path)


def split_path(text: str) -> tuple[str, str]:
    """Splits `NAME->str` or `NAME.field[2]` after the name.

    Dots, arrows and brackets inside quotes, parentheses and template arguments belong to the
    name; so do `[abi:...]` and the dot of a scope such as `libx.so::name`.
    """
    depth = 0
    quoted = ""
    start = 0
    scope_end = text.rfind("::")
    for at, character in enumerate(text):
        if quoted:
            quoted = "" if character == quoted else quoted
        elif character in "'\"":
            quoted = character
        elif text.startswith("->", at) and depth == 0:
            start = at
            break
        elif character in "(<":
            depth += 1
        elif character in ")>":
            depth -= 1
        elif (
            depth == 0
            and at > scope_end
            and (character == "." or (character == "[" and not text.startswith("[abi:", at)))
        ):
            start = at
            break
    return (text[:start].strip(), text[start:].strip()) if start else (text, "")


def _split_scope(name: str) -> tuple[str, str]:
    match = re.match(r"""'([^']+)'::(.+)|"([^"]+)"::(.+)|([^:<>]+)::(.+)""", name)
    if not match:
        return "", name
    scope, rest = [group for group in match.groups() if group is not None]
    return scope, rest


def _unquote(name: str) -> str:
    return name[1:-1] if len(name) > 2 and name[0] == name[-1] and name[0] in "'\"" else name


def plain(name: str) -> str:
    """A demangled name without what people leave out: parameters, ABI tags, anonymous namespaces."""
    name = name.replace("(anonymous namespace)::", "")
    name = re.sub(r"\[abi:[^\]]*\]", "", name)
    while match := re.search(r"\)( const)?(?=::)", name):
        start = _opening(name, match.start())
        if start < 0 or name[:start].endswith("operator"):
            break
        name = name[:start] + name[match.end() :]
    return name.removeprefix("::")


def _opening(name: str, closing: int) -> int:
    """Where the parenthesis opens that closes at a place; -1 where none does."""
    depth = 0
    for at in range(closing, -1, -1):
        depth += (name[at] == ")") - (name[at] == "(")
        if depth == 0:
            return at
    return -1


def without_parameters(name: str) -> str:
    """A demangled function's name without its parameters and what stands before or behind them."""
    end = re.search(r"\)(\s*(const|volatile|&{1,2}|noexcept|\[clone [^\]]*\]))*$", name)
    start = _opening(name, end.start()) if end else -1
    return name[:start].rstrip() if start > 0 and not name[:start].endswith("operator") else name


def is_helper(linkage: str) -> bool:
    """Whether a symbol is a compiler's own, which stands beside a variable: a guard, a temporary, Rust's state."""
    constant = RUST_CONSTANT.fullmatch(linkage)
    return bool(HELPER.match(linkage)) or (constant is not None and constant[2] == "5STATE")


def rust_constant(linkage: str) -> tuple[str, bool] | None:
    """(what they have in common, whether it is the state) of a constant's value, or state, in Rust before 1.79."""
    constant = RUST_CONSTANT.fullmatch(linkage)
    return (constant[1], constant[2] == "5STATE") if constant else None


def is_rust_value(linkage: str) -> bool:
    """Whether a symbol may be that of a value of Rust's std::thread_local!."""
    return bool(RUST_LINKAGE.search(linkage))


def is_glob(text: str) -> bool:
    """Whether a text is a pattern of names, such as `pool_*`."""
    text = re.sub(r"<.*>|\(.*\)", "", text)  # `Pool<int *>::head` is none
    if re.fullmatch(r"[*?]+", text):
        return True
    return bool(re.search(r"[\w:][*?]|[*?][\w:]", text)) and not re.match(r"[*&\s]*[^*?]+$", text)


def source_name(linkage: str, demangled: str) -> str:
    """What a program's source calls a symbol, as far as its name tells; parameters and the like are left out."""
    fortran = FORTRAN.fullmatch(SUFFIXES.sub("", linkage))
    return f"{fortran[1]}::{fortran[2]}" if fortran else plain(demangled)


def without_rust_details(name: str) -> str:
    """A demangled name of Rust without hash and crate numbers; `thread_local!` variables as they are declared."""
    return RUST_VALUE.sub("", RUST_CRATE.sub("", RUST_HASH.sub("", name)))


def rust_spellings(name: str) -> Iterator[str]:
    """What a `thread_local!` variable's value may be called in debug information, by what the source calls it."""
    yield name
    inner = [f"{{constant#{one}}}::{{closure#{two}}}" for one in range(2) for two in range(3)]
    for function in (*inner, "__getit"):
        for value in ("__RUST_STD_INTERNAL_VAL", "VAL", "__KEY"):
            yield f"{name}::{function}::{value}"


def spellings(linkage: str, demangled: str) -> list[str]:
    """All that a symbol may be called in source, as `comparable` gives it; scopes are written with `::`."""
    name = source_name(linkage, demangled)
    bare = SUFFIXES.sub("", name)
    found = [name, bare, bare.replace(".", "::"), INLINE_NAMESPACE.sub("::", bare)]
    if linkage == demangled:
        # GNAT writes package.variable as package__variable; gfortran the common block /blk/ as blk_.
        found += [ADA.sub("::", bare), bare.removesuffix("_"), *nim_names(bare)]
    return list(dict.fromkeys(comparable(one) for one in found if one))


def nim_names(linkage: str) -> list[str]:
    """What a symbol is called in Nim, if it is Nim's: by itself, and with its module."""
    match = NIM.fullmatch(linkage)
    return [match[1], f"{match[2]}::{match[1]}"] if match else []


def is_without_case(linkage: str, file: str) -> bool:
    """Whether a symbol is of a language in which upper and lower case are the same: Fortran, Ada."""
    return bool(FORTRAN.match(linkage) or ADA.search(linkage)) or file.lower().endswith(
        (".f", ".for", ".f90", ".f95", ".f03", ".f08", ".adb", ".ads")
    )


def comparable(name: str) -> str:
    """A name in the form in which names are compared: no blanks but between words, nothing that people leave out."""
    name = re.sub(r"\s*([^\w\s])\s*", r"\1", plain(without_rust_details(name)).strip())
    return plain(re.sub(r"(\d)(u|l|ul|ll|ull)(?=[,>])", r"\1", name))


def last_word(name: str) -> str:
    """The identifier at the end of a name, without template arguments: a mangled name holds it as it is."""
    depth, start = 0, 0
    for at, character in enumerate(name):
        depth += (character in "<({") - (character in ">)}")
        if depth == 0 and (name.startswith("::", at) or character == "."):
            start = at + (2 if character == ":" else 1)
    words = re.findall(r"\w+", name[start:].split("<", 1)[0])
    return words[0] if words else ""
