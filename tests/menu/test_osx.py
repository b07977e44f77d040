"""Menu entries of macOS: bundles."""

from __future__ import annotations

import plistlib
import subprocess
from pathlib import Path

from engine.menu.osx import osx_artifacts
from tests.menu.places import item, menu, place


def test_a_bundle() -> None:
    own = {
        "CFBundleIdentifier": "org.tool",
        "LSEnvironment": {"A": "{{ PREFIX }}"},
        "link_in_bundle": {
            "{{ PREFIX }}/bin/tool": "{{ MENU_ITEM_LOCATION }}/Contents/MacOS/tool",
            "x": "../../escape",
        },
        "event_handler": "x",
        "unknown": 1,
    }
    made = osx_artifacts(
        menu(item(icon="{{ MENU_DIR }}/t.{{ ICON_EXT }}", platforms={"osx": own}), platform="osx-arm64"),
        place("osx-arm64", "/p"),
    )
    files = {artifact.path: artifact for artifact in made.files}
    bundle = "/home/me/Applications/A Tool.app"
    assert made.trees == (bundle,)
    assert set(files) == {f"{bundle}/Contents/{name}" for name in ("MacOS/a-tool", "PkgInfo", "Info.plist")}
    assert files[f"{bundle}/Contents/MacOS/a-tool"].mode == 0o755
    info = plistlib.loads(files[f"{bundle}/Contents/Info.plist"].content)
    assert (info["CFBundleExecutable"], info["CFBundleIconFile"]) == ("a-tool", "t.icns")
    assert (info["CFBundleIdentifier"], info["LSEnvironment"]) == ("org.tool", {"A": "/p"})
    assert "unknown" not in info and "event_handler" not in info
    assert made.copies == {f"{bundle}/Contents/Resources/t.icns": "/p/Menu/t.icns"}
    assert all(target.startswith(f"{bundle}/") and ".." not in target for target in made.links)
    assert len(made.notes) == 1


def test_its_script_runs(tmp_path: Path) -> None:
    made = osx_artifacts(
        menu(
            item(command=["printf", "%s|", "two words", '"$@"'], activate=False, working_dir="{{ HOME }}"),
            platform="osx-64",
        ),
        place("osx-64", home=str(tmp_path)),
    )
    script = next(artifact for artifact in made.files if "/MacOS/" in artifact.path)
    path = tmp_path / "script"
    path.write_bytes(script.content)
    path.chmod(0o755)
    assert (
        subprocess.run([path, "an argument"], capture_output=True, text=True, check=True).stdout
        == "two words|an argument|"
    )


def test_a_name_can_not_leave_the_folder() -> None:
    made = osx_artifacts(menu(item(name="../../x/y"), platform="osx-64"), place("osx-64"))
    assert made.trees == ("/home/me/Applications/-..-x-y.app",)
