"""What came of a request that changes something on a server."""

from __future__ import annotations

import attrs

from natsctl.model.foreign import plain


@attrs.frozen
class Done:
    """A server said that it was carried out, or has begun."""


@attrs.frozen
class Refused:
    """It was not carried out, in the words of the server; `code` is its number for the reason."""

    words: str = attrs.field(converter=plain)
    code: int = 0


@attrs.frozen
class Unreachable:
    """It was not carried out: nobody there could be asked, or knows such a request."""

    words: str = attrs.field(converter=plain)


@attrs.frozen
class Unknown:
    """It was sent, and nobody said what came of it: it may have been carried out, or may be yet."""

    words: str = attrs.field(converter=plain)


Outcome = Done | Refused | Unreachable | Unknown
