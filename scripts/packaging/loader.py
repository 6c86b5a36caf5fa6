#!/usr/bin/env python3
"""gdb-tls @VERSION@ in one file: copy it to where it is needed; nothing has to be installed.

    in gdb, 10 or newer with Python 3.9 or newer:   source gdb-tls.py
    in a shell:                                     python3 gdb-tls.py core FILE

The packages in it (@CONTENTS@) are imported from memory:
nothing is unpacked, and nothing outside this file is written or asked for. Made by scripts/bundle.
"""

# This part must be understood by the oldest Python that a GDB may bring, long enough to say that it is too old.

import gc
import os
import sys


class _Archive(object):
    """Imports modules from this file; their files are called FILE/PACKAGE/MODULE.py, as if this were a folder.

    Of each of its files it has a comment, as Python passes over those the fastest: "#:", the name, and its
    zlib-compressed bytes in base64. Where they are says the last line but one, in pairs of a name and how many bytes
    before its own beginning the comment begins; how long that line is says the last.
    """

    def __init__(self, place):
        self.place = place
        with open(place, "rb") as file:
            self.text = file.read()
        end = self.text.rindex(b"\n#", 0, -1) + 1
        self.index = end - int(self.text[end + 2 :])
        words = self.text[self.index + 2 : end].decode().split()
        self.entries = dict(zip(words[::2], map(int, words[1::2])))
        self.libraries = {}
        self.with_libraries = {name.split("/")[0] for name in words[::2] if ".so" in name}
        # What it needs is imported before it takes part in imports.
        from binascii import a2b_base64
        from importlib.machinery import SourceFileLoader
        from importlib.util import spec_from_file_location
        from zlib import decompress

        self.spec = spec_from_file_location
        self.unpack = lambda data: decompress(a2b_base64(data))
        self.loader = _loader(self, SourceFileLoader)

    def read(self, name):
        start = self.index - self.entries[name]
        _sign, found, data = self.text[start : self.text.index(b"\n", start)].split()
        if found.decode() != name:
            raise OSError("%s is damaged: %s is not where it was" % (self.place, name))
        return self.unpack(data)

    def name(self, path):
        # The name that a path into this file has in the archive.
        start = self.place + os.sep
        return path[len(start) :].replace(os.sep, "/") if path.startswith(start) else ""

    # importlib.abc.MetaPathFinder

    def find_spec(self, module, path=None, target=None):
        # A package that was imported from elsewhere takes its modules from there too.
        if path is not None and not any(self.name(folder) for folder in path):
            return None
        base = module.replace(".", "/")
        for name in (base + "/__init__.py", base + ".py"):
            if name in self.entries:
                where = os.path.join(self.place, name)
                inside = [os.path.dirname(where)] if name.endswith("/__init__.py") else None
                return self.spec(module, where, loader=self.loader(module, where), submodule_search_locations=inside)
        return None

    # Native libraries, which packages open with ctypes by a path beside their modules

    def _native(self, path):
        # The entry of a library for this machine, or "".
        name = self.name(path)
        for entry in ("%s@%s" % (name, os.uname()[4]), name):
            if name.endswith(".so") and entry in self.entries:
                return entry
        return ""

    def library(self, path):
        """A path by which the loader of the C library can open a packaged library: a file in memory, without a disk."""
        entry = self._native(path)
        if entry not in self.libraries:
            descriptor = os.memfd_create(os.path.basename(path), os.MFD_CLOEXEC)
            with os.fdopen(descriptor, "wb", closefd=False) as file:
                file.write(self.read(entry))
            self.libraries[entry] = "/proc/self/fd/%d" % descriptor
        return self.libraries[entry]

    def offer_libraries(self):
        # While such a package is imported, its libraries are there for it. Returns what takes that back.
        import ctypes

        exists, load = os.path.exists, ctypes.CDLL

        def open_library(name, *rest, **named):
            return load(self.library(name) if name and self._native(name) else name, *rest, **named)

        os.path.exists = lambda path: exists(path) or (isinstance(path, str) and bool(self._native(path)))
        ctypes.CDLL = open_library

        def restore():
            os.path.exists, ctypes.CDLL = exists, load

        return restore


def _loader(archive, base):
    """The loader of one module: Python's own, which gets what it reads from the archive.

    The archive may have code that is compiled already, for some Pythons: FILE/PACKAGE/__pycache__/MODULE.TAG.pyc.
    """

    class Loader(base):
        def get_data(self, path):
            name = archive.name(path)
            if name not in archive.entries:
                raise OSError("there is no %s" % path)
            return archive.read(name)

        def path_stats(self, path):
            from importlib.util import cache_from_source

            # Without it Python would make what nobody keeps.
            if archive.name(cache_from_source(path)) not in archive.entries:
                raise OSError("%s is not compiled" % path)
            return {"mtime": 0}

        def exec_module(self, module):
            if module.__name__.split(".")[0] not in archive.with_libraries:
                base.exec_module(self, module)
                return
            restore = archive.offer_libraries()
            try:
                base.exec_module(self, module)
            finally:
                restore()

    return Loader


def _start():
    # Not __file__: in a file that is sourced from another one, GDB leaves the other's name there.
    place = os.path.abspath(os.path.expanduser(_start.__code__.co_filename))
    inside = "gdb" in sys.modules
    if sys.version_info < (3, 9):
        problem = "gdb-tls needs a %s with Python 3.9 or newer; this one has Python %d.%d."
        problem %= (("GDB" if inside else "python3"),) + sys.version_info[:2]
        if not inside:
            sys.exit(problem)
        import gdb

        # Not an exception: GDB shows its traceback.
        gdb.write(problem + "\n", gdb.STDERR)
        return
    other = getattr(sys.modules.get("gdb_tls"), "__file__", None)
    if inside and other and not other.startswith(place + os.sep):
        import gdb

        said = "gdb-tls is loaded already, from %s: start gdb anew to use this one.\n"
        gdb.write(said % os.path.dirname(other), gdb.STDERR)
        return
    if "gdb_tls" not in sys.modules:
        sys.meta_path.insert(0, _Archive(place))
    if not inside:
        from gdb_tls.cli.main import command

        command()
    from gdb_tls.hosts.gdb.register import register

    # Imports make many objects, and no garbage.
    enabled = gc.isenabled()
    gc.disable()
    try:
        register()
    finally:
        if enabled:
            gc.enable()


_start()

#: @ARCHIVE@
