"""Writes natsctl/api/schema/pod_fields.py from the models of Kubernetes that are installed.

The operator has the names of the fields only, a few kilobytes; the models themselves would cost
it some 30 MiB. `python -m deploy.pod_fields print` prints the module instead.
"""

import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TARGET = Path(__file__).resolve().parents[1] / "natsctl/api/schema/pod_fields.py"
ROOT = "V1PodTemplateSpec"
HEAD = '''"""The fields of pods and what is in them, as natsctl's client of Kubernetes has them.

Made by `make pod-fields`: each kind with its fields, and after a colon the kind of what is in one.
"""

from collections.abc import Mapping
from functools import cache
from typing import Final

_TABLE: Final = """
{table}
"""


def fields_of_kind(kind: str) -> Mapping[str, str]:
    """Fields of a Kubernetes kind, each with the kind of what it holds; empty: nothing known."""
    return _kinds()[kind]


@cache
def _kinds() -> dict[str, dict[str, str]]:
    lines = _TABLE.replace("\\n  ", " ").strip().splitlines()
    kinds = (line.partition(":: ") for line in lines)
    return {kind: dict(map(_field, fields.split())) for kind, _, fields in kinds}


def _field(text: str) -> tuple[str, str]:
    name, _, kind = text.partition(":")
    return name, kind
'''


def text() -> str:
    """The whole module."""
    import kubernetes_asyncio.client.models as models

    kinds = dict(_kinds(models, ROOT, set()))
    return HEAD.replace("{table}", "\n".join(_line(k, kinds[k]) for k in sorted(kinds)))


def _kinds(models: Any, name: str, seen: set[str]) -> Iterator[tuple[str, dict[str, str]]]:
    model = getattr(models, name, None)
    if model is None or name in seen:
        return
    seen.add(name)
    inner = {model.attribute_map[a]: _item(kind) for a, kind in model.openapi_types.items()}
    yield _short(name), {f: _short(k) if hasattr(models, k) else "" for f, k in inner.items()}
    for kind in inner.values():
        yield from _kinds(models, kind, seen)


def _item(kind: str) -> str:
    """The kind of the items of a list, else the kind itself."""
    return re.sub(r"^list\[(.*)\]$", r"\1", kind)


def _short(name: str) -> str:
    return re.sub("^(Core)?V1", "", name)


def _line(kind: str, fields: dict[str, str]) -> str:
    told = (f"{name}:{inner}" if inner else name for name, inner in sorted(fields.items()))
    whole = f"{kind}:: {' '.join(told)}"
    return "\n  ".join(textwrap.wrap(whole, 98, break_long_words=False, break_on_hyphens=False))


if __name__ == "__main__":
    if sys.argv[1:] == ["print"]:
        sys.stdout.write(text())
    else:
        TARGET.write_text(text())
