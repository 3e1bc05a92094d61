"""What the modules of a package define: a new module needs no line in a list."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

T = TypeVar("T")
REGISTRY = "registry"
"""The module that asks."""


def defined_in(package: ModuleType, kind: type[T]) -> Iterator[T]:
    """All values of a class that stand in modules of this package, by name of the module."""
    for module in pkgutil.iter_modules(package.__path__):
        if module.name != REGISTRY:
            own = vars(import_module(f"{package.__name__}.{module.name}")).values()
            yield from (value for value in own if isinstance(value, kind))
