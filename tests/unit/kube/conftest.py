"""The faulty API server, and a transport to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from natsctl.kube.transport import Transport, connect
from tests.unit.kube.faulty import Faulty, serving


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Faulty]:
    async with serving(tmp_path) as found:
        yield found


@pytest.fixture
async def transport(api: Faulty) -> AsyncIterator[Transport]:
    async with connect(str(api.kubeconfig)) as found:
        yield found
