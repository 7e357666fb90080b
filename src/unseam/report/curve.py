"""The training curve as one SVG picture: no plotting library, opens in any browser, readable in light and dark."""

import math
from collections.abc import Sequence
from html import escape

WIDTH, HEIGHT = 760, 320
LEFT, RIGHT, TOP, BOTTOM = 62, 62, 38, 44
_ENERGY, _SCORE = "#0072b2", "#d55e00"  # blue and vermilion: told apart by colour-blind people


def curve_svg(
    steps: Sequence[int], energies: Sequence[float], scores: Sequence[float], title: str, score_name: str
) -> str:
    """Energy (left axis, logarithmic) and validation score (right axis, 0 to 1) over the steps.

    Parameters
    ----------
    steps, energies, scores
        One entry a record; NaN where there is none.
    title
        Above the picture.
    score_name
        What the score is.
    """
    last = max([1, *steps])
    finite = [e for e in energies if math.isfinite(e) and e > 0]
    low = 10 ** math.floor(math.log10(min(finite, default=0.1)))
    high = 10 ** math.ceil(math.log10(max(finite, default=1.0)) or 1e-9) if finite else 1.0
    high = high if high > low else 10 * low

    def x(step: float | int) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * step / last

    def y_energy(energy: float | int) -> float:
        share = (math.log10(energy) - math.log10(low)) / (math.log10(high) - math.log10(low))
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share

    def y_score(score: float | int) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * score

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        _text(WIDTH / 2, 20, title, "middle", "#222222", 14),
    ]
    for tick in range(6):
        y = y_score(tick / 5)
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#dddddd"/>')
        parts.append(_text(WIDTH - RIGHT + 8, y + 4, f"{tick / 5:.1f}", "start", _SCORE))
        parts.append(_text(x(last * tick / 5), HEIGHT - BOTTOM + 18, f"{round(last * tick / 5)}", "middle"))
    powers = [10.0**power for power in range(round(math.log10(low)), round(math.log10(high)) + 1)]
    parts += [_text(LEFT - 8, y_energy(power) + 4, f"{power:g}", "end", _ENERGY) for power in powers]
    parts += [
        _line([(x(s), y_energy(e)) for s, e in zip(steps, energies, strict=True) if math.isfinite(e) and e > 0], _ENERGY),
        _line([(x(s), y_score(v)) for s, v in zip(steps, scores, strict=True) if math.isfinite(v)], _SCORE),
        _text(LEFT, TOP - 6, "energy", "start", _ENERGY),
        _text(WIDTH - RIGHT, TOP - 6, score_name, "end", _SCORE),
        _text(WIDTH / 2, HEIGHT - 8, "step", "middle"),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _line(points: Sequence[tuple[float, float]], colour: str) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{colour}"/>' for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>{dots}'


def _text(x: float | int, y: float | int, text: str, anchor: str, colour: str = "#444444", size: int = 12) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}" font-size="{size}">{escape(text)}</text>'
    )
