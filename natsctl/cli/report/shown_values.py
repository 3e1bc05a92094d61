"""How a report shows values that may hold secrets: labels, annotations, variables, arguments."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from natsctl.cli.report.shapes import (
    ANY,
    MESSAGE,
    NAME,
    NUMBER,
    QUANTITY,
    TIME,
    WORD,
    Each,
    Eyes,
    Fields,
    Many,
    Shape,
    Special,
    fields,
    named,
    visible,
)
from natsctl.model import names
from natsctl.model.bound_tokens import EXPIRES, RENEW_AFTER, SWITCH_AT

SHOWN_LABELS = frozenset(
    {
        names.LABEL_APP,
        names.LABEL_CLUSTER,
        names.LABEL_CLUSTER_NAMESPACE,
        names.LABEL_VERSION,
        names.LABEL_K8S_NAME,
        names.LABEL_K8S_INSTANCE,
        names.LABEL_K8S_COMPONENT,
        names.LABEL_K8S_VERSION,
        names.LABEL_K8S_MANAGED_BY,
        "helm.sh/chart",
        "kubernetes.io/arch",
        "kubernetes.io/hostname",
        "kubernetes.io/metadata.name",
        "kubernetes.io/os",
        "pod-template-hash",
        "topology.kubernetes.io/region",
        "topology.kubernetes.io/zone",
    }
)
SHOWN_ANNOTATIONS = frozenset(
    {
        names.ANNOTATION_VERSION,
        names.OPERATOR_ANNOTATION,
        names.SCHEMA_REVISION_ANNOTATION,
        names.KUBELET_SYNCS_ANNOTATION,
        names.SERVER_NAME_ANNOTATION,
        names.CLUSTER_UID_ANNOTATION,
        "volume.kubernetes.io/selected-node",
        "volume.kubernetes.io/storage-provisioner",
        EXPIRES,
        RENEW_AFTER,
        SWITCH_AT,
    }
)
SHOWN_VARIABLES = frozenset(
    {names.SERVER_NAME_ENV, "GOMEMLIMIT", "GOMAXPROCS", "TZ", "NATSCTL_IMAGE", "MY_POD_NAMESPACE"}
)
SHOWN_FLAGS = frozenset(
    {
        "--cluster_advertise",
        "--feature-gates",
        "--listen-addr",
        "--log-format",
        "--log-level",
        "--namespace",
        "--sidecar-image",
        "--watch-namespaces",
    }
)
_DROPPED = frozenset({"kubectl.kubernetes.io/last-applied-configuration"})
_PLAIN_ARGUMENT = re.compile(
    r"/(?:etc|var|tmp|opt|usr|bin|data|nats-server)[\w./-]*|\d+|true|false", re.ASCII
)
_SIGNPOST = re.compile(r"(-{1,2}[\w-]+)(?:=(.*))?", re.DOTALL | re.ASCII)


def _labels(eyes: Eyes, labels: Any) -> Any:
    """Keys, values that natsctl or Kubernetes gives, and marks of all others."""
    if not isinstance(labels, Mapping):
        return eyes.stow(labels)
    return {named(str(k), eyes): _label(eyes, str(k), v) for k, v in labels.items()}


def _label(eyes: Eyes, key: str, value: Any) -> Any:
    return visible(NAME, value, eyes) if key in SHOWN_LABELS else eyes.mark(str(value))


def _requirements(eyes: Eyes, requirement: Any) -> Any:
    """What labels have to fulfil."""
    if not isinstance(requirement, Mapping):
        return eyes.stow(requirement)
    key = str(requirement.get("key"))
    values = Many(Special(lambda eyes, value: _label(eyes, key, value)))
    return visible(_REQUIREMENT | Fields({"values": values}), requirement, eyes)


def _annotations(eyes: Eyes, annotations: Any) -> Any:
    if not isinstance(annotations, Mapping):
        return eyes.stow(annotations)
    kept = ((str(k), str(v)) for k, v in annotations.items() if k not in _DROPPED)
    return {named(key, eyes): _annotation(eyes, key, value) for key, value in kept}


def _annotation(eyes: Eyes, key: str, value: str) -> Any:
    if key in SHOWN_ANNOTATIONS:
        return visible(NAME, value, eyes)
    if key == names.REVISION_ANNOTATION:
        return _revision(eyes, value)
    if key == names.REFUSED_ANNOTATION:
        digest, _, words = value.partition(" ")
        return f"{eyes.mark(digest)} {eyes.log(words)}"
    return eyes.mark(value)


def _revision(eyes: Eyes, value: str) -> str:
    """Which fields a revision has, with marks in the place of their hashes."""
    try:
        fields = json.loads(value)
    except (ValueError, RecursionError):
        return eyes.mark(value)
    if not isinstance(fields, dict):
        return eyes.mark(value)
    return json.dumps({named(str(k), eyes): eyes.mark(str(v)) for k, v in fields.items()})


def _variable(eyes: Eyes, variable: Any) -> Any:
    """Its name, and where its value is from; values only of a few."""
    if not isinstance(variable, Mapping):
        return eyes.hide(variable)
    shown = variable.get("name") in SHOWN_VARIABLES
    value = Special(lambda eyes, text: visible(ANY, text, eyes) if shown else eyes.hide(text))
    return visible(_VARIABLE | Fields({"value": value}), variable, eyes)


def _arguments(eyes: Eyes, arguments: Any) -> Any:
    """The program, flags, values of a few, and what is a path, a number or a boolean."""
    if not isinstance(arguments, list):
        return eyes.hide(arguments)
    words = [str(text) for text in arguments]
    return [
        eyes.text(word) if last in SHOWN_FLAGS else _argument(eyes, word, place)
        for place, (last, word) in enumerate(zip(["", *words], words, strict=False))
    ]


def _argument(eyes: Eyes, word: str, place: int) -> str:
    if _PLAIN_ARGUMENT.fullmatch(word) or (place == 0 and word.startswith("/")):
        return eyes.text(word)
    flag = _SIGNPOST.fullmatch(word)
    if flag is None:
        return eyes.hide(word)
    name, value = flag[1], flag[2]
    if value is None or name in SHOWN_FLAGS or _PLAIN_ARGUMENT.fullmatch(value):
        return eyes.text(word)
    return f"{eyes.text(name)}={eyes.hide(value)}"


def _drop(eyes: Eyes, value: Any) -> str:
    """Nothing of it: it repeats the object, or is a secret."""
    return eyes.hide(value)


LABELS, ANNOTATIONS = Special(_labels), Special(_annotations)
ARGUMENTS, REQUIREMENTS = Special(_arguments), Many(Special(_requirements))
ENVIRONMENT = Many(Special(_variable))
HIDDEN = Special(_drop)
NAMES = Many(NAME)
_REQUIREMENT = fields(NAME, "key operator")
SELECTOR = Fields({"matchLabels": LABELS, "matchExpressions": REQUIREMENTS})
META = (
    fields(NAME, "name generateName namespace uid resourceVersion")
    | fields(NUMBER, "generation deletionGracePeriodSeconds")
    | fields(TIME, "creationTimestamp deletionTimestamp")
    | Fields(
        {
            "labels": LABELS,
            "annotations": ANNOTATIONS,
            "finalizers": NAMES,
            "ownerReferences": Many(
                fields(NAME, "apiVersion kind name uid")
                | fields(NUMBER, "controller blockOwnerDeletion")
            ),
        }
    )
)
CONDITIONS = Many(
    fields(NAME, "type reason")
    | fields(WORD, "status")
    | fields(MESSAGE, "message")
    | fields(TIME, "lastTransitionTime lastProbeTime lastUpdateTime transitionTime")
    | fields(NUMBER, "observedGeneration")
)
_QUANTITIES = Each(QUANTITY)
RESOURCES = Fields({"limits": _QUANTITIES, "requests": _QUANTITIES})
REFERENCE = fields(NAME, "name key fieldPath apiVersion containerName resource divisor") | fields(
    NUMBER, "optional"
)
_VARIABLE = fields(NAME, "name") | Fields(
    {
        "valueFrom": Fields(
            dict.fromkeys(
                ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef"), REFERENCE
            )
        )
    }
)


def whole(**parts: Shape) -> Fields:
    """An object of the API server."""
    return fields(NAME, "apiVersion kind") | Fields({"metadata": META, **parts})
