from dataclasses import replace
from typing import Any

import pytest

from quilt.spread.counting import (
    NonceState,
    NotCounted,
    VisitFacts,
    find_objection,
    is_preview_fetcher,
    visitor_key,
)
from quilt.web.robots import is_robot as is_known_robot

PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
ANDROID = "Mozilla/5.0 (Linux; Android 13; {}) AppleWebKit/537.36 (KHTML, like Gecko) {}Chrome/117.0 Mobile "
DESKTOP = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

PEOPLE = [
    DESKTOP,
    PHONE + "Version/17.0 Mobile/15E148 Safari/604.1",
    ANDROID.format("CUBOT X30", "") + "Safari/537.36",
    ANDROID.format("CUBOT_NOTE_S", "") + "Safari/537.36",
    PHONE + "Mobile/15E148 [FBAN/FBIOS;FBAV/430.0.0.23.113;FBBV/1;FBDV/iPhone14,5;FBLC/de_DE]",
    ANDROID.format("SM-A536B; wv", "Version/4.0 ") + "Safari/537.36 [FB_IAB/FB4A;FBAV/430.0.0.23.113;]",
    PHONE + "Mobile/21A329 Instagram 300.0.0.9.120 (iPhone14,5; iOS 17_0; de_DE; scale=3.00; 1170x2532; 1)",
    PHONE + "Mobile/15E148 Barcelona 300.0.0.0.1 (iPhone14,5; iOS 17_0; de_DE)",
    ANDROID.format("wv", "Version/4.0 ")
    + "Safari/537.36 musical_ly_310503 AppName/musical_ly BytedanceWebview/d8",
    PHONE + "Mobile/15E148 Safari Line/13.14.0",
    PHONE + "Mobile/15E148 [LinkedInApp]/9.29.1",
    PHONE + "Version/17.0 Mobile/15E148 Twitter for iPhone/10.10",
    PHONE + "Mobile/20A362 [Pinterest/iOS]",
    PHONE + "Version/16.0 Mobile/15E148 Snapchat/12.50.0.38 (like Safari/8615.3.12.0.3, panda)",
    ANDROID.format("Pixel 6; wv", "Version/4.0 ") + "Safari/537.36;KAKAOTALK 2410050",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/120.0 Electron/28 Slack/4.35",
    ANDROID.format("wv", "Version/4.0 ") + "Safari/537.36 GSA/14.38",
]

PREVIEWS = [
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_11_1) AppleWebKit/601.2.4 (KHTML, like Gecko) "
        "Version/9.0.1 Safari/601.2.4 facebookexternalhit/1.1 Facebot Twitterbot/1.0"
    ),
    "Twitterbot/1.0",
    "WhatsApp/2.23.20.0 A",
    "WhatsApp/2",
    "WhatsApp",
    "TelegramBot (like TwitterBot)",
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "Slack-ImgProxy (+https://api.slack.com/robots)",
    "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)",
    "LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)",
    "Mozilla/5.0 (compatible; redditbot/1.0; +http://www.reddit.com/feedback)",
    "Bluesky Cardyb/1.1; +mailto:support@bsky.app",
    "Mozilla/5.0 (compatible; Bluesky Cardyb/1.1; +mailto:support@bsky.app)",
    "http.rb/5.1.1 (Mastodon/4.2.1; +https://mastodon.social/)",
    "Mastodon/4.3.0 (http.rb/5.2.0; +https://social.example/)",
    "Pleroma 2.4.0; https://social.example <admin@social.example>",
    "Akkoma 3.10.4; https://social.example",
    "Misskey/13.14.2 (https://social.example)",
    "SummalyBot/5.0.0",
    "Lemmy/0.19.3; +https://lemmy.example",
    "Friendica 'Interrupted Fern' 2023.12; https://social.example",
    "Viber",
    "Viber/13.3.0.5 CFNetwork/1333.0.4 Darwin/21.5.0",
    "facebookexternalhit/1.1;line-poker/1.0",
    "facebookexternalhit/1.1; kakaotalk-scrap/1.0; +https://devtalk.kakao.com/",
    "Snap URL Preview Service; bot; snapchat; https://developers.snap.com/robots",
    "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5 skype-url-preview@microsoft.com",
    "Mozilla/5.0 (compatible; Pinterestbot/1.0; +http://www.pinterest.com/bot.html)",
    "Synapse (bot; +https://github.com/matrix-org/synapse)",
    "Iframely/1.3.1 (+https://iframely.com/docs/about)",
    "Mozilla/5.0 (compatible; vkShare; +http://vk.com/dev/Share)",
    "Rocket.Chat",
]

GOOD = VisitFacts(
    method="POST",
    user_agent=DESKTOP,
    is_own_origin=True,
    is_visible=True,
    dwell_ms=1000,
    nonce=NonceState.FRESH,
)
FORM = VisitFacts(method="POST", user_agent=DESKTOP, is_own_origin=True, is_form=True)


def is_robot(user_agent: str) -> bool:
    return "archive" in user_agent


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({}, None),
        ({"method": "post"}, None),
        ({"dwell_ms": 3_600_000}, None),
        ({"method": "GET"}, NotCounted.METHOD),
        ({"method": "HEAD"}, NotCounted.METHOD),
        ({"method": ""}, NotCounted.METHOD),
        ({"user_agent": ""}, NotCounted.EMPTY_AGENT),
        ({"user_agent": "  "}, NotCounted.EMPTY_AGENT),
        ({"user_agent": "archive/1"}, NotCounted.ROBOT),
        ({"user_agent": "WhatsApp/2.23"}, NotCounted.PREVIEW),
        ({"sec_purpose": "prefetch"}, NotCounted.PREFETCH),
        ({"sec_purpose": "prefetch;prerender"}, NotCounted.PREFETCH),
        ({"purpose": "Prefetch"}, NotCounted.PREFETCH),
        ({"purpose": "preview"}, NotCounted.PREFETCH),
        ({"x_moz": "prefetch"}, NotCounted.PREFETCH),
        ({"is_own_origin": False}, NotCounted.FOREIGN_ORIGIN),
        ({"is_prerendering": True}, NotCounted.PRERENDERED),
        ({"is_visible": False}, NotCounted.HIDDEN),
        ({"dwell_ms": None}, NotCounted.TOO_QUICK),
        ({"dwell_ms": 999}, NotCounted.TOO_QUICK),
        ({"dwell_ms": -5}, NotCounted.TOO_QUICK),
        ({"nonce": NonceState.MISSING}, NotCounted.NONCE_MISSING),
        ({"nonce": NonceState.FORGED}, NotCounted.NONCE_FORGED),
        ({"nonce": NonceState.USED}, NotCounted.NONCE_USED),
        ({"nonce": NonceState.EXPIRED}, NotCounted.NONCE_EXPIRED),
        ({"user_agent": "WhatsApp/2", "is_own_origin": False, "nonce": NonceState.USED}, NotCounted.PREVIEW),
        ({"method": "GET", "user_agent": ""}, NotCounted.METHOD),
    ],
)
def test_the_beacon_is_judged(change: dict[str, Any], verdict: NotCounted | None) -> None:
    facts = replace(GOOD, **change)
    assert find_objection(facts, is_robot) is verdict


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({}, None),
        ({"method": "GET"}, NotCounted.METHOD),
        ({"user_agent": "archive/1"}, NotCounted.ROBOT),
        ({"is_own_origin": False}, NotCounted.FOREIGN_ORIGIN),
    ],
)
def test_a_form_needs_no_beacon(change: dict[str, Any], verdict: NotCounted | None) -> None:
    assert find_objection(replace(FORM, **change), is_robot) is verdict


def test_every_nonce_state_but_fresh_is_refused() -> None:
    refused = [state for state in NonceState if find_objection(replace(GOOD, nonce=state), is_robot)]
    assert len(refused) == len(NonceState) - 1 > 0


@pytest.mark.parametrize("user_agent", PEOPLE)
def test_people_are_counted(user_agent: str) -> None:
    assert not is_preview_fetcher(user_agent)
    assert find_objection(replace(GOOD, user_agent=user_agent), is_known_robot) is None


@pytest.mark.parametrize("user_agent", PREVIEWS)
def test_preview_fetchers_are_known(user_agent: str) -> None:
    assert is_preview_fetcher(user_agent)
    assert is_preview_fetcher(user_agent.upper())
    assert find_objection(replace(GOOD, user_agent=user_agent), is_known_robot) is NotCounted.PREVIEW


def test_the_lists_are_long_enough_to_mean_something() -> None:
    print(f"{len(PEOPLE)} people, {len(PREVIEWS)} preview fetchers")
    assert len(PEOPLE) >= 15 and len(PREVIEWS) >= 30


SALT = bytes(range(32))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("192.0.2.1", " 192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("", "", True),
        ("unix:", "", False),
    ],
)
def test_addresses_are_cut_to_what_one_household_holds(one: str, other: str, same: bool) -> None:
    assert (visitor_key(SALT, 1, one, "ua") == visitor_key(SALT, 1, other, "ua")) is same


def test_each_part_changes_the_pseudonym() -> None:
    keys = [
        visitor_key(SALT, 1, "192.0.2.1", "ua"),
        visitor_key(SALT[::-1], 1, "192.0.2.1", "ua"),
        visitor_key(SALT, 2, "192.0.2.1", "ua"),
        visitor_key(SALT, 1, "192.0.2.12", "ua"),
        visitor_key(SALT, 1, "192.0.2.1", "2ua"),
        visitor_key(SALT, 1, "192.0.2.1", ""),
        visitor_key(SALT, 1, "192.0.2.1", "\udcff\U0001f9f5"),
    ]
    assert len(set(keys)) == len(keys) == 7
    assert {len(key) for key in keys} == {8}


@pytest.mark.parametrize("salt", [b"", bytes(15), bytes(65)])
def test_a_salt_of_the_wrong_length_is_refused(salt: bytes) -> None:
    with pytest.raises(ValueError):
        visitor_key(salt, 1, "192.0.2.1", "ua")
