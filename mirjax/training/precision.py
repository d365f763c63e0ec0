"""Compute the matrix products of any traced function from bfloat16 operands."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend import core
from jax.extend.core import primitives

DTYPES = ("float32", "bfloat16")
"""Valid types of the operands of matrix products."""

_PRODUCTS = (primitives.dot_general_p, primitives.conv_general_dilated_p)
# Functions with custom derivatives: after differentiation they are plain calls.
_CUSTOM = ("custom_jvp_call", "custom_vjp_call")


def in_bfloat16(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function whose matrix products and convolutions read bfloat16.

    Their float32 operands are rounded to bfloat16, and they accumulate in float32.
    Everything else stays in float32: parameters, states, sums, softmax and losses. To
    round the products of a gradient, too, wrap the function that differentiates.

    Args:
      function: of arrays, or trees of them; returns arrays or trees of them. It is
        traced again at each call.
    """

    def rounded(*arguments: Any) -> Any:
        traced, shapes = jax.make_jaxpr(function, return_shape=True)(*arguments)
        results = _evaluate(traced, jax.tree.leaves(arguments))
        return jax.tree.unflatten(jax.tree.structure(shapes), results)

    return rounded


def _evaluate(traced: core.ClosedJaxpr, arguments: Sequence[Any]) -> list[Any]:
    """Evaluate a traced function with rounded products."""
    jaxpr = traced.jaxpr
    values: dict[core.Var, Any] = dict(
        zip(
            [*jaxpr.constvars, *jaxpr.invars], [*traced.consts, *arguments], strict=True
        )
    )

    def read(atom: core.Var | core.Literal) -> Any:
        return atom.val if isinstance(atom, core.Literal) else values[atom]

    for equation in jaxpr.eqns:
        results = _apply(equation, [read(atom) for atom in equation.invars])
        values |= zip(equation.outvars, results, strict=True)
    return [read(atom) for atom in jaxpr.outvars]


def _apply(equation: core.JaxprEqn, inputs: list[Any]) -> Sequence[Any]:
    """Apply one operation of a traced function."""
    primitive, params = equation.primitive, dict(equation.params)
    if primitive.name in _CUSTOM:
        return _evaluate(params["call_jaxpr"], inputs)
    if primitive in _PRODUCTS and all(x.dtype == jnp.float32 for x in inputs):
        inputs = [x.astype(jnp.bfloat16) for x in inputs]
        params["preferred_element_type"] = jnp.float32
    else:
        params = {name: _with_rounded_products(x) for name, x in params.items()}
    results = primitive.bind(*inputs, **primitive.get_bind_params(params))
    return results if primitive.multiple_results else [results]


def _with_rounded_products(parameter: Any) -> Any:
    """Return an operation's parameter; the functions in it get rounded products."""
    if isinstance(parameter, core.ClosedJaxpr):
        return jax.make_jaxpr(lambda *inputs: _evaluate(parameter, inputs))(
            *parameter.in_avals
        )
    if type(parameter) is tuple:  # the branches of a condition, not a named tuple
        return tuple(_with_rounded_products(part) for part in parameter)
    return parameter
