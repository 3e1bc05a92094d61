"""What keeps a command from its work, in one line that says what to do."""

from __future__ import annotations

from natsctl.kube.errors import ApiError, NotFound, Transient

UNKNOWN_KIND = "could not find the requested resource"
"""How the API server says that a kind is not installed."""


class Unusable(Exception):
    """The command cannot do anything; the message is for its user."""


class Unreachable(Unusable):
    """The same of an API server that does not answer, or not now."""


def failure(error: ApiError, wanted: str, host: str) -> Unusable:
    """The failure of a request that a command cannot do without; `wanted` is like `get pods`."""
    if isinstance(error, NotFound) and UNKNOWN_KIND in str(error):
        install = "natsctl crds | kubectl apply --server-side -f -"
        return Unusable(f"the API server at {host} does not know NatsClusters; run: {install}")
    if error.status == 401:
        return Unusable(f"the API server at {host} does not accept your credentials: {error}")
    if error.status == 403:
        return Unusable(f"you may not {wanted}: {error} (docs/commands.md lists the rights)")
    if error.status == 0:
        advice = "is it the right context? See: kubectl config current-context"
        return Unreachable(f"cannot reach the API server at {host}: {error}; {advice}")
    kind = Unreachable if isinstance(error, Transient) else Unusable
    return kind(f"cannot {wanted}: {error}")


def reason(error: ApiError, wanted: str) -> str:
    """The same of what a command can do without."""
    return f"you may not {wanted}" if error.status == 403 else f"cannot {wanted}: {error}"
