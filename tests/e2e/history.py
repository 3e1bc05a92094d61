"""What happened to the pods of a cluster, or its other objects, in order, as a watch told it."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from typing import Any, Self

import attrs

Json = dict[str, Any]


@attrs.frozen
class Sight:
    """One watch event."""

    type: str
    name: str
    uid: str
    leaving: bool
    ready: bool
    labels: dict[str, str]


@attrs.define
class History:
    """Watches from the moment the context is entered."""

    command: list[str]
    sights: list[Sight] = attrs.field(factory=list)
    _process: Any = None
    _thread: Any = None
    _first: threading.Event = attrs.field(factory=threading.Event)

    def __enter__(self) -> Self:
        """Start watching; returns when the pods that exist were seen."""
        flags = ["--watch", "--output-watch-events", "-o", "json"]
        self._process = subprocess.Popen([*self.command, *flags], stdout=subprocess.PIPE)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        assert self._first.wait(20), "the watch of pods says nothing"
        return self

    def __exit__(self, *_: object) -> None:
        """Stop watching."""
        self._process.terminate()
        self._process.wait()
        self._thread.join()
        self._process.stdout.close()

    def _read(self) -> None:
        decoder, text = json.JSONDecoder(), ""
        while chunk := self._process.stdout.read1(1 << 16):
            text = (text + chunk.decode()).lstrip()
            while text:
                try:
                    event, end = decoder.raw_decode(text)
                except ValueError:
                    break
                text = text[end:].lstrip()
                self.sights.append(_sight(event))
                self._first.set()

    def removed(self) -> list[str]:
        """Names of pods in the order in which they were asked to go, each once per uid."""
        seen: dict[str, str] = {}
        for sight in self.sights:
            if sight.leaving or sight.type == "DELETED":
                seen.setdefault(sight.uid, sight.name)
        return list(seen.values())

    def values(self, label: str) -> dict[str, list[str]]:
        """By object, the values that a label had one after the other; empty where it was not."""
        found: dict[str, list[str]] = {}
        for sight in self.sights:
            values = found.setdefault(sight.name, [])
            value = sight.labels.get(label, "")
            if values[-1:] != [value]:
                values.append(value)
        return found

    def created(self) -> list[str]:
        """Names of pods in the order in which they were first seen, each once per uid."""
        return list({sight.uid: sight.name for sight in self.sights}.values())

    def fewest_serving(self, size: int) -> int:
        """The fewest pods that were ready at once, from when `size` of them were first."""
        return min(self._serving(size), default=size)

    def _serving(self, size: int) -> Iterator[int]:
        serving: dict[str, bool] = {}
        complete = False
        for sight in self.sights:
            serving[sight.uid] = sight.ready and not sight.leaving and sight.type != "DELETED"
            complete = complete or sum(serving.values()) == size
            if complete:
                yield sum(serving.values())


def _sight(event: Json) -> Sight:
    meta = event["object"]["metadata"]
    conditions = event["object"].get("status", {}).get("conditions") or []
    return Sight(
        type=event["type"],
        name=meta["name"],
        uid=meta["uid"],
        leaving="deletionTimestamp" in meta,
        ready=any(c["type"] == "Ready" and c["status"] == "True" for c in conditions),
        labels=meta.get("labels") or {},
    )
