"""The engine of the local AWS: authentication, schemas, resource types and calls between services."""
