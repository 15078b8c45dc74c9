"""What a section is, and the pieces of HTML that all of them are made of.

Whatever comes from a run goes through Jinja2's autoescape, or through JSON that HTML cannot end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

import jinja2
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from reporting.charts.panel import Drawn, specification
from reporting.palette import KINDS

HERE = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Section:
    """One section of the report.

    Attributes:
        title: Its heading.
        anchor: What links to it: letters and hyphens.
        body: Its HTML, safe already; style and script of its own may stand inside.
    """

    title: str
    anchor: str
    body: Markup


@dataclass(frozen=True)
class Table:
    """A table of text.

    Attributes:
        headings: Of the columns; one that begins with `#` is of numbers and stands to the right.
        rows: Cells; whatever is no `Markup` is escaped.
        caption: Above it; may be empty.
        note: Below it; may be empty.
        wide: Whether it may be wider than the text around it, where the window is.
    """

    headings: tuple[str, ...]
    rows: Sequence[Sequence[object]]
    caption: str = ""
    note: str = ""
    wide: bool = False


@cache
def environment() -> jinja2.Environment:
    """Return the templates, with autoescape on and every unknown name an error."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def piece(name: str, *given: Any) -> Markup:
    """Return what a macro of `parts.html.j2` makes of its arguments."""
    macro = getattr(environment().get_template("parts.html.j2").module, name)
    return cast(Markup, macro(*given))


def drawing(drawn: Drawn) -> Markup:
    """Return charts, and below them what is missing with the commands for it."""
    shown = [(panel, htmlsafe_json_dumps(specification(panel))) for panel in drawn.panels]
    kinds = {kind.label: kind for kind in KINDS.values()}
    return piece("drawing", shown, drawn.missing, kinds)


def text(*paragraphs: str) -> Markup:
    """Return paragraphs of plain text."""
    return piece("text", paragraphs)


def table(of: Table) -> Markup:
    """Return a table that scrolls sideways where it is too wide."""
    return piece("table", of)


def folded(title: str, body: Markup) -> Markup:
    """Return something that opens when its title is pressed, and on paper."""
    return piece("folded", title, body)


def joined(*bodies: Markup) -> Markup:
    """Return pieces one after the other."""
    return Markup("\n").join(bodies)
