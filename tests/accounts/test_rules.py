"""What an address, a code, a password, a name and a way back may be."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quilt.accounts import rules
from quilt.accounts.rules import (
    AccountRefused,
    AddressMissing,
    AddressTooLong,
    CodeExpired,
    CodeRefused,
    CodeUsed,
    NameHidesDirection,
    NameTooLong,
    NameUnreadable,
    NotACode,
    NotAnAddress,
    PasswordTooCommon,
    PasswordTooLong,
    PasswordTooShort,
    TooManyTries,
    WrongCode,
)

NOW = datetime(2026, 5, 10, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("typed", "stored", "key"),
    [
        ("ana@example.org", "ana@example.org", "ana@example.org"),
        ("  Ana@EXAMPLE.org\t", "Ana@example.org", "ana@example.org"),
        ("ａｎａ＠ｅｘａｍｐｌｅ．ｏｒｇ", "ana@example.org", "ana@example.org"),
        ("jürgen@müller.example", "jürgen@xn--mller-kva.example", "jürgen@xn--mller-kva.example"),
        ("STRASSE@x.example", "STRASSE@x.example", "strasse@x.example"),
        ("straße@x.example", "straße@x.example", "strasse@x.example"),
        ("o'hara+news@x.example", "o'hara+news@x.example", "o'hara+news@x.example"),
        ("аdmin@example.com", "аdmin@example.com", "аdmin@example.com"),
    ],
)
def test_the_stored_and_the_compared_form_of_an_address(typed: str, stored: str, key: str) -> None:
    assert rules.clean_email(typed) == stored
    assert rules.email_key(typed) == key


@pytest.mark.parametrize(
    ("typed", "refusal"),
    [
        ("", AddressMissing),
        ("   ", AddressMissing),
        ("plainaddress", NotAnAddress),
        ("a@" + "b" * 300_000 + ".com", AddressTooLong),
        ("a" * 315 + "@b.example", AddressTooLong),
        ("victim@x.example\r\nBcc: all@x.example", NotAnAddress),
        ("victim@x.example\n", NotAnAddress),
        ("a@x.example%0d%0aSubject:x", NotAnAddress),
        ('"quoted string"@x.example', NotAnAddress),
        ("user@[127.0.0.1]", NotAnAddress),
        ("user@127.0.0.1", NotAnAddress),
        ("a..b@x.example", NotAnAddress),
        (".a@x.example", NotAnAddress),
        ("a@x..example", NotAnAddress),
        ("a@x.example.", NotAnAddress),
        ("a@-x.example", NotAnAddress),
        ("a@localhost", NotAnAddress),
        ("a,b@x.example", NotAnAddress),
        ("a b@x.example", NotAnAddress),
        ("a@b@x.example", NotAnAddress),
        ("Ana <ana@x.example>", NotAnAddress),
        ("a\x00@x.example", NotAnAddress),
        ("a\u200b@x.example", NotAnAddress),
        ("a\ud800@x.example", NotAnAddress),
        ("a@x.ex\u202eample", NotAnAddress),
        ("ü" * 33 + "@x.example", NotAnAddress),
    ],
)
def test_what_is_no_address(typed: str, refusal: type[AccountRefused]) -> None:
    with pytest.raises(refusal):
        rules.clean_email(typed)


@given(st.text(max_size=400))
def test_an_address_that_passes_is_one_plain_recipient(typed: str) -> None:
    try:
        stored, key = rules.clean_email(typed), rules.email_key(typed)
    except AccountRefused:
        return
    assert rules.clean_email(stored) == stored, "the stored form is its own stored form"
    assert not set(stored) & set('\r\n\t ,;<>()[]"\\') and stored.count("@") == 1
    assert max(len(stored), len(key)) <= 320


@pytest.mark.parametrize(
    ("email", "key"),
    [
        ("a.n.a+quilt@gmail.com", "ana@gmail.com"),
        ("Ana@GoogleMail.com", "ana@gmail.com"),
        ("a.na+x@outlook.com", "a.na@outlook.com"),
        ("a.na+x@clinic.example", "a.na+x@clinic.example"),
        ("+x@gmail.com", "+x@gmail.com"),
        ("a.na+x@hotmail.co.uk", "a.na@hotmail.co.uk"),
        ("a.na+x@live.nl", "a.na@live.nl"),
        ("a.na+x@live.shop", "a.na+x@live.shop"),
        ("a.na+x@fastmail.com", "a.na@fastmail.com"),
        ("a.na+x@Me.com", "a.na@icloud.com"),
        ("a.na+x@ProtonMail.com", "a.na@proton.me"),
        ("a.na+x@proton.example", "a.na+x@proton.example"),
        ("a.na+x@ya.ru", "a.na+x@ya.ru"),
        ("a.na+x@yandex.com", "a.na+x@yandex.com"),
        ("a.na+x@msn.com", "a.na+x@msn.com"),
        ("a.na+x@gmail.me", "a.na+x@gmail.me"),
    ],
)
def test_the_key_of_a_person(email: str, key: str) -> None:
    assert rules.person_key(email) == key


@pytest.mark.parametrize(
    ("email", "is_lookalike"),
    [("admin@x.example", False), ("аdmin@x.example", True), ("анна@x.example", False), ("zoë@x.example", False)],
)  # fmt: skip
def test_lookalike_addresses_are_noticed(email: str, is_lookalike: bool) -> None:
    assert rules.has_lookalikes(email) is is_lookalike


@pytest.mark.parametrize("typed", ["01234567", " 0123 4567 ", "0123-4567", "０１２３４５６７", "0123–4567"])
def test_a_code_is_read_as_people_type_it(typed: str) -> None:
    assert rules.read_code(typed) == "01234567"


@pytest.mark.parametrize(
    "typed", ["", "1234567", "123456789", "1234567a", "٠١٢٣٤٥٦٧x", "١٢٣٤٥٦٧٨", "1" * 10_000]
)
def test_what_is_no_code(typed: str) -> None:
    with pytest.raises(NotACode):
        rules.read_code(typed)


def test_codes_have_eight_digits_whatever_chance_says() -> None:
    assert rules.make_code(b"\0" * 8) == "00000000"
    assert {len(rules.make_code(bytes([byte]) * 8)) for byte in range(256)} == {8}


GOOD, BAD = "01234567", "76543210"


@pytest.mark.parametrize(
    ("code", "tries", "age", "is_used", "refusal"),
    [
        (GOOD, 0, 0, False, None),
        (GOOD, 5, 599, False, None),
        (GOOD, 6, 0, False, TooManyTries),
        (GOOD, 0, 600, False, CodeExpired),
        (GOOD, 0, 0, True, CodeUsed),
        (BAD, 0, 0, False, WrongCode),
        (BAD, 5, 0, False, WrongCode),
        (BAD, 6, 0, False, TooManyTries),
        (BAD, 0, 600, False, CodeExpired),
        (BAD, 0, 0, True, CodeUsed),
        (GOOD, 6, 900, True, CodeUsed),
    ],
)
def test_the_verdict_on_a_code(
    code: str, tries: int, age: int, is_used: bool, refusal: type[CodeRefused] | None
) -> None:
    facts = {
        "code_hash": rules.hash_code(GOOD, "token", "secret"),
        "tries": tries,
        "expires_at": NOW + timedelta(minutes=10),
        "used_at": NOW if is_used else None,
        "now": NOW + timedelta(seconds=age),
    }
    if refusal is None:
        rules.check_code(code, "token", "secret", **facts)
    else:
        with pytest.raises(refusal):
            rules.check_code(code, "token", "secret", **facts)


@pytest.mark.parametrize(("token", "secret"), [("another", "secret"), ("token", "another")])
def test_a_code_fits_its_token_and_its_site_alone(token: str, secret: str) -> None:
    assert rules.hash_code(GOOD, "token", "secret") != rules.hash_code(GOOD, token, secret)


@pytest.mark.parametrize(
    ("password", "refusal"),
    [
        ("short77", PasswordTooShort),
        ("", PasswordTooShort),
        ("x" * 257, PasswordTooLong),
        ("x" * 1_000_000, PasswordTooLong),
        ("password", PasswordTooCommon),
        ("Password123!", PasswordTooCommon),
        ("p@ssw0rd", PasswordTooCommon),
        ("12345678", PasswordTooCommon),
        ("87654321", PasswordTooCommon),
        ("qwertyuiop", PasswordTooCommon),
        ("aaaaaaaaaaaa", PasswordTooCommon),
        ("abcabcabc", PasswordTooCommon),
        ("iloveyou2", PasswordTooCommon),
        ("ana.lopez@clinic.example", PasswordTooCommon),
        ("Ana.Lopez", PasswordTooCommon),
        ("correct horse battery staple", None),
        ("monkey84920184371", None),
        ("Änderung im Mai", None),
        ("vierzig Nadeln", None),
    ],
)
def test_what_a_password_may_be(password: str, refusal: type[AccountRefused] | None) -> None:
    if refusal is None:
        rules.check_password(password, "ana.lopez@clinic.example")
    else:
        with pytest.raises(refusal):
            rules.check_password(password, "ana.lopez@clinic.example")


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Ana", "Ana"),
        ("  Ana López ", "Ana López"),
        ("", ""),
        ("\u200b\u200d", ""),
        ("<img src=x onerror=alert(1)>", "<img src=x onerror=alert(1)>"),
        ("עדנה", "עדנה"),
        ("👩‍👩‍👧", "👩‍👩‍👧"),
        ("é" * 60, "é" * 60),
    ],
)
def test_a_name_is_kept_as_it_was_typed(typed: str, kept: str) -> None:
    assert rules.check_name(typed) == kept


@pytest.mark.parametrize(
    ("typed", "refusal"),
    [
        ("x" * 61, NameTooLong),
        ("x" * 10_000, NameTooLong),
        ("a" + "\u0301" * 300, NameTooLong),
        ("a" + "\u0301" * 5, NameTooLong),
        ("Ana\u202egnp.exe", NameHidesDirection),
        ("Ana\u2066", NameHidesDirection),
        ("Ana\nLópez", NameUnreadable),
        ("Ana\x00", NameUnreadable),
    ],
)
def test_what_a_name_may_not_be(typed: str, refusal: type[AccountRefused]) -> None:
    with pytest.raises(refusal):
        rules.check_name(typed)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/me",
        "/me#password",
        "/entries/7-a-title?from=x&q=two%20words",
        "/contests/x?next=https://elsewhere",
    ],
)
def test_a_plain_path_is_kept(path: str) -> None:
    assert rules.safe_next(path) == path


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("//evil.example", id="E01"),
        pytest.param("///evil.example", id="E01-three"),
        pytest.param("/\\evil.example", id="E02"),
        pytest.param("/%5cevil.example", id="E02-encoded"),
        pytest.param("\\\\evil.example", id="E02-back"),
        pytest.param("/%09/evil.example", id="E03"),
        pytest.param("/\t/evil.example", id="E03-raw"),
        pytest.param("/\r\n/evil.example", id="E03-lines"),
        pytest.param("/%2fevil.example", id="E03-slash"),
        pytest.param("/a//evil.example", id="E03-later"),
        pytest.param("javascript:alert(1)", id="E05"),
        pytest.param("data:text/html,x", id="E05-data"),
        pytest.param("vbscript:x", id="E05-vb"),
        pytest.param("https:evil.example", id="E05-scheme"),
        pytest.param("https://quilt.example@evil.example", id="E06"),
        pytest.param("https://quilt.example.evil.example", id="E06-suffix"),
        pytest.param("https://quilt.example%2f@evil", id="E06-encoded"),
        pytest.param("%01//evil.example", id="E07"),
        pytest.param(" /me", id="E07-space"),
        pytest.param("\ufeff/me", id="E07-mark"),
        pytest.param("/me\ufeff", id="E07-mark-behind"),
        pytest.param("/me\r\nSet-Cookie: a=b", id="E08"),
        pytest.param("/me%0d%0aSet-Cookie:a=b", id="E08-encoded"),
        pytest.param("/me?x=%0d%0aSet-Cookie:a=b", id="E08-query"),
        pytest.param("me", id="relative"),
        pytest.param("", id="empty"),
        pytest.param(None, id="none"),
        pytest.param("/" + "x" * 500, id="long"),
    ],
)
def test_every_other_way_back_is_the_first_page(path: str | None) -> None:
    assert rules.safe_next(path) == "/"


@pytest.mark.parametrize(
    ("minutes", "is_recent"), [(None, False), (0, True), (30, True), (31, False)]
)  # fmt: skip
def test_a_proof_is_recent_for_half_an_hour(minutes: int | None, is_recent: bool) -> None:
    proved_at = None if minutes is None else NOW - timedelta(minutes=minutes)
    assert rules.is_recent_proof(proved_at, NOW) is is_recent
