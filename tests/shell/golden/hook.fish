set -gx MAMBA_EXE '/opt/it\'s here/bin/whipsnake'
set -gx MAMBA_ROOT_PREFIX '/opt/my root'
function __whipsnake_apply
    set -l code ('/opt/it\'s here/bin/whipsnake' shell $argv --shell fish); or return
    string join \n -- $code | source
end
function whipsnake
    switch "$argv[1]"
        case activate deactivate reactivate
            if contains -- -h $argv; or contains -- --help $argv
                '/opt/it\'s here/bin/whipsnake' $argv
            else
                __whipsnake_apply $argv
            end
        case install update upgrade remove uninstall
            '/opt/it\'s here/bin/whipsnake' $argv; or return
            if set -q CONDA_SHLVL; and test "$CONDA_SHLVL" != 0
                __whipsnake_apply reactivate
            end
        case '*'
            '/opt/it\'s here/bin/whipsnake' $argv
    end
end
if not set -q CONDA_SHLVL
    set -gx CONDA_SHLVL 0
    contains -- '/opt/my root/condabin' $PATH; or set -gx PATH '/opt/my root/condabin' $PATH
end
if not set -q MAMBA_NO_PROMPT; and not functions -q __whipsnake_prompt
    if functions -q fish_prompt
        functions -c fish_prompt __whipsnake_prompt
    else
        function __whipsnake_prompt
        end
    end
    function __whipsnake_status
        return $argv[1]
    end
    function fish_prompt
        set -l last $status
        if set -q CONDA_PROMPT_MODIFIER
            printf '%s' $CONDA_PROMPT_MODIFIER
        end
        __whipsnake_status $last
        __whipsnake_prompt
    end
end
if status is-interactive
function __whipsnake_complete
    set -l words (commandline -opc)
    set -e words[1]
    set -l typed (commandline -ct)
    set -l found (whipsnake completer --describe $words "$typed" 2>/dev/null)
    if test (count $found) -gt 0
        string join \n -- $found
    else
        __fish_complete_path "$typed"
    end
end
complete -c whipsnake -f -a "(__whipsnake_complete)"
end
set -q CONDA_PREFIX; or whipsnake activate base
