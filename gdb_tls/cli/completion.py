"""Completion of gdb-tls in bash, zsh and fish, from the same specs as its --help."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from gdb_tls.cli.arguments import CORE, SUMMARY, WATCH, WAYS, Way, options
from gdb_tls.questions.command import CommandSpec, Option

BASH = """\
# Completion of gdb-tls in bash. Made by scripts/docs.
_gdb_tls() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD - 1]}} index
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        mapfile -t COMPREPLY < <(compgen -W "{first}" -- "$word")
        if [[ -n $word && $word != -* ]]; then
            compopt -o filenames
            mapfile -t -O "${{#COMPREPLY[@]}}" COMPREPLY < <(compgen -f -- "$word")
        fi
        return
    fi
    for ((index = 2; index < COMP_CWORD; index++)); do
        if [[ ${{COMP_WORDS[1]}} == run && ${{COMP_WORDS[index]}} == -- ]]; then
            compopt -o filenames
            if ((index == COMP_CWORD - 1)); then
                mapfile -t COMPREPLY < <(compgen -c -- "$word")
            else
                mapfile -t COMPREPLY < <(compgen -f -- "$word")
            fi
            return
        fi
    done
    case $before in
{values}
    esac
    if [[ $word == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "{options}" -- "$word")
    elif ((COMP_CWORD == 2)) && [[ ${{COMP_WORDS[1]}} == pid || ${{COMP_WORDS[1]}} == watch ]]; then
        mapfile -t COMPREPLY < <(cd /proc && compgen -W "$(echo [0-9]*)" -- "$word")
    elif [[ ${{COMP_WORDS[1]}} != pid && ${{COMP_WORDS[1]}} != run && ${{COMP_WORDS[1]}} != watch ]]; then
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
    fi
}}
complete -F _gdb_tls gdb-tls
"""

ZSH = """\
#compdef gdb-tls
# Completion of gdb-tls in zsh. Made by scripts/docs.
_gdb-tls() {{
    local -a ways options
    ways=(
{ways}
    )
    options=(
{options}
    )
    if ((CURRENT == 2)); then
        _describe 'way' ways
        _files
        _arguments {general}
        return
    fi
    local way=$words[2]
    shift words
    ((CURRENT--))
    case $way in
        core) _arguments $options '*:core dump, executable or NAME:_files' ;;
        pid | watch) _arguments $options '1:process:_pids' '*:NAME: ' ;;
        run) _arguments $options '*::program:_normal' ;;
        *) _arguments $options '*:core dump, executable or NAME:_files' ;;
    esac
}}
_gdb-tls "$@"
"""


def _every_option() -> list[Option]:
    return [*options(CORE), *(one for one in options(WATCH) if one.name not in {two.name for two in options(CORE)})]


def _values(option: Option, specs: Sequence[CommandSpec]) -> Sequence[str]:
    if option.complete == "commands":
        return [spec.name for spec in specs]
    return list(option.settings.get("choices", ()))


def _takes_value(option: Option) -> bool:
    return option.settings.get("action") != "store_true"


def bash(specs: Sequence[CommandSpec]) -> str:
    """The file for bash-completion's folder."""
    cases = []
    for option in _every_option():
        if not _takes_value(option):
            continue
        values = " ".join(_values(option, specs))
        if values:
            reply = f'mapfile -t COMPREPLY < <(compgen -W "{values}" -- "$word")'
        elif option.complete == "files":
            reply = 'compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$word")'
        else:
            reply = ":"
        cases.append(f"        {option.name}) {reply}; return ;;")
    names = [option.name for option in _every_option()]
    first = " ".join([*(way.name for way in WAYS), "--help", "--version"])
    return BASH.format(first=first, values="\n".join(cases), options=" ".join([*names, "--help"]))


def zsh(specs: Sequence[CommandSpec]) -> str:
    """The file `_gdb-tls` for a folder of zsh's fpath."""
    rows = []
    for option in _every_option():
        about = _zsh_text(option.help)
        values = " ".join(_values(option, specs))
        what = f"({values})" if values else "_files" if option.complete == "files" else " "
        value = f":{option.settings.get('metavar', '')}:{what}" if _takes_value(option) else ""
        rows.append(f"        {shlex.quote(f'{option.name}[{about}]{value}')}")
    rows.append("        '--help[Show a help text]'")
    ways = [f"        {shlex.quote(f'{way.name}:{_zsh_text(way.summary)}')}" for way in WAYS]
    general = "'--help[Show a help text]' '--version[Show the version]'"
    return ZSH.format(ways="\n".join(ways), options="\n".join(rows), general=general)


def _zsh_text(text: str) -> str:
    return text.replace("\\", "\\\\").replace(":", "\\:").replace("[", "\\[").replace("]", "\\]")


def fish(specs: Sequence[CommandSpec]) -> str:
    """The file gdb-tls.fish."""
    lines = [f"# Completion of gdb-tls in fish. Made by scripts/docs. {SUMMARY}.", "complete -c gdb-tls -f"]
    lines += [_fish_way(way) for way in WAYS]
    for option in _every_option():
        words = ["complete -c gdb-tls", "-n 'not __fish_use_subcommand'", f"-l {option.name[2:]}"]
        values = " ".join(_values(option, specs))
        if values:
            words.append(f"-x -a {shlex.quote(values)}")
        elif _takes_value(option):
            words.append("-r -F" if option.complete == "files" else "-x")
        lines.append(" ".join([*words, f"-d {_fish_quoted(option.help)}"]))
    lines.append("complete -c gdb-tls -n 'not __fish_seen_subcommand_from pid run watch' -F")
    lines.append("complete -c gdb-tls -n '__fish_seen_subcommand_from pid watch' -a '(__fish_complete_pids)'")
    lines.append("complete -c gdb-tls -n '__fish_seen_subcommand_from run' -a '(__fish_complete_subcommand)'")
    lines.append("complete -c gdb-tls -l help -d 'Show a help text'")
    lines.append("complete -c gdb-tls -n __fish_use_subcommand -l version -d 'Show the version'")
    return "\n".join(lines) + "\n"


def _fish_way(way: Way) -> str:
    return f"complete -c gdb-tls -n __fish_use_subcommand -a {way.name} -d {_fish_quoted(way.summary)}"


def _fish_quoted(text: str) -> str:
    # fish: in single quotes only a backslash and the quote itself are escaped.
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
