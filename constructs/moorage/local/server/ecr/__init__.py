"""Amazon ECR in the local AWS."""
