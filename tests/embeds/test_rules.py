import pytest

from quilt.embeds.rules import (
    LinkRefused,
    NameRefused,
    OriginRefused,
    Role,
    clean_link,
    clean_name,
    clean_path,
    has_rank,
    read_origin,
    read_origins,
)


@pytest.mark.parametrize("text", [
    "*", "https://*", "http://evil.example", "https://a.example; script-src *", "https://a.example\nhttps://*",
    "https://a.example/path", "https://a.example?x", "https://a.example#x", "https://user@a.example", "https://",
    "https://a", "a.example", "ftp://a.example", "https://a.example:99999", "https://ä.example", "https://a.example,b.example",
    "https://a.example 'self'", "javascript:alert(1)", "https://[::1", "https://127.0.0.1", "", "  ",
    "https://" + "a" * 300 + ".example",
])  # fmt: skip
def test_G05_what_is_no_origin_is_refused(text):
    with pytest.raises(OriginRefused) as refused:
        read_origins(text)
    assert refused.value.message.startswith("Enter one https origin per line")


@pytest.mark.parametrize(("text", "origin"), [
    ("https://www.example.org", "https://www.example.org"), ("https://WWW.Example.org/", "https://www.example.org"),
    ("https://a.example:443", "https://a.example"), ("https://a.example:8443", "https://a.example:8443"),
])  # fmt: skip
def test_origins_have_one_form(text, origin):
    assert read_origin(text) == origin


def test_many_lines_are_read_all_or_none():
    assert read_origins("https://a.example\n\n https://b.example \nhttps://A.example") == (
        "https://a.example",
        "https://b.example",
    )
    with pytest.raises(OriginRefused):
        read_origins("https://a.example\nhttp://b.example")


def test_this_machine_is_a_site_only_where_that_is_allowed():
    assert read_origin("http://127.0.0.2:8000", allow_plain=True) == "http://127.0.0.2:8000"
    for text in ("http://127.0.0.2:8000", "http://localhost"):
        with pytest.raises(OriginRefused):
            read_origin(text)
    with pytest.raises(OriginRefused):
        read_origin("http://10.0.0.1", allow_plain=True)


@pytest.mark.parametrize("text", [
    "http://a.example", "javascript:alert(1)", "//a.example", "https://u:p@a.example", "https://a.example/\"onclick", "https://a",
    "https://a.example/ x", "https://a.example:port", "",
])  # fmt: skip
def test_links_are_whole_https_addresses(text):
    with pytest.raises(LinkRefused):
        clean_link(text)
    assert clean_link(" https://a.example/x?y=1#z ") == "https://a.example/x?y=1#z"


@pytest.mark.parametrize("text", ["", "  \n ", "a" * 81, "a\x00b", "a\u202eb"])
def test_names_that_will_not_do(text):
    with pytest.raises(NameRefused):
        clean_name(text)
    assert clean_name("  Acme \n & Daughters ") == "Acme & Daughters"


@pytest.mark.parametrize(("text", "path"), [
    ("/blog/a?secret=1#x", "/blog/a"), ("https://a.example/", ""), ("/" + "a" * 500, "/" + "a" * 119), ("/ä", ""), ("", ""),
])  # fmt: skip
def test_only_the_path_of_a_page_is_counted(text, path):
    assert clean_path(text) == path


def test_ranks():
    assert [has_rank(role, Role.EDITOR) for role in ("owner", "editor", "viewer", "queen")] == [
        True,
        True,
        False,
        False,
    ]
