"""What every test of the API begins with."""

import pytest
from flask import Flask

from quilt.config import Settings
from tests.web.api.seeds import Seed, make_seed


@pytest.fixture
def seed(app: Flask, settings: Settings) -> Seed:
    """An open contest with one published entry and one that waits."""
    return make_seed(settings)
