import pytest
from hypothesis import given
from hypothesis import strategies as st

from quilt.spread.attribution import (
    CHANNEL_ALIASES,
    CHANNEL_HOSTS,
    CHANNELS,
    FollowedLink,
    LinkKind,
    Parent,
    clean_channel,
    find_channel,
    find_parent,
)

ENTRY = 5


def link(kind: LinkKind = LinkKind.ARRIVAL, entry_id: int = ENTRY, **facts: object) -> FollowedLink:
    return FollowedLink(kind, entry_id, **{"arrival_id": 70, "depth": 3, **facts})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("followed", "parent"),
    [
        (None, Parent(None, "wa", 1)),
        (link(), Parent(70, "wa", 4)),
        (link(depth=100_000), Parent(70, "wa", 100_001)),
        (link(entry_id=6), Parent(None, "wa", 1)),
        (link(is_excluded=True), Parent(None, "wa", 1)),
        (link(arrival_id=None), Parent(None, "wa", 1)),
        (link(LinkKind.ENTRY), Parent(None, "wa", 1)),
        (link(LinkKind.NAMED, name="Mail to the clinic"), Parent(None, "mail-to-the-clin", 1)),
        (link(LinkKind.NAMED, name="メール"), Parent(None, "wa", 1)),
        (link(LinkKind.EMBED), Parent(None, "embed", 1)),
        (link(LinkKind.EMBED, entry_id=6), Parent(None, "wa", 1)),
        (link(LinkKind.NAMED, name="clinic", entry_id=6), Parent(None, "wa", 1)),
    ],
)
def test_the_parent_of_an_arrival(followed: FollowedLink | None, parent: Parent) -> None:
    assert find_parent(followed, ENTRY, "wa", "www.facebook.com") == parent


@pytest.mark.parametrize(
    ("tag", "host", "channel"),
    [
        ("wa", "t.co", "wa"),
        ("", "t.co", "x"),
        ("!!!", "t.co", "x"),
        ("", "", ""),
        ("", "blog.example", "web"),
    ],
)
def test_the_referring_host_stands_in_for_a_missing_tag(tag: str, host: str, channel: str) -> None:
    assert find_parent(link(), ENTRY, tag, host).channel == channel


@pytest.mark.parametrize(
    ("text", "channel"),
    [
        ("wa", "wa"),
        (" WA ", "wa"),
        ("WhatsApp", "wa"),
        ("e-mail", "mail"),
        ("newsletter-may", "newsletter-may"),
        ("News letter", "news-letter"),
        ("a" * 40, "a" * 16),
        ("abcdefghijklmno--z", "abcdefghijklmno"),
        ("--", ""),
        ("", ""),
        ("<script>", "script"),
        ("\x00\ud800", ""),
    ],
)
def test_channels_are_cleaned(text: str, channel: str) -> None:
    assert clean_channel(text) == channel


@given(st.text())
def test_any_text_becomes_a_short_tag_and_stays_so(text: str) -> None:
    channel = clean_channel(text)
    assert len(channel) <= 16
    assert set(channel) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert clean_channel(channel) == channel


@pytest.mark.parametrize(
    ("host", "channel"),
    [
        ("t.co", "x"),
        ("l.facebook.com", "fb"),
        ("WWW.Instagram.com.", "ig"),
        ("notfacebook.com", "web"),
        ("facebook.com.evil.example", "web"),
        ("com", "web"),
        ("localhost", "web"),
        (" ", ""),
        ("mail.google.com", "mail"),
        ("www.google.com", "web"),
    ],
)
def test_hosts_name_their_channel(host: str, channel: str) -> None:
    assert find_channel(host) == channel


def test_every_alias_and_host_leads_to_a_known_channel() -> None:
    checked = [*CHANNEL_ALIASES.values(), *CHANNEL_HOSTS.values()]
    assert len(checked) > 30
    assert set(checked) <= set(CHANNELS)
    assert all(clean_channel(tag) == tag for tag in CHANNELS)
