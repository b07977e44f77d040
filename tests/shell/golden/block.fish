set -gx MAMBA_EXE '/opt/it\'s here/bin/whipsnake'
set -gx MAMBA_ROOT_PREFIX '/opt/my root'
if test -x $MAMBA_EXE
    $MAMBA_EXE shell hook --shell fish | source
end
