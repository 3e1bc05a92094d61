"""What real servers say at their monitoring port, for tests."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from typing import Any

from natsctl.model import names

PAGE = "/jsz?accounts=1&streams=1&consumers=1"


async def told(address: str, page: str) -> Any:
    """What a server says at its monitoring port."""

    def ask() -> Any:
        url = f"http://{address}:{names.MONITORING_PORT}{page}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return json.load(answer)

    return await asyncio.to_thread(ask)


async def held(address: str) -> dict[str, Any]:
    """The streams of a server, with the state of its own copy."""
    accounts = (await told(address, PAGE)).get("account_details") or ()
    streams = [it for account in accounts for it in account.get("stream_detail") or ()]
    return {it["name"]: it["state"] for it in streams}
