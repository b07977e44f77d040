"""Code that completes command lines in bash, zsh and fish: what Tab offers is asked of the program itself.

Rule of this file: it only carries words to ``completer`` and answers back. Where there is no answer, the shell offers
files. The code is for people: scripts don't get it. That of bash and zsh works as one line too, see `posix.hook`.
"""

from __future__ import annotations


def bash(name: str) -> str:
    """For bash from 3.2 on (macOS). ``name`` is that of the shell function.

    bash takes ``=`` and ``:`` for ends of words: what it has of a word already must not be answered again.
    """
    return f"""\
__{name}_complete() {{
    local line="${{COMP_LINE:0:$COMP_POINT}}" typed last="${{COMP_WORDS[COMP_CWORD]:-}}" word;
    local -a words;
    read -r -a words <<< "$line";
    case "$line" in
        *[[:space:]]) words+=("") ;;
    esac;
    typed="${{words[${{#words[@]}}-1]}}";
    case "$last" in
        [=:]) last= ;;
    esac;
    COMPREPLY=();
    while IFS= read -r word; do
        [ -n "$word" ] || continue;
        printf -v word %q "${{word#"${{typed%"$last"}}"}}";
        COMPREPLY+=("$word");
    done <<< "$({name} completer "${{words[@]:1}}" 2>/dev/null)";
}};
complete -o default -F __{name}_complete {name};
"""


def zsh(name: str) -> str:
    """For zsh with its completion system, or with the old one where ``compinit`` was not run (or is run later)."""
    answers = f'$({name} completer --describe "${{(@Q)words[2,CURRENT-1]}}" "${{(Q)PREFIX}}" 2>/dev/null)'
    word, meaning = "${${line%%$'\\t'*}//:/\\\\:}", "${${(M)line:#*$'\\t'*}:+:${line#*$'\\t'}}"
    return f"""\
__{name}_complete() {{
    local line;
    local -a found;
    for line in "${{(@f){answers}}}"; do
        [[ -z $line ]] || found+=("{word}{meaning}");
    done;
    if (( $#found )); then
        _describe {name} found;
    else
        _files;
    fi;
}};
__{name}_reply() {{
    local -a words;
    local number;
    read -Ac words;
    read -nc number;
    reply=("${{(@f)$({name} completer "${{(@)words[2,number]}}" 2>/dev/null)}}");
}};
compctl -K __{name}_reply + -f {name};
if (( $+functions[compdef] )); then
    compdef __{name}_complete {name};
fi;
"""


def fish(name: str) -> str:
    """For fish, which shows what each answer means."""
    return f"""\
function __{name}_complete
    set -l words (commandline -opc)
    set -e words[1]
    set -l typed (commandline -ct)
    set -l found ({name} completer --describe $words "$typed" 2>/dev/null)
    if test (count $found) -gt 0
        string join \\n -- $found
    else
        __fish_complete_path "$typed"
    end
end
complete -c {name} -f -a "(__{name}_complete)"
"""
