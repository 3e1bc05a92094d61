"""Keys and annotations of a bound-token Secret: a ServiceAccount's token for one cluster."""

from __future__ import annotations

from typing import Final

TOKEN: Final = "token"
PREVIOUS: Final = "previous-token"
USERNAME: Final = "username"
KEYS: Final = (TOKEN, PREVIOUS, USERNAME)

SEAL: Final = "nats.io/seal"
ACCOUNT_UID: Final = "nats.io/service-account-uid"
EXPIRES: Final = "nats.io/token-expires"
"""When the token ends; this and the next two are RFC 3339 text."""
RENEW_AFTER: Final = "nats.io/token-renew-after"
SWITCH_AT: Final = "nats.io/token-switch-at"
"""When the servers change over to the new token."""
ANNOTATIONS: Final = (SEAL, EXPIRES, RENEW_AFTER, SWITCH_AT, ACCOUNT_UID)
