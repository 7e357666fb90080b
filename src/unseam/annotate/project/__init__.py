"""A folder that is being annotated: images, masks, ``annotate.toml``, and the journal."""

from unseam.annotate.project.class_colours import colour_of
from unseam.annotate.project.exports import outlines_geojson, overlay_png
from unseam.annotate.project.open_image import Keep, OpenImage, PaintOutcome
from unseam.annotate.project.picture import Picture
from unseam.annotate.project.project import NotDeclaredError, Project, ProjectImage, open_project
from unseam.annotate.project.records import ImageStatus

__all__ = [
    "Project", "ProjectImage", "open_project", "NotDeclaredError", "OpenImage", "PaintOutcome", "Keep", "Picture",
    "ImageStatus", "colour_of", "overlay_png", "outlines_geojson",
]  # fmt: skip
