"""Interfaces of models: Protocols of generators and classifiers.

A model is an immutable description of its sizes; parameters are separate and are given
to `apply`. Tokens are those of `mirjax.sequences.alphabet`, uint8. Every sequence is
5'→3' and padded on the right with PAD: a model that was trained on reversed strands
reverses them itself.

The modules of this package need not inherit from these classes: a `flax.linen.Module`
with the members of one implements it, which `isinstance` checks.
"""

from typing import Any, Protocol, TypeAlias, runtime_checkable

from jaxtyping import Array, Float, Int, UInt8

from mirjax.sequences.prefix_tree import PrefixTree

DecoderState: TypeAlias = Any
"""A pytree of arrays; only the generator that made it knows its content."""


@runtime_checkable
class Model(Protocol):
    """A `flax.linen.Module`: parameters are made by `init` and given to `apply`."""

    def __hash__(self) -> int:
        """Equal models have equal hashes: they are static arguments under jit."""

    def init(self, *args: Any, **kwargs: Any) -> Any:
        """Draw initial parameters from a key, for inputs of the given shapes."""

    def apply(self, variables: Any, *args: Any, **kwargs: Any) -> Any:
        """Call the model, or the method named `method`, with {"params": params}."""

    def clone(self, **updates: Any) -> Any:
        """Return a copy with some fields replaced, such as `dropout`."""


@runtime_checkable
class PairModel(Model, Protocol):
    """A model of miRNA–target pairs, and the sequences that it can read."""

    @property
    def dropout(self) -> float | Array:
        """Dropout rate in training; may be traced."""

    @property
    def min_target_length(self) -> int:
        """Letters of the shortest target."""

    @property
    def max_target_length(self) -> int:
        """Letters of the longest target, to which targets are padded."""

    @property
    def max_mirna_length(self) -> int:
        """Letters of the longest miRNA."""

    def example_inputs(self) -> tuple[Array, Array]:
        """Return inputs of one row, for `init`."""


@runtime_checkable
class ReadsUnknownLetters(PairModel, Protocol):
    """A model whose targets may hold PAD between letters, for unknown letters."""

    @property
    def reads_unknown_letters(self) -> bool:
        """Whether it does; then N and the other IUPAC codes are valid letters."""


def reads_unknown_letters(model: PairModel) -> bool:
    """Return whether targets of a model may hold N and the other IUPAC codes."""
    return isinstance(model, ReadsUnknownLetters) and model.reads_unknown_letters


@runtime_checkable
class Classifier(PairModel, Protocol):
    """A model of P(a miRNA binds a target).

    A generator has all these members, too. To distinguish the two, check whether a
      model is a `Generator`.
    """

    def __call__(
        self,
        mirnas: UInt8[Array, "batch mirna_length"],
        targets: UInt8[Array, "batch target_length"],
        *,
        train: bool = False,
    ) -> Float[Array, " batch"]:
        """Score pairs.

        Args:
          mirnas: padded to `max_mirna_length`.
          targets: padded to `max_target_length`.
          train: apply dropout, from the rng stream "dropout".

        Returns:
          The logit of the probability that each pair binds.
        """


@runtime_checkable
class Generator(PairModel, Protocol):
    """A model of P(miRNA | target), which emits the miRNA letter by letter, 5'→3'.

    Every method after `__call__` is called through `apply`, by its name. Logits are
    over A, U, C, G, BOS and EOS, in this order. A decoder makes at most
    `max_mirna_length` + 1 steps: one for each letter and one for EOS.
    """

    def __call__(
        self,
        targets: UInt8[Array, "batch target_length"],
        previous: UInt8[Array, "batch time"],
        *,
        train: bool = False,
    ) -> Float[Array, "batch time 6"]:
        """Score every next letter, given the true letters before it.

        Args:
          targets: padded to `max_target_length`.
          previous: the token before each step: BOS, then the miRNA.
          train: apply dropout, from the rng stream "dropout".
        """

    def encode(
        self,
        targets: UInt8[Array, "batch target_length"],
        *,
        steps: int | None = None,
        train: bool = False,
    ) -> DecoderState:
        """Read targets, and return the state before the first letter, a row per target.

        Args:
          targets: padded to `max_target_length`.
          steps: letters that the state has room for; by default those of the longest
            miRNA and its EOS.
          train: apply dropout.
        """

    def decode_step(
        self, state: DecoderState, previous: UInt8[Array, " rows"]
    ) -> tuple[DecoderState, Float[Array, "rows 6"]]:
        """Advance by one letter, without dropout; return the next state and logits.

        Args:
          state: from `encode`, `gather_state` or the step before.
          previous: the token before this step, BOS at first.
        """

    def gather_state(
        self, state: DecoderState, rows: Int[Array, " new_rows"]
    ) -> DecoderState:
        """Return the state of the given rows, equally many of each target.

        Args:
          state: with a whole number of rows per target; those of one target are
            adjacent.
          rows: their indices, in the order of the targets; they may repeat.
        """

    def read_tree(
        self, state: DecoderState, tree: PrefixTree
    ) -> Float[Array, "targets nodes 6"]:
        """Score every next letter after every prefix of some miRNAs, without dropout.

        Args:
          state: from `encode`; it needs no room for letters.
          tree: the prefixes.
        """


@runtime_checkable
class AttentionGenerator(Generator, Protocol):
    """A generator whose attention to the target can be read out."""

    def attention_weights(
        self,
        targets: UInt8[Array, "batch target_length"],
        previous: UInt8[Array, "batch time"],
    ) -> Float[Array, "layers batch heads time target_length"]:
        """Return the weight of each target letter at each step.

        Args:
          targets: padded to `max_target_length`.
          previous: the token before each step.

        Returns:
          Weights that sum to 1 over the letters of a target; 0 on its padding.
        """
