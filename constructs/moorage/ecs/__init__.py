"""Constructs for Amazon ECS: networks, clusters, capacity, load balancers, services, workers, jobs and dashboards."""
