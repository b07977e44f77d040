setenv MAMBA_EXE '/opt/it'\''s here/bin/whipsnake';
setenv MAMBA_ROOT_PREFIX '/opt/my root';
set __mamba_hook=`mktemp`
if ( -x "$MAMBA_EXE" ) "$MAMBA_EXE" shell hook --shell csh > "$__mamba_hook"
source "$__mamba_hook"
rm -f "$__mamba_hook"
unset __mamba_hook
