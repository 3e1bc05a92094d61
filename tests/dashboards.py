"""The panels of the chart's dashboards."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deploy.render import CHART

DASHBOARDS = sorted((CHART / "files" / "dashboards").glob("*.json"))
OF_STREAMS = "JetStream"
"""The row of what only clusters with JetStream have."""
Panel = dict[str, Any]


def panels(dashboard: Path) -> Iterator[tuple[str, Panel]]:
    """Every panel that asks for something, with the title of the collapsed row that it is in."""
    for panel in json.loads(dashboard.read_text())["panels"]:
        if panel["type"] != "row":
            yield "", panel
        yield from ((panel["title"], inner) for inner in panel.get("panels", ()))
