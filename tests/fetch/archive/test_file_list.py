from __future__ import annotations

import json

import pytest

from engine.errors import ArchiveError
from engine.fetch.archive.file_list import declared_size, read_paths


def test_lists() -> None:
    entry = {"_path": "a", "path_type": "hardlink", "sha256": "0" * 64, "size_in_bytes": 7}
    text = json.dumps({"paths": [entry, {**entry, "path_type": "directory"}], "paths_version": 1}).encode()
    assert declared_size(read_paths(text)) == 7
    assert declared_size(read_paths(json.dumps({"paths": [{"_path": "a"}]}).encode())) is None
    for broken in (b"", b"[]", b'{"paths": [{"_path": 1}]}', b"\xff", b'{"paths": [], "paths_version": 2}'):
        with pytest.raises(ArchiveError, match=r"paths\.json"):
            read_paths(broken)
