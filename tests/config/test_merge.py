"""Which source wins."""

from __future__ import annotations

from engine.config.files import RcFile, Setting
from engine.config.keys import BY_NAME
from engine.config.merge import Inputs, merge
from engine.config.values import Place


def rc(path: str, **settings: object) -> RcFile:
    return RcFile(path, {name: Setting(value, Place(path, 1)) for name, value in settings.items()})


def test_later_files_are_stronger() -> None:
    merged = merge(BY_NAME["offline"], Inputs({}, {}, [rc("weak", offline="true"), rc("strong", offline="false")]))
    assert (merged.value, merged.sources) == (False, ("strong", "weak"))


def test_each_name_of_a_mapping_has_its_source() -> None:
    files = [rc("weak", custom_channels={"a": "1", "b": "1"}), rc("strong", custom_channels={"b": "2"})]
    merged = merge(BY_NAME["custom_channels"], Inputs({}, {}, files))
    assert (merged.value, merged.sources) == ({"a": "1", "b": "2"}, ("weak", "strong"))


def test_the_default_has_no_source() -> None:
    assert merge(BY_NAME["offline"], Inputs({}, {})).sources == ()


def test_empty_variables_are_unset_ones() -> None:
    assert merge(BY_NAME["channels"], Inputs({}, {"CONDA_CHANNELS": ""})).value == ("conda-forge",)


def test_aliases_of_conda_in_files() -> None:
    assert merge(BY_NAME["always_copy"], Inputs({}, {}, [rc("f", copy="yes")])).value is True


def test_files_do_not_set_what_is_not_theirs() -> None:
    assert merge(BY_NAME["dry_run"], Inputs({}, {}, [rc("f", dry_run="true")])).value is False


def test_lists_of_mappings_are_joined() -> None:
    files = [rc("weak", channel_settings=[{"channel": "a"}]), rc("strong", channel_settings=[{"channel": "b"}])]
    merged = merge(BY_NAME["channel_settings"], Inputs({}, {}, files))
    assert merged.value == ({"channel": "b"}, {"channel": "a"})
    assert merged.sources == ("strong", "weak")
