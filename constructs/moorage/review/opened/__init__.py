"""The judge of what opens: network access, public endpoints, permissions, and protection that is lost."""
