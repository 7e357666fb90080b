"""The training curve as one SVG picture, drawn without a plotting library; any browser shows it."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 760, 348
LEFT, RIGHT, TOP, BOTTOM = 62, 62, 52, 60


@dataclass(frozen=True)
class Ink:
    """CSS colours of a drawing: fixed for a separate file, or variables of the page around it."""

    paper: str = "#ffffff"
    text: str = "#444444"
    grid: str = "#dddddd"
    energy: str = "#0072b2"  # colour-blind people can tell blue from vermilion; the marks differ too
    score: str = "#d55e00"


FOR_A_FILE = Ink()
FOR_A_PAGE = Ink("none", "var(--text)", "var(--line)", "var(--blue)", "var(--vermilion)")


@dataclass(frozen=True)
class _Frame:
    """Converts numbers to positions in the drawing."""

    last_step: int
    lowest: float
    highest: float

    def x(self, step: float | int) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * step / self.last_step

    def y(self, share: float | int) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share

    def y_energy(self, energy: float | int) -> float:
        return self.y(math.log(energy / self.lowest) / math.log(self.highest / self.lowest))


def curve_svg(
    steps: Sequence[int],
    energies: Sequence[float],
    scores: Sequence[float],
    title: str,
    score_name: str,
    *,
    seconds: Sequence[float] = (),
    ink: Ink = FOR_A_FILE,
    is_best_ringed: bool = True,
) -> str:
    """Draw the energy (left axis, logarithmic, circles) and the validation score (right axis, 0 to 1, squares) over the steps.

    Parameters
    ----------
    steps, energies, scores
        One entry for each record; NaN where there is no value.
    seconds
        The time of each record; the minutes then appear below the steps.
    is_best_ringed
        Whether the best score gets a ring, because the model has the weights of that step. A fold of a cross-validation keeps
        the last weights, whatever their score.
    """
    frame = _frame(steps, energies)
    by_energy = [(frame.x(s), frame.y_energy(e)) for s, e in zip(steps, energies, strict=True) if math.isfinite(e) and e > 0]
    by_score = [(frame.x(s), frame.y(v)) for s, v in zip(steps, scores, strict=True) if math.isfinite(v)]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="13" '
        f'role="img"><title>{escape(title)}</title>',
        f'<rect width="{WIDTH}" height="{HEIGHT}" style="fill:{ink.paper}"/>',
        _text(WIDTH / 2, 18, title, "middle", ink.text, 14),
        *_axes(frame, steps, seconds, ink),
        _line(by_energy, ink.energy, _circle),
        _line(by_score, ink.score, _square),
    ]
    if by_score and is_best_ringed:
        x, y = min(by_score, key=lambda point: point[1])
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="8" style="fill:none;stroke:{ink.score};stroke-width:1.5"/>')
    parts += [
        _circle(LEFT - 48, TOP - 22, ink.energy),
        _text(LEFT - 40, TOP - 18, "energy", "start", ink.energy),
        _square(WIDTH - RIGHT + 48, TOP - 22, ink.score),
        _text(WIDTH - RIGHT + 40, TOP - 18, score_name, "end", ink.score),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _frame(steps: Sequence[int], energies: Sequence[float]) -> _Frame:
    """Return the range of the axes: steps from 0, energies widened to the nearest of 1, 2, 5, 10, ..."""
    finite = [e for e in energies if math.isfinite(e) and e > 0] or [0.1, 1.0]
    rungs = _rungs(min(finite) / 10, max(finite) * 10)
    lowest = max(rung for rung in rungs if rung <= min(finite))
    highest = min(rung for rung in rungs if rung > max(finite))
    return _Frame(max([1, *steps]), lowest, highest)


def _rungs(low: float, high: float) -> list[float]:
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [digit * 10.0**power for power in powers for digit in (1, 2, 5)]


def _axes(frame: _Frame, steps: Sequence[int], seconds: Sequence[float], ink: Ink) -> list[str]:
    parts = []
    for tick in range(6):
        y, step = frame.y(tick / 5), frame.last_step * tick / 5
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" style="stroke:{ink.grid}"/>')
        parts.append(_text(WIDTH - RIGHT + 8, y + 4, f"{tick / 5:.1f}", "start", ink.score))
        parts.append(_text(frame.x(step), HEIGHT - BOTTOM + 18, f"{round(step)}", "middle", ink.text))
        if seconds:
            minutes = f"{_at(step, steps, seconds) / 60:.1f}"
            parts.append(_text(frame.x(step), HEIGHT - BOTTOM + 36, minutes, "middle", ink.text))
    rungs = [rung for rung in _rungs(frame.lowest, frame.highest) if frame.lowest <= rung <= frame.highest * (1 + 1e-9)]
    if len(rungs) > 7:
        rungs = [rung for rung in rungs if math.isclose(10 ** round(math.log10(rung)), rung)]
    parts += [_text(LEFT - 8, frame.y_energy(rung) + 4, f"{rung:g}", "end", ink.energy) for rung in rungs]
    parts.append(_text(LEFT - 24, HEIGHT - BOTTOM + 18, "step", "end", ink.text))
    if seconds:
        parts.append(_text(LEFT - 24, HEIGHT - BOTTOM + 36, "min", "end", ink.text))
    return parts


def _at(step: float, steps: Sequence[int], seconds: Sequence[float]) -> float:
    """Return the time of a step (s), interpolated between the records from step 0 at second 0."""
    before = (0.0, 0.0)
    for point in zip(steps, seconds, strict=True):
        if step <= point[0]:
            share = (step - before[0]) / max(point[0] - before[0], 1e-9)
            return before[1] + share * (point[1] - before[1])
        before = point
    return before[1]


def _line(points: Sequence[tuple[float, float]], colour: str, mark: Callable[[float, float, str], str]) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    marks = "".join(mark(x, y, colour) for x, y in points)
    return f'<polyline points="{path}" style="fill:none;stroke:{colour};stroke-width:2"/>{marks}'


def _circle(x: float | int, y: float | int, colour: str) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" style="fill:{colour}"/>'


def _square(x: float | int, y: float | int, colour: str) -> str:
    return f'<rect x="{x - 3:.1f}" y="{y - 3:.1f}" width="6" height="6" style="fill:{colour}"/>'


def _text(x: float | int, y: float | int, text: str, anchor: str, colour: str, size: int = 13) -> str:
    where = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text {where} style="fill:{colour}" font-size="{size}">{escape(text)}</text>'
