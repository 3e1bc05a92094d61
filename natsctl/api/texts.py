"""What the texts of a spec stand for: each text field of the API is declared as one of these.

Those with a pattern become parts of requests to the API server, or names of files; the pattern is
in the schema and is checked again whenever a spec is read.
"""

from typing import Any, Final

from natsctl.api.fields import Text, described
from natsctl.api.version import VERSION_MAX_LENGTH
from natsctl.model.names import (
    LABEL_KEY_MAX,
    LABEL_MAX,
    LABEL_PATTERN,
    LABEL_WORD,
    NAME_PATTERN,
    OBJECT_MAX,
    OBJECT_PATTERN,
)

NAME_MAX: Final = 253
PATH_MAX: Final = 4096

_NAME_HELP: Final = "use lowercase letters, digits, hyphens and dots"
_KEY: Final = r"\.?[-_a-zA-Z0-9][-._a-zA-Z0-9]{0,251}"
_ELSEWHERE: Final = r'/[^"\\\x00-\x1f\x7f-\x9f]+'

CLUSTER: Final = Text(
    "a valid cluster name",
    "use the name of a NatsCluster in the same namespace",
    NAME_PATTERN.strip("^$"),
    OBJECT_MAX,
)
NAMESPACE: Final = Text(
    "a valid namespace name",
    f"use at most {LABEL_MAX} lowercase letters, digits and hyphens",
    LABEL_PATTERN,
    LABEL_MAX,
)
FILE: Final = Text(
    "a valid file name",
    "use a key of the Secret (letters, digits, hyphens, underscores and dots), "
    "or an absolute path in the container",
    rf"{_KEY}|{_ELSEWHERE}",
    PATH_MAX,
)
PATH: Final = Text("a path in the container", max_length=PATH_MAX)
URL: Final = Text("a URL", max_length=PATH_MAX)
VERSION_TAG: Final = Text("the tag of an image", max_length=VERSION_MAX_LENGTH)
RELEASE: Final = Text("a release of nats-server", max_length=64)
DURATION: Final = Text("a duration", max_length=64)
IMAGE: Final = Text("an image", max_length=1024)
IMAGE_PART: Final = Text("an image, or its tag", max_length=NAME_MAX)
SERVER_SIDE: Final = Text("a name that servers know each other by", max_length=NAME_MAX)
ALGORITHM: Final = Text("a cipher suite or a curve", max_length=NAME_MAX)
NKEY: Final = Text("a public nkey", max_length=NAME_MAX)
RESOLVER: Final = Text("a resolver of account JWTs", max_length=PATH_MAX)
JWT: Final = Text("a JWT")
SUBJECT: Final = Text("a subject", max_length=4096)
LABEL_KEY: Final = Text(
    "a valid key of a label",
    "use name or example.com/name",
    rf"({OBJECT_PATTERN}/)?{LABEL_WORD}",
    LABEL_KEY_MAX,
)
LABEL_VALUE: Final = Text(
    "a valid value of a label",
    f"use at most {LABEL_MAX} letters, digits, hyphens, underscores and dots, "
    "with a letter or digit at both ends",
    LABEL_WORD,
    LABEL_MAX,
)
LABELS: Final = Text("keys and values of labels or annotations")
QUANTITY: Final = Text(
    "a valid quantity of bytes",
    'use a number and a unit, such as "10Gi"',
    r"[0-9]+(\.[0-9]+)?([KMGTPE]i|[kMGTPE]|[eE][0-9]{1,2})?",
    64,
)
DOMAIN: Final = Text(
    "a valid JetStream domain",
    "use letters, digits, hyphens and underscores",
    "[-_A-Za-z0-9]+",
    LABEL_MAX,
)
TAG: Final = Text(
    "a valid tag of a server",
    'use letters, digits, hyphens, underscores, dots and colons, as in "zone:a"',
    "!?[A-Za-z0-9][-A-Za-z0-9_.:]*",
    2 * LABEL_MAX,
)
SECRET_KEY: Final = Text(
    "a valid key of a Secret",
    "use letters, digits, hyphens, underscores and dots",
    _KEY,
    OBJECT_MAX,
)
RANGE: Final = Text("a range of addresses", max_length=NAME_MAX)
WORDS: Final = Text("a text that is passed on as it is")


def object_name(kind: str, description: str, **facts: Any) -> Any:
    """A field that names an object of Kubernetes; unset unless required."""
    text = Text(f"a valid {kind} name", _NAME_HELP, OBJECT_PATTERN, OBJECT_MAX)
    return described(description, text=text, **({"default": None} | facts))


def object_names(kind: str, description: str, **facts: Any) -> Any:
    """A field that names several."""
    return object_name(kind, description, **({"default": ()} | facts))


def file_name(description: str, **facts: Any) -> Any:
    """A field that names a key of a Secret, which is a file in the container, or another file."""
    return described(description, text=FILE, **facts)
