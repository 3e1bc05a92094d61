"""JetStream is off until every part of it is there."""

from tests.unit.api.specs import complaint, complaints


def test_a_spec_with_jetstream_is_refused() -> None:
    said = "spec.jetstream: is not available yet in this version of natsctl; remove it"
    assert complaint(jetstream={}) == said
    assert said in complaints(jetstream={"fileStore": {"pvc": {"size": "10Gi"}}})


def test_any_other_is_not() -> None:
    assert complaints() == []
    assert complaints(persistentVolumeClaimRetentionPolicy={"whenScaled": "Delete"}) == []
