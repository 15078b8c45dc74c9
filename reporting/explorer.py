"""The explorer: a picture of the game on which the reader drags the ball; what networks make of it.

    python -m reporting.explorer --rows nature@0.5 half_max@0.5 gap@0.5
    python -m reporting.explorer runs/fast/pong/nature/seed0

writes explorer.html, one page without a request to anywhere: of networks with random weights, or of
agents that `evaluate.py --measures explorer` has measured. Reports put the same thing between other
sections with `fragment`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import tyro
from jinja2 import Environment, PackageLoader, StrictUndefined
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from agents.checkpoints import read_json
from analysis.cache import CACHE
from analysis.networks import build
from analysis.shared import Shared
from analysis.worth.explorer_maps import explorer_maps
from commandline import BadInput, at_least, counted, parse, run
from envs.games import find
from reporting.commands import measures
from reporting.explorer_data import network_of, read, scene_of, trained_for
from reporting.palette import SECONDS, colours_of

AT_MOST = 1 + len(SECONDS)
"""Networks in one explorer; what is beyond is named and left out. Four are about 1.3 MB."""

SCRIPTS = ("explorer_marks.js", "explorer.js")

PICTURES = ("pictures to fit read-outs on", "the ball at every place")
"""What is drawn by the emulator before any network looks at it; kept for the next time."""

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Shown:
    """One network in an explorer.

    Attributes:
        name: What people call it; any text.
        note: What they should know beside it, as for how long it was trained; any text.
        table: Its maps: what `analysis.worth.explorer_maps` gives, or `explorer_data.read`.
    """

    name: str
    note: str
    table: pd.DataFrame


def fragment(maps: Sequence[Shown]) -> Markup:
    """Return explorers to be put into a page, one for each scene (and so for each game).

    Self-contained: style, script and data are inside. Everything is named under `.explorer`, so
    that a page may have several.

    Args:
        maps: Networks, in the order in which they are to stand; nothing comes of none.
    """
    scenes: dict[str, list[Shown]] = {}
    for shown in maps:
        scenes.setdefault(shown.table.attrs["scene"], []).append(shown)
    style = Markup((HERE / "explorer.css").read_text(encoding="utf-8"))
    parts = ((HERE / name).read_text(encoding="utf-8") for name in SCRIPTS)
    # In a function of its own, or a page's second explorer would declare its names again.
    script = Markup('(() => {\n"use strict";\n' + "\n".join(parts) + "})();")
    template = _environment().get_template("explorer.html.j2")
    found = []
    for members in scenes.values():
        kept, left_out = members[:AT_MOST], members[AT_MOST:]
        colours = colours_of(shown.table.attrs["row"] for shown in kept)
        networks = [
            {
                "name": shown.name,
                "note": shown.note,
                "letter": chr(ord("A") + number),
                "colour": colour,  # marks also differ in shape and letter
                **network_of(shown.table),
            }
            for number, (shown, colour) in enumerate(zip(kept, colours, strict=True))
        ]
        scene = scene_of(kept[0].table)
        found.append(
            template.render(
                data=htmlsafe_json_dumps({**scene, "networks": networks}),
                scene=scene,
                networks=networks,
                left_out=[shown.name for shown in left_out],
                style=style,
                script=script,
            )
        )
    return Markup("\n").join(map(Markup, found))


def page(maps: Sequence[Shown], title: str = "Where is the ball?") -> str:
    """Return a page with nothing but the explorers."""
    return (
        _environment()
        .get_template("explorer_page.html.j2")
        .render(title=title, explorers=fragment(maps))
    )


def measured_below(path: Path) -> list[Path]:
    """Return the run directories at or below a path whose agents have maps.

    Raises:
        BadInput: If there is none.
    """
    if not path.is_dir():
        raise BadInput(f"{path}: expected a run directory or a folder of them, got none")
    found = sorted(file.parent.parent for file in path.rglob("evaluation/explorer.parquet"))
    if not found:
        raise BadInput(
            f"{path}: expected runs measured with --measures explorer, got none; "
            f"{measures('explorer', agents=[str(path)])} takes it"
        )
    return found


def of_run(directory: Path) -> Shown:
    """Return the maps of a run directory's agent.

    Raises:
        BadInput: If they have not been taken yet, or cannot be read.
    """
    file = directory / "evaluation" / "explorer.parquet"
    if not file.exists():
        raise BadInput(
            f"{directory}: expected a run measured with --measures explorer, got one without "
            f"{file.name}; {measures('explorer', agents=[str(directory)])} takes it"
        )
    note = trained_for(read_json(directory / "agent.json"))
    return Shown("/".join(directory.resolve().parts[-3:]), note, read(file))


def untrained(
    rows: Sequence[str], seed: int, shared: Shared, step: Callable[[str], None] = lambda _: None
) -> list[Shown]:
    """Take the maps of networks with random weights.

    Args:
        rows: Of the zoo, widths allowed.
        seed: Of their weights.
        shared: Data of the game.
        step: Told what comes next: each of `PICTURES`, then each row.
    """
    actions = len(find(shared.game).actions)
    networks = [build(row, seed, actions) for row in rows]
    step(PICTURES[0])
    frames = shared.held
    step(PICTURES[1])
    scene = shared.scene
    note = f"random weights, seed {seed}: values that nobody has learnt"
    found = []
    for row, network in zip(rows, networks, strict=True):
        step(row)
        found.append(Shown(row, note, explorer_maps(network, scene, frames, "untrained").table))
    return found


def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("reporting", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@dataclass(frozen=True)
class Options:
    """What can be asked for.

    Attributes:
        runs: Run directories measured with --measures explorer.
        rows: Rows of the zoo to show with random weights, a width allowed (nature@0.5).
        seed: Of the random weights.
        game: Whose pictures they see.
        out: The page to write.
        folder: Where sets of pictures are kept.
    """

    runs: tyro.conf.Positional[list[Path]] = field(default_factory=list)
    rows: list[str] = field(default_factory=list)
    seed: int = 0
    game: str = "pong"
    out: Path = Path("explorer.html")
    folder: Path = CACHE


@contextmanager
def _progress(steps: int) -> Iterator[Callable[[str], None]]:
    """Show how far a page is: a bar and the time left; plain lines where no terminal is.

    Args:
        steps: How many there will be.

    Yields:
        What to call with its name as each of them begins.
    """
    console = Console(stderr=True)  # what is printed stays free for the result
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("left"),
        console=console,
        disable=not console.is_terminal,
    )
    task = bar.add_task("", total=steps)
    begun = 0

    def step(name: str) -> None:
        nonlocal begun
        bar.update(task, completed=begun, description=escape(name))
        begun += 1
        if not console.is_terminal:
            print(f"{begun}/{steps}: {name}", file=sys.stderr)

    with bar:
        yield step
        bar.update(task, completed=steps)


def main(argv: list[str] | None = None) -> int:
    """Write a page of explorers."""
    options = parse(Options, argv, "python -m reporting.explorer", __doc__ or "")
    at_least("--seed", options.seed, 0)
    find(options.game)
    if not (options.runs or options.rows):
        raise BadInput("expected run directories, or --rows such as nature@0.5 gap@0.5; got none")
    if options.out.suffix != ".html" or not options.out.parent.is_dir():
        raise BadInput(f"--out: expected a .html in a folder that exists, got {options.out}")
    rows = list(dict.fromkeys(options.rows))
    directories = [d for path in options.runs for d in measured_below(path)]
    steps = len(directories) + (len(PICTURES) + len(rows) if rows else 0)
    found: list[Shown] = []
    with _progress(steps) as step:
        for directory in directories:
            step(directory.as_posix())
            found.append(of_run(directory))
        if rows:
            shared = Shared(options.game, folder=options.folder)
            found += untrained(rows, options.seed, shared, step)
    options.out.write_text(page(found), encoding="utf-8")
    networks = counted(len(found), "network")
    print(f"{options.out}: {networks}, {options.out.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    run(main)
