"""The page a plot is drawn on: its colours by day and by night, words, strokes and the legend.

Owns how plots look. The paper is opaque, so that it is readable on a page that does not know the night. Must never
know figures: it is given places.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from html import escape
from typing import Final, Literal

WIDTH: Final = 720
MARGIN: Final = 24
TITLE_Y: Final = 30
LEGEND_Y: Final = 54
COLOURS: Final = 6
_LETTER: Final = 6.1
"""Width of one, roughly, at 12 pixels."""

_STYLE: Final = """\
.paper{fill:#ffffff}.ink{fill:#1f2328}.faint{fill:#59636e}.grid{stroke:#d9dee3}.axis{stroke:#8c959f}.tag{stroke:#ffffff;stroke-width:3;paint-order:stroke}
.c0{--c:#0969da}.c1{--c:#bc4c00}.c2{--c:#1a7f37}.c3{--c:#8250df}.c4{--c:#9a6700}.c5{--c:#6e7781}
@media (prefers-color-scheme:dark){
.paper{fill:#0d1117}.ink{fill:#e6edf3}.faint{fill:#9198a1}.grid{stroke:#2a313a}.axis{stroke:#6e7681}.tag{stroke:#0d1117}
.c0{--c:#58a6ff}.c1{--c:#f0883e}.c2{--c:#3fb950}.c3{--c:#bc8cff}.c4{--c:#d29922}.c5{--c:#9198a1}}
.line{fill:none;stroke:var(--c);stroke-width:2}.outlined{stroke:#6e7781;stroke-width:2}.dot,.bar{fill:var(--c)}.grid,.axis{stroke-width:1}
.thin{stroke-width:1}.soft{stroke-opacity:.55}.dashed{stroke-dasharray:6 4}.pale{fill:var(--c);fill-opacity:.14}
.halo{fill:var(--c);fill-opacity:.07}.ringed{stroke:var(--c);stroke-width:2}.halo.ringed{stroke-opacity:.35;stroke-width:1}
text{font:12px system-ui,-apple-system,"Segoe UI",sans-serif}.title{font-size:15px;font-weight:600}
"""


class Paper:
    """One plot, from the title down."""

    def __init__(self, title: str, height: int) -> None:
        self._title = title
        self._height = height
        self._parts: list[str] = []
        self.words(MARGIN, TITLE_Y, title, "ink title")

    def words(
        self,
        x: float,
        y: float,
        said: str,
        kind: str = "faint",
        anchor: Literal["start", "middle", "end"] = "start",
    ) -> None:
        """A line of text; y is its base line."""
        where = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
        self._parts.append(f'<text class="{kind}" {where}>{escape(said)}</text>')

    def stroke(self, places: Sequence[tuple[float, float]], kind: str) -> None:
        """A line through these."""
        joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        self._parts.append(f'<polyline class="{kind}" points="{joined}"/>')

    def dot(self, x: float, y: float, colour: int) -> None:
        """A figure on a line."""
        self._parts.append(f'<circle class="dot c{colour}" cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>')

    def ring(self, x: float, y: float, radius: float, kind: str) -> None:
        """A circle of any size."""
        self._parts.append(f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}"/>')

    def area(self, places: Sequence[tuple[float, float]], kind: str) -> None:
        """What lies within these corners."""
        joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        self._parts.append(f'<polygon class="{kind}" points="{joined}"/>')

    def block(self, place: tuple[float, float], size: tuple[float, float], kind: str) -> None:
        """A rectangle of any look; the place is its upper left corner."""
        (x, y), (width, height) = place, size
        where = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
        self._parts.append(f'<rect class="{kind}" {where}/>')

    @contextmanager
    def within(self, place: tuple[float, float], size: tuple[float, float]) -> Iterator[None]:
        """What is drawn in here ends at this frame."""
        (x, y), (width, height) = place, size
        name = f"frame{len(self._parts)}"
        where = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
        self._parts.append(f'<clipPath id="{name}"><rect {where}/></clipPath>')
        self._parts.append(f'<g clip-path="url(#{name})">')
        yield
        self._parts.append("</g>")

    def bar(self, place: tuple[float, float], size: tuple[float, float], colour: int) -> None:
        """A figure as a length; the place is its upper left corner."""
        (x, y), (width, height) = place, size
        where = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="2"'
        self._parts.append(f'<rect class="bar c{colour}" {where}/>')

    def legend(self, names: Sequence[str]) -> None:
        """What each colour means, in the order of the colours."""
        x = float(MARGIN)
        for colour, name in enumerate(names):
            self.bar((x, LEGEND_Y - 10), (12, 12), colour)
            self.words(x + 18, LEGEND_Y, name)
            x += 18 + len(name) * _LETTER + 20

    def svg(self) -> str:
        """The whole picture."""
        size = f'width="{WIDTH}" height="{self._height}" viewBox="0 0 {WIDTH} {self._height}"'
        head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">'
        title = f"<title>{escape(self._title)}</title>\n<style>\n{_STYLE}</style>"
        paper = f'<rect class="paper" width="{WIDTH}" height="{self._height}" rx="6"/>'
        return "\n".join([head, title, paper, *self._parts, "</svg>"]) + "\n"
