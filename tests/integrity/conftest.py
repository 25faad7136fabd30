import pytest

from quilt.contests.models import Contest
from quilt.database import db
from tests.factories import make_entry


@pytest.fixture
def entry(app):
    return make_entry()


@pytest.fixture
def contest(entry):
    return db.session.get(Contest, entry.contest_id)
