"""Addresses: taking URLs apart, joining them, and keeping their secrets from view. Rule: text in, text out.

Own few lines rather than `urllib.parse`: they are needed at every start, they must never raise, and what conda
calls a URL has parts of its own (a token in the path, a subdir, a file name, a digest behind ``#``).
"""

from __future__ import annotations

import posixpath
import re
from functools import lru_cache
from typing import Final

import msgspec

from engine.errors import InvalidChannel, InvalidPackageName
from engine.model.platform import is_known_subdir
from engine.model.records import ARCHIVE_EXTENSIONS

MASK: Final = "*****"
TOKEN_MASK: Final = "<TOKEN>"

_SCHEME_RE: Final = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]+)://")
_TOKEN_RE: Final = re.compile(r"(?:^|(?<=/))t/[a-zA-Z0-9_-]+(?:/|$)")
_DIGEST_RE: Final = re.compile(r"(?P<md5>[0-9a-f]{32})|(?:sha256:)?(?P<sha256>[0-9a-f]{64})")

DEFAULT_PORTS: Final = {"http": "80", "https": "443", "ftp": "21"}


class UrlParts(msgspec.Struct, frozen=True):
    """A URL in pieces that, put together again, are the URL. ``path`` has no slash at its end, nor a token."""

    scheme: str
    """In lower case."""
    userinfo: str
    """``user:password``, without the ``@``."""
    host: str
    """Host and port, in lower case, without the scheme's own port."""
    token: str
    """A token of anaconda.org: what followed ``/t/``."""
    path: str
    """Begins with a slash unless empty."""
    query: str
    """Without the question mark. A fragment is not kept."""

    def __str__(self) -> str:
        return self.build()

    def build(self, *, secrets: bool = True, append: str = "") -> str:
        """The URL again, with ``append`` (no leading slash) at the end of its path; or without anything secret."""
        login = f"{self.userinfo}@" if self.userinfo and secrets else ""
        token = f"/t/{self.token}" if self.token and secrets else ""
        query = f"?{self.query}" if self.query and secrets else ""
        tail = f"/{append}" if append else ""
        return f"{self.scheme}://{login}{self.host}{token}{self.path}{tail}{query}"


def scheme_of(text: str) -> str:
    """The scheme in lower case, or an empty text if ``text`` is not a URL."""
    found = _SCHEME_RE.match(text)
    return found.group(1).lower() if found else ""


def split_url(url: str) -> UrlParts:
    """Take a URL apart; raises `InvalidChannel` if it is none or has no host (``file`` needs none)."""
    found = _SCHEME_RE.match(url)
    if not found:
        raise InvalidChannel(mask_secrets(url), "expected a URL")
    scheme = found.group(1).lower()
    rest, _, query = url[found.end() :].partition("#")[0].partition("?")
    authority, slash, path = rest.partition("/")
    userinfo, _, host = authority.rpartition("@")
    host = host.lower()
    if not host and scheme != "file":
        raise InvalidChannel(mask_secrets(url), "it has no host")
    name, colon, port = host.rpartition(":")
    if colon and port == DEFAULT_PORTS.get(scheme):
        host = name
    token, path = _take_token(path) if scheme != "file" else ("", path)
    return UrlParts(scheme, userinfo, host, token, (slash + path).rstrip("/"), query)


def _take_token(path: str) -> tuple[str, str]:
    """Split ``t/TOKEN/rest`` (anywhere in the path: some servers put a directory before it) → token, path."""
    found = _TOKEN_RE.search(path)
    if not found:
        return "", path
    return found.group()[2:].rstrip("/"), path[: found.start()] + path[found.end() :]


@lru_cache(maxsize=4096)
def strip_secrets(url: str) -> str:
    """The URL without user, password, token and query: fit to be written into files and shown."""
    return split_url(url).build(secrets=False) if scheme_of(url) else url


def without_subdir(url: str) -> str:
    """The address of a channel without the subdir and slash that other tools leave at its end (conda's records)."""
    above, _, last = url.rstrip("/").rpartition("/")
    return above if is_known_subdir(last) else url.rstrip("/")


def noted_channel(channel: str, url: str) -> str:
    """The address of the channel that a record of a package names, whoever wrote it; "" if it says nothing.

    conda leaves the subdir at its end; micromamba writes the name that the user gave, or a path, so that only the
    package's own ``url`` tells where it came from.
    """
    found = strip_secrets(channel).rstrip("/")
    if not scheme_of(found) and url:
        found = strip_secrets(url).rpartition("/")[0]
    return without_subdir(found)


def path_to_url(path: str) -> str:
    """The ``file://`` URL of an absolute path, POSIX or Windows, percent-encoded."""
    from urllib.parse import quote

    path = path.replace("\\", "/") if _is_windows_path(path) else path
    return "file://" + quote(path if path.startswith("/") else f"/{path}", safe="/:!'()*-._~@+,=")


def url_to_path(url: str) -> str:
    """The path that a ``file://`` URL means."""
    from urllib.parse import unquote

    path = unquote(url[len("file://") :] if url[:7].lower() == "file://" else url)
    return path[1:] if path.startswith("/") and _is_windows_path(path[1:]) else path


def is_path(text: str) -> bool:
    """Whether ``text`` is plainly a path, told as micromamba does: it begins with ``/ ~ ./ ../ C:\\`` or is ``.``."""
    return text in (".", "..") or text.startswith(("/", "~", "./", "../", ".\\", "..\\")) or _is_windows_path(text)


def _is_windows_path(text: str) -> bool:
    return len(text) > 2 and text[0].isalpha() and text[1] == ":" and text[2] in "/\\"


def absolute_path(path: str, cwd: str, home: str) -> str:
    """``path`` with ``~`` and relative parts resolved against ``home`` and ``cwd``, without ``.`` and ``..``."""
    if path == "~" or path.startswith(("~/", "~\\")):
        path = home + path[1:]
    if _is_windows_path(path) or _is_windows_path(cwd):
        import ntpath

        return ntpath.normpath(ntpath.join(cwd, path))
    return posixpath.normpath(posixpath.join(cwd, path))


def join_url(base: str, rel: str) -> str:
    """Where ``rel`` (CEP 15's ``base_url``, or a file name) leads from the directory ``base``; no slash at the end.

    An absolute ``rel`` replaces ``base`` and gets none of its secrets; a relative one keeps them. What was served
    over a network can't point into the local file system: that raises `InvalidChannel`, and so do signs that no address
    has (it becomes part of a path, and a line of a list).
    """
    if not rel.isprintable():
        raise InvalidChannel(mask_secrets(rel), "an address has no control characters")
    if scheme_of(rel):
        if scheme_of(rel) == "file" and scheme_of(base) != "file":
            raise InvalidChannel(mask_secrets(rel), f"{strip_secrets(base)} must not point to local files")
        return rel.rstrip("/")
    parts = split_url(base)
    if rel.startswith("//"):
        return f"{parts.scheme}:{rel}".rstrip("/")
    rel, _, query = rel.partition("?")
    path = rel if rel.startswith("/") else f"{parts.path}/{rel}"
    if "/." in path or "//" in path:
        path = "/" + posixpath.normpath(path).lstrip("/")
    return msgspec.structs.replace(parts, path=path.rstrip("/"), query=query or parts.query).build()


class PackageUrl(msgspec.Struct, frozen=True):
    """The address of one package, in pieces."""

    url: str
    """As to be fetched: with credentials, without the digest."""
    base_url: str
    """Of the channel: what comes before the subdir, with credentials; the directory where there is no subdir."""
    subdir: str
    """Empty if the address has none."""
    fn: str
    """File name, percent-decoded."""
    md5: str | None = None
    sha256: str | None = None

    @property
    def channel(self) -> str:
        """Address of the channel without secrets, as records keep it."""
        return strip_secrets(self.base_url)


def is_package(text: str) -> bool:
    """Whether ``text`` (name, path or URL) ends like a package archive, digest and query apart."""
    return text.partition("#")[0].partition("?")[0].endswith(ARCHIVE_EXTENSIONS)


def package_url_parts(url: str) -> PackageUrl:
    """Take the URL of a package apart (CEP 23); raises `InvalidChannel` if it is none or its digest is malformed.

    A path must have been made a ``file://`` URL before.
    """
    from urllib.parse import unquote

    address, hash_mark, fragment = url.partition("#")
    parts = split_url(address)
    directory, _, encoded = parts.path.rpartition("/")
    fn = unquote(encoded)
    if not fn.endswith(ARCHIVE_EXTENSIONS) or "/" in fn or "\\" in fn:
        raise InvalidChannel(
            mask_secrets(url), f"expected the address of a package ({' or '.join(ARCHIVE_EXTENSIONS)})"
        )
    digest = _DIGEST_RE.fullmatch(fragment)
    if hash_mark and not digest:
        raise InvalidChannel(
            mask_secrets(url), "expected 32 (md5) or 64 (sha256) lower-case hexadecimal digits after '#'"
        )
    above, _, last = directory.rpartition("/")
    subdir = last if is_known_subdir(last) else ""
    base = msgspec.structs.replace(parts, path=above if subdir else directory)
    md5, sha256 = (digest.group("md5"), digest.group("sha256")) if digest else (None, None)
    return PackageUrl(parts.build(), base.build(), subdir, fn, md5, sha256)


def split_filename(fn: str) -> tuple[str, str, str]:
    """A package's file name → name, version, build (CEP 26, "Filenames"); raises `InvalidPackageName` otherwise."""
    for extension in ARCHIVE_EXTENSIONS:
        if fn.endswith(extension):
            pieces = fn[: -len(extension)].rsplit("-", 2)
            if len(pieces) == 3 and all(pieces):
                return pieces[0], pieces[1], pieces[2]
    raise InvalidPackageName(fn, f'Missing name and version in filename "{fn}"; expected name-version-build.conda')


# --- secrets -------------------------------------------------------------------------------------------------

# Every pattern takes time in proportion to the text, whatever is in it: a start is tried once for each word, what
# may follow is bounded, and no two repetitions can share characters.
_URL_START: Final = r"(?<![a-zA-Z0-9+.-])[a-zA-Z0-9+.-]+://"
_LOGIN: Final = rf"({_URL_START})([^\s/?#:\"<>@]*)(:)?([^\s/?#\"<>]*)@"
_SLASHED_LOGIN: Final = rf"({_URL_START})([^\s/?#:\"<>@]+)(:)(?![0-9]*[/?#])([^\s\"<>]{{0,4096}})@"
"""A password with a raw ``/ ? #`` in it: what follows the colon is then no port."""
_BARE_LOGIN: Final = r"(?<![\w/.%+-])([\w.%+-]+)(:)([^\s/@:\"'<>*]+)@(?=[\w-]*\.[\w.-])"
"""``user:password@host.domain`` without a scheme."""
_HOST_TOKEN: Final = (
    rf"((?:(?!file:){_URL_START}|(?<![\w./-])(?=[\w-]+\.[\w.-]+(?::[0-9]+)?/))"
    r"[^\s\"'<>?#]{0,1024}?/t/)[^\s/\"'<>?#]+"
)
_QUERY: Final = r"([?&;]([^\s=&;?#\"'<>]*)=)[^\s&;#\"'<>]+"
_SECRET_NAME: Final = r"(?i)token|key|secret|sig|passw|auth|credential|session"


@lru_cache(maxsize=1)
def _masks() -> tuple[re.Pattern[str], ...]:
    """The patterns, compiled when the first text is masked: most runs mask none."""
    return tuple(re.compile(text) for text in (_SLASHED_LOGIN, _LOGIN, _BARE_LOGIN, _HOST_TOKEN, _QUERY, _SECRET_NAME))


def mask_secrets(text: str) -> str:
    """``text`` with the secrets of every URL in it hidden: ``user:*****@``, ``/t/<TOKEN>``, ``?token=*****``.

    A user without a password is hidden too, since some servers take a token there. Doubtful cases are hidden;
    masking twice changes nothing.
    """
    if "@" not in text and "/t/" not in text and "=" not in text:
        return text
    slashed_login, login, bare_login, host_token, query, secret_name = _masks()
    if "@" in text:
        text = slashed_login.sub(_mask_login, text)
        text = login.sub(_mask_login, text)
        text = bare_login.sub(rf"\g<1>:{MASK}@", text)
    text = host_token.sub(rf"\g<1>{TOKEN_MASK}", text)
    return query.sub(lambda found: f"{found[1]}{MASK}" if secret_name.search(found[2]) else found[0], text)


def _mask_login(found: re.Match[str]) -> str:
    start, user, colon, _ = found.groups()
    return f"{start}{user}:{MASK}@" if colon else f"{start}{MASK}@"
