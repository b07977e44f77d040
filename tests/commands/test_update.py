"""Environments that become newer, older, other: update, env update, earlier requests, revisions."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commands.conftest import Done, RunCommand
from tests.kit.channel import ChannelBuilder
from tests.kit.package import make_package

WORLD = (
    make_package("lib", "1.0"),
    make_package("lib", "1.5"),
    make_package("lib", "2.0"),
    make_package("low", "1.0"),
    make_package("app", "1.0", depends=("lib >=1", "low")),
    make_package("app", "2.0", depends=("lib >=1",)),
    make_package("python", "3.12.1"),
    make_package("pip", "1.0", depends=("python",), noarch="generic"),
    make_package("pip", "2.0", depends=("python",), noarch="generic"),
    make_package("holder", "1.0", depends=("lib <2",)),
    make_package("needs-newer", "1.0", depends=("lib >=1.5",)),
    make_package("needs-newest", "1.0", depends=("lib >=2",)),
)

Run = Callable[..., Done]


@pytest.fixture
def place(tmp_path: Path) -> ChannelBuilder:
    """The channel, as directory."""
    builder = ChannelBuilder(tmp_path / "world")
    for package in WORLD:
        builder.add(package)
    builder.write()
    return builder


@pytest.fixture
def run(run_command: RunCommand, place: ChannelBuilder, root: Path) -> Run:
    """A command on the environment ``one``."""

    def run(*words: object, code: int = 0, channel: bool = True) -> Done:
        more = ("--override-channels", "-c", place.path.as_uri()) if channel else ()
        done = run_command(*words, "-y", "-n", "one", *more)
        assert done.code == code, done
        return done

    return run


@pytest.fixture
def installed(root: Path) -> Callable[[], list[str]]:
    def look() -> list[str]:
        return sorted(path.stem.removesuffix("-h_0") for path in (root / "envs/one/conda-meta").glob("*.json"))

    return look


Installed = Callable[[], list[str]]


def last_block(root: Path) -> list[str]:
    return (root / "envs/one/conda-meta/history").read_text().split("==> ")[-1].splitlines()[3:]


def test_update_by_name(run: Run, installed: Installed, root: Path) -> None:
    run("create", "app=1.0", "lib=1.0")
    assert installed() == ["app-1.0", "lib-1.0", "low-1.0"]
    done = run("update", "app")
    assert installed() == ["app-2.0", "lib-1.0"], "what app needed and nobody else asked for goes"
    assert "app" in done.out and last_block(root)[-1] == "# update specs: ['app']"
    assert "All requested packages already installed" in run("upgrade", "app").out


def test_packages_are_the_same_when_their_channel_has_moved(
    run: Run, installed: Installed, place: ChannelBuilder, tmp_path: Path
) -> None:
    run("create", "app", "lib")
    moved = shutil.copytree(place.path, tmp_path / "moved").as_uri()
    done = run("update", "--all", "--override-channels", "-c", moved, channel=False)
    assert "Nothing to do" in done.out and installed() == ["app-2.0", "lib-2.0"]
    run("install", f"{moved}::lib >=1.5", "low", "--override-channels", "-c", moved, channel=False)
    assert installed() == ["app-2.0", "lib-2.0", "low-1.0"]


def test_updates_from_another_channel_make_nothing_older(
    run: Run, installed: Installed, place: ChannelBuilder, tmp_path: Path
) -> None:
    run("create", "app=1.0", "lib")
    other = ChannelBuilder(tmp_path / "other")
    for name, version in (("lib", "1.0"), ("app", "1.5")):
        other.add(make_package(name, version, build="other"))
    other.write()
    run("update", "--all", "--override-channels", "-c", other.path.as_uri(), channel=False)
    assert installed() == ["app-1.5-other", "lib-2.0"]
    run("install", "lib<2", "--override-channels", "-c", other.path.as_uri(), channel=False)
    assert installed() == ["app-1.5-other", "lib-1.0-other"], "unless that is asked for"


def test_update_without_pruning(run: Run, installed: Installed) -> None:
    run("create", "app=1.0", "lib=1.0")
    run("update", "app", "--no-prune-deps")
    assert installed() == ["app-2.0", "lib-1.0", "low-1.0"]


def test_update_with_dependencies(run: Run, installed: Installed) -> None:
    run("create", "app", "holder")
    run("remove", "holder", channel=False)
    run("update", "app")
    assert installed() == ["app-2.0", "lib-1.5"]
    run("update", "app", "--update-deps")
    assert installed() == ["app-2.0", "lib-2.0"]


def test_update_to_a_version(run: Run, installed: Installed) -> None:
    run("create", "lib=1.0")
    run("update", "lib<2")
    assert installed() == ["lib-1.5"]


def test_update_all_and_one_more(run: Run, installed: Installed) -> None:
    run("create", "app=1.0", "lib=1.0")
    run("update", "--all", "needs-newer")
    assert installed() == ["app-2.0", "lib-2.0", "needs-newer-1.0"]


def test_pip_stays_with_python(run: Run, installed: Installed) -> None:
    """It came along with python: nobody asked for it by name, and no record says that python needs it."""
    run("create", "python", "pip=1", "lib=1.0")
    run("remove", "pip", "--no-prune-deps", channel=False)
    run("install", "python", "--force-reinstall")
    assert installed() == ["lib-1.0", "pip-2.0", "python-3.12.1"]
    run("update", "--all")
    assert installed() == ["lib-2.0", "pip-2.0", "python-3.12.1"]
    run("remove", "lib", channel=False)
    assert installed() == ["pip-2.0", "python-3.12.1"]
    run("remove", "pip", channel=False)
    assert installed() == ["python-3.12.1"]


def test_update_says_what_holds_it(run: Run, installed: Installed) -> None:
    run("create", "holder", "lib")
    assert installed() == ["holder-1.0", "lib-1.5"]
    done = run("update", "lib")
    assert "lib stays at 1.5:" in done.out and "holder" in done.out
    (held,) = json.loads(run("update", "lib", "--json").out)["held"]
    assert (held["version"], held["newest"], held["verdict"]) == ("1.5", "2.0", "held")
    assert "Not the newest: lib 1.5 (newest: 2.0)" in run("update", "--all").out


def test_update_of_what_is_not_there(run: Run) -> None:
    run("create", "lib")
    done = run("update", "app", code=1)
    assert "Package is not installed in prefix" in done.err and "package name: app" in done.err
    assert "Nothing to do" in run("update").out


def test_earlier_requests_are_kept(run: Run, installed: Installed, root: Path) -> None:
    """needs-newer could have lib 2.0, but lib <2 was asked for."""
    run("create", "lib<2")
    run("update", "lib<1.2")
    run("install", "lib<2")
    run("install", "needs-newer")
    assert installed() == ["lib-1.5", "needs-newer-1.0"]
    record = json.loads((root / "envs/one/conda-meta/lib-1.5-h_0.json").read_text())
    assert record["requested_specs"] == ["lib[version='<2']"], "the new record knows it too"


def test_earlier_requests_give_way(run: Run, installed: Installed, root: Path) -> None:
    run("create", "lib<2")
    done = run("install", "needs-newest")
    assert installed() == ["lib-2.0", "needs-newest-1.0"]
    assert "was asked for earlier, can't be kept to" in done.out + done.err
    assert last_block(root)[-1] == "# neutered specs: ['lib']"


def test_installing_what_is_there_is_noted(run: Run, installed: Installed, root: Path) -> None:
    """Else pruning would take away what somebody asked for."""
    run("create", "app=1.0", "lib=1.0")
    run("install", "low")
    *listed, specs = last_block(root)
    assert specs == "# update specs: ['low']"
    assert [line.rpartition("::")[2] for line in listed] == ["app-1.0-h_0", "lib-1.0-h_0", "low-1.0-h_0"]
    run("update", "app")
    assert installed() == ["app-2.0", "lib-1.0", "low-1.0"]


def test_satisfied_skip_solve(run: Run, installed: Installed) -> None:
    run("create", "lib=1.0")
    run("install", "-S", "lib>=1", channel=False)
    assert installed() == ["lib-1.0"]


def test_env_update(run: Run, installed: Installed, tmp_path: Path) -> None:
    run("create", "lib=1.0", "low")
    file = tmp_path / "environment.yml"
    file.write_text("dependencies: [app]\n")
    run("env", "update", "-f", file)
    assert installed() == ["app-2.0", "lib-1.0", "low-1.0"]
    run("env", "update", "-f", file, "--prune")
    assert installed() == ["app-2.0", "lib-1.0"], "what the file needs stays as it is"
    assert "All requested packages already installed" in run("env", "update", "-f", file, "--prune").out
    run("update", "app")
    assert installed() == ["app-2.0", "lib-1.0"]


def test_env_update_makes_what_is_not_there(run: Run, installed: Installed, tmp_path: Path) -> None:
    (tmp_path / "environment.yml").write_text("dependencies: [lib=1]\n")
    run("env", "update", "-f", tmp_path / "environment.yml")
    assert installed() == ["lib-1.5"]


def test_pruning_spares_what_left_no_word(run: Run, installed: Installed, root: Path) -> None:
    """Other tools note nowhere what was asked for."""
    run("create", "app=1.0", "lib=1.0", "holder")
    meta = root / "envs/one/conda-meta"
    (meta / "history").write_text("")
    for path in meta.glob("*.json"):
        fields = json.loads(path.read_text())
        path.unlink()
        path.write_text(json.dumps({**fields, "requested_specs": [], "requested_spec": "None"}))
    run("remove", "holder", channel=False)
    assert installed() == ["app-1.0", "lib-1.0", "low-1.0"]


def test_dry_runs_in_json(run: Run, root: Path) -> None:
    run("create", "lib=1.0")
    done = json.loads(run("update", "lib", "--dry-run", "--json").out)
    assert done["dry_run"] and done["success"]
    assert [one["version"] for one in done["actions"]["LINK"]] == ["2.0"]
    assert [one["version"] for one in done["actions"]["UNLINK"]] == ["1.0"]
    assert done["actions"]["PREFIX"] == done["prefix"] == str(root / "envs/one")
    again = json.loads(run("install", "lib", "--json").out)
    assert "actions" not in again and again["message"] == "All requested packages already installed"


def test_revisions(run: Run, installed: Installed, root: Path) -> None:
    run("create", "app=1.0", "lib=1.0")
    run("install", "holder")
    run("update", "app")
    run("remove", "holder", channel=False)
    assert installed() == ["app-2.0", "lib-1.0"]
    run("install", "--revision", "1")
    assert installed() == ["app-1.0", "holder-1.0", "lib-1.0", "low-1.0"]
    run("install", "--revision", "0")
    assert installed() == ["app-1.0", "lib-1.0", "low-1.0"]
    assert last_block(root)[-1] == "# remove specs: ['holder']"
    assert "no revision 9" in run("install", "--revision", "9", code=1).err
    assert run("install", "--revision", "1", "lib", code=2).err


def test_a_revision_whose_package_left_the_channel(
    run: Run, installed: Installed, place: ChannelBuilder, tmp_path: Path, root: Path
) -> None:
    run("create", "lib=1.0")
    run("update", "lib")
    kept = tmp_path / "kept"
    shutil.copytree(place.path, kept)
    shutil.rmtree(place.path)
    ChannelBuilder(place.path).write()
    run("install", "--revision", "0")
    assert installed() == ["lib-1.0"]
    run("install", "--revision", "1", channel=False)
    shutil.rmtree(root / "pkgs")
    assert "404" in run("install", "--revision", "0", code=1).err
    assert installed() == ["lib-2.0"]
    for subdir in ("linux-64", "noarch"):  # the archive is there, but no index lists it
        for file in (kept / subdir).glob("lib-1.0*"):
            (place.path / subdir).mkdir(exist_ok=True)
            shutil.copy(file, place.path / subdir)
    run("install", "--revision", "0")
    assert installed() == ["lib-1.0"]


def test_revisions_of_other_tools(run: Run, installed: Installed, root: Path, place: ChannelBuilder) -> None:
    """micromamba notes channels by their address; nothing but the channel knows the package here."""
    run("create", "lib=2.0")
    history = root / "envs/one/conda-meta/history"
    url = place.path.as_uri()
    history.write_text(
        f"==> 2024-01-01 00:00:00 <==\n# cmd: micromamba create\n+{url}/linux-64::lib-1.5-h_0\n"
        f"==> 2024-01-02 00:00:00 <==\n# cmd: micromamba update\n-{url}/linux-64::lib-1.5-h_0\n"
        f"+{url}/linux-64::lib-2.0-h_0\n"
    )
    run("install", "--revision", "0")
    assert installed() == ["lib-1.5"]
