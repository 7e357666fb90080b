"""A plot of calibration: where the model says 80 %, is it right in 80 of 100 pixels?"""

from unseam.metrics import CalibrationScore
from unseam.training.curve import Ink

_SIZE, _LEFT, _BOTTOM, _TOP = 340, 44, 44, 10
_SPAN = _SIZE - _LEFT - 20


def calibration_svg(score: CalibrationScore, ink: Ink) -> str:
    """Plot the share of correct pixels over the predicted probability; ``score`` covers at least one pixel.

    Each bin has a mark, whose area stands for the share of pixels in the bin. The dashed line is a perfectly calibrated model.
    """
    bins = score.curve
    most = max(b.num_pixels for b in bins)
    points = [(_x(b.mean_confidence), _y(b.share_right), b) for b in bins]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in points)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_SIZE} {_TOP + _SPAN + _BOTTOM}" font-family="sans-serif" '
        'font-size="13" role="img"><title>Share of right pixels over probability</title>',
    ]
    for tick in range(0, 11, 2):
        share = tick / 10
        parts += [
            f'<line x1="{_LEFT}" x2="{_LEFT + _SPAN}" y1="{_y(share):.1f}" y2="{_y(share):.1f}" style="stroke:{ink.grid}"/>',
            _text(_LEFT - 8, _y(share) + 4, f"{share:.1f}", "end", ink),
            _text(_x(share), _y(0) + 18, f"{share:.1f}", "middle", ink),
        ]
    ideal = f'x1="{_x(0):.1f}" y1="{_y(0):.1f}" x2="{_x(1):.1f}" y2="{_y(1):.1f}"'
    parts += [
        f'<line {ideal} style="stroke:{ink.text};stroke-dasharray:5 5"/>',
        f'<polyline points="{path}" style="fill:none;stroke:{ink.energy};stroke-width:2"/>',
    ]
    for x, y, b in points:
        radius = 3 + 6 * (b.num_pixels / most) ** 0.5
        tip = f"{b.num_pixels:,} px: probability {b.mean_confidence:.2f}, right {b.share_right:.2f}"
        mark = f'cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" style="fill:{ink.energy}"'
        parts.append(f"<circle {mark}><title>{tip}</title></circle>")
    parts += [_text(_x(0.5), _y(0) + 38, "probability of the likeliest class", "middle", ink), "</svg>"]
    return "\n".join(parts)


def _x(share: float | int) -> float:
    return float(_LEFT + _SPAN * share)


def _y(share: float | int) -> float:
    return float(_TOP + _SPAN * (1 - share))


def _text(x: float | int, y: float | int, text: str, anchor: str, ink: Ink) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" style="fill:{ink.text}">{text}</text>'
