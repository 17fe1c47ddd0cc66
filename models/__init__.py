"""Systems under study: each replays a trace on a fabric beside its baselines.

`registry` names them; each has a folder of its own with its options, compiled loop, baselines and
model card. `serving` and `llm` hold what several of them share.
"""

from rackwright.models.outcome import Bottleneck, Outcome, Parameter, Spans
from rackwright.models.registry import Model, get, names

__all__ = ["Bottleneck", "Model", "Outcome", "Parameter", "Spans", "get", "names"]
