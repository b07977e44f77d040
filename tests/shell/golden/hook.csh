setenv MAMBA_EXE '/opt/it'\''s here/bin/whipsnake';
setenv MAMBA_ROOT_PREFIX '/opt/my root';
if ( ! $?prompt ) set prompt='';
alias whipsnake 'set __whipsnake_file=`mktemp`; ( setenv prompt "$prompt:q"; '\''/opt/it'\''\'\'''\''s here/bin/whipsnake'\'' shell dispatch --shell csh --into "$__whipsnake_file" -- \!* ); set __whipsnake_status=$status; source "$__whipsnake_file"; rm -f "$__whipsnake_file"; rehash; ( exit $__whipsnake_status )';
if ( ! $?CONDA_SHLVL ) setenv PATH '/opt/my root/condabin':"$PATH";
if ( ! $?CONDA_SHLVL ) setenv CONDA_SHLVL 0;
if ( ! $?CONDA_PREFIX ) whipsnake activate base;
