"""The findings about openings: network access, public endpoints, permissions and lost protection."""
