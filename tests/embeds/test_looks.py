import pytest
from hypothesis import given
from hypothesis import strategies as st

from quilt.embeds.looks import (
    DEFAULT,
    ColoursRefused,
    Options,
    check_colours,
    contrast,
    drop_unreadable,
    pick_ink,
    read_options,
    say_options,
)

COLOURS = st.from_regex(r"[0-9a-f]{6}", fullmatch=True)


@pytest.mark.parametrize(("one", "other", "ratio"), [
    ("000000", "ffffff", 21), ("777777", "ffffff", 4.48), ("abcdef", "abcdef", 1),
])  # fmt: skip
def test_contrast_is_the_ratio_of_wcag(one, other, ratio):
    assert contrast(one, other) == contrast(other, one) == pytest.approx(ratio, abs=0.01)


@pytest.mark.parametrize(("accent", "ground", "theme"), [
    ("ffffff", "fffffe", "auto"), ("d4a017", "ffffff", "auto"), ("27406b", "1d2b3a", "auto"),
    ("ffee00", "", "light"), ("101010", "", "dark"), ("27406b", "", "auto"),
])  # fmt: skip
def test_pairs_that_cannot_be_read_are_refused(accent, ground, theme):
    options = Options(theme=theme, accent=accent, ground=ground)
    with pytest.raises(ColoursRefused) as refused:
        check_colours(options)
    assert refused.value.field == "accent" and "to 1" in refused.value.message
    kept, why = drop_unreadable(options)
    assert (kept.accent, kept.ground, kept.theme) == ("", "", theme) and why


@pytest.mark.parametrize(("accent", "ground", "theme"), [
    ("27406b", "ffffff", "auto"), ("d4a017", "1d2b3a", "auto"), ("27406b", "", "light"), ("b3c7ef", "", "dark"),
    ("", "123456", "auto"), ("c04a2f", "", "auto"),
])  # fmt: skip
def test_pairs_that_can_be_read_pass(accent, ground, theme):
    options = Options(theme=theme, accent=accent, ground=ground)
    check_colours(options)
    assert drop_unreadable(options) == (options, "")


@given(COLOURS)
def test_one_ink_can_be_read_on_every_ground_that_passes(ground):
    try:
        check_colours(Options(ground=ground))
    except ColoursRefused:
        assert contrast(ground, pick_ink(ground)) < 4.5
    else:
        assert contrast(ground, pick_ink(ground)) >= 4.5


@pytest.mark.parametrize(("told", "read"), [
    ({"theme": "dark", "accent": "#FA0", "logos": "hide"}, Options(theme="dark", accent="ffaa00", logos=False)),
    ({"theme": "neon", "accent": "red", "lang": "xx", "logos": "maybe"}, DEFAULT),
    ({"top": "0"}, Options(top=1)), ({"top": "9999"}, DEFAULT), ({"top": "999"}, Options(top=24)),
    ({"top": "-1"}, DEFAULT), ({"top": "٣"}, DEFAULT),
    ({"cause": "  clean \n water "}, Options(cause="clean water")),
])  # fmt: skip
def test_what_is_none_of_ours_is_passed_over(told, read):
    assert read_options(told) == read


@given(st.builds(
    Options, theme=st.sampled_from(("auto", "light", "dark")), accent=st.just("") | COLOURS, ground=st.just("") | COLOURS,
    logos=st.booleans(), counts=st.booleans(), top=st.integers(1, 24), order=st.sampled_from(("fair", "votes")),
))  # fmt: skip
def test_options_survive_being_said(options):
    assert read_options(say_options(options)) == options
