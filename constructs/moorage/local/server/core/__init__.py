"""The engine of the local AWS: authentication, templates, schemas, resource types, stack events and service calls."""
