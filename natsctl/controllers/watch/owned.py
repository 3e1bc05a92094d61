"""Requests and stores for the kinds that clusters own, from their one list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from natsctl.kube.resources import Resource
from natsctl.render.objects.owned_objects import owned_kind

if TYPE_CHECKING:
    from natsctl.render.objects.owned_objects import OwnedKind


def resource_of(entry: OwnedKind) -> Resource:
    """Where the objects of a kind are."""
    return Resource(entry.kind, entry.api_version, entry.plural, entry.projection)


def owned_resource(kind: str) -> Resource:
    """The same by the name of the kind."""
    return resource_of(owned_kind(kind))
