"""The benchmark of the metrics, on its smallest maps: programs agree where they claim to, and a missing one is named."""

import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.fixture
def metrics(monkeypatch):
    if not FOLDER.is_dir():
        pytest.skip("the benchmarks are not part of this distribution")
    monkeypatch.syspath_prepend(str(FOLDER))
    import metrics as module

    monkeypatch.setattr(module, "LARGE", ((64, 12),))
    yield module
    for name in ("metrics", "common"):
        sys.modules.pop(name, None)


def test_programs_agree(metrics):
    cases = [case for cases in (metrics.rand_cases, metrics.cell_tracking_cases) for case in cases()]
    assert {case.metric for case in cases} >= {"SEG", "DET", "Rand error, instance maps"}
    for case in cases:
        figures = [row["figure"] for row in metrics.measure(case, 1, 0.1) if not row.get("missing")]
        assert figures == pytest.approx([figures[0]] * len(figures))


def test_a_missing_program_is_named_and_left_out(metrics):
    case = metrics.Case("m", "d", (metrics.Program("unseam", lambda: 0.5), metrics.Program("other", None)))
    rows = metrics.measure(case, 1, 0.1)
    facts = {"date": "", "cpu": "", "versions": {}, "command": ""}
    text = metrics.table({"facts": facts, "rows": rows})
    assert "| m | d | unseam | 0.500000 |" in text
    assert "| m | d | other | not installed |" in text
