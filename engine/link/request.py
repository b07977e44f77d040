"""What linking is asked to do, and what it did: the values at its border. Rule: no behaviour here."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from io import FileIO
from typing import TYPE_CHECKING, Protocol

import msgspec

from engine.link.plan.noarch import PythonInfo
from engine.model.records import Bytecode, CachedPackage, CompiledFiles, PrefixRecord, RepoDataRecord

if TYPE_CHECKING:  # these import this
    from engine.link.packages.direct import Make
    from engine.link.reuse.sharing import Shared


class Claim(Protocol):
    """The right to compile a package, while nobody else does."""

    def release(self) -> None:
        """Give it back; a second time nothing happens."""


class BytecodeStore(Protocol):
    """Where byte-compiled files are kept for the next environment (`engine.fetch.cache.bytecode`). It raises
    nothing."""

    def kind(self, python: RepoDataRecord) -> str | None:
        """The kind of a Python that was asked before."""

    def remember_kind(self, python: RepoDataRecord, kind: str) -> None:
        """Keep what a Python said of itself."""

    def find(self, package: CachedPackage, kind: str) -> Bytecode | None:
        """What was compiled of a package for this kind of Python."""

    def claim(self, package: CachedPackage, kind: str) -> Claim | None:
        """The right to compile a package; None while another environment, of this process or another, has it."""

    def stage(self, package: CachedPackage) -> str | None:
        """A new directory to compile into; None where nothing can be kept."""

    def publish(self, package: CachedPackage, kind: str, staged: str, files: CompiledFiles) -> Bytecode:
        """Keep a staged directory; returns where it is now."""

    def discard(self, staged: str) -> None:
        """Remove a staged directory, published or not."""

    def drop(self, bytecode: Bytecode) -> None:
        """Forget what turned out to be damaged."""


class PlanStore(Protocol):
    """Where plans of packages are kept for the next environment (`engine.fetch.cache.kept_plans`). It raises
    nothing."""

    def place(self, package: CachedPackage) -> str:
        """The directory of a package's plans, and of its byte-compiled files."""

    def open(self, package: CachedPackage, name: str) -> FileIO | None:
        """One plan; None where there is none."""

    def write(self, package: CachedPackage, name: str, data: bytes) -> None:
        """Keep a plan."""


class LinkOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How to link; the names are those of the configuration."""

    always_copy: bool = False
    always_softlink: bool = False
    allow_softlinks: bool = False
    compile_pyc: bool = True
    run_link_scripts: bool = True
    link_threads: int = 0
    """Packages linked at once; 0 means as many as help. From 2 on, processes of their own make the links of big
    packages. (Compilers are one for each core.)"""
    root_prefix: str = ""
    """What link scripts see as ``ROOT_PREFIX``."""
    registry: str | None = None
    """The ``environments.txt`` to note new environments in; None for none."""
    environ: Mapping[str, str] = {}
    """The environment of child processes (link scripts); what scripts must see is added to it."""
    shortcuts: bool = False
    """Make the menu entries that packages ask for, and remove them with them."""
    program: str = ""
    """The executable that menu entries call to activate the environment; an absolute path."""
    use_lockfiles: bool = True
    lock_timeout: float = 0.0
    """Seconds to wait for another process that changes the same prefix; 0 waits for ever."""
    bytecode: BytecodeStore | None = None
    """Where byte-compiled files are shared between environments; None compiles for each prefix alone."""
    plans: PlanStore | None = None
    """Where plans of packages are kept for other environments; None makes all anew."""
    prevent_conflicts: bool = False
    """Refuse packages that bring the same file, instead of warning (conda's ``path_conflict: prevent``)."""
    override_frozen: bool = False
    """Change the environment although it is marked as frozen (CEP 22)."""


class LinkRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One change of one prefix."""

    prefix: str
    """Absolute path of the environment; made plain (no slash at its end, no ``..``)."""
    platform: str
    baked_prefix: str = ""
    """What goes into placeholders; empty means ``prefix`` (it differs for ``--relocate-prefix``)."""
    link: tuple[RepoDataRecord, ...] = ()
    """Packages to link, dependencies first: where two bring the same file, the later one wins."""
    remove: tuple[PrefixRecord, ...] = ()
    requested: Mapping[str, tuple[str, ...]] = {}
    """Package name → the specs that the user gave for it."""
    command: str = ""
    """The command line, for the history. Whoever makes it keeps secrets out of it."""
    now: datetime
    update_specs: tuple[str, ...] = ()
    remove_specs: tuple[str, ...] = ()
    neutered_specs: tuple[str, ...] = ()
    """Earlier specs that were loosened so that the change was possible."""
    options: LinkOptions = LinkOptions()
    channel_names: Mapping[str, str] = {}
    """Address of a channel (as in records) → its short name, for the history. Others are shortened by rule."""
    make: Make | None = None
    """Who makes the files of archives; None for the threads that link."""
    heal: Callable[[CachedPackage], Awaitable[CachedPackage]] | None = None
    """Makes a package again whose files in the cache are damaged; without it, that is an error."""
    extra_files: Mapping[str, bytes] = {}
    """Further files (``conda-meta/state``, ``.mambarc``): path in the prefix → content."""
    clone_of: str = ""
    """The environment that a new one is a copy of: what belongs to no package comes from there."""
    moves: bool = False
    """Whether ``clone_of`` goes when the new one is there."""
    relocated: frozenset[str] = frozenset()
    """Names of packages in ``link`` that do not arrive: their files are taken from ``clone_of``."""
    shared: Shared | None = None
    """What other environments of the same run have in common with this one; None for one by itself."""
    cache_told: tuple[str, str] | None = None
    """A directory that stands in for a package cache and will be gone, and the one that records shall name (as they
    do in an environment whose cache was cleaned)."""

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "prefix", os.path.normpath(self.prefix))

    @property
    def baked(self) -> str:
        """The prefix that files are told they live in."""
        return self.baked_prefix or self.prefix


class PrefixTarget(msgspec.Struct, frozen=True):
    """Where files are written and what they are told: the facts of one staged prefix."""

    prefix: str
    """The final place."""
    staging: str
    """Where files are written now; laid out like the prefix."""
    baked_prefix: str
    platform: str
    python: PythonInfo | None


class LinkSummary(msgspec.Struct, frozen=True):
    """What was done. Counts are files, apart from ``bytes``."""

    files: int = 0
    bytes: int = 0
    """Size of all files, as far as the packages tell it."""
    hardlinked: int = 0
    reflinked: int = 0
    copied: int = 0
    softlinked: int = 0
    unpacked: int = 0
    """Files made straight out of the archives (direct mode)."""
    rewritten: int = 0
    """Files whose placeholder was replaced."""
    compiled: int = 0
    """Byte-compiled Python files, made now."""
    bytecode: int = 0
    """Byte-compiled Python files that were in the cache."""
    messages: tuple[str, ...] = ()
    """What link scripts left in ``.messages.txt``."""
