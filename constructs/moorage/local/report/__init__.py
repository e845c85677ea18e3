"""The report of what is deployed in the local AWS."""
