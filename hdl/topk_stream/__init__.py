"""The k best of a stream: RTL and its golden."""

from rackwright.hdl.topk_stream.golden import top_k, top_k_places

__all__ = ["top_k", "top_k_places"]
