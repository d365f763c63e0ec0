"""mirjax: predict which microRNA binds which messenger RNA, in JAX.

    model = mirjax.load("pretrained/duplex")
    model.predict_proba("UGAGGUAGUAGGUUGUAUAGUU", ["ACUAUACAACCUACUACCUCA"])
    mirjax.scan(model, "hsa-let-7a-5p,hsa-miR-21-5p", "utrs.fa")

Importing it is fast: the modules that the names below need are imported on first use.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mirjax.api import Model as Model
    from mirjax.api import SiteOptions as SiteOptions
    from mirjax.api import WindowsOptions as WindowsOptions
    from mirjax.api import load as load
    from mirjax.api import scan as scan

__version__ = "0.1.0"
__all__ = ["Model", "SiteOptions", "WindowsOptions", "load", "scan"]


def __getattr__(name: str) -> Any:
    """Import the Python interface when one of its names is used."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from mirjax import api

    return getattr(api, name)


def __dir__() -> list[str]:
    """List also the names of the Python interface, for completion."""
    return sorted([*globals(), *__all__])
