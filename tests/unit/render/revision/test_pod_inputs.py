"""What reaches a server or its pod is in the pod's revision, and nothing else is."""

import copy
import functools
import json
import operator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from natsctl.api.schema.spec_fields import spec_fields
from natsctl.model import names
from natsctl.render.objects.secret import config_secret
from natsctl.render.pod.pod import pod
from natsctl.render.revision.revision import revision
from tests.unit.render.every_field import Raw, every_field, without
from tests.unit.render.targets import target

STAMPED = json.loads(Path(__file__).with_name("revisions.json").read_text())
"""Specs of many kinds with their revisions, as an earlier natsctl wrote them into pods."""
REACHING = [p for p, f in spec_fields().items() if f.effect.reaches and not f.effect.entry]
ALL = every_field()
SPECS: list[Raw] = [
    ALL,
    without(ALL, "pod.advertiseExternalIP"),
    without(ALL, "pod.advertiseExternalIP", "serverTagsFromNode"),
    without(ALL, "pod.advertiseExternalIP", "operatorConfig", "gatewayConfig.name"),
    without(ALL, "operatorConfig", "auth.tlsVerifyAndMap", "gatewayConfig"),
    without(ALL, "auth.enableServiceAccounts", "auth.clientsAuthSecret"),
    without(ALL, "auth.enableServiceAccounts", "operatorConfig"),
    without(ALL, "auth.clientsAuthSecret", "tls.websocketSecret"),
]
"""Every field is set, but for some beside which others do not count."""
OF_OTHER_ENTRIES = {"size"}
"""What comes of it is in an entry that is made of more than the spec (plan/inputs/resolve.py)."""
RENDERED_NOWHERE = {"serverVersion"}
"""Tells which release an image has; what is made for one and the same release is the same."""
REQUIRED = {
    "jetstream.encryption.secret": "other",
    "jetstream.fileStore.growth.maxSize": "200Gi",
    "jetstream.memoryStore.maxSize": "2Gi",
}
"""What cannot be left out has another value instead."""


@pytest.mark.parametrize("stamped", STAMPED, ids=range(len(STAMPED)))
def test_pods_of_an_earlier_natsctl_are_up_to_date(stamped: dict[str, Any]) -> None:
    assert revision(target(**stamped["spec"])) == stamped["revision"]


@cache
def made(index: int, path: str = "") -> tuple[str, str, dict[str, str]]:
    """Pod, configuration and revision of one of the specs, with a field left out."""
    raw = changed(SPECS[index], path) if path else SPECS[index]
    cluster = target(**{"size": 3, **raw})
    manifest = copy.deepcopy(pod(cluster, 1))
    del manifest["metadata"]["annotations"][names.REVISION_ANNOTATION]
    config = json.dumps(config_secret(cluster)["data"])
    return json.dumps(manifest, sort_keys=True), config, revision(cluster)


def changed(raw: Raw, path: str) -> Raw:
    """A spec without this field, or with another value of it."""
    rest = without(raw, path)
    if path in REQUIRED:
        *blocks, last = path.split(".")
        functools.reduce(operator.getitem, blocks, rest)[last] = REQUIRED[path]
    return rest


def effects_of(path: str) -> list[tuple[bool, bool]]:
    """For each spec with this field: whether leaving it out is a change of the pod or its
    configuration, and whether the revision tells one."""
    found = []
    for index, raw in enumerate(SPECS):
        if has(raw, path):
            *before, old = made(index)
            *after, new = made(index, path)
            found.append((before != after, old != new))
    return found


def has(raw: Any, path: str) -> bool:
    for step in path.split("."):
        if step not in raw:
            return False
        raw = raw[step]
    return True


@pytest.mark.parametrize("path", sorted(set(spec_fields()) - OF_OTHER_ENTRIES))
def test_no_field_reaches_a_server_and_is_not_told(path: str) -> None:
    assert (True, False) not in effects_of(path)


@pytest.mark.parametrize("path", sorted(set(REACHING) - RENDERED_NOWHERE))
def test_no_field_is_told_that_never_reaches_a_server(path: str) -> None:
    assert (True, True) in effects_of(path)
