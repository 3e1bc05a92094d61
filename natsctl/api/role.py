"""The spec of a NatsServiceRole."""

from attrs import frozen

from natsctl.api.fields import described

_SUBJECT_MAX = 4096
_SUBJECTS_MAX = 4096


@frozen
class Permissions:
    """Subjects that a user may use; an empty list sets no limit."""

    publish: tuple[str, ...] = described(
        "Subjects the user may publish to.",
        default=(),
        max_items=_SUBJECTS_MAX,
        max_length=_SUBJECT_MAX,
    )
    subscribe: tuple[str, ...] = described(
        "Subjects the user may subscribe to.",
        default=(),
        max_items=_SUBJECTS_MAX,
        max_length=_SUBJECT_MAX,
    )


@frozen
class NatsServiceRoleSpec:
    """What the ServiceAccount of the same name may do in the cluster of the label."""

    permissions: Permissions = described("What the user may do.", factory=Permissions)
