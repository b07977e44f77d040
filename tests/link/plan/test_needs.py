from __future__ import annotations

from engine.link.plan.needs import needed_by_python
from engine.model.records import RepoDataRecord


def record(name: str, *depends: str) -> RepoDataRecord:
    return RepoDataRecord(name=name, version="1", depends=depends)


def test_python_and_all_below_it_however_far() -> None:
    records = [
        record("python", "openssl >=3", "libffi"),
        record("openssl", "ca-certificates"),
        record("ca-certificates"),
        record("libffi", "python"),  # cycles end
        record("numpy", "python"),
    ]
    assert needed_by_python(records) == {"python", "openssl", "ca-certificates", "libffi"}


def test_without_python_nothing_is_needed() -> None:
    assert needed_by_python([record("tool", "lib"), record("lib")]) == frozenset()
