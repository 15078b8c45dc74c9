"""What the rest rests on: the zoo's ledger, the protocols, and where every number came from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from agents.architectures import PAIRS, ROWS
from agents.geometry import ACTIONS, ledger
from agents.settings import parse_settings, training_protocol
from analysis.measurements import MEASURES
from commandline import BadInput
from reporting.charts.panel import absent
from reporting.commands import TRAIN, UNTRAINED
from reporting.gather import Gathered, Run, plain
from reporting.palette import LABELS, kind_of
from reporting.sections.section import Section, Table, drawing, folded, joined, table, text

UNBROKEN = "\u2011"
"""A hyphen at which no line ends."""


def zoo(gathered: Gathered) -> Section:
    """Return the ledger of the zoo: arithmetic, for the actions of Pong."""
    rows = []
    for row in ROWS:
        entry = ledger(row)
        facts = entry.facts()
        rows.append(
            (
                row.name,
                LABELS[kind_of(row.name)],
                UNBROKEN.join(map(str, entry.maps)),
                facts["stride"],
                facts["receptive_field"],
                f"{entry.features:,}",
                f"{entry.parameters:,}",
                f"{facts['mmac']:.1f}",
                "control" if row.control else "\u00a0".join(facts["pair"]),
                row.note,
            )
        )
    headings = ("row", "kind", "maps", "#stride", "#field", "#features", "#parameters", "#MMAC",
                "pairs", "what it is")  # fmt: skip
    note = (
        f"Input 4 × 84 × 84, then 512 units; {ACTIONS} actions. Stride and field in network "
        "pixels; million multiply-adds of a forward pass. Controls are never ranked."
    )
    pairs = Table(("pair", "what differs within it"), tuple(PAIRS.items()))
    body = joined(table(Table(headings, rows, note=note)), table(pairs))
    return Section("The zoo", "zoo", body)


def protocol(gathered: Gathered) -> Section:
    """Return how numbers were made: evaluation, training, data, each with its fingerprint."""
    bodies = [
        text(
            "A fingerprint is eight digits that are equal exactly when the settings are. Numbers "
            "with different ones never stand in one table or chart."
        )
    ]
    tables = [
        *_protocols("Evaluation protocol", _evaluations(gathered.runs)),
        *_protocols("Training protocol of agents", _trainings(gathered.runs)),
        *_protocols("Training without a game", _without_game(gathered.trained)),
    ]
    bodies += [table(of) for of in tables]
    if len(gathered.measurements):
        bodies.append(table(_prints(gathered.measurements)))
    if not tables and not len(gathered.measurements):
        bodies.append(drawing(absent("A protocol: nothing was run yet", TRAIN, UNTRAINED)))
    return Section("Protocol", "protocol", joined(*bodies))


Prints = Mapping[str, tuple[Mapping[str, Any], int]]
"""By fingerprint: the settings, and how many runs have it."""


def _protocols(title: str, prints: Prints) -> list[Table]:
    """Return one table with a column a fingerprint: what is alike can be read across."""
    if not prints:
        return []
    names = list(prints)
    keys = dict.fromkeys(key for settings, _ in prints.values() for key in settings)
    rows: list[tuple[object, ...]] = [
        (key, *(plain(prints[name][0].get(key, "–")).strip('"') for name in names)) for key in keys
    ]
    rows.append(("runs", *(prints[name][1] for name in names)))
    return [Table(("setting", *(f"#{name}" for name in names)), rows, caption=title)]


def _evaluations(runs: Sequence[Run]) -> Prints:
    found: dict[str, tuple[Mapping[str, Any], int]] = {}
    for run in runs:
        if run.scores is not None:
            name = str(run.scores["fingerprint"])
            found[name] = (run.scores["protocol"], found.get(name, ({}, 0))[1] + 1)
    return found


def _trainings(runs: Sequence[Run]) -> Prints:
    found: dict[str, tuple[Mapping[str, Any], int]] = {}
    for run in runs:
        try:
            settings = training_protocol(parse_settings(run.settings))
        except BadInput as error:
            raise BadInput(f"{run.source}: {error}") from None
        found[run.training] = (settings, found.get(run.training, ({}, 0))[1] + 1)
    return found


def _without_game(rows: Sequence[Mapping[str, Any]]) -> Prints:
    found: dict[str, tuple[Mapping[str, Any], int]] = {}
    for row in rows:
        settings = {k: v for k, v in row["settings"].items() if k != "learning_rate"}
        asked = {"task": row["task"], "condition": row["condition"] or "–", "game": row["game"]}
        name = str(row["fingerprint"])
        found[name] = ({**asked, **settings}, found.get(name, ({}, 0))[1] + 1)
    return found


def _prints(measurements: pd.DataFrame) -> Table:
    by = ["regime", "game", "fingerprint"]
    rows = []
    for key, group in measurements.groupby(by, sort=True):
        named = ", ".join(sorted(set(group["measure"])))
        rows.append((*key, len(group), named))
    headings = ("regime", "game", "fingerprint", "#numbers", "measures")
    return Table(headings, rows, caption="Measurements by fingerprint of what shaped them")


KEY = ["regime", "game", "measure", "condition", "row", "budget", "fingerprint", "commit"]


def provenance(gathered: Gathered) -> Section:
    """Return every number with its run, seed and commit."""
    if not len(gathered.measurements) and not gathered.runs:
        drawn = drawing(absent("Any number", TRAIN, UNTRAINED))
        return Section("Where every number came from", "provenance", drawn)
    told = text(
        "Every measurement with the seeds that it was taken on, and the commit of the code that "
        "made it; “published in” is the commit of the published file, where the code's was not "
        "written down. Charts say the same under the pointer."
    )
    bodies = [told, folded(f"{len(gathered.runs)} agents", table(_agents(gathered.runs)))]
    by_regime = gathered.measurements.groupby("regime", sort=True)
    for regime, group in by_regime:
        title = f"{len(group):,} numbers, {regime}"
        bodies.append(folded(title, table(_numbers(group))))
    return Section("Where every number came from", "provenance", joined(*bodies))


def _agents(runs: Sequence[Run]) -> Table:
    """Return the runs; versions are given where they differ from most."""
    counts: dict[str, int] = defaultdict(int)
    for run in runs:
        counts[plain(run.versions)] += 1
    usual = max(counts, key=lambda v: counts[v], default="")
    rows = [
        (
            run.source,
            run.game,
            run.row,
            run.seed,
            f"{run.steps:,}",
            "yes" if run.finished else "no",
            run.training,
            run.commit,
            "as below" if plain(run.versions) == usual else plain(run.versions),
        )
        for run in runs
    ]
    headings = ("run", "game", "row", "#seed", "#steps", "finished", "training", "commit",
                "versions")  # fmt: skip
    return Table(headings, rows, note=f"Versions: {usual}" if usual else "")


def _numbers(group: pd.DataFrame) -> Table:
    rows = []
    for key, of in group.groupby(KEY, sort=True):
        _, game, measure, condition, row, budget, fingerprint, commit = key
        of = of.sort_values("seed")
        values = ", ".join(
            f"{seed}: {value:.4g}" for seed, value in zip(of["seed"], of["value"], strict=True)
        )
        name = f"{measure} [{condition}]" if condition else measure
        rows.append((name, row, game, f"{budget:,}", values, fingerprint, commit))
    headings = ("measure", "row", "game", "#budget", "seed: value", "fingerprint", "commit")
    meant = "; ".join(f"{m}: {MEASURES[m].meaning}" for m in sorted(set(group["measure"])))
    return Table(headings, rows, note=meant)
