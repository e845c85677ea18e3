"""Types that are only recorded in their stack: no API shows them, and they have no effect.

Their properties are checked against CloudFormation's schema.
"""

from __future__ import annotations

import secrets
from typing import Any

import attrs
from ministack.core.responses import AccountRegionScopedDict, get_account_id, get_region, new_uuid

from moorage.local.server.core.resource import Made, Properties, Resource, shortened

_ARN = "arn:aws:{service}:{region}:{account}:"


@attrs.frozen
class _Type:
    """A type that is only recorded.

    Args:
        type: The CloudFormation type.
        identity: The physical ID. Names in braces are properties, `service`, `region`, `account`, `hex` and `uuid`.
        attributes: The attributes for `Fn::GetAtt`, with `id` for the physical ID. Default: none.
        named: The property that gets a generated name if the template has none, and the maximum length of that name.
            Default: None, if no name is generated.
    """

    type: str
    identity: str
    attributes: dict[str, str] = attrs.field(factory=dict)
    named: tuple[str, int] | None = None


_TYPES = (
    _Type("AWS::Amplify::App", "arn:aws:amplify:{region}:{account}:apps/d{hex}",
          {"AppId": "d{hex}", "AppName": "{Name}", "Arn": "{id}", "DefaultDomain": "d{hex}.amplifyapp.com"}),
    _Type("AWS::Amplify::Branch", "arn:aws:amplify:{region}:{account}:apps/{AppId}/branches/{BranchName}",
          {"Arn": "{id}", "BranchName": "{BranchName}"}),
    _Type("AWS::Amplify::Domain", "arn:aws:amplify:{region}:{account}:apps/{AppId}/domains/{DomainName}",
          {"Arn": "{id}", "DomainName": "{DomainName}", "DomainStatus": "AVAILABLE"}),
    _Type("AWS::ApiGateway::ClientCertificate", "{hex}", {"ClientCertificateId": "{id}"}),
    _Type("AWS::ApiGateway::VpcLink", "{hex}", {"VpcLinkId": "{id}"}),
    _Type("AWS::ApiGatewayV2::VpcLink", "{hex}", {"VpcLinkId": "{id}"}),
    _Type("AWS::Bedrock::ApplicationInferenceProfile",
          "arn:aws:bedrock:{region}:{account}:application-inference-profile/{hex}",
          {"InferenceProfileArn": "{id}", "InferenceProfileId": "{hex}", "InferenceProfileIdentifier": "{id}",
           "Status": "ACTIVE", "Type": "APPLICATION"}),
    _Type("AWS::Chatbot::SlackChannelConfiguration", "arn:aws:chatbot::{account}:chat-configuration/slack-channel/"
          "{ConfigurationName}", {"Arn": "{id}"}),
    _Type("AWS::CloudFront::KeyGroup", "{uuid}", {"Id": "{id}"}),
    _Type("AWS::CloudFront::MonitoringSubscription", "{DistributionId}"),
    _Type("AWS::CloudFront::PublicKey", "K{hex}", {"Id": "{id}"}),
    _Type("AWS::CloudFront::RealtimeLogConfig", "arn:aws:cloudfront::{account}:realtime-log-config/{Name}",
          {"Arn": "{id}"}),
    _Type("AWS::CloudWatch::AnomalyDetector", "{uuid}", {"Id": "{id}"}),
    _Type("AWS::CodeBuild::ReportGroup", _ARN + "report-group/{Name}", {"Arn": "{id}"}, ("Name", 128)),
    _Type("AWS::CodeBuild::SourceCredential", _ARN + "token/{ServerType}", {"Arn": "{id}"}),
    _Type(
        "AWS::CodeCommit::Repository",
        "{uuid}",
        {
            "Arn": _ARN + "{RepositoryName}",
            "CloneUrlHttp": "https://git-codecommit.{region}.amazonaws.com/v1/repos/{RepositoryName}",
            "CloneUrlSsh": "ssh://git-codecommit.{region}.amazonaws.com/v1/repos/{RepositoryName}",
            "Name": "{RepositoryName}",
            "RepositoryId": "{id}",
        },
    ),
    _Type("AWS::CodeDeploy::Application", "{ApplicationName}", {}, ("ApplicationName", 100)),
    _Type("AWS::CodeDeploy::DeploymentConfig", "{DeploymentConfigName}", {}, ("DeploymentConfigName", 100)),
    _Type("AWS::CodeDeploy::DeploymentGroup", "{DeploymentGroupName}", {}, ("DeploymentGroupName", 100)),
    _Type("AWS::CodeGuruProfiler::ProfilingGroup", "{ProfilingGroupName}",
          {"Arn": "arn:aws:codeguru-profiler:{region}:{account}:profilingGroup/{ProfilingGroupName}"}),
    _Type("AWS::CodePipeline::CustomActionType", "{Category}:Custom:{Provider}:{Version}", {"Id": "{id}"}),
    _Type("AWS::CodePipeline::Pipeline", "{Name}", {"Arn": _ARN + "{Name}", "Version": "1"}, ("Name", 100)),
    _Type("AWS::CodeStarConnections::Connection", "arn:aws:codestar-connections:{region}:{account}:connection/{uuid}",
          {"ConnectionArn": "{id}", "ConnectionStatus": "PENDING", "OwnerAccountId": "{account}"}),
    _Type("AWS::CodeStarNotifications::NotificationRule",
          "arn:aws:codestar-notifications:{region}:{account}:notificationrule/{hex}", {"Arn": "{id}"}),
    _Type("AWS::CodePipeline::Webhook", _ARN + "webhook:{Name}",
          {"Id": "{id}", "Url": "https://webhooks.domain.example/trigger?t={hex}"}, ("Name", 100)),
    _Type("AWS::Cognito::LogDeliveryConfiguration", "{UserPoolId}", {"Id": "{id}"}),
    _Type("AWS::Cognito::ManagedLoginBranding", "{UserPoolId}|{uuid}", {"ManagedLoginBrandingId": "{uuid}"}),
    _Type("AWS::Cognito::UserPoolRiskConfigurationAttachment", "{UserPoolId}|{ClientId}"),
    _Type("AWS::Cognito::UserPoolUICustomizationAttachment", "{UserPoolId}|{ClientId}"),
    _Type("AWS::EMR::Cluster", "j-{hex}", {"Id": "{id}", "MasterPublicDNS": "ip-10-0-0-1.ec2.internal"}),
    _Type(
        "AWS::Elasticsearch::Domain",
        "{DomainName}",
        {
            "Arn": "arn:aws:es:{region}:{account}:domain/{DomainName}",
            "DomainArn": "arn:aws:es:{region}:{account}:domain/{DomainName}",
            "DomainEndpoint": "search-{DomainName}-{hex}.{region}.es.amazonaws.com",
        },
        ("DomainName", 28),
    ),
    _Type("AWS::GlobalAccelerator::Accelerator", "arn:aws:globalaccelerator::{account}:accelerator/{uuid}",
          {"AcceleratorArn": "{id}", "DnsName": "a{hex}.awsglobalaccelerator.com",
           "DualStackDnsName": "a{hex}.dualstack.awsglobalaccelerator.com"}),
    _Type("AWS::GlobalAccelerator::EndpointGroup", "{ListenerArn}/endpoint-group/{hex}", {"EndpointGroupArn": "{id}"}),
    _Type("AWS::GlobalAccelerator::Listener", "{AcceleratorArn}/listener/{hex}", {"ListenerArn": "{id}"}),
    _Type("AWS::Kendra::DataSource", "{uuid}|{IndexId}",
          {"Arn": "arn:aws:kendra:{region}:{account}:index/{IndexId}/data-source/{uuid}", "Id": "{uuid}"}),
    _Type("AWS::Kendra::Index", "{uuid}", {"Arn": "arn:aws:kendra:{region}:{account}:index/{id}", "Id": "{id}"}),
    _Type("AWS::Lambda::CodeSigningConfig", _ARN + "code-signing-config:csc-{hex}",
          {"CodeSigningConfigArn": "{id}", "CodeSigningConfigId": "csc-{hex}"}),
    _Type("AWS::Logs::QueryDefinition", "{uuid}", {"QueryDefinitionId": "{id}"}),
    _Type("AWS::OSIS::Pipeline", "arn:aws:osis:{region}:{account}:pipeline/{PipelineName}",
          {"PipelineArn": "{id}"}),
    _Type("AWS::ResourceGroups::Group", "{Name}", {"Arn": "arn:aws:resource-groups:{region}:{account}:group/{Name}"}),
    _Type("AWS::SSM::Association", "{uuid}", {"AssociationId": "{id}"}),
    _Type("AWS::SSM::Document", "{Name}", {}, ("Name", 128)),
    _Type("AWS::SageMaker::Endpoint", "arn:aws:sagemaker:{region}:{account}:endpoint/{EndpointName}",
          {"EndpointArn": "{id}", "EndpointName": "{EndpointName}"}, ("EndpointName", 63)),
    _Type("AWS::SageMaker::EndpointConfig",
          "arn:aws:sagemaker:{region}:{account}:endpoint-config/{EndpointConfigName}",
          {"EndpointConfigArn": "{id}", "EndpointConfigName": "{EndpointConfigName}"}, ("EndpointConfigName", 63)),
    _Type("AWS::SageMaker::Model", "arn:aws:sagemaker:{region}:{account}:model/{ModelName}",
          {"ModelArn": "{id}", "ModelName": "{ModelName}"}, ("ModelName", 63)),
    _Type("AWS::WAFv2::LoggingConfiguration", "{ResourceArn}", {"ManagedByFirewallManager": "false"}),
    _Type("AWS::XRay::Group", _ARN + "group/{GroupName}/{hex}", {"GroupARN": "{id}"}),
)  # fmt: skip


class _Recorded(Resource):
    """A resource that is only recorded in its stack."""

    def __init__(self, kind: _Type) -> None:
        self._kind = kind
        self._drawn: Any = AccountRegionScopedDict()

    def create(self, properties: Properties, name: str) -> Made:
        drawn = {"hex": secrets.token_hex(5), "uuid": new_uuid()}
        if self._kind.named:
            property_name, longest = self._kind.named
            drawn[property_name] = shortened(name, longest)
        physical_id = self._kind.identity.format_map(self._known(properties, drawn))
        self._drawn[physical_id] = drawn
        return self.update(physical_id, properties, properties)

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        known = {**self._known(new, self._drawn.get(physical_id) or {}), "id": physical_id}
        return Made(physical_id, {key: value.format_map(known) for key, value in self._kind.attributes.items()})

    def delete(self, physical_id: str, properties: Properties) -> None:
        self._drawn.pop(physical_id, None)

    def _known(self, properties: Properties, drawn: Properties) -> Properties:
        service = self._kind.type.split("::")[1].lower()
        place = {"service": service, "region": get_region(), "account": get_account_id()}
        return {**drawn, **dict(properties), **place}


for _type in _TYPES:
    Resource.known[_type.type] = _Recorded(_type)
