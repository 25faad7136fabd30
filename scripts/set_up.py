"""Make Quilt's own environment in .venv, from what is pinned, and build the static parts.

usage: python3 scripts/set_up.py [--dev] [--browser]

--dev      also what the tests, the linters and the benchmarks need
--browser  also a Chromium: the machine's own, else Debian's package (as root), else playwright's download

Needs the standard library alone. Running it again is quick: a step whose inputs did not change is left out.
"""

import hashlib
import json
import os
import shutil
import ssl
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
UV = VENV / "bin" / "uv"
STAMP = VENV / ".quilt-setup.json"
UV_VERSION = "0.13.9"
BROWSERS = (  # the first is Chromium without its windows, which halves what the tests cost
    "chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable",
)  # fmt: skip


class SetUpFailed(Exception):
    """A step did not work; the message says what to do."""


def main(arguments: list[str]) -> int:
    """Run the steps; return the exit status."""
    unknown = set(arguments) - {"--dev", "--browser"}
    if unknown:
        print(__doc__)
        return 2
    try:
        make_environment()
        install_uv()
        install_packages(with_dev="--dev" in arguments)
        build_static(with_dev="--dev" in arguments)
        if "--browser" in arguments:
            provide_browser()
    except SetUpFailed as error:
        print(f"\nSet-up stopped: {error}", file=sys.stderr)
        return 1
    return 0


def make_environment() -> None:
    """Create .venv with pip, unless it is there, works, and belongs to this checkout."""
    if is_own_environment():
        return
    say("making the environment in .venv")
    if VENV.exists():
        shutil.rmtree(VENV)
    if _has("ensurepip"):
        run([sys.executable, "-m", "venv", str(VENV)], "Python could not make an environment in .venv.")
        return
    run([sys.executable, "-m", "venv", "--without-pip", str(VENV)], "Python could not make .venv.")
    run(
        [sys.executable, "-m", "pip", "--python", str(PYTHON), "install", "--quiet", "pip"],
        "pip could not be put into .venv. On Debian and Ubuntu `apt install python3-venv` helps.",
    )


def is_own_environment(venv: Path = VENV) -> bool:
    """Whether an environment starts and was made where it is: a moved one would use another folder's files."""
    question = "import sys, pip; print(sys.prefix if sys.version_info >= (3, 11) else '')"
    try:
        answer = subprocess.run(
            [venv / "bin" / "python", "-I", "-c", question], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return False
    return Path(answer.stdout.strip() or "/") == venv and _made_for(venv)


def install_uv() -> None:
    """Put the pinned uv into .venv."""
    if read_stamp().get("uv") == UV_VERSION and UV.exists():
        return
    say(f"installing uv {UV_VERSION}")
    command = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run([*command, f"uv=={UV_VERSION}"], "uv could not be installed. Is the network there? Then try again.")
    write_stamp(uv=UV_VERSION)


def install_packages(with_dev: bool) -> None:
    """Install exactly what uv.lock names; `with_dev` adds the group of tests and linters."""
    wanted = digest(ROOT / "uv.lock", ROOT / "pyproject.toml")
    if has_packages(read_stamp(), wanted, with_dev):
        return
    say("installing the pinned packages" + (", with those of the tests" if with_dev else ""))
    command = [str(UV), "sync", "--locked", "--inexact", "--quiet"]
    command += ["--group", "dev"] if with_dev else ["--no-dev"]
    run(
        command,
        "the packages could not be installed. Is the network there? Nothing was lost: try again.",
    )
    write_stamp(packages=wanted, **({"dev": wanted} if with_dev else {}))


def has_packages(stamp: dict[str, str], wanted: str, with_dev: bool) -> bool:
    """Whether an earlier run installed what this lock names; the tests' packages hold the others too."""
    return stamp.get("dev") == wanted or (not with_dev and stamp.get("packages") == wanted)


def build_static(with_dev: bool) -> None:
    """Build the style sheet and fetch the fonts; `with_dev` also fetches the npm packages of the tests."""
    command = [str(PYTHON), str(ROOT / "scripts" / "build_static.py"), *(["--dev"] if with_dev else [])]
    run(command, "the static parts could not be built; the lines above say why. Then try again.")


def provide_browser() -> None:
    """Make sure that there is a Chromium for the browser tests."""
    if find_chromium():
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        say("installing Debian's chromium")
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-qq"], check=False, env=environment, stdin=subprocess.DEVNULL)
        for package in BROWSERS[:2]:
            install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", package]
            subprocess.run(install, check=False, env=environment, stdin=subprocess.DEVNULL)
            if find_chromium():
                return
    say("downloading playwright's Chromium")
    run(
        [str(PYTHON), "-m", "playwright", "install", "chromium"],
        "there is no Chromium for the browser tests. Install chromium or google-chrome, then try again.",
    )


def find_chromium() -> str | None:
    """The path of a Chromium: $QUILT_CHROMIUM, the machine's own, or the one that playwright downloaded."""
    named = os.environ.get("QUILT_CHROMIUM")
    if named:
        return named
    for name in BROWSERS:
        path = shutil.which(name)
        if path:
            return path
    cache = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or Path.home() / ".cache" / "ms-playwright")
    return next((str(path) for path in sorted(cache.glob("chromium-*/chrome-linux*/chrome"))), None)


def digest(*paths: Path) -> str:
    """A digest of the contents of files."""
    content = hashlib.sha256()
    for path in paths:
        content.update(path.read_bytes() + b"\0")
    return content.hexdigest()


def read_stamp() -> dict[str, str]:
    """What earlier runs finished, by step."""
    try:
        stamp = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def write_stamp(**steps: str) -> None:
    """Remember that steps are finished for these inputs."""
    STAMP.write_text(json.dumps(read_stamp() | steps, indent=1))


def build_environment() -> dict[str, str]:
    """The variables for the tools: they keep to .venv, and trust the certificates that this machine trusts."""
    kept = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}
    with_certificates = {"UV_SYSTEM_CERTS": "1", "NODE_USE_SYSTEM_CA": "1"} if _has_certificates() else {}
    own = {
        "npm_config_update_notifier": "false",
        "UV_COMPILE_BYTECODE": "1",  # a process starts in half the time
        "UV_PROJECT_ENVIRONMENT": str(VENV),
        "UV_PYTHON": str(PYTHON),
        "UV_PYTHON_DOWNLOADS": "never",
    }
    return {"UV_LINK_MODE": "copy", **with_certificates, **kept, **own}


def run(command: list[str], failure: str) -> None:
    """Run a command in the checkout; raise SetUpFailed with the words of `failure` when it fails."""
    try:
        subprocess.run(command, cwd=ROOT, env=build_environment(), check=True, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError) as error:
        raise SetUpFailed(failure) from error


def say(text: str) -> None:
    """One line about the step that begins."""
    print(f"set-up: {text} …", flush=True)


def _made_for(folder: Path) -> bool:
    """Whether the scripts in an environment name its own Python."""
    try:
        first_lines = (folder / "bin" / "pip").read_text().splitlines()[:2]
    except (OSError, UnicodeDecodeError):
        return False
    return any(f"{folder}/bin/" in line for line in first_lines)


def _has_certificates() -> bool:
    paths = ssl.get_default_verify_paths()
    return bool(paths.cafile or (paths.capath and os.path.isdir(paths.capath) and os.listdir(paths.capath)))


def _has(module: str) -> bool:
    question = [sys.executable, "-c", f"import {module}"]
    return subprocess.run(question, check=False, capture_output=True).returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
