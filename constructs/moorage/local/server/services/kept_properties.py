"""Properties that have no effect here, but that the service's API shows.

ministack drops these properties. Here, they are stored in the record from which the API describes the resource, under
the names in botocore's model. This module also accepts the properties of `_WITHOUT_EFFECT`, which no API shows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from moorage.local.server.core.adapter import apigateway, apigateway_v1, eventbridge, iam, lambda_svc, pipes
from moorage.local.server.core.calls import structure
from moorage.local.server.core.resource import Properties
from moorage.local.server.services.guards import Completion, complete

Record = Callable[[str, Properties], Any]


@attrs.frozen
class _Kept:
    """The properties that are stored for a type.

    Args:
        type: The CloudFormation type.
        names: The properties.
        record: The function that returns a resource's record for its physical ID and its properties.
        service: The service's name in boto3.
        shape: The structure with which the service's API describes the resource.
        renamed: The structure's names for properties whose names differ by more than capitalization. Default: none.
    """

    type: str
    names: tuple[str, ...]
    record: Record
    service: str
    shape: str
    renamed: Mapping[str, str] = attrs.field(factory=dict)

    def keep(self, physical_id: str, old: Properties, new: Properties) -> None:
        record = self.record(physical_id, new)
        for name in self._described(old):
            record.pop(name, None)
        record.update(self._described(new))

    def _described(self, properties: Properties) -> dict[str, Any]:
        stated = {name: properties[name] for name in self.names if name in properties}
        return structure(self.service, self.shape, stated, renamed=self.renamed)


_KEPT = (
    _Kept(
        "AWS::ApiGateway::Stage",
        ("AccessLogSetting", "CacheClusterEnabled", "CacheClusterSize", "CanarySetting", "ClientCertificateId",
         "DocumentationVersion"),
        lambda name, properties: apigateway_v1.stages_v1[properties["RestApiId"]][name],
        "apigateway",
        "Stage",
        {"AccessLogSetting": "accessLogSettings", "CanarySetting": "canarySettings"},
    ),
    _Kept(
        "AWS::ApiGateway::Method",
        ("RequestValidatorId",),
        lambda _, properties: apigateway_v1.resources[properties["RestApiId"]][properties["ResourceId"]][
            "resourceMethods"
        ][properties["HttpMethod"]],
        "apigateway",
        "Method",
    ),
    _Kept(
        "AWS::ApiGateway::RestApi",
        ("ApiKeySourceType", "DisableExecuteApiEndpoint", "EndpointAccessMode", "SecurityPolicy"),
        lambda api, _: apigateway_v1.rest_apis[api],
        "apigateway",
        "RestApi",
        {"ApiKeySourceType": "apiKeySource"},
    ),
    _Kept(
        "AWS::ApiGatewayV2::Integration",
        ("CredentialsArn", "IntegrationSubtype", "PassthroughBehavior", "TemplateSelectionExpression", "TlsConfig"),
        lambda integration, properties: apigateway.integrations[properties["ApiId"]][integration],
        "apigatewayv2",
        "Integration",
    ),
    _Kept(
        "AWS::ApiGatewayV2::Api", ("IpAddressType",), lambda api, _: apigateway.apis[api], "apigatewayv2", "Api"
    ),
    _Kept(
        "AWS::Lambda::EventSourceMapping",
        ("AmazonManagedKafkaEventSourceConfig", "DocumentDBEventSourceConfig", "KmsKeyArn", "LoggingConfig",
         "MetricsConfig", "ProvisionedPollerConfig", "Queues", "SelfManagedEventSource",
         "SelfManagedKafkaEventSourceConfig", "SourceAccessConfigurations", "StartingPositionTimestamp", "Topics",
         "TumblingWindowInSeconds"),
        lambda mapping, _: lambda_svc.esms[mapping],
        "lambda",
        "EventSourceMappingConfiguration",
        {"KmsKeyArn": "KMSKeyArn"},
    ),
    _Kept("AWS::IAM::Role", ("PermissionsBoundary",), lambda role, _: iam.roles[role], "iam", "CreateRoleRequest"),
    _Kept(
        "AWS::Pipes::Pipe",
        ("Enrichment", "EnrichmentParameters", "KmsKeyIdentifier", "LogConfiguration", "SourceParameters",
         "TargetParameters"),
        lambda pipe, _: pipes.pipes[pipe],
        "pipes",
        "DescribePipeResponse",
    ),
    _Kept(
        "AWS::Events::EventBus",
        ("DeadLetterConfig", "KmsKeyIdentifier", "LogConfig"),
        lambda bus, _: eventbridge.event_buses[bus],
        "events",
        "DescribeEventBusResponse",
    ),
)  # fmt: skip
_WITHOUT_EFFECT = {
    "AWS::Athena::WorkGroup": ("RecursiveDeleteOption",),
    "AWS::CloudFront::Function": ("FunctionMetadata",),
    "AWS::Cognito::IdentityPool": ("CognitoEvents", "CognitoStreams", "PushSync"),
    "AWS::Cognito::UserPool": (
        "EmailAuthenticationMessage", "EmailAuthenticationSubject", "IssuerConfiguration", "KeyConfiguration",
        "WebAuthnFactorConfiguration", "WebAuthnRelyingPartyID", "WebAuthnUserVerification",
    ),
    "AWS::Glue::Connection": ("CatalogId",),
    "AWS::Glue::Database": ("CatalogId",),
    "AWS::Glue::Table": ("CatalogId",),
    "AWS::Backup::BackupVault": ("AccessPolicy", "LockConfiguration", "Notifications"),
    "AWS::Lambda::EventSourceMapping": ("Tags",),
    "AWS::SNS::Subscription": ("Region", "ReplayPolicy"),
    "AWS::Lambda::Version": ("CodeSha256", "ProvisionedConcurrencyConfig", "RuntimePolicy"),
    "AWS::Logs::MetricFilter": ("ApplyOnTransformedLogs", "EmitSystemFieldDimensions", "FieldSelectionCriteria"),
    "AWS::Logs::SubscriptionFilter": ("ApplyOnTransformedLogs", "EmitSystemFields", "FieldSelectionCriteria"),
}  # fmt: skip
"""The properties that ministack's APIs do not have, and that have no effect here."""


def install() -> None:
    """Make the handlers store the properties in `_KEPT`, and accept those in `_WITHOUT_EFFECT` without storing them."""
    for kept in _KEPT:
        complete(kept.type, kept.keep)
    for resource_type, names in _WITHOUT_EFFECT.items():
        complete(resource_type, _reader(names))


def _reader(names: tuple[str, ...]) -> Completion:
    def read(_: str, __: Properties, new: Properties) -> None:
        for name in names:
            new.get(name)

    return read
