"""Shapes of the language models that the serving systems run, with the source of each number."""

from rackwright.models.llm.shape import LlmShape, shape, shape_names

__all__ = ["LlmShape", "shape", "shape_names"]
