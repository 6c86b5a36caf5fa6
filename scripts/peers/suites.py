"""Which programs of the suites have thread-local variables, and how their makers build them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from peers.build import Product, Source

USES_TLS = re.compile(r"\b(__thread|thread_local|_Thread_local)\b")
GDB_LIBRARIES = {"tls-main": ["tls-shared"], "tls-so_extern_main": ["tls-so_extern"]}
GDB_PARTS = {"tls": ["tls2"], "tls-var-main": ["tls-var"]}
GDB_OPTIONS = {
    "tls": ("-x", "c++"),
    "tls2": ("-x", "c++"),
    "tls-nodebug": ("-g0",),
    "tls-nodebug-pie": ("-g0", "-fPIE"),
    "staticthreads": ("-DHAVE_TLS",),
}
GDB_LINKS = {
    "tls": ("-lstdc++",),
    "tls-nodebug-pie": ("-pie",),
    "gcore-tls-pie": ("-pie",),
    "staticthreads": ("-static",),
}

MANY, NAMED = "elf/tst-tls-manydynamicmod.c", "-DNAME=tls_global_{} -DSETTER=set_value_{} -DGETTER=get_value_{}"
# What glibc's Makefiles say in make's own language: a module that is built many times, and with which macros.
GLIBC_MANY = {
    "tst-tlsmod17a{}": ("elf/tst-tlsmod17a.c", 20, "-DN={}"),
    "tst-tlsmod18a{}": ("elf/tst-tlsmod18a.c", 20, "-DN={}"),
    "tst-tls-manydynamic{:02}mod": (MANY, 100, NAMED.replace("{}", "{0:02}")),
    "tst-tls-manydynamic{}mod-dep": (MANY, 20, NAMED.replace("{}", "{0}")),
    "tst-tls-manydynamic{}mod-dep-bad": (MANY, 15, NAMED.replace("{}", "{0}")),
}
GLIBC_GROUPS = {
    "$(tlsmod17a-modules)": "tst-tlsmod17a{}",
    "$(tlsmod18a-modules)": "tst-tlsmod18a{}",
    "$(tst-tls-many-dynamic-modules)": "tst-tls-manydynamic{:02}mod",
    "$(tst-tls-many-dynamic-modules:": "tst-tls-manydynamic{:02}mod",
    "$(tst-tls-many-dynamic-modules-dep:": "tst-tls-manydynamic{}mod-dep",
    "$(tst-tls-many-dynamic-modules-dep-bad:": "tst-tls-manydynamic{}mod-dep-bad",
}
GLIBC_HEADERS = ("include/array_length.h", "include/intprops.h", "sysdeps/x86/nptl/pthreaddef.h")
# Its own are not for a build outside of it; the tests only want the size and the alignment.
GLIBC_PTHREAD = """#pragma once
#define TCB_ALIGNMENT 16
struct pthread { char opaque[64]; } __attribute__((aligned(16)));
"""
GLIBC_FOLDERS = ("elf", "nptl", "sysdeps/pthread", "stdlib", "dlfcn")


def uses_tls(file: Path) -> bool:
    return bool(USES_TLS.search(file.read_text(encoding="utf-8", errors="replace")))


def gdb_products(source: Path) -> dict[str, Product]:
    """GDB's: every test program in which a thread-local variable is."""
    folder = source / "gdb" / "testsuite"
    files = {
        file.stem: file
        for file in sorted(folder.glob("gdb.*/*.c*"))
        if file.parent.name not in ("gdb.arch", "gdb.dwarf2")
    }
    wanted = {name for name, file in files.items() if uses_tls(file)} | set(GDB_LIBRARIES) | set(GDB_PARTS)
    inner = {one for parts in GDB_PARTS.values() for one in parts}
    libraries = {one for parts in GDB_LIBRARIES.values() for one in parts}
    found: dict[str, Product] = {}
    for name in sorted(wanted - inner):
        file = name + ".so" if name in libraries else name
        parts = tuple(Source(files[one], GDB_OPTIONS.get(one, ())) for one in [name, *GDB_PARTS.get(name, [])])
        needs = tuple(one + ".so" for one in GDB_LIBRARIES.get(name, []))
        found[file] = Product(file, parts, needs, links=("-pthread", *GDB_LINKS.get(name, ())))
    return found


def glibc_products(source: Path) -> dict[str, Product]:
    """glibc's: its tests in which a thread-local variable is, or that open a module with one."""
    found: dict[str, Product] = {}
    for folder in GLIBC_FOLDERS:
        made = _glibc_folder(source, folder)
        for name in set(made) & set(found):  # elf/tst-tls3 and nptl/tst-tls3
            made[f"{Path(folder).name}-{name}"] = made.pop(name)._replace(name=f"{Path(folder).name}-{name}")
        found.update(made)
    return found


def _glibc_folder(source: Path, folder: str) -> dict[str, Product]:
    makefile = (source / folder / "Makefile").read_text(encoding="utf-8")
    files = {file.stem: file for file in sorted((source / folder).glob("tst-*.c*"))}
    needs: dict[str, list[str]] = defaultdict(list)
    wants: dict[str, list[str]] = defaultdict(list)
    for target, is_to_run, words in _rules(makefile):
        (wants if is_to_run else needs)[target].extend(words)
    options: dict[str, list[str]] = defaultdict(list)
    for name, value in re.findall(r"^(?:CFLAGS|LDFLAGS)-(\S+?) \+?= *(.*)$", makefile, re.M):
        options[re.sub(r"\.(c|cc|o)$", "", name)] += [word for word in value.split() if "$" not in word]
    found: dict[str, Product] = {}
    for pattern, (file, count, macros) in GLIBC_MANY.items():
        for number in range(count if file.startswith(folder + "/") else 0):
            name = pattern.format(number) + ".so"
            one = Source(source / file, tuple(macros.format(number).split()))
            found[name] = Product(name, (one,), _libraries(needs[name]))
    named = set(re.findall(r"[\w-]+", makefile))
    for name, file in files.items():
        own = Source(file, tuple(word for word in options[name] if word.startswith(("-m", "-f", "-std"))))
        library = name + ".so"
        if library in needs or re.search(r"mod(?!id)[\w-]*$|-lib$|-vars$", name):
            links = tuple(options[library])
            found[library] = Product(library, (own,), _libraries([*needs[name], *needs[library]]), links=links)
        elif name in named:  # else it is left over from a test that is built no more
            objects = tuple(Source(files[one[:-2]]) for one in needs[name] if one.endswith(".o") and one[:-2] in files)
            links = tuple(word for word in options[name] if word.startswith(("-Wl", "-r")))
            links += ("-static",) * ("-static" in name) + ("-no-pie",) * ("non-pie" in name)
            parts, opened = (own, *objects), _libraries(wants[name])
            found[name] = Product(name, parts, _libraries(needs[name]), opened, ("-pthread", "-ldl", *links))
    tls = {name for name, one in found.items() if "tls" in name or any(uses_tls(part.file) for part in one.sources)}
    return {name: one for name, one in found.items() if one.is_library or tls & {name, *one.needs, *one.wants}}


def _libraries(names: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in names if name.endswith(".so")))


def _rules(makefile: str) -> Iterator[tuple[str, int, list[str]]]:
    """Target, whether it is needed for running (1) or for linking (0), and the products that are needed."""
    text = makefile.replace("\\\n", " ")
    for target, ending, words in re.findall(r"^\$\(objpfx\)(tst-[\w-]+(?:\.so)?)(\.out)? ?:(?!=)(.*)$", text, re.M):
        needed = re.findall(r"\$\(objpfx\)(tst-[\w-]+(?:\.so|\.o|\b))", words)
        for group, pattern in GLIBC_GROUPS.items():
            if group in words:
                needed += [pattern.format(number) + ".so" for number in range(GLIBC_MANY[pattern][1])]
        yield target, int(bool(ending)), [one for one in needed if one != target]


def glibc_headers(source: Path, folder: Path) -> list[str]:
    """Options for the few headers of glibc's own that its tests include; the others are the system's."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("support", "test-skeleton.c", *GLIBC_HEADERS):
        place = folder / Path(name).name
        if not place.is_symlink():
            place.symlink_to(source / name)
    for name in ("descr.h", "pthreadP.h"):
        (folder / name).write_text(GLIBC_PTHREAD)
    wanted = re.findall(r"please -D(\w+)", (source / "support" / "support_paths.c").read_text(encoding="utf-8"))
    paths = [f'-D{name}="/nowhere"' for name in wanted]
    return [f"-I{folder}", f"-I{folder}/support", *paths, "-D_GNU_SOURCE", "-Dattribute_hidden=", "-DTIMEOUTFACTOR=1"]
