"""Menu entries of packages (CEP 11): what `menuinst` makes of ``Menu/*.json``, without being `menuinst`.

item       a file of a package → the entries that it asks for, for one platform
place      where entries go on a system, and what the placeholders stand for
linux      an entry as XDG files
osx        an entry as an application bundle
windows    an entry as shortcuts
apply      entries made and removed, with a note where that fails

Rule of this folder: `linux`, `osx` and `windows` say what is to be written, `apply` alone writes. Removing is done
from the same plan as making, so that what `menuinst` made is removed as well. A failure is never worth an
environment: it is a warning.
"""
