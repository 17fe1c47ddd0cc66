"""Looking at a topology: tables, text, pictures, what it amounts to."""

from rackwright.topologies.views.draw import to_png, to_svg
from rackwright.topologies.views.facts import facts
from rackwright.topologies.views.text import to_text
from rackwright.topologies.views.tree import to_tree

__all__ = ["facts", "to_png", "to_svg", "to_text", "to_tree"]
