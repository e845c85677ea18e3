"""The fixture that the lifecycle tests share."""

from tests.local.test_local_lifecycle import project  # noqa: F401  # pytest finds a fixture by its name
