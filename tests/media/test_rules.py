"""What may enter, and how large it comes out."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quilt.media import rules
from quilt.media.rules import (
    MediaRefused,
    NoPicture,
    Probe,
    TooLarge,
    TooLong,
    TooShort,
    VideoLimits,
    check_video,
    fit_picture,
)

GOOD = Probe(
    duration_s=60.0,
    width=1920,
    height=1080,
    fps=30.0,
    has_audio=True,
    rotation=0,
    video_codec="h264",
    audio_codec="aac",
    coded_pixels=1920 * 1080,
    frame_count=1800,
)


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({}, None),
        ({"duration_s": 1.0}, None),
        ({"duration_s": 180.4}, None),
        ({"rotation": 270}, None),
        ({"fps": None}, None),
        ({"has_audio": False, "audio_codec": None}, None),
        ({"coded_pixels": 4096 * 2160}, None),
        ({"duration_s": 0.0}, TooShort),
        ({"duration_s": -5.0}, TooShort),
        ({"duration_s": 180.6}, TooLong),
        ({"duration_s": 36_000.0}, TooLong),
        ({"coded_pixels": 7680 * 4320}, TooLarge),
        ({"frame_count": 0}, NoPicture),
        ({"width": 0}, NoPicture),
        ({"rotation": 45}, NoPicture),
    ],
)
def test_what_may_enter(changes, refusal):
    probe = replace(GOOD, **changes)
    if refusal is None:
        check_video(probe, VideoLimits())
        return
    with pytest.raises(refusal):
        check_video(probe, VideoLimits())


@pytest.mark.parametrize(
    ("limit_s", "words"), [(180, "3 minutes"), (60, "1 minute."), (90, "90 seconds"), (30, "30 seconds")]
)
def test_too_long_names_the_limit(limit_s, words):
    assert words in str(TooLong(limit_s))


def test_every_refusal_says_what_we_kept_and_has_its_own_code():
    kinds = [
        kind for kind in vars(rules).values() if isinstance(kind, type) and issubclass(kind, MediaRefused)
    ]
    refusals = [kind(180) if kind is TooLong else kind() for kind in kinds]
    assert len({refusal.code for refusal in refusals}) == len(refusals) >= 8
    assert all("Your draft is saved" in str(refusal) for refusal in refusals)


@pytest.mark.parametrize(
    ("size", "fitted"),
    [
        ((1920, 1080), (1280, 720)),
        ((1080, 1920), (720, 1280)),
        ((3840, 2160), (1280, 720)),
        ((1440, 1080), (960, 720)),
        ((1080, 1080), (720, 720)),
        ((2560, 1080), (1280, 540)),
        ((640, 360), (640, 360)),
        ((321, 181), (320, 180)),
        ((4000, 10), (1280, 4)),
        ((2, 4000), (2, 1280)),
    ],
)
def test_pictures_are_fitted_lying_or_standing(size, fitted):
    assert fit_picture(*size) == fitted


@given(st.integers(2, 10_000), st.integers(2, 10_000))
def test_fitted_pictures_are_even_small_and_never_enlarged_by_more_than_rounding(width, height):
    fitted = fit_picture(width, height)
    assert all(side % 2 == 0 and side >= 2 for side in fitted)
    assert max(fitted) <= 1280 and min(fitted) <= 720
    assert fitted[0] <= width + 1 and fitted[1] <= height + 1
