"""One browser for all modules, whose devices are each module's own, and a site for each module.

Modules whose site or browser is another one have their own of that name.
"""

import pytest

from tests.browser.chromium import lend, open_chromium
from tests.live import open_site


@pytest.fixture(scope="package")
def chromium():
    with open_chromium() as chromium:
        yield chromium


@pytest.fixture(scope="package")
def strict_chromium(chromium):
    """Opened after the other one, which so ends last: they share what drives them."""
    with open_chromium("--test-third-party-cookie-phaseout") as strict:
        yield strict


@pytest.fixture(scope="module")
def browser(chromium):
    with lend(chromium) as browser:
        yield browser


@pytest.fixture(scope="module")
def strict_browser(strict_chromium):
    """It blocks third-party cookies."""
    with lend(strict_chromium) as browser:
        yield browser


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with open_site(tmp_path_factory.mktemp("site"), workers=1) as site:
        yield site
