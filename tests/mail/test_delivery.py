"""Mail through a real SMTP server on the loopback: sent once, tried again, never twice, never split."""

import email
import email.policy
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from flask import Flask
from sqlalchemy import select

from quilt.config import Settings
from quilt.database import db, transaction
from quilt.letters import letter
from quilt.mail import LEASE, MOST_ATTEMPTS, MailMessage, deliver, deliver_due, list_kept, put_in_outbox
from tests.conftest import NOW

LETTER = letter("vote_code", site_name="Quilt", base_url="https://q.example", code="01234567", minutes=10,
                title="Zoë’s bus – ein Blumenstrauß", entry_id=7, link_key="x")  # fmt: skip


class Sink:
    """Keeps what it is handed; `answer` is what it says to the next letters."""

    def __init__(self) -> None:
        self.letters: list[tuple[list[str], EmailMessage]] = []
        self.answer = "250 OK"
        self.sessions = 0

    async def handle_EHLO(
        self, _server: SMTP, session: Session, _envelope: Envelope, name: str, answers: list[str]
    ) -> list[str]:
        session.host_name = name
        self.sessions += 1
        return answers

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if self.answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.answer

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.letters.append((envelope.rcpt_tos, message))
        return "250 OK"


@pytest.fixture
def sink() -> Iterator[Sink]:
    handler = Sink()
    controller = Controller(handler, hostname="127.0.0.1", port=free_port(), enable_SMTPUTF8=True)
    controller.start()
    handler.url = f"smtp://127.0.0.1:{controller.port}"
    yield handler
    controller.stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def put(recipient: str = "ana@example.org", subject: str = LETTER.subject) -> int:
    with transaction() as session:
        put_in_outbox(session, replace(LETTER, subject=subject), recipient, NOW)
    return db.session.scalars(select(MailMessage.id).order_by(MailMessage.id.desc())).first()


def look(mail_id: int) -> MailMessage:
    db.session.rollback()
    return db.session.get(MailMessage, mail_id)


@pytest.fixture
def sending(settings: Settings, sink: Sink) -> Settings:
    return replace(settings, smtp_url=sink.url, mail_from="Quilt <hello@quilt.example>")


def test_text_and_html_arrive(app: Flask, sink: Sink, sending: Settings) -> None:
    mail_id = put()
    assert deliver_due(NOW, sending) == {"sent": 1}
    [(recipients, message)] = sink.letters
    assert recipients == ["ana@example.org"]
    assert message["From"] == "Quilt <hello@quilt.example>" and message["To"] == "ana@example.org"
    assert (
        message["Subject"] == LETTER.subject
        and message["Date"]
        and "@quilt.example>" in message["Message-ID"]
    )
    assert message.get_content_type() == "multipart/alternative"
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text.get_content().replace("\r\n", "\n") == LETTER.text
    assert html.get_content().replace("\r\n", "\n").strip() == LETTER.html.strip()
    assert (look(mail_id).state, look(mail_id).text, look(mail_id).html) == ("sent", "", ""), (
        "codes do not stay"
    )


def test_a_sent_mail_is_not_sent_again(app: Flask, sink: Sink, sending: Settings) -> None:
    put()
    deliver_due(NOW, sending)
    assert deliver_due(NOW + timedelta(hours=1), sending) == {}
    assert len(sink.letters) == 1


def test_ten_workers_send_each_mail_once(app: Flask, sink: Sink, sending: Settings) -> None:
    for number in range(5):
        put(f"person{number}@example.org")

    def work(_: int) -> None:
        with app.app_context():
            deliver_due(NOW, sending)

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(work, range(10)))
    assert sorted(recipients[0] for recipients, _ in sink.letters) == [
        f"person{n}@example.org" for n in range(5)
    ]


@pytest.mark.parametrize(
    ("recipient", "subject"),
    [
        ("victim@x.example\r\nBcc: all@x.example", "Hello"),
        ("victim@x.example", "Hello\r\nBcc: all@x.example"),
        ("victim@x.example", "Hello\nX-Header: 1"),
    ],
)
def test_a_header_cannot_be_smuggled_in(
    app: Flask, sink: Sink, sending: Settings, recipient: str, subject: str
) -> None:
    mail_id = put(recipient, subject)
    assert deliver_due(NOW, sending) == {"parked": 1}
    assert sink.letters == [] and look(mail_id).state == "parked"


def test_an_address_in_another_script_is_written_to(app: Flask, sink: Sink, sending: Settings) -> None:
    put("аdmin@xn--mller-kva.example")
    assert deliver_due(NOW, sending) == {"sent": 1}
    assert sink.letters[0][0] == ["аdmin@xn--mller-kva.example"]


def test_a_server_that_is_away_is_tried_again_later_and_served_once(
    app: Flask, sink: Sink, sending: Settings
) -> None:
    mail_id = put()
    away = replace(sending, smtp_url=f"smtp://127.0.0.1:{free_port()}")
    waits, moment = [], NOW
    for _ in range(4):
        assert deliver_due(moment, away) == {"waiting": 1}
        assert deliver_due(moment, away) == {}, "not before it is due again"
        waits.append((look(mail_id).due_at - moment).total_seconds())
        moment = look(mail_id).due_at
    assert waits == [15, 30, 60, 120]
    assert look(mail_id).text == LETTER.text
    assert deliver_due(moment, sending) == {"sent": 1} and deliver_due(moment, sending) == {}
    assert len(sink.letters) == 1


def test_a_round_ends_where_the_server_is_away(app: Flask, sink: Sink, sending: Settings) -> None:
    for number in range(5):
        put(f"person{number}@example.org")
    away = replace(sending, smtp_url=f"smtp://127.0.0.1:{free_port()}")
    assert deliver_due(NOW, away) == {"waiting": 1}
    assert deliver_due(NOW, sending) == {"sent": 4}
    assert deliver_due(NOW + timedelta(minutes=1), sending) == {"sent": 1}
    assert len({str(message["Message-ID"]) for _, message in sink.letters}) == len(sink.letters) == 5


def test_a_round_uses_one_connection(app: Flask, sink: Sink, sending: Settings) -> None:
    for number in range(5):
        put(f"person{number}@example.org")
    assert deliver_due(NOW, sending) == {"sent": 5}
    assert sink.sessions == 1


def test_one_refused_address_does_not_hold_up_the_next(app: Flask, sink: Sink, sending: Settings) -> None:
    put("bad\r\nBcc: all@x.example")
    put("ana@example.org")
    assert deliver_due(NOW, sending) == {"parked": 1, "sent": 1}


def test_a_server_that_never_comes_back_parks_the_mail(app: Flask, settings: Settings) -> None:
    mail_id = put()
    away = replace(settings, smtp_url=f"smtp://127.0.0.1:{free_port()}")
    moment = NOW
    for _ in range(MOST_ATTEMPTS):
        deliver_due(moment, away)
        moment = max(moment, look(mail_id).due_at)
    assert look(mail_id).state == "parked" and look(mail_id).attempts_count == MOST_ATTEMPTS


@pytest.mark.parametrize(
    ("answer", "state"), [("451 not now", "waiting"), ("550 nobody here", "parked")]
)  # fmt: skip
def test_a_refusal_for_now_and_one_for_good(
    app: Flask, sink: Sink, sending: Settings, answer: str, state: str
) -> None:
    sink.answer = answer
    put()
    assert deliver_due(NOW, sending) == {state: 1}


def test_a_mail_whose_worker_died_is_sent_after_the_lease(app: Flask, sink: Sink, sending: Settings) -> None:
    mail_id = put()

    def die(_message: EmailMessage) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        deliver(mail_id, die, "Quilt <hello@quilt.example>", NOW)
    assert deliver_due(NOW + LEASE / 2, sending) == {}
    assert deliver_due(NOW + LEASE, sending) == {"sent": 1}


def test_without_a_server_mail_is_kept_to_be_read(app: Flask, settings: Settings) -> None:
    first, second = put(), put("mateo@example.org")
    assert deliver_due(NOW, settings) == {"kept": 2}
    assert [mail.id for mail in list_kept()] == [second, first]
    assert look(first).text == LETTER.text
