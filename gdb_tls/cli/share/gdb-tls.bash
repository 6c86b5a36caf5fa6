# Completion of gdb-tls in bash. Made by scripts/docs.
_gdb_tls() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} index
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        mapfile -t COMPREPLY < <(compgen -W "core pid run watch --help --version" -- "$word")
        if [[ -n $word && $word != -* ]]; then
            compopt -o filenames
            mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$word")
        fi
        return
    fi
    for ((index = 2; index < COMP_CWORD; index++)); do
        if [[ ${COMP_WORDS[1]} == run && ${COMP_WORDS[index]} == -- ]]; then
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
        --command) mapfile -t COMPREPLY < <(compgen -W "tls-inspect tls-audit tls-table tls-map tls-thread tls-diff tls-access tls-modules tls-symbols tls-keys tls-exit tls-whatis tls-verify" -- "$word"); return ;;
        --exe) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        --sysroot) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        --engine) mapfile -t COMPREPLY < <(compgen -W "gdb direct" -- "$word"); return ;;
        --gdb) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        --via) mapfile -t COMPREPLY < <(compgen -W "passive gdb dlsym tls-get-addr call" -- "$word"); return ;;
        --format) mapfile -t COMPREPLY < <(compgen -W "table json csv html svg" -- "$word"); return ;;
        --output) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        --threads) :; return ;;
        --module) :; return ;;
        --type) :; return ;;
        --ignore) :; return ;;
        --ignore-file) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        --interval) :; return ;;
        --for) :; return ;;
        --jsonl) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        --metrics) :; return ;;
        --on-alarm) :; return ;;
    esac
    if [[ $word == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "--command --exe --sysroot --engine --stop --gdb --debuginfod --verbose --via --format --output --threads --module --type --copies --all --all-inferiors --ignore --ignore-file --interval --for --jsonl --metrics --on-alarm --help" -- "$word")
    elif ((COMP_CWORD == 2)) && [[ ${COMP_WORDS[1]} == pid || ${COMP_WORDS[1]} == watch ]]; then
        mapfile -t COMPREPLY < <(cd /proc && compgen -W "$(echo [0-9]*)" -- "$word")
    elif [[ ${COMP_WORDS[1]} != pid && ${COMP_WORDS[1]} != run && ${COMP_WORDS[1]} != watch ]]; then
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
    fi
}
complete -F _gdb_tls gdb-tls
