"""Is the installed CRD new enough for this version of natsctl?

The operator never writes a CRD: two versions of it would fight.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from natsctl.api.schema.revision import SCHEMA_REVISION
from natsctl.kube.errors import NotFound, Terminal
from natsctl.kube.resources import CRDS
from natsctl.model import names
from natsctl.model.foreign import named
from natsctl.model.limits import natural

if TYPE_CHECKING:
    from natsctl.kube.client import Client

log = logging.getLogger(__name__)

HOW = "run: natsctl crds | kubectl apply --server-side -f -"


class SchemaTooOld(Exception):
    """The CRD is missing or older than this version needs; the message says what to do."""


async def check_schema(client: Client) -> None:
    """Raise SchemaTooOld unless both CRDs are there and new enough.

    Without the right to read CRDs (a namespaced installation) nothing can be said: the API
    server's answers will tell.
    """
    for plural in (names.PLURAL_CLUSTERS, names.PLURAL_ROLES):
        await _check(client, f"{plural}.{names.GROUP}")


async def _check(client: Client, name: str) -> None:
    try:
        crd = await client.get(CRDS, None, name)
    except NotFound:
        raise SchemaTooOld(f"CustomResourceDefinition {name} is not installed; {HOW}") from None
    except Terminal as error:
        log.info("cannot check the installed CRD: %s", error)
        return
    text = crd.metadata.annotation(names.SCHEMA_REVISION_ANNOTATION) or ""
    if (natural(text) or 0) < SCHEMA_REVISION:
        raise SchemaTooOld(
            f"CustomResourceDefinition {name} has schema revision {named(text or 'none')}, but "
            f"{SCHEMA_REVISION} is required; {HOW}"
        )
