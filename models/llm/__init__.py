"""Shapes of the language models that the serving systems run, with the source of each number."""

from rackwright.models.llm.files import shape, shape_names
from rackwright.models.llm.shape import WEIGHT_BITS, LlmShape

__all__ = ["WEIGHT_BITS", "LlmShape", "shape", "shape_names"]
