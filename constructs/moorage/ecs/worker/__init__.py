"""Tasks that drain a queue."""
