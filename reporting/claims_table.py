"""The verdicts as a table for the terminal; the claims as a table for docs/claims.md.

    python -m reporting.claims_table

rewrites the table on that page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from analysis.claim import Claim, Part
from analysis.claims import CLAIMS
from commandline import BadInput, counted, parse, run

COLOURS = {"supported": "green", "refuted": "red", "inconclusive": "yellow", "not measured": "dim"}


def verdicts_table(records: Sequence[Mapping[str, Any]]) -> Group:
    """Return the verdicts of `analysis.claims.claims_table`, three lines each.

    Not a table with a column for everything: in a terminal of usual width the words would stand
    in columns of seven letters.

    Args:
        records: One for each part, regime and game.
    """
    shown: list[RenderableType] = [
        Text("Verdicts by rules registered beforehand (docs/claims.md). ★ primary; effect and "
             "95 % interval over seeds of the quantity on which the verdict hangs.\n")
    ]  # fmt: skip
    for record in records:
        verdict = record["verdict"]
        why = [f"held back by {guard}" for guard in record["held_back"]]
        why += [f"needs {cell}" for cell in record["needs"]]
        more = f"; and {len(why) - 2} more" if len(why) > 2 else ""
        numbers = Table.grid(padding=(0, 1))
        for width in (12, 12, 6, 14, 8, 18):
            numbers.add_column(min_width=width, no_wrap=True)
        numbers.add_row(
            f"[bold]{escape(record['id'])}{'★' if record['primary'] else ''}[/]",
            f"[{COLOURS[verdict]}]{verdict}[/]",
            number(record["effect"]),
            escape(interval(record["interval"])),
            "exact" if record["regime"] == "arithmetic" else counted(record["seeds"], "seed"),
            " ".join(filter(None, (record["regime"], record["game"]))),
        )
        shown.append(numbers)
        shown.append(Padding(Text(record["claim"]), (0, 0, 0, 4)))
        if why:
            shown.append(Padding(Text("; ".join(why[:2]) + more, style="dim"), (0, 0, 0, 4)))
    return Group(*shown)


def number(value: float | str | None) -> str:
    """Return a number for people: three digits, ∞, or a dash for none."""
    if value is None:
        return "–"
    return str(value).replace("inf", "∞") if isinstance(value, str) else f"{value:.3g}"


def interval(ends: Sequence[float | str | None] | None) -> str:
    """Return the ends of an interval for people."""
    return "–" if ends is None else f"[{number(ends[0])}, {number(ends[1])}]"


def numbers(record: Mapping[str, Any]) -> str:
    """Return effect, interval and seeds of a verdict for people; arithmetic has the first alone."""
    if record["regime"] == "arithmetic":
        return f"{number(record['effect'])} · exact"
    seeds = counted(record["seeds"], "seed")
    return f"{number(record['effect'])} {interval(record['interval'])} · {seeds}"


def claims_markdown(claims: Sequence[Claim]) -> str:
    """Return the claims as a Markdown table, one line a part, and the notes below it."""
    lines = [
        "| id | claim | source | decided in | supported if | refuted if | guards |",
        "|---|---|---|---|---|---|---|",
    ]
    notes = []
    for claim in claims:
        star = "★" if claim.primary else ""
        for part in claim.parts:
            text = claim.text + (f" *{part.text}*" if part.text else "")
            cells = (
                f"{part.id}{star}",
                text,
                ", ".join(claim.sources),
                _where(part),
                str(part.supported),
                str(part.refuted),
                ", ".join(part.guards) or "–",
            )
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
            beside = f"Beside it, deciding nothing: {part.beside}." if part.beside else ""
            said = " ".join(filter(None, (part.note, beside)))
            if said:
                notes.append((part.id, said))
        if claim.version > 1:
            notes.append((str(claim.number), f"Version {claim.version}: {claim.reason}"))
    # One note for all parts that share it.
    shared: dict[str, list[str]] = {}
    for name, said in notes:
        shared.setdefault(said, []).append(name)
    listed = [f"- **{', '.join(dict.fromkeys(n))}**: {said}" for said, n in shared.items()]
    return "\n".join([*lines, "", *listed]) + "\n"


def _where(part: Part) -> str:
    return " ".join(filter(None, (part.regime, part.games[0])))


START, END = "<!-- claims -->\n", "<!-- /claims -->"


@dataclass(frozen=True)
class Options:
    """What can be asked for.

    Attributes:
        page: The page to rewrite between its markers.
    """

    page: tyro.conf.Positional[Path] = Path("docs/claims.md")


def main(argv: list[str] | None = None) -> int:
    """Put the table of the claims into its page."""
    options = parse(
        Options, argv, "python -m reporting.claims_table", "Rewrite the table in docs/claims.md."
    )
    if not options.page.is_file():
        raise BadInput(f"page: expected a Markdown file, found none at {options.page}")
    before, start, rest = options.page.read_text(encoding="utf-8").partition(START)
    _, end, after = rest.partition(END)
    if not (start and end):
        raise BadInput(f"{options.page}: expected a page with {START.strip()} and {END}")
    text = before + start + claims_markdown(CLAIMS) + end + after
    options.page.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    run(main)
