"""Where failed deliveries are kept, for the constructs of ECS and of ECR."""
