"""A task definition with its volumes and permissions, and the start of its task."""
