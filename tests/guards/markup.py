"""What no template, style sheet or script of ours may contain."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = ROOT / "templates"
STATIC = ROOT / "static"

COMMENT = re.compile(r"\{#.*?#\}|<!--.*?-->", re.DOTALL)
EXPRESSION = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
TAG = re.compile(r"<([a-zA-Z][\w-]*)((?:[^<>\"']|\"[^\"]*\"|'[^']*')*)>", re.DOTALL)
STYLE = re.compile(r"(?:^|\s)style\s*=", re.IGNORECASE)
HANDLER = re.compile(r"(?:^|\s)on[a-z]+\s*=", re.IGNORECASE)
SCRIPTED = re.compile(r"(?:href|src|action)\s*=\s*[\"']\s*javascript:", re.IGNORECASE)
ELSEWHERE = re.compile(
    r"(?:src|srcset|href|action|poster|data|formaction)\s*=\s*[\"']\s*((?:https?:)?//[^\"'\s]+)",
    re.IGNORECASE,
)
IN_SHEET = re.compile(
    r"url\(\s*[\"']?((?:https?:)?//[^)\"']+)|@import\s+[\"']?((?:https?:)?//[^\"';]+)", re.IGNORECASE
)
IN_SCRIPT = re.compile(r"[\"'`]((?:https?:|wss?:)?//[\w.-]+[^\"'`]*)[\"'`]", re.IGNORECASE)
MARKUP_SINK = re.compile(
    r"\.(?:innerHTML|outerHTML)\s*[+=]|insertAdjacentHTML|document\.write|\beval\(|new Function\("
)

QUOTED = re.compile(r"\"([^\"]*)\"")
STRAIGHT = re.compile(r"\w*[^\W\d_]'[a-z]+")

JS_COMMENT = re.compile(r"/\*.*?\*/|^\s*//.*?$", re.DOTALL | re.MULTILINE)

# Namespaces are names, not addresses that a browser asks.
NAMESPACES = ("http://www.w3.org/", "http://www.sitemaps.org/")


def list_templates() -> list[Path]:
    """The pages' templates; letters are left out, mail programs know no style sheets."""
    paths = [path for path in sorted(TEMPLATES.rglob("*")) if path.is_file()]
    return [path for path in paths if "emails" not in path.relative_to(TEMPLATES).parts]


def list_letters() -> list[Path]:
    """The letters' templates, pages and plain text."""
    return [path for path in sorted((TEMPLATES / "emails").rglob("*")) if path.is_file()]


def list_static(suffix: str) -> list[Path]:
    """Our own sheets or scripts, without what is installed."""
    return [path for path in sorted(STATIC.rglob(f"*{suffix}")) if "vendor" not in path.parts]


def check_template(text: str, has_nonce: bool = True) -> Iterator[str]:
    """What is wrong with a template, in words. The widget's frames are the same for everybody: no nonce there."""
    bare = EXPRESSION.sub("x", COMMENT.sub("", text))
    for tag in TAG.finditer(bare):
        name, attributes = tag[1].lower(), tag[2]
        source = COMMENT.sub("", text)
        if name == "style" or STYLE.search(_outside_quotes(attributes)):
            yield f"inline style: {tag[0][:80]}"
        if HANDLER.search(_outside_quotes(attributes)) or SCRIPTED.search(attributes):
            yield f"inline handler: {tag[0][:80]}"
        if name == "script":
            yield from _check_script(attributes, source, has_nonce)
        if name in ("iframe", "object", "embed") and ELSEWHERE.search(attributes):
            yield f"something from elsewhere: {tag[0][:80]}"
    for address in ELSEWHERE.findall(COMMENT.sub("", text)):
        if not address.startswith(NAMESPACES):
            yield f"an address elsewhere: {address}"


def check_words(text: str) -> Iterator[str]:
    """Straight apostrophes in what a template says; everywhere else they are curly."""
    source = COMMENT.sub("", text)
    quoted = [words for part in EXPRESSION.findall(source) for words in QUOTED.findall(part)]
    for words in (TAG.sub(" ", EXPRESSION.sub("x", source)), *quoted):
        for found in STRAIGHT.findall(words):
            yield f"a straight apostrophe: {found}"


def check_sheet(text: str) -> Iterator[str]:
    """What is wrong with a style sheet, in words."""
    for found in IN_SHEET.findall(text):
        yield f"an address elsewhere: {found[0] or found[1]}"


def check_script(text: str) -> Iterator[str]:
    """What is wrong with a script, in words."""
    for address in IN_SCRIPT.findall(JS_COMMENT.sub("", text)):
        if not address.startswith(NAMESPACES):
            yield f"an address elsewhere: {address}"
    for sink in MARKUP_SINK.findall(text):
        yield f"markup from text: {sink}"


def _check_script(attributes: str, text: str, has_nonce: bool) -> Iterator[str]:
    if "src=" not in attributes and 'type="application/ld+json"' not in attributes:
        yield f"inline script: <script{attributes[:60]}>"
    if not has_nonce:
        return
    if "nonce=" not in attributes:
        yield f"a script without its nonce: <script{attributes[:60]}>"
    elif "csp_nonce" not in text:
        yield f"a nonce that is not ours: <script{attributes[:60]}>"


def _outside_quotes(attributes: str) -> str:
    """Attribute names and equals signs: the words inside values are no attributes."""
    return re.sub(r"\"[^\"]*\"|'[^']*'", '""', attributes)
