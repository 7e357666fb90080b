"""From a template in ``page/`` to one HTML file that needs no network."""

import math

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

GENERATOR = '<meta name="generator" content="unseam report">'
"""The head of each report holds this line. Only files that have it may be overwritten."""


def render_template(name: str, **variables: object) -> str:
    """Render a template with the style of all reports. Names of files and classes may hold any text, so it escapes them."""
    pages = Environment(
        loader=PackageLoader("unseam.report", "page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    pages.filters["percent"] = lambda share: "–" if math.isnan(share) else f"{100 * share:.1f} %"
    template = pages.get_template(name)
    assert pages.loader is not None
    style, script = (Markup(pages.loader.get_source(pages, file)[0]) for file in ("style.css", "zoom.js"))  # noqa: S704 - ours
    return template.render(style=style, script=script, generator=Markup(GENERATOR), **variables)  # noqa: S704 - ours
