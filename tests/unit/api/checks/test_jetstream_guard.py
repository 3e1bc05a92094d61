"""Encryption is off until something that outlives pods tells which key the data has."""

from tests.unit.api.specs import complaint, complaints


def test_a_spec_with_encryption_is_refused() -> None:
    said = "spec.jetstream.encryption: is not available yet in this version of natsctl; remove it"
    assert complaint(jetstream={"encryption": {"secret": "key"}}) == said


def test_any_other_is_not() -> None:
    assert complaints() == []
    assert complaints(jetstream={"fileStore": {"pvc": {"size": "10Gi"}}}) == []
    assert complaints(persistentVolumeClaimRetentionPolicy={"whenScaled": "Delete"}) == []
