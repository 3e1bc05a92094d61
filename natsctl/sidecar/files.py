"""What nats-server reads: configuration files, what they include, the certificates they name."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple

from natsctl.compat.sha256 import sha256

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

CONFIGURATION = (".conf", ".json")
MAX_LINKS = 40
_QUOTED_OR_COMMENT = re.compile(
    r"""("(?:\\.|[^"\\])*"|'[^'\n]*')|(?<![^\s,;{}\[\]])(?:\#|//)[^\n]*"""
)
_REFERENCE = re.compile(
    r"""(?:^|[\s{,;])
    (?:include\s+ | (?P<certificate>["']?(?:cert|key|ca)_file["']?\s*[:=\s]\s*))
    (?:"(?P<double>[^"\n]*)" | '(?P<single>[^'\n]*)' | (?P<bare>[^\s"',;}\]]+))""",
    re.VERBOSE | re.IGNORECASE,
)


class File(NamedTuple):
    """One file as it was read last; a file that never was there has no digest."""

    digest: str = ""
    includes: tuple[str, ...] = ()
    certificates: tuple[str, ...] = ()


class Look(NamedTuple):
    """All files at one time.

    `trail` are the files and the symbolic links that lead to them; `newest` is when the last of
    those was changed, in Unix seconds; `missing` says why a file cannot be read, by path.
    """

    files: Mapping[str, File]
    trail: frozenset[str]
    newest: float
    missing: Mapping[str, str]

    @property
    def digests(self) -> dict[str, str]:
        """SHA-256 of the content of each file, in hexadecimal."""
        return {path: file.digest for path, file in self.files.items()}


def read_files(given: Iterable[str], before: Mapping[str, File]) -> Look:
    """Read the files given and all they name; one that is missing counts as it was before."""
    files: dict[str, File] = {}
    missing: dict[str, str] = {}
    waiting = [(path, path.endswith(CONFIGURATION)) for path in given]
    while waiting:
        path, configuration = waiting.pop()
        if path in files:
            continue
        try:
            file = _read(path, configuration)
        except OSError as error:
            file = before.get(path, File())
            missing[path] = error.strerror or str(error)
        files[path] = file
        waiting += [(included, True) for included in file.includes]
        waiting += [(certificate, False) for certificate in file.certificates]
    trails = frozenset(step for path in files for step in trail(path))
    return Look(files, trails, max(map(_changed, trails), default=0.0), missing)


def _read(path: str, configuration: bool) -> File:
    with open(path, "rb") as file:
        content = file.read()
    digest = sha256(content).hexdigest()
    if not configuration:
        return File(digest)
    return File(digest, *references(content.decode(errors="replace"), os.path.dirname(path)))


def references(text: str, folder: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The files that a configuration in `folder` includes, and the certificates and keys it names.

    nats-server takes the first kind relative to the file, absolute or not, and the second relative
    to its working directory. Values that are variables are left out.
    """
    includes: list[str] = []
    certificates: list[str] = []
    for reference in _REFERENCE.finditer(_QUOTED_OR_COMMENT.sub(r"\1", text)):
        value = reference["double"] or reference["single"] or reference["bare"]
        if not value or value.startswith("$"):
            continue
        if reference["certificate"]:
            certificates.append(os.path.abspath(value))
        else:
            includes.append(os.path.normpath(f"{folder}/{value}"))
    return tuple(includes), tuple(certificates)


def trail(path: str) -> list[str]:
    """The symbolic links on the way to where an absolute path leads, and the end of the way."""
    links: list[str] = []
    place, waiting = "/", path.split("/")[::-1]
    while waiting:
        step = os.path.normpath(os.path.join(place, waiting.pop()))
        if len(links) < MAX_LINKS and os.path.islink(step):
            links.append(step)
            target = os.readlink(step)
            place = "/" if target.startswith("/") else place
            waiting += target.split("/")[::-1]
        else:
            place = step
    return [*links, place]


def _changed(path: str) -> float:
    try:
        return os.lstat(path).st_ctime
    except OSError:
        return 0.0
