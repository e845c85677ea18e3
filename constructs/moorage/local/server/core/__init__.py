"""The engine of the local AWS: authentication, templates, schemas, resource types, stacks and calls of services."""
