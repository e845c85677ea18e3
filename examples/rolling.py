"""A rolling deployment that stops after four failed tasks or on an alarm, and succeeds early."""

import aws_cdk as cdk

from moorage import (
    CircuitBreaker,
    Cluster,
    Container,
    EarlySuccess,
    LoadBalancer,
    Network,
    RollbackAlarms,
    Rollout,
    Route,
    Scaling,
    Service,
    Task,
)

app = cdk.App()
stack = cdk.Stack(app, "Intranet")
network = Network(stack, "Network", zones=3)
edge = LoadBalancer(stack, "Edge", vpc=network.vpc)
least = Scaling.surviving_zone_loss(peak=4, zones=3)  # 6: 4 of them remain when a zone is lost

wiki = Service(
    stack,
    "Wiki",
    cluster=Cluster(stack, "Cluster", vpc=network.vpc),
    task=Task(Container("public.ecr.aws/nginx/nginx:1.29", port=80, writable=["/var/cache/nginx", "/run"])),
    scaling=Scaling(least, 30, cpu_percent=60),
    route=Route(edge),
    rollout=Rollout.rolling(
        circuit_breaker=CircuitBreaker.failures(4, reset_on_healthy_task=False),
        early_success=EarlySuccess(100),
        alarms=RollbackAlarms(unhealthy_targets=2),
    ),
)
print(wiki.estimate())
app.synth()
