"""Type names as programmers write them: `std::vector<std::string>`, without what templates add by themselves."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

# What is in a library's inline namespaces is called as if it were not ([namespace.def]/3).
INLINE = re.compile(r"\bstd::(?:(filesystem::|chrono::)(?:__cxx11|_V2)|__1|__cxx11|__ndk1)::")
CHARACTERS = {
    "char": "",
    "wchar_t": "w",
    "char8_t": "u8",
    "char16_t": "u16",
    "char32_t": "u32",
}
# The standard's default arguments ([containers], [unique.ptr], [string.classes]); {0} is the first argument.
DEFAULTS = {
    "vector": ("", "std::allocator<{0}>"),
    "deque": ("", "std::allocator<{0}>"),
    "list": ("", "std::allocator<{0}>"),
    "forward_list": ("", "std::allocator<{0}>"),
    "set": ("", "std::less<{0}>", "std::allocator<{0}>"),
    "multiset": ("", "std::less<{0}>", "std::allocator<{0}>"),
    "map": ("", "", "std::less<{0}>", "std::allocator<{pair}>"),
    "multimap": ("", "", "std::less<{0}>", "std::allocator<{pair}>"),
    "unordered_set": ("", "std::hash<{0}>", "std::equal_to<{0}>", "std::allocator<{0}>"),
    "unordered_multiset": ("", "std::hash<{0}>", "std::equal_to<{0}>", "std::allocator<{0}>"),
    "unordered_map": ("", "", "std::hash<{0}>", "std::equal_to<{0}>", "std::allocator<{pair}>"),
    "unordered_multimap": ("", "", "std::hash<{0}>", "std::equal_to<{0}>", "std::allocator<{pair}>"),
    "basic_string": ("", "std::char_traits<{0}>", "std::allocator<{0}>"),
    "basic_string_view": ("", "std::char_traits<{0}>"),
    "span": ("", "18446744073709551615"),
    "unique_ptr": ("", "std::default_delete<{0}>"),
    "queue": ("", "std::deque<{0}>"),
    "stack": ("", "std::deque<{0}>"),
    "priority_queue": ("", "std::vector<{0}>", "std::less<{0}>"),
}
# Rust's Vec, Box, Rc and the rest say it where it is the default.
RUST_ALLOCATOR = "alloc::alloc::Global"
# By the end of a source file's name. In Go, GDB aborts on what cgo brings in.
LANGUAGES = {
    "c": ("c",),
    "c++": ("C", "cc", "cpp", "cxx", "c++", "h", "hh", "hpp", "hxx", "ipp", "tcc"),
    "rust": ("rs",),
    "d": ("d",),
    "ada": ("adb", "ads"),
    "fortran": ("f", "F", "for", "f77", "f90", "F90", "f95", "f03", "f08"),
    "pascal": ("pas", "pp", "p"),
}


def language_of(file: str) -> str:
    """The language of a source file, as GDB calls it; empty where its name does not tell."""
    ending = file.rpartition(".")[2]
    return next((language for language, endings in LANGUAGES.items() if ending in endings), "")


def _outer(name: re.Match[str]) -> str:
    return f"std::{name[1] or ''}"


@cache
def short_type(name: str) -> str:
    """A type's name without default template arguments and inline namespaces.

    A name that is not understood (brackets that do not match) stays as it is.
    """
    if "<" not in name:
        return INLINE.sub(_outer, name)
    opening = name.index("<")
    closing = _closing(name, opening)
    if closing < 0 or name[:opening].endswith("operator"):
        return name
    head = INLINE.sub(_outer, name[:opening])
    arguments = _without_defaults(head, [short_type(one) for one in _split(name[opening + 1 : closing])])
    rest = name[closing + 1 :]
    # What comes after it is a name of its own (`::iterator`), or a star; blanks of old compilers go.
    tail = short_type(rest) if "<" in rest else rest
    found = re.search(r"std::basic_string(_view)?$", head)
    if found and len(arguments) == 1 and arguments[0] in CHARACTERS:
        return f"{head[: found.start()]}std::{CHARACTERS[arguments[0]]}string{found[1] or ''}{tail}"
    return f"{head}<{', '.join(arguments)}>{tail}"


def first_arguments(name: str) -> list[str]:
    """The arguments of the first template in a name, as they stand there; empty where there is none."""
    opening = name.find("<")
    closing = _closing(name, opening) if opening >= 0 else -1
    return _split(name[opening + 1 : closing]) if closing > 0 else []


def short_beginning(text: str) -> str:
    """A value that begins with its type's name, as pretty printers write it, with a short one."""
    if re.match(r"(empty )?std::\w+::\w+( = |$)", text):  # a template without its arguments
        return INLINE.sub(_outer, text, count=1)
    opening = text.find("<")
    closing = _closing(text, opening) if re.match(r"std::[\w:]+<", text) else -1
    return short_type(text[: closing + 1]) + text[closing + 1 :] if closing > 0 else text


def _without_defaults(head: str, arguments: Sequence[str]) -> list[str]:
    kept = list(arguments)
    while len(kept) > 1 and kept[-1] == RUST_ALLOCATOR:
        kept.pop()
    found = re.search(r"(?:^|[^\w:])std::(\w+)$", head)
    defaults = DEFAULTS.get(found[1], ()) if found else ()
    while 1 < len(kept) <= len(defaults) and _is_default(defaults[len(kept) - 1], kept):
        kept.pop()
    return kept


def _is_default(default: str, arguments: Sequence[str]) -> bool:
    if "{pair}" in default:
        # GDB and the demangler write `int const` or `const int`.
        keys = f"{arguments[0]} const", f"const {arguments[0]}"
        return arguments[-1] in [f"std::allocator<std::pair<{key}, {arguments[1]}>>" for key in keys]
    return bool(default) and re.sub(r"^(\d+)ul$", r"\1", arguments[-1]) == default.format(arguments[0])


def _closing(text: str, opening: int) -> int:
    """Where the angle bracket closes that opens at a place; -1 where none does."""
    depth = 0
    for at, character in _brackets(text, opening):
        depth += 1 if character in "<([{" else -1
        if depth == 0:
            return at if character == ">" else -1
    return -1


def _split(text: str) -> list[str]:
    """A template's arguments."""
    found, depth, start = [], 0, 0
    for at, character in _brackets(text + ",", 0, ","):
        if character == ",":
            if depth == 0:
                found.append(text[start:at].strip())
                start = at + 1
        else:
            depth += 1 if character in "<([{" else -1
    return found


def _brackets(text: str, start: int, more: str = "") -> list[tuple[int, str]]:
    """The brackets from a place on that are no part of a character's quotes or of an arrow."""
    tokens = re.finditer(r"'(?:\\.|[^'\\])'|->|[<>()\[\]{}" + re.escape(more) + "]", text[start:])
    return [(start + token.start(), token[0]) for token in tokens if len(token[0]) == 1]
