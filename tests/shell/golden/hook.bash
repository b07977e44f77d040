\export MAMBA_EXE='/opt/it'\''s here/bin/whipsnake';
\export MAMBA_ROOT_PREFIX='/opt/my root';
__whipsnake_apply() {
    __whipsnake_code="$(PS1="${PS1:-}" '/opt/it'\''s here/bin/whipsnake' shell "$@" --shell bash)" || \return;
    \eval "${__whipsnake_code}";
    \unset __whipsnake_code;
    \hash -r 2>/dev/null || :;
};
whipsnake() {
    case "${1:-}" in
        activate|deactivate|reactivate)
            case " $* " in
                *' -h '*|*' --help '*) '/opt/it'\''s here/bin/whipsnake' "$@" ;;
                *) __whipsnake_apply "$@" ;;
            esac ;;
        install|update|upgrade|remove|uninstall)
            '/opt/it'\''s here/bin/whipsnake' "$@" || \return;
            case "${CONDA_SHLVL:-0}" in
                0) ;;
                *) __whipsnake_apply reactivate ;;
            esac ;;
        *) '/opt/it'\''s here/bin/whipsnake' "$@" ;;
    esac;
};
if [ -z "${CONDA_SHLVL+x}" ]; then
    \export CONDA_SHLVL=0;
    case ":${PATH:-}:" in
        *:'/opt/my root/condabin':*) ;;
        *) \export PATH='/opt/my root/condabin'"${PATH:+:$PATH}" ;;
    esac;
fi;
[ -n "${PS1+x}" ] || PS1=;
case "$-${BASH_VERSION:+ BASH_VERSION}" in
    *i*BASH_VERSION) \eval '__whipsnake_complete() {
    local line="${COMP_LINE:0:$COMP_POINT}" typed last="${COMP_WORDS[COMP_CWORD]:-}" word;
    local -a words;
    read -r -a words <<< "$line";
    case "$line" in
        *[[:space:]]) words+=("") ;;
    esac;
    typed="${words[${#words[@]}-1]}";
    case "$last" in
        [=:]) last= ;;
    esac;
    COMPREPLY=();
    while IFS= read -r word; do
        [ -n "$word" ] || continue;
        printf -v word %q "${word#"${typed%"$last"}"}";
        COMPREPLY+=("$word");
    done <<< "$(whipsnake completer "${words[@]:1}" 2>/dev/null)";
};
complete -o default -F __whipsnake_complete whipsnake;
' ;;
esac;
[ -n "${CONDA_PREFIX:-}" ] || whipsnake activate base;
