"""The private and public repositories of Amazon ECR."""
