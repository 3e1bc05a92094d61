"""What keeps a command from its work, in one line that says what to do."""

from __future__ import annotations

from natsctl.kube.errors import ApiError, NoName, NotFound, Transient
from natsctl.model.foreign import ANSWER, quoted

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
        return Unusable(
            f"the API server at {host} does not accept your credentials: {words(error)}"
        )
    if error.status == 403:
        text = f"you may not {wanted}: {words(error)}"
        return Unusable(f"{text} (docs/commands.md lists the rights)")
    if isinstance(error, Transient) and error.status == 0:
        advice = "is it the right context? See: kubectl config current-context"
        return Unreachable(f"cannot reach the API server at {host}: {error}; {advice}")
    kind = Unreachable if isinstance(error, Transient) else Unusable
    return kind(f"cannot {wanted}: {words(error)}")


def reason(error: ApiError, wanted: str) -> str:
    """The same of what a command can do without."""
    return f"you may not {wanted}" if error.status == 403 else f"cannot {wanted}: {words(error)}"


def words(error: ApiError) -> str:
    """What an error says: those of an answer are the API server's, or of whoever it passes on."""
    ours = error.status == 0 or isinstance(error, NoName)
    return str(error) if ours else quoted(str(error), ANSWER)
