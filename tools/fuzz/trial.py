"""Run programs and judge the results: a valid template, or an error that says why."""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import os
import re
import shutil
import tempfile
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import attrs
import aws_cdk as cdk
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_efs as efs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_ssm as ssm
from constructs import Construct

import moorage
from moorage.policy.cloudformation_lint import matches
from moorage.workload.limit import Limit
from tools import preflight
from tools.fuzz.services import TABLE, Definition

_ARN = "arn:aws:{}:eu-west-1:111111111111:{}"
_ROWS = {row.id: row for row in TABLE}
_SCOPE = re.compile(r"N(\d+)N")
_SCOPES = re.compile(r"'N(\d+)N")
_LONG = 2000
_OF_BINARY_FRACTIONS = " is not a multiple of 0.1"
"""cfn-lint's message for 33.3, since it divides floats; moorage itself refuses a share with more than one decimal."""
_WITHOUT_END = {
    "@aws-cdk/core:stackResourceLimit": 0,
    "@aws-cdk/core:defaultCrossStackReferences": "weak",  # a removed program would leave an export behind
}
_OF_COMPANY = ("E3010",)
"""The rules about the number of resources, which counts all programs in the template."""
_SUBJECT = re.compile(r"(?P<subject>\S.*?): (?P<problems>.+)", re.DOTALL)
_SEVERAL = re.compile(r"\d+ problems\n  - ")


@attrs.frozen
class Problem:
    """A result that no program should have.

    Args:
        kind: `crash`, `invalid template`, `unsaid` for an error that lacks its reason, or `let through`.
        definition: The program.
        says: The message.
    """

    kind: str
    definition: Definition
    says: str


class Batch:
    """Programs in one stack, since checking a template takes nearly as long for one program as for many."""

    def __init__(self) -> None:
        self._out = tempfile.mkdtemp(dir=_scratch().name)
        self._app = cdk.App(analytics_reporting=False, outdir=self._out, context=_WITHOUT_END)
        self._stack = cdk.Stack(self._app, "Batch")
        self._names = {**names_of_programs(), **_given(self._stack)}
        self.accepted: list[Definition] = []
        self._by_number: dict[int, Definition] = {}
        self._tried = 0
        self._only_accepted = False

    def run(self, definition: Definition) -> None:
        """Run a program, and keep its resources only if it is accepted. Raise the error of a refused program."""
        self._tried += 1  # never the name of a refused program, which can leave constructs in the stack
        name = f"N{self._tried}N"
        scope = Construct(self._stack, name)
        try:
            exec(definition.source, {**self._names, "stack": scope})  # noqa: S102  # a program that this tool wrote
        except BaseException:
            self._stack.node.try_remove_child(name)
            raise
        self.accepted.append(definition)
        self._by_number[self._tried] = definition

    def problems(self) -> list[Problem]:
        """Return the crashes of the synthesis, and the findings of cfn-lint and cdk-preflight in the template."""
        try:
            self._app.synth()
        except Exception as error:  # any exception here is a crash
            return self._halved("crash", _said(error))
        text = (Path(self._out) / "Batch.template.json").read_text()
        found: dict[int, list[str]] = {}
        for match in matches(text, "eu-west-1", ignore=("W", "I", *_OF_COMPANY)):
            if match.message.endswith(_OF_BINARY_FRACTIONS):
                continue
            named = _SCOPE.match(str(match.path[1])) if len(match.path) > 1 else None
            if named is None:
                return self._halved("invalid template", f"{match.rule.id}: {match.message}")
            found.setdefault(int(named[1]), []).append(f"{match.rule.id} at {match.path[1:]}: {match.message}")
        for finding in preflight.findings(text, "eu-west-1", "111111111111"):
            if (owner := _SCOPE.match(finding.resource)) is None:
                return self._halved("invalid template", f"{finding.rule}: {finding.message}")
            named_in_message = set(_SCOPES.findall(finding.message))
            if named_in_message <= {owner[1]} and not preflight.acknowledgement("random services", finding):
                said = f"{finding.rule} at {finding.resource} {finding.property}: {finding.message}"
                found.setdefault(int(owner[1]), []).append(said)
        return [Problem("invalid template", self._by_number[number], "\n".join(said)) for number, said in found.items()]

    def discard(self) -> None:
        """Remove the files of the batch."""
        shutil.rmtree(self._out, ignore_errors=True)

    def _halved(self, kind: str, said: str) -> list[Problem]:
        """Return the problems of each half, down to single programs."""
        if len(self.accepted) == 1:
            return [Problem(kind, self.accepted[0], said)]
        middle = len(self.accepted) // 2
        halves = []
        for part in (self.accepted[:middle], self.accepted[middle:]):
            batch = rerun(part)
            halves += batch.problems()
            batch.discard()
        return halves or self._in_company(kind, said)

    def _in_company(self, kind: str, said: str) -> list[Problem]:
        """Return the problems of all programs in a new batch, without leftovers of refused programs."""
        if self._only_accepted:
            return [Problem(kind, self.accepted[0], f"only together with others: {said}")]
        batch = rerun(self.accepted)
        batch._only_accepted = True
        found = batch.problems()
        batch.discard()
        return found


def rerun(definitions: Sequence[Definition]) -> Batch:
    """Return a batch of programs that are known to be accepted."""
    batch = Batch()
    for definition in definitions:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            batch.run(definition)
    return batch


@attrs.define
class Trial:
    """Many programs and their results.

    Args:
        size: The number of accepted programs that share a template. Default: 10.
    """

    size: int = 10
    answered: int = 0
    accepted: int = 0
    refused: int = 0
    hits: Counter[str] = attrs.field(factory=Counter)
    problems: list[Problem] = attrs.field(factory=list)
    _batch: Batch = attrs.field(init=False, factory=Batch)

    def answer(self, definition: Definition) -> None:
        """Run a program and judge the result. Its template is checked later, together with those of other programs."""
        self.answered += 1
        with _counted() as hit, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                self._batch.run(definition)
            except ValueError as error:
                self.refused += 1
                self._note("unsaid", definition, unsaid(str(error)) or self._unmet(definition, str(error)))
            except Exception as error:  # any other exception is a crash
                self._note("crash", definition, _said(error))
                self._batch.discard()  # the crash may have left something in the template
                self._batch = rerun(self._batch.accepted)
            else:
                self.accepted += 1
                confirmed = [row for row in sorted(definition.broken) if _ROWS[row].confirmed and not hit[row]]
                if confirmed and not sum(hit.values()):
                    self._note("let through", definition, f"{', '.join(confirmed)} was not reported")
        self.hits.update(hit)
        if len(self._batch.accepted) >= self.size:
            self.finish()

    def finish(self) -> None:
        """Check the remaining templates."""
        if self._batch.accepted:
            self.problems += self._batch.problems()
        self._batch.discard()
        self._batch = Batch()

    def discard(self) -> None:
        """Skip the remaining checks."""
        self._batch.discard()

    def _note(self, kind: str, definition: Definition, says: str | None) -> None:
        if says:
            self.problems.append(Problem(kind, definition, says))

    @staticmethod
    def _unmet(definition: Definition, message: str) -> str | None:
        rows = [_ROWS[row] for row in definition.broken if _ROWS[row].confirmed]
        if len(rows) != 1 or any(f" {row.rule} (got " in message for row in rows):  # two limits may exclude each other
            return None
        return f"{', '.join(row.id for row in rows)} should have been refused, but: {message}"


def unsaid(message: str) -> str | None:
    """Return the part that an error lacks: the path, the problem, or the hint; None if the error is complete."""
    named = _SUBJECT.fullmatch(message)
    if not named:
        return f"no path and no value: {message}"
    problems = named["problems"]
    if _SEVERAL.match(problems):
        problems = problems.partition("\n  - ")[2]
    for problem in problems.split("\n  - "):
        wrong, found, way_out = problem.rpartition("; ")
        if not found or not wrong.strip() or not way_out.strip():
            return f"no way out: {problem}"
        if problem.endswith("."):
            return f"a full stop: {problem}"
    return None


def _said(error: BaseException) -> str:
    ours = [each for each in traceback.extract_tb(error.__traceback__) if f"{os.sep}moorage{os.sep}" in each.filename]
    where = f" at {Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else ""
    return f"{type(error).__name__}{where}: {str(error)[:_LONG]}"


@contextlib.contextmanager
def _counted() -> Iterator[Counter[str]]:
    """Count the limits that are broken during the context."""
    counts: Counter[str] = Counter()
    problem = Limit.problem

    def counted(self: Limit, argument: str, value: Any) -> str | None:
        said = problem(self, argument, value)
        counts[self.id] += said is not None
        return said

    with mock.patch.object(Limit, "problem", counted):
        yield counts


@functools.cache
def _scratch() -> tempfile.TemporaryDirectory[str]:
    """Return the folder that batches write to, deleted when the process exits."""
    return tempfile.TemporaryDirectory(prefix="moorage-fuzz-")


@functools.cache
def names_of_programs() -> dict[str, Any]:
    """Return the names for programs: moorage's public names, and CDK's for its arguments."""
    ours = {name: getattr(moorage, name) for name in moorage.__all__}
    theirs = {
        "ApplicationProtocolVersion": elbv2.ApplicationProtocolVersion,
        "Duration": cdk.Duration,
        "ListenerAction": elbv2.ListenerAction,
        "EventField": events.EventField,
        "EventPattern": events.EventPattern,
        "LogDrivers": ecs.LogDrivers,
        "PlacementConstraint": ecs.PlacementConstraint,
        "PolicyStatement": iam.PolicyStatement,
        "PlacementStrategy": ecs.PlacementStrategy,
        "PlainCluster": ecs.Cluster,
        "Protocol": elbv2.Protocol,
        "ScheduleExpression": scheduler.ScheduleExpression,
        "SubnetSelection": ec2.SubnetSelection,
        "TimeZone": cdk.TimeZone,
        "UTC": dt.UTC,
        "datetime": dt.datetime,
        "timedelta": dt.timedelta,
    }
    return {**ours, **theirs}


def existing_vpc(stack: cdk.Stack) -> ec2.IVpc:
    """Return an imported VPC with public and private subnets in two zones."""
    return ec2.Vpc.from_vpc_attributes(
        stack,
        "Vpc",
        vpc_id="vpc-0a1b2c3d",
        vpc_cidr_block="10.0.0.0/16",
        availability_zones=["eu-west-1a", "eu-west-1b"],
        public_subnet_ids=["subnet-0000000a", "subnet-0000000b"],
        private_subnet_ids=["subnet-0000000c", "subnet-0000000d"],
    )


def _given(stack: cdk.Stack) -> dict[str, Any]:
    """Return the existing resources that a program can use."""
    secret = secretsmanager.Secret.from_secret_name_v2(stack, "Secret", "database")
    vpc = existing_vpc(stack)
    files = efs.FileSystem.from_file_system_attributes(
        stack, "Files", file_system_id="fs-0a1b2c3d", security_group=_group(stack, 9)
    )
    metric = cloudwatch.Metric(namespace="Shop", metric_name="Depth", dimensions_map={"Queue": "a"})
    identifier = "certificate/12345678-1234-1234-1234-123456789012"
    return {
        "vpc": vpc,
        "subnets": [ec2.Subnet.from_subnet_id(stack, f"Subnet{n}", f"subnet-000000{n:02x}") for n in range(17)],
        "groups": [_group(stack, index) for index in range(6)],
        "issued": acm.Certificate.from_certificate_arn(stack, "Certificate", _ARN.format("acm", identifier)),
        "targets": elbv2.ApplicationTargetGroup.from_target_group_attributes(
            stack, "Targets", target_group_arn=_ARN.format("elasticloadbalancing", "targetgroup/web/0123456789abcdef")
        ),
        "repository": ecr.Repository.from_repository_name(stack, "Repository", "shop/web"),
        "bucket": s3.Bucket.from_bucket_name(stack, "Bucket", "shop-settings"),
        "queue": sqs.Queue.from_queue_arn(stack, "Queue", _ARN.format("sqs", "shop")),
        "topic": sns.Topic.from_topic_arn(stack, "Topic", _ARN.format("sns", "shop")),
        "alarm": cloudwatch.Alarm.from_alarm_name(stack, "Alarm", "shop"),
        "function": lambda_.Function.from_function_name(stack, "Function", "check"),
        "parameter": ssm.StringParameter.from_string_parameter_name(stack, "Parameter", "/shop/mode"),
        "secret": secret,
        "field": ecs.Secret.from_secrets_manager(secret, "password"),
        "version": lambda **of: ecs.Secret.from_secrets_manager_version(
            secret, ecs.SecretVersionInfo(**of), "password"
        ),
        "files": files,
        "entrance": efs.AccessPoint.from_access_point_attributes(
            stack, "AccessPoint", access_point_id="fsap-0a1b2c3d", file_system=files
        ),
        "device": ecs.Device(host_path="/dev/fuse"),
        "metric": metric,
        "expression": cloudwatch.MathExpression(expression="m / 2", using_metrics={"m": metric}),
        "permission": iam.PolicyStatement(actions=["s3:GetObject"], resources=["*"]),
    }


def _group(stack: cdk.Stack, index: int) -> ec2.ISecurityGroup:
    return ec2.SecurityGroup.from_security_group_id(stack, f"Group{index}", f"sg-0000000{index}")
