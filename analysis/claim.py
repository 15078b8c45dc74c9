"""What a claim is: words, sources, and for each part of it what supports it and what refutes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from analysis.measurements import REFERENCES
from analysis.verdicts.decisions import Arithmetic, Cell, Expression, cells_of, quantities
from analysis.verdicts.rules import Regime, Verdict

SOURCES: Mapping[str, str] = MappingProxyType(
    {
        "S0": "thread on max-pooling and loss of information, which quotes the blog post",
        "S1": "thread on why to pool between layers if a global pool at the end would do",
        "S2": "thread on what goes wrong in a network without max-pooling",
        "S3": "thread on why to shrink pictures if that makes them unclear",
        "S4": "the thread of S0 elsewhere, with an answer of its own on weights",
    }
)
"""The five threads, by the leading number of their file among the sources of the study."""

GAMES: Mapping[Regime, tuple[str, ...]] = MappingProxyType(
    {
        "untrained": ("pong", "breakout"),
        "supervised": ("pong", "breakout"),
        "reinforcement": ("catch", "pong", "breakout"),
        "game": ("pong", "breakout"),
        "arithmetic": ("",),
    }
)
"""Games of each regime: the first decides, the others are replications, with their own verdicts."""


@dataclass(frozen=True)
class Assay:
    """Where the assay guard looks.

    Attributes:
        levels: Of each group the better cell has to be off the floor and the ceiling.
        control: Measure and condition on which nature − sort or nature − gap must show.
        on: The verdicts that need it: those that say "no difference", and refutations.
        ceiling: Whether the ceiling counts; not for pixels, and not for absolute thresholds.
    """

    levels: tuple[tuple[Cell, ...], ...]
    control: tuple[str, str]
    on: tuple[Verdict, ...] = ("refuted",)
    ceiling: bool = True


@dataclass(frozen=True)
class Check:
    """A manipulation check: every value there is has to lie in a range, or the study stops."""

    measure: str
    row: str
    low: float
    high: float


MACHINERY = (
    Check("blank_r2", "dense_circular_gap", -0.05, 0.05),
    Check("corner_dq", "corner_twin", 0, 0),
    Check("corner_dq", "corner_half", 0, 0),
)
"""Checks of the networks, in whatever regime and game they were made."""

SHARED_SET = Check("erased_r2", "raw_pixels", float("-inf"), 0.02)
"""Check of the set of teleported frames, in the game in question."""

CHECKS: Mapping[Regime, tuple[Check, ...]] = MappingProxyType(
    {
        "untrained": (*MACHINERY, SHARED_SET),
        "supervised": (*MACHINERY, SHARED_SET),
        "reinforcement": MACHINERY,
        "game": (),
        "arithmetic": (),
    }
)
"""Manipulation checks by regime."""


@dataclass(frozen=True)
class Part:
    """What gets one verdict in each game: one regime, one kind of pooling, one target.

    Attributes:
        id: What people call it: `1L`, `14 where`.
        regime: Where it is decided.
        supported: What has to hold for the claim.
        refuted: What has to hold against it.
        text: What sets this part apart from the claim's other ones; may be empty.
        assay: The assay guard; `None` where there is no difference to be missed.
        gain: Measure of the budget guard; empty where nothing is trained, or not to a budget.
        trained: Rows that the budget guard watches, if not all that are compared.
        capacity: Whether it is a verdict on gap, which gap_wide and gap_learned must bear out.
        oracle: Whether the potential reward has to be foretold by the RAM oracle.
        checks: Manipulation checks beyond those of the regime.
        only_in: Games in which it is decided, if not those of the regime.
        beside: What is shown beside it and decides nothing.
        note: How something left open was read.
    """

    id: str
    regime: Regime
    supported: Expression
    refuted: Expression
    text: str = ""
    assay: Assay | None = None
    gain: str = ""
    trained: tuple[str, ...] = ()
    capacity: bool = False
    oracle: bool = False
    checks: tuple[Check, ...] = ()
    only_in: tuple[str, ...] = ()
    beside: str = ""
    note: str = ""

    @property
    def games(self) -> tuple[str, ...]:
        """The game that decides, then the replications."""
        return self.only_in or GAMES[self.regime]

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The cells that the two expressions need, each once."""
        found = quantities(self.supported, self.refuted)
        return tuple(dict.fromkeys(c for q in found for c in cells_of(q)))

    @property
    def rows(self) -> tuple[str, ...]:
        """The networks compared."""
        counted = [
            row
            for q in quantities(self.supported, self.refuted)
            if isinstance(q, Arithmetic)
            for _, row in (q.over, q.under)
        ]
        rows = dict.fromkeys([*(c.row for c in self.cells), *counted])
        return tuple(r for r in rows if r not in REFERENCES)

    @property
    def guards(self) -> tuple[str, ...]:
        """Names of the guards that can hold the verdict back."""
        named = {
            "assay": self.assay is not None,
            "budget": bool(self.gain),
            "capacity": self.capacity,
            "oracle": self.oracle,
            "manipulation": bool(self.checks or CHECKS[self.regime]),
        }
        return tuple(name for name, there in named.items() if there)


@dataclass(frozen=True)
class Claim:
    """One of the twenty.

    Attributes:
        number: From 1 to 20.
        text: The claim in our words.
        sources: Keys of `SOURCES`.
        parts: What is decided.
        primary: Whether its parts are corrected together, by Holm, and need ten seeds.
        version: 1 as registered. A changed threshold is a new version, never an edit.
        reason: Why there is a newer version; empty for the first.
    """

    number: int
    text: str
    sources: tuple[str, ...]
    parts: tuple[Part, ...]
    primary: bool = False
    version: int = 1
    reason: str = ""
