"""The container of a file, told from its first bytes alone: what ffmpeg may open it as, and nothing else."""

from dataclasses import dataclass
from pathlib import Path

from quilt.media.rules import EmptyFile, NoPicture, NotAFilm, NotAVideo

HEAD_LENGTH = 4096  # bytes to read from the start of a file before asking

# What any run of ffmpeg may open. None of these reads a second file or an address.
FORMAT_WHITELIST = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi"
PROTOCOL_WHITELIST = "file"


@dataclass(frozen=True)
class Container:
    """A kind of file we take: ffmpeg's name for its demuxer."""

    demuxer: str
    label: str


MOV = Container("mov", "MP4 or QuickTime")
MATROSKA = Container("matroska", "WebM or Matroska")
AVI = Container("avi", "AVI")

_MOV_ATOMS = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
_PHOTO_BRANDS = (
    b"heic",
    b"heix",
    b"heim",
    b"heis",
    b"hevc",
    b"mif1",
    b"msf1",
    b"avif",
    b"avis",
    b"crx ",
    b"jp2 ",
)
# Films that we do not take as they are: Windows Media, Flash, MPEG-PS and -1, Ogg. (MPEG-TS has a G every 188 bytes.)
_OTHER_FILMS = (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", b"FLV\x01", b"\0\0\1\xba", b"\0\0\1\xb3", b"OggS")
_SOUND_ONLY = (b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf1", b"fLaC", b"FORM", b"#!AMR", b"MThd")


def container_of(path: Path) -> Container:
    """The container of a file by its first bytes. Raises EmptyFile, NoPicture, NotAVideo or NotAFilm."""
    with path.open("rb") as file:
        return detect_container(file.read(HEAD_LENGTH))


def detect_container(head: bytes) -> Container:
    """The container of a file whose first bytes (HEAD_LENGTH of them, or all) are `head`.

    Raises EmptyFile, NoPicture for kinds that hold sound alone, NotAVideo for films of other
    kinds, NotAFilm for everything else.
    """
    if not head:
        raise EmptyFile
    if head[4:8] in _MOV_ATOMS and not _is_photo(head):
        return MOV
    if head.startswith(b"\x1a\x45\xdf\xa3") and any(kind in head[:128] for kind in (b"matroska", b"webm")):
        return MATROSKA
    if head.startswith(b"RIFF") and head[8:12] == b"AVI ":
        return AVI
    if head.startswith(_SOUND_ONLY) or (head.startswith(b"RIFF") and head[8:12] == b"WAVE"):
        raise NoPicture
    raise NotAVideo if head.startswith(_OTHER_FILMS) or head[188:189] == b"G" == head[:1] else NotAFilm


def is_cut_off(path: Path) -> bool:
    """Whether an MP4 or QuickTime file ends before the pictures and sounds that it announces (ISO 14496-12, 4.2).

    ffmpeg would make a shorter film of it without a word.
    """
    length = path.stat().st_size
    with path.open("rb") as file:
        start = 0
        while len(head := file.read(16)) >= 8:
            size, kind = int.from_bytes(head[:4], "big"), head[4:8]
            if size == 1:  # too large for four bytes
                size = int.from_bytes(head[8:], "big")
            if size < 8:  # 0: to the end of the file; any other is no size
                return False
            start += size
            if start > length:
                return kind == b"mdat"
            file.seek(start)
    return False


def _is_photo(head: bytes) -> bool:
    return head[4:8] == b"ftyp" and head[8:12] in _PHOTO_BRANDS
