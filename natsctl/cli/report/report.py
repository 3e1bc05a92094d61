"""`natsctl report`: what is known of clusters in one file, to be given to somebody who helps."""

from __future__ import annotations

import argparse
import asyncio
import io
import os
import secrets
import sys
import tarfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from natsctl import __version__
from natsctl.cli import kubeconfig
from natsctl.cli.failures import Unusable
from natsctl.cli.report.collector import Document, Evidence, Form
from natsctl.cli.report.redact import SHORTEST, Redactor, secrets_in, secrets_of
from natsctl.cli.report.shapes import Many
from natsctl.cli.status.reader import Reader
from natsctl.cli.written import json_text, yaml_text
from natsctl.model.foreign import plain, spelt

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from natsctl.cli.kubeconfig import Place
    from natsctl.model.objects import Cluster

DESCRIPTION = """\
Writes a .tar.gz with everything about a NatsCluster (or all in the namespace): its objects, events
and configuration, the answers and logs of its servers, and the log of the operator. The command
uses your own rights, and lists in the file what you may not read. Values of Secrets, passwords,
tokens, keys, values of environment variables and messages are masked; still, read the file before
you share it.

Exit status: 0 written, 2 not written, 130 interrupted.
"""
INTERRUPTED = 130
README = """\
A report of natsctl {version}, created at {time}.

Objects, configurations and answers show the fields that docs/commands.md lists. All other fields
are masked (***), including those that natsctl does not know. This masks values of Secrets,
passwords, tokens, nkeys, password hashes, credentials and paths in URLs, values of environment
variables, arguments, your own labels and annotations, and payloads in logs. A text of {shortest}
characters or more from one of these places is masked everywhere else too. What follows *** shows
which values in this report are equal, and reveals nothing else.

Not masked: names of objects, users, subjects, nodes and images, addresses, permissions.
Logs and messages may contain secrets that natsctl could not recognize: read them before you share.

status.txt       start here: the output of natsctl status for each cluster
unread.txt       what could not be read, and why
versions.json    versions of Kubernetes and of the CustomResourceDefinitions
NAMESPACE/NAME   a NatsCluster: its objects, configuration, answers and logs of its servers
operator         the installations of natsctl that manage these clusters
"""


def parser_of(prog: str) -> argparse.ArgumentParser:
    """The flags."""
    parser = argparse.ArgumentParser(
        prog=prog, description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    kubeconfig.add_arguments(parser)
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="a new file, or - (default: natsctl-report-TIME.tar.gz)",
    )
    parser.add_argument(
        "--lines",
        type=int,
        default=1000,
        metavar="N",
        help="number of lines from the end of each log (default: %(default)s)",
    )
    return parser


def run(argv: Sequence[str], prog: str) -> int:
    """Write a report; the exit status."""
    arguments = kubeconfig.parsed(parser_of(prog), argv)
    now = datetime.now(UTC)
    output = arguments.output or f"natsctl-report-{now:%Y%m%dT%H%M%SZ}.tar.gz"
    try:
        place = kubeconfig.place_of(arguments, os.environ)
        evidence = asyncio.run(_collect(place, arguments.cluster, arguments.lines, now))
        files = files_of(evidence.documents, evidence.unread, now)
        _write(output, archive(files, now))
    except (Unusable, ValueError, OSError) as error:
        print(f"error: {plain(str(error))}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return INTERRUPTED
    _print_summary(output, files, evidence.unread)
    return 0


async def _collect(place: Place, name: str | None, lines: int, now: datetime) -> Evidence:
    async with place.connect() as transport:
        reader = Reader(transport)
        if name is not None and place.namespace is not None:
            cluster = await reader.cluster(place.namespace, name)
            clusters: tuple[Cluster, ...] = (cluster,)
        else:
            clusters = await reader.clusters(place.namespace)
        evidence = Evidence(reader, now, lines)
        await evidence.all_of(clusters)
    return evidence


def files_of(documents: Sequence[Document], unread: Iterable[str], now: datetime) -> dict[str, str]:
    """What is written, by path, with everything secret masked."""
    redactor = Redactor(secrets.token_bytes(32), _known(documents))
    files = {d.path: _masked(d, redactor) for d in documents}
    pages = (files[path] for path in sorted(files) if path.endswith("/status.txt"))
    about = README.format(version=__version__, time=f"{now:%Y-%m-%dT%H:%M:%SZ}", shortest=SHORTEST)
    unread_lines = "".join(f"{plain(redactor.log(line))}\n" for line in sorted(set(unread)))
    return {
        "README.txt": about,
        "status.txt": "\n".join(pages),
        "unread.txt": unread_lines,
        **files,
    }


def _known(documents: Sequence[Document]) -> frozenset[str]:
    """All texts that are secret, wherever they turn up."""
    return frozenset(text for d in documents for text in _secrets_of(d))


def _secrets_of(document: Document) -> Iterator[str]:
    if document.form is Form.SECRETS:
        for secret in document.content:
            yield from secrets_of(secret)
    elif document.form is Form.OBJECTS:
        yield from secrets_in(Many(document.shape), document.content)
    elif document.form is Form.ANSWER:
        yield from secrets_in(document.shape, document.content)


def _masked(document: Document, redactor: Redactor) -> str:
    content = document.content
    if document.form is Form.OBJECTS:
        return yaml_text(*(redactor.shown(document.shape, item) for item in content))
    if document.form is Form.SECRETS:
        return yaml_text(*(redactor.secret(item) for item in content))
    if document.form is Form.ANSWER:
        return json_text(redactor.shown(document.shape, content), 2)
    return spelt(redactor.log(content))


def archive(files: Mapping[str, str], now: datetime) -> bytes:
    """The files in one folder, compressed."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w:gz") as tar:
        for path, text in files.items():
            data = text.encode()
            member = tarfile.TarInfo(f"natsctl-report/{path}")
            member.size, member.mtime = len(data), int(now.timestamp())
            tar.addfile(member, io.BytesIO(data))
    return written.getvalue()


def _write(output: str, data: bytes) -> None:
    """To standard output, or to a new file that nobody else can read."""
    if output == "-":
        sys.stdout.buffer.write(data)
        return
    with open(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)


def _print_summary(output: str, files: Mapping[str, str], unread: Sequence[str]) -> None:
    where = "standard output" if output == "-" else Path(output).absolute()
    print(f"{where}: {len(files)} files; read them before you share it", file=sys.stderr)
    if unread:
        print(f"{len(set(unread))} things could not be read: see unread.txt in it", file=sys.stderr)
