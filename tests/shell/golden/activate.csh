setenv PATH '/opt/my envs/a/bin:/usr/bin';
source '/opt/old'\''s/etc/conda/deactivate.d/1.sh';
unsetenv OLD;
set PS1='(a) $ ';
setenv CONDA_PREFIX '/opt/my envs/a';
setenv NASTY 'it'\''s "q" $(touch x) `touch x` \ \! % ^ & ; | ‘curly’ é 😀';
setenv EMPTY '';
source '/opt/my envs/a/etc/conda/activate.d/1.sh';
