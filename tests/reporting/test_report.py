"""The report is one file that says everything and asks nobody, whatever runs are called."""

from __future__ import annotations

import html
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from browser import DESKTOP, PHONE, Browser
from report_runs import REAL, RESULTS, change, copy
from simulated import play_study, where_study

import evaluate
from analysis.claims import CLAIMS, REGISTERED, claims_table
from analysis.measurements import save
from commandline import BadInput
from reporting import figures, report
from reporting.gather import gather
from reporting.runs import open_directory
from reporting.sections import answer, play, reference
from reporting.sections.section import Section, Table, table

NOWHERE = Path("no-such-folder")
HOSTILE = (
    "<script>window.hacked = 1</script>",
    "\"'><img src=x onerror='window.hacked = 1'>",
    "</script><b>🏓 {{ 7 * 7 }} </style>",
    "name" * 75,
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the report on one real run and what is published."""
    file = tmp_path_factory.mktemp("report") / "report.html"
    report.write([REAL], RESULTS, file)
    return file


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the report on runs with names that want to be more than text."""
    root = tmp_path_factory.mktemp("hostile")
    folders = [
        copy(root / "runs", row=f"{name}.py:Net", study=name, seed=seed)
        for seed, name in enumerate(HOSTILE)
    ]
    report.write(folders, NOWHERE, root / "report.html")
    return root / "report.html"


def text_of(page: Path) -> str:
    """Return what is outside of scripts and styles, tags gone."""
    return bare(page.read_text(encoding="utf-8"))


def bare(source: str) -> str:
    """Return what HTML says."""
    source = re.sub(r"<(script|style)\b.*?</\1>", " ", source, flags=re.DOTALL)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", source)))


def test_iqm_and_improvement_stand_with_the_scores(tmp_path: Path) -> None:
    """Every comparison once, although several verdicts make it; nothing where nobody played."""
    study = play_study(np.random.default_rng(3), {"half_max": 0.7, "gap": 0.5})
    save(study, tmp_path / "measurements.json")
    body = str(play.scores(gather([], tmp_path)).body)
    lines = [bare(row) for row in re.findall(r"<tr>(.*?)</tr>", body, flags=re.DOTALL)]
    pairs = [line.split()[2:4] for line in lines if line.strip().startswith("catch")]
    assert ["nature", "half_max"] in pairs
    assert len({frozenset(pair) for pair in pairs}) == len(pairs) > 4
    (line,) = (line for line in lines if line.split()[2:4] == ["nature", "half_max"])
    assert line.split()[4] == "1.00"
    assert line.count("(seeds 0–9)") == 2
    assert "P(A &gt; B)" in body
    assert "P(A &gt; B)" not in str(play.scores(gather([], NOWHERE)).body)


def settle(browser: Browser, page: Path, size: tuple[int, int] = DESKTOP, **how: bool) -> None:
    browser.open(page, size, **how)
    browser.wait("document.documentElement.dataset.ready === 'yes'", 60)


def test_every_chart_draws_and_nothing_is_asked_for(browser: Browser, whole: Path) -> None:
    settle(browser, whole)
    assert browser.complaints() == []
    assert browser.requests() == []
    charts, drawn = browser.run(
        "const d = document.documentElement.dataset; return [+d.charts, +d.drawn]"
    )
    assert charts == drawn > 20
    marks = browser.run(
        "return [...document.querySelectorAll('figure.chart')].map(f => "
        "f.querySelectorAll('.vega svg .role-mark path, .vega svg .role-mark line').length)"
    )
    assert min(marks) >= 2, marks
    labels = browser.run(
        "return [...document.querySelectorAll('.vega')].map(v => v.getAttribute('aria-label'))"
    )
    assert min(map(len, labels)) > 40


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
@pytest.mark.parametrize("dark", [False, True])
def test_it_fits_the_window(
    browser: Browser, whole: Path, size: tuple[int, int], dark: bool
) -> None:
    settle(browser, whole, size, dark=dark)
    browser.run("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert browser.overflow() == 0
    wider = browser.run(
        "return [...document.querySelectorAll('.vega svg')].filter(s => "
        "s.getBoundingClientRect().right > innerWidth).length"
    )
    assert wider == 0
    page, ink = browser.run(
        "const s = getComputedStyle(document.body), t = document.querySelector("
        "'.vega svg [class*=role-axis] text'); return [s.backgroundColor, getComputedStyle(t).fill]"
    )
    light = [sum(map(int, re.findall(r"\d+", colour)[:3])) / 765 for colour in (page, ink)]
    assert (light[0] < 0.2 and light[1] > 0.8) if dark else (light[0] > 0.9 and light[1] < 0.2)


def test_print_opens_what_is_folded(browser: Browser, whole: Path) -> None:
    settle(browser, whole, print_=True, dark=True)
    folded = "return document.querySelectorAll('details:not([open])').length"
    assert browser.run(folded) > 40
    browser.run("dispatchEvent(new Event('beforeprint'))")
    assert browser.run(folded) == 0
    assert browser.run("return getComputedStyle(document.body).backgroundColor") == (
        "rgb(255, 255, 255)"
    )
    browser.run("dispatchEvent(new Event('afterprint'))")
    assert browser.run(folded) > 40


def test_a_number_is_under_the_pointer(browser: Browser, whole: Path) -> None:
    settle(browser, whole)
    browser.run(
        "const dot = document.querySelector('.vega svg .mark-symbol path');"
        "dot.scrollIntoView({block: 'center', behavior: 'instant'});"
        "const r = dot.getBoundingClientRect();"
        "const at = {bubbles: true, clientX: r.x + r.width / 2, clientY: r.y + r.height / 2};"
        "dot.dispatchEvent(new PointerEvent('pointermove', at));"
        "dot.dispatchEvent(new MouseEvent('mousemove', at));"
    )
    browser.wait("document.querySelector('#vg-tooltip-element.visible')")
    shown = browser.run("return document.querySelector('#vg-tooltip-element').innerText")
    assert all(word in shown for word in ("row", "seed", "commit", "@0.5"))


def test_hostile_names_stay_text(browser: Browser, hostile: Path) -> None:
    settle(browser, hostile)
    assert browser.run("return window.hacked === undefined") is True
    assert browser.run("return document.images.length") == 0
    assert browser.complaints() == []
    assert browser.requests() == []
    body = browser.run("return document.body.textContent")
    for name in HOSTILE:
        assert f"{name}.py:Net" in body
        assert f"study {name}, " in body
    assert browser.run("return document.documentElement.dataset.drawn") == browser.run(
        "return document.documentElement.dataset.charts"
    )
    settle(browser, hostile, PHONE)
    browser.run("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert browser.overflow() == 0


def test_the_answer_comes_first_and_names_the_registration(whole: Path) -> None:
    said = text_of(whole)
    anchors = re.findall(r'<section id="([\w-]+)">', whole.read_text(encoding="utf-8"))
    assert anchors[:2] == ["answer", "claims"]
    assert anchors[-3:] == ["zoo", "protocol", "provenance"]
    assert {"learning", "scores", "place", "distance", "worth", "rewards", "what"} < set(anchors)
    first = said.index("The claims and their thresholds")
    assert said.index("Does it know, and does it pay?") < first
    assert REGISTERED == "238329c"
    assert f"registered in commit {REGISTERED}" in said
    assert whole.stat().st_size < 8e6


def test_the_registration_is_the_commit_that_brought_the_claims() -> None:
    here = Path(__file__).resolve().parents[2]
    command = ["git", "-C", str(here), "show", "--name-status", "--format=%s", REGISTERED]
    shown = subprocess.run(command, capture_output=True, text=True)
    if shown.returncode:
        pytest.skip("no history here that reaches back to the registration")
    assert shown.stdout.startswith("Register the twenty claims with their thresholds")
    assert "A\tanalysis/claims_1_to_10.py" in shown.stdout


def test_every_part_stands_there_with_verdict_rule_and_command(whole: Path) -> None:
    said = text_of(whole)
    for claim in CLAIMS:
        assert claim.text in said
        for part in claim.parts:
            assert str(part.supported) in said
    for record in claims_table(gather([], RESULTS).raw):
        assert re.search(rf"{re.escape(record['id'])} {record['verdict']}", said), record["id"]
    assert "0.178 [0.17, 0.187] · 50 seeds" in said
    assert ".venv/bin/python evaluate.py --untrained --game pong --rows nature@0.5" in said


def test_provenance(whole: Path) -> None:
    said = text_of(whole)
    assert "score pong" not in said
    assert "jnd_px [held] nature 0 2.834" in said
    assert "All of them: game pong, budget 300,000, fingerprint a1cc11e5, commit c7bbe37" in said
    pattern = r"equivariance nature@0\.5 \S+ ?\S* ?\S* ?\S* ?\S* 0–49 0\.1768, 0\.1452, "
    assert re.search(pattern, said)
    assert "17.57 18.00 17.75 [17.06, 18.50] 30 0 c7bbe37be77b" in said


def test_every_network_trained_without_a_game_has_its_line() -> None:
    trained = [
        {"stage": "tuned", "task": "where", "game": "pong", "condition": "held", "row": "gap@0.5",
         "seed": seed, "settings": {"learning_rate": 1e-4, "updates": 9_000}, "skill": seed / 8,
         "commit": "abc", "source": f"results/gap@0.5/seed{seed}.json"}
        for seed in (2, 0, 1)
    ]  # fmt: skip
    found = reference.provenance(replace(gather([], NOWHERE), trained=tuple(trained)))
    assert "3 networks trained without a game" in found.body
    for cell in ("where [held]", "9,000", "0–2", "0.0000, 0.1250, 0.2500", "gap@0.5/seed*.json"):
        assert cell in found.body, cell


def test_no_runs_and_nothing_published(tmp_path: Path) -> None:
    report.write([], NOWHERE, tmp_path / "report.html")
    said = text_of(tmp_path / "report.html")
    assert said.count("Not there yet:") >= 10
    assert "none of the 5 primary verdicts has been measured" in said
    assert ".venv/bin/python train.py --game pong" in said
    assert "This page is made from 0 agents and 0 measurements." in said


def test_scores_of_different_protocols_are_different_tables(tmp_path: Path) -> None:
    folders = [copy(tmp_path / "runs", seed=seed) for seed in range(2)]
    scores = folders[1] / "evaluation" / "scores.json"
    change(scores, {"fingerprint": "0ddba11e", "protocol": {"epsilon": 0.01, "frame_skip": 4}})
    body = str(play.scores(gather(folders, NOWHERE)).body)
    said = bare(body)
    assert "Scores were made in 2 ways" in said
    assert "4fa15c83 and 0ddba11e differ in epsilon: 0.05 and 0.01" in said
    tables = re.findall(r"<table>.*?</table>", body, re.DOTALL)
    scored = [t for t in tables if "IQM" in t]
    assert ["seed0" in t for t in scored] == ["seed1" not in t for t in scored]
    assert len(scored) == 2
    assert body.count("<figure") == 2  # and never in one chart


def test_an_agent_that_only_hung_has_no_mean(tmp_path: Path) -> None:
    folder = copy(tmp_path / "runs")
    nothing = dict.fromkeys(("mean", "median", "iqm", "iqm_interval"))
    change(folder / "evaluation" / "scores.json", {**nothing, "hung": 30})
    said = bare(str(play.scores(gather([folder], NOWHERE)).body))
    assert "Pong, study fast, " in said
    assert " pong/nature/seed0 – – – – 30 30 c7bbe37be77b" in said


def test_the_first_sentence_puts_no_two_ways_of_making_together() -> None:
    def row(game: str, seed: int, px: float) -> dict[str, object]:
        beside = {"rmse_x_px": px, "rmse_y_px": px, "r2_x": 0.5, "r2_y": 0.5, "commit": "c"}
        return {
            "stage": "tuned", "task": "where", "game": game, "condition": "", "row": "nature@0.5",
            "seed": seed, "settings": {"updates": 9}, "fingerprint": "f", "rmse_px": px, **beside,
        }  # fmt: skip

    said = answer.after_training([row("pong", 0, 1.0), row("pong", 1, 4.0), row("catch", 0, 25.0)])
    assert "(Pong, width 0.5): behind strides alone 2 px (nature, 2 networks)." in said


def test_a_settled_primary_claim_leads() -> None:
    jnd = {"gap": 20.0, "gmp": 20.0}
    said = answer.words(claims_table(where_study(np.random.default_rng(0), jnd)))
    assert said.lead.startswith("1L, “Pooling makes a network insensitive to where an object is")
    assert "Not decided: " in said.lead
    assert dict(said.tally)["not measured"] > 30


def test_the_ledger_is_that_of_the_zoo() -> None:
    body = str(reference.zoo(gather([], NOWHERE)).body)
    assert "169,950,886" in body
    assert body.count("<tr>") > 50


def test_a_section_of_somebody_elses_has_its_place() -> None:
    def extra(gathered: report.Gathered) -> Section:
        cells = Table(("a", "#b"), [("<i>", len(gathered.runs))])
        return Section("Extra & more", "extra", table(cells))

    page = report.render(gather([], NOWHERE), (extra,))
    assert '<a href="#extra">Extra &amp; more</a>' in page
    assert '<td>&lt;i&gt;</td><td class="number">0</td>' in page


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                     capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    copy(tmp_path / "runs")
    assert evaluate.main(["runs", "--report"]) == 0
    assert capsys.readouterr().out.startswith("report.html: 1 agent, 10 measurements, ")
    assert evaluate.main(["--report", "other.html", "runs"]) == 0
    first, second = ((tmp_path / n).read_bytes() for n in ("report.html", "other.html"))
    assert first == second  # nothing of when or where it was made
    with pytest.raises(BadInput, match="nowhere: expected a run directory or a folder of them"):
        evaluate.main(["nowhere", "--report", "third.html"])
    assert not (tmp_path / "third.html").exists()


def test_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert figures.main(["--results", str(RESULTS), "--out", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    names = {p.name for p in tmp_path.iterdir()}
    assert {"untrained-place-pong-held.png", "claims.png"} <= names
    assert all(p.read_bytes().startswith(b"\x89PNG") for p in tmp_path.iterdir())
    left_out = "know and pay: left out; not there yet: " in said
    assert left_out != any(name.startswith("know-and-pay") for name in names)
    with pytest.raises(BadInput, match="--results: expected a folder of published rows, got"):
        figures.main(["--results", str(NOWHERE)])


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{}", "seed: expected the files of a run, got none with 'fingerprint'"),
        ('{"mean": "y"}', "got ValueError: could not convert string to float: 'y'"),
        ("[", r"scores.json: expected a JSON file"),
    ],
)
def test_damaged_scores_are_told_in_one_line(tmp_path: Path, content: str, told: str) -> None:
    run = copy(tmp_path / "runs")
    scores = run / "evaluation" / "scores.json"
    if content == '{"mean": "y"}':
        change(scores, {"mean": "y"})
    else:
        scores.write_text(content)
    with pytest.raises(BadInput, match=told):
        open_directory(run)


@pytest.mark.slow
def test_five_hundred_runs() -> None:
    command = [sys.executable, "-m", "benchmarks.report", str(REAL), "--runs", "500"]
    subprocess.run(command, check=True, timeout=300)
