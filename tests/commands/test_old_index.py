"""A cached index that is no longer true: it is fetched anew once, and then there is one clear error or none."""

from __future__ import annotations

from pathlib import Path

from tests.commands.conftest import RunCommand
from tests.kit.channel import ChannelBuilder
from tests.kit.package import make_package
from tests.kit.server import ChannelServer


def cached_for_long(server: ChannelServer) -> tuple[object, ...]:
    return ("--override-channels", "-c", server.url, "--repodata-ttl", "100000")


def publish(path: Path, text: str, version: str = "1.0") -> ChannelBuilder:
    """A channel with one package, whose file has the same name whatever is in it."""
    channel = ChannelBuilder(path)
    channel.add(make_package("p", version, files={"share/p": text}))
    channel.write()
    return channel


def test_a_package_that_was_replaced_under_its_name(run_command: RunCommand, root: Path, tmp_path: Path) -> None:
    publish(tmp_path / "c", "old")
    with ChannelServer(tmp_path / "c") as server:
        assert run_command("search", *cached_for_long(server), "p").code == 0
        publish(tmp_path / "c", "new")
        done = run_command("create", "-y", "-n", "e", *cached_for_long(server), "p")
        assert done.code == 0, done.err
        assert "The index is fetched anew" in done.err
        assert (root / "envs/e/share/p").read_text() == "new"


def test_a_package_that_is_gone(run_command: RunCommand, root: Path, tmp_path: Path) -> None:
    publish(tmp_path / "c", "old")
    with ChannelServer(tmp_path / "c") as server:
        assert run_command("search", *cached_for_long(server), "p").code == 0
        for file in (tmp_path / "c/linux-64").glob("p-*"):
            file.unlink()
        publish(tmp_path / "c", "newer", "1.1")
        done = run_command("create", "-y", "-n", "e", *cached_for_long(server), "p")
        assert done.code == 0, done.err
        assert (root / "envs/e/share/p").read_text() == "newer"


def test_an_index_that_is_right_about_a_wrong_file(run_command: RunCommand, root: Path, tmp_path: Path) -> None:
    publish(tmp_path / "c", "old")
    with ChannelServer(tmp_path / "c") as server:
        [file] = (tmp_path / "c/linux-64").glob("p-*")
        data = bytearray(file.read_bytes())
        data[len(data) // 2] ^= 255
        file.write_bytes(data)
        done = run_command("create", "-y", "-n", "e", *cached_for_long(server), "p")
        assert done.code == 1
        assert done.err.count("sha256: expected") >= 1
        assert server.count("*/p-*") == 2, "the file once more past caches, and no third time"
        assert not (root / "envs/e").exists()
        assert run_command("create", "-y", "-n", "e", "--offline", *cached_for_long(server), "p").code == 1
