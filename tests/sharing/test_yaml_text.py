"""Our YAML is read as the values that it was made from."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unseam.sharing.yaml_text import yaml_text

yaml = pytest.importorskip("yaml", reason="PyYAML, which the cluster extra brings, reads our YAML")

TEXT = st.text(st.characters(blacklist_categories=("Cs", "Cc", "Zl", "Zp"), blacklist_characters="\ufeff\ufffe\uffff"))
WORDS = st.sampled_from(
    ["yes", "No", "null", "~", "1e5", "0x1F", "1:30", "a: b", "- a", "#", "2026-11-30", "0.5.3", "y", ".inf"]
)
SCALARS = TEXT | WORDS | st.integers() | st.booleans() | st.none() | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(SCALARS, lambda part: st.lists(part, max_size=3) | st.dictionaries(TEXT | WORDS, part, max_size=3))


@given(st.dictionaries(TEXT | WORDS, VALUES, min_size=1))
def test_it_is_read_as_the_same_values(value):
    assert yaml.safe_load(yaml_text(value)) == value


def test_it_is_yaml_for_people():
    text = yaml_text({"axes": [{"id": "y", "size": {"min": 208}}], "range": [None, 1.5]})
    assert text == 'axes:\n  - id: "y"\n    size:\n      min: 208\nrange:\n  - null\n  - 1.5\n'
    assert not re.search(r"[{}\t]", text)
