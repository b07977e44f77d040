"""Archives that no installer may accept, or only with care. Each is a whole package but for its one fault.

    @pytest.mark.parametrize("case", UNSAFE, ids=str)
    def test_refused(case): extract(case.build(".conda")) → UnsafeArchive; nothing outside the target

`UNSAFE` try to get out of their directory or hold what no package may hold; `BROKEN` are damaged; `ODD` are unusual
but sound, and must be read; `AMBIGUOUS` may be read or refused, but never half, and never with anything outside.
"""

from __future__ import annotations

import bz2
import io
import tarfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import zstandard

from tests.kit import archive
from tests.kit.archive import FORMATS, Member
from tests.kit.package import BuiltPackage, Content, File, make_package

CANARY = "whipsnake-escaped"
"""The name of the file that an escape would write. No test may find it outside the target."""
MEGABYTE = 1 << 20


@dataclass(frozen=True)
class Case:
    """A fault by name. ``make`` takes the format and gives the archive's bytes."""

    name: str
    make: Callable[[str], bytes]
    formats: tuple[str, ...] = FORMATS

    def build(self, format: str = ".conda") -> BuiltPackage:
        """The package; its record fits its bytes, so that only the fault itself can be found."""
        return replace(_sound(format), data=self.make(format))

    def __str__(self) -> str:
        return self.name


def sound_members() -> list[Member]:
    """The members of a small sound package."""
    return members_of(_sound(".tar.bz2"))


def members_of(package: BuiltPackage) -> list[Member]:
    """The members of a package of the older format."""
    with tarfile.open(fileobj=io.BytesIO(package.data), mode="r:bz2") as opened:
        return [Member(info.name, _read(opened, info), info.mode, info.type, info.linkname) for info in opened]


def with_members(*extra: Member) -> Callable[[str], bytes]:
    """A maker of the sound package with these members at its end."""
    return lambda format: pack([*sound_members(), *extra], format)


def pack(members: Sequence[Member], format: str) -> bytes:
    """An archive of exactly these members."""
    return archive.conda("evil-1.0-h_0", members) if format == ".conda" else archive.tar_bz2(members)


def each(cases: Sequence[Case]) -> Iterator[tuple[Case, str]]:
    """Every case with every format it exists in, for parametrize."""
    return ((case, format) for case in cases for format in case.formats)


def bomb(megabytes: int) -> Callable[[str], bytes]:
    """A maker of a package with one file of so many megabytes of zeros, kilobytes in the archive."""
    return with_members(Member("lib/zeros", bytes(megabytes * MEGABYTE)))


def truncated(package: BuiltPackage, keep: float = 0.6) -> BuiltPackage:
    """The first part of an archive, under the record of the whole."""
    return replace(package, data=package.data[: int(len(package.data) * keep)])


def flipped(package: BuiltPackage, at: float = 0.5) -> BuiltPackage:
    """An archive with one byte inverted."""
    offset = int(len(package.data) * at)
    data = bytearray(package.data)
    data[offset] ^= 0xFF
    return replace(package, data=bytes(data))


def _sound(format: str) -> BuiltPackage:
    files: dict[str, Content] = {"bin/evil": File("#!/bin/sh\n", mode=0o755), "share/evil/text": "text\n" * 100}
    return make_package("evil", files=files, format=format)


def _read(opened: tarfile.TarFile, info: tarfile.TarInfo) -> bytes:
    found = opened.extractfile(info) if info.isreg() else None
    return found.read() if found is not None else b""


def _link(name: str, target: str) -> Member:
    return Member(name, kind=tarfile.SYMTYPE, target=target, mode=0o777)


def _hard(name: str, target: str) -> Member:
    return Member(name, kind=tarfile.LNKTYPE, target=target)


def _file(name: str) -> Member:
    return Member(name, b"escaped\n")


def _unsafe() -> list[Case]:
    found: dict[str, Sequence[Member]] = {
        "absolute path": [_file(f"/tmp/{CANARY}")],
        "parent path": [_file(f"../{CANARY}")],
        "parent path inside": [_file(f"share/../../{CANARY}")],
        "absolute symlink, then through it": [_link("out", "/tmp"), _file(f"out/{CANARY}")],
        "parent symlink, then through it": [_link("out", ".."), _file(f"out/{CANARY}")],
        "symlink chain": [_link("one", "share"), _link("one/two", "../.."), _file(f"share/two/{CANARY}")],
        "symlink replaced": [_link("share/evil/link", "../../.."), _file(f"share/evil/link/{CANARY}")],
        "file through symlink to file": [_link("leak", f"../{CANARY}"), _file("leak")],
        "hard link to absolute path": [_hard("leak", "/etc/passwd")],
        "hard link to parent": [_hard("leak", "../../secret")],
        "hard link through symlink": [_link("out", ".."), _hard("leak", "out/secret")],
        "character device": [Member("null", kind=tarfile.CHRTYPE)],
        "block device": [Member("disk", kind=tarfile.BLKTYPE)],
        "named pipe": [Member("pipe", kind=tarfile.FIFOTYPE)],
        "conda-meta": [_file("conda-meta/evil-1.0-h_0.json")],
        "conda-meta history": [_file("conda-meta/history")],
        "conda-meta by another way": [_file("./share/../conda-meta/history")],
        "nul in the name": [Member("harmless", b"escaped\n", pax={"path": f"share/\0/{CANARY}"})],
        "absolute path by pax": [Member("harmless", b"escaped\n", pax={"path": f"/tmp/{CANARY}"})],
    }
    return [Case(name, with_members(*members)) for name, members in found.items()]


def _zip_of(stem: str = "evil-1.0-h_0") -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(pack(sound_members(), ".conda"))) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def _zipped(change: Callable[[dict[str, bytes]], dict[str, bytes]]) -> Callable[[str], bytes]:
    return lambda _: archive.zipped(change(_zip_of()))


def _without(lead: str) -> Callable[[str], bytes]:
    return _zipped(lambda files: {name: data for name, data in files.items() if not name.startswith(lead)})


def _damaged_inside(_: str) -> bytes:
    files = _zip_of()
    name = next(name for name in files if name.startswith("pkg-"))
    data = bytearray(files[name])
    data[len(data) // 2] ^= 0xFF
    return archive.zipped({**files, name: bytes(data)})


def _cut_tar(format: str) -> bytes:
    """An archive whose compressed stream is whole, but whose tar ends inside a member."""
    whole = archive.tar([*sound_members(), Member("lib/last", b"x" * 4000)])[:-12_000]
    if format == ".tar.bz2":
        return bz2.compress(whole)
    files = _zip_of()
    name = next(name for name in files if name.startswith("pkg-"))
    return archive.zipped({**files, name: zstandard.compress(whole)})


Maker: TypeAlias = Callable[[str], bytes]
_CONDA, _BZ2 = (".conda",), (".tar.bz2",)


def _broken() -> list[Case]:
    sound: Maker = lambda format: pack(sound_members(), format)  # noqa: E731
    return [
        Case("empty", lambda _: b""),
        Case("text", lambda _: b"<html>log in</html>"),
        Case("truncated at once", lambda format: sound(format)[:40]),
        Case("truncated", lambda format: sound(format)[: len(sound(format)) // 2]),
        Case("tar cut short", _cut_tar),
        Case("no index.json", lambda f: pack([m for m in sound_members() if m.name != "info/index.json"], f)),
        Case("damaged inside", _damaged_inside, _CONDA),
        Case("no metadata.json", _without("metadata"), _CONDA),
        Case("no pkg part", _without("pkg-"), _CONDA),
        Case("no info part", _without("info-"), _CONDA),
        Case("unknown format version", lambda _: archive.conda("evil-1.0-h_0", sound_members(), version=3), _CONDA),
        Case("metadata is no JSON", _zipped(lambda files: {**files, "metadata.json": b"{"}), _CONDA),
    ]


def _odd() -> list[Case]:
    whole = sound_members
    long_name = "share/" + "/".join(["directory" * 10] * 3) + "/file"
    return [
        Case("data descriptors", lambda _: archive.zipped(_zip_of(), descriptors=True), _CONDA),
        Case("zip64", lambda _: archive.zipped64(_zip_of()), _CONDA),
        Case("info before pkg", _zipped(lambda files: dict(sorted(files.items()))), _CONDA),
        Case("metadata last", _zipped(lambda files: dict(reversed(files.items()))), _CONDA),
        Case("gnu tar", lambda format: _pack_as(tarfile.GNU_FORMAT, [*whole(), _file(long_name)], format)),
        Case("ustar", lambda format: _pack_as(tarfile.USTAR_FORMAT, whole(), format)),
        Case("long name by pax", with_members(_file(long_name))),
        Case("non-ASCII name", with_members(_file("share/ünïcödé 蛇"))),
        Case("leading ./", lambda f: pack([replace(m, name=f"./{m.name}") for m in whole()], f), _BZ2),
        Case("hard link inside", with_members(_hard("share/again", "share/evil/text"))),
        Case("symlink inside", with_members(_link("bin/other", "evil"), _link("lib", "share/evil"))),
        Case("directories listed", with_members(Member("var/", kind=tarfile.DIRTYPE, mode=0o755))),
        Case("empty file", with_members(Member("share/empty"))),
        Case("several bz2 streams", _several_streams, _BZ2),
    ]


def _ambiguous() -> list[Case]:
    return [
        Case("same member twice", with_members(_file("share/evil/text"))),
        Case("names that differ in case", with_members(_file("share/evil/TEXT"))),
        Case("file where a directory was", with_members(_file("share/evil"))),
        Case("trailing garbage", lambda format: pack(sound_members(), format) + b"garbage" * 10),
    ]


def _pack_as(tar_format: int, members: Sequence[Member], format: str) -> bytes:
    if format == ".conda":
        return archive.conda("evil-1.0-h_0", members, tar_format=tar_format)
    return archive.tar_bz2(members, tar_format=tar_format)


def _several_streams(_: str) -> bytes:
    """As pbzip2 writes it: bz2 streams one after the other."""
    whole = archive.tar(sound_members())
    middle = len(whole) // 2 + 7
    return bz2.compress(whole[:middle]) + bz2.compress(whole[middle:])


UNSAFE: Sequence[Case] = _unsafe()
BROKEN: Sequence[Case] = _broken()
ODD: Sequence[Case] = _odd()
AMBIGUOUS: Sequence[Case] = _ambiguous()
