"""A task definition with its volumes and permissions, and how its task is started."""
