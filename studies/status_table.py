"""What `train.py --status` shows: a square for each run, and what is the matter with some."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from rich.console import Console
from rich.table import Table
from rich.text import Text

from agents import extractors
from commandline import counted
from envs.games import find
from studies.running.directory import RunSpec
from studies.running.preflight import duration
from studies.status import Forecast, How, Standing, counts, forecast, to_json

MARKS: Mapping[How, tuple[str, str]] = MappingProxyType(
    {
        "done": ("■", "green"),
        "running": ("▶", "cyan"),
        "stopped": ("‖", "yellow"),
        "killed": ("†", "magenta"),
        "failed": ("✗", "bold red"),
        "waiting": ("·", "dim"),
    }
)
"""Sign and colour of each state; the sign alone says it."""

MEANINGS: Mapping[How, str] = MappingProxyType(
    {
        "done": "done",
        "running": "at work",
        "stopped": "stopped",
        "killed": "killed",
        "failed": "failed",
        "waiting": "not begun",
    }
)

BAR = 20
"""Characters of a progress bar."""


def show_status(
    found: Sequence[Standing], workers: int, console: Console, *, as_json: bool
) -> None:
    """Print where a study stands.

    Args:
        found: Its runs, in the order in which they are trained.
        workers: Runs at a time, where none is at work now.
        console: Where to draw.
        as_json: Print a JSON object instead.
    """
    coming = forecast(found, workers)
    if as_json:
        print(json.dumps(to_json(found, coming), indent=2))
        return
    for (study, game), members in _grouped(found).items():
        console.print(Text(_title(study, game, members), style="bold"))
        console.print(_table(members), soft_wrap=False)
        console.print()
    each = counts(found)
    legend = Text("  ").join(
        Text.assemble(MARKS[how], f" {number} {MEANINGS[how]}")
        for how, number in each.items()
        if number
    )
    console.print(legend)
    running = [standing for standing in found if standing.how == "running"]
    for standing in running:
        console.print(_at_work(standing, max(len(s.spec.title) for s in running)))
    for standing in found:
        if standing.why:
            what = Text.assemble(MARKS[standing.how], f" {standing.spec.title}: {standing.why}")
            console.print(what)
    if undecided := {s.spec.extractor: None for s in found if s.spec.rate_from == "open"}:
        told = ", ".join(map(extractors.directory_name, undecided))
        console.print(f"to be tuned first (python -m studies.tune says what is missing): {told}")
    console.print(_ending(found, each, coming))


def _grouped(found: Sequence[Standing]) -> dict[tuple[str, str], list[Standing]]:
    groups: dict[tuple[str, str], list[Standing]] = {}
    for standing in found:
        groups.setdefault((standing.spec.study, standing.spec.game), []).append(standing)
    return groups


def _title(study: str, game: str, members: Sequence[Standing]) -> str:
    lengths = sorted({s.spec.length for s in members})
    title = (
        f"{study} · {find(game).title}, {' and '.join(f'{n:,}' for n in lengths)} agent steps a run"
    )
    if _rates_differ(members):
        return title
    return f"{title}, learning rate {members[0].spec.settings.learning_rate:g}"


def _table(members: Sequence[Standing]) -> Table:
    seeds = list(dict.fromkeys(s.spec.seed for s in members))
    rows: dict[str, dict[int, Standing]] = {}
    for standing in members:
        rows.setdefault(standing.spec.extractor, {})[standing.spec.seed] = standing
    rates_differ = _rates_differ(members)
    table = Table(box=None, pad_edge=False, padding=(0, 1))
    table.add_column("row", no_wrap=True)
    for seed in seeds:
        table.add_column(str(seed), justify="center", min_width=2)
    if rates_differ:
        table.add_column("rate", justify="right")
    table.add_column("steps/s", justify="right")
    for extractor, by_seed in rows.items():
        known = [s.seconds_a_step for s in by_seed.values() if s.seconds_a_step]
        one = next(iter(by_seed.values())).spec
        table.add_row(
            extractors.directory_name(extractor),
            *(Text(*MARKS[by_seed[seed].how]) if seed in by_seed else "" for seed in seeds),
            *([_rate(one)] if rates_differ else []),
            f"{len(known) / sum(known):,.0f}" if known else "–",
        )
    return table


def _rates_differ(members: Sequence[Standing]) -> bool:
    """Say whether runs shown together have several rates, or one that nobody knows yet."""
    rates = {s.spec.settings.learning_rate for s in members}
    return len(rates) > 1 or any(s.spec.rate_from == "open" for s in members)


def _rate(spec: RunSpec) -> str:
    if spec.rate_from == "open":
        return "not chosen yet"
    return f"{spec.settings.learning_rate:g} ({spec.rate_from})"


def _at_work(standing: Standing, width: int) -> Text:
    share = min(1.0, standing.step / standing.spec.length)
    full = round(share * BAR)
    told = f" {standing.step:,}/{standing.spec.length:,}"
    if standing.seconds_a_step:
        told += f" · {1 / standing.seconds_a_step:,.0f} steps/s"
        told += f" · {duration(standing.left * standing.seconds_a_step)} left"
    bar = ("━" * full, "cyan"), ("━" * (BAR - full), "dim")
    return Text.assemble(MARKS["running"], f" {standing.spec.title:<{width}} ", *bar, told)


def _ending(found: Sequence[Standing], each: Mapping[How, int], coming: Forecast) -> str:
    are = "is" if len(found) == 1 else "are"
    begun = f"{each['done']} of {counted(len(found), 'run')} {are} done"
    if each["done"] == len(found):
        return f"{begun}: nothing is left"
    left = f"{begun}, {sum(s.left for s in found):,} agent steps are left"
    if coming.seconds is None:
        return f"{left}; how long they take is not known until a run has begun to learn"
    ends = time.strftime("%A %H:%M", time.localtime(time.time() + coming.seconds))
    if coming.seconds > 6 * 86_400:
        ends = time.strftime("%d %B", time.localtime(time.time() + coming.seconds))
    how = "as now" if each["running"] else "once it is begun again"
    lines = [
        f"{left}:",
        f"{duration(coming.seconds)}, {coming.at_a_time} at a time, {how}: until {ends}",
    ]
    if coming.guessed:
        lines.append(f"not measured yet, guessed by multiply-adds: {', '.join(coming.guessed)}")
    return "\n".join(lines)
