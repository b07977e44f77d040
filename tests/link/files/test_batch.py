"""Many hard links: looked at first, by us or by a process of its own, with the same result."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from engine.errors import LinkError
from engine.link.files import batch
from engine.link.files.batch import Files, Job, Problem, Result, Specials, carry_out
from engine.link.files.hands import WORTH, Hands
from engine.link.files.special import LINK, LINKED
from tests.kit.tree import tree

pytestmark = [
    pytest.mark.skipif(os.link not in os.supports_dir_fd, reason="this system links by path only"),
    pytest.mark.usefixtures("interpreter_lock"),
]


@pytest.fixture(params=["ourselves", "a process"])
def do(request: pytest.FixtureRequest):  # type: ignore[no-untyped-def]
    """A way to do a job."""
    hands = Hands(1)

    def by_a_process(job: Job) -> Result:
        process = hands._take()
        assert process is not None
        hands._idle.append(process)
        from engine.link.files.hands import _ask

        return _ask(process, job)

    yield carry_out if request.param == "ourselves" else by_a_process
    hands.close()


NOTHING_ELSE: Specials = ("", "", [])


class Place:
    """Files to link and a place for them."""

    def __init__(self, path: Path) -> None:
        self.source, self.target = path / "source", path / "target"
        (self.source / "sub").mkdir(parents=True)
        self.target.mkdir()
        for name, text in (("a", "1"), ("b", "22"), ("sub/c", "333"), ("sub/d\udce9", "")):
            (self.source / name).write_text(text)

    def files(self, folder: str, names: list[str], sizes: list[int | None], new: list[str] | None = None) -> Files:
        return str(self.source / folder), str(self.target / folder), names, new, sizes


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_all_are_linked(do, place: Place) -> None:  # type: ignore[no-untyped-def]
    files = [place.files("", ["a", "b"], [1, None]), place.files("sub", ["c", "d\udce9"], [3, 0], ["new", "d\udce9"])]
    assert do(([str(place.target / "sub")], [[(True, files)]], NOTHING_ELSE)) == (None, [[(None, 4, [])]], [])
    assert os.path.samefile(place.source / "sub/c", place.target / "sub/new")
    assert {path: entry.content for path, entry in tree(place.target).items()}.keys() == {
        "a", "b", "sub/new", "sub/d\udce9",
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["size", "gone", "link", "folder"])
def test_damage_is_found_before_anything_is_done(do, place: Place, kind: str) -> None:  # type: ignore[no-untyped-def]
    victim = place.source / "sub/c"
    if kind == "size":
        victim.write_text("4444")
    else:
        victim.unlink()
        if kind == "link":
            victim.symlink_to("/etc/passwd")
        elif kind == "folder":
            victim.mkdir()
    sound, damaged = place.files("", ["a"], [1]), place.files("sub", ["c"], [3])
    others = [(True, [place.files("", ["b"], [2])])]
    (place.source / "to").symlink_to("a")
    links = [[(LINK, str(place.source / "to"), str(place.target / name), "")] for name in ("link", "other")]
    job = [str(place.target / "sub")], [[(True, [sound, damaged]), (False, [sound])], others], ("/p", "linux-64", links)
    assert do(job) == (None, [[(str(victim), 0, [])], [(None, 1, [])]], [[], [(LINKED, "", 0)]])
    assert tree(place.target).keys() == {"b", "other"}, "of the other package"


def test_what_is_in_the_way_is_told_and_the_rest_goes_on(do, place: Place) -> None:  # type: ignore[no-untyped-def]
    (place.target / "a").write_text("mine")
    job = [], [[(False, [place.files("", ["a", "b"], [1, 2])])]], NOTHING_ELSE
    problem, [[(damaged, done, problems)]], _ = do(job)
    assert (problem, damaged, done) == (None, None, 1)
    assert problems == [(errno.EEXIST, str(place.source / "a"), str(place.target / "a"))]
    assert (place.target / "a").read_text() == "mine"


def test_what_concerns_all_ends_it(do, place: Place) -> None:  # type: ignore[no-untyped-def]

    def problem(*files: Files) -> Problem:
        found, [[(damaged, done, problems)]], _ = do(([], [[(False, list(files))]], NOTHING_ELSE))
        assert (found, damaged, done, len(problems)) == (None, None, 0, 1)
        return problems[0]

    first = place.files("", ["a"], [1])
    assert problem(place.files("sub", ["c"], [3]), first) == (errno.ENOENT, "", str(place.target / "sub"))
    lacking = place.files("", ["x", "a"], [1, 1])
    assert problem(lacking) == (errno.ENOENT, str(place.source / "x"), str(place.target / "x"))
    nowhere = (str(place.source / "nowhere"), str(place.target), ["x"], None, [1])
    assert problem(nowhere) == (errno.ENOENT, str(place.source / "nowhere/x"), str(place.target))
    lost = str(place.target / "no/where")
    assert do(([lost], [[(False, [first])]], NOTHING_ELSE)) == ((errno.ENOENT, "", lost), [], [])
    assert not os.listdir(place.target)


def big(place: Place) -> Job:
    names = [f"f{number}" for number in range(WORTH)]
    for name in names:
        (place.source / name).touch()
    return [], [[(True, [place.files("", names, [0] * WORTH)])]], NOTHING_ELSE


def test_only_big_jobs_are_handed_over(place: Place) -> None:
    hands = Hands(1)
    hands.carry_out(([], [[(False, [place.files("", ["a"], [1])])]], NOTHING_ELSE))
    assert not hands._all
    assert hands.carry_out(big(place)) == (None, [[(None, WORTH, [])]], [])
    assert len(hands._all) == 1
    hands.close()
    assert not hands._all


def dead() -> Hands:
    """One whose only process has died."""
    hands = Hands(1)
    process = hands._take()
    assert process is not None
    hands._idle.append(process)
    process.kill()
    process.wait()
    return hands


def test_a_process_that_dies_is_one_error(place: Place) -> None:
    hands = dead()
    with pytest.raises(LinkError, match="ended unexpectedly"):
        hands.carry_out(big(place))
    hands.close()


def test_a_process_that_dies_over_what_is_not_linked(place: Place) -> None:
    special = (LINK, str(place.source / "a"), str(place.target / "a"), "")
    hands = dead()
    with pytest.raises(LinkError, match=f"into {place.target}: .* ended unexpectedly"):
        hands.carry_out(([], [[(False, [])]], ("/env", "linux-64", [[special] * WORTH])))
    hands.close()


def test_without_a_python_to_start_we_do_it_ourselves(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    hands = Hands(2)
    assert hands.carry_out(big(place)) == (None, [[(None, WORTH, [])]], [])
    hands.close()


def test_ctrl_c_is_not_for_the_process() -> None:
    with subprocess.Popen([sys.executable, "-I", "-S", batch.__file__, "/"], stdin=-1, stdout=-1, stderr=-1) as process:
        job = ([], [], NOTHING_ELSE)
        import marshal

        text = marshal.dumps(job)
        assert process.stdin is not None and process.stdout is not None and process.stderr is not None
        process.stdin.write(len(text).to_bytes(8, "big") + text)
        process.stdin.flush()
        assert len(process.stdout.read(8)) == 8  # it lives, and has said what it does with signals
        process.send_signal(signal.SIGINT)
        process.stdin.close()
        assert process.wait() == 0
        assert process.stderr.read() == b""


def test_damage_is_found_alike_where_a_directory_can_not_be_opened(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases: list[tuple[list[str], list[int | None]]]
    cases = [(["a", "b"], [1, None]), (["a", "b"], [1, 3]), (["a", "x"], [1, 1]), (["sub"], [None])]
    found = [batch.find_damage(place.files("", *case)) for case in cases]
    monkeypatch.setattr(batch, "_HANDLES", False)
    assert [batch.find_damage(place.files("", *case)) for case in cases] == found
    assert found == [None, *(f"{place.source}/{name}" for name in ("b", "x", "sub"))]
