"""Builds the programs of the suites, each source with functions at its end that give its variables' addresses.

    extern __thread char peer_0_of_... asm("counter.0");
    static void *peer_address_0_of_...(void) { return &peer_0_of_...; }

The compiler's code computes the address, in whichever thread calls it, by the access model that it chooses for this
source.  The assembler's name reaches what C cannot name here: statics of functions, private members.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import subprocess
from collections.abc import Container, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

SECONDS = 120
FUNCTION = "peer_address_"
ALIAS = "peer_alias_"


class Variant(NamedTuple):
    """How all programs are built once: a name, the compilers and their options, and the linker's."""

    name: str
    c: str
    cxx: str
    options: tuple[str, ...]
    links: tuple[str, ...] = ()


class Source(NamedTuple):
    """One source file, and the options that it is compiled with."""

    file: Path
    options: tuple[str, ...] = ()


class Product(NamedTuple):
    """A program or a library.

    Attributes:
        name: its file's name.
        sources: what it is made of.
        needs: names of the libraries that it is linked with.
        wants: names of the libraries that it opens while it runs.
        links: further options for the linker.
    """

    name: str
    sources: tuple[Source, ...]
    needs: tuple[str, ...] = ()
    wants: tuple[str, ...] = ()
    links: tuple[str, ...] = ()

    @property
    def is_library(self) -> bool:
        return self.name.endswith(".so")


class CannotBuild(Exception):
    """With the compiler's first complaint."""


def run(command: Iterable[object], folder: Path) -> str:
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words, cwd=folder, capture_output=True, text=True, errors="replace", timeout=SECONDS, check=False
        )
    except (FileNotFoundError, subprocess.TimeoutExpired) as error:
        raise CannotBuild(str(error)) from None
    if done.returncode:
        lines = done.stderr.splitlines()
        raise CannotBuild(next((line for line in lines if re.search("error|undefined", line)), done.stderr[-200:]))
    return done.stdout


def symbols(file: Path, kind: str) -> dict[str, int]:
    """Name -> value of the symbols of one type (TLS, FUNC) that a file defines; the first of each name."""
    found: dict[str, int] = {}
    for line in run(["readelf", "-sW", file], file.parent).splitlines():
        words = line.split()
        if len(words) >= 8 and words[3] == kind and words[6] != "UND":
            found.setdefault(words[7].split("@")[0], int(words[1], 16))
    return found


def addition(names: Sequence[str], unit: str, aliased: Container[str] = ()) -> str:
    """The source text that gives the addresses of the variables of these symbols.

    Args:
        names: the symbols.
        unit: makes the names of the functions unique.
        aliased: those which the assembler has to give a second name: once clang has seen the name of a function's
            static variable, it calls that variable otherwise.
    """
    lines = ["\n"]
    for number, name in enumerate(names):
        tail = f"{number}_of_{unit}"
        symbol = name
        if name in aliased:
            symbol = f"{ALIAS}{tail}"
            lines.append(f'__asm__(".set {symbol}, {name}\\n.type {symbol}, %tls_object");')
        lines += [
            f'extern __thread char peer_{tail} __asm__("{symbol}");',
            f'static void *{FUNCTION}{tail}(void) __asm__("{FUNCTION}{tail}");',
            f"__attribute__((used, noinline)) static void *{FUNCTION}{tail}(void) {{ return &peer_{tail}; }}",
        ]
    return "\n".join(lines) + "\n"


class Builder:
    """Builds in one folder, each product once; keeps which functions give whose address."""

    def __init__(
        self,
        folder: Path,
        variant: Variant,
        products: dict[str, Product],
        includes: Sequence[str],
        archive: Sequence[str] = (),
    ) -> None:
        self.folder = folder
        self.variant = variant
        self.products = products
        self.includes = includes
        self.names: dict[str, str] = {}  # function -> the variable's symbol
        self.functions: dict[str, list[str]] = {}  # product -> functions of its own sources
        self.archive = list(archive)
        self._problems: dict[str, str] = {}
        self._linked: set[str] = set()
        self._objects: dict[tuple[str, Source], Path | CannotBuild] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def compile(self, names: Iterable[str], jobs: int) -> None:
        """Compiles what some products are made of, several at a time; failures show when they are linked."""
        every = {name: None for top in names for name in [top, *self.libraries(top)] if name in self.products}
        pairs = [(self.products[name], source) for name in every for source in self.products[name].sources]

        def one(pair: tuple[Product, Source]) -> None:
            with contextlib.suppress(CannotBuild):
                self._object(*pair)

        with ThreadPoolExecutor(jobs) as pool:
            list(pool.map(one, pairs))

    def libraries(self, name: str) -> list[str]:
        """All libraries that a program may have, its libraries' own too."""
        found: dict[str, None] = {}
        left = [name]
        while left:
            product = self.products.get(left.pop(0))
            for one in (*product.needs, *product.wants) if product else ():
                if one not in found:
                    found[one] = None
                    left.append(one)
        return list(found)

    def product(self, name: str) -> Path:
        """Builds it and what it takes.

        Raises:
            CannotBuild: where one of them cannot be built.
        """
        if name in self._problems:
            raise CannotBuild(self._problems[name])
        if name not in self._linked:
            try:
                self._make(self.products[name])
            except (CannotBuild, KeyError) as error:
                self._problems[name] = f"{name}: {error}"
                raise CannotBuild(self._problems[name]) from None
            self._linked.add(name)
        return self.folder / name

    def addresses(self, name: str) -> list[tuple[int, str, int]]:
        """Of each function of a built file: its address there, and the variable's symbol and offset."""
        file = self.folder / name
        offsets, functions = symbols(file, "TLS"), symbols(file, "FUNC")
        return [
            (address, self.names[function], offsets[self.names[function]])
            for function, address in functions.items()
            if function in self.names and self.names[function] in offsets
        ]

    def _make(self, product: Product) -> None:
        self.functions.setdefault(product.name, [])
        needs = [self.product(name) for name in product.needs]
        for name in product.wants:
            self.product(name)
        objects = [self._object(product, source) for source in product.sources]
        is_cxx = any(source.file.suffix != ".c" for source in product.sources)
        kind = ["-shared", f"-Wl,-soname,{product.name}"] if product.is_library else ["-rdynamic"]
        paths = [f"-L{self.folder}", f"-Wl,-rpath,{self.folder}", "-Wl,--no-as-needed"]
        libraries = [f"-l:{need.name}" for need in needs]
        own = [] if product.is_library and "-nostdlib" in product.links else self.archive
        command = [self.variant.cxx if is_cxx else self.variant.c, *self.variant.options, *kind, *objects, *paths]
        run(
            [*command, *libraries, *own, *self.variant.links, *product.links, "-o", self.folder / product.name],
            self.folder,
        )

    def _object(self, product: Product, source: Source) -> Path:
        key = product.name, source
        if key not in self._objects:
            try:
                self._objects[key] = self._compile(source, product)
            except CannotBuild as error:
                self._objects[key] = error
        found = self._objects[key]
        if isinstance(found, CannotBuild):
            raise found
        return found

    def _compile(self, source: Source, product: Product) -> Path:
        """Compiles a source twice: without the addition, to see its variables, and with it."""
        unit = re.sub(r"\W", "_", f"{source.file.stem}_{hashlib.sha256(product.name.encode()).hexdigest()[:8]}")
        compiler = self.variant.c if source.file.suffix == ".c" else self.variant.cxx
        # The same text without and with, in a file of the same name, so that the compiler makes the same names.
        text = f'#line 1 "{source.file}"\n{source.file.read_text(encoding="utf-8", errors="replace")}'
        made, copy = self.folder / f"{unit}.o", self.folder / f"{unit}{source.file.suffix}"
        place = ["-fPIC"] * product.is_library
        options = [
            "-g",
            "-w",
            *self.variant.options,
            *place,
            *source.options,
            *self.includes,
            f"-I{source.file.parent}",
        ]
        command = [compiler, *options, "-c", copy, "-o", made]
        copy.write_text(text, encoding="utf-8")
        run(command, self.folder)
        names = list(symbols(made, "TLS"))
        self.functions.setdefault(product.name, []).extend(
            [name for name in symbols(made, "FUNC") if re.fullmatch(r"\w+", name)]
        )
        if names:
            copy.write_text(text + addition(names, unit), encoding="utf-8")
            run(command, self.folder)
            unknown = set(names) - set(symbols(made, "TLS"))
            if unknown:
                copy.write_text(text + addition(names, unit, unknown), encoding="utf-8")
                run(command, self.folder)
            self.names.update({f"{FUNCTION}{number}_of_{unit}": name for number, name in enumerate(names)})
        return made


def support(folder: Path, sources: Iterable[Path], variant: Variant, includes: Sequence[str], jobs: int) -> list[str]:
    """An archive of what can be compiled of a suite's own support code; what is missed shows at the linking."""
    archive = folder / "support.a"
    if archive.exists():
        return [str(archive)]
    folder.mkdir(parents=True, exist_ok=True)

    def one(source: Path) -> None:
        command = [variant.c, "-c", source, "-w", "-g", *variant.options, "-fPIC", *includes]
        with contextlib.suppress(CannotBuild):
            run([*command, "-o", folder / f"{source.stem}.o"], folder)

    with ThreadPoolExecutor(jobs) as pool:
        list(pool.map(one, sources))
    run(["ar", "rcs", "new.a", *sorted(folder.glob("*.o"))], folder)
    (folder / "new.a").rename(archive)
    return [str(archive)]
