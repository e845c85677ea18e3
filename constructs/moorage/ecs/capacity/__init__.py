"""The capacity that tasks run on: Fargate, Auto Scaling groups and ECS Managed Instances."""
