"""From the name that a user types to the variable that is meant.

The object files' symbol tables say where a variable is (aarch64 compilers, for one, often
leave its DWARF without a location); the debugger's symbols say what it is.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple

from gdb_tls.elf.file import ElfFile, NotElf, open_elf
from gdb_tls.elf.symbols import ElfSymbol
from gdb_tls.errors import AmbiguousName, BadArgument, MissingFile, NotThreadLocal, UnknownName, reason
from gdb_tls.target.model import Module, Variable
from gdb_tls.target.protocol import Target, UnreadableMemory

MOST_LISTED = 10
# Linkers put it at the beginning of a block for TLSDESC's local-dynamic model; it is no variable.
MODULE_BASE = "_TLS_MODULE_BASE_"


class Candidate(NamedTuple):
    """One TLS symbol of one module."""

    module: Module
    symbol: ElfSymbol


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


def queries(text: str) -> Iterator[Query]:
    """Ways to read what was typed, the most literal first.

    A linkage name may hold a dot (`counter.0`), so all of the text is tried as a name before
    a path is split off; a first component may be a namespace, or a file or module.
    """
    text = text.strip()
    for name, path in dict.fromkeys([(text, ""), split_path(text)]):
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
    match = re.match(r"""'([^']+)'::(.+)|"([^"]+)"::(.+)|([^:()<>]+)::(.+)""", name)
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
        if start < 0:
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


def matches_module(module: Module, pattern: str) -> bool:
    """Whether a --module pattern (a glob on file name or path, or a module id) means this module."""
    if pattern.isdecimal():
        return module.id == int(pattern)
    import fnmatch

    names = {module.name, module.path or "", module.target_path}
    return any(fnmatch.fnmatchcase(name, pattern) or name.startswith(pattern + ".") for name in names if name)


class Symbols:
    """The thread-local variables of all modules."""

    def __init__(self, target: Target, modules: Sequence[Module], pattern: str | None = None) -> None:
        """Takes the modules, or those of them that a --module pattern means.

        Raises:
            BadArgument: where the pattern means none.
        """
        self._target = target
        self._all_modules = modules
        self._described: dict[int, bool] = {}
        self.modules = [module for module in modules if pattern is None or matches_module(module, pattern)]
        if pattern is not None and not self.modules:
            names = ", ".join(f"{module.name} ({module.id})" for module in modules)
            raise BadArgument(f"No module with thread-local storage matches {pattern}", f"There are: {names}.")

    def find(self, text: str) -> tuple[Variable, str]:
        """Finds the one variable that a name means, and the path into it that followed the name.

        Raises:
            UnknownName, NotThreadLocal, AmbiguousName, MissingFile: where there is not exactly one.
        """
        # NAME@0xOFFSET: of two statics in files of one name, the one that is there in the block.
        at = re.search(r"@(0x[0-9a-f]+)(?=$|->|\.|\[)", text)
        asked = text[: at.start()] + text[at.end() :] if at else text
        for query in queries(asked):
            found = self._matching(query)
            if at:
                found = [candidate for candidate in found if candidate.symbol.value == int(at[1], 16)]
            if len(found) > 1:
                raise self._ambiguous(query, found)
            if found:
                return self.variable(found[0]), query.path
        raise self._not_found(text)

    def candidates(self) -> list[Candidate]:
        """Every TLS symbol of every module; two names of one place come once."""
        found: dict[tuple[int, int, str], Candidate] = {}
        for index, module in enumerate(self.modules):
            try:
                symbols = self._symbols_of(module)
            except Exception as error:  # one bad module is one bad row
                self.modules[index] = module._replace(problem=f"{module.name}: {reason(error)}")
                continue
            for symbol in symbols:
                if symbol.name != MODULE_BASE:
                    found.setdefault((module.id, symbol.value, symbol.name), Candidate(module, symbol))
        return list(found.values())

    def variables(self, wanted: Callable[[str, str], bool] | None = None) -> list[Variable]:
        """Every variable of every module, by module and offset; aliases of one place come once.

        Args:
            wanted: says of a linkage name and a demangled name whether it is wanted; None for all.
        """
        by_place: dict[tuple[int, int], Candidate] = {}
        candidates = self.candidates()
        if wanted:
            names = self._demangled(candidates)
            candidates = [one for one, name in zip(candidates, names) if wanted(one.symbol.name, name)]
        for candidate in candidates:
            by_place.setdefault((candidate.module.id, candidate.symbol.value), candidate)
        ordered = sorted(by_place.items())
        return [self.variable(candidate) for _, candidate in ordered]

    def names(self) -> list[str]:
        """All names that can be typed, for completion."""
        return sorted({plain(name) for name in self._demangled(self.candidates())})

    def variable(self, candidate: Candidate) -> Variable:
        """Joins what the symbol table and the debugger say of one symbol; where they fail, why."""
        module, symbol = candidate
        name, described, initial, problem = symbol.name, None, None, ""
        size = symbol.size
        try:
            name = self._target.debug.demangle([symbol.name])[0]
            described = self._target.debug.describe(symbol, name, module.path) if module.path else None
            size = symbol.size or (described.type.size if described and described.type else 0)
            initial = self.initial_image(module, symbol.value, size)
        except Exception as error:  # one bad variable is one bad row
            problem = reason(error)
        return Variable(
            name=described.name if described else name,
            linkage_name=symbol.name,
            module=module,
            offset=symbol.value,
            size=size,
            type=described.type if described else None,
            exported=symbol.exported,
            source="gdb" if described else symbol.source,
            is_static=symbol.is_local,
            file=os.path.basename(described.file if described else symbol.file),
            line=described.line if described else 0,
            initial=initial,
            problem=problem,
            debugger_symbol=described.symbol if described else None,
        )

    def initial_image(self, module: Module, offset: int, size: int) -> bytes | None:
        """The bytes that a new block holds at an offset: `.tdata`, then zeros."""
        segment = module.segment
        if segment is None or not size or offset + size > segment.size:
            return None
        in_image = max(0, min(size, segment.image_size - offset))
        if not in_image:
            return bytes(size)
        head = open_elf(module.path).at_address(segment.address + offset, in_image) if module.path else None
        if head is None:
            try:
                head = self._target.memory.read(module.load_base + segment.address + offset, in_image)
            except UnreadableMemory:
                return None
        return head + bytes(size - in_image)

    # Matching

    def _matching(self, query: Query) -> list[Candidate]:
        last = plain(query.name).rsplit("::", 1)[-1]
        likely = [candidate for candidate in self.candidates() if last and last in candidate.symbol.name]
        if query.scope:
            in_module = [candidate for candidate in likely if _means_file(query.scope, candidate.module.name)]
            in_file = [candidate for candidate in likely if self._is_in_file(candidate, query.scope)]
            likely = in_module or in_file
        wanted = plain(query.name)
        names = self._demangled(likely)
        tests: Sequence[Callable[[str, str], bool]] = (
            lambda linkage, name: query.name in (linkage, name),
            lambda linkage, name: wanted in (plain(name), re.sub(r"\.\d+$", "", linkage)),
            lambda linkage, name: plain(name).endswith("::" + wanted),
        )
        for test in tests:
            found = [candidate for candidate, name in zip(likely, names) if test(candidate.symbol.name, name)]
            if found:
                return _without_aliases(found)
        return self._in_function(wanted, likely)

    def _in_function(self, wanted: str, likely: Sequence[Candidate]) -> list[Candidate]:
        """A C function's static variable: the symbol table has `counter.0`, people type `function::counter`."""
        function, _, last = wanted.rpartition("::")
        numbered = [one for one in likely if re.fullmatch(re.escape(last) + r"\.\d+", one.symbol.name)]
        if not function or not numbered:
            return []
        offset = self._target.debug.locals_of(function).get(last)
        return [candidate for candidate in numbered if candidate.symbol.value == offset]

    def _is_in_file(self, candidate: Candidate, file: str) -> bool:
        if candidate.symbol.file:
            return _means_file(file, candidate.symbol.file)
        # Global symbols have no STT_FILE row: the debug information may know.
        return _means_file(file, self.variable(candidate).file)

    def _demangled(self, candidates: Sequence[Candidate]) -> list[str]:
        return self._target.debug.demangle([candidate.symbol.name for candidate in candidates])

    def _symbols_of(self, module: Module) -> Iterable[ElfSymbol]:
        if module.path is None:
            return []
        try:
            file = open_elf(module.path)
            debug_file = self._debug_file(module, file)
            own = file.tls_symbols()
            fuller = [symbol._replace(source="debug-file") for symbol in debug_file.tls_symbols()] if debug_file else []
        except NotElf:
            return []
        if not fuller:
            return own
        exported = {(symbol.name, symbol.value) for symbol in own if symbol.exported}
        known = {(symbol.name, symbol.value) for symbol in fuller}
        marked = [symbol._replace(exported=(symbol.name, symbol.value) in exported) for symbol in fuller]
        return marked + [symbol for symbol in own if (symbol.name, symbol.value) not in known]

    def is_described(self, module: Module) -> bool:
        """Whether there is debug information of the module."""
        if module.id not in self._described:
            try:
                file = open_elf(module.path) if module.path else None
                self._described[module.id] = bool(file and (file.has_debug_info or self._debug_file(module, file)))
            except NotElf:
                self._described[module.id] = False
        return self._described[module.id]

    def _debug_file(self, module: Module, file: ElfFile) -> ElfFile | None:
        """The separate debug file (GDB manual, "Separate Debug Files"), where it is the same build's."""
        debug = self._target.debug
        places = [debug.separate_debug_file(file.path)]
        for directory in debug.debug_directories():
            if file.build_id:
                places.append(os.path.join(directory, ".build-id", file.build_id[:2], file.build_id[2:] + ".debug"))
            if file.debug_link:
                places.append(directory + os.path.join(os.path.dirname(os.path.realpath(file.path)), file.debug_link))
        if file.debug_link:
            here = os.path.dirname(file.path)
            places += [os.path.join(here, file.debug_link), os.path.join(here, ".debug", file.debug_link)]
        for place in places:
            if place and os.path.exists(place) and os.path.realpath(place) != os.path.realpath(file.path):
                with suppress(NotElf):
                    found = open_elf(place)
                    if found.build_id == file.build_id:
                        return found
        return None

    # Errors

    def _ambiguous(self, query: Query, found: Sequence[Candidate]) -> AmbiguousName:
        lines = [f"{self._exact_text(candidate, found)}{query.path}" for candidate in found[:MOST_LISTED]]
        more = f", and {len(found) - MOST_LISTED} more" if len(found) > MOST_LISTED else ""
        return AmbiguousName(
            f"{len(found)} thread-local variables are called {query.name}", f"Type one of: {', '.join(lines)}{more}."
        )

    def _exact_text(self, candidate: Candidate, rivals: Sequence[Candidate]) -> str:
        """What to type so that just this one is meant."""
        name = plain(self._demangled([candidate])[0])
        others = [rival for rival in rivals if rival is not candidate]
        if all(plain(self._demangled([other])[0]) != name for other in others):
            return name
        if all(other.module.name != candidate.module.name for other in others):
            return f"{candidate.module.name}::{name}"
        in_module = [other for other in others if other.module.id == candidate.module.id]
        option = "" if len(in_module) == len(others) else f" --module {candidate.module.id}"
        if not in_module:
            return name + option
        file = candidate.symbol.file or self.variable(candidate).file
        if file and all((other.symbol.file or self.variable(other).file) != file for other in in_module):
            return f"'{os.path.basename(file)}'::{name}{option}"
        return f"{candidate.symbol.name}@0x{candidate.symbol.value:x}{option}"

    def _not_found(self, text: str) -> Exception:
        name = split_path(text)[0]
        for query in queries(text):
            known = self._target.debug.what_is(query.name)
            if known:
                return NotThreadLocal(
                    f"{query.name} is {known}, not a thread-local variable",
                    f"Use `print {query.name}`; every thread sees the same one.",
                )
        near = self._near(name)
        suggestion = f"Did you mean {' or '.join(near)}?" if near else None
        missing = [module.problem for module in self._all_modules if module.problem]
        if missing:
            what = f"No thread-local variable is called {name} in the files that are here, but {'; '.join(missing[:3])}"
            return MissingFile(what, " ".join(filter(None, [suggestion, MissingFile.default_hint])))
        return UnknownName(f"No thread-local variable is called {name} in {len(self.modules)} modules", suggestion)

    def _near(self, name: str) -> list[str]:
        import difflib

        names = self.names()
        wanted = plain(_unquote(name)).lower()
        last: dict[str, str] = {}
        for known in names:
            last.setdefault(known.rsplit("::", 1)[-1].lower(), known)
        close = difflib.get_close_matches(wanted.rsplit("::", 1)[-1], last, n=3, cutoff=0.6)
        inside = [known for known in names if len(wanted) > 2 and wanted in known.lower()]
        return list(dict.fromkeys([last[match] for match in close] + inside))[:3]


def _means_file(typed: str, file: str) -> bool:
    base = os.path.basename(file)
    return (
        typed in (file, base)
        or base.startswith(typed + ".so")
        or (typed.endswith(".so") and base.startswith(typed + "."))
    )


def _without_aliases(found: Sequence[Candidate]) -> list[Candidate]:
    """Of several names for one place (a symbol and its alias), keeps the first."""
    places: dict[tuple[int, int], Candidate] = {}
    for candidate in found:
        places.setdefault((candidate.module.id, candidate.symbol.value), candidate)
    return list(places.values())
