"""The other services of the local AWS."""
