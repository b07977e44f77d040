"""Cached indexes: conda's and mamba's layout, in both directions; notes that don't fit; disks that refuse."""

from __future__ import annotations

import errno
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from engine.fetch.index import repodata_cache
from engine.fetch.index.file_pages import FilePages
from engine.fetch.index.index_file import Identity, read_index
from engine.fetch.index.repodata_cache import Checked, IndexState, RepodataCache, cache_keys
from engine.model.channel import Channel

CHANNEL = Channel("conda-forge", "https://conda.anaconda.org/conda-forge")
NOW = 1_700_000_000 * 10**9
SECOND = 10**9


def state(**changes: Any) -> IndexState:
    return IndexState(
        **{"url": "https://h/t/tk-1/c/linux-64/repodata.json", "etag": '"e"', "refresh_ns": NOW, **changes}
    )


def store(pkgs: Path, data: bytes = b"{}", **changes: Any) -> Path:
    writer = RepodataCache([str(pkgs)]).writer(CHANNEL, "linux-64")
    assert writer
    writer.write(data[:1])
    writer.write(data[1:])
    writer.commit(state(**changes))
    assert writer.error is None
    return pkgs / "cache"


def test_the_names_are_those_that_conda_and_mamba_use() -> None:
    assert cache_keys(CHANNEL, "linux-64") == ("497deca9", "88ec62ec")
    assert (
        cache_keys(Channel("https://h/c", "https://h/c"), "noarch")
        == cache_keys(Channel("https://h/c", "https://h/c"), "noarch")[:1]
    )


def test_what_was_written_is_found_again(tmp_path: Path) -> None:
    cache = store(tmp_path, b'{"a":1}')
    found = RepodataCache([str(tmp_path)]).find(CHANNEL, "linux-64")
    assert found
    assert Path(found.path).read_bytes() == b'{"a":1}'
    assert (found.state.etag, found.state.refresh_ns, found.state.size) == ('"e"', NOW, 7)
    assert sorted(path.name for path in cache.iterdir()) == sorted(
        key + end for key in ("497deca9", "88ec62ec") for end in (".json", ".info.json", ".state.json")
    )
    assert RepodataCache([str(tmp_path)]).find(CHANNEL, "noarch") is None


def test_conda_reads_our_note(tmp_path: Path) -> None:
    cache = store(tmp_path, mod="Fri", has_zst=Checked.at(True, NOW))
    info = os.stat(cache / "497deca9.json")
    note = json.loads((cache / "497deca9.info.json").read_text())
    assert note == {
        "url": "https://h/c/linux-64/repodata.json",
        "etag": '"e"',
        "mod": "Fri",
        "cache_control": "",
        "size": info.st_size,
        "mtime_ns": info.st_mtime_ns,
        "refresh_ns": NOW,
        "has_zst": {"value": True, "last_checked": "2023-11-14T22:13:20Z"},
    }


def test_mamba_reads_our_note(tmp_path: Path) -> None:
    """mamba compares ``last_write_time().time_since_epoch()``: libstdc++'s clock on Linux, Unix time elsewhere."""
    cache = store(tmp_path)
    info = os.stat(cache / "88ec62ec.json")
    assert os.path.samefile(cache / "88ec62ec.json", cache / "497deca9.json")
    note = json.loads((cache / "88ec62ec.state.json").read_text())
    epoch = 6_437_664_000 * SECOND if sys.platform == "linux" else 0
    assert note["mtime_ns"] == info.st_mtime_ns - epoch
    assert {"url", "etag", "mod", "cache_control", "size"} <= note.keys()


@pytest.mark.parametrize("unsigned", [True, False])
@pytest.mark.parametrize("epoch", [0, 6_437_664_000 * SECOND])
@pytest.mark.parametrize("key", ["497deca9", "88ec62ec"])
def test_mambas_note_is_read(tmp_path: Path, key: str, epoch: int, unsigned: bool) -> None:
    (tmp_path / "cache").mkdir()
    index = tmp_path / "cache" / f"{key}.json"
    index.write_bytes(b"{}")
    mtime = os.stat(index).st_mtime_ns - epoch
    note = {"url": "u", "etag": "x", "mod": "m", "cache_control": "max-age=9", "size": 2}
    note |= {"mtime_ns": mtime % (1 << 64) if unsigned else mtime, "has_zst": None, "has_shards": None}
    (tmp_path / "cache" / f"{key}.state.json").write_text(json.dumps(note))
    found = RepodataCache([str(tmp_path)]).find(CHANNEL, "linux-64")
    assert found
    assert (found.state.etag, found.state.mod, found.state.mtime_ns) == ("x", "m", os.stat(index).st_mtime_ns)


@pytest.mark.parametrize(
    "note", [None, "{", '{"size": 99}', '{"size": "x"}', "[]", '{"size":2,"mtime_ns":1,"etag":"x"}']
)
def test_a_note_that_does_not_fit_counts_for_nothing(tmp_path: Path, note: str | None) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "497deca9.json").write_bytes(b"{}")
    if note is not None:
        (tmp_path / "cache" / "497deca9.info.json").write_text(note)
    found = RepodataCache([str(tmp_path)]).find(CHANNEL, "linux-64")
    assert found
    assert found.state == IndexState()
    assert not found.state.is_fresh(10**6, NOW)


def test_the_most_recent_of_several_caches_counts(tmp_path: Path) -> None:
    future = 1 << 62
    store(tmp_path / "old", b"{}", refresh_ns=future)
    store(tmp_path / "new", b'{"a":1}', refresh_ns=future + 1)
    found = RepodataCache([str(tmp_path / "old"), str(tmp_path / "new")]).find(CHANNEL, "linux-64")
    assert found
    assert found.state.size == 7


def test_a_confirmed_index_is_fresh_for_all(tmp_path: Path) -> None:
    cache = store(tmp_path)
    caches = RepodataCache([str(tmp_path)])
    entry = caches.find(CHANNEL, "linux-64")
    assert entry
    later = NOW + 5 * SECOND
    caches.confirm(CHANNEL, "linux-64", entry, IndexState(etag='"e"', refresh_ns=later))
    for key in ("497deca9", "88ec62ec"):
        assert os.stat(cache / f"{key}.json").st_mtime_ns == later
        assert json.loads((cache / f"{key}.info.json").read_text())["mtime_ns"] == later
    found = caches.find(CHANNEL, "linux-64")
    assert found
    assert (found.state.refresh_ns, found.state.etag) == (later, '"e"')


def test_a_discarded_index_leaves_nothing(tmp_path: Path) -> None:
    writer = RepodataCache([str(tmp_path)]).writer(CHANNEL, "linux-64")
    assert writer
    writer.write(b"half")
    writer.discard()
    writer.discard()
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.parametrize("step", ["write", "replace"])
def test_a_full_disk_is_remembered_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    writer = RepodataCache([str(tmp_path)]).writer(CHANNEL, "linux-64")
    assert writer
    with monkeypatch.context() as patch:
        patch.setattr(os, step, full)
        writer.write(b"{}")
        writer.write(b"{}")
        writer.commit(state())
    assert writer.error
    assert writer.error.errno == errno.ENOSPC
    assert list((tmp_path / "cache").iterdir()) == []


def test_without_hard_links_mambas_name_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    assert {path.name[:8] for path in store(tmp_path).iterdir()} == {"497deca9"}


def test_the_first_directory_that_can_be_written_is_used(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    writer = RepodataCache([str(tmp_path / "file"), str(tmp_path / "good")]).writer(CHANNEL, "linux-64")
    assert writer
    writer.commit(state())
    assert (tmp_path / "good" / "cache" / "497deca9.json").exists()
    assert RepodataCache([str(tmp_path / "file")]).writer(CHANNEL, "linux-64") is None


@pytest.mark.parametrize(
    ("ttl", "control", "age", "fresh"),
    [
        (0, "max-age=100", 0, False),
        (1, "public, max-age=1200", 1199, True),
        (1, "public, max-age=1200", 1200, False),
        (1, "max-age=1200, no-cache", 1, False),
        (1, "", 0, False),
        (1, "s-maxage=1200", 1, False),
        (1, "max-age=" + "9" * 400, 100, True),
        (60, "", 59, True),
        (60, "max-age=1200", 61, False),
        (60, "", -5, False),
    ],
)
def test_freshness(ttl: int, control: str, age: int, fresh: bool) -> None:
    assert state(cache_control=control).is_fresh(ttl, NOW + age * SECOND) is fresh


def test_conditions_belong_to_the_form_they_came_with() -> None:
    packed = state(mod="Fri", has_zst=Checked.at(True, NOW))
    assert packed.conditions(True) == {"If-None-Match": '"e"', "If-Modified-Since": "Fri"}
    assert packed.conditions(False) == {}
    assert state().conditions(False) == {"If-None-Match": '"e"'}
    assert state(has_zst=Checked.at(False, NOW)).conditions(True) == {}
    assert IndexState().conditions(False) == {}


def test_what_was_checked_is_believed_for_a_week() -> None:
    checked = Checked.at(False, NOW)
    assert checked.is_recent(NOW + 6 * 86400 * SECOND)
    assert not checked.is_recent(NOW + 8 * 86400 * SECOND)
    assert Checked(False, "2023-11-14T22:13:20.123456Z").is_recent(NOW), "conda writes microseconds"
    assert not Checked(False, "yesterday").is_recent(NOW)


def test_what_killed_processes_left_is_swept_away(tmp_path: Path) -> None:
    cache = store(tmp_path)
    for name in ("497deca9.json.0a.tmp", "497deca9.json.0b.tmp"):
        (cache / name).write_bytes(b"half")
    os.utime(cache / "497deca9.json.0a.tmp", (0, 0))
    store(tmp_path)
    assert [path.name for path in cache.iterdir() if path.suffix == ".tmp"] == ["497deca9.json.0b.tmp"]


def test_the_clock_is_the_systems() -> None:
    assert repodata_cache.now_ns() > NOW


def test_a_file_system_that_rounds_times_keeps_the_index_file_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(tmp_path)
    caches = RepodataCache([str(tmp_path)])
    entry = caches.find(CHANNEL, "linux-64")
    assert entry
    FilePages(entry.path)
    utime = os.utime
    monkeypatch.setattr(os, "utime", lambda path, ns: utime(path, ns=(ns[0] // SECOND * SECOND,) * 2))
    for later in (NOW + 5 * SECOND + 1, NOW + 9 * SECOND + 1):
        caches.confirm(CHANNEL, "linux-64", entry, IndexState(refresh_ns=later))
        fd = os.open(entry.path, os.O_RDONLY)
        try:
            assert read_index(entry.path, Identity.of(fd))
        finally:
            os.close(fd)
