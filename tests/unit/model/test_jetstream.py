"""What a copy of a stream contains, and what assets are called."""

from __future__ import annotations

import pytest

from natsctl.model.jetstream import Asset, Health, JetStreamReport, Store


@pytest.mark.parametrize("empty", [Store(0, 0, 0), Store(0, 1, 0)])
def test_an_empty_store_begins_after_its_end_however_it_is_described(empty: Store) -> None:
    assert (empty.begin, empty.deleted) == (1, 0)


def test_a_purged_store_begins_where_the_next_message_will_be() -> None:
    assert Store(0, 0, 200).begin == Store(0, 201, 200).begin == 201
    assert Store(0, 0, 200).deleted == 0


def test_what_lies_between_and_is_gone_is_counted() -> None:
    assert Store(200, 1, 200).deleted == 0
    assert Store(150, 1, 200).deleted == 50
    assert Store(3980, 8021, 12000).deleted == 0


def test_an_asset_is_called_by_account_stream_and_consumer() -> None:
    assert str(Asset("APP", "S3")) == "APP/S3"
    assert str(Asset("APP", "S3", "dur")) == "APP/S3/dur"


@pytest.mark.parametrize(
    ("disabled", "code", "gave_up"), [(True, 503, True), (True, 200, False), (False, 503, False)]
)
def test_a_server_that_gave_jetstream_up_is_not_healthy(
    disabled: bool, code: int, gave_up: bool
) -> None:
    said = JetStreamReport("nats-1", disabled=disabled, health=Health(code))
    assert said.gave_up == gave_up
