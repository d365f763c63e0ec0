"""mirjax: predict which microRNA binds which messenger RNA, in JAX."""

__version__ = "0.1.0"
