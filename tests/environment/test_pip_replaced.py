"""`engine.environment.pip_replaced`: what pip had installed goes where a conda package of the same name came."""

from __future__ import annotations

from pathlib import Path

from engine.environment.pip_replaced import drop_replaced
from engine.environment.pypi import PypiRecord

SITE = "lib/python3.12/site-packages"


def distribution(prefix: Path, name: str, version: str, files: list[str]) -> None:
    module = name.replace("-", "_")
    info = prefix / SITE / f"{module}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    for file in files:
        path = prefix / SITE / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("pip's")
    own = [f"{info.name}/METADATA", f"{info.name}/RECORD"]
    (info / "RECORD").write_text("".join(f"{file},,\n" for file in [*files, *own]))


def test_only_its_own_files_go(tmp_path: Path) -> None:
    prefix = tmp_path / "env"
    distribution(
        prefix, "Its-Dangerous", "2.1", ["its_dangerous/__init__.py", "its_dangerous/old/a.py", "../../../bin/its"]
    )
    distribution(prefix, "other", "1.0", ["other.py"])
    (prefix / SITE / "its_dangerous/mine.txt").write_text("mine")
    owned = {f"{SITE}/its_dangerous/__init__.py", f"{SITE}/its_dangerous-3.0.dist-info/METADATA"}
    assert drop_replaced(str(prefix), SITE, ["its_dangerous"], owned) == [PypiRecord("Its-Dangerous", "2.1")]
    left = sorted(str(path.relative_to(prefix)) for path in prefix.rglob("*") if path.is_file())
    assert left == [
        f"{SITE}/its_dangerous/__init__.py",
        f"{SITE}/its_dangerous/mine.txt",
        f"{SITE}/other-1.0.dist-info/METADATA",
        f"{SITE}/other-1.0.dist-info/RECORD",
        f"{SITE}/other.py",
    ]
    assert not (prefix / SITE / "its_dangerous/old").exists()
    assert (prefix / SITE).is_dir()


def test_nothing_outside_of_the_environment_is_touched(tmp_path: Path) -> None:
    outside = tmp_path / "precious"
    outside.write_text("keep")
    distribution(tmp_path / "env", "evil", "1.0", ["evil.py"])
    record = tmp_path / "env" / SITE / "evil-1.0.dist-info/RECORD"
    record.write_text(f"../../../../precious,,\n{outside},,\nevil.py,,\n")
    assert [found.name for found in drop_replaced(str(tmp_path / "env"), SITE, {"evil"}, set())] == ["evil"]
    assert outside.read_text() == "keep"


def test_a_conda_package_s_own_metadata_stays(tmp_path: Path) -> None:
    distribution(tmp_path, "tool", "1.0", ["tool.py"])
    owned = {f"{SITE}/tool-1.0.dist-info/METADATA", f"{SITE}/tool.py"}
    assert drop_replaced(str(tmp_path), SITE, {"tool"}, owned) == []
    assert (tmp_path / SITE / "tool.py").exists()
