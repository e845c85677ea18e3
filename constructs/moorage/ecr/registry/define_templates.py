"""The CloudFormation resources of creation templates, and the role with which ECR applies them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import aws_cdk as cdk
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from constructs import Construct

from moorage.ecr.registry.repository_templates import RepositoryTemplate
from moorage.ecr.repository.encryption_keys import encryption_key_for
from moorage.scope.acknowledgements import POLICY_OF_ONE_ROLE, acknowledge

_TEMPLATE_ROLE_ACTIONS = ("ecr:CreateRepository", "ecr:ReplicateImage", "ecr:TagResource")
_TEMPLATE_KEY_ACTIONS = ("kms:CreateGrant", "kms:RetireGrant", "kms:DescribeKey")
"""The actions that ECR needs on the KMS key of repositories it creates (ECR guide, policy for creation templates)."""


def define_templates(
    scope: Construct, templates: Sequence[RepositoryTemplate]
) -> Mapping[str, ecr.CfnRepositoryCreationTemplate]:
    """Define creation templates, with one role for KMS encryption and tags.

    Return a mapping from prefix to template.
    """
    role = _TemplateRole(scope)
    return {template._bare_prefix: _define_template(scope, template, role) for template in templates}


class _TemplateRole:
    """The role that ECR assumes to use KMS keys and to add tags. ECR's service-linked role cannot do so.

    The ECR guide asks for a role if a template "is using repository tags or KMS" (creating an IAM role for creation
    templates), and does not distinguish the AWS managed key from other keys.
    """

    def __init__(self, scope: Construct) -> None:
        self._scope = scope
        self._defined: iam.Role | None = None

    def get(self) -> iam.Role:
        if self._defined is None:
            self._defined = iam.Role(self._scope, "TemplateRole", assumed_by=iam.ServicePrincipal("ecr.amazonaws.com"))
            stack = cdk.Stack.of(self._scope)
            repositories = stack.format_arn(service="ecr", resource="repository", resource_name="*")
            statement = {"Effect": "Allow", "Action": list(_TEMPLATE_ROLE_ACTIONS), "Resource": repositories}
            self._defined.add_to_policy(iam.PolicyStatement.from_json(statement))
            acknowledge(self._defined, *POLICY_OF_ONE_ROLE)
            acknowledge(
                self._defined,
                "iam-wildcard",
                "ECR creates repositories with names that are not known before images are pushed or pulled",
                statements=[statement],
            )
        return self._defined


def _define_template(
    scope: Construct, template: RepositoryTemplate, role: _TemplateRole
) -> ecr.CfnRepositoryCreationTemplate:
    settings = template.settings
    template_scope = Construct(scope, f"Template {template._bare_prefix}")
    key = encryption_key_for(template_scope, settings.encryption, cdk.RemovalPolicy.RETAIN)
    needs_role = settings.encryption._uses_kms or settings.tags
    if key is not None:
        key.grant(role.get(), *_TEMPLATE_KEY_ACTIONS)
    mutability = settings._tag_mutability
    stack = cdk.Stack.of(scope)
    policy = iam.PolicyDocument(statements=list(settings.policy)).to_json() if settings.policy else None
    return ecr.CfnRepositoryCreationTemplate(
        template_scope,
        "Resource",
        prefix=template._bare_prefix,
        applied_for=list(template.applied_for),
        description=template.description,
        image_tag_mutability=mutability.setting,
        image_tag_mutability_exclusion_filters=[
            ecr.CfnRepositoryCreationTemplate.ImageTagMutabilityExclusionFilterProperty(
                image_tag_mutability_exclusion_filter_type="WILDCARD",
                image_tag_mutability_exclusion_filter_value=pattern,
            )
            for pattern in mutability.exclusions
        ]
        or None,
        encryption_configuration=ecr.CfnRepositoryCreationTemplate.EncryptionConfigurationProperty(
            encryption_type=settings.encryption.cipher.value, kms_key=key.key_arn if key else None
        ),
        lifecycle_policy=settings.lifecycle.text,
        repository_policy=policy and stack.to_json_string(policy),
        resource_tags=[cdk.CfnTag(key=name, value=value) for name, value in settings.tags.items()] or None,
        custom_role_arn=role.get().role_arn if needs_role else None,
    )
