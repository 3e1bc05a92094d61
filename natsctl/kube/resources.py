"""Where each kind lives in the API."""

from __future__ import annotations

import attrs

from natsctl.kube.paths import ApiPath, Subresource, path_of
from natsctl.model import names, objects


@attrs.frozen
class Resource:
    """A kind: its paths and the projection its objects are decoded into."""

    kind: str
    api_version: str
    plural: str
    projection: type[objects.Object]
    partial: bool = False  # only metadata is asked for

    def path(
        self,
        namespace: str | None = None,
        name: str | None = None,
        subresource: Subresource | None = None,
    ) -> ApiPath:
        """Path of the collection (of one namespace, or all), of one object or of a part of it.

        NoName if namespace or name can be none.
        """
        return path_of(self.api_version, self.plural, namespace, name, subresource)


CLUSTERS = Resource(names.KIND_CLUSTER, names.API_VERSION, "natsclusters", objects.Cluster)
PODS = Resource("Pod", "v1", "pods", objects.Pod)
SERVICES = Resource("Service", "v1", "services", objects.Service)
SECRETS = Resource("Secret", "v1", "secrets", objects.Secret)
ROLES = Resource(names.KIND_ROLE, names.API_VERSION, "natsserviceroles", objects.ServiceRole)
SECRETS_METADATA = Resource("Secret", "v1", "secrets", objects.Object, partial=True)
ACCOUNTS_METADATA = Resource(
    "ServiceAccount", "v1", "serviceaccounts", objects.Object, partial=True
)
NAMESPACES_METADATA = Resource("Namespace", "v1", "namespaces", objects.Namespace, partial=True)
EVENTS = Resource("Event", "v1", "events", objects.Object)
LEASES = Resource("Lease", "coordination.k8s.io/v1", "leases", objects.Object)
CRDS = Resource(
    "CustomResourceDefinition",
    "apiextensions.k8s.io/v1",
    "customresourcedefinitions",
    objects.Object,
)
