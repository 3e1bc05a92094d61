"""Checks of labels and annotations, as the API server makes them."""

import re
from collections.abc import Iterator, Mapping

from natsctl.api.problems import Problem, member, shown

_WORD = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?", re.ASCII)
_DOMAIN = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*", re.ASCII)
_WORD_MAX = 63
_DOMAIN_MAX = 253
_KEY_HELP = "is not a valid key; use name or example.com/name"
_VALUE_HELP = (
    f"use at most {_WORD_MAX} letters, digits, hyphens, underscores and dots, "
    "with a letter or digit at both ends"
)


def label_problems(labels: Mapping[str, str], path: str) -> Iterator[Problem]:
    """Keys and values that no label may have."""
    yield from key_problems(labels, path)
    for key, value in labels.items():
        if value and not _is_word(value):
            message = f"{shown(value)} is not a valid label; {_VALUE_HELP}"
            yield Problem(member(path, key), shown(value), message)


def key_problems(annotations: Mapping[str, str], path: str) -> Iterator[Problem]:
    """Keys that no label and no annotation may have."""
    for key in annotations:
        if not _is_key(key):
            yield Problem(member(path, key), shown(key), _KEY_HELP)


def _is_key(key: str) -> bool:
    domain, slash, word = key.rpartition("/")
    if slash and not (_DOMAIN.fullmatch(domain) and len(domain) <= _DOMAIN_MAX):
        return False
    return _is_word(word)


def _is_word(text: str) -> bool:
    return len(text) <= _WORD_MAX and _WORD.fullmatch(text) is not None
