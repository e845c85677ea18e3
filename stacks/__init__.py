"""The stacks that this repository's app composes."""
