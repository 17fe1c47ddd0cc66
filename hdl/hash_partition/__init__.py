"""Hash partitioner of a shuffle: RTL and its golden."""

from rackwright.hdl.hash_partition.golden import (
    FACTOR,
    partition_counts,
    partition_of,
    partitions,
)

__all__ = ["FACTOR", "partition_counts", "partition_of", "partitions"]
