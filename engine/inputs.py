"""What a command was asked for: words of the command line and spec files → one `Asked`.

Rule of this file: it reads files and understands words, and decides nothing. A word is the address of a package
(URL or path) or a specification; a file is what `engine.specfile` says.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from engine.config import Config
from engine.errors import UsageError
from engine.model.match_spec import MatchSpec
from engine.model.records import RepoDataRecord
from engine.model.url import package_url_parts, scheme_of, split_filename, url_to_path
from engine.specfile import (
    ExplicitPackage,
    PipPart,
    SpecContext,
    SpecFile,
    combine,
    explicit_package,
    is_explicit,
    is_remote,
    read_spec_file,
)

Fetch = Callable[[str], bytes]
"""Gets the text behind an ``http(s)`` address."""
_NO_VARIABLES = ("The variables of the file are left out, because of --no-env.",)


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that shall be in an environment, and what is said about it."""

    specs: tuple[MatchSpec, ...] = ()
    explicit: tuple[ExplicitPackage, ...] = ()
    """Packages by address, in their order."""
    with_needs: bool = False
    """Whether what those need shall come too: a package was named by its address or path. (Files that list packages,
    such as ``@EXPLICIT`` ones, say all that is wanted.)"""
    channels: tuple[str, ...] = ()
    """Of the files; they come after those of the command line."""
    name: str = ""
    """What a file would like the environment to be called."""
    pip_parts: tuple[PipPart, ...] = ()
    use_uv: bool = False
    variables: Mapping[str, str] = {}
    notices: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether no package is asked for."""
        return not self.specs and not self.explicit


def gather(
    words: Sequence[str],
    files: Sequence[str],
    config: Config,
    environ: Mapping[str, str],
    fetch: Fetch,
    *,
    categories: Sequence[str] = ("main",),
) -> Asked:
    """Read all files and understand all words. Raises what `engine.specfile` and `MatchSpec.parse` raise."""
    context = _context(config, environ, categories)
    file = read_files(files, config, environ, fetch, categories=categories)
    texts = (*words, *file.specs)
    named = tuple(explicit_package(text, context) for text in texts if is_explicit(text))
    explicit = (*named, *file.explicit)
    _check_local(explicit)
    return Asked(
        specs=_specs(text for text in texts if not is_explicit(text)),
        explicit=explicit,
        with_needs=bool(named),
        channels=file.channels,
        name=file.name,
        pip_parts=file.pip_parts,
        use_uv=file.pip_tool == "uv",
        variables={} if config.no_env else file.variables,
        notices=(
            *file.notices,
            *(_NO_VARIABLES if config.no_env and file.variables else ()),
            *(f"{text!r} names no version: any will do." for text in texts if text.rstrip().endswith("=")),
        ),
    )


def _context(config: Config, environ: Mapping[str, str], categories: Sequence[str]) -> SpecContext:
    return SpecContext(
        platform=config.platform,
        cwd=config.cwd,
        home=config.home,
        environ=environ,
        use_uv=config.use_uv,
        categories=tuple(categories),
        uppercase_variables=config.envvars_force_uppercase,
    )


def read_files(
    files: Sequence[str],
    config: Config,
    environ: Mapping[str, str],
    fetch: Fetch,
    *,
    categories: Sequence[str] = ("main",),
) -> SpecFile:
    """All files as one; one that asks for nothing if there are none. Raises what `engine.specfile` raises."""
    if not files:
        return SpecFile(kind="list", source="the command line")
    return combine(_read(files, _context(config, environ, categories), fetch))


def _read(files: Sequence[str], context: SpecContext, fetch: Fetch) -> list[SpecFile]:
    return [read_spec_file(path, context, data=fetch(path) if is_remote(path) else None) for path in files]


def _check_local(packages: Iterable[ExplicitPackage]) -> None:
    """`UsageError` for a package of this machine that is not there: nobody should wait for downloads before that."""
    for package in packages:
        if scheme_of(package.url) == "file":
            path = url_to_path(package.url)
            if not os.path.isfile(path):
                raise UsageError(f"Could not install {path}: there is no such file.")


def _specs(texts: Iterable[str]) -> tuple[MatchSpec, ...]:
    return tuple(dict.fromkeys(MatchSpec.parse(text) for text in texts))


def with_default_packages(asked: Asked, names: Sequence[str]) -> Asked:
    """What conda's ``create_default_packages`` adds to a new environment, unless it is solved for nothing."""
    if asked.explicit or not names:
        return asked
    present = {spec.exact_name for spec in asked.specs}
    more = [spec for spec in map(MatchSpec.parse, names) if spec.exact_name not in present]
    return msgspec.structs.replace(asked, specs=(*asked.specs, *more))


def explicit_record(package: ExplicitPackage) -> RepoDataRecord:
    """All that an address tells of a package; its dependencies are known once it is unpacked."""
    parts = package_url_parts(package.url)
    name, version, build = split_filename(parts.fn)
    return RepoDataRecord(
        name=name,
        version=version,
        build=build,
        subdir=parts.subdir,
        md5=package.md5,
        sha256=package.sha256,
        depends=package.depends or (),
        constrains=package.constrains,
        fn=parts.fn,
        url=package.url,
        channel=parts.channel,
    )


def unknown_records(asked: Asked, records: Sequence[RepoDataRecord]) -> tuple[RepoDataRecord, ...]:
    """Those of the explicit packages that must be unpacked before anything is planned.

    Lock files say what a package needs; only Python itself knows where its packages belong (CEP 17).
    """
    pairs = zip(asked.explicit, records, strict=True)
    return tuple(record for package, record in pairs if package.depends is None or record.name == "python")


def explicit_records(asked: Asked) -> tuple[RepoDataRecord, ...]:
    """The records of all explicit packages; raises `UsageError` if two of them have the same name."""
    records = tuple(map(explicit_record, asked.explicit))
    seen: dict[str, RepoDataRecord] = {}
    for record in records:
        other = seen.setdefault(record.name, record)
        if other is not record:
            raise UsageError(
                f"Two packages of the same name can't be installed together: {other.fn} and {record.fn}",
                hint="Leave one of them away.",
            )
    return records
