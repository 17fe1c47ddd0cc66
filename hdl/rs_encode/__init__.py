"""Reed-Solomon encoding and checking: RTL and its golden."""

from rackwright.hdl.rs_encode.golden import Code, new_code, rs_check, rs_decode, rs_encode

__all__ = ["Code", "new_code", "rs_check", "rs_decode", "rs_encode"]
