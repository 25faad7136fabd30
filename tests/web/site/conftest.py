from tests.media.conftest import films, good_mp4  # noqa: F401 a real video, made once
