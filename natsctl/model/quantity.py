"""Quantities of bytes as Kubernetes writes them: exact, and never a float.

https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
"""

import re
from typing import Final

from natsctl.model.foreign import quoted

BYTES_MAX: Final = 2**63 - 1
"""Kubernetes holds no greater quantity."""
_LONGEST: Final = 64
_BINARY: Final = {f"{unit}i": 1024**power for power, unit in enumerate("KMGTPE", 1)}
_DECIMAL: Final = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15} | {
    "E": 18
}
_QUANTITY: Final = re.compile(
    r"\+?(?=\.?[0-9])(?P<whole>[0-9]*)(?:\.(?P<part>[0-9]*))?"
    r"(?:(?P<binary>[KMGTPE]i)|[eE](?P<exponent>[-+]?[0-9]{1,3})|(?P<decimal>[numkMGTPE]?))",
    re.ASCII,
)


def parse_bytes(text: str) -> int:
    """Bytes of a quantity such as "10Gi" or "1e9"; ValueError if it is none, negative or too large.

    A part of a byte counts as a whole one, as in Kubernetes.
    """
    found = _QUANTITY.fullmatch(text) if len(text) <= _LONGEST else None
    if found is None:
        raise ValueError(
            f"{quoted(text, 40)} is not a valid quantity of bytes; "
            'use a number and a unit, such as "10Gi"'
        )
    part = found["part"] or ""
    digits = int(found["whole"] + part or "0") * _BINARY.get(found["binary"] or "", 1)
    exponent = int(found["exponent"] or _DECIMAL[found["decimal"] or ""]) - len(part)
    count: int = -(-digits * 10 ** max(exponent, 0) // 10 ** max(-exponent, 0))
    if count > BYTES_MAX:
        raise ValueError(f"{quoted(text, 40)} is more than {bytes_text(BYTES_MAX)}; use less")
    return count


def bytes_of(text: str) -> int:
    """The same of what others wrote; 0 for what is no quantity."""
    try:
        return parse_bytes(text)
    except ValueError:
        return 0


def bytes_text(count: int) -> str:
    """The shortest quantity that is exactly so many bytes: 10737418240 is "10Gi"."""
    fitting = [name for name, size in _BINARY.items() if count and count % size == 0]
    return f"{count // _BINARY[fitting[-1]]}{fitting[-1]}" if fitting else str(count)
