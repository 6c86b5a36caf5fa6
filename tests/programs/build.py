"""Builds the test programs: `python3 build.py FOLDER`, with $CC and $CXX where they are set.

Standard library only. The targets are in `targets()`, one line each.
"""

from __future__ import annotations

import hashlib
import lzma
import os
import shlex
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

SOURCES = Path(__file__).resolve().parent
CC = shlex.split(os.environ.get("CC", "gcc"))
CXX = shlex.split(os.environ.get("CXX", "g++"))
MANY = 70
JOBS = 2

WARNINGS = ["-Wall", "-Wextra", "-Werror"]
DEBUG = ["-g", "-O1"]
LIBRARY = ["-shared", "-fPIC"]


@dataclass(frozen=True)
class Target:
    """One output file of one compiler run, and what is done to it afterwards."""

    output: str
    sources: tuple[str, ...]
    flags: tuple[str, ...] = ()
    debug: bool = True
    after: str = ""  # the name of a function below
    libraries: tuple[str, ...] = ()


def slots(output: str, prefix: str, *flags: str, debug: bool = True, after: str = "") -> Target:
    """A library made of slots.c, with PREFIX_buffer and PREFIX_count."""
    names = (f"-DBUFFER={prefix}_buffer", f"-DCOUNT={prefix}_count")
    return Target(output, ("slots.c",), (*LIBRARY, *names, *flags), debug, after)


def room(name: str, size: int, *flags: str, needs: str = "") -> Target:
    """A library that needs static TLS, and perhaps another one."""
    linked = f"-Wl,-soname,libroom_{name}.so,--no-as-needed,-rpath,$ORIGIN"
    flags = (*LIBRARY, f"-DNAME=room_{name}", f"-DSIZE={size}", linked, *flags)
    return Target(f"libroom_{name}.so", ("room.c",), flags, libraries=(f"libroom_{needs}.so",) if needs else ())


def program(output: str, *sources: str, libraries: tuple[str, ...] = (), flags: tuple[str, ...] = ()) -> Target:
    return Target(output, (*sources, "truth.c"), ("-pthread", *flags), libraries=libraries)


def with_macros() -> tuple[str, ...]:
    """What makes the compiler write the source's macros into the debug information."""
    return ("-g3", "-fdebug-macro") if "clang" in CC[0] else ("-g3",)


def meant(output: str, *flags: str) -> Target:
    """With link-time optimisation the symbol table names no source file."""
    libraries = ("libmeant_a.so", "libmeant_b.so", "meant.so")
    flags = (f'-DPROGRAM="{output}"', "-Wl,--no-as-needed", *flags)
    return program(output, "meant.cc", "meant_other.c", libraries=libraries, flags=flags)


def copies(name: str, *flags: str, libraries: tuple[str, ...] = ()) -> Target:
    """A library of copies.c."""
    flags = (*LIBRARY, f"-DNAME={name}", *flags)
    return Target(f"libcopies_{name}.so", ("copies_library.c",), flags, libraries=libraries)


def unique(name: str, *flags: str) -> Target:
    """A library of unique.cc; Clang has no -fno-gnu-unique, for it never makes STB_GNU_UNIQUE."""
    flags = tuple(flag for flag in flags if "clang" not in CXX[0])
    return Target(f"libunique_{name}.so", ("unique_library.cc",), (*LIBRARY, f"-DNAME={name}", *flags))


def libraries() -> list[Target]:
    return [
        *map(copies, ("first", "second")),
        copies("inner", "-DGROUPED=lonely"),
        copies("symbolic", "-Wl,-Bsymbolic"),
        copies("hidden", "-DHIDDEN"),
        copies("versioned", f"-Wl,--version-script={SOURCES / 'copies.map'}"),
        copies("user", "-DUSER", "-DGROUPED=lonely"),
        Target("libzoo_linked.so", ("zoo_linked.c",), tuple(LIBRARY)),
        slots("libearly.so", "early"),
        slots("liblate_gd.so", "late_gd"),
        slots("liblate_ie.so", "late_ie", "-ftls-model=initial-exec"),
        slots("liblate_desc.so", "late_desc", "-mtls-dialect=gnu2"),
        slots("liblate_big.so", "late_big", "-mtls-dialect=gnu2", "-DPADDING=65536"),
        slots("liblate_big_gd.so", "late_big_gd", "-DPADDING=65536"),
        *(room(str(size), size) for size in (16, 200, 300, 500, 600, 700, 900, 1400)),
        room("700b", 700),
        room("big", 4096),
        room("wide", 64, "-DALIGNED=4096"),
        room("under", 500),
        room("lent", 700, "-DDYNAMIC"),
        slots("libspace.so", "space"),
        slots("liblone.so", "lone"),
        slots("libclosed.so", "closed"),
        slots("libgone.so", "gone"),
        slots("libreopened.so", "reopened"),
        slots("liblast.so", "last"),
        slots("libcrowd.so", "crowd_half"),
        slots("libplain.so", "plain", debug=False),
        slots("libstripped.so", "stripped", after="strip"),
        slots("libsplit.so", "split", after="split_debug"),
        slots("libmini.so", "mini", after="minimal_debug"),
        slots("librelative.so", "relative"),
        slots("lib odd [b].so", "odd"),
        slots("libtwin_a.so", "twin"),
        slots("libtwin_b.so", "twin"),
        slots("meant.so", "twice"),
        *(Target(f"libmeant_{ab}.so", ("meant_library.cc",), (*LIBRARY, f"-DNAME=meant_{ab}")) for ab in "ab"),
        *(unique(name) for name in ("a", "b", "global")),
        *(unique(name, "-fno-gnu-unique") for name in ("weak_a", "weak_b")),
        Target("libexits.so", ("exits_library.cc",), tuple(LIBRARY)),
        Target("libexits_gone.so", ("exits_gone.c",), tuple(LIBRARY)),
        Target("libkey_owners.so", ("key_owners_library.c",), tuple(LIBRARY)),
        Target("libkey_owners_stripped.so", ("key_owners_library.c",), tuple(LIBRARY), after="strip"),
        *(
            Target(
                f"liblives{name}.so", ("lives_library.cc",), (*LIBRARY, f'-DWHOSE="liblives{name}.so::"'), after=after
            )
            for name, after in {"": "", "_stripped": "strip"}.items()
        ),
        Target("libblocker.so", ("blocker.c",), tuple(LIBRARY)),
        *(
            Target(f"libaccess{name}.so", ("access_library.c",), (*LIBRARY,), after=after)
            for name, after in {"": "", "_stripped": "strip"}.items()
        ),
        Target("libaccess_user.so", ("access_user.c",), tuple(LIBRARY)),
        Target("libzend_extension.so", ("zend_extension.c",), tuple(LIBRARY)),
        Target("libbroken.so", ("broken.c",), tuple(LIBRARY)),
        *(slots(f"libmany_{i:02}.so", f"many_{i:02}") for i in range(MANY)),
    ]


def outer_libraries() -> list[Target]:
    """Those that are linked with libraries."""
    flags = ("-Wl,--no-as-needed", "-DGROUPED=lonely")
    return [
        copies("outer", *flags, libraries=("libcopies_inner.so",)),
        copies("apart", *flags, libraries=("libcopies_user.so",)),
        room("over", 500, needs="under"),
        room("only", 16, "-DONLY_CALLS", needs="under"),
        room("whole", 16, "-DONLY_CALLS", needs="big"),
        room("borrows", 700, "-DBORROWS", needs="lent"),
    ]


def programs() -> list[Target]:
    zoo = ("zoo.cc", "zoo_values.cc", "zoo_names_a.cc", "zoo_names_b.cc", "zoo_names_c.c")
    return [
        program("zoo", *zoo, libraries=("libzoo_linked.so",)),
        *(meant(name, *flags) for name, flags in {"meant": (), "meant_lto": ("-flto",)}.items()),
        program("access", "access.c", libraries=("libaccess.so", "libaccess_user.so"), flags=("-rdynamic",)),
        program("budget", "budget.c"),
        program("ended", "ended.c"),
        program("exits", "exits.cc"),
        program("lives", "lives.cc", "lives_other.cc", "lives_waiting.cc"),
        Target("after", ("after.cc",), ("-pthread",)),
        program("key_owners", "key_owners.cc", libraries=("libkey_owners.so",)),
        program("key_owners_stripped", "key_owners.cc", libraries=("libkey_owners_stripped.so",)),
        program(
            "copies",
            "copies.c",
            libraries=tuple(f"libcopies_{one}.so" for one in ("first", "second", "symbolic", "hidden", "versioned")),
            flags=("-Wl,--no-as-needed",),
        ),
        Target("unmade", ("unmade.cc", "unmade_c.c"), ("-pthread",)),
        program("namespaces", "namespaces.c"),
        program("reuse", "reuse.c"),
        program("many", "many.c"),
        program("stuck", "stuck.c", flags=("-rdynamic",)),
        program("suspects", "suspects.c"),
        program("server", "server.c"),
        program("table", "table.c", flags=with_macros()),
        program("zend", "zend_threads.c", "zend.c"),
        program("files", "files.c"),
        program("hostile", "hostile.c"),
        program("keys", "keys.c"),
        program("odd", "odd.c", "odd_defined.c"),
        program("shapes", "shapes.cc"),
        program("containers", "containers.cc"),
        program("presence", "presence.cc"),
        program("unique", "unique.cc"),
        Target("numbers", ("numbers.c", "truth.c"), ("-pthread",), debug=False),
        program("texts", "texts.cc"),
        Target("crowd", ("crowd.c",), ("-pthread",)),
        Target("runs", ("runs.cc",), ("-pthread",)),
        Target("pools", ("pools.cc",), ("-pthread",)),
        Target("births", ("births.c",), ("-pthread",)),
        program("solo", "solo.c"),
        program("solo_static", "solo.c", flags=("-static",)),
        program("solo_own", "solo_own.cc", flags=("-static",)),
        Target("signals", ("signals.c",), ("-DOWN",)),
        Target("signals_without", ("signals.c",)),
    ]


def run(*command: object, may_warn: bool = False) -> None:
    finished = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    if finished.returncode != 0 or (finished.stderr and not may_warn):
        raise SystemExit(f"{shlex.join(str(word) for word in command)}\n{finished.stdout}{finished.stderr}")


def strip(file: Path) -> None:
    """Leaves the dynamic symbols only."""
    run("strip", "--strip-all", file)


def split_debug(file: Path) -> None:
    """Moves the debug information to a file of its own, beside the library."""
    debug = file.with_name(file.name + ".debug")
    run("objcopy", "--only-keep-debug", file, debug)
    run("strip", "--strip-all", file)
    run("objcopy", f"--add-gnu-debuglink={debug}", file)


def minimal_debug(file: Path) -> None:
    """Leaves a compressed symbol table in .gnu_debugdata, as Fedora's packages have it."""
    symbols = file.with_name(file.name + ".symbols")
    run("objcopy", "--only-keep-debug", file, symbols)
    run("strip", "--strip-debug", symbols)
    symbols.write_bytes(lzma.compress(symbols.read_bytes()))
    run("strip", "--strip-all", file)
    run("objcopy", "--add-section", f".gnu_debugdata={symbols}", file)
    symbols.unlink()


AFTER = {"strip": strip, "split_debug": split_debug, "minimal_debug": minimal_debug}


def build_one(target: Target, folder: Path) -> None:
    """Compiles a target's sources one by one (C as C, C++ as C++) and links them."""
    is_cxx = any(source.endswith(".cc") for source in target.sources)
    common = [*WARNINGS, *(DEBUG if target.debug else ["-O1"])]
    with tempfile.TemporaryDirectory() as objects:
        inputs = []
        for number, source in enumerate(target.sources):
            compiler = [*CXX, "-std=c++17"] if source.endswith(".cc") else [*CC, "-std=gnu11"]
            output = Path(objects) / f"{number}.o"
            compile_flags = [flag for flag in target.flags if not flag.startswith("-Wl,") and flag != "-shared"]
            run(*compiler, *common, *compile_flags, "-c", SOURCES / source, "-o", output)
            inputs.append(output)
        linked = [folder / library for library in target.libraries]
        link_flags = ["-Wl,--build-id", "-Wl,-rpath,$ORIGIN", *target.flags]
        # Before glibc 2.34 dlopen has a library of its own.
        # The linker warns of dlopen in a static program, where nobody calls it.
        static = "-static" in target.flags
        compiler = CXX if is_cxx else CC
        run(*compiler, *common, *link_flags, *inputs, *linked, "-ldl", "-o", folder / target.output, may_warn=static)
    if target.after:
        AFTER[target.after](folder / target.output)


def build(folder: Path) -> None:
    """Builds everything into the folder, which is made if it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(JOBS) as pool:
        for batch in (libraries(), outer_libraries(), programs()):  # the programs are linked with libraries
            list(pool.map(lambda target: build_one(target, folder), batch))


def key() -> str:
    """Changes when a source file, a compiler or this file does."""
    digest = hashlib.sha256()
    for source in sorted(SOURCES.iterdir()):
        if source.is_file():
            digest.update(source.name.encode() + b"\0" + source.read_bytes())
    for compiler in (CC, CXX):
        digest.update(subprocess.run([*compiler, "--version"], capture_output=True, check=True).stdout)
    return digest.hexdigest()[:16]


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    build(Path(sys.argv[1]))
