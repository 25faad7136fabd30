"""Real files, made on the spot by the same ffmpeg that the product runs."""

import struct
import subprocess
import threading
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import imageio_ffmpeg
import pytest

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
PICTURE = ["-f", "lavfi", "-i", "testsrc2=s=320x180:r=15:d=2"]
SOUND = ["-f", "lavfi", "-i", "sine=440:d=2"]
QUICK_H264 = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"]


def run_ffmpeg(*arguments, timeout=30):
    """Plain ffmpeg with no guard at all; returns its code."""
    command = [FFMPEG, "-y", "-nostdin", "-v", "error", *map(str, arguments)]
    return subprocess.run(command, timeout=timeout, capture_output=True, check=False).returncode


@pytest.fixture(scope="session")
def films(tmp_path_factory):
    """Makes each film once a session: `films("good.mp4", *arguments)` gives its path."""
    folder = tmp_path_factory.mktemp("films")
    made = {}

    def make(name, *arguments):
        if (name, arguments) not in made:
            path = folder / f"{len(made)}-{name}"
            assert run_ffmpeg(*arguments, path) == 0
            made[name, arguments] = path
        return made[name, arguments]

    return make


@pytest.fixture(scope="session")
def good_mp4(films):
    return films("good.mp4", *PICTURE, *SOUND, *QUICK_H264, "-c:a", "aac")


class Canary:
    """A real web server on loopback that counts who comes by."""

    def __init__(self):
        canary = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                canary.hits.append(self.path)
                self.send_error(404)

            def log_message(self, *_):
                """A test run stays quiet."""

        self.hits = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def canary():
    with Canary() as server:
        yield server


@pytest.fixture(scope="session")
def giant_mkv(tmp_path_factory):
    """One picture of 16,000 × 16,000 in a few hundred kilobytes: 256 MB of grey once decoded."""
    folder = tmp_path_factory.mktemp("giant")
    still, film = folder / "giant.png", folder / "giant.mkv"
    write_grey_png(still, 16_000)
    copied = run_ffmpeg("-f", "png_pipe", "-framerate", "1", "-i", still, "-c", "copy", film, timeout=60)
    assert copied == 0
    return film


def write_grey_png(path, side):
    """A black PNG of side × side pixels, written row by row so that the test itself stays small."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    packer = zlib.compressobj(1)
    rows = b"".join(packer.compress(bytes(side + 1)) for _ in range(side)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )
