"""A URLconf that does not import."""

from __future__ import annotations

raise ImportError("secret")
