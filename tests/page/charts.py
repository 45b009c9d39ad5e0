"""Makes docs/screenshots/locust.png: `python -m tests.page.charts build/load.html`, the report that `make load` wrote.

Owns what of it is on the picture: the charts. It needs no network, for the report holds all it shows.
"""

import asyncio
import sys
from pathlib import Path

from tests.page.browser import SCREENSHOTS, running_browser

_SIZE = {"width": 1_280, "height": 900}
_CHARTS = "canvas"
_HEADING, _EMPTY = 60, 60  # pixels above the first chart, and below the last one's axis


async def main(report: Path) -> None:
    """The charts, from the first to the last."""
    async with running_browser() as browser:
        page = await browser.new_page(viewport=_SIZE, color_scheme="light")  # type: ignore[arg-type]
        await page.goto(report.resolve().as_uri())
        await page.locator(_CHARTS).first.wait_for()
        await page.wait_for_load_state("networkidle")
        charts = [await chart.bounding_box() for chart in await page.locator(_CHARTS).all()]
        first, last = charts[0], charts[-1]
        assert first is not None
        assert last is not None
        top = first["y"] - _HEADING
        clip = {
            "x": 0,
            "y": top,
            "width": _SIZE["width"],
            "height": last["y"] + last["height"] - _EMPTY - top,
        }
        await page.screenshot(path=SCREENSHOTS / "locust.png", full_page=True, clip=clip)  # type: ignore[arg-type]


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
