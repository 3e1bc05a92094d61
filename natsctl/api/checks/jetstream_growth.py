"""Checks of volumes that grow by themselves."""

from collections.abc import Iterator
from typing import Final

from natsctl.api.checks.jetstream_sizes import quantity_problems
from natsctl.api.problems import Problem
from natsctl.api.types.jetstream import (
    IN_PLACE,
    MOST_FIELD,
    FileStore,
    JetStream,
    volume_growth,
    volume_size,
)
from natsctl.model.quantity import parse_bytes

_PATH: Final = "spec.jetstream.fileStore.growth"


def growth_problems(jetstream: JetStream) -> Iterator[Problem]:
    """What `growth` cannot be, and what it cannot be next to."""
    growth, store = volume_growth(jetstream), jetstream.file_store or FileStore()
    if growth is None:
        return
    yield from _most(growth.max_size, volume_size(jetstream))
    if store.resize_policy != IN_PLACE:
        message = (
            f"cannot be used together with resizePolicy: {store.resize_policy}, because volumes "
            f"grow by themselves only in place; use {IN_PLACE}, or remove growth"
        )
        yield Problem(_PATH, "", message)
    if store.max_size:
        message = (
            "cannot be used together with fileStore.maxSize, with which streams could store no "
            "more on larger volumes; remove maxSize, or growth"
        )
        yield Problem(_PATH, "", message)


def _most(most: str, volume: str) -> Iterator[Problem]:
    wrong = tuple(quantity_problems(most, MOST_FIELD))
    yield from wrong
    if wrong or any(quantity_problems(volume, "")):
        return
    if parse_bytes(most) < parse_bytes(volume):
        message = f"is {most}, less than pvc.size ({volume}); use {volume} or more"
        yield Problem(MOST_FIELD, most, message)
