"""What the network side needs to know, as plain values; importing them imports nothing heavy."""

from __future__ import annotations

import sys
from collections.abc import Mapping

import msgspec

from engine.version import __version__

USER_AGENT = f"whipsnake/{__version__} Python/{sys.version_info.major}.{sys.version_info.minor} {sys.platform}"


class CredentialPlaces(msgspec.Struct, frozen=True, kw_only=True):
    """Where credentials may be; none of these need exist."""

    netrc: str | None = None
    mamba: str | None = None
    rattler: tuple[str, ...] = ()
    """The strongest first."""
    token_dirs: tuple[str, ...] = ()


class TransportSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How to talk to servers. Times are in seconds, sizes in bytes; defaults are micromamba's where it has one."""

    offline: bool = False
    """Refuse every request that would leave this machine (``file://`` stays possible)."""
    connect_timeout: float = 10.0
    read_timeout: float = 60.0
    """The longest silence in the middle of an answer."""
    max_retries: int = 3
    retry_wait: float = 2.0
    """The pause before the first retry; each further one is ``backoff_factor`` times longer, then jittered."""
    backoff_factor: float = 3.0
    longest_wait: float = 120.0
    """No pause is longer, and a server that asks for a longer one (Retry-After) is given up."""
    low_speed_limit: int = 30
    """A transfer slower than so many bytes a second over ``low_speed_time`` is broken off (curl's rule, as mamba's)."""
    low_speed_time: float = 60.0
    connections: int = 64
    connections_per_host: int = 32
    ssl_verify: bool | str = True
    """True or ``"<system>"``: the system's trust store; False: no check at all; else a CA file or directory."""
    ca_bundle: str | None = None
    """The CA file or directory of REQUESTS_CA_BUNDLE or SSL_CERT_FILE; used where ssl_verify is True."""
    client_cert: str | None = None
    client_cert_key: str | None = None
    proxies: Mapping[str, str] = {}
    """From scheme (``https``), scheme and host (``https://example.org``), or ``all`` to a proxy's URL."""
    no_proxy: tuple[str, ...] = ()
    """Hosts and domains that are asked directly; ``*`` is all."""
    mirrors: Mapping[str, tuple[str, ...]] = {}
    """Address of a channel → addresses of its mirrors, the preferred one first; the channel's own if it is one."""
    credentials: CredentialPlaces = CredentialPlaces()
    """The files that say who we are for whom."""
    keyring: bool = False
    """Ask the system's keyring about servers that refuse us, if the library for it is installed."""
    user_agent: str = USER_AGENT
