"""A service in Windows containers, on Fargate."""

import aws_cdk as cdk

from moorage import Cluster, Container, Network, OperatingSystemFamily, Service, Task

app = cdk.App()
stack = cdk.Stack(app, "Legacy")
task = Task(
    Container("mcr.microsoft.com/windows/servercore/iis:windowsservercore-ltsc2022", port=80),
    cpu=1024,
    memory_mib=2048,
    operating_system_family=OperatingSystemFamily.WINDOWS_SERVER_2022_CORE,
)
Service(stack, "Legacy", cluster=Cluster(stack, "Cluster", vpc=Network(stack, "Network").vpc), task=task)
app.synth()
