"""The assemblies that the tests of `moorage cost` also read."""

from __future__ import annotations

from tests.cost.conftest import synthesized  # noqa: F401  # pytest finds fixtures by name
