"""PyVISA finds the backend under this name: ``ResourceManager("rack.toml@rackwright")``."""

from __future__ import annotations

from rackwright.panel.backend import RackwrightLibrary as WRAPPER_CLASS

__all__ = ["WRAPPER_CLASS"]
