"""What destinations are to be told of people is looked up in customer_360 before anything runs."""

import pytest

from perennial import config
from perennial.errors import ConfigError


@pytest.mark.parametrize("unknown", ["shoe_size", "stages", "email"], ids=["none", "no simple value", "an address"])
def test_an_attribute_that_customer_360_lacks_is_named_with_its_line(config_folder, unknown):
    file = config_folder / "destinations.yml"
    text = file.read_text("utf-8")
    file.write_text(text.replace("folder: audiences/sms", f"folder: audiences/sms\n    attributes: [{unknown}]"))
    with pytest.raises(ConfigError, match=f"destinations.yml:.*customer_360 has no column '{unknown}'.*accepted: "):
        config.load()


def test_columns_of_customer_360_are_taken(config_folder):
    file = config_folder / "destinations.yml"
    text = file.read_text("utf-8")
    asked = "folder: audiences/sms\n    attributes: [stage_en, clv_365d, last_ordered_on, is_prospect]"
    file.write_text(text.replace("folder: audiences/sms", asked))
    assert "clv_365d" in config.load().destinations.destinations["sms_files"].attributes
