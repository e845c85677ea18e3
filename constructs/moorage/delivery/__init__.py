"""Dead-letter queues for the constructs of ECS and of ECR."""
