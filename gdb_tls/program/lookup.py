"""From the name that a user types to the variable that is meant, or the error that says what to type."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import partial

from gdb_tls.errors import AmbiguousName, MissingFile, NotThreadLocal, UnknownName
from gdb_tls.program.module_symbols import Candidate, is_stripped
from gdb_tls.program.names import (
    COMMON_BLOCK,
    OPTIMISED,
    SUFFIXES,
    PlaceName,
    Query,
    comparable,
    is_glob,
    is_helper,
    is_without_case,
    last_word,
    nim_names,
    place_name,
    queries,
    source_name,
    spellings,
    split_path,
)
from gdb_tls.program.places import candidate_at, nameless
from gdb_tls.program.runtimes import is_of_a_language, is_of_static_libc
from gdb_tls.target.model import Module, Variable
from gdb_tls.target.protocol import Target
from gdb_tls.tuples import NamedTuple

MOST_LISTED = 10
MOST_STRIPPED = 3
RUNTIME_NAMESPACE = r"<?(std|core|alloc|__gnu_cxx|__cxxabiv1)(\[\w+\])?::"


class Found(NamedTuple):
    """The variable that a name means.

    Attributes:
        variable: it.
        path: the path into it that followed the name; empty where there is none.
        left_out: what to type for each other variable of that name, which was not meant; the first of many.
        copies: what to type for its other definitions, which no code uses; the first of many.
        used_instead: where no code uses it: what to type for the definition that is used.
        more: how many there are besides, left out and copies.
    """

    variable: Variable
    path: str
    left_out: Sequence[str] = ()
    copies: Sequence[str] = ()
    used_instead: str = ""
    more: tuple[int, int] = (0, 0)


# In musl no symbol tells of these (src/internal/pthread_impl.h, errno_val, h_errno_val; src/errno/__errno_location.c).
OF_THE_THREAD = ("errno", "h_errno")
IN_MUSL = (
    "On musl {name} is in each thread's own structure, which no symbol describes: in a live process, gdb's "
    "`print *(int *) __{name}_location()` asks the function that knows where."
)


class _Named(NamedTuple):
    """A variable with its names, and how well the wanted name fits them: the smaller, the better."""

    candidate: Candidate
    demangled: str
    spellings: Sequence[str]
    rank: tuple[bool, int] = (False, 0)


class Lookup:
    """Finds variables of some modules by name."""

    def __init__(
        self,
        target: Target,
        modules: Sequence[Module],
        candidates: Sequence[Candidate],
        unused: Mapping[Candidate, Candidate],
        variable: Callable[[Candidate], Variable],
    ) -> None:
        """Takes the debugger, the modules, their variables, those that no code uses, and what tells more of one."""
        self._target = target
        self._modules = modules
        self._candidates = candidates
        self._unused = unused
        self._variable = variable

    def find(self, text: str) -> Found:
        """Finds the one variable that a name means, or a place (`MODULE+0xOFFSET`).

        What the selected frame sees comes first, as in the debugger; then the variables of the program come before
        those of its languages' libraries.

        Raises:
            UnknownName, NotThreadLocal, AmbiguousName, MissingFile: where there is not exactly one.
            BadArgument: for a place that is in no block.
        """
        place = place_name(text)
        at_place = (self._emulated_at(place) or candidate_at(self._target, self._modules, place)) if place else None
        if place and at_place:
            return self._found(at_place, place.path)
        if is_glob(text):
            found = self.matching(text)
            if len(found) == 1:
                return Found(self._variable(found[0]), "")
            if found:
                raise self._ambiguous(Query(text, text, "", ""), found)
        query, meant, others = self._meant(text)
        if query is None:
            part = self._part_in_frame(text)
            if part is not None:
                return part
            raise self._not_found(text)
        if len(meant) > 1:
            raise self._ambiguous(query, meant)
        return self._found(meant[0], query.path, others if not query.scope else ())

    def _emulated_at(self, place: PlaceName) -> Candidate | None:
        """The variable of emulated TLS that is called after the place of its control variable."""
        name = f"{place.module}+0x{place.offset:x}"
        return next((one for one in self._candidates if one.symbol.emulated and one.symbol.name == name), None)

    def meaning(self, text: str) -> Found | None:
        """The variable that a word in an expression means; None where it is no thread-local variable.

        What the selected frame means by it, and what else is called just so, comes before a variable of which it is
        only the last part: `total` is no `Pool::total` where the program has a variable `total` that is no thread's.

        Raises:
            AmbiguousName: where it may be several.
        """
        query, meant, _ = self._meant(text)
        if query is None:
            return None
        debug = self._target.debug
        if not query.scope and (
            debug.is_local(query.name) or (self._is_part(query, meant) and debug.what_is(query.name))
        ):
            return None
        if len(meant) > 1:
            raise self._ambiguous(query, meant)
        return self._found(meant[0], query.path)

    def _is_part(self, query: Query, meant: Sequence[Candidate]) -> bool:
        """Whether a name is only the end of the full names of those that it may mean."""
        wanted = comparable(query.name)
        return not any(wanted in spellings(one.symbol.name, name) for one, name in zip(meant, self._demangled(meant)))

    def _found(self, meant: Candidate, path: str, left_out: Sequence[Candidate] = ()) -> Found:
        copies = [one for one, used in self._unused.items() if used == meant]
        return Found(
            self._variable(meant),
            path,
            [self.exact_text(one) for one in left_out[:MOST_LISTED]],
            [self.exact_text(one) for one in copies[:MOST_LISTED]],
            self.exact_text(self._unused[meant]) if meant in self._unused else "",
            (max(len(left_out) - MOST_LISTED, 0), max(len(copies) - MOST_LISTED, 0)),
        )

    def copies_of(self, found: Found) -> list[Found]:
        """See `Symbols.copies_of`."""
        place = (found.variable.module.id, found.variable.offset)
        return [
            self._found(one, found.path)
            for one, used in self._unused.items()
            if (used.module.id, used.symbol.value) == place
        ]

    def matching(self, pattern: str) -> list[Candidate]:
        """All in use whose names, or the ends of these after a `::`, a glob matches, by place."""
        glob = comparable(pattern)
        places: dict[tuple[int, int], Candidate] = {}
        named = zip(self._candidates, self._demangled(self._candidates))
        for one, name in named:
            fits = any(
                fnmatchcase(spelling, glob) or fnmatchcase(spelling, f"*::{glob}")
                for spelling in spellings(one.symbol.name, name)
            )
            if fits and one not in self._unused and not is_helper(one.symbol.name):
                places.setdefault((one.module.id, one.symbol.value), one)
        return [one for _, one in sorted(places.items())]

    def _meant(self, text: str) -> tuple[Query | None, Sequence[Candidate], Sequence[Candidate]]:
        """How a text is to be read, the variables that it may mean, and the others that are called so."""
        # NAME@0xOFFSET: of two statics in files of one name, the one that is there in the block.
        at = re.search(r"@(0x[0-9a-f]+)(?=$|->|\.|\[)", text)
        for query in queries(text[: at.start()] + text[at.end() :] if at else text):
            found = [one for one in self._matching(query) if not at or one.candidate.symbol.value == int(at[1], 16)]
            found = [one for one in found if one.candidate not in self._unused] or found
            if found:
                best = min(one.rank for one in found)
                meant = self._seen(query, found) or [one.candidate for one in found if one.rank == best]
                return query, meant, [one.candidate for one in found if one.candidate not in meant]
        return None, (), ()

    def _part_in_frame(self, text: str) -> Found | None:
        """What has no symbol, but is known in the selected frame: a member of a Fortran common block."""
        for query in queries(text):
            seen = self._target.debug.part_in_frame(query.name) if not query.scope else None
            if seen is None or seen.symbol.type is None:
                continue
            path = os.path.realpath(seen.object_path)
            for module in self._modules:
                if module.path and not module.emulated and os.path.realpath(module.path) == path:
                    size = seen.symbol.type.size
                    one = nameless(module, seen.offset, self._target.architecture.pointer_size, size)
                    name, kind, file, line, symbol = seen.symbol
                    known = self._variable(one)._replace(name=name, type=kind, line=line, debugger_symbol=symbol)
                    source = self._target.debug.source
                    return Found(known._replace(file=os.path.basename(file), source=source), query.path)
        return None

    # Which are called so

    def _matching(self, query: Query) -> list[_Named]:
        """All that the name fits in some way, without aliases of one place."""
        likely = self._likely(query.name)
        if query.scope:
            likely = self._in_scope_of(query.scope, likely)
        fitting = [one for one in map(partial(_ranked, query.name), likely) if one] or self._in_function(
            query.name, likely
        )
        places: dict[tuple[int, int], _Named] = {}
        if any(_is_less_an_end(query.name, one) for one in fitting):  # only gfortran adds what is not typed
            fitting = [
                one for one in fitting if not _is_less_an_end(query.name, one) or self._is_common_block(one.candidate)
            ]
        if any(_is_as_in_nim(query.name, one) for one in fitting):
            fitting = [one for one in fitting if not _is_as_in_nim(query.name, one) or self._is_nim(one.candidate)]
        for one in sorted(fitting, key=lambda one: one.rank):
            places.setdefault((one.candidate.module.id, one.candidate.symbol.value), one)
        return list(places.values())

    def _is_common_block(self, candidate: Candidate) -> bool:
        """Whether a symbol may be that of a Fortran common block, as far as its name and its source file tell."""
        if not COMMON_BLOCK.fullmatch(candidate.symbol.name):
            return False
        file = candidate.symbol.file or self._variable(candidate).file
        return not file or is_without_case("", file)

    def _is_nim(self, candidate: Candidate) -> bool:
        """Whether a symbol is of a file that Nim's compiler has written (NAME.nim.c)."""
        return ".nim" in (candidate.symbol.file or self._variable(candidate).file)

    def _likely(self, name: str) -> list[_Named]:
        """Those that the rest is worth trying on."""
        word = last_word(name).lower()
        likely = [
            one
            for one in self._candidates
            if one.symbol.name == name
            or (word and (word in one.symbol.name.lower() or one.symbol.name.startswith(("_R", "_D"))))
        ]
        demangled = self._demangled(likely)
        return [_Named(one, name, spellings(one.symbol.name, name)) for one, name in zip(likely, demangled)]

    def _in_function(self, name: str, likely: Sequence[_Named]) -> list[_Named]:
        """A C function's static variable: the symbol table has `counter.0`, people type `function::counter`."""
        function, _, last = comparable(name).replace(".", "::").rpartition("::")
        if not function:
            return []
        return [one for one in likely if last in one.spellings and self._function_of(one.candidate) == function]

    def _function_of(self, candidate: Candidate) -> str:
        """The C function that a variable is a static one of; other languages have it in the name."""
        symbol, path = candidate.symbol, candidate.module.path
        return self._target.debug.function_of(symbol, path) if path and SUFFIXES.search(symbol.name) else ""

    def _in_scope_of(self, scope: str, likely: Sequence[_Named]) -> list[_Named]:
        """Those of a module or file: what is called exactly so, before what is called so without version or suffix."""
        for means in (_is_called, _means_file):
            in_module = [one for one in likely if means(scope, one.candidate.module.name)]
            in_file = [one for one in likely if any(means(scope, file) for file in self._files_of(one.candidate))]
            if in_module or in_file:
                return in_module or in_file
        return [one for one in likely if scope.isdecimal() and one.candidate.module.id == int(scope)]

    def _files_of(self, candidate: Candidate) -> list[str]:
        """The source files that a variable may be said to be of: the one compiled, and the one that has its line."""
        # Global symbols have no STT_FILE row, and of link-time optimisation it names a temporary file.
        files = (candidate.symbol.file, self._variable(candidate).file)
        return list(dict.fromkeys(os.path.basename(one) for one in files if one and not one.startswith("<")))

    def _demangled(self, candidates: Sequence[Candidate]) -> list[str]:
        return self._target.debug.demangle([candidate.symbol.name for candidate in candidates])

    def _seen(self, query: Query, found: Sequence[_Named]) -> list[Candidate]:
        """The one that the selected frame means by the name."""
        seen = self._target.debug.in_frame(query.name) if len(found) > 1 and not query.scope else None
        if seen is None:
            return []
        place = os.path.basename(seen.file), seen.line
        described = [(one.candidate, self._variable(one.candidate)) for one in found]
        here = [one for one, variable in described if (variable.file, variable.line) == place]
        return here if len(here) == 1 else []

    # Errors

    def _ambiguous(self, query: Query, found: Sequence[Candidate]) -> AmbiguousName:
        texts = [f"{self.exact_text(candidate)}{query.path}" for candidate in found[:MOST_LISTED]]
        more = f", and {len(found) - MOST_LISTED} more" if len(found) > MOST_LISTED else ""
        return AmbiguousName(
            f"{len(found)} thread-local variables are called {query.name}",
            f"Type one of: {', '.join(texts)}{more}.",
            texts,
        )

    def exact_text(self, candidate: Candidate) -> str:
        """What to type so that just this one is meant, whatever frame is selected; tried before it is said."""
        symbol, module = candidate.symbol, candidate.module
        demangled = self._demangled([candidate])[0]
        name = source_name(symbol.name, demangled)
        bare = SUFFIXES.sub("", name)
        function = self._function_of(candidate)
        texts = [f"{function}::{bare}"] if function else [bare]
        if demangled != symbol.name:  # parameters may tell it from others: f(int)::counter
            texts.append(demangled)
        if not is_of_a_language(module.name):
            texts += [f"'{file}'::{one}" for file in self._files_of(candidate) for one in (bare, name)]
        texts.append(name)
        texts += [f"{module.name}::{one}" for one in (bare, name)]
        texts += [f"{module.name}::{symbol.name}@0x{symbol.value:x}", f"{module.id}::{name}"]
        return next(
            (text for text in texts if self._means_just(text, candidate)),
            texts[-2].replace(module.name, f"{module.id}", 1),
        )

    def _means_just(self, text: str, candidate: Candidate) -> bool:
        meant = self._meant(text)[1]
        return len(meant) == 1 and (meant[0].module.id, meant[0].symbol.value) == (
            candidate.module.id,
            candidate.symbol.value,
        )

    def _not_found(self, text: str) -> Exception:
        name = split_path(text)[0]
        place = place_name(text)
        if place and (".so" in place.module or place.module.isdecimal()):
            names = ", ".join(f"{module.name} ({module.id})" for module in self._modules)
            what = f"No module with thread-local storage is called {place.module}"
            return UnknownName(what, f"There are: {names}.")
        for query in queries(text):
            what_is = self._target.debug.what_is
            known = what_is(query.name) or (what_is(f"'{query.scope}'::{query.name}") if query.scope else None)
            if known:
                other = "" if known.is_thread_local else ", not a thread-local variable"
                return NotThreadLocal(f"{query.name} is {known.what}{other}", known.hint)
        near = self._near(name)
        suggestion = f"Did you mean {_one_of(near)}?" if near else None
        missing = [module.problem for module in self._modules if module.problem]
        if missing:
            what = f"No thread-local variable is called {name} in the files that are here, but {'; '.join(missing[:3])}"
            return MissingFile(what, " ".join(filter(None, [suggestion, MissingFile.default_hint])), near)
        if name in OF_THE_THREAD:
            suggestion = IN_MUSL.format(name=name)
        if not self._modules:
            what = f"No thread-local variable is called {name}, as no file with thread-local storage is loaded (yet)"
            return UnknownName(what, suggestion, near)
        blocks = [one.symbol.name for one in self._candidates if self._is_common_block(one)]
        if blocks and not suggestion:
            suggestion = (
                f"A member of a Fortran common block has no symbol of its own: select a frame that sees it, or inspect "
                f"the block, like {blocks[0]}."
            )
        modules = len({one.module.object for one in self._candidates})
        own = [one for one in self._modules if not is_of_a_language(one.name)]
        stripped = [one.name for one in own if is_stripped(one, self._target.debug)]
        if stripped:
            more = f" and {len(stripped) - MOST_STRIPPED} more" if len(stripped) > MOST_STRIPPED else ""
            gone = f"Stripped, so not all of their names are known: {', '.join(stripped[:MOST_STRIPPED])}{more}."
            suggestion = f"{suggestion} {gone}" if suggestion else gone
        return UnknownName(
            f"No thread-local variable is called {name} in {modules} module{'s' * (modules != 1)}", suggestion, near
        )

    def _near(self, name: str) -> list[str]:
        import difflib

        wanted = comparable(name.strip("'\"")).lower()
        by_name: dict[str, Candidate] = {}
        candidates = [one for one in self._candidates if not is_helper(one.symbol.name)]
        for candidate, demangled in zip(candidates, self._demangled(candidates)):
            by_name.setdefault(source_name(candidate.symbol.name, demangled), candidate)
        last: dict[str, list[str]] = {}
        for known in sorted(by_name):
            last.setdefault(last_word(known).lower(), []).append(known)
        close = []
        for word in difflib.get_close_matches(last_word(wanted), last, n=3, cutoff=0.6):
            # Of those that end alike, what is the same but for template arguments, or most like all that was typed.
            same = [known for known in last[word] if _without_arguments(known.lower()) == _without_arguments(wanted)]
            words = set(re.findall(r"\w+", wanted))
            most = max(len(words & {*re.findall(r"\w+", known.lower())}) for known in last[word])
            alike = [known for known in last[word] if len(words & {*re.findall(r"\w+", known.lower())}) == most]
            close += same or difflib.get_close_matches(wanted, alike, n=1, cutoff=0)
        inside = [known for known in sorted(by_name) if len(wanted) > 2 and wanted in known.lower()]
        names = list(dict.fromkeys(close + inside))[:3]
        return [self.exact_text(by_name[one]) for one in names]


def _ranked(name: str, one: _Named) -> _Named | None:
    """The variable with how well a name fits it; None where it does not."""
    linkage = one.candidate.symbol.name
    exact = name in (linkage, one.demangled, OPTIMISED.sub("", linkage))
    if is_helper(linkage):
        return one if exact else None
    wanted = comparable(name)
    lower, dotless = wanted.lower(), wanted.replace(".", "::").lower()
    fits = (
        exact,
        wanted in one.spellings,
        _ends(one.spellings, wanted),
        is_without_case(linkage, one.candidate.symbol.file) and _ends(one.spellings, lower),
        dotless != lower and _ends([spelling.replace(".", "::").lower() for spelling in one.spellings], dotless),
    )
    return one._replace(rank=(_is_runtime(one), fits.index(True))) if True in fits else None


def _without_arguments(name: str) -> str:
    """A name without template arguments."""
    before = ""
    while before != name:
        before, name = name, re.sub(r"<[^<>]*>", "", name)
    return name


def _one_of(names: Sequence[str]) -> str:
    return " or ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _is_less_an_end(name: str, one: _Named) -> bool:
    """Whether a name fits a symbol only without the underscore at its end."""
    return one.candidate.symbol.name == f"{comparable(name).lower()}_" and comparable(name) != one.demangled


def _is_as_in_nim(name: str, one: _Named) -> bool:
    """Whether a name fits a symbol only if it is Nim's."""
    wanted = comparable(name).replace(".", "::").lower()
    return wanted in [known.lower() for known in nim_names(one.candidate.symbol.name)]


def _ends(spellings: Sequence[str], wanted: str) -> bool:
    return any(one == wanted or one.endswith("::" + wanted) for one in spellings)


def _is_runtime(one: _Named) -> bool:
    """Whether a variable is of a language's library, which may be in the executable itself."""
    symbol = one.candidate.symbol
    in_libc = f"{symbol.name}@{os.path.splitext(os.path.basename(symbol.file))[0]}"
    return (
        is_of_a_language(one.candidate.module.name)
        or bool(re.match(RUNTIME_NAMESPACE, one.demangled))
        or is_of_static_libc(in_libc)
    )


def _is_called(typed: str, file: str) -> bool:
    return typed in (file, os.path.basename(file))


def _means_file(typed: str, file: str) -> bool:
    base = os.path.basename(file)
    return base.startswith(typed + ".so") or (typed.endswith(".so") and base.startswith(typed + "."))
