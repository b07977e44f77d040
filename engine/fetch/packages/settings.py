"""How packages are fetched: plain values; importing them imports nothing heavy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from engine.system.process import available_cores

if TYPE_CHECKING:
    from engine.fetch.archive.members import Limits


class FetchSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How packages are fetched; the names are those of the configuration."""

    download_threads: int = 5
    """Packages in work at once."""
    extract_threads: int = 0
    """Of these, how many may unpack at the same moment (those that wait for the network don't count); 0: one for
    each processor."""
    safety_checks: str = "enabled"
    """Compare the files of a package with its own list: ``enabled`` | ``warn`` | ``disabled``. Only ``disabled``
    leaves it out; what is broken is never merely warned of."""
    extra_safety_checks: bool = False
    """Compare the sha256 of every file as well."""
    check_cached: bool = True
    """Compare what was found in the cache with its own list here. If not, whoever links it does so, who has to read
    that list and touch those files anyway (sizes only: digests are always compared here)."""
    use_lockfiles: bool = True
    lock_timeout: float = 0.0
    """Seconds to wait while another process fetches the same package, before fetching it too; 0: as long as it does."""
    limits: Limits | None = None
    """How far an archive may go; None: as far as is usual."""
    allow_external_links: bool = False
    """Accept packages with soft links that lead out of them."""

    @property
    def threads(self) -> int:
        """`extract_threads`, with what 0 means."""
        return self.extract_threads if self.extract_threads > 0 else available_cores()
