"""A compiled package whose files hold the placeholder as C strings: wrong replacement and it says so, or dies.

``whereami`` has a shared library, a program linked against it by a run path with the placeholder, a header and a
pkg-config file. The program prints the prefix it was installed for, and a path below it, as the library knows them.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.kit.interpreter import native_subdir
from tests.kit.package import PLACEHOLDER, BuiltPackage, File, Symlink, make_package
from tests.kit.relocate import compile_c

_LIBRARY = """
/* One plain string, one with a tail, two in one, and room behind them that must not move. */
static const char prefix[] = "@P@";
static const char config[] = "@P@/etc/whereami.conf";
static const char search[] = "@P@/lib:@P@/share";
const char whereami_sentinel[] = "sentinel";
const char *whereami_prefix(void) { return prefix; }
const char *whereami_config(void) { return config; }
const char *whereami_search(void) { return search; }
"""
_PROGRAM = """
#include <stdio.h>
const char *whereami_prefix(void);
const char *whereami_config(void);
const char *whereami_search(void);
int main(void) {
    printf("%s\\n%s\\n%s\\n", whereami_prefix(), whereami_config(), whereami_search());
    return 0;
}
"""
_HEADER = "const char *whereami_prefix(void);\nconst char *whereami_config(void);\nconst char *whereami_search(void);\n"
_PC = """prefix=@P@
libdir=${prefix}/lib

Name: whereami
Description: Knows where it is
Version: 1.0
Libs: -L${libdir} -lwhereami
"""


def whereami_package(*, format: str = ".tar.bz2") -> BuiltPackage:
    """Build the package with this machine's C compiler. Raises `NoCompiler`."""
    mac = sys.platform == "darwin"
    name = "libwhereami.1.dylib" if mac else "libwhereami.so.1"
    kind = ["-dynamiclib", f"-Wl,-install_name,@rpath/{name}"] if mac else ["-shared", "-fPIC", f"-Wl,-soname,{name}"]
    fixed = [] if mac else ["-Wl,--build-id=none"]
    library = compile_c(_LIBRARY.replace("@P@", PLACEHOLDER), *kind, *fixed)
    program = _program(library, name, fixed)
    return make_package(
        "whereami",
        "1.0",
        "h_0",
        files={
            "bin/whereami": File(program, mode=0o755),
            "etc/whereami.conf": f"home = {PLACEHOLDER}\n",
            "include/whereami.h": _HEADER,
            f"lib/{name}": File(library, mode=0o755),
            f"lib/libwhereami.{'dylib' if mac else 'so'}": Symlink(name),
            "lib/pkgconfig/whereami.pc": _PC.replace("@P@", PLACEHOLDER),
        },
        subdir=native_subdir(),
        format=format,
    )


def _program(library: bytes, name: str, fixed: list[str]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(library)
        return compile_c(_PROGRAM, str(path), f"-Wl,-rpath,{PLACEHOLDER}/lib", *fixed)
