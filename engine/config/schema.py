"""What a configuration is once everything was read: one frozen value with a field for each key of `keys.KEYS`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

import msgspec

Texts: TypeAlias = tuple[str, ...]


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """Every setting, resolved. `keys` says what each one means; here only what the table can't say."""

    root_prefix: str
    """Absolute, symbolic links resolved; it need not exist. So are all paths here unless said otherwise."""
    target_prefix: str | None
    """What ``-p`` or ``-n`` ask for; the active environment only where the caller allows it; else None."""
    relocate_prefix: str | None
    envs_dirs: Texts
    """Ends with ``<root_prefix>/envs`` unless that was listed already. May not exist."""
    pkgs_dirs: Texts
    platform: str
    register_envs: bool
    channels: Texts
    """As written, without ``nodefaults``; see `channels.channel_context` for resolving them."""
    channel_alias: str
    default_channels: Texts
    custom_channels: Mapping[str, str]
    custom_multichannels: Mapping[str, Texts]
    mirrored_channels: Mapping[str, Texts]
    channel_relations_max_depth: int
    override_channels_enabled: bool
    override_channels: bool
    allowlist_channels: Texts
    denylist_channels: Texts
    channel_settings: tuple[Mapping[str, str], ...]
    show_anaconda_channel_warnings: bool
    repodata_use_zst: bool
    repodata_has_zst: Texts
    use_sharded_repodata: bool
    repodata_shards_ttl: int
    repodata_shards_threads: int
    local_repodata_ttl: int
    retry_clean_cache: bool
    offline: bool
    ssl_verify: str
    """``<system>``, ``<false>`` or the path of a file or directory with certificates."""
    cacert_path: str
    ssl_no_revoke: bool
    client_ssl_cert: str | None
    client_ssl_cert_key: str | None
    proxy_servers: Mapping[str, str]
    """From rc files only; `proxy_environ` holds what environment variables say."""
    remote_connect_timeout_secs: float
    remote_read_timeout_secs: float
    remote_backoff_factor: float
    remote_max_retries: int
    channel_priority: Literal["strict", "flexible", "disabled"]
    no_pin: bool
    no_py_pin: bool
    pinned_packages: Texts
    add_pip_as_python_dependency: bool
    prefix_data_interoperability: bool
    allow_uninstall: bool
    allow_downgrade: bool
    order_solver_request: bool
    create_default_packages: Texts
    exclude_newer: str
    exclude_newer_package: Mapping[str, str]
    override_virtual_packages: Mapping[str, str]
    """An empty text means that the package is absent."""
    download_threads: int
    no_cache: bool
    extract_threads: int
    link_threads: int
    allow_softlinks: bool
    always_copy: bool
    always_softlink: bool
    safety_checks: Literal["enabled", "warn", "disabled"]
    extra_safety_checks: bool
    path_conflict: Literal["clobber", "warn", "prevent"]
    verify_artifacts: bool
    trusted_channels: Texts
    lock_timeout: int
    use_lockfiles: bool
    compile_pyc: bool
    skip_run_link_scripts: bool
    shortcuts: bool
    use_uv: bool
    protect_frozen_envs: bool
    envvars_force_uppercase: bool
    always_yes: bool
    quiet: bool
    json: bool
    dry_run: bool
    download_only: bool
    verbose: int
    log_level: Literal["off", "critical", "error", "warning", "info", "debug", "trace"]
    log_backtrace: int
    log_pattern: str
    changeps1: bool
    env_prompt: str
    auto_activate_base: bool
    shell_completion: bool
    debug: bool
    mamba_repodata_parsing: bool
    experimental_matchspec_parsing: bool
    rc_files: Texts
    """The rc files that were read, the weakest first."""
    no_rc: bool
    no_env: bool

    # what no key says
    home: str
    cwd: str
    active_prefix: str | None
    """``$CONDA_PREFIX``."""
    ci: bool
    """Whether ``$CI`` says that nobody watches."""
    netrc: str
    """``$NETRC``, else ``~/.netrc``; it need not exist."""
    proxy_environ: Mapping[str, str]
    """``http``, ``https``, ``all`` → proxy, ``no`` → hosts without one, from ``$http_proxy`` and its like."""
    asked_channels: Texts
    """The channels that the command line named; part of ``channels``."""
    sources: Mapping[str, Texts]
    """Key → where its value came from: all who set a scalar, the strongest first; one source for each element of a
    list or mapping. Keys that nobody set are missing."""
    unknown_keys: tuple[tuple[str, str], ...]
    """Place and name of what rc files set though there is no such key."""
    notices: Texts
    """What people should be told about their configuration, though it is no error."""

    @property
    def run_link_scripts(self) -> bool:
        """Whether link scripts are run."""
        return not self.skip_run_link_scripts
