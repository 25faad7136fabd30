"""What a file really holds, and clear refusals for what cannot enter."""

import pytest
from PIL import Image

from quilt.media.probe import probe_video
from quilt.media.rules import (
    CutOff,
    EmptyFile,
    MediaRefused,
    NoPicture,
    NotAVideo,
    TooLarge,
    TooLong,
    TooShort,
    VideoLimits,
)
from tests.media.conftest import FFMPEG, PICTURE, QUICK_H264, SOUND

MP4_HEAD = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"


def test_a_good_film(good_mp4):
    probe = probe_video(good_mp4)
    assert (probe.width, probe.height, probe.rotation) == (320, 180, 0)
    assert probe.duration_s == pytest.approx(2.0, abs=0.1)
    assert probe.fps == pytest.approx(15) and probe.frame_count == 30
    assert (probe.video_codec, probe.audio_codec, probe.has_audio) == ("h264", "aac", True)


def test_a_film_without_sound(films):
    probe = probe_video(films("silent.mp4", *PICTURE, *QUICK_H264, "-an"))
    assert not probe.has_audio and probe.audio_codec is None


def test_a_recording_of_a_browser_has_no_duration_in_its_header(films):
    path = films("live.webm", *PICTURE, "-c:v", "libvpx", "-deadline", "realtime", "-live", "1")
    assert probe_video(path).duration_s == pytest.approx(2.0, abs=0.2)


def test_an_old_avi(films):
    probe = probe_video(films("old.avi", *PICTURE, "-c:v", "mpeg4", "-bf", "2", "-an"))
    assert probe.duration_s == pytest.approx(2.0, abs=0.2)


def test_a_turned_phone_film_is_measured_as_shown(films, good_mp4):
    path = films("turned.mp4", "-display_rotation", "90", "-i", good_mp4, "-c", "copy")
    probe = probe_video(path)
    assert (probe.width, probe.height, probe.rotation) == (180, 320, 90)


def test_wide_pixels_are_measured_as_shown(films):
    path = films("wide.mp4", *PICTURE, "-vf", "setsar=4/3", *QUICK_H264)
    assert (probe_video(path).width, probe_video(path).height) == (427, 180)


@pytest.mark.parametrize(
    ("content", "refusal"),
    [
        (b"", EmptyFile),
        (b"words " * 1000, NotAVideo),
        (b"%PDF-1.7\n" + b"0" * 1000, NotAVideo),
        (MP4_HEAD, NotAVideo),
        (MP4_HEAD + b"\x00" * 10_000, NotAVideo),
        (MP4_HEAD + b"#EXTM3U\n#EXTINF:2\nother.ts\n", NotAVideo),
        (b"\x1a\x45\xdf\xa3\xa3B\x86\x81\x01B\x82\x88matroska" + b"\x00" * 500, NotAVideo),
        (b"RIFF\xff\xff\xff\x7fAVI LIST" + b"\x00" * 500, NotAVideo),
    ],
)
def test_what_is_no_video_is_refused(tmp_path, content, refusal):
    path = tmp_path / "film.mp4"
    path.write_bytes(content)
    with pytest.raises(refusal):
        probe_video(path)


def test_sound_alone_is_refused(films):
    with pytest.raises(NoPicture):
        probe_video(films("song.mp4", *SOUND, "-c:a", "aac"))


def test_sound_with_a_cover_picture_is_refused(films, tmp_path):
    cover = tmp_path / "cover.jpg"
    Image.new("RGB", (64, 64), "red").save(cover)
    attach = ["-map", "0", "-map", "1", "-c:a", "aac", "-c:v", "copy", "-disposition:v:0", "attached_pic"]
    with pytest.raises(NoPicture):
        probe_video(films("covered.mp4", *SOUND, "-i", cover, *attach))


def test_a_film_of_no_pictures_is_refused(films, good_mp4):
    path = films("none.mkv", "-i", good_mp4, "-c", "copy", "-bsf:v", "noise=drop=1")
    with pytest.raises(NoPicture):
        probe_video(path)


def test_a_film_of_one_picture_is_too_short(films):
    with pytest.raises(TooShort):
        probe_video(films("blink.mp4", *PICTURE, *QUICK_H264, "-frames:v", "1"))


def test_ten_hours_in_a_tiny_file_are_too_long(films):
    path = films("long.mp4", "-f", "lavfi", "-i", "color=s=32x32:r=1/60:d=36000", *QUICK_H264)
    assert path.stat().st_size < 100_000
    with pytest.raises(TooLong) as refused:
        probe_video(path)
    assert "3 minutes" in str(refused.value)
    assert probe_video(path, VideoLimits(max_duration_s=40_000)).duration_s == pytest.approx(36_000, abs=120)


def test_a_giant_picture_in_a_small_file_is_too_large(giant_mkv):
    assert giant_mkv.stat().st_size < 2_000_000
    with pytest.raises(TooLarge):
        probe_video(giant_mkv)


def test_a_giant_picture_meets_the_memory_limit_even_when_its_size_is_allowed(giant_mkv):
    anything = VideoLimits(min_duration_s=0, max_pixels=10**10)
    assert probe_video(giant_mkv, anything, memory_bytes=1024**3).width == 16_000
    with pytest.raises(TooLarge):
        probe_video(giant_mkv, anything, memory_bytes=300 * 1024**2)


def test_a_film_whose_end_was_not_copied_is_told_apart(films, tmp_path):
    whole = films("fast.mp4", *PICTURE, *QUICK_H264, "-an", "-movflags", "+faststart")
    assert probe_video(whole).duration_s == pytest.approx(2.0, abs=0.1)
    for missing in (1, whole.stat().st_size // 3):
        cut = tmp_path / "cut.mp4"
        cut.write_bytes(whole.read_bytes()[:-missing])
        with pytest.raises(CutOff):
            probe_video(cut)


def test_half_a_film_is_told_that_its_end_is_missing(good_mp4, tmp_path):
    """Its index stood at the end and never arrived."""
    half = tmp_path / "half.mp4"
    half.write_bytes(good_mp4.read_bytes()[: good_mp4.stat().st_size // 2])
    with pytest.raises(CutOff):
        probe_video(half)


def test_damaged_films_get_an_answer_each(good_mp4, tmp_path):
    """Every hundredth byte flipped, from another start each time: measured or refused, never a crash."""
    original = good_mp4.read_bytes()
    answers = []
    for start in range(8):
        damaged = bytearray(original)
        for position in range(24 + start, len(damaged), 101 * (start + 1)):
            damaged[position] ^= 0xFF
        path = tmp_path / f"{start}.mp4"
        path.write_bytes(damaged)
        try:
            answers.append(probe_video(path).frame_count)
        except MediaRefused as refused:
            answers.append(refused.code)
    assert len(answers) == 8


def test_the_name_of_a_file_is_no_option(good_mp4, tmp_path):
    path = tmp_path / "-i %d |concat:a.mp4"
    path.write_bytes(good_mp4.read_bytes())
    assert probe_video(path).frame_count == 30


def test_the_ffmpeg_of_these_tests_is_the_one_that_is_shipped():
    assert "imageio_ffmpeg" in FFMPEG
