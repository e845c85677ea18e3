"""The services of the local AWS other than ECS, ECR and Auto Scaling."""
