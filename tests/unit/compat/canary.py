"""What a canary says: which private part changed, and where to look."""

from __future__ import annotations

from types import ModuleType


def changed(module: ModuleType, what: str) -> str:
    """The message of a canary's assertion."""
    return (
        f"{what}: {module.__name__} was read from {module.READ_FROM}, and the installed one is "
        "another; read the library again, change the module and what it says it was read from"
    )
