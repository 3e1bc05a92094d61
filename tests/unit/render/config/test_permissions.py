"""What servers are told of permissions, so that nothing never becomes everything."""

from __future__ import annotations

from typing import Any

import pytest

from natsctl.render.config.permissions import block_as_meant


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"publish": []}, {"publish": {"deny": [">"]}}),
        ({"publish": {"allow": []}}, {"publish": {"deny": [">"]}}),
        ({"subscribe": {"allow": [], "deny": ["a"]}}, {"subscribe": {"deny": [">"]}}),
        ({"publish": {"deny": []}}, {"publish": {"deny": []}}),
        ({"publish": {}}, {"publish": {}}),
        ({"publish": [], "allow_responses": True}, {"allow_responses": True}),
        (
            {"publish": [], "allow_responses": False},
            {"publish": {"deny": [">"]}, "allow_responses": False},
        ),
        ({}, {}),
    ],
)
def test_an_empty_list_of_what_is_allowed_allows_nothing(given: Any, told: Any) -> None:
    """Servers take it for no limit at all."""
    user = {"username": "u", "password": "p"}
    (found,) = block_as_meant({"users": [{**user, "permissions": given}]})["users"]
    assert found == {**user, "permissions": told}
    both = {"users": [user], "default_permissions": given or {}}
    assert block_as_meant(both)["default_permissions"] == told


def test_defaults_count_for_everybody_without_permissions() -> None:
    """Not for a single user or one with empty permissions, as servers have it."""
    user, defaults = {"username": "u", "password": "p"}, {"publish": ["a"]}
    listed = {"users": [user], "default_permissions": defaults}
    assert block_as_meant({**user, "default_permissions": defaults}) == listed
    empty = {"users": [{**user, "permissions": {}}], "default_permissions": defaults}
    assert block_as_meant(empty) == listed
    own = {"users": [{**user, "permissions": {"publish": ["b"]}}], "default_permissions": defaults}
    assert block_as_meant(own) == own
