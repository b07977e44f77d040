"""Whether bytes come fast enough. Rule of this file: it counts what it is told, and asks no clock."""

from __future__ import annotations

from engine.errors import NetworkError
from engine.fetch.http.settings import TransportSettings
from engine.model.url import mask_secrets


class Pace:
    """Breaks off a transfer that trickles: the read timeout sees only silence. The reader's own time does not count."""

    def __init__(self, settings: TransportSettings) -> None:
        self._settings = settings
        self._waited, self._bytes = 0.0, 0

    def count(self, amount: int, waited: float, url: str) -> None:
        """``amount`` bytes came after ``waited`` seconds; raises `NetworkError` if too few came in the last while."""
        self._waited += waited
        self._bytes += amount
        if self._waited < self._settings.low_speed_time:
            return
        if self._bytes < self._settings.low_speed_limit * self._waited:
            raise NetworkError(
                f"Could not fetch {mask_secrets(url)}: only {self._bytes} bytes in {self._waited:.0f} s",
                hint="The network or the server is too slow; try again later.",
            )
        self._waited, self._bytes = 0.0, 0
