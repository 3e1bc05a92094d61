"""All kinds that natsctl reads whole or writes, by name."""

from __future__ import annotations

from natsctl.controllers.watch.owned import resource_of
from natsctl.kube import resources
from natsctl.kube.resources import Resource
from natsctl.render.objects.owned_objects import owned_kinds

_OWN = (r for r in vars(resources).values() if isinstance(r, Resource) and not r.partial)
BY_KIND = {r.kind: r for r in (*_OWN, *map(resource_of, owned_kinds()))}
