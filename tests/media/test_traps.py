"""Files that name other files or addresses. Each trap is shown to be live where the guards are taken away."""

import subprocess

import av
import imageio_ffmpeg
import pytest

from quilt.media.probe import probe_video
from quilt.media.rules import NotAVideo, Probe
from quilt.media.signature import FORMAT_WHITELIST, PROTOCOL_WHITELIST, Container
from quilt.media.transcode import input_arguments, transcode_video
from tests.media.conftest import PICTURE, QUICK_H264, run_ffmpeg

PROBE = Probe(2.0, 320, 180, 15.0, True, 0, "h264", "aac", 320 * 180, 30)
UNGUARDED_HLS = ["-f", "hls", "-allowed_extensions", "ALL", "-extension_picky", "0"]


@pytest.fixture
def neighbour(tmp_path):
    """Another entrant's unpublished film, on the same disk."""
    path = tmp_path / "private.ts"
    assert run_ffmpeg(*PICTURE, *QUICK_H264, path) == 0
    return path


def playlist(address):
    return f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{address}\n#EXT-X-ENDLIST\n"


def test_a_playlist_named_mp4_does_not_show_the_neighbours_film(neighbour, tmp_path):
    trap, out = tmp_path / "leak.mp4", tmp_path / "out.mp4"
    trap.write_text(playlist(neighbour))
    assert run_ffmpeg(*UNGUARDED_HLS, "-i", trap, "-c", "copy", out) == 0
    assert out.stat().st_size > 1000, "the trap must work without our guards, or this test shows nothing"
    out.unlink()
    assert_refused(trap, out)


@pytest.mark.parametrize("demuxer", ["hls", "concat", "dash", "sdp", "image2", "lavfi", "mpegts"])
def test_the_format_list_refuses_even_if_the_first_bytes_were_believed(neighbour, tmp_path, demuxer):
    trap = tmp_path / "leak.mp4"
    trap.write_text(playlist(neighbour))
    arguments = input_arguments(trap, Container(demuxer, "deceived"))
    program = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error"]
    finished = subprocess.run(
        [*program, *arguments, "-f", "null", "-"], capture_output=True, timeout=20, check=False
    )
    assert finished.returncode != 0 and b"not on whitelist" in finished.stderr.lower()


@pytest.mark.parametrize("demuxer", ["mov", "matroska", "avi"])
def test_the_forced_format_refuses_even_without_the_list(neighbour, tmp_path, demuxer):
    trap, out = tmp_path / "leak.mp4", tmp_path / "out.mp4"
    trap.write_text(playlist(neighbour))
    assert run_ffmpeg("-f", demuxer, "-i", trap, "-c", "copy", out) != 0
    assert not out.exists() or out.stat().st_size == 0


@pytest.mark.parametrize(
    "head", [b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom\n", b"RIFF\x00\x00\x00\x00AVI \n"]
)
def test_a_playlist_behind_a_good_head_is_refused(neighbour, tmp_path, head):
    trap = tmp_path / "leak.mp4"
    trap.write_bytes(head + playlist(neighbour).encode())
    with pytest.raises(NotAVideo):
        probe_video(trap)


def traps_for(address):
    return {
        "hls": playlist(f"{address}/film.ts"),
        "concat": f"ffconcat version 1.0\nfile '{address}/film.mp4'\n",
        "dash": f'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"'
        f' mediaPresentationDuration="PT2S"><BaseURL>{address}/</BaseURL><Period>'
        '<AdaptationSet mimeType="video/mp4">'
        f'<Representation id="1" bandwidth="9"><BaseURL>film.mp4</BaseURL></Representation>'
        f"</AdaptationSet></Period></MPD>",
        "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n"
        "a=rtpmap:96 H264/90000\n",
        "address list": f"{address}/film.mp4\n",
    }


def test_no_file_makes_us_call_an_address(canary, tmp_path):
    tried = 0
    for name, content in traps_for(canary.address).items():
        trap = tmp_path / f"{name}.mp4"
        trap.write_text(content)
        assert_refused(trap, tmp_path / "out.mp4")
        tried += 1
    assert tried == 5 and canary.hits == []


def test_the_canary_would_have_heard_it(canary, tmp_path):
    trap = tmp_path / "hls.mp4"
    trap.write_text(traps_for(canary.address)["hls"])
    open_wide = ["-protocol_whitelist", "file,http,tcp"]
    assert run_ffmpeg(*open_wide, *UNGUARDED_HLS, "-i", trap, "-f", "null", "-") != 0
    assert len(canary.hits) >= 1


def test_the_protocol_list_refuses_an_address_as_input(canary):
    with pytest.raises(av.FFmpegError):
        av.open(f"{canary.address}/film.mp4", options={"protocol_whitelist": PROTOCOL_WHITELIST})
    assert canary.hits == []


def test_no_listed_format_reads_other_files():
    listed = FORMAT_WHITELIST.split(",")
    assert len(listed) >= 5 and not set(listed) & {
        "hls",
        "concat",
        "dash",
        "sdp",
        "image2",
        "lavfi",
        "applehttp",
    }
    assert PROTOCOL_WHITELIST == "file"


def assert_refused(trap, out):
    with pytest.raises(NotAVideo):
        probe_video(trap)
    with pytest.raises(NotAVideo):
        transcode_video(trap, out, PROBE)
    assert not out.exists()
