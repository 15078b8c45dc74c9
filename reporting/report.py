"""The report: one HTML file that says everything, asks nobody, and can be mailed.

`SECTIONS` is the order of the page. A section is a function from what was gathered to a `Section`
(title, anchor, HTML); style and script of its own may stand in the HTML, nothing may be loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path

import vl_convert
from markupsafe import Markup

from commandline import BadInput, counted
from reporting.gather import Gathered, gather
from reporting.palette import KINDS
from reporting.sections import place, play, reference
from reporting.sections.answer import answer
from reporting.sections.claims import claims
from reporting.sections.explorer import explorer
from reporting.sections.section import Section, environment

Builder = Callable[[Gathered], Section]

SECTIONS: tuple[Builder, ...] = (
    answer,
    claims,
    explorer,
    play.learnt,
    play.scores,
    place.layers,
    place.noticed,
    place.worth,
    place.rewards,
    place.dissociation,
    reference.zoo,
    reference.protocol,
    reference.provenance,
)
"""In the order in which they stand on the page."""

FILE = Path("report.html")
"""Where the report goes unless told: into the current directory, as several folders of runs have
no root in common."""


def write(folders: Iterable[Path], results: Path, file: Path) -> Gathered:
    """Write the report.

    Args:
        folders: Run directories; may be none.
        results: Where published rows lie; need not exist.
        file: Of the report; replaced if it is there.

    Returns:
        What it is about.

    Raises:
        BadInput: If something cannot be read, or the file not be written; nothing is then.
    """
    gathered = gather(folders, results)
    page = render(gathered)
    try:
        file.write_text(page, encoding="utf-8")
    except OSError as error:
        raise BadInput(f"--report: expected a file that can be written, got {error}") from None
    return gathered


def render(gathered: Gathered, sections: Sequence[Builder] = SECTIONS) -> str:
    """Return the page as HTML."""
    built = [build(gathered) for build in sections]
    return environment().get_template("report.html.j2").render(
        sections=built,
        agents=counted(len(gathered.runs), "agent"),
        numbers=counted(len(gathered.measurements), "measurement"),
        kinds=KINDS,
        vega=bundle(),
    )  # fmt: skip


@cache
def bundle() -> Markup:
    """Return Vega, Vega-Lite and the embedder as one script that HTML cannot end early."""
    script = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    return Markup(script.replace("</script", "<\\/script").replace("<!--", "<\\!--"))
