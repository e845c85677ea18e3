"""A cluster, defined here or imported, with its sessions and failure events."""
