"""Eight numbers handled as one: the vector operations that numba has no word for.

A ladder is a recurrence, so its steps cannot be vectorised, but eight input vectors can go down it side by side. numba
leaves such inner loops scalar (it must assume that arrays overlap); these intrinsics say what is meant.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic as _intrinsic

intrinsic: Any = _intrinsic  # its own annotations count the typing context as an argument of the caller
LANES = 8
ZERO = (0.0,) * LANES
ONE = (1.0,) * LANES
_VECTOR = ir.VectorType(ir.DoubleType(), LANES)
_ARRAY = ir.ArrayType(ir.DoubleType(), LANES)
_INDEX = ir.IntType(32)
_TUPLE = types.UniTuple(types.float64, LANES)


def _as_vector(builder: Any, lanes: Any) -> Any:
    vector = ir.Constant(_VECTOR, ir.Undefined)
    for i in range(LANES):
        vector = builder.insert_element(vector, builder.extract_value(lanes, i), ir.Constant(_INDEX, i))
    return vector


def _as_tuple(builder: Any, vector: Any) -> Any:
    lanes = ir.Constant(_ARRAY, ir.Undefined)
    for i in range(LANES):
        lanes = builder.insert_value(lanes, builder.extract_element(vector, ir.Constant(_INDEX, i)), i)
    return lanes


def _pointer(context: Any, builder: Any, kind: Any, array: Any, start: Any) -> Any:
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [start]), _VECTOR.as_pointer())


def _call(builder: Any, name: str, *vectors: Any) -> Any:
    kind = ir.FunctionType(_VECTOR, [_VECTOR] * len(vectors))
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, f"llvm.{name}.v{LANES}f64"), vectors)


def _splat(builder: Any, number: Any) -> Any:
    empty = ir.Constant(_VECTOR, ir.Undefined)
    one = builder.insert_element(empty, number, ir.Constant(_INDEX, 0))
    return builder.shuffle_vector(one, empty, ir.Constant(ir.VectorType(_INDEX, LANES), None))


@intrinsic
def load(_typing: Any, array: Any, start: Any) -> Any:
    """Return array[start : start + LANES] of a contiguous one-dimensional float64 array."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        vector = builder.load(_pointer(context, builder, signature.args[0], *args))
        vector.align = 8
        return _as_tuple(builder, vector)

    return _TUPLE(array, types.intp), codegen


@intrinsic
def store(_typing: Any, array: Any, start: Any, lanes: Any) -> Any:
    """Set array[start : start + LANES]."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.store(_as_vector(builder, args[2]), _pointer(context, builder, signature.args[0], *args[:2]), align=8)
        return context.get_dummy_value()

    return types.void(array, types.intp, _TUPLE), codegen


@intrinsic
def axpby(_typing: Any, a: Any, x: Any, b: Any, y: Any) -> Any:
    """Return a x + b y for numbers a, b and lanes x, y."""

    def codegen(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        a, x, b, y = args
        by = builder.fmul(_splat(builder, b), _as_vector(builder, y))
        return _as_tuple(builder, _call(builder, "fmuladd", _splat(builder, a), _as_vector(builder, x), by))

    return _TUPLE(types.float64, _TUPLE, types.float64, _TUPLE), codegen


@intrinsic
def fma(_typing: Any, x: Any, y: Any, z: Any) -> Any:
    """Return x y + z for lanes x, y, z."""

    def codegen(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return _as_tuple(builder, _call(builder, "fmuladd", *(_as_vector(builder, a) for a in args)))

    return _TUPLE(_TUPLE, _TUPLE, _TUPLE), codegen


@intrinsic
def larger(_typing: Any, x: Any, y: Any) -> Any:
    """Return max(x, |y|) for lanes x, y."""

    def codegen(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        x, size = _as_vector(builder, args[0]), _call(builder, "fabs", _as_vector(builder, args[1]))
        return _as_tuple(builder, _call(builder, "maxnum", x, size))

    return _TUPLE(_TUPLE, _TUPLE), codegen
