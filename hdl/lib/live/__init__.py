"""A bench that plays words of a file to any block: the far side of `rackwright.hdl.run_live`."""
