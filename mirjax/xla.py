"""Options for XLA, chosen by measurement."""

import jax


def compiler_options() -> dict[str, str]:
    """Return the options to compile training steps with on the current backend.

    On a CPU, XLA hands small products to YNNPACK by default; on the thin ones of a
    recurrent step at batch 50, Eigen is 1.5 to 1.8 times faster. The empty list of
    fusion types turns YNNPACK off.
    """
    if jax.default_backend() != "cpu":
        return {}
    return {"xla_cpu_experimental_ynn_fusion_type": ""}
