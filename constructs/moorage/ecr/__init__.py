"""The repositories and registries of Amazon ECR."""
