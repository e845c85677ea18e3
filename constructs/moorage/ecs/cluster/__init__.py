"""A cluster, defined here or imported, with its ECS Exec sessions and failure events."""
