"""Which environment is meant."""

from __future__ import annotations

import ntpath
import os
from pathlib import Path

import msgspec
import pytest

from engine.config import prefixes
from engine.config.prefixes import PrefixContext, resolve_target_prefix
from engine.errors import PrefixError, UsageError
from tests.config.conftest import Load


@pytest.fixture
def context(tmp_path: Path) -> PrefixContext:
    base = tmp_path.resolve()
    for name in ("root/envs", "a", "b/found"):
        (base / name).mkdir(parents=True)
    return PrefixContext(
        root_prefix=f"{base}/root",
        envs_dirs=(f"{base}/a", f"{base}/b", f"{base}/root/envs"),
        home=f"{base}/home",
        cwd=str(base),
        active_prefix=f"{base}/active",
    )


def test_by_path(context: PrefixContext) -> None:
    base = context.cwd
    expected = {"/x/y": "/x/y", "./x": f"{base}/x", "x/y/": f"{base}/x/y", "~/x": f"{base}/home/x", ".": base}
    for path, place in expected.items():
        assert resolve_target_prefix(context, path=path) == place


def test_a_path_without_separator_is_a_name_as_in_micromamba(context: PrefixContext) -> None:
    assert resolve_target_prefix(context, path="x") == f"{context.root_prefix}/envs/x"


def test_on_windows_a_place_has_backslashes_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two spellings of one path would be two environments in `env list`, and two locks."""
    root = "C:\\root"
    context = PrefixContext(root_prefix=root, envs_dirs=(), home="C:\\home", cwd=root)
    with monkeypatch.context() as patch:
        patch.setattr(os, "path", ntpath)
        found = {resolve_target_prefix(context, name="x"), resolve_target_prefix(context, path="x")}
        listed = msgspec.structs.replace(context, envs_dirs=("C:\\envs",))
        patch.setattr(os.path, "isdir", lambda path: path == "C:\\envs\\x")
        there = resolve_target_prefix(listed, name="x")
    assert (found, there) == ({"C:\\root\\envs\\x"}, "C:\\envs\\x")


def test_symbolic_links_are_resolved(context: PrefixContext) -> None:
    os.symlink(f"{context.cwd}/b", f"{context.cwd}/link")
    assert resolve_target_prefix(context, path="link/env") == f"{context.cwd}/b/env"


def test_by_name(context: PrefixContext) -> None:
    base = context.cwd
    assert resolve_target_prefix(context, name="found") == f"{base}/b/found"
    assert resolve_target_prefix(context, name="new") == f"{base}/a/new"
    for name in ("base", "root"):
        assert resolve_target_prefix(context, name=name) == context.root_prefix


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_new_one_goes_where_it_can_be_written(context: PrefixContext) -> None:
    os.chmod(f"{context.cwd}/a", 0o555)
    assert resolve_target_prefix(context, name="new") == f"{context.cwd}/b/new"


def test_what_can_not_be_written_is_passed_over(context: PrefixContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefixes, "can_be_written", lambda place: place.endswith("/b"))
    assert prefixes.creation_dir(context) == f"{context.cwd}/b"
    monkeypatch.setattr(prefixes, "can_be_written", lambda place: False)
    assert prefixes.creation_dir(context) == f"{context.root_prefix}/envs"


def test_places_that_do_not_exist_yet(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert prefixes.can_be_written(str(tmp_path / "x" / "y"))
    assert not prefixes.can_be_written(str(tmp_path / "file" / "y"))


@pytest.mark.parametrize("name", ["a/b", "a\\b", "a:b", "a#b", "..", ".", "a\nb", " ", " a", "a "])
def test_names_that_can_not_be(context: PrefixContext, name: str) -> None:
    """CEP 24: a name "MUST NOT contain any of these characters: `/`, " " (space), `:`, `#`"; micromamba has spaces."""
    with pytest.raises(UsageError, match="can't be called"):
        resolve_target_prefix(context, name=name)


def test_spaces_are_for_the_command_line_only(context: PrefixContext) -> None:
    assert resolve_target_prefix(context, name="a b") == f"{context.cwd}/a/a b"
    with pytest.raises(UsageError, match="' ' in it"):
        prefixes.check_file_name("a b")


def test_trouble_is_foretold() -> None:
    assert prefixes.check_place("/x/y") is None
    assert prefixes.check_place("/x y/it's") == (
        """The path /x y/it's has a space, "'" in it: some packages' scripts can't cope with that."""
    )


def test_both_is_an_error(context: PrefixContext) -> None:
    with pytest.raises(UsageError, match="both"):
        resolve_target_prefix(context, path="/x", name="y")


def test_the_active_one_only_where_allowed(context: PrefixContext) -> None:
    assert resolve_target_prefix(context) is None
    assert resolve_target_prefix(context, use_active=True) == context.active_prefix
    assert resolve_target_prefix(context, use_root=True) == context.root_prefix
    assert resolve_target_prefix(context, use_active=True, use_root=True) == context.active_prefix


def test_options_and_variables(context: PrefixContext) -> None:
    def asked(options: dict[str, object], **environ: str) -> str | None:
        return prefixes.asked_prefix(options, environ, context)

    assert asked({"env_name": "found"}, MAMBA_TARGET_PREFIX="/env") == f"{context.cwd}/b/found"
    assert asked({"target_prefix": "/x"}, MAMBA_TARGET_PREFIX="/env") == "/x"
    assert asked({}, MAMBA_TARGET_PREFIX="/env") == "/env"
    assert asked({}) is None
    for empty in ("target_prefix", "env_name"):
        with pytest.raises(UsageError, match="empty"):
            asked({empty: ""})


def test_the_default_environment_stands_for_an_active_one(context: PrefixContext) -> None:
    """An image with ``ENV CONDA_DEFAULT_ENV=found`` and nothing activated: micromamba works on that one."""
    inactive = msgspec.structs.replace(context, active_prefix=None)

    def asked(default: str, where: PrefixContext = inactive, **options: object) -> str | None:
        given = {"use_target_prefix_fallback": True, "use_root_prefix_fallback": True, **options}
        return prefixes.asked_prefix(given, {"CONDA_DEFAULT_ENV": default}, where)

    assert asked("found") == f"{context.cwd}/b/found"
    assert asked("/some/where") == "/some/where"
    assert asked("base") == asked("") == context.root_prefix
    assert asked("found", use_target_prefix_fallback=False) == context.root_prefix
    assert asked("found", target_prefix="/x") == "/x"
    assert asked("found", context) == context.active_prefix


def test_a_command_that_needs_one(load: Load) -> None:
    assert prefixes.required_prefix("/x") == "/x"
    with pytest.raises(PrefixError, match="none is active"):
        prefixes.required_prefix(None)
    config = load({"env_name": "x"})
    assert prefixes.prefix_context(config).root_prefix == config.root_prefix
