"""Settings of Sphinx for the site. `make docs` builds it; nothing in it, and nothing that it makes, asks a network."""

from importlib import import_module

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

import unseam

project = "unseam"
author = "The unseam authors"
copyright = author
version = release = unseam.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "numpydoc",
    "sphinx_design",
    "sphinx_copybutton",
]
root_doc = "index"
smartquotes = False  # it would turn the two dashes of an option into one
exclude_patterns: list[str] = []
suppress_warnings: list[str] = []

# Every reference to a name of ours must resolve: to its place in the site, or, where it has none, to what the code defines.
# Names of other packages would need their inventories from a network.
nitpicky = True
nitpick_ignore_regex = [("py:.*", r"(?!unseam\b).*")]

myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence"]

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
python_maximum_signature_line_length = 100
numpydoc_show_class_members = False
numpydoc_validation_checks = {"GL08"}  # a documented object without a docstring
toc_object_entries_show_parents = "hide"

html_theme = "pydata_sphinx_theme"
html_title = "unseam"
html_static_path = ["_static"]
html_css_files = ["unseam.css"]
html_show_sourcelink = False
html_copy_source = False
html_show_search_summary = False  # it would fetch pages, which a browser refuses when the site is opened from disk
html_theme_options = {
    "navbar_align": "left",
    "header_links_before_dropdown": 6,
    "navbar_persistent": ["search-button"],
    "navbar_end": ["theme-switcher"],
    "secondary_sidebar_items": ["page-toc"],
    "show_prev_next": True,
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-light",
    "pygments_dark_style": "a11y-dark",
}
html_sidebars = {"index": []}
copybutton_prompt_text = r"\$ "


def exists(dotted: str) -> bool:
    """Return whether a dotted name is a module of ours or something in one."""
    parts = dotted.split(".")
    for end in range(len(parts), 0, -1):
        try:
            found: object = import_module(".".join(parts[:end]))
        except ModuleNotFoundError:
            continue
        for name in parts[end:]:
            found = getattr(found, name, None)
        return found is not None
    return False


def name_without_page(app: Sphinx, env: BuildEnvironment, node: pending_xref, shown: nodes.Node) -> nodes.Node | None:
    """Show a name that the code defines and no page describes as it is; Sphinx warns of any other."""
    target = node.get("reftarget", "")
    return shown if node.get("refdomain") == "py" and target.startswith("unseam.") and exists(target) else None


def setup(app: Sphinx) -> None:
    """Connect the check of names to Sphinx."""
    app.connect("missing-reference", name_without_page)
