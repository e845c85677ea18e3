"""A VPC for containers."""
