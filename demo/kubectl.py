"""kubectl, as a user would run it."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import attrs

from demo.teller import DemoFailed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

Json = dict[str, Any]
CHUNK = 1 << 16


@attrs.frozen
class Kubectl:
    """kubectl for one namespace of one cluster: `options` say which."""

    options: tuple[str, ...]
    namespace: str

    async def run(self, *arguments: str, stdin: str | None = None) -> str:
        """Run to its end; what it printed. Raises DemoFailed with its message."""
        return await output(self._command(arguments), stdin=stdin)

    async def monitoring(self, pod: str, path: str) -> Json:
        """What a server answers on its monitoring port, asked through the API server."""
        where = f"/api/v1/namespaces/{self.namespace}/pods/{pod}:8222/proxy/{path}"
        answer: Json = json.loads(await self.run("get", "--raw", where))
        return answer

    async def watch(self, kind: str, selector: str = "") -> AsyncIterator[Json]:
        """Watch events: {"type": ..., "object": ...}; first one per object there is."""
        selecting = ["-l", selector] if selector else []
        arguments = ["get", kind, *selecting, "--watch", "--output-watch-events", "-o", "json"]
        process = await asyncio.create_subprocess_exec(
            *self._command(arguments), stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout is not None
        try:
            text = ""
            while chunk := await process.stdout.read(CHUNK):
                events, text = documents(text + chunk.decode())
                for event in events:
                    yield event
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()

    def _command(self, arguments: tuple[str, ...] | list[str]) -> list[str]:
        return ["kubectl", *self.options, "--namespace", self.namespace, *arguments]


async def output(command: list[str], *, stdin: str | None = None, cwd: Path | None = None) -> str:
    """Run a command to its end; what it printed. Raises DemoFailed with its message."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL if stdin is None else asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=cwd,
    )
    out, err = await process.communicate(None if stdin is None else stdin.encode())
    if process.returncode:
        raise DemoFailed(f"{' '.join(command)}: {err.decode().strip()}")
    return out.decode()


def documents(text: str) -> tuple[list[Json], str]:
    """The whole JSON documents at the beginning of a text, and what is left of it."""
    decoder, found = json.JSONDecoder(), []
    text = text.lstrip()
    while text:
        try:
            document, end = decoder.raw_decode(text)
        except ValueError:
            break
        found.append(document)
        text = text[end:].lstrip()
    return found, text
