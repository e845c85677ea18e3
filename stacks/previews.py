"""The preview of a pull request: the services of the store, beside those of an environment, for a limited time."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import attrs
import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_scheduler_targets as targets

from stacks.images import Images
from stacks.services import ServicesStack
from stacks.settings import Description, EnvironmentSettings
from stacks.settings.previews import LAST_NUMBER, MAX_HOURS, PreviewSettings
from stacks.settings.services import SERVICES, AllServiceSettings
from stacks.shared_platform import SharedPlatform

_NUMBER, _UNTIL = "preview", "preview-until"
_PRIORITIES = 20_000
"""The number of priorities of previews. Rules of environments, with a host or without, have higher numbers."""


class PreviewError(SystemExit):
    """An error of the context of a preview. It ends the program with its message, without a traceback."""


class Preview(cdk.Stage):
    """The preview of a pull request, in one stack that deletes itself.

    Args:
        app: The app.
        number: The number of the pull request.
        until: The time at which the preview is removed, in UTC.
        description: The description of all environments.
        host: The name of the environment that hosts the preview.
    """

    def __init__(self, app: cdk.App, *, number: int, until: dt.datetime, description: Description, host: str) -> None:
        own = description.environments[host]
        settings = _settings(own, number)
        super().__init__(app, f"preview-{number}", env=settings.env, permissions_boundary=settings.boundary)
        for key, value in {**settings.tags, "preview": str(number)}.items():
            cdk.Tags.of(self).add(key, value)
        services = ServicesStack(
            self,
            "Services",
            settings=settings,
            platform=SharedPlatform(environment=host, settings=own),
            images=Images(description, host),
            priority=(number - 1) % _PRIORITIES + 1,
        )
        _delete_at(services, until)
        scheme = "https" if settings.entrance.has_certificate else "http"
        cdk.CfnOutput(services, "Address", value=f"{scheme}://{settings.entrance.domain}")


def define_preview(app: cdk.App, description: Description) -> None:
    """Define the preview whose number is in the context `preview`. Without this context, define nothing.

    Args:
        app: The app. Its context `preview-until` is the time at which the preview is removed, in UTC. By default, the
            settings of the previews say when.
        description: The description of all environments.

    Raises:
        PreviewError: The context is wrong, or no environment hosts previews.
    """
    given = app.node.try_get_context(_NUMBER)
    if given is None:
        return
    if not re.fullmatch(r"[1-9]\d{0,5}", str(given), re.ASCII):
        raise PreviewError(
            f"{_NUMBER} must be the number of a pull request, 1 to {LAST_NUMBER} (got {str(given)!r}); use -c "
            f"{_NUMBER}=123"
        )
    host = description.preview_host
    previews = description.environments[host].previews if host else None
    if not host or not previews:
        raise PreviewError(
            f"{_NUMBER} is {given}, but no environment hosts previews; add a table such as [dev.previews] to "
            "environments.toml"
        )
    until = _until(app.node.try_get_context(_UNTIL), previews)
    Preview(app, number=int(given), until=until, description=description, host=host)


def _until(given: Any, previews: PreviewSettings) -> dt.datetime:
    """Return the time at which a preview is removed: the given one, or the one that follows from the settings."""
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    if given is None:
        return now + dt.timedelta(hours=previews.hours)
    example = f"use -c {_UNTIL}={now + dt.timedelta(hours=MAX_HOURS // 10):%Y-%m-%dT%H:%M:%SZ}"
    try:
        stated = dt.datetime.fromisoformat(str(given))
        until = stated.replace(tzinfo=dt.UTC) if stated.tzinfo is None else stated.astimezone(dt.UTC)
    except (OverflowError, ValueError):
        raise PreviewError(f"{_UNTIL} must be a time in UTC (got {str(given)!r}); {example}") from None
    if not now < until <= now + dt.timedelta(hours=MAX_HOURS):
        raise PreviewError(
            f"{_UNTIL} must be a time in the future, at most {MAX_HOURS} hours from now (got {str(given)!r}); {example}"
        )
    return until


def _settings(host: EnvironmentSettings, number: int) -> EnvironmentSettings:
    """Return the settings of a preview: those of its host, but with one copy of each service on Fargate Spot."""
    assert host.previews is not None  # noqa: S101  # only a host of previews has one
    (spot,) = (name for name, each in host.capacity.items() if each.kind == "fargate-spot")
    sizes: dict[str, Any] = {"min_tasks": 1, "max_tasks": 1, "capacity": {spot: 1}}
    unset = dict.fromkeys(sizes)
    services: AllServiceSettings = attrs.evolve(host.services, **sizes)
    for name in SERVICES:
        if overrides := getattr(services, name):
            services = attrs.evolve(services, **{name: attrs.evolve(overrides, **unset)})
    return attrs.evolve(
        host,
        services=services,
        entrance=attrs.evolve(host.entrance, domain=host.previews.host(number)),
        exec_sessions=False,  # they would be recorded with the key of the host
        data=None,
    )


def _delete_at(stack: cdk.Stack, until: dt.datetime) -> None:
    """Define the schedule that deletes a stack, and so itself and its role.

    CloudFormation deletes with the role that created the stack, even if the caller cannot pass that role (API reference
    of CloudFormation, `RoleARN` of `CreateChangeSet` and `DeleteStack`).
    """
    group = f"arn:{cdk.Aws.PARTITION}:scheduler:{cdk.Aws.REGION}:{cdk.Aws.ACCOUNT_ID}:schedule-group/default"
    conditions = {"StringEquals": {"aws:SourceAccount": cdk.Aws.ACCOUNT_ID, "aws:SourceArn": group}}
    role = iam.Role(
        stack,
        "EndRole",
        assumed_by=iam.ServicePrincipal("scheduler.amazonaws.com", conditions=conditions),
        description=f"Deletes the stack {stack.stack_name}",
    )
    statement = iam.PolicyStatement(actions=["cloudformation:DeleteStack"], resources=[stack.stack_id])
    iam.ManagedPolicy(stack, "EndPolicy", statements=[statement], roles=[role])
    scheduler.Schedule(
        stack,
        "End",
        schedule=scheduler.ScheduleExpression.at(until),
        target=targets.Universal(
            service="cloudformation",
            action="deleteStack",
            input=scheduler.ScheduleTargetInput.from_object({"StackName": stack.stack_id}),
            role=role.without_policy_updates(),  # CDK would add the policy inline, to which policy engines object
            policy_statements=[statement],
        ),
        description=f"Deletes the stack {stack.stack_name}",
    )
