"""The small environments that the tests of the stacks share."""

from __future__ import annotations

import pytest

from tests.stacks import small_shop
from tests.stacks.small_shop import PROTECTED, REMOVABLE, Shop


@pytest.fixture(scope="session")
def removable() -> Shop:
    return small_shop.made(REMOVABLE)


@pytest.fixture(scope="session")
def protected() -> Shop:
    return small_shop.made(PROTECTED)


@pytest.fixture(scope="session", params=["removable", "protected"])
def shop(request: pytest.FixtureRequest) -> Shop:
    found: Shop = request.getfixturevalue(request.param)
    return found
