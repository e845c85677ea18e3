"""The report of the resources in the local AWS."""
