"""Demo films are real films: they pass the same door as everybody's."""

import resource
import subprocess

import av
import pytest

from quilt.media.patches import fabric_of
from quilt.media.probe import probe_video
from quilt.media.samples import make_sample
from quilt.media.transcode import transcode_video

WORDS = {"title": "Hands that sign", "cause": "Deaf choir"}


def frames_of(path):
    with av.open(str(path)) as container:
        return [frame.to_image() for frame in container.decode(video=0)]


@pytest.mark.parametrize("size", [(1280, 720), (720, 1280)])
def test_a_sample_enters_like_any_film(tmp_path, size):
    path = tmp_path / "sample.mp4"
    spent = processor_seconds()
    make_sample(path, **WORDS, seconds=5, size=size)
    assert processor_seconds() - spent < 6
    probe = probe_video(path)
    assert (probe.width, probe.height, probe.has_audio) == (*size, True)
    assert probe.duration_s == pytest.approx(5, abs=0.1)
    result = transcode_video(path, tmp_path / "out.mp4", probe)
    assert (result.width, result.height) == size


def test_a_sample_moves_and_ends_with_its_patch_sewn(tmp_path):
    path = tmp_path / "sample.mp4"
    make_sample(path, **WORDS, seconds=2, size=(640, 360))
    frames = frames_of(path)
    assert len(frames) == 40
    assert share_of_ground(frames[1]) > share_of_ground(frames[-1]) + 0.1


def test_a_sample_sounds(tmp_path):
    path = tmp_path / "sample.mp4"
    make_sample(path, **WORDS, seconds=2, size=(320, 180))
    with av.open(str(path)) as container:
        waves = [memoryview(bytes(frame.planes[0])).cast("f") for frame in container.decode(audio=0)]
    loudest = max(max(wave) for wave in waves)
    assert 0.02 < loudest < 0.9


def test_the_same_arguments_give_the_same_film_and_another_seed_another(tmp_path):
    films = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        path = tmp_path / f"{name}.mp4"
        make_sample(path, **WORDS, seconds=1, size=(320, 180), seed=seed)
        films.append(path.read_bytes())
    assert films[0] == films[1] != films[2]


@pytest.mark.parametrize("words", [{"title": "", "cause": ""}, {"title": "W" * 300, "cause": "图书馆 " * 50}])
def test_any_words_will_do(tmp_path, words):
    path = tmp_path / "sample.mp4"
    make_sample(path, **words, seconds=1, size=(320, 180))
    assert probe_video(path).frame_count == 20


def test_a_place_that_cannot_be_written_is_an_error(tmp_path):
    with pytest.raises(subprocess.CalledProcessError):
        make_sample(tmp_path / "nowhere" / "sample.mp4", **WORDS, seconds=2, size=(640, 360))


def share_of_ground(frame):
    ground = fabric_of(WORDS["cause"]).ground
    wanted = tuple(int(ground[start : start + 2], 16) for start in (1, 3, 5))
    pixels = list(frame.crop((212, 114, 428, 330)).resize((60, 60)).get_flattened_data())
    near = [all(abs(a - b) < 24 for a, b in zip(pixel, wanted, strict=True)) for pixel in pixels]
    return sum(near) / len(near)


def processor_seconds():
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in both)
