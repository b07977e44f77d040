"""From the one configuration to what each part needs of it: the parts themselves never see a `Config`."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from engine.config import Config
from engine.config.channels import check_allowed, mirrors
from engine.environment.environments import environments_file
from engine.fetch.http.settings import CredentialPlaces, TransportSettings
from engine.link.request import LinkOptions
from engine.shell.program import executable
from engine.system.process import available_cores

if TYPE_CHECKING:
    from engine.fetch.index.repodata import RepodataSettings
    from engine.fetch.packages.settings import FetchSettings


def transport_settings(config: Config, environ: Mapping[str, str]) -> TransportSettings:
    """How to talk to servers."""
    proxies = {key: url for key, url in config.proxy_environ.items() if key != "no"}
    return TransportSettings(
        offline=config.offline,
        connect_timeout=config.remote_connect_timeout_secs,
        read_timeout=config.remote_read_timeout_secs,
        max_retries=config.remote_max_retries,
        backoff_factor=max(1.0, config.remote_backoff_factor),
        low_speed_limit=0 if _is_set("MAMBA_NO_LOW_SPEED_LIMIT", environ) else TransportSettings().low_speed_limit,
        ssl_verify=_ssl_verify(config),
        # The configuration has resolved REQUESTS_CA_BUNDLE and cacert_path into ssl_verify; this one is OpenSSL's own.
        ca_bundle=None if config.no_env else environ.get("SSL_CERT_FILE"),
        client_cert=config.client_ssl_cert,
        client_cert_key=config.client_ssl_cert_key,
        proxies={**proxies, **config.proxy_servers},
        no_proxy=tuple(filter(None, (host.strip() for host in config.proxy_environ.get("no", "").split(",")))),
        mirrors=mirrors(config),
        credentials=credential_places(config, {} if config.no_env else environ),
        keyring=True,
    )


def login_file(config: Config) -> str:
    """Where `auth login` keeps what it is told, and mamba too."""
    return os.path.join(config.home, ".mamba", "auth", "authentication.json")


def credential_places(config: Config, environ: Mapping[str, str]) -> CredentialPlaces:
    """The files of other tools that say who we are, besides our own."""
    home, named = config.home, environ.get("RATTLER_AUTH_FILE")
    rattler = os.path.join(home, ".rattler", "credentials.json")
    return CredentialPlaces(
        netrc=config.netrc,
        mamba=login_file(config),
        rattler=(named, rattler) if named else (rattler,),
        token_dirs=(os.path.join(home, ".continuum", "anaconda-client", "tokens"), _anaconda_client(home, environ)),
    )


def _anaconda_client(home: str, environ: Mapping[str, str]) -> str:
    """anaconda-client's directory of tokens, found as conda finds it (``gateways/anaconda_client.py``)."""
    if named := environ.get("BINSTAR_CONFIG_DIR"):
        return os.path.join(named, "data")
    if sys.platform == "win32":
        return os.path.join(environ.get("LOCALAPPDATA", home), "ContinuumIO", "binstar")
    if sys.platform == "darwin":
        return os.path.join(home, "Library", "Application Support", "binstar")
    return os.path.join(environ.get("XDG_CONFIG_HOME") or os.path.join(home, ".config"), "binstar")


def _is_set(name: str, environ: Mapping[str, str]) -> bool:
    """Whether a variable that switches something on is there, and not ``0`` (mamba's rule)."""
    return environ.get(name, "0") not in ("", "0")


def _ssl_verify(config: Config) -> bool | str:
    return {"<system>": True, "<false>": False}.get(config.ssl_verify, config.ssl_verify)


def link_options(config: Config, environ: Mapping[str, str]) -> LinkOptions:
    """How to link."""
    return LinkOptions(
        always_copy=config.always_copy,
        always_softlink=config.always_softlink,
        allow_softlinks=config.allow_softlinks,
        compile_pyc=config.compile_pyc,
        run_link_scripts=config.run_link_scripts,
        link_threads=config.link_threads,
        root_prefix=config.root_prefix,
        registry=environments_file(config) if config.register_envs else None,
        environ=environ,
        shortcuts=config.shortcuts,
        program=executable(sys.argv[0], environ) if config.shortcuts else "",
        use_lockfiles=config.use_lockfiles,
        lock_timeout=float(config.lock_timeout),
        prevent_conflicts=config.path_conflict == "prevent",
        override_frozen=not config.protect_frozen_envs,
    )


def repodata_settings(config: Config, *, refresh: bool = False) -> RepodataSettings:
    """How to come by an index."""
    from engine.fetch.index.repodata import RepodataSettings  # which those do without who only link or remove

    return RepodataSettings(
        cache_dirs=config.pkgs_dirs,
        ttl=config.local_repodata_ttl,
        offline=config.offline,
        use_zst=config.repodata_use_zst,
        refresh=refresh,
        use_shards=config.use_sharded_repodata,
        shards_ttl=config.repodata_shards_ttl,
        shards_threads=config.repodata_shards_threads,
        relations_depth=config.channel_relations_max_depth,
        admit=lambda channel: check_allowed((channel,), config),
    )


def fetch_settings(config: Config) -> FetchSettings:
    """How to fetch packages. 0 downloads at once means that micromamba's default serves as well."""
    from engine.fetch.packages.settings import FetchSettings

    return FetchSettings(
        download_threads=config.download_threads or FetchSettings().download_threads,
        extract_threads=max(0, config.extract_threads) or max(1, available_cores() + min(0, config.extract_threads)),
        safety_checks=config.safety_checks,
        extra_safety_checks=config.extra_safety_checks,
        use_lockfiles=config.use_lockfiles,
        lock_timeout=float(config.lock_timeout),
    )
