"""File formats: reading, told by content, and writing."""

from rackwright.topologies.formats.files import export, export_formats, load, save
from rackwright.topologies.formats.report import Report, report_of

__all__ = ["Report", "export", "export_formats", "load", "report_of", "save"]
