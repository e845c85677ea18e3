"""AWS Batch: compute environments, job queues and job definitions; jobs do not run here."""

from __future__ import annotations

from moorage.local.server.core.adapter import batch
from moorage.local.server.core.resource import Made, Properties
from moorage.local.server.core.service_api import REF, ApiResource


class ComputeEnvironment(ApiResource):
    """A compute environment; `Ref` returns its ARN."""

    type = "AWS::Batch::ComputeEnvironment"
    service = "batch"
    creation = "CreateComputeEnvironment"
    change = ("UpdateComputeEnvironment", {"computeEnvironment": REF})
    identity = "computeEnvironmentArn"
    named = ("ComputeEnvironmentName", 128)
    attributes = (("ComputeEnvironmentArn", REF),)
    without = ("EcsSettings", "ReplaceComputeEnvironment", "UpdatePolicy")

    def delete(self, physical_id: str, properties: Properties) -> None:
        batch.compute_envs.pop(physical_id.rpartition("/")[2], None)


class JobQueue(ApiResource):
    """A job queue; `Ref` returns its ARN."""

    type = "AWS::Batch::JobQueue"
    service = "batch"
    creation = "CreateJobQueue"
    identity = "jobQueueArn"
    named = ("JobQueueName", 128)
    attributes = (("JobQueueArn", REF),)

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        name = physical_id.rpartition("/")[2]
        batch.job_queues.pop(name, None)
        return self.create(new | {"JobQueueName": name}, name)

    def delete(self, physical_id: str, properties: Properties) -> None:
        batch.job_queues.pop(physical_id.rpartition("/")[2], None)


class JobDefinition(ApiResource):
    """A job definition; `Ref` returns the ARN of its revision."""

    type = "AWS::Batch::JobDefinition"
    service = "batch"
    creation = "RegisterJobDefinition"
    identity = "jobDefinitionArn"
    named = ("JobDefinitionName", 128)
    attributes = (("JobDefinitionArn", REF),)
    without = ("ResourceRetentionPolicy",)

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        """Register and return a new revision, as CloudFormation does."""
        name = physical_id.rpartition("/")[2].partition(":")[0]
        return self.create(new | {"JobDefinitionName": name}, name)

    def delete(self, physical_id: str, properties: Properties) -> None:
        for revisions in batch.job_definitions.values():
            for each in revisions:
                if each["jobDefinitionArn"] == physical_id:
                    each["status"] = "INACTIVE"
