#!/bin/sh
# Installs gdb-tls for daily use, or takes it out again. POSIX sh, so that it runs where bash is missing.
#
# Everything is put together and tried in a temporary folder beside the final one and moved into place at the
# end; until then, and whenever anything fails, the machine is left as it was (packages of the distribution,
# which gdb or pip may need, excepted).
# A descriptor that is closed would be given to the next file that is opened, and what is printed would go in there.
(exec 3>&1) 2>/dev/null || exec >/dev/null
(exec 3>&2) || exec 2>/dev/null
(exec 3<&0) 2>/dev/null || exec </dev/null
set -eu

begin_mark='# >>> gdb-tls >>>'
end_mark='# <<< gdb-tls <<<'
note_new_file='(install.sh made this file)'
note_no_newline='(the line above had no newline)'
record_name=install-record

here=$(cd "$(dirname "$0")" && pwd)
prefix=
use_gdbinit=yes
action=install
demo=no

help_text() {
    cat <<'HELP'
Usage: ./install.sh [OPTION]...

Install gdb-tls: the extension, the Python packages it needs (for GDB's own
Python, in a folder of their own), a line in your gdbinit that loads it, and
the command gdb-tls with its manual page and completions.
Missing gdb or pip are installed too, if you are root or may use sudo.

  --demo         install, then show the main job on a server that crashes
  --prefix DIR   install into DIR (default: ~/.local/share/gdb-tls); the
                 command is then DIR/bin/gdb-tls, not ~/.local/bin/gdb-tls
  --no-gdbinit   leave the gdbinit alone
  --uninstall    take everything out again, keeping your other gdbinit lines
  --deps         only put the Python packages beside this checkout's
                 gdb_tls.py, to use it from there
  --help         show this text

Environment: GDB names the gdb to install for (default: gdb), XDG_DATA_HOME
the folder that holds the default DIR. pip is used as you have configured it.
HELP
}

# Where nobody reads any more (`install.sh | head`) what is left to say is lost, and the work goes on to its end. The
# signal is caught and not ignored, so that programs that are started from here have it as ever.
trap : PIPE

say() {
    printf '%s\n' "$*" 2>/dev/null || :
}

# fail SENTENCE WHAT-TO-DO: the one way to stop because something does not work.
fail() {
    { printf 'install.sh: %s\n' "$1" && printf '  %s\n' "$2"; } >&2 2>/dev/null || :
    exit 1
}

usage_error() {
    { printf 'install.sh: %s\n  See ./install.sh --help\n' "$1"; } >&2 2>/dev/null || :
    exit 2
}

# ---------------------------------------------------------------- packages of the distribution

package_manager() {
    for manager in apt-get dnf apk pacman; do
        if command -v "$manager" >/dev/null 2>&1; then
            echo "$manager"
            return
        fi
    done
}

# The distribution's names for what this script calls gdb, pip, python and compiler.
package_names() {
    for thing in "$@"; do
        case $manager:$thing in
            # libc6-dbg has what GDB needs to follow threads through libthread_db.
            apt-get:gdb) echo gdb libc6-dbg ;;
            pacman:pip) echo python-pip ;;
            apk:pip) echo py3-pip ;;
            *:pip) echo python3-pip ;;
            pacman:python) echo python ;;
            *:python) echo python3 ;;
            dnf:compiler) echo gcc-c++ ;;
            pacman:compiler) echo gcc ;;
            *:compiler) echo g++ ;;
            *) echo "$thing" ;;
        esac
    done | tr '\n' ' ' | sed 's/ $//'
}

manager_command() {
    case $manager in
        apt-get) echo "apt-get install -y --no-install-recommends" ;;
        dnf) echo "dnf install -y" ;;
        apk) echo "apk add" ;;
        pacman) echo "pacman -Sy --needed --noconfirm" ;;
    esac
}

# Says every few seconds how far the package manager is, by the last line of its log, until it is killed.
tell_progress() {
    seconds=0
    while sleep 5 >/dev/null 2>&1; do
        seconds=$((seconds + 5))
        say "  $seconds s: $(tail -n 1 "$package_log" | tr '\r' '\n' | grep . | tail -n 1 | cut -c 1-60)"
    done
}

# manage WORD...: runs the package manager, whose words go to the log. It stays in the foreground, for Ctrl-C.
manage() {
    tell_progress &
    teller=$!
    # shellcheck disable=SC2086 # sudo -n, or nothing
    if $as_root "$@" >>"$package_log" 2>&1 </dev/null; then managed=0; else managed=$?; fi
    stop_teller
    return "$managed"
}

stop_teller() {
    if [ -n "$teller" ]; then
        # No other signal: one that comes before the subshell has begun goes to this shell's own trap, and is lost.
        { kill -KILL "$teller" && wait "$teller"; } 2>/dev/null || :
    fi
    teller=
}

# install_packages THING...: installs what is missing, or says what to run.
install_packages() {
    manager=$(package_manager)
    if [ -z "$manager" ]; then
        fail "$(missing_text "$@")." "Install that with your system's package manager, then run this again."
    fi
    packages=$(package_names "$@")
    if [ "$(id -u)" = 0 ]; then
        as_root=
    elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
        as_root='sudo -n'
    else
        fail "$(missing_text "$@"), and only root may install packages." \
            "Run: sudo $(manager_command) $packages; then run this again."
    fi
    say "Installing $packages ($manager; this can take a minute or two) ..."
    package_log=$(mktemp)
    # Debian's lists are missing in fresh containers, and old ones name packages that are gone: update, try again.
    # shellcheck disable=SC2046,SC2086 # the words of the command and the package names are wanted one by one
    if manage env DEBIAN_FRONTEND=noninteractive $(manager_command) $packages; then
        rm -f "$package_log"
    elif [ "$manager" = apt-get ] && manage apt-get update &&
        manage env DEBIAN_FRONTEND=noninteractive $(manager_command) $packages; then
        rm -f "$package_log"
    else
        tail -n 5 "$package_log" >&2 2>/dev/null || :
        rm -f "$package_log"
        fail "$manager could not install $packages (its last words are above)." \
            "Install them by hand, then run this again."
    fi
    hash -r # or the shell remembers that they are missing
}

missing_text() {
    for thing in "$@"; do
        case $thing in
            compiler) echo "a C++ compiler" ;;
            python) echo python3 ;;
            *) echo "$thing" ;;
        esac
    done | {
        read -r all
        while read -r one; do all="$all, $one"; done
        echo "Missing here: $all"
    }
}

# ---------------------------------------------------------------- GDB and its Python

# Runs the chosen gdb without init files, without a terminal, and with both outputs in one.
bare_gdb() {
    LC_ALL=C PYTHONDONTWRITEBYTECODE=1 "$gdb" -nx --batch "$@" 2>&1 </dev/null
}

# Sets gdb_version and python_version, or fails. Features decide; the versions are for people.
probe_gdb() {
    if ! gdb_path=$(command -v "$gdb"); then
        fail "There is no gdb at $gdb." "Let GDB name the gdb to use, or leave it unset."
    fi
    gdb=$gdb_path
    answer=$(bare_gdb -ex 'python import sys, gdb; print("probe %d.%d %s %s %s" % (sys.version_info[0],
sys.version_info[1], sys.version_info >= (3, 9), hasattr(gdb, "lookup_static_symbols"), gdb.VERSION))') || true
    case $answer in
        *"probe "*) ;;
        *"Python scripting is not supported"*)
            fail "This gdb ($gdb) is built without Python, which gdb-tls needs." \
                "Install your distribution's full gdb (not gdb-minimal), or let GDB name one that has Python."
            ;;
        *)
            fail "The Python in this gdb ($gdb) does not work: $(echo "$answer" | sed -n '/./{p;q;}')" \
                "Repair that gdb, or let GDB name another."
            ;;
    esac
    # shellcheck disable=SC2046 # five words on one line
    set -- $(echo "$answer" | sed -n 's/^.*probe \([0-9].*\)$/\1/p' | head -n 1)
    python_version=$1
    gdb_version=$4
    if [ "$3" != True ]; then
        fail "GDB $gdb_version ($gdb) is too old: gdb-tls needs GDB 10 or newer." \
            "Install a newer gdb, or let GDB name one."
    fi
    if [ "$2" != True ]; then
        fail "The Python $python_version in this gdb ($gdb) is too old: gdb-tls needs Python 3.9 or newer." \
            "Install a gdb with a newer Python, or let GDB name one."
    fi
}

# check_gdb GDB-ARGUMENT...: that a gdb so started has the command and can import what it needs.
# Sets check_answer to the command's own first line of help.
check_gdb() {
    check_output=$(cd / && LC_ALL=C PYTHONDONTWRITEBYTECODE=1 "$gdb" "$@" --batch -ex 'python
try:
    import gdb
    answer = gdb.execute("help tls-inspect", to_string=True).splitlines()[0]
    import pygments.lexers, rich.table
    print("check: " + answer)
except Exception as error:
    print("%s: %s" % (type(error).__name__, error))' 2>&1 </dev/null) || true
    check_answer=$(printf '%s\n' "$check_output" | sed -n 's/^check: //p')
    [ -n "$check_answer" ]
}

# byte_compile FOLDER FINAL-NAME MODE: with GDB's own Python, as no other of its version may be installed. The
# compiled files hold hashes, not times, so that the same input always gives the same bytes.
byte_compile() {
    GDB_TLS_FOLDER=$1 GDB_TLS_NAME=$2 GDB_TLS_MODE=$3 LC_ALL=C "$gdb" -nx --batch -ex 'python
import compileall, os, py_compile
folder, name, mode = (os.environ["GDB_TLS_" + key] for key in ("FOLDER", "NAME", "MODE"))
compileall.compile_dir(folder, quiet=2, force=True, stripdir=folder, prependdir=name,
                       invalidation_mode=py_compile.PycInvalidationMode[mode])' >/dev/null 2>&1 </dev/null || true
}

# ---------------------------------------------------------------- Python packages

# Sets pip to a command that works; any Python's will do, since the packages fit every Python.
find_pip() {
    for pip in "python${python_version-3} -m pip" "python3 -m pip" "/usr/bin/python3 -m pip" pip3 pip; do
        # shellcheck disable=SC2086 # a command and its arguments
        if $pip --version >/dev/null 2>&1 </dev/null; then
            return 0
        fi
    done
    return 1
}

need_pip() {
    if ! find_pip; then
        install_packages pip
        if ! find_pip; then
            fail "No pip was found that works." "Install pip for any Python 3, then run this again."
        fi
    fi
}

# site_stamp FOLDER: changes when any file in it does, or when requirements.txt does.
site_stamp() {
    {
        cat "$here/requirements.txt"
        (cd "$1" && find . -type f ! -name .stamp -exec cksum {} + | LC_ALL=C sort)
    } | cksum
}

site_is_good() {
    [ -f "$1/.stamp" ] && [ "$(cat "$1/.stamp")" = "$(site_stamp "$1")" ]
}

# fill_site FOLDER X.Y FINAL-NAME OLD: the Python packages for Python X.Y, from the folder OLD if that is intact
# and of the same requirements, else with pip.
fill_site() {
    if site_is_good "$4"; then
        mkdir -p "$(dirname "$1")"
        cp -R "$4" "$1"
        chmod -R u+rwX "$1"
        return
    fi
    need_pip
    say "Fetching the Python packages for Python $2 ($pip) ..."
    # Options given by environment beat the user's configuration only where --target would clash with it.
    # shellcheck disable=SC2086 # a command and its arguments
    if ! PIP_USER=0 PIP_REQUIRE_VIRTUALENV=0 PIP_DISABLE_PIP_VERSION_CHECK=1 $pip install --quiet --no-input \
        --require-hashes --no-deps --only-binary :all: --implementation cp --python-version "$2" \
        --no-compile --target "$1" -r "$here/requirements.txt" >"$work/pip.log" 2>&1 </dev/null; then
        pip_error=$(sed -n 's/^ *ERROR: *//p' "$work/pip.log" | head -n 1)
        case $(cat "$work/pip.log") in
            *"DO NOT MATCH THE HASHES"*)
                fail "A Python package that pip fetched is not the one requirements.txt names (its hash differs)." \
                    "Check where pip fetches from: $pip config list"
                ;;
            *[Cc]onnection* | *"Temporary failure"* | *"timed out"* | *ProxyError* | *SSLError* | *"No matching"*)
                fail "pip could not fetch the Python packages that gdb-tls needs: ${pip_error:-no connection}" \
                    "Check the network and pip's settings ($pip config list), then run this again."
                ;;
            *)
                fail "pip could not install the Python packages: ${pip_error:-$(tail -n 1 "$work/pip.log")}" \
                    "Check pip's settings ($pip config list), then run this again."
                ;;
        esac
    fi
    # Scripts such as pygmentize: not needed, and they name this pip's own Python.
    rm -rf "${1:?}/bin"
    if [ "$2" = "$python_version" ]; then
        byte_compile "$1" "$3" UNCHECKED_HASH
    fi
    site_stamp "$1" >"$1/.stamp"
}

# ---------------------------------------------------------------- the user's gdbinit

# The file that this gdb reads: it says so itself, and its rules have changed (GDB 11 put XDG's folder first).
find_gdbinit() {
    if [ -z "${HOME-}" ]; then
        fail "HOME is not set, so there is no gdbinit to write." "Set HOME, or use --no-gdbinit."
    fi
    gdbinit=$(LC_ALL=C "$gdb" --help 2>/dev/null </dev/null | sed -n 's/^ *\* user-specific init file: //p' | head -n 1)
    gdbinit=${gdbinit:-$HOME/.gdbinit}
}

has_no_final_newline() {
    [ -s "$1" ] && [ -n "$(tail -c 1 "$1")" ]
}

# block_prefix FILE: the prefix that the block in FILE loads; nothing if there is no block.
block_prefix() {
    [ -f "$1" ] || return 0
    MARK=$begin_mark LC_ALL=C awk 'index($0, ENVIRON["MARK"]) == 1 { inside = 1; next }
        inside && /^source .*\/gdb_tls\.py$/ { sub(/^source /, ""); sub(/\/gdb_tls\.py$/, ""); print; exit }
        { inside = 0 }' "$1"
}

# add_block FILE PREFIX: makes FILE load PREFIX/gdb_tls.py. An older block is changed where it stands.
add_block() {
    old=$(block_prefix "$1")
    if [ "$old" = "$2" ]; then
        return
    fi
    if [ -n "$old" ]; then
        MARK=$begin_mark PREFIX=$2 LC_ALL=C awk 'inside { print "source " ENVIRON["PREFIX"] "/gdb_tls.py"; inside = 0; next }
            index($0, ENVIRON["MARK"]) == 1 { inside = 1 }
            { print }' "$1" >"$work/gdbinit.new"
        if has_no_final_newline "$1"; then
            printf '%s' "$(cat "$work/gdbinit.new")" >"$work/gdbinit.new2"
            mv "$work/gdbinit.new2" "$work/gdbinit.new"
        fi
    else
        note=
        if [ ! -e "$1" ]; then
            note=" $note_new_file"
            : >"$work/gdbinit.new"
        elif has_no_final_newline "$1"; then
            note=" $note_no_newline"
            { cat "$1" && echo; } >"$work/gdbinit.new"
        else
            cat "$1" >"$work/gdbinit.new"
        fi
        printf '%s%s\nsource %s/gdb_tls.py\n%s\n' "$begin_mark" "$note" "$2" "$end_mark" >>"$work/gdbinit.new"
    fi
    # Written in place, so that a link stays a link and the mode stays the same.
    cat "$work/gdbinit.new" >"$1"
}

# remove_block FILE: leaves every line that is not ours, and the file's end, as they were before add_block.
remove_block() {
    cut=no
    if has_no_final_newline "$1"; then
        cut=yes
    fi
    removed=$(MARK=$begin_mark END=$end_mark LC_ALL=C awk '
        inside && /^source .*\/gdb_tls\.py$/ { next }
        { inside = 0 }
        index($0, ENVIRON["MARK"]) == 1 { inside = 1; next }
        $0 == ENVIRON["END"] { next }
        { print }
        END { print "." }' "$1")
    new_file=no
    if grep -qF "$begin_mark $note_new_file" "$1"; then
        new_file=yes
    fi
    if grep -qF "$begin_mark $note_no_newline" "$1" && [ "$(tail -n 1 "$1")" = "$end_mark" ]; then
        cut=yes
    fi
    removed=${removed%.}
    if [ "$cut" = yes ]; then
        removed=${removed%?}
    fi
    if [ -z "$removed" ] && [ "$new_file" = yes ]; then
        rm -f "$1"
    else
        printf '%s' "$removed" >"$1"
    fi
}

# ---------------------------------------------------------------- folders

# absolute PATH: without a slash at its end.
absolute() {
    case $1 in
        /*) path=$1 ;;
        *) path=$PWD/$1 ;;
    esac
    while [ "$path" != "${path%/}" ]; do path=${path%/}; done
    printf '%s\n' "${path:-/}"
}

default_prefix() {
    if [ -n "${XDG_DATA_HOME-}" ]; then
        printf '%s\n' "$XDG_DATA_HOME/gdb-tls"
    elif [ -n "${HOME-}" ]; then
        printf '%s\n' "$HOME/.local/share/gdb-tls"
    else
        fail "HOME is not set, so there is no default place to install into." "Set HOME, or use --prefix DIR."
    fi
}

# make_folder FOLDER: as mkdir -p, but notes in $made (innermost first) what was not there.
make_folder() {
    if [ -d "$1" ]; then
        return
    fi
    make_folder "$(dirname "$1")"
    if ! mkdir "$1" 2>/dev/null; then
        fail "Cannot make the folder $1." "Choose a place that you may write to: --prefix DIR"
    fi
    made="made=$1
$made"
}

remove_made_folders() {
    printf '%s\n' "$1" | sed -n 's/^made=//p' | while IFS= read -r folder; do
        rmdir "$folder" 2>/dev/null || true
    done
}

# ---------------------------------------------------------------- the command, its manual page and completions

# The command is a file of the package; this links it and what goes with it to where shells and man look. With a
# --prefix all that is below it, by default in the user's own folders.
link_table() {
    cat <<TABLE
gdb_tls/__main__.py $1/gdb-tls
gdb_tls/cli/share/gdb-tls.1 $2/man/man1/gdb-tls.1
gdb_tls/cli/share/gdb-tls.bash $2/bash-completion/completions/gdb-tls
gdb_tls/cli/share/_gdb-tls $2/zsh/site-functions/_gdb-tls
gdb_tls/cli/share/gdb-tls.fish $2/fish/vendor_completions.d/gdb-tls.fish
TABLE
}

# Sets bin to the command's folder.
choose_links() {
    links_outside=no
    bin=$prefix/bin
    if [ -n "${HOME-}" ] && [ "$prefix" = "$(default_prefix)" ]; then
        links_outside=yes
        bin=$HOME/.local/bin
    fi
}

# is_our_link PLACE: whether it is a link into the prefix.
is_our_link() {
    case $(readlink "$1" 2>/dev/null) in
        "$prefix"/*) return 0 ;;
    esac
    return 1
}

# Makes the folders for the links outside, and sets links to "link=PLACE" for each that may be made there.
prepare_links() {
    links=
    link_table "$bin" "$(dirname "$prefix")" >"$work/links"
    while read -r source place; do
        if [ ! -e "$stage/$source" ]; then
            continue
        fi
        make_folder "$(dirname "$place")"
        if is_our_link "$place" || { [ ! -e "$place" ] && [ ! -L "$place" ]; }; then
            links="link=$place
$links"
        else
            say "Leaving $place as it is: it is not gdb-tls's."
        fi
    done <"$work/links"
}

make_links() {
    while read -r source place; do
        case $links in
            *"link=$place
"*)
                if ! is_our_link "$place"; then
                    ln -s "$prefix/$source" "$place"
                    printf '%s\n' "link=$place" >>"$work/linked"
                fi
                ;;
        esac
    done <"$work/links"
}

# The same below the prefix, where it needs no record.
make_inner_links() {
    link_table bin share | while read -r source place; do
        if [ -e "$stage/$source" ]; then
            mkdir -p "$stage/$(dirname "$place")"
            up=$(dirname "$place" | sed 's|[^/][^/]*|..|g')
            ln -sf "$up/$source" "$stage/$place"
        fi
    done
}

# remove_links RECORD
remove_links() {
    printf '%s\n' "$1" | sed -n 's/^link=//p' | while IFS= read -r place; do
        if is_our_link "$place"; then
            rm -f "$place"
        fi
    done
}

# ---------------------------------------------------------------- install

# copy_part PART: a file, or a folder without what Python has compiled there, which need not even be readable.
copy_part() {
    # shellcheck disable=SC2016 # the inner shell's own arguments
    (
        cd "$here"
        find "$1" -name __pycache__ -prune -o -type d -exec sh -c 'cd "$0" && mkdir -p "$@"' "$stage" {} + &&
            find "$1" -name __pycache__ -prune -o -type f -exec sh -c '
                for one; do cp "$one" "$0/$one" || exit; done' "$stage" {} +
    )
}

stage_extension() {
    for part in gdb_tls.py gdb_tls LICENSE install.sh requirements.txt; do
        if [ -e "$here/$part" ] && ! copy_part "$part" 2>"$work/copy.log"; then
            fail "Cannot copy $here/$part: $(head -n 1 "$work/copy.log")" \
                "Nothing was installed. Let yourself read the checkout, then run this again."
        fi
    done
    # What may not be written in the checkout may be here, or nobody but root could remove it again.
    chmod -R u+rwX "$stage"
}

# remove_tree FOLDER: also where an earlier version of this script copied folders that may not be written.
remove_tree() {
    if [ -d "$1" ] && [ ! -L "$1" ]; then chmod -R u+rwX "$1" 2>/dev/null || :; fi
    rm -rf "$1"
}

# Puts everything back as it was; harmless after the work is done, when only the temporary folder is left.
restore() {
    status=$?
    trap - EXIT
    trap '' HUP INT TERM PIPE
    set +e
    stop_teller
    if [ "$committed" = no ] && [ -n "$work" ]; then
        if [ "$gdbinit_touched" = yes ]; then
            if [ -e "$work/gdbinit.old" ]; then
                cat "$work/gdbinit.old" >"$gdbinit"
            else
                rm -f "$gdbinit"
            fi
        fi
        if [ -f "$work/linked" ]; then
            remove_links "$(cat "$work/linked")"
        fi
        if [ "$moved" = yes ]; then
            remove_tree "$prefix"
        fi
        if [ -e "$work/old" ]; then
            mv "$work/old" "$prefix"
        fi
    fi
    rm -f "$package_log"
    if [ -n "$work" ]; then
        remove_tree "$work"
    fi
    if [ "$committed" = no ]; then
        remove_made_folders "$made"
    fi
    exit "$status"
}

protect() {
    work=
    package_log=
    teller=
    made=
    moved=no
    gdbinit_touched=no
    committed=no
    trap restore EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
}

prepare() {
    if [ ! -f "$here/gdb_tls.py" ] || [ ! -d "$here/gdb_tls" ] || [ ! -f "$here/requirements.txt" ]; then
        fail "The files to install are not beside install.sh, in $here." "Run install.sh from a whole checkout of gdb-tls."
    fi
    gdb=${GDB:-gdb}
    missing=
    if [ -z "${GDB-}" ] && ! command -v gdb >/dev/null 2>&1; then
        missing=gdb
        # It will be needed too, and one run of the package manager is quicker than two.
        if ! find_pip; then missing="$missing pip"; fi
    fi
    if [ "$demo" = yes ]; then
        if ! command -v python3 >/dev/null 2>&1; then missing="$missing python"; fi
        if ! command -v g++ >/dev/null 2>&1; then missing="$missing compiler"; fi
    fi
    if [ -n "$missing" ]; then
        # shellcheck disable=SC2086 # one word a thing
        install_packages $missing
    fi
    probe_gdb
}

install() {
    protect
    prepare
    if [ -d "$prefix" ]; then
        if [ ! -f "$prefix/$record_name" ] && [ -n "$(ls -A "$prefix")" ]; then
            fail "$prefix holds files that are not gdb-tls." "Choose a folder of its own, such as --prefix $prefix/gdb-tls"
        fi
    elif [ -e "$prefix" ]; then
        fail "$prefix is a file, not a folder." "Choose another place: --prefix DIR"
    fi

    make_folder "$(dirname "$prefix")"
    prefix=$(cd "$(dirname "$prefix")" && pwd)/$(basename "$prefix")
    if ! work=$(mktemp -d "$(dirname "$prefix")/.gdb-tls.XXXXXX" 2>/dev/null); then
        work=
        fail "Cannot write in $(dirname "$prefix")." "Choose a place that you may write to: --prefix DIR"
    fi
    if [ "$use_gdbinit" = yes ]; then
        find_gdbinit
        if [ -e "$gdbinit" ] && { [ ! -f "$gdbinit" ] || [ ! -r "$gdbinit" ] || [ ! -w "$gdbinit" ]; }; then
            fail "$gdbinit is not a file that you may read and write." "Repair it, or use --no-gdbinit."
        fi
        if [ ! -e "$gdbinit" ] && ! [ -w "$(dirname "$gdbinit")" ]; then
            fail "Cannot write $gdbinit." "Use --no-gdbinit, and source $prefix/gdb_tls.py in gdb yourself."
        fi
    fi
    stage=$work/new
    mkdir "$stage"
    stage_extension
    # The packages for GDB's Python, and for that of any other gdb this was installed for before.
    for folder in "$prefix"/site/cpython-*; do
        version=${folder##*/cpython-}
        if [ -d "$folder" ] && [ "$version" != "$python_version" ]; then
            fill_site "$stage/site/cpython-$version" "$version" "$prefix/site/cpython-$version" "$folder"
        fi
    done
    site=site/cpython-$python_version
    fill_site "$stage/$site" "$python_version" "$prefix/$site" "$prefix/$site"
    if ! check_gdb -nx -ex "source $stage/gdb_tls.py"; then
        printf '%s\n' "$check_output" | tail -n 8 >&2 2>/dev/null || :
        fail "gdb-tls does not load in GDB $gdb_version (what gdb said is above)." "Nothing was installed. Please report this."
    fi
    byte_compile "$stage/gdb_tls" "$prefix/gdb_tls" CHECKED_HASH

    was=new
    kept=no
    old_record=
    if [ -d "$prefix" ]; then
        was=there
        if [ -f "$prefix/$record_name" ]; then
            old_record=$(sed '/^#/d' "$prefix/$record_name")
        else
            kept=yes
        fi
    fi
    choose_links
    links=
    if [ "$links_outside" = yes ]; then prepare_links; else make_inner_links; fi
    write_record
    if [ -d "$prefix" ] && ! { chmod u+rwx "$prefix" && mv "$prefix" "$work/old"; } 2>/dev/null; then
        fail "Cannot replace $prefix." "Choose a place that you may write to: --prefix DIR"
    fi
    moved=yes
    mv "$stage" "$prefix"
    if [ "$links_outside" = yes ]; then make_links; fi

    if [ "$use_gdbinit" = yes ]; then
        if [ -e "$gdbinit" ]; then
            cat "$gdbinit" >"$work/gdbinit.old"
        fi
        gdbinit_touched=yes
        add_block "$gdbinit" "$prefix"
        if ! check_gdb; then
            printf '%s\n' "$check_output" | tail -n 8 >&2 2>/dev/null || :
            fail "gdb, started as you start it, does not come to the gdb-tls line in $gdbinit (what it said is above)." \
                "Nothing was installed. Repair that file, or use --no-gdbinit."
        fi
    fi
    committed=yes
    remove_tree "$work"
    work=
    report
}

# What --uninstall has to know: folders that were made, and the gdbinit with our lines.
write_record() {
    {
        echo "# Written by install.sh for install.sh --uninstall."
        if [ "$use_gdbinit" = yes ]; then
            printf 'gdbinit=%s\n' "$gdbinit"
        else
            printf '%s\n' "$old_record" | sed -n '/^gdbinit=/p'
        fi
        printf '%s\n%s\n' "$old_record" "$made" | sed -n '/^made=/p; /^kept=/p'
        if [ -n "$links" ]; then printf '%s' "$links"; fi
        if [ "$kept" = yes ]; then echo "kept=an empty folder was there before"; fi
    } >"$stage/$record_name"
}

report() {
    if [ "$was" = new ]; then done_word="is installed"; else done_word="is installed anew"; fi
    say "gdb-tls $done_word in $prefix, for GDB $gdb_version with Python $python_version."
    if [ "$use_gdbinit" = yes ]; then
        say "  loaded by   a line in $gdbinit"
        say "  checked     gdb starts and knows tls-inspect: $check_answer"
        say "  in gdb      tls-audit; tls-inspect NAME; tls (lists all commands)"
    else
        say "  checked     gdb loads it and knows tls-inspect: $check_answer"
        say "  in gdb      source $prefix/gdb_tls.py; then tls (lists all commands)"
    fi
    if [ -e "$bin/gdb-tls" ]; then
        say "  in a shell  $bin/gdb-tls CORE; gdb-tls --help"
        case ":$PATH:" in
            *":$bin:"*) ;;
            *) say "              (not on your PATH yet: export PATH=\"$bin:\$PATH\")" ;;
        esac
    fi
    say "  to remove   $prefix/install.sh --uninstall"
}

# Only the Python packages, beside the gdb_tls.py of this checkout.
install_deps() {
    protect
    prepare
    site=$here/site/cpython-$python_version
    if site_is_good "$site"; then
        committed=yes
        return
    fi
    if [ ! -w "$here" ] && [ ! -w "$here/site" ]; then
        fail "Cannot write in $here." "Run ./install.sh, which installs into your own folders, or use a checkout of your own."
    fi
    make_folder "$here/site"
    if ! work=$(mktemp -d "$here/site/.new.XXXXXX" 2>/dev/null); then
        work=
        fail "Cannot write in $here/site." "Run ./install.sh, which installs into your own folders."
    fi
    fill_site "$work/site" "$python_version" "$site" "$site"
    rm -rf "$site"
    mv "$work/site" "$site"
    committed=yes
    remove_tree "$work"
    work=
    say "The Python packages for GDB $gdb_version with Python $python_version are in $site"
}

# ---------------------------------------------------------------- uninstall

uninstall() {
    found=no
    record=
    if [ -f "$prefix/$record_name" ]; then
        record=$(sed '/^#/d' "$prefix/$record_name")
    elif [ -d "$prefix" ] && [ -n "$(ls -A "$prefix")" ]; then
        fail "$prefix was not made by install.sh." "Name the folder it was installed into: --uninstall --prefix DIR"
    fi
    recorded=$(printf '%s\n' "$record" | sed -n 's/^gdbinit=//p')
    for file in "$recorded" "${XDG_CONFIG_HOME:-${HOME-}/.config}/gdb/gdbinit" "${HOME-}/.gdbinit"; do
        if [ "$use_gdbinit" = yes ] && [ -n "$file" ] && [ "$(block_prefix "$file")" = "$prefix" ]; then
            if [ ! -w "$file" ]; then
                fail "Cannot write $file." "Take the gdb-tls lines out of it, or use --no-gdbinit."
            fi
            remove_block "$file"
            say "Took the gdb-tls lines out of $file"
            found=yes
        fi
    done
    if [ -n "$record" ] || [ -f "$prefix/$record_name" ]; then
        if ! remove_tree "$prefix"; then
            fail "Cannot remove all of $prefix." "Remove it as the user who installed it."
        fi
        remove_links "$record"
        case $record in
            *kept=*) mkdir "$prefix" ;;
        esac
        remove_made_folders "$record"
        say "Removed $prefix"
        found=yes
    fi
    if [ "$found" = no ]; then
        say "gdb-tls is not installed in $prefix: nothing to remove."
    fi
}

# The prefix meant when none is given: that of an installed copy of this script, else (to remove) the one that a
# gdbinit loads, else the default.
implied_prefix() {
    if [ -f "$here/$record_name" ]; then
        printf '%s\n' "$here"
        return
    fi
    if [ "$action" = uninstall ]; then
        for file in "${XDG_CONFIG_HOME:-${HOME-}/.config}/gdb/gdbinit" "${HOME-}/.gdbinit"; do
            loaded=$(block_prefix "$file")
            if [ -n "$loaded" ]; then
                printf '%s\n' "$loaded"
                return
            fi
        done
    fi
    default_prefix
}

while [ $# -gt 0 ]; do
    case $1 in
        --prefix)
            if [ $# -lt 2 ] || [ -z "$2" ]; then usage_error "--prefix needs a folder."; fi
            prefix=$2
            shift
            ;;
        --prefix=?*) prefix=${1#--prefix=} ;;
        --no-gdbinit) use_gdbinit=no ;;
        --uninstall) action=uninstall ;;
        --deps) action=deps ;;
        --demo) demo=yes ;;
        --help | -h)
            help_text
            exit 0
            ;;
        *) usage_error "Unknown option: $1" ;;
    esac
    shift
done
if [ "$demo" = yes ] && [ "$action" != install ]; then
    usage_error "--demo goes with an installation only."
fi
if [ "$demo" = yes ] && [ ! -x "$here/scripts/demo/run" ]; then
    fail "There is no demo beside this install.sh." "Run ./install.sh --demo in a checkout of gdb-tls."
fi

if [ "$action" = deps ]; then
    install_deps
    exit 0
fi
if [ -z "$prefix" ]; then
    prefix=$(implied_prefix)
fi
prefix=$(absolute "$prefix")
case $prefix in
    *"
"*) usage_error "The folder's name may not hold a line break." ;;
esac
"$action"
if [ "$demo" = yes ]; then
    # The demo shows what a checkout does, which finds the packages in its own folder or in the default place.
    if [ "$prefix" != "$(absolute "$(default_prefix 2>/dev/null)")" ]; then
        install_deps
    fi
    say ""
    exec "$here/scripts/demo/run"
fi
