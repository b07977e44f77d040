"""Removing a whole environment."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.errors import FrozenError, PrefixError
from engine.link.transaction.remove import remove_prefix
from tests.kit.package import make_package
from tests.link.support import Recorder, cached, create, request_for

pytestmark = pytest.mark.anyio


async def test_nothing_is_left(tmp_path: Path) -> None:
    prefix, registry = tmp_path / "envs" / "env", tmp_path / "environments.txt"
    package = cached(make_package("a", files={"ro/x": "1"}), tmp_path / "pkgs")
    await create(prefix, [package], registry=str(registry))
    (prefix / "ro").chmod(0o500)
    await remove_prefix(request_for(prefix, [], registry=str(registry)), Recorder())
    assert os.listdir(prefix.parent) == [] and registry.read_text() == ""


async def test_dependents_say_goodbye_first(tmp_path: Path) -> None:
    prefix = tmp_path / "env"
    script = f'echo $PKG_NAME >> "{tmp_path}/order"; exit 1\n'
    packages = [
        cached(make_package(name, depends=depends, link_scripts={"pre-unlink": script}), tmp_path / "pkgs")
        for name, depends in (("z", []), ("m", ["z"]), ("a", ["m"]))
    ]
    await create(prefix, packages)
    recorder = Recorder()
    await remove_prefix(request_for(prefix, []), recorder)
    assert (tmp_path / "order").read_text().split() == ["a", "m", "z"]
    assert len(recorder.notices()) == 3 and not prefix.exists()


async def test_what_must_not_be_removed(tmp_path: Path) -> None:
    root = tmp_path / "root"
    await create(root, [])
    with pytest.raises(PrefixError, match="root prefix"):
        await remove_prefix(request_for(root, [], root_prefix=str(root)), Recorder())
    (tmp_path / "plain").mkdir()
    with pytest.raises(PrefixError, match="no environment"):
        await remove_prefix(request_for(tmp_path / "plain", []), Recorder())
    (root / "conda-meta" / "frozen").touch()
    with pytest.raises(FrozenError):
        await remove_prefix(request_for(root, []), Recorder())
    assert root.exists()
    await remove_prefix(request_for(root, [], override_frozen=True), Recorder())
    assert not root.exists()


async def test_a_linked_prefix_goes_with_its_link(tmp_path: Path) -> None:
    await create(tmp_path / "real", [])
    (tmp_path / "link").symlink_to("real")
    await remove_prefix(request_for(tmp_path / "link", []), Recorder())
    assert os.listdir(tmp_path) == []
