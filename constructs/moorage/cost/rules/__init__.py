"""The components of each resource type that AWS bills, one module for each group of services."""
