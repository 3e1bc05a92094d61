"""Writes what is made of other things: the chart's CRDs, and the manifests for `kubectl apply`.

`python -m deploy.render chart` writes into the chart what `natsctl crds` prints, and the rights to
the kinds that clusters own;
`python -m deploy.render manifests HELM` renders the chart, by this helm, into this folder.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from natsctl.api.schema.crds import crds, crds_yaml
from natsctl.render.objects.owned_objects import owned_kinds

ROOT = Path(__file__).resolve().parents[1]
CHART = ROOT / "charts" / "nats-operator"
HEADER = "# Rendered from charts/nats-operator by `make manifests`.\n"
OWNED = "# Made of OWNED_KINDS in natsctl/render/objects/owned_objects.py by `make chart`.\n"
VERBS = ["get", "list", "watch", "create", "patch"]
MODES = {
    "": ("default", ("natsServer.serviceAccount.create=true",)),
    "cluster-scoped/": ("nats-io", ("natsServer.serviceAccount.create=true", "clusterScoped=true")),
}
"""Folder -> namespace and values."""
KUBERNETES = "1.34"
"""Rendered for this version; a helm made without the usual flags takes itself for an old one."""
HELMS_OWN = ("helm.sh/chart", "helm.sh/resource-policy", "app.kubernetes.io/managed-by")
"""Labels and annotations that mean something to Helm only."""


def chart_crds() -> dict[str, str]:
    """Path from the root -> content, of the chart's CRDs."""
    texts = crds_yaml().split("---\n")
    names = [crd["spec"]["names"]["plural"] for crd in crds()]
    return {
        f"charts/nats-operator/files/{name}.yaml": text
        for name, text in zip(names, texts, strict=True)
    }


def chart_files() -> dict[str, str]:
    """Path from the root -> content, of all that is made for the chart."""
    rules = yaml.safe_dump(owned_rules(), sort_keys=False, default_flow_style=None, width=100)
    owned = {"charts/nats-operator/files/owned-kinds.yaml": OWNED + rules}
    return {**chart_crds(), **owned}


def owned_rules() -> list[dict[str, Any]]:
    """The rights to kinds that every cluster owns.

    Those to Secrets are in the chart itself, with the reasons that tokens add, and so are those to
    `late` kinds, which values of the chart withhold.
    """
    kinds = (entry for entry in owned_kinds() if not entry.late and not entry.is_config)
    return [
        {
            "apiGroups": [entry.api_version.rpartition("/")[0]],
            "resources": [entry.plural],
            "verbs": [*VERBS, *(["delete"] if entry.deleted else [])],
        }
        for entry in kinds
    ]


def manifests(helm: str) -> dict[str, str]:
    """Path from the root -> content, of the manifests: what comes first, and the Deployment."""
    found = {}
    for folder, (namespace, values) in MODES.items():
        objects = rendered(helm, namespace, *values)
        ours = [_without_helm(o) for o in objects if "helm.sh/hook" not in _annotations(o)]
        last = [o for o in ours if o["kind"] in ("Deployment", "PodDisruptionBudget", "Service")]
        first = [o for o in ours if o not in last]
        found[f"deploy/{folder}00-prereqs.yaml"] = _text(first)
        found[f"deploy/{folder}10-deployment.yaml"] = _text(last)
    return found


def rendered(helm: str, namespace: str, *values: str) -> list[dict[str, Any]]:
    """The objects of the chart as release nats-operator, with these values set."""
    sets = [part for value in values for part in ("--set", value)]
    command = [helm, "template", "nats-operator", str(CHART), "--namespace", namespace, *sets]
    command += ["--kube-version", KUBERNETES]
    printed = subprocess.run(command, capture_output=True, text=True, check=False)
    if printed.returncode:
        raise ValueError(printed.stderr)
    return [document for document in yaml.safe_load_all(printed.stdout) if document]


def _annotations(manifest: dict[str, Any]) -> dict[str, str]:
    return manifest["metadata"].get("annotations") or {}


def _without_helm(manifest: dict[str, Any]) -> dict[str, Any]:
    meta = dict(manifest["metadata"])
    for key in ("labels", "annotations"):
        kept = {k: v for k, v in (meta.pop(key, None) or {}).items() if k not in HELMS_OWN}
        if kept:
            meta[key] = kept
    return manifest | {"metadata": meta}


def _text(objects: list[dict[str, Any]]) -> str:
    documents = (yaml.safe_dump(o, sort_keys=False, width=100) for o in objects)
    return HEADER + "---\n".join(documents)


def main(what: str, *helm: str) -> None:
    """Write them."""
    for name, content in (chart_files() if what == "chart" else manifests(*helm)).items():
        (ROOT / name).write_text(content)


if __name__ == "__main__":
    main(*sys.argv[1:])
