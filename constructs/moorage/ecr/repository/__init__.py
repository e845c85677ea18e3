"""Private and public repositories."""
