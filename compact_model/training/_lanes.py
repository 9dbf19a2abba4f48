"""Small numba functions the loop vectoriser turns into eight lanes at once: a keyed hash, log2, exp2 and normals.

Everything is 32 bit, for that is what fits eight to a register. numba widens whole numbers to 64 bit after every operation,
so every step casts back. Accuracy is tested against numpy: 2e-6 relative for the power, the normal law by its moments.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic as _intrinsic

from compact_model.compiled import njit

intrinsic: Any = _intrinsic  # its declared type does not know that the first argument is filled in
_F, _U, _I = np.float32, np.uint32, np.int32
_HALF, _ONE = _F(0.5), _F(1.0)
# log2(m)/z on 1/sqrt(2) .. sqrt(2) in z = (m-1)/(m+1), 2^f on -1/2 .. 1/2, sin(2 pi t) on -1/4 .. 1/4:
# minimax fits, off by at most 3e-8, 3e-6 and 6e-7.
_SQRT_HALF_BITS = _I(0x3F3504F3)


@intrinsic
def float_bits(typing: Any, value: Any) -> Any:
    """Return the 32 bits of a float32 as an int32."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.IntType(32))

    return types.int32(types.float32), build


@intrinsic
def bits_float(typing: Any, value: Any) -> Any:
    """Return the float32 that has these 32 bits."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.FloatType())

    return types.float32(types.int32), build


@intrinsic
def lowest_bit(typing: Any, value: Any) -> Any:
    """Return the place of the lowest set bit of a uint32 that is not 0."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.uint32(types.uint32), build


@intrinsic
def fetch(typing: Any, address: Any) -> Any:
    """Ask the processor to bring the memory at this address near; changes nothing."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        byte, word = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, word, word, word])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        pointer = builder.inttoptr(arguments[0], byte)
        builder.call(function, [pointer, *(ir.Constant(word, n) for n in (0, 3, 1))])
        return context.get_dummy_value()

    return types.void(types.uintp), build


@intrinsic
def stack_room(typing: Any) -> Any:
    """Return the address of 256 float32 on the stack, which the compiler knows that nothing else overlaps."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        with builder.goto_entry_block():  # not numba's own room, which is filled with zeros at every call
            room = builder.alloca(ir.ArrayType(ir.FloatType(), 256))
        room.align = 64
        return builder.bitcast(room, ir.FloatType().as_pointer())

    return types.CPointer(types.float32)(), build


_INLINE: Any = {"fastmath": True, "inline": "always", "error_model": "numpy"}


@njit(**_INLINE)
def hashed(count: Any, key: Any, other: Any) -> Any:
    """32 random bits for a count under a key of 64 bits: murmur3's finaliser, the second half of the key in its middle."""
    x = _U(_U(count * _U(0x9E3779B1)) + key)
    x = _U(_U(x ^ _U(x >> _U(16))) * _U(0x85EBCA6B))
    x = _U(x ^ other)
    x = _U(_U(x ^ _U(x >> _U(13))) * _U(0xC2B2AE35))
    x = _U(_U(x ^ _U(x >> _U(16))) * _U(0x7FEB352D))
    return _U(x ^ _U(x >> _U(15)))


@njit(**_INLINE)
def uniform(bits: Any) -> Any:
    """float32 strictly between 0 and 1 from 32 bits (24 of them)."""
    return (_F(_I(bits >> _U(8))) + _HALF) * _F(2.0**-24)


@njit(**_INLINE)
def log2(v: Any) -> Any:
    """log2 of a positive float32; -127 for 0, so that the power of 0 is tiny and nothing has to be caught."""
    bits = float_bits(v)
    shifted = _I(bits - _SQRT_HALF_BITS)
    e = _I(shifted >> _I(23))
    m = bits_float(_I(bits - _I(e << _I(23))))
    z = (m - _ONE) / (m + _ONE)
    q = z * z
    return _F(e) + z * (_F(2.88539129) + q * (_F(0.96147081) + q * _F(0.59897388)))


@njit(**_INLINE)
def exp2(y: Any) -> Any:
    """2**y of a float32 below 126; 2**-125 stands for all that is less."""
    y = max(y, _F(-125.0))
    whole = _F(np.rint(y))
    f = y - whole
    p = _F(9.68571e-3)
    p = p * f + _F(5.592203e-2)
    p = p * f + _F(2.4021866e-1)
    p = p * f + _F(6.9312104e-1)
    p = p * f + _F(1.00000015)
    return bits_float(_I(float_bits(p) + _I(_I(whole) << _I(23))))


@njit(**_INLINE)
def sigmoid(x: Any) -> Any:
    """1 / (1 + exp(-x)) of a float32, right to 3e-6."""
    return _ONE / (_ONE + exp2(min(_F(-1.44269504) * x, _F(100.0))))


@njit(**_INLINE)
def radius_of(bits: Any) -> Any:
    """Return the radius of a pair of standard normals (Box and Muller), from the upper 20 bits of a hash; up to 5.4."""
    return np.sqrt(_F(-1.3862943611) * log2((_F(_I(bits >> _U(12))) + _HALF) * _F(2.0**-20)))


@njit(**_INLINE)
def angle_of(bits: Any) -> Any:
    """Return the angle of the pair in turns, -1/2 .. 1/2, from the lower 12 bits.

    The 4,096 angles are evenly spread, so that moments up to the fourth are exact.
    """
    return (_F(_I(_I(_U(bits << _U(20))) >> _I(20))) + _HALF) * _F(2.0**-12)


@njit(**_INLINE)
def sine_cosine(turn: Any) -> Any:
    """Return sine and cosine of an angle in turns, -1/2 .. 1/2.

    The angle is folded to a quarter turn each side for the sine; the cosine is the sine a quarter on.
    """
    size = abs(turn)
    return np.copysign(_sine(min(size, _HALF - size)), turn), _sine(_F(0.25) - size)


@njit(**_INLINE)
def two_normals(count: Any, key: Any, other: Any) -> Any:
    """Return two independent standard normals of a count, from one hash."""
    bits = hashed(count, key, other)
    radius = radius_of(bits)
    s, c = sine_cosine(angle_of(bits))
    return radius * s, radius * c


@njit(**_INLINE)
def _sine(t: Any) -> Any:
    """sin(2 pi t) for t in -1/4 .. 1/4."""
    q = t * t
    p = _F(-70.993433)
    p = p * q + _F(81.340769)
    p = p * q + _F(-41.337142)
    p = p * q + _F(6.283164)
    return t * p
