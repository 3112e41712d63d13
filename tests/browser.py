"""A real Chromium for tests: the one on PATH, else one unpacked from this Debian's own archive. Nothing is installed."""

import os
import shutil
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.async_api import Browser, async_playwright

from node.devnet.debian import ProgramUnavailable, Say, have_ready, unpack

FLAGS = (
    "--no-sandbox",  # tests run as root too, and the pages are our own
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)


@dataclass(frozen=True, slots=True)
class Chromium:
    """Where it is, and what must be in the environment for it to find its libraries and fonts."""

    program: Path
    environment: Mapping[str, str] = field(default_factory=dict)


def find_chromium(say: Say) -> Chromium:
    """`COFFER_CHROMIUM`, else the one on PATH, else one unpacked from Debian. Raises `ProgramUnavailable`."""
    found = shutil.which(os.environ.get("COFFER_CHROMIUM", "chromium"))
    if found is not None:
        return Chromium(Path(found))
    root = unpack("chromium", suite=None, say=say)
    program = root / "usr/lib/chromium/chromium"
    if not program.exists():
        raise ProgramUnavailable("chromium was unpacked, but its program is not where it was expected")
    environment = {"LD_LIBRARY_PATH": ":".join(str(folder) for folder in _library_folders(root))}
    if (root / "etc/fonts/fonts.conf").exists():
        environment["FONTCONFIG_SYSROOT"] = str(root)
    return Chromium(program, environment)


def _library_folders(root: Path) -> list[Path]:
    return sorted({path.parent for top in ("usr/lib", "lib") for path in root.glob(f"{top}/*-linux-gnu*/**/lib*.so*")})


@asynccontextmanager
async def running_browser(chromium: Chromium) -> AsyncIterator[Browser]:
    """A browser with an empty profile, closed at the end."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium.program,
            args=list(FLAGS),
            headless=True,
            env={**os.environ, **chromium.environment},
            chromium_sandbox=False,
        )
        try:
            yield browser
        finally:
            await browser.close()


if __name__ == "__main__":
    sys.exit(have_ready(find_chromium))  # nothing is fetched while tests run
