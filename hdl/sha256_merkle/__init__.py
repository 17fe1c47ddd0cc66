"""SHA-256 and Merkle trees: RTL and its golden."""

from rackwright.hdl.sha256_merkle.golden import (
    DIGEST,
    Hasher,
    hash_add,
    hash_finish,
    hash_start,
    leaf_hash,
    merkle_check,
    merkle_levels,
    merkle_prove,
    merkle_root,
    new_hasher,
    node_hash,
)

__all__ = ["DIGEST", "Hasher", "hash_add", "hash_finish", "hash_start", "leaf_hash",
           "merkle_check", "merkle_levels", "merkle_prove", "merkle_root", "new_hasher",
           "node_hash"]
