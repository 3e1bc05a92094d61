"""What a report shows of pods and their templates; everything else in them is masked."""

from __future__ import annotations

from natsctl.cli.report.shapes import (
    MESSAGE,
    NAME,
    NUMBER,
    PORT,
    QUANTITY,
    TIME,
    WORD,
    Fields,
    Many,
    Special,
    fields,
)
from natsctl.cli.report.shown_values import (
    ARGUMENTS,
    CONDITIONS,
    ENVIRONMENT,
    LABELS,
    NAMES,
    REFERENCE,
    REQUIREMENTS,
    RESOURCES,
    SELECTOR,
    whole,
)

MOUNTS = Many(
    fields(NAME, "name mountPath subPath mountPropagation recursiveReadOnly")
    | fields(NUMBER, "readOnly")
)
TOLERATIONS = Many(
    fields(NAME, "key")
    | fields(WORD, "operator effect")
    | Fields(
        {"value": Special(lambda eyes, value: eyes.mark(str(value))), "tolerationSeconds": NUMBER}
    )
)


_ACTION = Fields(
    {
        "exec": Fields({"command": ARGUMENTS}),
        "httpGet": fields(NAME, "path host scheme")
        | Fields({"port": PORT, "httpHeaders": ENVIRONMENT}),
        "tcpSocket": Fields({"host": NAME, "port": PORT}),
        "grpc": Fields({"port": PORT, "service": NAME}),
        "sleep": Fields({"seconds": NUMBER}),
    }
)
_PROBE = _ACTION | fields(
    NUMBER,
    "initialDelaySeconds timeoutSeconds periodSeconds successThreshold failureThreshold "
    "terminationGracePeriodSeconds",
)
_SECCOMP = fields(NAME, "type localhostProfile")
_RIGHTS = (
    fields(
        NUMBER,
        "runAsUser runAsGroup runAsNonRoot fsGroup privileged allowPrivilegeEscalation "
        "readOnlyRootFilesystem",
    )
    | fields(NAME, "fsGroupChangePolicy procMount supplementalGroupsPolicy")
    | Fields(
        {
            "supplementalGroups": Many(NUMBER),
            "capabilities": Fields({"add": NAMES, "drop": NAMES}),
            "seccompProfile": _SECCOMP,
            "appArmorProfile": _SECCOMP,
            "seLinuxOptions": fields(NAME, "level role type user"),
            "sysctls": Many(Fields({"name": NAME, "value": NAME})),
        }
    )
)
CONTAINER = (
    fields(
        NAME,
        "name image imagePullPolicy workingDir terminationMessagePath terminationMessagePolicy "
        "restartPolicy",
    )
    | fields(NUMBER, "stdin stdinOnce tty")
    | Fields(
        {
            "env": ENVIRONMENT,
            "envFrom": Many(
                Fields({"prefix": NAME, "configMapRef": REFERENCE, "secretRef": REFERENCE})
            ),
            "command": ARGUMENTS,
            "args": ARGUMENTS,
            "ports": Many(
                fields(NAME, "name protocol hostIP") | fields(NUMBER, "containerPort hostPort")
            ),
            "resources": RESOURCES,
            "volumeMounts": MOUNTS,
            "livenessProbe": _PROBE,
            "readinessProbe": _PROBE,
            "startupProbe": _PROBE,
            "lifecycle": Fields({"postStart": _ACTION, "preStop": _ACTION}),
            "securityContext": _RIGHTS,
        }
    )
)
_ITEMS = Many(
    fields(NAME, "key path")
    | fields(NUMBER, "mode")
    | Fields({"fieldRef": REFERENCE, "resourceFieldRef": REFERENCE})
)
_SOURCE = (
    fields(NAME, "secretName name claimName path type medium audience")
    | fields(QUANTITY, "sizeLimit")
    | fields(NUMBER, "defaultMode optional readOnly expirationSeconds")
    | Fields({"items": _ITEMS})
)
_SOURCES = {
    key: _SOURCE
    for key in (
        "secret",
        "configMap",
        "emptyDir",
        "hostPath",
        "persistentVolumeClaim",
        "downwardAPI",
        "serviceAccountToken",
    )
}
_VOLUMES = Many(
    Fields(
        {
            "name": NAME,
            **_SOURCES,
            "projected": Fields({"defaultMode": NUMBER, "sources": Many(Fields(_SOURCES))}),
        }
    )
)
_NODES = Fields({"matchExpressions": REQUIREMENTS, "matchFields": REQUIREMENTS})
_NEAR = Fields(
    {
        "labelSelector": SELECTOR,
        "namespaceSelector": SELECTOR,
        "namespaces": NAMES,
        "topologyKey": NAME,
        "matchLabelKeys": NAMES,
        "mismatchLabelKeys": NAMES,
    }
)
_PODS = Fields(
    {
        "requiredDuringSchedulingIgnoredDuringExecution": Many(_NEAR),
        "preferredDuringSchedulingIgnoredDuringExecution": Many(
            Fields({"weight": NUMBER, "podAffinityTerm": _NEAR})
        ),
    }
)
_AFFINITY = Fields(
    {
        "podAffinity": _PODS,
        "podAntiAffinity": _PODS,
        "nodeAffinity": Fields(
            {
                "requiredDuringSchedulingIgnoredDuringExecution": Fields(
                    {"nodeSelectorTerms": Many(_NODES)}
                ),
                "preferredDuringSchedulingIgnoredDuringExecution": Many(
                    Fields({"weight": NUMBER, "preference": _NODES})
                ),
            }
        ),
    }
)
POD_SPEC = (
    fields(
        NAME,
        "dnsPolicy hostname nodeName preemptionPolicy priorityClassName restartPolicy "
        "runtimeClassName schedulerName serviceAccount serviceAccountName subdomain",
    )
    | fields(
        NUMBER,
        "activeDeadlineSeconds automountServiceAccountToken enableServiceLinks hostIPC "
        "hostNetwork hostPID hostUsers priority setHostnameAsFQDN shareProcessNamespace "
        "terminationGracePeriodSeconds",
    )
    | Fields(
        {
            "affinity": _AFFINITY,
            "containers": Many(CONTAINER),
            "initContainers": Many(CONTAINER),
            "dnsConfig": Fields({"nameservers": NAMES, "searches": NAMES}),
            "hostAliases": Many(Fields({"ip": NAME, "hostnames": NAMES})),
            "imagePullSecrets": Many(Fields({"name": NAME})),
            "nodeSelector": LABELS,
            "os": Fields({"name": NAME}),
            "readinessGates": Many(Fields({"conditionType": NAME})),
            "securityContext": _RIGHTS,
            "tolerations": TOLERATIONS,
            "topologySpreadConstraints": Many(
                fields(NUMBER, "maxSkew minDomains")
                | fields(NAME, "topologyKey whenUnsatisfiable nodeAffinityPolicy nodeTaintsPolicy")
                | Fields({"labelSelector": SELECTOR, "matchLabelKeys": NAMES})
            ),
            "volumes": _VOLUMES,
        }
    )
)
_STATE = Fields(
    {
        "waiting": Fields({"reason": NAME, "message": MESSAGE}),
        "running": Fields({"startedAt": TIME}),
        "terminated": fields(NUMBER, "exitCode signal")
        | fields(TIME, "startedAt finishedAt")
        | Fields({"reason": NAME, "message": MESSAGE, "containerID": NAME}),
    }
)
_CONTAINER_STATUSES = Many(
    fields(NAME, "name image imageID containerID")
    | fields(NUMBER, "ready started restartCount")
    | Fields({"state": _STATE, "lastState": _STATE, "resources": RESOURCES})
)
POD = whole(
    spec=POD_SPEC,
    status=fields(NAME, "phase reason podIP hostIP qosClass nominatedNodeName resize")
    | fields(TIME, "startTime")
    | fields(NUMBER, "observedGeneration")
    | Fields(
        {
            "message": MESSAGE,
            "conditions": CONDITIONS,
            "podIPs": Many(Fields({"ip": NAME})),
            "hostIPs": Many(Fields({"ip": NAME})),
            "containerStatuses": _CONTAINER_STATUSES,
            "initContainerStatuses": _CONTAINER_STATUSES,
        }
    ),
)
