\export MAMBA_EXE='/opt/it'\''s here/bin/whipsnake';
\export MAMBA_ROOT_PREFIX='/opt/my root';
__whipsnake_apply() {
    __whipsnake_code="$(PS1="${PS1:-}" '/opt/it'\''s here/bin/whipsnake' shell "$@" --shell zsh)" || \return;
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
case "$-${ZSH_VERSION:+ ZSH_VERSION}" in
    *i*ZSH_VERSION) \eval '__whipsnake_complete() {
    local line;
    local -a found;
    for line in "${(@f)$(whipsnake completer --describe "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}"; do
        [[ -z $line ]] || found+=("${${line%%$'\''\t'\''*}//:/\\:}${${(M)line:#*$'\''\t'\''*}:+:${line#*$'\''\t'\''}}");
    done;
    if (( $#found )); then
        _describe whipsnake found;
    else
        _files;
    fi;
};
__whipsnake_reply() {
    local -a words;
    local number;
    read -Ac words;
    read -nc number;
    reply=("${(@f)$(whipsnake completer "${(@)words[2,number]}" 2>/dev/null)}");
};
compctl -K __whipsnake_reply + -f whipsnake;
if (( $+functions[compdef] )); then
    compdef __whipsnake_complete whipsnake;
fi;
' ;;
esac;
[ -n "${CONDA_PREFIX:-}" ] || whipsnake activate base;
