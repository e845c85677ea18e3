"""EC2 Auto Scaling and Application Auto Scaling in the local AWS."""
