"""The retail store's services."""

from __future__ import annotations

import datetime as dt

import aws_cdk as cdk
from constructs import Construct

from moorage import Cluster, Container, HealthCheck, LoadBalancer, Route, Scaling, Service, Task

UI = "public.ecr.aws/aws-containers/retail-store-sample-ui:1.6.2"


class ServicesStack(cdk.Stack):
    """The web front of AWS's retail store sample, which answers with built-in data."""

    def __init__(
        self, scope: Construct, construct_id: str, *, cluster: Cluster, entrance: LoadBalancer, removable: bool
    ) -> None:
        super().__init__(scope, construct_id)
        Service(
            self,
            "Ui",
            cluster=cluster,
            task=Task(
                Container(
                    UI,
                    name="ui",
                    port=8080,
                    user="1000",
                    writable=["/tmp"],
                    health_check=HealthCheck(
                        "curl -f http://localhost:8080/actuator/health || exit 1", start_period=dt.timedelta(seconds=60)
                    ),
                ),
                cpu=1024,
                memory_mib=2048,
            ),
            scaling=Scaling(2, 10, cpu_percent=60),
            route=Route(entrance, health="/actuator/health"),
            removal_policy=cdk.RemovalPolicy.DESTROY if removable else cdk.RemovalPolicy.RETAIN,
        )
