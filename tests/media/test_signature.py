"""The first bytes decide what a file may be opened as."""

import sys
import zipfile

import pytest

from quilt.media.rules import EmptyFile, NoPicture, NotAFilm, NotAVideo
from quilt.media.signature import AVI, MATROSKA, MOV, container_of, detect_container
from tests.media.conftest import PICTURE, QUICK_H264

EBML = b"\x1a\x45\xdf\xa3"


@pytest.mark.parametrize(
    ("head", "container"),
    [
        (b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00", MOV),
        (b"\x00\x00\x00\x14ftypqt  \x00\x00\x00\x00", MOV),
        (b"\x00\x00\x00\x18ftyp3gp4\x00\x00\x00\x00", MOV),
        (b"\x00\x00\x00\x08wide\x00\x00\x00\x00mdat", MOV),
        (EBML + b"\x9fB\x86\x81\x01B\x82\x84webm", MATROSKA),
        (EBML + b"\xa3B\x86\x81\x01B\x82\x88matroska", MATROSKA),
        (b"RIFF\x00\x00\x00\x00AVI LIST", AVI),
    ],
)
def test_containers_we_take(head, container):
    assert detect_container(head) is container


@pytest.mark.parametrize(
    ("head", "refusal"),
    [
        (b"", EmptyFile),
        (b"\x00", NotAVideo),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00", NotAVideo),
        (b"\x00\x00\x00\x18ftypavif\x00\x00\x00\x00", NotAVideo),
        (EBML + b"\x9fB\x86\x81\x01B\x82\x84oops", NotAVideo),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", NotAVideo),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", NoPicture),
        (b"ID3\x04\x00", NoPicture),
        (b"fLaC\x00", NoPicture),
        (b"#EXTM3U\n#EXTINF:2\nother.ts\n", NotAVideo),
        (b"ffconcat version 1.0\nfile 'other.mp4'\n", NotAVideo),
        (b'<?xml version="1.0"?><MPD>', NotAVideo),
        (b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\n", NotAVideo),
        (b"%PDF-1.7\n", NotAVideo),
        (b"just words, no pictures", NotAVideo),
    ],
)
def test_everything_else_is_refused(head, refusal):
    with pytest.raises(refusal):
        detect_container(head)


def test_real_files_of_each_kind(films):
    kinds = {"a.mp4": MOV, "a.mov": MOV, "a.3gp": MOV, "a.mkv": MATROSKA, "a.avi": AVI}
    for name, container in kinds.items():
        options = QUICK_H264 if not name.endswith("avi") else ["-c:v", "mpeg4"]
        assert container_of(films(name, *PICTURE, *options, "-an")) is container
    assert container_of(films("a.webm", *PICTURE, "-c:v", "libvpx", "-deadline", "realtime")) is MATROSKA


def test_programs_and_archives_named_mp4_are_refused(tmp_path):
    program = tmp_path / "program.mp4"
    with open(sys.executable, "rb") as source:
        program.write_bytes(source.read(10_000))
    archive = tmp_path / "archive.mp4"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("film.mp4", b"\x00\x00\x00\x18ftypmp42")
    for path in (program, archive):
        with pytest.raises(NotAVideo):
            container_of(path)


@pytest.mark.parametrize(
    "head",
    [
        b"\x30\x26\xb2\x75\x8e\x66\xcf\x11",
        b"FLV\x01\x05",
        b"\0\0\1\xba",
        b"OggS\0\2",
        (b"G" + bytes(187)) * 2,
    ],
    ids=["asf", "flv", "mpeg-ps", "ogg", "mpeg-ts"],
)
def test_films_of_other_kinds_are_called_films(head):
    with pytest.raises(NotAVideo) as refused:
        detect_container(head)
    assert "MP4 (H.264)" in refused.value.message


@pytest.mark.parametrize("head", [b"Dear diary", b"G", b"Gone with the wind. " * 20, b"\x7fELF" + bytes(300)])
def test_what_is_no_film_is_told_so(head):
    with pytest.raises(NotAFilm) as refused:
        detect_container(head)
    assert refused.value.message.startswith("This is not a film.") and "MP4" not in refused.value.message
