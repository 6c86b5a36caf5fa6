"""Real runs of install.sh, each with a home folder of its own.

The Python packages are downloaded once; after that nothing depends on the network.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from limits import LIMIT_SECONDS, wait_until

CHECKOUT = Path(__file__).resolve().parents[2]
PARTS = ("gdb_tls.py", "gdb_tls", "LICENSE", "install.sh", "requirements.txt")
GDB = os.environ.get("GDB", "gdb")
# What is found outside the prefix, in ~/.local, and inside another --prefix but for its share/.
LINKS = (
    "bin/gdb-tls",
    "share/man/man1/gdb-tls.1",
    "share/bash-completion/completions/gdb-tls",
    "share/zsh/site-functions/_gdb-tls",
    "share/fish/vendor_completions.d/gdb-tls.fish",
)
SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"


@dataclass
class Home:
    """A home folder, and a checkout to install from."""

    path: Path
    checkout: Path
    environment: dict[str, str]
    prefix: Path = field(init=False)
    gdbinit: Path = field(init=False)
    wrapper: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.prefix = self.path / ".local/share/gdb-tls"
        self.gdbinit = self.path / ".gdbinit"

    def run(self, *arguments: str | Path, script: Path | None = None, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self.wrapper, script or self.checkout / "install.sh", *arguments],
            env={**self.environment, **more},
            cwd=self.path,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
        )

    def install(self, *arguments: str | Path, **more: str) -> str:
        """Runs install.sh, which has to succeed and has nothing to complain about."""
        done = self.run(*arguments, **more)
        assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
        return done.stdout

    def refuse(self, *arguments: str | Path, status: int = 1, tracebacks: bool = False, **more: str) -> str:
        """Runs install.sh, which has to fail without a change to the home folder."""
        before = snapshot(self.path)
        done = self.run(*arguments, **more)
        assert done.returncode == status, done.stdout + done.stderr
        assert snapshot(self.path) == before
        assert tracebacks or "Traceback" not in done.stderr
        first, _, advice = done.stderr.partition("\n")
        if status == 1 and first.startswith("install.sh: "):
            assert advice.startswith("  "), done.stderr
        return done.stderr

    def gdb(self, *arguments: str | Path) -> str:
        """What gdb, which reads the user's gdbinit unless told -nx, says to `help tls-inspect`."""
        done = subprocess.run(
            [GDB, "--batch", *arguments, "-ex", "help tls-inspect"],
            env=self.environment,
            cwd=self.path,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
        )
        return done.stdout + done.stderr


def snapshot(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every path under the folder, with its mode and content."""
    found = {}
    for path in sorted(folder.rglob("*")):
        mode = path.lstat().st_mode
        if path.is_symlink():
            content = os.readlink(path).encode()
        else:
            content = path.read_bytes() if path.is_file() else b""
        found[str(path.relative_to(folder))] = (mode, content)
    return found


def executable(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def block(prefix: Path, note: str = "") -> str:
    return f"# >>> gdb-tls >>>{note}\nsource {prefix}/gdb_tls.py\n# <<< gdb-tls <<<\n"


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages of requirements.txt."""
    folder = tmp_path_factory.mktemp("wheels")
    options = ["--quiet", "--require-hashes", "--no-deps", "--only-binary", ":all:"]
    requirements = CHECKOUT / "requirements.txt"
    subprocess.run([sys.executable, "-m", "pip", "download", *options, "-d", folder, "-r", requirements], check=True)
    return folder


@pytest.fixture(scope="session")
def make_home(wheels: Path) -> Callable[[Path], Home]:
    """Makes a home in a folder, with a copy of the checkout beside it."""

    def make(folder: Path) -> Home:
        checkout = folder / "checkout"
        checkout.mkdir()
        for part in PARTS:
            source = CHECKOUT / part
            if source.is_dir():
                shutil.copytree(source, checkout / part, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, checkout / part)
        # Whatever the umask was when this was cloned.
        subprocess.run(["chmod", "-R", "a+rX", checkout], check=True)
        home = folder / "home"
        home.mkdir()
        environment = {
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "PATH": SYSTEM_PATH,
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_FIND_LINKS": str(wheels),
            "PIP_NO_INDEX": "1",
            "PIP_NO_CACHE_DIR": "1",
            "TMPDIR": str(folder),
        }
        if "GDB" in os.environ:
            environment["GDB"] = os.environ["GDB"]
        return Home(home, checkout, environment)

    return make


@pytest.fixture(scope="session")
def filled(make_home: Callable[[Path], Home], tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with an installation that no test changes."""
    home = make_home(tmp_path_factory.mktemp("filled"))
    home.install()
    return home


@pytest.fixture
def home(make_home: Callable[[Path], Home], tmp_path: Path) -> Home:
    """An empty home."""
    return make_home(tmp_path)


@pytest.fixture
def quick_home(home: Home, filled: Home) -> Home:
    """An empty home for tests that are not about the packages: the smallest is installed, others lent."""
    (site,) = filled.prefix.glob("site/cpython-*")
    home.environment["PYTHONPATH"] = str(site)
    requirements = home.checkout / "requirements.txt"
    smallest = re.search(r"^mdurl==(.*\\\n)*.*\n", requirements.read_text(), re.MULTILINE)
    assert smallest
    requirements.write_text(smallest[0])
    return home


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that nobody listens on."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


# ---------------------------------------------------------------- installing


def test_installs_for_daily_use(filled: Home) -> None:
    assert filled.gdbinit.read_text() == block(filled.prefix, " (install.sh made this file)")
    assert "tls-inspect" in filled.gdb()
    assert sorted(path.name for path in filled.path.iterdir()) == [".gdbinit", ".local"]
    links = {path: path.resolve() for path in filled.path.rglob("*") if path.is_symlink()}
    assert {str(path.relative_to(filled.path / ".local")) for path in links} == set(LINKS)
    for path, target in links.items():
        assert target.is_file() and filled.prefix in target.parents, path
    for part in PARTS:
        assert (filled.prefix / part).exists(), part


def test_the_packages_are_for_gdb_s_own_python_and_compiled(filled: Home) -> None:
    code = "import sys, rich; print('cpython-%d.%d' % sys.version_info[:2], rich.__cached__)"
    version, cached = filled.gdb("-ex", f"python {code}").splitlines()[0].split(" ", 1)
    assert cached.startswith(f"{filled.prefix}/site/{version}/rich/__pycache__/")
    assert Path(cached).is_file()


def test_says_what_it_did(quick_home: Home) -> None:
    said = quick_home.install()
    assert len(said.splitlines()) < 10
    assert str(quick_home.prefix) in said
    assert str(quick_home.gdbinit) in said
    assert "--uninstall" in said


def test_twice_is_the_same_as_once(home: Home) -> None:
    home.gdbinit.write_text("set confirm off\n")
    home.install()
    first = snapshot(home.path)
    written = home.gdbinit.stat().st_mtime_ns
    home.install()
    assert snapshot(home.path) == first
    assert home.gdbinit.stat().st_mtime_ns == written


def test_using_it_writes_nothing(filled: Home) -> None:
    before = snapshot(filled.path)
    filled.gdb()
    assert snapshot(filled.path) == before


def test_damaged_packages_are_fetched_anew(quick_home: Home) -> None:
    quick_home.install()
    (broken,) = quick_home.prefix.glob("site/cpython-*/mdurl/_parse.py")
    good = broken.read_text()
    broken.write_text("damaged")
    quick_home.install()
    assert broken.read_text() == good


def test_an_upgrade_replaces_the_files(quick_home: Home) -> None:
    quick_home.install()
    (quick_home.prefix / "gdb_tls/old_module.py").write_text("")
    (quick_home.checkout / "LICENSE").write_text("new text\n")
    quick_home.install()
    assert not (quick_home.prefix / "gdb_tls/old_module.py").exists()
    assert (quick_home.prefix / "LICENSE").read_text() == "new text\n"


def test_the_packages_of_another_gdb_stay(quick_home: Home, tmp_path: Path) -> None:
    other = pretender(tmp_path, "sys.version_info = (3, 10, 4)")
    quick_home.install("--no-gdbinit", GDB=str(other))
    assert (quick_home.prefix / "site/cpython-3.10/mdurl").is_dir()
    quick_home.install()
    versions = sorted(path.name for path in (quick_home.prefix / "site").iterdir())
    assert len(versions) == 2
    assert "cpython-3.10" in versions


@pytest.mark.parametrize("name", ["it's $HOME", 'a;b "c" #d ünï'])
def test_prefix_with_odd_characters(quick_home: Home, name: str) -> None:
    prefix = quick_home.path / name / "inner"
    quick_home.install("--prefix", prefix)
    assert quick_home.gdbinit.read_text().splitlines()[1] == f"source {prefix}/gdb_tls.py"
    assert "tls-inspect" in quick_home.gdb()
    quick_home.install("--uninstall")
    assert not prefix.exists()
    assert not quick_home.gdbinit.exists()


def test_prefix_may_be_relative_and_new(quick_home: Home) -> None:
    quick_home.install("--prefix=some/where/", "--no-gdbinit")
    assert (quick_home.path / "some/where/gdb_tls.py").is_file()
    quick_home.install("--uninstall", "--prefix", "some/where")
    assert snapshot(quick_home.path) == {}


def test_no_gdbinit(quick_home: Home) -> None:
    said = quick_home.install("--no-gdbinit")
    assert not quick_home.gdbinit.exists()
    source = f"source {quick_home.prefix}/gdb_tls.py"
    assert source in said
    assert "tls-inspect" in quick_home.gdb("-nx", "-ex", source)


def test_the_installed_copy_can_install_and_uninstall_itself(quick_home: Home) -> None:
    prefix = quick_home.path / "elsewhere"
    quick_home.install("--prefix", prefix)
    first = snapshot(quick_home.path)
    again = quick_home.run(script=prefix / "install.sh")
    assert again.returncode == 0, again.stderr
    assert snapshot(quick_home.path) == first
    gone = quick_home.run("--uninstall", script=prefix / "install.sh")
    assert gone.returncode == 0, gone.stderr
    assert snapshot(quick_home.path) == {}


def test_deps_beside_a_checkout(home: Home) -> None:
    home.install("--deps")
    (site,) = (home.checkout / "site").iterdir()
    assert (site / "rich/table.py").is_file()
    assert snapshot(home.path) == {}
    assert "tls-inspect" in home.gdb("-nx", "-ex", f"source {home.checkout}/gdb_tls.py")
    assert home.install("--deps") == ""


# ---------------------------------------------------------------- the user's gdbinit


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"# caf\xe9\r\nset confirm off\n\n\n",
        b"define hook\n  echo x\nend",
    ],
)
def test_uninstall_gives_the_gdbinit_back(quick_home: Home, content: bytes) -> None:
    quick_home.gdbinit.write_bytes(content)
    quick_home.install()
    assert quick_home.gdbinit.read_bytes().startswith(content)
    assert "tls-inspect" in quick_home.gdb()
    quick_home.install("--uninstall")
    assert quick_home.gdbinit.read_bytes() == content


def test_uninstall_leaves_no_trace(quick_home: Home) -> None:
    quick_home.install()
    quick_home.install("--uninstall")
    assert snapshot(quick_home.path) == {}
    assert "nothing to remove" in quick_home.install("--uninstall")


def test_uninstall_keeps_folders_that_were_there(quick_home: Home) -> None:
    quick_home.prefix.mkdir(parents=True)
    before = snapshot(quick_home.path)
    quick_home.install()
    quick_home.install("--uninstall")
    assert snapshot(quick_home.path) == before


# ---------------------------------------------------------------- the command


def test_the_command_runs_from_where_it_is_linked(filled: Home) -> None:
    command = filled.path / ".local/bin/gdb-tls"
    path = f"{command.parent}:{filled.environment['PATH']}"
    for words in (["gdb-tls", "--help"], ["gdb-tls", "pid", str(os.getppid()), "no_such_variable"]):
        environment = {**filled.environment, "PATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(words, env=environment, cwd=filled.path, capture_output=True, text=True)
        assert "Traceback" not in done.stderr
        assert done.returncode == (0 if "--help" in words else 2), done.stderr
    assert "no_such_variable" in done.stderr or "Operation not permitted" in done.stderr


def test_the_command_below_a_prefix(quick_home: Home) -> None:
    prefix = quick_home.path / "opt"
    said = quick_home.install("--prefix", prefix)
    assert f"{prefix}/bin/gdb-tls" in said
    for link in LINKS:
        assert (prefix / link).resolve().is_file(), link
    assert subprocess.run([prefix / "bin/gdb-tls", "--version"], env=quick_home.environment).returncode == 0
    assert not (quick_home.path / ".local").exists()
    quick_home.install("--uninstall", "--prefix", prefix)
    assert snapshot(quick_home.path) == {}


def test_what_is_not_ours_stays(quick_home: Home) -> None:
    """A command of the same name, and the user's own folders."""
    other = executable(quick_home.path / ".local/bin/gdb-tls", "#!/bin/sh\n")
    (quick_home.path / ".local/share/man/man1").mkdir(parents=True)
    before = snapshot(quick_home.path)
    assert f"Leaving {other} as it is" in quick_home.install()
    assert other.read_text() == "#!/bin/sh\n"
    quick_home.install("--uninstall")
    assert snapshot(quick_home.path) == before


def test_a_failure_takes_the_links_back(quick_home: Home) -> None:
    quick_home.gdbinit.write_text("no-such-command\n")
    quick_home.refuse()
    assert not (quick_home.path / ".local").exists()


@pytest.mark.parametrize(
    ("before", "after"),
    [("set confirm off", "set height 0\n"), ("set confirm off\n", "set height 0"), (None, "set height 0")],
)
def test_lines_added_later_stay(quick_home: Home, before: str | None, after: str) -> None:
    if before is not None:
        quick_home.gdbinit.write_text(before)
    quick_home.install()
    with quick_home.gdbinit.open("a") as file:
        file.write(after)
    quick_home.install("--uninstall")
    assert quick_home.gdbinit.read_text() == ("set confirm off\n" if before else "") + after


def test_lines_written_between_the_marks_stay(quick_home: Home) -> None:
    quick_home.install()
    first, source, end = quick_home.gdbinit.read_text().splitlines()
    quick_home.gdbinit.write_text(f"{first}\n{source}\nset tls via gdb\n{end}\nset height 0\n")
    quick_home.install("--uninstall")
    assert quick_home.gdbinit.read_text() == "set tls via gdb\nset height 0\n"


def test_another_prefix_changes_the_line_where_it_stands(quick_home: Home) -> None:
    quick_home.gdbinit.write_text("set confirm off\n")
    quick_home.install()
    with quick_home.gdbinit.open("a") as file:
        file.write("set height 0")
    other = quick_home.path / "other"
    quick_home.install("--prefix", other)
    assert quick_home.gdbinit.read_text() == f"set confirm off\n{block(other)}set height 0"
    # The first one, without its line now, can go; the line of the other one stays.
    quick_home.install("--uninstall", "--prefix", quick_home.prefix)
    assert not quick_home.prefix.exists()
    assert quick_home.gdbinit.read_text() == f"set confirm off\n{block(other)}set height 0"


@pytest.mark.parametrize("variable", [True, False])
def test_xdg_gdbinit(quick_home: Home, variable: bool) -> None:
    config = quick_home.path / ("settings" if variable else ".config")
    if variable:
        quick_home.environment["XDG_CONFIG_HOME"] = str(config)
    gdbinit = config / "gdb/gdbinit"
    gdbinit.parent.mkdir(parents=True)
    gdbinit.write_text("set confirm off\n")
    quick_home.gdbinit.write_text("# gdb does not read this one then\n")
    quick_home.install()
    assert gdbinit.read_text() == f"set confirm off\n{block(quick_home.prefix)}"
    assert "tls-inspect" in quick_home.gdb()
    quick_home.install("--uninstall")
    assert gdbinit.read_text() == "set confirm off\n"
    assert quick_home.gdbinit.read_text() == "# gdb does not read this one then\n"


def test_xdg_data_home(quick_home: Home) -> None:
    quick_home.environment["XDG_DATA_HOME"] = str(quick_home.path / "data")
    quick_home.install()
    assert (quick_home.path / "data/gdb-tls/gdb_tls.py").is_file()
    quick_home.install("--uninstall")
    assert snapshot(quick_home.path) == {}


def test_a_linked_gdbinit_stays_a_link_and_keeps_its_mode(quick_home: Home) -> None:
    real = quick_home.path / "dotfiles"
    real.write_text("set confirm off\n")
    real.chmod(0o600)
    quick_home.gdbinit.symlink_to("dotfiles")
    before = (os.readlink(quick_home.gdbinit), real.stat().st_mode)
    quick_home.install()
    assert "gdb-tls" in real.read_text()
    assert (os.readlink(quick_home.gdbinit), real.stat().st_mode) == before
    quick_home.install("--uninstall")
    assert real.read_text() == "set confirm off\n"
    assert (os.readlink(quick_home.gdbinit), real.stat().st_mode) == before


# ---------------------------------------------------------------- gdb and its Python


def pretender(folder: Path, code: str) -> Path:
    """The real gdb, told at its start to be another."""
    real = shutil.which(GDB, path=f"{SYSTEM_PATH}:{os.environ['PATH']}")
    return executable(folder / "pretender", f"#!/bin/sh\nexec '{real}' -iex 'python import sys, gdb; {code}' \"$@\"\n")


def test_gdb_without_python(home: Home, tmp_path: Path) -> None:
    text = "#!/bin/sh\necho 'Python scripting is not supported in this copy of GDB.' >&2\nexit 1\n"
    said = home.refuse(GDB=str(executable(tmp_path / "gdb-minimal", text)))
    assert "is built without Python" in said


def test_gdb_with_broken_python(home: Home, tmp_path: Path) -> None:
    said = home.refuse(GDB=str(executable(tmp_path / "gdb", "#!/bin/sh\necho 'No module named encodings'\nexit 1\n")))
    assert "does not work: No module named encodings" in said


def test_gdb_too_old(home: Home, tmp_path: Path) -> None:
    said = home.refuse(GDB=str(pretender(tmp_path, 'del gdb.lookup_static_symbols; gdb.VERSION = "9.2"')))
    assert "GDB 9.2" in said
    assert "needs GDB 10 or newer" in said


def test_python_too_old(home: Home, tmp_path: Path) -> None:
    said = home.refuse(GDB=str(pretender(tmp_path, "sys.version_info = (3, 8, 10)")))
    assert "Python 3.8" in said
    assert "needs Python 3.9 or newer" in said


def test_the_named_gdb_is_missing(home: Home) -> None:
    assert "no gdb at /no/such/gdb" in home.refuse(GDB="/no/such/gdb")


# ---------------------------------------------------------------- packages of the distribution


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """For PATH: all commands of this machine but gdb, sudo and the package managers."""
    folder = tmp_path / "tools"
    folder.mkdir()
    hidden = {"gdb", "sudo", "apt-get", "dnf", "apk", "pacman"}
    for source in SYSTEM_PATH.split(":"):
        for command in os.scandir(source):
            if command.name not in hidden and not (folder / command.name).is_symlink():
                (folder / command.name).symlink_to(command.path)
    return folder


def fake_manager(tools: Path, name: str, log: Path) -> None:
    """A package manager that notes its arguments, wants its lists first, and gives the real gdb."""
    real = shutil.which(GDB, path=f"{SYSTEM_PATH}:{os.environ['PATH']}")
    needs_lists = 'grep -q "apt-get update" "$log" || exit 100' if name == "apt-get" else ":"
    executable(
        tools / name,
        f"""#!/bin/sh
log='{log}'
echo "${{DEBIAN_FRONTEND-}} {name} $*" >>"$log"
case "$*" in update) exit 0 ;; esac
{needs_lists}
ln -sf '{real}' '{tools}/gdb'
""",
    )


@pytest.mark.parametrize(
    ("name", "calls"),
    [
        (
            "apt-get",
            [
                "noninteractive apt-get install -y --no-install-recommends gdb libc6-dbg",
                " apt-get update",
                "noninteractive apt-get install -y --no-install-recommends gdb libc6-dbg",
            ],
        ),
        ("dnf", ["noninteractive dnf install -y gdb"]),
        ("apk", ["noninteractive apk add gdb"]),
        ("pacman", ["noninteractive pacman -Sy --needed --noconfirm gdb"]),
    ],
)
def test_root_gets_gdb_installed(quick_home: Home, tools: Path, tmp_path: Path, name: str, calls: list[str]) -> None:
    fake_id(tools, 0)
    fake_manager(tools, name, tmp_path / "calls")
    quick_home.environment.pop("GDB", None)
    quick_home.install(PATH=str(tools))
    assert (tmp_path / "calls").read_text().splitlines() == calls


def test_says_how_far_the_package_manager_is(quick_home: Home, tools: Path, tmp_path: Path) -> None:
    """This one ends when its own last line has been said."""
    fake_id(tools, 0)
    output, real = tmp_path / "output", shutil.which(GDB, path=f"{SYSTEM_PATH}:{os.environ['PATH']}")
    wait = f"until grep -q 'Setting up gdb' '{output}'; do sleep 0.1; done"
    executable(
        tools / "dnf", f"#!/bin/sh\necho Fetching\necho 'Setting up gdb'\n{wait}\nln -sf '{real}' '{tools}/gdb'\n"
    )
    quick_home.environment.pop("GDB", None)
    with output.open("w") as file:
        done = subprocess.run(
            [quick_home.checkout / "install.sh"],
            env={**quick_home.environment, "PATH": str(tools)},
            cwd=quick_home.path,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            timeout=LIMIT_SECONDS,
        )
    assert done.returncode == 0, output.read_text()
    assert re.search(r"^  \d+ s: Setting up gdb$", output.read_text(), re.MULTILINE)
    assert list(tmp_path.glob("tmp.*")) == [], "its log is gone"


def test_with_sudo_gdb_is_installed_too(quick_home: Home, tools: Path, tmp_path: Path) -> None:
    fake_id(tools, 1000)
    executable(tools / "sudo", '#!/bin/sh\n[ "$1" = -n ] && shift && exec "$@"\n')
    fake_manager(tools, "dnf", tmp_path / "calls")
    quick_home.environment.pop("GDB", None)
    quick_home.install(PATH=str(tools))
    assert (tmp_path / "calls").read_text().splitlines() == ["noninteractive dnf install -y gdb"]


def fake_id(tools: Path, user: int) -> None:
    (tools / "id").unlink()
    executable(tools / "id", f"#!/bin/sh\necho {user}\n")


def test_who_may_not_install_gdb_is_told_what_to_run(home: Home, tools: Path, tmp_path: Path) -> None:
    fake_id(tools, 1000)
    fake_manager(tools, "apt-get", tmp_path / "calls")
    home.environment.pop("GDB", None)
    said = home.refuse(PATH=str(tools))
    assert "Missing here: gdb, and only root may install packages." in said
    assert "sudo apt-get install -y --no-install-recommends gdb libc6-dbg" in said
    assert not (tmp_path / "calls").exists()


def test_no_package_manager(home: Home, tools: Path) -> None:
    home.environment.pop("GDB", None)
    said = home.refuse(PATH=str(tools))
    assert "Missing here: gdb." in said


def test_a_package_manager_that_fails(home: Home, tools: Path) -> None:
    fake_id(tools, 0)
    executable(tools / "dnf", "#!/bin/sh\necho 'Error: no mirrors' >&2\nexit 1\n")
    home.environment.pop("GDB", None)
    said = home.refuse(PATH=str(tools))
    assert "Error: no mirrors" in said
    assert "dnf could not install gdb" in said


# ---------------------------------------------------------------- pip


def fake_pip(folder: Path, code: str) -> str:
    """A folder for PYTHONPATH, in which this is every Python's pip."""
    (folder / "pip").mkdir(parents=True)
    (folder / "pip/__init__.py").write_text("")
    (folder / "pip/__main__.py").write_text(code)
    return str(folder)


def test_no_pip(home: Home, tools: Path, tmp_path: Path) -> None:
    fake_id(tools, 1000)
    for name in ("pip", "pip3"):
        (tools / name).unlink(missing_ok=True)
    broken = fake_pip(tmp_path / "modules", "raise SystemExit('No module named pip')")
    (tools / "gdb").symlink_to(shutil.which(GDB, path=f"{SYSTEM_PATH}:{os.environ['PATH']}") or "")
    executable(tools / "apt-get", "#!/bin/sh\nexit 1\n")
    said = home.refuse(PATH=str(tools), PYTHONPATH=broken)
    assert "Missing here: pip" in said
    assert "sudo apt-get install -y --no-install-recommends python3-pip" in said


def test_no_network(home: Home, closed_port: int) -> None:
    for name in ("PIP_NO_INDEX", "PIP_FIND_LINKS"):
        del home.environment[name]
    said = home.refuse(PIP_INDEX_URL=f"http://127.0.0.1:{closed_port}/simple", PIP_RETRIES="0")
    assert "pip could not fetch the Python packages" in said


def test_no_index(home: Home, tmp_path: Path) -> None:
    said = home.refuse(PIP_FIND_LINKS=str(tmp_path / "nothing"))
    assert "pip could not fetch the Python packages" in said


def test_a_package_with_another_hash(home: Home) -> None:
    requirements = home.checkout / "requirements.txt"
    requirements.write_text(re.sub(r"sha256:\w+", "sha256:" + "0" * 64, requirements.read_text()))
    assert "its hash differs" in home.refuse()


def test_a_user_s_pip_settings_do_not_clash(home: Home) -> None:
    home.install("--no-gdbinit", PIP_USER="1", PIP_REQUIRE_VIRTUALENV="1")


# ---------------------------------------------------------------- nothing half installed


def test_unknown_options(home: Home) -> None:
    assert "Unknown option: --wrong" in home.refuse("--wrong", status=2)
    assert "--prefix needs a folder" in home.refuse("--prefix", status=2)
    assert "--demo" in home.refuse("--uninstall", "--demo", status=2)


def test_help(home: Home) -> None:
    said = home.install("--help")
    for option in ("--demo", "--prefix", "--uninstall", "--no-gdbinit", "--deps", "--help"):
        assert option in said
    assert max(map(len, said.splitlines())) < 80


def test_alone_without_the_checkout(home: Home) -> None:
    (home.checkout / "requirements.txt").unlink()
    assert "whole checkout" in home.refuse()


def test_prefix_is_a_file(home: Home) -> None:
    home.prefix.parent.mkdir(parents=True)
    home.prefix.write_text("mine")
    assert "is a file" in home.refuse()


def test_a_file_is_in_the_way_of_the_prefix(home: Home) -> None:
    (home.path / ".local").write_text("mine")
    assert "Cannot make the folder" in home.refuse()


def test_prefix_holds_something_else(home: Home) -> None:
    home.prefix.mkdir(parents=True)
    (home.prefix / "precious").write_text("mine")
    assert "holds files that are not gdb-tls" in home.refuse()
    assert "was not made by install.sh" in home.refuse("--uninstall")


def test_gdbinit_is_not_a_file(home: Home) -> None:
    home.gdbinit.mkdir()
    assert "is not a file" in home.refuse()


def test_home_that_may_not_be_written(make_home: Callable[[Path], Home]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = make_home(Path(folder))
        home.path.chmod(0o555)
        if os.geteuid() == 0:  # which may write everywhere, so be somebody else
            Path(folder).chmod(0o755)
            home.wrapper = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
        assert "Cannot make the folder" in home.refuse()
        assert "Cannot write" in home.refuse("--prefix", home.path / "there")


def test_no_home(home: Home) -> None:
    del home.environment["HOME"]
    assert "HOME is not set" in home.refuse()


def test_a_gdbinit_that_stops_before_our_line(quick_home: Home) -> None:
    quick_home.gdbinit.write_text("no-such-command\n")
    said = quick_home.refuse()
    assert "no-such-command" in said
    assert "Repair that file, or use --no-gdbinit." in said


def test_a_checkout_that_does_not_load(quick_home: Home) -> None:
    (quick_home.checkout / "gdb_tls.py").write_text("raise RuntimeError('broken checkout')\n")
    said = quick_home.refuse(tracebacks=True)
    assert "broken checkout" in said
    assert "does not load in GDB" in said


def test_a_failed_upgrade_keeps_the_old_one(quick_home: Home, tmp_path: Path) -> None:
    quick_home.install()
    (quick_home.checkout / "requirements.txt").write_text((CHECKOUT / "requirements.txt").read_text())
    quick_home.refuse(PIP_FIND_LINKS=str(tmp_path))
    assert "tls-inspect" in quick_home.gdb()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted(home: Home, tmp_path: Path, number: signal.Signals) -> None:
    reached = tmp_path / "reached"
    wait = f"open({str(reached)!r}, 'w')\n    time.sleep({LIMIT_SECONDS})"
    code = f"import sys, time\nif 'install' in sys.argv:\n    {wait}\n"
    environment = {**home.environment, "PYTHONPATH": fake_pip(tmp_path / "modules", code)}
    script = home.checkout / "install.sh"
    with subprocess.Popen([script], env=environment, start_new_session=True, stdout=subprocess.DEVNULL) as process:
        wait_until(lambda: reached.exists() or process.poll() is not None, "pip's begin")
        assert process.poll() is None, "it ended before pip was begun"
        assert list(home.prefix.parent.glob(".gdb-tls.*"))
        os.killpg(process.pid, number)
        process.wait(LIMIT_SECONDS)
    assert process.returncode != 0
    assert snapshot(home.path) == {}


# ---------------------------------------------------------------- a checkout that is somebody else's


def nobody(home: Home) -> tuple[str, ...]:
    """What runs a command as an ordinary user, to whom the home then belongs; nothing where we are one already."""
    if os.geteuid() != 0:
        return ()
    for path in (home.path, *home.path.rglob("*")):
        os.chown(path, 65534, 65534)
    return ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")


@pytest.fixture
def foreign_home(make_home: Callable[[Path], Home], filled: Home) -> Iterator[Home]:
    """The home of an ordinary user, and a checkout that nobody may write; its packages are lent."""
    with tempfile.TemporaryDirectory() as folder:
        home = make_home(Path(folder))
        (site,) = filled.prefix.glob("site/cpython-*")
        lent = Path(folder) / "lent"
        shutil.copytree(site, lent)
        wheels = Path(folder) / "wheels"
        shutil.copytree(home.environment["PIP_FIND_LINKS"], wheels)
        wheels.chmod(0o755)
        temporary = Path(folder) / "temporary"
        temporary.mkdir()
        temporary.chmod(0o1777)
        home.environment.update(PYTHONPATH=str(lent), PIP_FIND_LINKS=str(wheels), TMPDIR=str(temporary))
        requirements = home.checkout / "requirements.txt"
        smallest = re.search(r"^mdurl==(.*\\\n)*.*\n", requirements.read_text(), re.MULTILINE)
        assert smallest
        requirements.write_text(smallest[0])
        # As a run of the demo by its owner leaves it: compiled files, which others need not be able to read.
        compiled = home.checkout / "gdb_tls/views/__pycache__"
        compiled.mkdir()
        (compiled / "text.cpython-311.pyc").write_bytes(b"compiled")
        Path(folder).chmod(0o755)
        home.wrapper = nobody(home)
        paths = [home.checkout, *home.checkout.rglob("*")]
        for path in paths:
            path.chmod(path.stat().st_mode & 0o555)
        (compiled / "text.cpython-311.pyc").chmod(0)
        compiled.chmod(0)
        yield home
        for path in paths:
            path.chmod(path.stat().st_mode | 0o700)


def test_a_read_only_checkout_installs_again_and_goes(foreign_home: Home) -> None:
    before = snapshot(foreign_home.path)
    foreign_home.install()
    first = snapshot(foreign_home.path)
    locked = [
        path for path in foreign_home.prefix.rglob("*") if not path.is_symlink() and not path.stat().st_mode & 0o200
    ]
    assert locked == []
    assert b"compiled" not in {content for _, content in first.values()}
    foreign_home.install()
    assert snapshot(foreign_home.path) == first
    foreign_home.install("--uninstall")
    assert snapshot(foreign_home.path) == before


def test_folders_that_an_older_install_left_read_only(foreign_home: Home) -> None:
    before = snapshot(foreign_home.path)
    foreign_home.install()
    for command in ((), ("--uninstall",)):
        for path in (*foreign_home.prefix.rglob("*"), foreign_home.prefix):
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o555)
        foreign_home.install(*command)
    assert snapshot(foreign_home.path) == before


def test_deps_in_a_checkout_that_may_not_be_written(foreign_home: Home) -> None:
    said = foreign_home.refuse("--deps")
    assert f"Cannot write in {foreign_home.checkout}" in said
    assert "Run ./install.sh" in said


def test_a_checkout_that_may_not_be_read(foreign_home: Home) -> None:
    (foreign_home.checkout / "gdb_tls/errors.py").chmod(0)
    said = foreign_home.refuse()
    assert "Cannot copy" in said and "errors.py" in said
    assert list(Path(foreign_home.environment["TMPDIR"]).iterdir()) == []


# ---------------------------------------------------------------- nobody reads what it says


def closed_pipe(home: Home, *arguments: str | Path, errors_too: bool = False) -> int:
    """The exit status of install.sh whose output goes to a pipe that nobody reads any more."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [home.checkout / "install.sh", *arguments],
            env=home.environment,
            cwd=home.path,
            stdin=subprocess.DEVNULL,
            stdout=writer,
            stderr=writer if errors_too else subprocess.PIPE,
            restore_signals=True,  # Python itself ignores SIGPIPE; a shell's children do not
            timeout=LIMIT_SECONDS,
        )
    finally:
        os.close(writer)
    assert not done.stderr, done.stderr
    return done.returncode


@pytest.mark.parametrize("errors_too", [False, True])
def test_a_closed_pipe_stops_nothing(quick_home: Home, errors_too: bool) -> None:
    assert closed_pipe(quick_home, errors_too=errors_too) == 0
    through_a_pipe = snapshot(quick_home.path)
    assert "tls-inspect" in quick_home.gdb()
    assert list(quick_home.prefix.parent.glob(".gdb-tls.*")) == []
    quick_home.install()
    assert snapshot(quick_home.path) == through_a_pipe
    assert closed_pipe(quick_home, "--uninstall", errors_too=errors_too) == 0
    assert snapshot(quick_home.path) == {}


def test_a_closed_pipe_hides_no_failure(quick_home: Home) -> None:
    quick_home.gdbinit.write_text("no-such-command\n")
    before = snapshot(quick_home.path)
    assert closed_pipe(quick_home, errors_too=True) == 1
    assert snapshot(quick_home.path) == before


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_descriptors(quick_home: Home, closed: str) -> None:
    """What is printed goes into no file that was opened in a closed descriptor's place: all is there, and all goes."""
    for option in ("", "--uninstall"):
        line = f"exec {quick_home.checkout}/install.sh {option} {closed}"
        subprocess.run(["sh", "-c", line], env=quick_home.environment, check=True)
        loads = quick_home.gdbinit.exists() and quick_home.gdbinit.read_text().count("source ")
        assert bool(loads) is not bool(option)
