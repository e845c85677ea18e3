"""The sizes of tasks that Fargate offers."""

from __future__ import annotations

import math
from collections.abc import Iterable


def _mib(sizes_gib: Iterable[int]) -> tuple[int, ...]:
    return tuple(1024 * size for size in sizes_gib)


FARGATE_MEMORY: dict[int, tuple[int, ...]] = {
    256: (512, 1024, 2048),
    512: _mib(range(1, 5)),
    1024: _mib(range(2, 9)),
    2048: _mib(range(4, 17)),
    4096: _mib(range(8, 31)),
    8192: _mib(range(16, 61, 4)),
    16384: _mib(range(32, 121, 8)),
    32768: _mib((60, 120, 244)),
}
"""The memory sizes in MiB that Fargate offers on Linux, by CPU units."""
WINDOWS_MEMORY: dict[int, tuple[int, ...]] = {
    1024: _mib(range(1, 9)),
    2048: _mib(range(4, 17)),
    4096: _mib(range(8, 31)),
}
"""The memory sizes in MiB that Fargate offers on Windows, by CPU units."""


def nearest_fargate_sizes(cpu: int, memory_mib: int) -> tuple[tuple[int, int], ...]:
    """Return the nearest Fargate sizes: the nearest that is sufficient for the request, and the nearest that is not."""
    sizes = [(units, memory) for units, memories in FARGATE_MEMORY.items() for memory in memories]

    def change(size: tuple[int, int]) -> float:
        return abs(math.log2(size[0] / cpu)) + abs(math.log2(size[1] / memory_mib))

    sufficient = [size for size in sizes if size[0] >= cpu and size[1] >= memory_mib]
    insufficient = [size for size in sizes if size not in sufficient]
    return tuple(min(group, key=change) for group in (sufficient, insufficient) if group)


def size_text(size: tuple[int, int]) -> str:
    return f"cpu={size[0]}, memory_mib={size[1]}"
