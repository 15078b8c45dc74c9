"""The W&B workspace and report of a project, defined in code.

    python -m reporting.dashboards --entity ME --project ballpark

publishes them where there is a key; without one it writes the same specifications as JSON and says
how to publish. Both show four things: learning, where the ball is, reward by position, speed.
"""

from __future__ import annotations

import importlib
import json
import os
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import commandline
from commandline import BadInput
from reporting import names
from reporting.names import POSITION_BINS, READ_OUT_SECONDS, SCORE, VIDEO, map_of, measure, score
from reporting.names import where as where_r2

TITLE = "Ballpark"

LAYERS = r"^where/.*_r2$"
"""Every layer's read-out: rows of the zoo have different ones."""


@dataclass(frozen=True)
class Panel:
    """One panel, before W&B's classes know of it.

    Attributes:
        title: Stands above.
        kind: `line` over `global_step`, `lines` (all that match one pattern), `bar` (the last
            value of each run), `media`, `table`.
        metrics: What is shown: names, or one regular expression for `lines`.
        y: What the numbers are, with their unit.
    """

    title: str
    kind: str
    metrics: tuple[str, ...]
    y: str = ""


@dataclass(frozen=True)
class Section:
    """Panels about one question.

    Attributes:
        name: Stands above.
        told: What one sees there, for the report.
        panels: In order.
    """

    name: str
    told: str
    panels: tuple[Panel, ...]


SECTIONS = (
    Section(
        "Learning",
        "Whole games, raw score, 5 % random actions; below, what the agent sees while it learns. "
        "The x-axis is agent steps, four emulator frames each.",
        (
            Panel("Score of whole games", "line", (SCORE,), "raw score"),
            Panel(
                "Return while training", "line", ("rollout/return_raw",), "raw, with exploration"
            ),
            Panel("Length of a training episode", "line", ("rollout/length",), "agent steps"),
            Panel("Loss", "line", ("train/loss",), "Huber"),
            Panel("Mean Q of the batches", "line", ("train/q_mean",), "discounted clipped reward"),
            Panel("Exploration", "line", ("train/epsilon",), "probability of a random action"),
            Panel("Final score, IQM over games", "bar", (score("iqm"),), "raw score"),
        ),
    ),
    Section(
        "Where is the ball?",
        "R² of the ball's place that a linear read-out finds in each layer, on teleported pictures "
        "with the opponent held: while the agent learns on some 600 of them, behind the evaluation "
        "on the whole set.",
        (
            Panel("Last features, while learning", "line", (where_r2("features"),), "R²"),
            Panel("Hidden layer, while learning", "line", (where_r2("hidden"),), "R²"),
            Panel("Every layer, while learning", "lines", (LAYERS,), "R²"),
            Panel("Last features, finished agent", "bar", (measure("where_r2"),), "R²"),
            Panel("Just noticeable difference", "bar", (measure("jnd_px"),), "screen pixels"),
            Panel("True and decoded place in play", "media", (VIDEO,)),
            Panel("Probes of every layer", "table", (names.table_of("probes"),)),
            Panel("Displacement", "table", (names.table_of("displacement"),)),
            Panel("d′ and JND", "table", (names.table_of("jnd"),)),
        ),
    ),
    Section(
        "Reward by position",
        "What a place is worth if the ball is put there, what the agent expects there, and what "
        "followed in its own games.",
        (
            Panel("Worth and expectation", "media", (map_of("values"), map_of("own_values"))),
            Panel("What followed, by place", "media", (map_of("ball_rewards"),)),
            Panel("Position bins", "table", (POSITION_BINS,)),
        ),
    ),
    Section(
        "Speed",
        "What training costs here, evaluations and read-outs left out, and what a read-out costs.",
        (
            Panel("Speed", "line", ("time/steps_per_second",), "agent steps a second"),
            Panel("A read-out of all layers", "line", (READ_OUT_SECONDS,), "seconds"),
            Panel("Updates", "line", ("train/updates",), "updates of the weights"),
        ),
    ),
)
"""What is shown; `tests/studies/test_read_out.py` holds each name against what is logged."""


def workspace(entity: str = "", project: str = "") -> Any:
    """Return the workspace; with both names left blank it can be built without a server."""
    library = _library("wandb_workspaces.workspaces")
    return library.Workspace(
        entity=entity,
        project=project,
        name=TITLE,
        sections=[
            library.Section(name=s.name, panels=list(_panels(s)), is_open=True) for s in SECTIONS
        ],
        settings=library.WorkspaceSettings(x_axis="global_step", max_runs=100),
        runset_settings=library.RunsetSettings(groupby=[library.Metric("Group")]),
    )


def report(entity: str = "", project: str = "") -> Any:
    """Return the report; with both names left blank it can be built without a server."""
    library = _library("wandb_workspaces.reports.v2")
    runs = [
        library.Runset(
            entity=entity,
            project=project,
            name=name,
            filters=f"Metric('JobType') == '{job}'",
            groupby=["Group"] if job == "train" else [],
        )
        for name, job in (("training", "train"), ("evaluation", "evaluate"))
    ]
    blocks: list[Any] = [
        library.P(
            "Does pooling still know, in the ballpark, where the ball is? Agents that differ only "
            "in how their network shrinks the picture."
        ),
        library.TableOfContents(),
    ]
    for section in SECTIONS:
        panels = list(_panels(section))
        blocks += [library.H1(section.name), library.P(section.told)]
        blocks.append(library.PanelGrid(runsets=runs, panels=panels))
    return library.Report(
        entity=entity,
        project=project,
        title=TITLE,
        description="Learning, where the ball is, reward by position, speed",
        blocks=blocks,
        width="fluid",
    )


def _panels(section: Section) -> Iterator[Any]:
    """Yield a section's panels as W&B's own, three in a row."""
    library = _library("wandb_workspaces.reports.v2")
    for i, panel in enumerate(section.panels):
        layout = library.Layout(x=i % 3 * 8, y=i // 3 * 8, w=8, h=8)
        common = {"title": panel.title, "layout": layout}
        match panel.kind:
            case "line":
                axes = {"title_x": "agent steps", "title_y": panel.y}
                yield library.LinePlot(x="global_step", y=list(panel.metrics), **axes, **common)
            case "lines":
                (pattern,) = panel.metrics
                axes = {"title_x": "agent steps", "title_y": panel.y}
                yield library.LinePlot(x="global_step", metric_regex=pattern, **axes, **common)
            case "bar":
                last = [library.SummaryMetric(name) for name in panel.metrics]
                yield library.BarPlot(metrics=last, title_x=panel.y, **common)
            case "media":
                yield library.MediaBrowser(media_keys=list(panel.metrics), **common)
            case "table":
                (name,) = panel.metrics
                yield library.WeavePanelSummaryTable(table_name=name, layout=layout)
            case _:
                raise ValueError(f"expected a kind of panel, got {panel.kind!r}")


def _library(name: str) -> ModuleType:
    """Import a part of wandb-workspaces, which speaks to an older pydantic.

    Raises:
        BadInput: If it is not installed.
    """
    os.environ["WANDB_DISABLE_WEAVE"] = "true"  # it takes our package `agents` for another one
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return importlib.import_module(name)
    except ImportError:
        raise BadInput("expected the package wandb-workspaces, which is not installed") from None


def specification(built: Any) -> dict[str, Any]:
    """Return what W&B would be sent for a workspace or report, as JSON."""
    found: dict[str, Any] = json.loads(built._to_model().model_dump_json(by_alias=True))
    return found


@dataclass(frozen=True)
class Options:
    """What can be asked for on the command line.

    Attributes:
        entity: The user or team on W&B.
        project: The project there; runs of train.py go to ballpark.
        out: Folder for workspace.json and report.json, where there is no key.
    """

    entity: str = ""
    project: str = "ballpark"
    out: Path = Path("dashboards")


PROGRAM = "python -m reporting.dashboards"


def main(argv: list[str] | None = None, say: Callable[[str], None] = print) -> int:
    """Publish workspace and report, or write what would be published; return the exit status."""
    options = commandline.parse(Options, argv, PROGRAM, __doc__ or "")
    if not options.project.strip() or "/" in options.project + options.entity:
        raise BadInput(
            "--entity and --project: expected names without a slash, got "
            f"{options.entity!r} and {options.project!r}"
        )
    if _has_key():
        if not options.entity:
            raise BadInput("--entity: expected the user or team on W&B, got none")
        for built in (workspace, report):
            saved = built(options.entity, options.project).save()
            say(f"{built.__name__}: {saved.url}")
        return 0
    try:
        options.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"--out: expected a folder, got {options.out}: {error}") from None
    for built in (workspace, report):
        path = options.out / f"{built.__name__}.json"
        path.write_text(json.dumps(specification(built()), indent=1, sort_keys=True) + "\n")
        say(f"{path}: written")
    entity = options.entity or "ME"
    words = ("-m", "reporting.dashboards", "--entity", entity, "--project", options.project)
    command = commandline.typed(*words)
    say(
        f"There is no key for W&B here. To publish: `wandb login`, `wandb sync` for runs that were "
        f"logged offline, then {command}"
    )
    return 0


def _has_key() -> bool:
    """Whether W&B knows a key, without asking for one."""
    import wandb

    return bool(wandb.login(prompt=False))


if __name__ == "__main__":
    commandline.run(main)
