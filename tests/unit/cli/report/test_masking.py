"""What is printed shows that there is a key, and not which."""

from natsctl.cli.report.masking import masked_inputs
from natsctl.model.foreign import MASK
from natsctl.render.inputs import ConfigInputs


def test_the_key_of_streams_is_hidden() -> None:
    assert masked_inputs(ConfigInputs(jetstream_key="s3cret")).jetstream_key == MASK
    assert masked_inputs(ConfigInputs()).jetstream_key == ""
