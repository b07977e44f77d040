from __future__ import annotations

import pytest

from engine.errors import NetworkError
from engine.fetch.http.oci_names import Reference, challenge_of, reference_of, tag_of

BASE = "oci://ghcr.io/channel-mirrors/conda-forge"


@pytest.mark.parametrize(
    ("file", "repository", "tag", "kind"),
    [
        ("linux-64/xz-5.2.6-h16_0.conda", "linux-64/xz", "5.2.6-h16_0", "package.v2"),
        ("noarch/_r-mutex-1.0.1-r_1.tar.bz2", "noarch/zzz_r-mutex", "1.0.1-r_1", "package.v1"),
        ("noarch/a-b-1!2.0+c=d-0.conda", "noarch/a-b", "1__e__2.0__p__c__eq__d-0", "package.v2"),
        ("noarch/repodata.json", "noarch/repodata.json", "latest", "repodata.v1+json"),
        ("noarch/repodata.json.zst", "noarch/repodata.json", "latest", "repodata.v1+json+zst"),
    ],
)
def test_where_files_are(file: str, repository: str, tag: str, kind: str) -> None:
    found = reference_of(f"{BASE}/{file}")
    place = f"channel-mirrors/conda-forge/{repository}"
    assert found == Reference("https://ghcr.io", place, tag, f"application/vnd.conda.{kind}")
    assert found.manifest == f"https://ghcr.io/v2/{place}/manifests/{tag}"
    assert found.blob("sha256:1") == f"https://ghcr.io/v2/{place}/blobs/sha256:1"


def test_what_registries_do_not_have() -> None:
    assert reference_of(f"{BASE}/noarch/repodata_shards.msgpack.zst") is None
    with pytest.raises(NetworkError):
        reference_of(f"{BASE}/noarch/nothing.conda")


@pytest.mark.parametrize("host", ["localhost:5000", "127.0.0.1:5000"])
def test_a_registry_on_this_machine_needs_no_tls(host: str) -> None:
    found = reference_of(f"oci://{host}/c/noarch/repodata.json")
    assert found is not None
    assert found.registry == f"http://{host}"


def test_tags_and_challenges() -> None:
    assert tag_of("1.0-py_0") == "1.0-py_0"
    assert challenge_of('Bearer realm="https://h/token",service="s",scope="x:y:pull"') == {
        "realm": "https://h/token", "service": "s", "scope": "x:y:pull"
    }  # fmt: skip
    assert challenge_of('Basic realm="h"') is None
    assert challenge_of("") is None
