"""Count the floating-point operations of a traced function's matrix products.

XLA's count of a compiled program counts the body of a loop once. Here it is counted
once for each iteration.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from jax.extend import core

# Operations whose work is not in the trace, or is there for one device only.
_OPAQUE = ("pallas_call", "ffi_call", "rnn", "shard_map")


def count_flops(traced: core.ClosedJaxpr | core.Jaxpr) -> int | None:
    """Count the operations of all matrix products and convolutions.

    A multiplication and an addition are two operations. Other operations, such as
    activations, are not counted. Of the branches of a condition, the one with the most
    operations is counted.

    Args:
      traced: as `jax.make_jaxpr` returns it.

    Returns:
      The operations; None if they are unknown, since a product is in a while loop or in
      a custom kernel.

    >>> import jax, jax.numpy as jnp
    >>> product = jax.make_jaxpr(jnp.dot)(jnp.ones((2, 3)), jnp.ones((3, 5)))
    >>> count_flops(product)
    60
    """
    total = 0
    jaxpr = traced.jaxpr if isinstance(traced, core.ClosedJaxpr) else traced
    for equation in jaxpr.eqns:
        found = _of_equation(equation)
        if found is None:
            return None
        total += found
    return total


def _of_equation(equation: core.JaxprEqn) -> int | None:
    name, params = equation.primitive.name, equation.params
    shapes = [atom.aval.shape for atom in equation.invars]  # type: ignore[attr-defined]
    if name in _OPAQUE:
        return None
    if name == "dot_general":
        ((contracted, _), _) = params["dimension_numbers"]
        out = math.prod(equation.outvars[0].aval.shape)  # type: ignore[attr-defined]
        return 2 * out * math.prod(shapes[0][axis] for axis in contracted)
    if name == "conv_general_dilated":
        out_shape = equation.outvars[0].aval.shape  # type: ignore[attr-defined]
        return _of_convolution(shapes[0], shapes[1], out_shape, params)
    parts = [count_flops(inner) for inner in _inner(params)]
    if None in parts:
        return None
    counts = [part for part in parts if part is not None]
    if name == "while":
        return None if any(counts) else 0
    if name == "cond":
        return max(counts)
    return sum(counts) * (params["length"] if name == "scan" else 1)


def _inner(params: Mapping[str, Any]) -> Iterator[core.ClosedJaxpr | core.Jaxpr]:
    """Yield the traced functions among an operation's parameters."""
    for value in params.values():
        for part in value if type(value) is tuple else (value,):
            if isinstance(part, core.ClosedJaxpr | core.Jaxpr):
                yield part


def _of_convolution(
    images: Sequence[int],
    kernel: Sequence[int],
    out: Sequence[int],
    params: Mapping[str, Any],
) -> int:
    """Count a convolution, without the products with padding.

    Args:
      images: shape of the left operand.
      kernel: shape of the right operand.
      out: shape of the result.
      params: of the operation.
    """
    image_axes, kernel_axes, out_axes = params["dimension_numbers"]
    pairs = 1
    for number, (axis, kernel_axis, out_axis) in enumerate(
        zip(image_axes[2:], kernel_axes[2:], out_axes[2:], strict=True)
    ):
        taps = np.arange(kernel[kernel_axis]) * params["rhs_dilation"][number]
        starts = np.arange(out[out_axis]) * params["window_strides"][number]
        at = np.add.outer(starts, taps) - params["padding"][number][0]
        dilation = params["lhs_dilation"][number]
        within = (at >= 0) & (at <= (images[axis] - 1) * dilation)
        pairs *= int(np.count_nonzero(within & (at % dilation == 0)))
    rows, features = (out[axis] for axis in out_axes[:2])
    return 2 * pairs * rows * features * kernel[kernel_axes[1]]
