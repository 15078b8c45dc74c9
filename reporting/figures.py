"""The README's figures, as pictures of the report's own charts; no browser is needed.

    python -m reporting.figures

writes them to docs/figures/ from what lies in results/, and says what is missing for the others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import vl_convert

import commandline
from analysis.claims import CLAIMS
from commandline import BadInput
from reporting.charts import answer, learning, strips, verdicts
from reporting.charts.panel import Drawn, Panel, as_json, specification
from reporting.gather import Gathered, gather
from reporting.sections.claims import numbered

WIDTH, SCALE = 720, 1.5
"""Of a picture: CSS pixels across, and picture pixels in each."""


def _claims(gathered: Gathered) -> Drawn:
    return verdicts.overview(numbered(gathered.verdicts), {c.number: c.text for c in CLAIMS})


FIGURES: Mapping[str, Callable[[Gathered], Drawn]] = {
    "untrained": lambda gathered: strips.untrained_place(gathered.measurements),
    "trained on place": lambda gathered: strips.trained_place(gathered.trained),
    "know and pay": lambda gathered: answer.figure(gathered.measurements),
    "learning": lambda gathered: learning.curves(gathered.judged),
    "claims": _claims,
}
"""What is drawn, by what people call it."""


@dataclass(frozen=True)
class Arguments:
    """What can be asked for on the command line.

    Attributes:
        results: Folder of published rows.
        out: Folder of the pictures.
    """

    results: Path = Path("results")
    out: Path = Path("docs/figures")


def png(panel: Panel) -> bytes:
    """Return a panel as a picture on white."""
    spec = specification(panel, WIDTH // 2 if panel.narrow else WIDTH)
    spec["background"] = "white"
    spec["padding"] = 12
    drawn = vl_convert.vegalite_to_png(as_json(spec), scale=SCALE)
    # The same pixels in a third of the bytes.
    pixels = cv2.imdecode(np.frombuffer(drawn, np.uint8), cv2.IMREAD_COLOR)
    assert pixels is not None, "it was drawn a line above"
    _, packed = cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    return bytes(packed.tobytes())


def main(argv: Sequence[str] | None = None) -> int:
    """Write the pictures; return the exit status."""
    program = "python -m reporting.figures"
    arguments = commandline.parse(Arguments, argv, program, __doc__ or "")
    if not arguments.results.is_dir():
        raise BadInput(f"--results: expected a folder of published rows, got {arguments.results}")
    gathered = gather((), arguments.results)
    arguments.out.mkdir(parents=True, exist_ok=True)
    used: Counter[str] = Counter()
    for name, draw in FIGURES.items():
        drawn = draw(gathered)
        for panel in drawn.panels:
            used[panel.name] += 1
            again = f"-{used[panel.name]}" if used[panel.name] > 1 else ""
            file = arguments.out / f"{panel.name}{again}.png"
            file.write_bytes(png(panel))
            print(f"{file}: {panel.alt}")
        for gap in drawn.missing:
            print(f"{name}: left out; not there yet: {gap.what}")
    return 0


if __name__ == "__main__":
    commandline.run(main)
