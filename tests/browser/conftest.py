"""A browser and a site for a module; modules whose site is another one have their own of that name."""

import pytest

from tests.browser.chromium import open_chromium
from tests.live import open_site


@pytest.fixture(scope="module")
def browser():
    with open_chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def strict_browser():
    """It blocks third-party cookies."""
    with open_chromium("--test-third-party-cookie-phaseout") as browser:
        yield browser


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with open_site(tmp_path_factory.mktemp("site"), workers=1) as site:
        yield site
