"""Fit the repression head to fold changes of several transfections.

A fold change is measured against the mean over the other transfections, which includes
the repression by their miRNAs. Predicted fold changes are therefore taken against the
same mean. Each miRNA has its own amplitude, shrunk to the mean of all, since the amount
of miRNA that was loaded differs and says nothing about its sites.
"""

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float
from scipy import optimize

from mirjax.scanning.repression import features
from mirjax.scanning.repression.head import PASSENGER, RepressionHead, SiteTable
from mirjax.scanning.repression.seed_sites import CANONICAL, TYPES

_NONE = -12.0  # log efficacy of sites that are not counted
_START = {  # log efficacies that the fit starts from, and is shrunk to
    "guide": (-0.9, -1.6, -2.1, -3.0, -3.5, -3.5),
    "passenger": (-2.5, -3.0, -3.2, -4.0),
}


@dataclasses.dataclass(frozen=True)
class FitOptions:
    """Options of a fit.

    Attributes:
      features: those of `features.NAMES` that are used.
      passenger: whether sites of the passenger strand are used.
      slope_penalty: weight of the squared slopes.
      type_penalty: of the squared distances of log efficacies from their start.
      amplitude_penalties: of the squared log amplitudes of the miRNAs' guide strands,
        and of their passenger strands.
      iterations: of L-BFGS, at most.
    """

    features: tuple[str, ...] = features.NAMES
    passenger: bool = True
    slope_penalty: float = 1.0
    type_penalty: float = 0.5
    amplitude_penalties: tuple[float, float] = (3.0, 10.0)
    iterations: int = 150


@dataclasses.dataclass(frozen=True, eq=False)
class Experiment:
    """Transfections of several miRNAs into one kind of cell.

    Attributes:
      sites: of all pairs; the number of a pair is gene × (number of miRNAs) + miRNA.
      log2: log2 fold changes against the mean over the other transfections.
      weights: of the genes, such as the inverse of their variance.
    """

    sites: SiteTable
    log2: Float[np.ndarray, "genes mirnas"]
    weights: Float[np.ndarray, " genes"]


def against_others(
    values: Float[Array, "genes mirnas"], used: Float[Array, " mirnas"]
) -> Float[Array, "genes mirnas"]:
    """Subtract from each value the gene's mean over the other miRNAs in use."""
    used = used[None, :]
    total = (values * used).sum(axis=1, keepdims=True)
    return values - (total - values * used) / (used.sum() - used)


def fit(
    experiments: Sequence[Experiment],
    used: Sequence[Bool[np.ndarray, " mirnas"]],
    options: FitOptions,
) -> RepressionHead:
    """Fit a head.

    Args:
      experiments: what to fit to.
      used: of each experiment, the miRNAs whose fold changes are used; the others are
        left out of all means.
      options: of the fit.

    Returns:
      The head, without intervals.

    Raises:
      ValueError: for an unknown feature, or fewer than three miRNAs used.
    """
    unknown = set(options.features) - set(features.NAMES)
    if unknown:
        raise ValueError(f"{min(unknown)} is not one of {', '.join(features.NAMES)}")
    if min(map(np.sum, used)) < 3:
        raise ValueError(
            "a head is fitted to the fold changes of at least three miRNAs"
        )
    columns = [features.NAMES.index(name) for name in options.features]
    kept = [_kept(e.sites, options) for e in experiments]
    seen = np.concatenate(
        [
            sites.values[u[sites.pair % len(u)]][:, columns]
            for sites, u in zip(kept, used, strict=True)
        ]
    )
    centres, scales = seen.mean(axis=0), np.maximum(seen.std(axis=0), 1e-6)
    with jax.enable_x64(True):
        blocks = [
            _block(e, sites, u, (sites.values[:, columns] - centres) / scales)
            for e, sites, u in zip(experiments, kept, used, strict=True)
        ]
        params = _minimise(blocks, options)
    passenger = np.full(len(TYPES), _NONE)
    if options.passenger:
        passenger[: len(CANONICAL)] = params["passenger"]

    def named(numbers: np.ndarray) -> dict[str, float]:
        return dict(zip(options.features, map(float, numbers), strict=True))

    return RepressionHead(
        tuple(map(float, params["guide"])),
        tuple(map(float, passenger)),
        named(params["slopes"]),
        named(centres),
        named(scales),
    )


Block: TypeAlias = Mapping[str, Array]
Params: TypeAlias = Mapping[
    str, Any
]  # arrays, and one array an experiment of amplitudes


def _kept(sites: SiteTable, options: FitOptions) -> SiteTable:
    """Return the sites that are used."""
    of_passenger = sites.strand == PASSENGER
    counts = ~of_passenger
    if options.passenger:
        counts |= sites.kind < len(CANONICAL)
    return sites.take(np.flatnonzero(counts))


def _block(
    experiment: Experiment,
    sites: SiteTable,
    used: Bool[np.ndarray, " mirnas"],
    values: Float[np.ndarray, "sites features"],
) -> Block:
    """Return the arrays of one experiment, the fold changes centred."""
    mask = jnp.asarray(used, jnp.float64)
    weights = jnp.asarray(experiment.weights / experiment.weights.mean())
    # Fold changes against the mean over M - 1 others: M / (M - 1) times those against
    # the mean over all M, which differ from levels by one number per gene.
    number = experiment.log2.shape[1]
    level = jnp.asarray(experiment.log2) * (number - 1) / number
    observed = _centred(against_others(level, mask), weights)
    return {
        "pair": jnp.asarray(sites.pair),
        "strand": jnp.asarray(sites.strand),
        "kind": jnp.asarray(sites.kind),
        "values": jnp.asarray(values),
        "observed": observed,
        "weights": weights,
        "used": mask,
        "variance": jnp.sum(observed**2 * mask[None, :]) / (mask.sum() * len(observed)),
    }


def _centred(
    values: Float[Array, "genes mirnas"], weights: Float[Array, " genes"]
) -> Float[Array, "genes mirnas"]:
    return values - (weights[:, None] * values).mean(axis=0, keepdims=True)


def _predicted(params: Params, amplitude: Array, block: Block) -> Array:
    """Return log2 fold changes against the mean over the other miRNAs."""
    genes, mirnas = block["observed"].shape
    strand, kind = block["strand"], block["kind"]
    missing = len(TYPES) - params["passenger"].shape[0]
    passenger = jnp.pad(params["passenger"], (0, missing), constant_values=_NONE)
    base = jnp.stack([params["guide"], passenger])[strand, kind]
    base += amplitude[strand, block["pair"] % mirnas]
    efficacy = jnp.exp(jnp.minimum(base + block["values"] @ params["slopes"], 4.0))
    total = jax.ops.segment_sum(efficacy, block["pair"], genes * mirnas)
    repression = -jnp.log2(1 + total.reshape(genes, mirnas))
    return _centred(against_others(repression, block["used"]), block["weights"])


def _loss(params: Params, blocks: Sequence[Block], options: FitOptions) -> Array:
    loss = jnp.zeros(())
    for block, amplitude in zip(blocks, params["amplitudes"], strict=True):
        error = _predicted(params, amplitude, block) - block["observed"]
        weights = block["weights"][:, None] * block["used"][None, :]
        loss += 0.5 * jnp.sum(weights * error**2) / block["variance"]
        penalties = jnp.asarray(options.amplitude_penalties)[:, None]
        loss += 0.5 * jnp.sum(penalties * amplitude**2)
    loss += 0.5 * options.slope_penalty * jnp.sum(params["slopes"] ** 2)
    for name, start in _START.items():
        distance = params[name] - jnp.asarray(start)
        loss += 0.5 * options.type_penalty * jnp.sum(distance**2)
    return loss


@functools.partial(jax.jit, static_argnames="options")
def _loss_and_gradient(
    x: Float[Array, " parameters"], blocks: Sequence[Block], options: FitOptions
) -> tuple[Array, Array]:
    return jax.value_and_grad(lambda x: _loss(_unpack(x, blocks), blocks, options))(x)


def _unpack(x: Float[Array, " parameters"], blocks: Sequence[Block]) -> dict[str, Any]:
    """Return the parameters by name."""
    sizes = [len(start) for start in _START.values()]
    sizes.append(blocks[0]["values"].shape[1])
    sizes += [2 * len(block["used"]) for block in blocks]
    ends = np.cumsum(sizes)
    guide, passenger, slopes, *amplitudes = jnp.split(x, ends[:-1])
    return {
        "guide": guide,
        "passenger": passenger,
        "slopes": slopes,
        "amplitudes": [part.reshape(2, -1) for part in amplitudes],
    }


def _minimise(blocks: Sequence[Block], options: FitOptions) -> Mapping[str, np.ndarray]:
    """Return the parameters that minimise the loss."""
    known = np.concatenate([*_START.values()])
    others = len(options.features) + 2 * sum(len(block["used"]) for block in blocks)
    start = np.concatenate([known, np.zeros(others)])

    def evaluate(x: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = _loss_and_gradient(jnp.asarray(x), blocks, options)
        return float(value), np.asarray(gradient, np.float64)

    limits = {"maxiter": options.iterations}
    found = optimize.minimize(
        evaluate, start, jac=True, method="L-BFGS-B", options=limits
    )
    if not np.isfinite(found.fun):
        raise FloatingPointError(f"the fit ended with a loss of {found.fun}")
    params = _unpack(jnp.asarray(found.x), blocks)
    return {name: np.asarray(params[name]) for name in ("guide", "passenger", "slopes")}
