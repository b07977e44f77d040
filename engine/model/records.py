"""What is known of a package, one type for each state of knowledge.

`RecordHead` (what ranks candidates) ⊂ `RecordNeeds` ⊂ `PackageRecord` (what an index says) ⊂ `RepoDataRecord` (+ where
it is) ⊂ `PrefixRecord` (+ what landed in a prefix); `CachedPackage` is a `RepoDataRecord` whose archive was verified
and unpacked. Values only: this module reads and writes no file. Constructors trust; `decode_*` functions check.
"""

# Annotations are not postponed here: see CONTRIBUTING.md.

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Final, Literal

import msgspec

from engine.model.payload import Payload

MAX_SECONDS: Final = 253_402_300_799
"""The year 9999: a greater time stamp is in milliseconds (CEP 34)."""
ARCHIVE_EXTENSIONS = (".conda", ".tar.bz2")
"""File name endings of packages (CEP 35), the preferred one first."""
Whole = Annotated[int, msgspec.Meta(ge=-(1 << 63), le=(1 << 63) - 1)]
"""A number that messages between processes can hold; a greater one makes a record unreadable, as a text would."""
_NOTHING: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType({})
"""One for all the records without groups: a mapping of its own for each would cost more than the rest of the field."""


def encodable(value: object) -> object:
    """What msgspec's encoders do not know of a record (their ``enc_hook``): a read-only mapping, where there is nothing
    to say."""
    if isinstance(value, MappingProxyType):
        return dict(value)
    raise NotImplementedError(f"a message holds a {type(value).__name__}")


class RecordHead(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """As much of a record as ranks it among the others of its name. Unknown keys are passed over."""

    name: str
    version: str
    build: str = ""
    build_number: Whole = 0
    timestamp: Whole | float | None = None
    """As found: seconds or milliseconds. `timestamp_ms` is what to compare."""
    indexed_timestamp: Whole | None = None
    """When the channel first listed the package, in Unix milliseconds (CEP 47); only the server can say so."""
    noarch: str | bool | None = None
    """As found. `noarch_type` is what to ask."""
    track_features: str | tuple[str, ...] | None = None

    @property
    def timestamp_ms(self) -> int:
        """When the package was built, in Unix milliseconds; 0 where unknown (CEP 34: old records hold seconds)."""
        stamp = self.timestamp or 0
        try:
            return int(stamp if stamp > MAX_SECONDS else stamp * 1000)
        except (OverflowError, ValueError):  # MessagePack can say what is no number
            return 0

    @property
    def noarch_type(self) -> Literal["python", "generic"] | None:
        """The kind of platform-independent package (CEP 20); legacy ``noarch: true`` means generic."""
        if self.noarch == "python":
            return "python"
        return "generic" if self.noarch else None

    @property
    def feature_names(self) -> frozenset[str]:
        """The tracked features, however they were written (a text with spaces or commas, or a list)."""
        found = self.track_features
        if not found:
            return frozenset()
        return frozenset(found.replace(",", " ").split() if isinstance(found, str) else found)

    @property
    def dist(self) -> str:
        """The distribution string ``name-version-build`` (CEP 26)."""
        return f"{self.name}-{self.version}-{self.build}"


class RecordNeeds(RecordHead, frozen=True, kw_only=True, gc=False):
    """The same, and what it depends on: enough to ask all records of a channel who needs whom."""

    depends: tuple[str, ...] = ()


class PackageRecord(RecordNeeds, frozen=True, kw_only=True, gc=False):
    """One entry of repodata.json or of info/index.json (CEP 34, CEP 36). Unknown keys are passed over."""

    constrains: tuple[str, ...] = ()
    subdir: str = ""
    md5: str | None = None
    sha256: str | None = None
    size: Whole | None = None
    """Of the archive, in bytes."""
    features: str | None = None
    python_site_packages_path: str | None = None
    extra_depends: Mapping[str, tuple[str, ...]] = _NOTHING
    """Name of an optional group → the specs it adds to `depends` (CEP 44)."""
    flags: str | tuple[str, ...] = ()
    """As found: CEP 45 wants a list, careless tools write one text. `flag_names` is what to ask."""
    schema_version: Whole | None = None
    """Of info/index.json, None meaning 1 (CEP 34); from 3 on it may use CEP 43, 44 and 45."""

    def __hash__(self) -> int:
        """What sets tell records apart by; the mapping of groups has no hash."""
        return hash((self.name, self.version, self.build, self.build_number, self.sha256 or self.md5, self.subdir))

    @property
    def flag_names(self) -> tuple[str, ...]:
        """The flags in their order, however they were written."""
        return (self.flags,) if isinstance(self.flags, str) else self.flags


class RepoDataRecord(PackageRecord, frozen=True, kw_only=True, gc=False):
    """A package that can be fetched."""

    fn: str = ""
    """File name, such as ``zlib-1.2.11-h7b6447c_3.conda``."""
    url: str = ""
    """Full address of the archive. May hold a token or a password: mask it before anyone sees it."""
    channel: str = ""
    """Address of the channel, without subdir, token or password."""
    raw: bytes = b""
    """The record as the index wrote it (JSON), so that fields unknown to us reach conda-meta; empty if unknown.

    Those of shards are in MessagePack until they are chosen (`engine.model.shards.with_json`).
    """

    @property
    def stem(self) -> str:
        """The file name without its extension: the name of the package's directory in a cache."""
        for extension in ARCHIVE_EXTENSIONS:
            if self.fn.endswith(extension):
                return self.fn[: -len(extension)]
        return self.fn or self.dist


class PathEntry(msgspec.Struct, frozen=True, kw_only=True, gc=False, rename={"path": "_path"}):
    """One file of a package: an entry of info/paths.json (CEP 34, "paths.json")."""

    path: str
    path_type: Literal["hardlink", "softlink", "directory"] = "hardlink"
    sha256: str | None = None
    size_in_bytes: Whole | None = None
    prefix_placeholder: str | None = None
    file_mode: Literal["text", "binary"] | None = None
    no_link: bool = False


class InstalledPath(msgspec.Struct, frozen=True, kw_only=True, gc=False, rename={"path": "_path"}, omit_defaults=True):
    """One file of an installed package: an entry of ``paths_data`` in conda-meta (CEP 32)."""

    path: str
    path_type: str = ""
    sha256: str | None = None
    sha256_in_prefix: str | None = None
    size_in_bytes: Whole | None = None
    prefix_placeholder: str | None = None
    file_mode: str | None = None
    no_link: bool | None = None


class InstalledPaths(msgspec.Struct, frozen=True, gc=False):
    """``paths_data`` of a conda-meta record."""

    paths: tuple[InstalledPath, ...] = ()
    paths_version: int = 1


class Link(msgspec.Struct, frozen=True, gc=False):
    """``link`` of a conda-meta record: where the files came from and how (1 hard, 2 soft, 3 copy, 4 directory)."""

    source: str = ""
    type: int = 1


class PrefixRecord(RepoDataRecord, frozen=True, kw_only=True, gc=False):
    """A package that is installed in a prefix: one file of conda-meta (CEP 32)."""

    files: tuple[str, ...] = ()
    paths_data: InstalledPaths = InstalledPaths()
    link: Link | None = None
    extracted_package_dir: str = ""
    package_tarball_full_path: str = ""
    requested_spec: str | None = None
    requested_specs: tuple[str, ...] = ()


class CachedPackage(msgspec.Struct, frozen=True):
    """A package that was verified and unpacked: linking accepts nothing less. Only `engine.fetch` makes one."""

    record: RepoDataRecord
    directory: str
    """The unpacked package."""
    archive: str
    """Where its archive is, or would be, in the cache."""
    unchecked: bool = False
    """It was found, not made, and nobody has looked at its files: who links it compares them with its list first."""
    payload: Payload | None = None
    """Its files, where they were not unpacked (direct mode): then ``directory`` is where some may be put aside."""


class CompiledFiles(msgspec.Struct, frozen=True, array_like=True):
    """What became of the Python files of a package when they were byte-compiled; the lists are equally long."""

    sources: list[str] = []
    """Paths in the package."""
    pycs: list[str] = []
    """Where Python looks for the results, as paths in the package; empty for files that do not compile."""
    sizes: list[int] = []
    """Of the results, in bytes."""


class Bytecode(msgspec.Struct, frozen=True):
    """The byte-compiled files of a cached package for one kind of Python; file number n is ``directory/n``."""

    directory: str
    files: CompiledFiles
