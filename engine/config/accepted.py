"""Keys of conda's (and mamba's) rc files that are known and change nothing here, and why. Rule of this file: data only.

A key that stands neither here nor in `keys` is most likely misspelt, which ``config list`` and ``config sources`` say.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

ACCEPTED: Final[Mapping[str, str]] = {
    "add_anaconda_token": "tokens come from the stores of credentials, see `whipsnake auth`",
    "aggressive_update_packages": "only what is asked for is updated",
    "anaconda_upload": "nothing is built here",
    "auto_stack": "use `activate --stack`",
    "auto_update_conda": "whipsnake is updated by what installed it",
    "bld_path": "nothing is built here",
    "binstar_upload": "nothing is built here",
    "conda_build": "nothing is built here",
    "console": "use --json",
    "croot": "nothing is built here",
    "default_activation_env": "activate without a name means base",
    "default_python": "python comes where it is asked for",
    "default_threads": "see download_threads, extract_threads and link_threads",
    "deps_modifier": "use --no-deps, --only-deps or --freeze-installed",
    "disallowed_packages": "use pinned_packages",
    "enable_private_envs": "conda has given it up too",
    "error_upload_url": "nothing is uploaded",
    "execute_threads": "see link_threads",
    "experimental": "sharded indexes are used where there are any",
    "fetch_threads": "see download_threads",
    "force_reinstall": "use --force-reinstall",
    "ignore_pinned": "use --no-pin",
    "list_fields": "use `list --fields`",
    "local_build_root": "nothing is built here",
    "migrated_channel_aliases": "addresses in records stay as they are",
    "migrated_custom_channels": "addresses in records stay as they are",
    "no_lock": "see use_lockfiles",
    "no_plugins": "there are no plugins",
    "non_admin_enabled": "the system's permissions decide",
    "notify_outdated_conda": "nothing is looked up unasked",
    "number_channel_notices": "they are only shown by `whipsnake notices`",
    "pip_interop_enabled": "see prefix_data_interoperability",
    "plugins": "there are no plugins",
    "report_errors": "nothing is uploaded",
    "repodata_fns": "whole or sharded indexes are used, they answer as quickly",
    "repodata_threads": "all indexes are fetched at once",
    "rollback_enabled": "a change is always done whole or not at all",
    "root_dir": "see root_prefix",
    "sat_solver": "there is one solver",
    "separate_format_cache": "both formats of a package share a cache",
    "show_channel_urls": "channels are always shown",
    "signing_metadata_url_base": "signatures are not checked, digests are",
    "solver": "there is one solver",
    "solver_ignore_timestamps": "see order of candidates in docs/solver.md",
    "subdirs": "those of the platform and noarch",
    "target_prefix_override": "use --prefix",
    "track_features": "no feature is tracked",
    "unsatisfiable_hints": "an explanation is always given",
    "unsatisfiable_hints_check_depth": "an explanation is always given",
    "update_modifier": "use options of the command",
    "use_index_cache": "see local_repodata_ttl and offline",
    "use_local": "use --channel local",
    "use_only_tar_bz2": "both formats are read",
    "verbosity": "use -v",
    "verify_threads": "files are checked while they are unpacked",
    "write_package_lock": "packages in the cache are locked one by one",
}
"""Name → what to use instead, or why there is nothing to set."""
