"""The pictures of the playground in the documentation, in light and dark.

`python tools/screenshot.py` starts the demo, opens its page in Chromium and writes both files to
`docs/_static`. It needs the packages of the tests, and Chromium.
"""

from __future__ import annotations

import base64
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from playwright.sync_api import sync_playwright

from kaiko_cli.processes import STACKS
from kaiko_cli.serving import served

if TYPE_CHECKING:
    from playwright.sync_api import Browser

__all__ = ["CHROMIUM", "FLAGS", "take"]

CHROMIUM = os.environ.get("KAIKO_CHROMIUM") or shutil.which("chromium")
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
_SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
_STATIC = Path(__file__).resolve().parent.parent / "docs" / "_static"


def take(browser: Browser, url: str, folder: Path) -> list[Path]:
    """Write a picture for each colour scheme, and return the files.

    Arguments:
        browser: Chromium.
        url: the address of the page.
        folder: where the files go.

    """
    files: list[Path] = []
    for scheme in _SCHEMES:
        context = browser.new_context(
            viewport={"width": 1440, "height": 940},
            device_scale_factor=1.5,
            color_scheme=scheme,
            reduced_motion="reduce",
        )
        page = context.new_page()
        page.goto(f"{url}/#expired-context")
        page.locator("#send:not([disabled])").wait_for()
        # Playwright knows no WebP; the browser does.
        options = {"format": "webp", "quality": 82}
        session: Any = context.new_cdp_session(page)  # its answers have no types
        said = session.send("Page.captureScreenshot", options)
        file = folder / f"playground-{scheme}.webp"
        file.write_bytes(base64.b64decode(said["data"]))
        files.append(file)
        context.close()
    return files


def main() -> int:
    """Write both files."""
    if CHROMIUM is None:
        print("there is no Chromium: `apt-get install chromium` brings it", file=sys.stderr)
        return 1
    with (
        tempfile.TemporaryDirectory() as logs,
        served(STACKS, Path(logs)) as running,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for file in take(browser, running.page.url, _STATIC):
            print(f"{file}: {file.stat().st_size // 1024} KB")
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
