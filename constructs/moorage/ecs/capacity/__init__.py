"""What tasks run on: Fargate, Auto Scaling groups and Managed Instances."""
