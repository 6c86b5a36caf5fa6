"""The program anywhere.c, built for other C libraries, other architectures and in other ways.

It is built here and not by build.py: what it takes is not on every machine that runs the other tests.
"""

from __future__ import annotations

import hashlib
import shlex
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from integration.harness import PROGRAMS, Inferior, build_programs, command_of, locked
from limits import LIMIT_SECONDS

COMMON = ("-g", "-O1", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-Wl,--build-id", "-pthread")


@dataclass(frozen=True)
class Build:
    """One way to build the program.

    Attributes:
        name: of its folder and executable.
        compiler: the command.
        flags: for the executable.
        linked: whether libnear.so is linked and libfar.so opened.
        eager: whether the C library allocates all blocks at once (musl).
    """

    name: str
    compiler: str
    flags: tuple[str, ...] = ()
    linked: bool = True
    eager: bool = False

    @property
    def queries(self) -> list[str]:
        own = ["any_buffer", "any_count", "any_wide"]
        return own + ["near_buffer", "near_count", "far_buffer", "far_count"] * self.linked

    def executable(self) -> Path:
        """Builds it where that is not done yet; a folder is of one version of this file, like the programs' own."""
        ways = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:16]
        top = build_programs() / "anywhere" / ways
        top.mkdir(parents=True, exist_ok=True)
        folder = top / self.name
        with locked(top / f"{self.name}.lock"):
            if not (folder / "complete").exists():
                self._build(folder)
                (folder / "complete").touch()
        return folder / self.name

    def _build(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        libraries: list[object] = []
        if self.linked:
            for prefix in ("near", "far"):
                names = (f"-DBUFFER={prefix}_buffer", f"-DCOUNT={prefix}_count")
                self._compile("-shared", "-fPIC", *names, PROGRAMS / "slots.c", "-o", folder / f"lib{prefix}.so")
            libraries = [folder / "libnear.so", "-Wl,-rpath,$ORIGIN"]
        defined = [f'-DNAME="{self.name}"', *["-DLINKED"] * self.linked, *["-DEAGER"] * self.eager]
        sources = [PROGRAMS / "anywhere.c", PROGRAMS / "truth.c"]
        self._compile(*self.flags, *defined, *sources, *libraries, "-ldl", "-o", folder / self.name)

    def _compile(self, *arguments: object) -> None:
        run([*shlex.split(self.compiler), *COMMON, *arguments])


def run(command: Sequence[object]) -> str:
    """Runs a command that must succeed, and gives what it printed."""
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{shlex.join(words)}\n{done.stdout}{done.stderr}"
    return done.stdout


# This kernel runs i386 too; its loader is where Debian's cross compiler has it.
I386 = ("-Wl,--dynamic-linker=/usr/i686-linux-gnu/lib/ld-linux.so.2", "-Wl,-rpath,/usr/i686-linux-gnu/lib")
NATIVE = (
    Build("dynamic", "gcc", ("-no-pie",)),
    Build("pie", "gcc", ("-pie", "-fPIE")),
    Build("static", "gcc", ("-static",), linked=False),
    Build("static-pie", "gcc", ("-static-pie", "-fPIE"), linked=False),
    Build("i386-native", "i686-linux-gnu-gcc", I386),
    Build("i386-native-static", "i686-linux-gnu-gcc", ("-static",), linked=False),
    Build("musl", "musl-gcc", eager=True),
    Build("musl-static", "musl-gcc", ("-static",), linked=False, eager=True),
)
BY_NAME = {build.name: build for build in NATIVE}


@dataclass(frozen=True)
class Machine:
    """An architecture that QEMU runs: one row here, and one in gdb_tls/arch.py, is all it takes.

    Attributes:
        name: as in gdb_tls/arch.py.
        triple: of Debian's cross compiler, which also names the root of its libraries.
        qemu: the user-mode emulator.
        eager: whether the compiler's TLS descriptors put a library opened late into static TLS.
        cores: whether this QEMU writes cores of it.
    """

    name: str
    triple: str
    qemu: str
    eager: bool = False
    cores: bool = True

    def build(self, *, static: bool = False) -> Build:
        if static:
            return Build(f"{self.name}-static", f"{self.triple}-gcc", ("-static",), linked=False)
        # This kernel's other architecture looks into this machine's own folders (libc6-i386) first, and a loader with
        # another build's C library hangs. The others find theirs below QEMU's root, under the name that GDB knows.
        flags = I386 if self.name == "i386" else ()
        return Build(self.name, f"{self.triple}-gcc", flags, eager=self.eager)

    def core(self, executable: Path, folder: Path) -> Path:
        """The core that QEMU writes of a program that aborts."""
        command = [self.qemu, "-L", f"/usr/{self.triple}", *command_of(executable, folder, "abort")]
        with Inferior(command, folder) as inferior:
            assert inferior.process is not None
            inferior.process.wait(LIMIT_SECONDS)
        (core,) = folder.glob("qemu_*.core")
        return core


MACHINES = (
    Machine("aarch64", "aarch64-linux-gnu", "qemu-aarch64", eager=True),
    Machine("arm", "arm-linux-gnueabihf", "qemu-arm"),
    Machine("riscv64", "riscv64-linux-gnu", "qemu-riscv64", cores=False),
    Machine("ppc64le", "powerpc64le-linux-gnu", "qemu-ppc64le", eager=True),
    Machine("s390x", "s390x-linux-gnu", "qemu-s390x"),
    Machine("i386", "i686-linux-gnu", "qemu-i386"),
)
