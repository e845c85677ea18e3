"""Tasks that are kept running: deployments, scaling, Service Connect and VPC Lattice."""
