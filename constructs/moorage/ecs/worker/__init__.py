"""Tasks that process the messages of a queue."""
