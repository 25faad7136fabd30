import secrets

import pytest

from quilt.config import Settings
from quilt.jobs.queue import Job
from tests.conftest import NOW


@pytest.fixture
def job(settings: Settings) -> Job:
    return Job(settings, lambda: NOW, secrets.token_bytes)
