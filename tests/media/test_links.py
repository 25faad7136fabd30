"""Which addresses name a video, and that nothing of what was pasted survives."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quilt.media.links import LinkRefused, NoVideoInLink, WrongHost, WrongScheme, parse_link

TUBE = "dQw4w9WgXcQ"


@pytest.mark.parametrize(
    "address",
    [
        f"https://www.youtube.com/watch?v={TUBE}",
        f"https://youtube.com/watch?v={TUBE}&t=42s&list=PLabc&index=3&si=xyz&pp=%3D%3D",
        f"https://www.youtube.com/watch?app=desktop&feature=shared&v={TUBE}#t=10",
        f"http://www.youtube.com/watch?v={TUBE}",
        f"https://m.youtube.com/watch?v={TUBE}",
        f"https://music.youtube.com/watch?v={TUBE}",
        f"https://youtu.be/{TUBE}",
        f"https://youtu.be/{TUBE}?si=abc&t=3",
        f"youtu.be/{TUBE}",
        f"www.youtube.com/watch?v={TUBE}",
        f"https://www.youtube.com/shorts/{TUBE}",
        f"https://youtube.com/shorts/{TUBE}?feature=share",
        f"https://www.youtube.com/embed/{TUBE}?start=3",
        f"https://www.youtube.com/live/{TUBE}?si=abc",
        f"https://www.youtube.com/v/{TUBE}",
        f"https://www.youtube-nocookie.com/embed/{TUBE}",
        f"  HTTPS://WWW.YouTube.COM/watch?v={TUBE}\n",
    ],
)
def test_youtube(address):
    video = parse_link(address)
    assert (video.provider, video.video_id) == ("youtube", TUBE)
    assert video.embed_url == f"https://www.youtube-nocookie.com/embed/{TUBE}"
    assert video.watch_url == f"https://www.youtube.com/watch?v={TUBE}"


@pytest.mark.parametrize(
    "address",
    [
        "https://vimeo.com/76979871",
        "https://www.vimeo.com/76979871?share=copy#t=3",
        "vimeo.com/76979871",
        "https://player.vimeo.com/video/76979871?dnt=1&title=0",
        "https://vimeo.com/channels/staffpicks/76979871",
        "https://vimeo.com/groups/some-name/videos/76979871",
        "https://vimeo.com/album/123/video/76979871",
        "https://vimeo.com/showcase/123/video/76979871",
    ],
)
def test_vimeo(address):
    video = parse_link(address)
    assert (video.provider, video.video_id) == ("vimeo", "76979871")
    assert video.embed_url == "https://player.vimeo.com/video/76979871?dnt=1"
    assert video.watch_url == "https://vimeo.com/76979871"


@pytest.mark.parametrize(
    "address",
    [
        "https://vimeo.com/76979871/8f3a2b1c9d",
        "https://vimeo.com/76979871?h=8f3a2b1c9d",
        "https://player.vimeo.com/video/76979871?h=8f3a2b1c9d&app_id=1",
    ],
)
def test_unlisted_vimeo_keeps_its_second_half(address):
    video = parse_link(address)
    assert video.embed_url == "https://player.vimeo.com/video/76979871?h=8f3a2b1c9d&dnt=1"
    assert video.watch_url == "https://vimeo.com/76979871/8f3a2b1c9d"


@pytest.mark.parametrize(
    "address",
    [
        "",
        "hello",
        "file:///etc/passwd",
        "gopher://youtube.com/watch?v=dQw4w9WgXcQ",
        "ftp://youtu.be/dQw4w9WgXcQ",
        "data:text/html,<script>alert(1)</script>",
        "javascript:alert(1)//https://youtu.be/dQw4w9WgXcQ",
        "//youtu.be/dQw4w9WgXcQ",
        "ttps://youtu.be/dQw4w9WgXcQ",
    ],
)
def test_other_schemes(address):
    with pytest.raises(WrongScheme) as refused:
        parse_link(address)
    assert "https" in str(refused.value)


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:5432/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://127.1/",
        "http://①②⑦.⓪.⓪.①/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[2002:7f00:1::]/",
        "http://169.254.169.254/latest/meta-data/",
        "http://100.64.0.1/",
        "http://[fd00:ec2::254]/",
        "http://[broken/",
        "https:///watch?v=dQw4w9WgXcQ",
        "https:youtu.be/dQw4w9WgXcQ",
        "https://localhost/",
        "https://evil.test/watch?v=dQw4w9WgXcQ",
        "https://youtube.com.evil.test/watch?v=dQw4w9WgXcQ",
        "https://evilyoutube.com/watch?v=dQw4w9WgXcQ",
        "https://www.youtube.com@evil.test/watch?v=dQw4w9WgXcQ",
        "https://evil.test#@www.youtube.com/watch?v=dQw4w9WgXcQ",
        "https://evil.test\\@www.youtube.com/watch?v=dQw4w9WgXcQ",
        "https://user:word@www.youtube.com/watch?v=dQw4w9WgXcQ",
        "https://www.youtube.com:8443/watch?v=dQw4w9WgXcQ",
        "https://www.youtube.com./watch?v=dQw4w9WgXcQ",
        "https://www.yоutube.com/watch?v=dQw4w9WgXcQ",
        "https://www.youtube.com/watch?v=dQw4w9WgXcQ\nHost: evil.test",
        "https://youtu.be/dQw4w9 WgXcQ",
    ],
)
def test_other_hosts_and_disguises(address):
    with pytest.raises(WrongHost) as refused:
        parse_link(address)
    assert "YouTube or Vimeo" in str(refused.value)


@pytest.mark.parametrize(
    "address",
    [
        "https://www.youtube.com/",
        "https://www.youtube.com/watch",
        "https://www.youtube.com/watch?v=short",
        "https://www.youtube.com/watch?v=dQw4w9WgXcQQ",
        "https://www.youtube.com/watch?v=dQw4w9WgXc%22",
        "https://www.youtube.com/playlist?list=PLabcdefghij",
        "https://www.youtube.com/embed/videoseries?list=PL",
        "https://www.youtube.com/embed/live_stream?channel=UC",
        "https://www.youtube.com/@someone",
        "https://www.youtube.com/redirect?q=https://evil.test/dQw4w9WgXcQ",
        "https://youtu.be/",
        "https://youtu.be/a/b",
        "https://vimeo.com/",
        "https://vimeo.com/about",
        "https://vimeo.com/76979871/settings",
        "https://vimeo.com/0",
        "https://vimeo.com/channels/staffpicks",
        "https://player.vimeo.com/video/abc",
        "https://vimeo.com/76979871?h=<script>",
        "https://www.youtube.com/watch?" + "a=1&" * 60 + f"v={TUBE}",
        "https://youtu.be/" + "a" * 100_000,
    ],
)
def test_pages_without_one_video(address):
    with pytest.raises(NoVideoInLink) as refused:
        parse_link(address)
    assert "open the video itself" in str(refused.value)


CLEAN = re.compile(
    r"https://(www\.youtube-nocookie\.com/embed/[\w-]{11}|player\.vimeo\.com/video/\d+\?(h=[0-9a-f]+&)?dnt=1)",
    re.ASCII,
)


@given(
    st.sampled_from(["https://youtu.be/", "https://www.youtube.com/watch?v=", "https://vimeo.com/", ""]),
    st.text(max_size=30),
)
@settings(max_examples=300, deadline=None)
def test_any_text_is_refused_or_gives_a_clean_address(start, text):
    try:
        video = parse_link(start + text)
    except LinkRefused:
        return
    assert CLEAN.fullmatch(video.embed_url)
