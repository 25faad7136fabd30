"""Who is a robot: lists of robots count nobody, lists of browsers lose nobody; what was looked at is printed."""

import json
from importlib.resources import files

import pytest
from crawleruseragents import CRAWLER_USER_AGENTS_DATA

from quilt.spread.counting import NonceState, NotCounted, VisitFacts, find_objection
from quilt.web.robots import is_robot

# On the list of crawlers, and yet a person's: an app's own browser, a phone's build number, a window of an editor.
PEOPLE_AMONG_CRAWLERS = (
    "Instagram 406.0.0.58.159 Android",
    "MetaIAB Facebook",
    "Code/1.115.0 Chrome/",
    "Trae/1.107.1 Chrome/",
    "Fluid/0.9.6 Safari/",
    "TSM-turingos-1253296984",
)
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_3_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
ANDROID = "Mozilla/5.0 (Linux; Android 14; {}; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 "
CHROME = "Chrome/134.0.6998.39 Mobile Safari/537.36"
IN_APPS = {
    "Instagram on iOS": IPHONE
    + "Mobile/15E148 Instagram 370.0.0.25.84 (iPhone15,2; iOS 18_3_2; de_DE; de; scale=3.00; 1179x2556)",
    "Instagram on Android": ANDROID.format("CPH2557 Build/AP3A.240617.008")
    + f"{CHROME} Instagram 370.0.0.32.80 Android (34/14; 480dpi; 1080x2400; OPPO; CPH2557; IABMV/1)",
    "Facebook on iOS": IPHONE
    + "Mobile/15E148 [FBAN/FBIOS;FBAV/505.0.0.43.90;FBDV/iPhone15,2;FBLC/de_DE;FBOP/80]",
    "Facebook on Android": ANDROID.format("SM-S921B") + f"{CHROME} [FB_IAB/FB4A;FBAV/505.0.0.56.77;]",
    "Facebook's newer browser": ANDROID.format("Pixel 8") + f"{CHROME} MetaIAB Facebook",
    "Messenger": IPHONE + "Mobile/15E148 [FBAN/MessengerForiOS;FBAV/500.0.0.34.106;FBDV/iPhone15,2]",
    "TikTok on Android": ANDROID.format("SM-A546B")
    + f"{CHROME} trill_390003 JsSdk/1.0 NetType/WIFI AppName/musical_ly ByteLocale/de BytedanceWebview/d8a21c6",
    "TikTok on iOS": IPHONE
    + "Mobile/15E148 musical_ly_38.9.0 BytedanceWebview/d8a21c6 NetType/WIFI Channel/App Store",
    "LINE on iOS": IPHONE + "Safari Line/15.2.1",
    "LINE on Android": ANDROID.format("SO-53D") + f"{CHROME} Line/15.2.1/IAB",
    "LinkedIn": IPHONE + "Mobile/15E148 [LinkedInApp]/9.31.118",
    "Pinterest": IPHONE + "Mobile/15E148 [Pinterest/iOS]",
    "Snapchat": IPHONE + "Version/18.3 Mobile/15E148 Snapchat/13.30.0.41 (like Safari/8620.2.4, panda)",
    "Threads": IPHONE + "Mobile/15E148 Barcelona 370.0.0.25.84 (iPhone15,2; iOS 18_3_2; de_DE)",
    "WeChat": IPHONE + "Mobile/15E148 MicroMessenger/8.0.56(0x1800382d) NetType/WIFI Language/en",
    "KakaoTalk": ANDROID.format("SM-S921N") + f"{CHROME};KAKAOTALK 2410050",
    "Google's app": IPHONE + "GSA/360.1.735 Mobile/15E148 Safari/604.1",
    "a CUBOT phone": ANDROID.format("CUBOT_X30") + CHROME,
    "another CUBOT phone": f"Mozilla/5.0 (Linux; Android 9; CUBOT MAX 3) AppleWebKit/537.36 (KHTML, like Gecko) {CHROME}",
}
ROBOTS = (
    "Dalvik/2.1.0 (Linux; U; Android 14; SM-S921B Build/UP1A.231005.007)",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/134.0 Safari/537.36",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X) AppleWebKit/537.36 Chrome/134.0 Mobile Safari/537.36 (compatible; Googlebot/2.1)",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/49.0 Safari/537.36 Google Favicon",
    "Mozilla/5.0 (compatible; GPTBot/1.2; +https://openai.com/gptbot)",
)  # fmt: skip


def judge(user_agent: str) -> NotCounted | None:
    """The verdict on a beacon that is good but for who sends it."""
    facts = VisitFacts(
        "POST", user_agent, is_own_origin=True, is_visible=True, dwell_ms=1500, nonce=NonceState.FRESH
    )
    return find_objection(facts, is_robot)


def list_crawlers() -> list[str]:
    return [agent for robot in CRAWLER_USER_AGENTS_DATA for agent in robot["instances"]]


def list_browsers() -> list[str]:
    """What people's browsers said of themselves on busy sites."""
    lines = (files("fake_useragent") / "data" / "browsers.jsonl").read_text().splitlines()
    return sorted({json.loads(line)["useragent"].strip('"') for line in lines})


def test_no_known_crawler_is_counted() -> None:
    crawlers = list_crawlers()
    robots = [agent for agent in crawlers if not any(mark in agent for mark in PEOPLE_AMONG_CRAWLERS)]
    print(f"{len(robots)} crawlers")
    assert len(robots) > 2000 and len(crawlers) - len(robots) == len(PEOPLE_AMONG_CRAWLERS)
    assert [agent for agent in robots if judge(agent) is None] == []


def test_no_person_s_browser_is_lost() -> None:
    browsers = list_browsers()
    print(f"{len(browsers)} browsers")
    assert len(browsers) > 500
    assert [agent for agent in browsers if judge(agent) is not None] == []


def test_people_on_the_list_of_crawlers_are_counted() -> None:
    people = [agent for agent in list_crawlers() if any(mark in agent for mark in PEOPLE_AMONG_CRAWLERS)]
    assert len(people) == len(PEOPLE_AMONG_CRAWLERS)
    assert [agent for agent in people if judge(agent) is not None] == []


@pytest.mark.parametrize("app", IN_APPS)
def test_browsers_inside_apps_are_people(app: str) -> None:
    assert judge(IN_APPS[app]) is None


@pytest.mark.parametrize("user_agent", ROBOTS)
def test_robots_that_look_like_people_are_found(user_agent: str) -> None:
    assert judge(user_agent) is NotCounted.ROBOT
