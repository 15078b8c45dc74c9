"""The explorer among the other sections: which agents stand in it."""

from __future__ import annotations

from collections.abc import Sequence

from agents.architectures import ZOO
from reporting.charts.panel import absent
from reporting.commands import measures
from reporting.explorer import Shown, fragment
from reporting.explorer_data import read
from reporting.gather import Gathered
from reporting.palette import KINDS, kind_of
from reporting.runs import Run
from reporting.sections.section import Section, drawing, joined, text

AT_MOST = 4
"""Networks of a game; with more the page would be more than it is worth to mail: .4 MB each."""


def explorer(gathered: Gathered) -> Section:
    """Return the section with the ball that can be dragged."""
    measured = gathered.having("explorer")
    told = (
        "The same moment of play with the ball wherever you put it, and what each network makes of "
        "it there."
    )
    if not measured:
        command = measures("explorer", agents=gathered.agents)
        gap = absent("The explorer, as no agent’s answers at every place were taken", command)
        return Section("Try it: drag the ball", "explorer", joined(text(told), drawing(gap)))
    games = dict.fromkeys(run.game for run in measured)
    chosen: list[Shown] = []
    beyond: list[str] = []
    for game in games:
        shown, left_out = _shown([r for r in measured if r.game == game])
        chosen += shown
        beyond += left_out
    said = f"Measured but not shown here, for want of room: {', '.join(beyond)}."
    body = joined(text(told), fragment(chosen), text(*([said] if beyond else [])))
    return Section("Try it: drag the ball", "explorer", body)


def _shown(runs: Sequence[Run]) -> tuple[list[Shown], list[str]]:
    """Choose agents of one game: of each row the one trained longest, all kinds first.

    Returns:
        Those to show, and the names of those of other rows.
    """
    kinds, zoo = list(KINDS), [*ZOO, ""]
    runs = sorted(runs, key=lambda r: (-r.steps, r.seed, r.study))
    rows = {run.row: run for run in reversed(runs)}.values()
    seen: dict[str, int] = {}
    ranked = []
    for run in sorted(rows, key=lambda r: (zoo.index(_in_zoo(r.row)), r.row)):
        kind = kind_of(run.row)
        ranked.append((seen.get(kind, 0), kinds.index(kind), run))
        seen[kind] = seen.get(kind, 0) + 1
    ranked.sort(key=lambda ranking: ranking[:2])
    kept, beyond = ranked[:AT_MOST], ranked[AT_MOST:]
    found = []
    for _, _, run in sorted(kept, key=lambda ranking: (ranking[1], ranking[0])):
        assert run.folder is not None  # `having` gives no others
        found.append(
            Shown(
                run.name,
                f"{run.study}: {run.steps:,} agent steps",
                read(run.folder / "explorer.parquet"),
            )
        )
    return found, [run.name for _, _, run in beyond]


def _in_zoo(row: str) -> str:
    """The row without its width; empty for an own extractor."""
    base = row.partition("@")[0]
    return base if base in ZOO else ""
