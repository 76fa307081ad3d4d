"""config/identity_overrides.csv is refused with line, column and remedy before anything runs."""

import pytest

from perennial import config
from perennial.config.overrides import Override
from perennial.errors import ConfigError

HEADER = "verdict,source,customer_id,other_source,other_customer_id,reason\n"
WRONG = {
    "another header": ("what,a,b\n", [":1: the header is", "verdict,source,customer_id"]),
    "an unknown verdict": (HEADER + "maybe,shop,1,shop,2,x\n", [":2: verdict: is 'maybe'", "'same' or 'different'"]),
    "no reason": (HEADER + "same,shop,1,shop,2,\n", [":2: reason: is empty; give a reason"]),
    "an unknown source": (HEADER + "same,shop,1,crm,2,x\n", [":2: other_source: is 'crm'; accepted: shop, click"]),
    "one record twice": (HEADER + "same,shop,1,shop,1,x\n", [":2: names one record twice"]),
    "a pair both ways": (
        HEADER + "same,shop,1,shop,2,x\ndifferent,shop,2,shop,1,y\n",
        [":3: the pair stands in line 2 already, here as different, there as same"],
    ),
    "a pair once more": (HEADER + "same,shop,1,shop,2,x\nsame,shop,2,shop,1,y\n", [":3:", "once more"]),
    "different of who is the same through others": (
        HEADER + "same,shop,1,shop,2,x\nsame,shop,2,shop,3,x\ndifferent,shop,3,shop,1,y\n",
        [":4: verdict: is 'different', but other lines say 'same' of both"],
    ),
    "a value too many": (HEADER + "same,shop,1,shop,2,x,y\n", [":2: has 7 values for 6 columns"]),
}


@pytest.mark.parametrize(("text", "said"), WRONG.values(), ids=list(WRONG))
def test_overrides_that_say_nothing_clear_are_refused(config_folder, text, said):
    (config_folder / "identity_overrides.csv").write_text(text)
    with pytest.raises(ConfigError) as error:
        config.load()
    assert all(part in str(error.value) for part in ["identity_overrides.csv", *said]), str(error.value)


def test_overrides_reach_the_configuration(config_folder):
    (config_folder / "identity_overrides.csv").write_text(HEADER + "different,shop,1,click_collect,2,twins\n")
    assert config.load().overrides == [
        Override(
            verdict="different",
            source="shop",
            customer_id="1",
            other_source="click_collect",
            other_customer_id="2",
            reason="twins",
        )
    ]
