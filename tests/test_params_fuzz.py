"""Any ``params.yaml`` gives parameters, or one line for each invalid key; never a traceback."""

import copy
import datetime
import functools
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stages.schema.params import check, load
from vocalseg.errors import BadInput

COMMITTED = yaml.safe_load((Path(__file__).parents[1] / "params.yaml").read_text(encoding="utf-8"))
SECTIONS = [name for name, content in COMMITTED.items() if isinstance(content, dict)]
KEYS = [
    (section, key) for section in SECTIONS for key in [*COMMITTED[section], "matrix", "unknown"]
]

fuzzed = functools.partial(settings, derandomize=True, deadline=None, database=None)

TEXT = st.text(st.characters(), max_size=8)  # includes lone surrogates: YAML has "\ud800"
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), TEXT, st.binary(max_size=4),
    st.sampled_from(["1e-3", "1_000", "0x10", "nan", "/a\0b", "a\nb", "/", "auto", 2**64, -0.0]),
    st.just(datetime.date(2024, 1, 31)), st.just(datetime.datetime(2024, 1, 31, 12)),
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(SCALARS, inner, max_size=3),
    max_leaves=6,
)
HUGE = 16**5000  # 0x1000... in YAML; Python refuses to convert it to decimal digits
LOOP = []
LOOP.append(LOOP)  # &a [*a] in YAML


def lines(values) -> list[str]:
    """Lines of the error for invalid values; an empty list for valid ones."""
    try:
        check(values)
    except BadInput as error:
        texts = str(error).split("\n")
        assert all(line.startswith("params.yaml: ") and len(line) < 2000 for line in texts), texts
        assert all(character.isprintable() for line in texts for character in line), texts
        "\n".join(texts).encode()
        return texts
    return []


@fuzzed(max_examples=300)
@given(st.sampled_from(KEYS), VALUES)
@example(("train", "epochs"), HUGE)
@example(("train", "learning_rate"), HUGE)
@example(("dataset", "name"), HUGE)
@example(("dataset", "root"), LOOP)
@example(("dataset", "root"), "x" * 100_000)
@example(("matrix", "train.epochs"), [HUGE])
@example(("matrix", "train.epochs"), [LOOP])
@example(("matrix", "train.epochs"), LOOP)
def test_any_value_of_any_key(place, value):
    values = copy.deepcopy(COMMITTED)
    section, key = place
    values[section][key] = value
    assert len(lines(values)) <= 4


@fuzzed(max_examples=200)
@given(st.dictionaries(st.sampled_from([*COMMITTED, "unknown"]) | SCALARS, VALUES, max_size=3))
@example({"a\nb": 1, "c\x1bd": 2, "\ud800": 3})
@example({"matrix": {"a\nb": [1], ".": [1], "seed.": [1], ".seed": [1], "": [1]}})
@example({"matrix": {"stft.hop": [{"section": 1}], "stft": [1], "matrix": [1], "check": [1]}})
@example({HUGE: 1})
def test_any_section_and_any_key(changes):
    lines({**copy.deepcopy(COMMITTED), **changes})


@fuzzed(max_examples=100)
@given(VALUES)
def test_any_content_at_all(values):
    lines(values)


@pytest.mark.parametrize(
    "text",
    [
        "seed: 2024-99-99", "seed: ._", "seed: 0x_", f"seed: {'9' * 5000}", "seed: !!int ''",
        "seed: !!bool maybe", "seed: !!timestamp never", "seed: " + "[" * 5000, "seed: *gone",
        "? [a]\n: b", "seed: =", "\tseed: 1", "seed: '\0'", "- a", "", "seed: 1\nseed: 2",
    ],
)  # fmt: skip
def test_any_text_of_the_file(text, tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadInput) as caught:
        load(path)
    for line in str(caught.value).split("\n"):
        assert line.startswith(f"{path}: ") and len(line) < 2000
