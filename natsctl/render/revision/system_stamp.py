"""What a pod's revision tells of the operator's own user, and of the key of its sealed entries.

All of it in the value of one entry, so that older versions of natsctl, which know only that entry,
take it for "none" and restart nothing for it.
"""

from __future__ import annotations

import hashlib
import json
import re
from functools import cache
from typing import TYPE_CHECKING, Final

from attrs import frozen

from natsctl.render.config.system_account import (
    OLD_ACCOUNT,
    SYSTEM_ACCOUNT,
    has_system,
    permissions,
)

if TYPE_CHECKING:
    from natsctl.render.target import Target

_NOBODY: Final = "-"
_NKEY: Final = re.compile(r"U[A-Z2-7]{55}\Z")
# What versions wrote that knew one account and one user: whether there is any.
_OLD: Final = {
    hashlib.sha256(json.dumps(given).encode()).hexdigest()[:10]: account
    for given, account in ((True, OLD_ACCOUNT), (False, ""))
}


@frozen
class SystemStamp:
    """The operator's user: account (empty: none), public nkey, hash of its rights; the seals' key.

    Without `user`: of versions whose user had one key for all clusters. Without `seal`: of those
    that did not tell it; it is taken for the present one.
    """

    account: str = ""
    user: str = ""
    rights: str = ""
    seal: str = ""

    @classmethod
    def parse(cls, value: object) -> SystemStamp:
        """Of the entry's value; of what nobody wrote, nothing is taken."""
        if not isinstance(value, str) or value in _OLD:
            return cls(_OLD.get(str(value), ""))
        account, user, rights, seal, *_ = (*value.split(" "), "", "", "")
        if account in (SYSTEM_ACCOUNT, OLD_ACCOUNT) and _NKEY.match(user):
            return cls(account, user, rights, "" if seal == _NOBODY else seal)
        return cls(seal="" if seal == _NOBODY else seal)

    def __str__(self) -> str:
        if self == SystemStamp():
            return next(text for text, account in _OLD.items() if not account)
        parts = (self.account, self.user, self.rights, self.seal)
        return " ".join(part or _NOBODY for part in parts)

    def same_user(self, other: SystemStamp) -> bool:
        """Whether both tell of the same user, with the same rights in the same account."""
        mine = self.account, self.user, self.rights
        return mine == (other.account, other.user, other.rights)


def system_stamp(target: Target) -> SystemStamp:
    """Of servers that run this target's configuration."""
    inputs = target.inputs
    if not has_system(target):
        return SystemStamp(seal=inputs.seal)
    rights = _rights(streams=target.spec.jetstream is not None)
    return SystemStamp(inputs.account, inputs.system, rights, inputs.seal)


@cache
def _rights(*, streams: bool) -> str:
    given = json.dumps(permissions(streams=streams), sort_keys=True)
    return hashlib.sha256(given.encode()).hexdigest()[:10]
