from typing import Any

from hypothesis import given

from natsctl.api.parse import parse_spec
from natsctl.api.unsupported import unsafe_without, unsupported_fields
from tests.unit.api.strategies import specs


@given(specs())
def test_every_field_is_acted_on(raw: dict[str, Any]) -> None:
    spec = parse_spec(raw)
    assert unsupported_fields(spec) == unsafe_without(spec) == ()
