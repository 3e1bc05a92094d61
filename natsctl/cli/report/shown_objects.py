"""What a report shows of other objects of Kubernetes; everything else in them is masked."""

from __future__ import annotations

from natsctl.cli.report.shapes import (
    MESSAGE,
    NAME,
    NUMBER,
    PORT,
    QUANTITY,
    TIME,
    WORD,
    Each,
    Fields,
    Many,
    fields,
    form,
)
from natsctl.cli.report.shown_pods import POD_SPEC
from natsctl.cli.report.shown_values import (
    CONDITIONS,
    LABELS,
    META,
    NAMES,
    RESOURCES,
    SELECTOR,
    whole,
)

SERVICE = whole(
    spec=fields(
        NAME,
        "clusterIP type sessionAffinity ipFamilyPolicy internalTrafficPolicy "
        "externalTrafficPolicy externalName loadBalancerIP loadBalancerClass trafficDistribution",
    )
    | fields(
        NUMBER,
        "publishNotReadyAddresses allocateLoadBalancerNodePorts healthCheckNodePort",
    )
    | Fields(
        {
            "clusterIPs": NAMES,
            "externalIPs": NAMES,
            "ipFamilies": NAMES,
            "loadBalancerSourceRanges": NAMES,
            "ports": Many(
                fields(NAME, "name protocol appProtocol")
                | fields(NUMBER, "port nodePort")
                | Fields({"targetPort": PORT})
            ),
            "selector": LABELS,
        }
    ),
    status=Fields(
        {
            "conditions": CONDITIONS,
            "loadBalancer": Fields({"ingress": Many(fields(NAME, "ip hostname ipMode"))}),
        }
    ),
)
_ABOUT = fields(NAME, "apiVersion kind name namespace uid resourceVersion") | fields(
    form(r"[\w.{}\[\]-]+"), "fieldPath"
)
EVENT = whole(
    **{
        **fields(NAME, "reason action reportingComponent reportingInstance type").known,
        **fields(TIME, "eventTime firstTimestamp lastTimestamp").known,
        "message": MESSAGE,
        "count": NUMBER,
        "involvedObject": _ABOUT,
        "related": _ABOUT,
        "series": Fields({"count": NUMBER, "lastObservedTime": TIME}),
        "source": fields(NAME, "component host"),
    }
)
LEASE = whole(
    spec=fields(NAME, "holderIdentity preferredHolder strategy")
    | fields(TIME, "acquireTime renewTime")
    | fields(NUMBER, "leaseDurationSeconds leaseTransitions")
)
DEPLOYMENT = whole(
    spec=fields(
        NUMBER, "minReadySeconds paused progressDeadlineSeconds replicas revisionHistoryLimit"
    )
    | Fields(
        {
            "selector": SELECTOR,
            "strategy": Fields(
                {
                    "type": WORD,
                    "rollingUpdate": fields(PORT, "maxSurge maxUnavailable"),
                }
            ),
            "template": Fields({"metadata": META, "spec": POD_SPEC}),
        }
    ),
    status=fields(
        NUMBER,
        "availableReplicas collisionCount observedGeneration readyReplicas replicas "
        "terminatingReplicas unavailableReplicas updatedReplicas",
    )
    | Fields({"conditions": CONDITIONS}),
)
CLAIM_SPEC = fields(
    NAME, "storageClassName volumeAttributesClassName volumeMode volumeName"
) | Fields(
    {
        "accessModes": NAMES,
        "dataSource": fields(NAME, "apiGroup kind name"),
        "dataSourceRef": fields(NAME, "apiGroup kind name namespace"),
        "resources": RESOURCES,
        "selector": SELECTOR,
    }
)
CLAIM = whole(
    spec=CLAIM_SPEC,
    status=fields(NAME, "phase currentVolumeAttributesClassName")
    | Fields(
        {
            "accessModes": NAMES,
            "allocatedResourceStatuses": Each(WORD),
            "allocatedResources": Each(QUANTITY),
            "capacity": Each(QUANTITY),
            "conditions": CONDITIONS,
            "modifyVolumeStatus": fields(NAME, "status targetVolumeAttributesClassName"),
        }
    ),
)
CLAIM_TEMPLATE = Fields({"metadata": META, "spec": CLAIM_SPEC})
BUDGET = whole(
    spec=fields(PORT, "maxUnavailable minAvailable")
    | fields(WORD, "unhealthyPodEvictionPolicy")
    | Fields({"selector": SELECTOR}),
    status=fields(
        NUMBER,
        "currentHealthy desiredHealthy disruptionsAllowed expectedPods observedGeneration",
    )
    | Fields({"conditions": CONDITIONS, "disruptedPods": Each(TIME)}),
)
SECRET = whole(type=NAME, immutable=NUMBER)
