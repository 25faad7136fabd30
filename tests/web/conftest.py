"""An issuer for the tests of a process, which behaves at the beginning of each."""

from collections.abc import Iterator

import pytest

from tests.issuer import Issuer, forget_documents
from tests.stub_server import StubServer, open_stub, say


@pytest.fixture(scope="session")
def issuing_server() -> Iterator[StubServer]:
    with open_stub(say("not yet")) as server:
        yield server


@pytest.fixture
def issuer(issuing_server: StubServer) -> Issuer:
    forget_documents()
    issuing_server.asked.clear()
    return Issuer.at(issuing_server)
