"""The spec of a NatsServiceRole."""

from attrs import frozen

from natsctl.api.fields import described
from natsctl.api.selectors import NamespaceSelector
from natsctl.api.texts import DURATION, NAMESPACE, SUBJECT
from natsctl.api.types.server_config import INT32_MAX

_SUBJECTS_MAX = 4096
_NAMESPACES_MAX = 1024


def _subjects(description: str) -> tuple[str, ...]:
    subjects: tuple[str, ...] = described(
        description, default=(), max_items=_SUBJECTS_MAX, text=SUBJECT
    )
    return subjects


@frozen
class Subjects:
    """Subjects to publish and to subscribe to."""

    publish: tuple[str, ...] = _subjects("Subjects of messages that are published.")
    subscribe: tuple[str, ...] = _subjects(
        'Subjects of subscriptions, or "subject queue" for a queue group.'
    )


@frozen
class AllowResponses:
    """Replies that a user may publish to the reply subjects of messages it received."""

    max_msgs: int | None = described(
        "The most replies to one message; 1 unless given, -1 is unlimited.",
        default=None,
        minimum=-1,
        maximum=INT32_MAX,
    )
    expires: str | None = described(
        'For how long a message may be replied to, as a Go duration such as "1m"; '
        "two minutes unless given.",
        default=None,
        text=DURATION,
    )


@frozen
class Permissions:
    """Subjects that a user may use; what is left out sets no limit, an empty list allows none."""

    publish: tuple[str, ...] = _subjects("Subjects the user may publish to.")
    subscribe: tuple[str, ...] = _subjects(
        'Subjects the user may subscribe to, or "subject queue" for a queue group.'
    )
    allow: Subjects | None = described(
        "Further subjects the user may use, the same as publish and subscribe.", default=None
    )
    deny: Subjects | None = described(
        "Subjects the user may not use, whatever else allows them.", default=None
    )
    allow_responses: AllowResponses | None = described(
        "Let the user reply to what it receives; it may then publish nothing else unless allowed.",
        default=None,
    )


@frozen
class NamespaceSelection:
    """Namespaces whose ServiceAccounts count, by name or by label; an empty one is none."""

    names: tuple[str, ...] = described(
        "Names of namespaces. The cluster's own counts only if it is named or selected.",
        default=(),
        max_items=_NAMESPACES_MAX,
        text=NAMESPACE,
    )
    selector: NamespaceSelector | None = described(
        "Selects namespaces by their labels, in addition to the named ones. An empty selector "
        "selects all of them. The operator must be allowed to read Namespaces; without that a "
        "selector selects none, and the status of the role says so.",
        default=None,
        open=True,
    )


@frozen
class NatsServiceRoleSpec:
    """What the ServiceAccount of the same name may do in the cluster of the label."""

    permissions: Permissions = described("What the user may do.", factory=Permissions)
    service_account_namespaces: NamespaceSelection | None = described(
        "Namespaces whose ServiceAccounts with the role's name can connect; all unless given.",
        default=None,
    )
