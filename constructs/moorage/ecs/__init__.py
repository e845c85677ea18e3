"""Constructs for Amazon ECS: networks, clusters, load balancers, services, workers and jobs."""
