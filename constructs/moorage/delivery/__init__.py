"""The topics, keys and dead-letter queues that the constructs of ECS and ECR share."""
