set -gx PATH '/opt/my envs/a/bin:/usr/bin'
source '/opt/old\'s/etc/conda/deactivate.d/1.sh'
set -e OLD; or true
set -g PS1 '(a) $ '
set -gx CONDA_PREFIX '/opt/my envs/a'
set -gx NASTY 'it\'s "q" $(touch x) `touch x` \\ ! % ^ & ; | ‘curly’ é 😀'
set -gx EMPTY ''
source '/opt/my envs/a/etc/conda/activate.d/1.sh'
