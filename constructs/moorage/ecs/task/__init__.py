"""A task as it is defined and started: task definition, volumes, grants and launch."""
