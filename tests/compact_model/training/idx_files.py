"""IDX files for the tests."""

import struct


def idx_bytes(array):
    """Return the IDX file of an array of bytes."""
    return struct.pack(">BBBB", 0, 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()
