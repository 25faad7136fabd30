"""The built sheet is whole: no class without a rule in layouts and macros, no url without a file, no light-dark left."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
CLASS_ATTRIBUTE = re.compile(r'class="([^"]*)"')
JINJA = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
WORD = re.compile(r"[a-z][a-z0-9-]+$")
INLINE_STYLE = re.compile(
    r"""\sstyle\s*=|<style|\son[a-z]+\s*=\s*["']|<script(?![^>]*(?:\bsrc=|"application/ld\+json"))""",
    re.IGNORECASE,
)


@pytest.fixture(scope="module")
def build() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_static", ROOT / "scripts" / "build_static.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def sheet(build: ModuleType) -> str:
    return build.build_sheet(build.read_sheets(ROOT / "static" / "css"))


def test_every_class_of_layouts_and_macros_has_a_rule(sheet: str) -> None:
    ruled = set(re.findall(r"\.([a-zA-Z][\w-]*)", sheet))
    used = used_classes("layouts") | used_classes("macros")
    assert len(used) >= 60, f"only {len(used)} classes"
    assert not used - ruled - {"bar-label", "copy-field"}


def test_day_and_lamplight_are_plain_rules(sheet: str) -> None:
    assert "light-dark(" not in sheet
    assert sheet.count('[data-theme="dark"] .fabric-') == 8
    assert "@media (prefers-color-scheme: dark)" in sheet


def test_unfolding_keeps_what_does_not_change(build: ModuleType) -> None:
    unfolded = build.unfold_light_dark(".a { --x: light-dark(#fff, #000); --y: 1px; }")
    day, night = unfolded.split("@media")
    assert day.strip() == ".a { --x: #fff; --y: 1px; }"
    assert ':root:not([data-theme="light"]) .a { --x: #000; }' in night
    assert ':root[data-theme="dark"] .a { --x: #000; }' in night


def test_urls_carry_the_version_of_their_file(build: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "a.svg").write_text("<svg/>")
    (tmp_path / "b.svg").write_text("<svg />")
    one, other = (build.version_urls(f'url("{name}")', tmp_path) for name in ("a.svg", "b.svg"))
    assert re.fullmatch(r'url\("a\.svg\?v=[0-9a-f]{10}"\)', one)
    assert one.split("=")[1] != other.split("=")[1]
    with pytest.raises(FileNotFoundError):
        build.version_urls('url("missing.svg")', tmp_path)


def test_every_picture_of_the_sheet_exists(sheet: str) -> None:
    pictures = set(re.findall(r'url\("\.\./(img/[^"]+)"\)', sheet))
    assert len(pictures) >= 3
    assert all((ROOT / "static" / picture).is_file() for picture in pictures)


def test_nothing_of_the_look_is_inline() -> None:
    templates = sorted((ROOT / "templates").rglob("*.html"))
    assert len(templates) >= 10
    shown = [path for path in templates if "emails" not in path.parts]
    assert not [str(path.relative_to(ROOT)) for path in shown if INLINE_STYLE.search(path.read_text())]


def used_classes(folder: str) -> set[str]:
    texts = [path.read_text() for path in (ROOT / "templates" / folder).glob("*.html")]
    words = [
        word
        for text in texts
        for value in CLASS_ATTRIBUTE.findall(JINJA.sub(" ", text))
        for word in value.split()
    ]
    return {word for word in words if WORD.match(word) and not word.endswith("-")}
