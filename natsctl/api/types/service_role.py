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

    publish: tuple[str, ...] = _subjects("Subjects to publish to.")
    subscribe: tuple[str, ...] = _subjects(
        'Subjects to subscribe to, or "subject queue" for a queue group.'
    )


@frozen
class AllowResponses:
    """Replies that a user may publish to the reply subjects of messages it received."""

    max_msgs: int | None = described(
        "Maximum number of replies to one message. Defaults to 1; -1 is unlimited.",
        default=None,
        minimum=-1,
        maximum=INT32_MAX,
    )
    expires: str | None = described(
        'Time during which the user may reply to a message, as a Go duration such as "1m". '
        "Defaults to two minutes.",
        default=None,
        text=DURATION,
    )


@frozen
class Permissions:
    """Subjects that a user may use; what is left out sets no limit, an empty list allows none."""

    publish: tuple[str, ...] = _subjects("Subjects that the user may publish to.")
    subscribe: tuple[str, ...] = _subjects(
        'Subjects that the user may subscribe to, or "subject queue" for a queue group.'
    )
    allow: Subjects | None = described(
        "Additional subjects that the user may use; the same as publish and subscribe.",
        default=None,
    )
    deny: Subjects | None = described(
        "Subjects that the user may not use, even if another rule allows them.", default=None
    )
    allow_responses: AllowResponses | None = described(
        "Let the user reply to messages that it receives. It may then publish nothing else, unless "
        "publish or allow permits it.",
        default=None,
    )


@frozen
class NamespaceSelection:
    """Namespaces whose ServiceAccounts count, by name or by label; an empty one is none."""

    names: tuple[str, ...] = described(
        "Names of namespaces. The namespace of the cluster counts only if it is named or selected.",
        default=(),
        max_items=_NAMESPACES_MAX,
        text=NAMESPACE,
    )
    selector: NamespaceSelector | None = described(
        "Selects namespaces by their labels, in addition to the named ones. An empty selector "
        "selects all of them. The operator needs permission to read Namespaces; without it, a "
        "selector selects none, and the status of the role says so.",
        default=None,
        open=True,
    )


@frozen
class NatsServiceRoleSpec:
    """Permissions of the ServiceAccounts of the same name, in the cluster that the label names."""

    permissions: Permissions = described(
        "Subjects that the user may use. A list that is not set imposes no limit; an empty list "
        "allows nothing.",
        factory=Permissions,
    )
    service_account_namespaces: NamespaceSelection | None = described(
        "Namespaces whose ServiceAccounts with the name of the role can connect. Defaults to all.",
        default=None,
    )
