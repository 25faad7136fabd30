"""What comes out: H.264/AAC, 720p, clean, ready to stream; what never does; and what stops a bad job."""

import time

import av
import pytest
from PIL import Image

from quilt.media.probe import probe_video
from quilt.media.rules import CannotProcess, MediaRefused, NotAVideo, Probe, VideoLimits
from quilt.media.transcode import JobLimits, cut_posters, transcode_video
from tests.media.conftest import PICTURE, QUICK_H264, SOUND

ANY_SIZE = VideoLimits(min_duration_s=0, max_duration_s=10**6, max_pixels=10**10)


def transcode(source, folder, **options):
    target = folder / "out.mp4"
    return target, transcode_video(source, target, probe_video(source), **options)


def streams_of(path):
    with av.open(str(path)) as container:
        return [(stream.type, stream.codec_context.name) for stream in container.streams]


def first_frame(path):
    with av.open(str(path)) as container:
        return next(container.decode(video=0)).to_image()


def test_a_good_film(good_mp4, tmp_path):
    target, result = transcode(good_mp4, tmp_path)
    assert (result.width, result.height, result.has_audio) == (320, 180, True)
    assert result.duration_s == pytest.approx(2.0, abs=0.2)
    assert result.byte_count == target.stat().st_size > 1000
    assert streams_of(target) == [("video", "h264"), ("audio", "aac")]
    assert probe_video(target).duration_s == pytest.approx(2.0, abs=0.1)
    assert list(tmp_path.iterdir()) == [target]


def test_the_index_comes_before_the_pictures(good_mp4, tmp_path):
    content = transcode(good_mp4, tmp_path)[0].read_bytes()
    assert 0 < content.index(b"moov") < content.index(b"mdat")


def test_pictures_are_in_the_format_every_browser_plays(films, tmp_path):
    deep = films("deep.mkv", *PICTURE, "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv444p10le")
    target, _ = transcode(deep, tmp_path)
    with av.open(str(target)) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.pix_fmt == "yuv420p" and stream.profile == "High"


@pytest.mark.parametrize(
    ("size", "expected"), [("1920x1080", (1280, 720)), ("1080x1920", (720, 1280)), ("333x187", (332, 186))]
)
def test_sizes(films, tmp_path, size, expected):
    source = films(f"{size}.mkv", "-f", "lavfi", "-i", f"testsrc2=s={size}:r=10:d=1", "-c:v", "ffv1")
    target, result = transcode(source, tmp_path)
    assert (result.width, result.height) == expected == first_frame(target).size


def test_webm_with_opus(films, tmp_path):
    codecs = ["-c:v", "libvpx", "-deadline", "realtime", "-c:a", "libopus"]
    target, _ = transcode(films("web.webm", *PICTURE, *SOUND, *codecs), tmp_path)
    assert streams_of(target) == [("video", "h264"), ("audio", "aac")]


def test_a_film_without_sound_stays_silent(films, tmp_path):
    target, result = transcode(films("silent.mp4", *PICTURE, *QUICK_H264, "-an"), tmp_path)
    assert streams_of(target) == [("video", "h264")] and not result.has_audio


def test_a_turned_phone_film_stands_upright(films, tmp_path):
    """Red on the left and blue on the right, shown a quarter turned to the left: red comes to lie below."""
    halves = [
        "-f",
        "lavfi",
        "-i",
        "color=red:s=160x180:r=10:d=1",
        "-f",
        "lavfi",
        "-i",
        "color=blue:s=160x180:r=10:d=1",
    ]
    flat = films("halves.mp4", *halves, "-filter_complex", "hstack", *QUICK_H264)
    turned = films("halves-turned.mp4", "-display_rotation", "90", "-i", flat, "-c", "copy")
    target, result = transcode(turned, tmp_path)
    assert (result.width, result.height) == (180, 320)
    picture = first_frame(target)
    assert is_red(picture.getpixel((90, 300))) and not is_red(picture.getpixel((90, 20)))


def test_progress_rises_to_a_hundred(good_mp4, tmp_path):
    told = []
    transcode(good_mp4, tmp_path, on_progress=told.append)
    assert told == sorted(set(told)) and told[-1] == 100 and min(told) >= 0


def test_a_film_longer_than_its_header_says_is_cut(films, tmp_path):
    source = films("four.mp4", "-f", "lavfi", "-i", "testsrc2=s=160x90:r=10:d=4", *QUICK_H264)
    _, result = transcode(source, tmp_path, max_duration_s=2)
    assert result.duration_s == pytest.approx(2.5, abs=0.2)


def test_names_places_and_chapters_are_left_out(films, good_mp4, tmp_path):
    tell = {"title": "<script>secret</script>", "location": "+27.5916+086.5640/", "comment": "at home"}
    metadata = [word for key, value in tell.items() for word in ("-metadata", f"{key}={value}")]
    chapters = tmp_path / "chapters.txt"
    chapters.write_text(";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1\nSTART=0\nEND=1\ntitle=secret chapter\n")
    taught = ["-i", chapters, "-map", "0", "-map_chapters", "1", "-metadata:s:v", "title=secret stream"]
    source = films("told.mov", "-i", good_mp4, *taught, *metadata, "-c", "copy")
    given = source.read_bytes()
    assert b"27.5916" in given and b"secret" in given
    target, _ = transcode(source, tmp_path)
    written = target.read_bytes()
    assert not any(word in written for word in (b"27.59", b"secret", b"at home", b"Lavf"))


def test_of_many_streams_two_remain(films, good_mp4, tmp_path):
    subtitles = tmp_path / "words.srt"
    subtitles.write_text("1\n00:00:00,000 --> 00:00:01,000\nhello secret\n")
    note = tmp_path / "note.txt"
    note.write_text("an attachment")
    many = ["-i", good_mp4, "-i", subtitles, "-map", "0:v"] + ["-map", "0:a"] * 16 + ["-map", "1"] * 16
    attach = ["-attach", note, "-metadata:s:t", "mimetype=text/plain"]
    source = films("many.mkv", *many, "-c:v", "copy", "-c:a", "copy", "-c:s", "srt", *attach)
    assert len(streams_of_any(source)) == 34
    target, _ = transcode(source, tmp_path)
    assert streams_of(target) == [("video", "h264"), ("audio", "aac")]


def test_a_cover_picture_before_the_film_is_not_taken_for_it(films, good_mp4, tmp_path):
    cover = tmp_path / "cover.jpg"
    Image.new("RGB", (64, 64), "red").save(cover)
    order = ["-map", "0", "-map", "1", "-c", "copy", "-disposition:v:0", "attached_pic"]
    source = films("covered.mp4", "-i", cover, "-i", good_mp4, *order)
    _, result = transcode(source, tmp_path)
    assert (result.width, result.height) == (320, 180)


def test_a_page_hidden_in_a_film_does_not_come_through(good_mp4, tmp_path):
    source = tmp_path / "both.mp4"
    source.write_bytes(
        good_mp4.read_bytes() + b"\x00\x00\x00\x40free<html><script>alert(1)</script>" + b" " * 29
    )
    target, _ = transcode(source, tmp_path)
    assert b"<script>" not in target.read_bytes()


def test_a_hopeless_file_leaves_nothing_behind(tmp_path):
    source = tmp_path / "words.mp4"
    source.write_text("just words")
    with pytest.raises(NotAVideo):
        transcode_video(source, tmp_path / "out.mp4", any_probe())
    assert list(tmp_path.iterdir()) == [source]


def test_time_is_limited(films, tmp_path):
    source = films(
        "slow.mkv", "-f", "lavfi", "-i", "testsrc2=s=1280x720:r=30:d=20", "-c:v", "mpeg4", "-q:v", "9"
    )
    start = time.monotonic()
    with pytest.raises(CannotProcess):
        transcode(source, tmp_path, limits=JobLimits(wall_s=0.5))
    assert time.monotonic() - start < 4
    assert list(tmp_path.iterdir()) == []


def test_output_is_limited(films, tmp_path):
    source = films(
        "noise.mkv", "-f", "lavfi", "-i", "nullsrc=s=640x360:r=10:d=2,noise=alls=90:allf=t", "-c:v", "ffv1"
    )
    with pytest.raises(CannotProcess):
        transcode(source, tmp_path, limits=JobLimits(output_bytes=100_000))
    assert list(tmp_path.iterdir()) == []
    assert transcode(source, tmp_path)[1].byte_count > 100_000


def test_memory_is_limited(giant_mkv, tmp_path):
    """The probe would have refused this; a file that deceives the probe meets the limit all the same."""
    probe = probe_video(giant_mkv, ANY_SIZE, memory_bytes=1024**3)
    target = tmp_path / "out.mp4"
    with pytest.raises(CannotProcess):
        transcode_video(giant_mkv, target, probe, limits=JobLimits(memory_bytes=400 * 1024**2))
    assert list(tmp_path.iterdir()) == []


def test_damaged_films_end_in_a_film_or_a_refusal(good_mp4, tmp_path):
    original = good_mp4.read_bytes()
    answers = []
    for start in range(4):
        damaged = bytearray(original)
        for position in range(2000 + start, len(damaged) - 4000, 331 * (start + 1)):
            damaged[position] ^= 0xFF
        source = tmp_path / f"{start}.mp4"
        source.write_bytes(damaged)
        try:
            answers.append(transcode(source, tmp_path)[1].byte_count > 0)
        except MediaRefused as refused:
            answers.append(refused.code)
    assert len(answers) == 4


@pytest.mark.parametrize("second", [-3.0, 0.0, 1.0, 2.0, 99.0])
def test_posters_at_any_second(films, tmp_path, second):
    source = films("own.mp4", *PICTURE, *QUICK_H264, "-an")
    targets = [(tmp_path / "poster.jpg", 1280), (tmp_path / "card.jpg", 160)]
    cut_posters(source, second, targets)
    sizes = [load(path).size for path, _ in targets]
    assert sizes == [(320, 180), (160, 90)]
    assert len(list(tmp_path.iterdir())) == 2


def test_a_poster_shows_its_second(films, tmp_path):
    parts = [
        "-f",
        "lavfi",
        "-i",
        "color=red:s=160x90:r=10:d=2",
        "-f",
        "lavfi",
        "-i",
        "color=blue:s=160x90:r=10:d=2",
    ]
    source = films("two.mp4", *parts, "-filter_complex", "concat", *QUICK_H264)
    for second, red in ((0.5, True), (1.8, True), (2.3, False), (3.9, False)):
        cut_posters(source, second, [(tmp_path / "poster.jpg", 160)])
        assert is_red(load(tmp_path / "poster.jpg").getpixel((80, 45))) is red


def test_no_poster_of_a_broken_film(tmp_path):
    source = tmp_path / "words.mp4"
    source.write_text("just words")
    with pytest.raises(CannotProcess):
        cut_posters(source, 0, [(tmp_path / "poster.jpg", 160)])
    assert list(tmp_path.iterdir()) == [source]


def load(path):
    with Image.open(path, formats=["JPEG"]) as picture:
        picture.load()
        return picture


def any_probe():
    return Probe(2.0, 320, 180, 15.0, True, 0, "h264", "aac", 320 * 180, 30)


def is_red(pixel):
    red, _, blue = pixel
    return red > 150 and blue < 100


def streams_of_any(path):
    with av.open(str(path)) as container:
        return [stream.type for stream in container.streams]
