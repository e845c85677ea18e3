"""The public repository."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from constructs import Construct

from moorage.delivery.keys import retained_except_on_create
from moorage.ecr import repository_limits
from moorage.ecr.repository.repository_settings import check_repository_policy
from moorage.scope.claimed_names import claim_name
from moorage.workload.door import door
from moorage.workload.problems import Problems

_PUSH_ACTIONS = (
    "ecr-public:BatchCheckLayerAvailability",
    "ecr-public:CompleteLayerUpload",
    "ecr-public:InitiateLayerUpload",
    "ecr-public:PutImage",
    "ecr-public:UploadLayerPart",
)
_LOGIN_ACTIONS = ("ecr-public:GetAuthorizationToken", "sts:GetServiceBearerToken")


@door
class PublicRepository(Construct):
    """A repository of Amazon ECR Public with its page in the gallery. Anyone can pull; to push, use `grant_push`."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str | None = None,
        description: str | None = None,
        about: str | None = None,
        usage: str | None = None,
        logo: str | Path | None = None,
        architectures: Sequence[str] = (),
        operating_systems: Sequence[str] = (),
        removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.RETAIN,
    ) -> None:
        """Define a repository of Amazon ECR Public with its page in the gallery. Anyone can pull.

        By default, the repository is retained.

        Args:
            scope: The scope in which to define this construct. Its stack must be in us-east-1, the region of Amazon ECR
                Public.
            construct_id: The ID of the construct in its scope.
            name: The name after the alias of the account, 2 to 205 characters. Default: CloudFormation chooses a name.
            description: The short description in the search results and on the page, at most 1,024 characters.
                Default: none.
            about: The description of the images in Markdown, at most 10,240 characters. Default: none.
            usage: The instructions for use in Markdown, at most 10,240 characters. Default: none.
            logo: The path of a picture of at most 512,000 bytes. CloudFormation cannot set a logo, so an output has the
                command that sets it. ECR shows logos of verified accounts. Default: none.
            architectures: The architectures of the images, as the gallery names them: `x86-64`, `ARM 64`.
                Default: none.
            operating_systems: The operating systems of the images, as the gallery names them: `Linux`, `Windows`.
                Default: none.
            removal_policy: The removal policy. With `RETAIN`, the repository is still deleted if its first deployment
                fails. Default: `RETAIN`.

        Raises:
            ValueError: If the stack is in another region, or ECR would not accept an argument.
        """
        problems = Problems(lambda: f"{scope.node.path}/{construct_id}")
        problems.check(repository_limits.PUBLIC_REGION, "the region of the stack", cdk.Stack.of(scope).region)
        problems.check(repository_limits.PUBLIC_NAME, "name", name)
        problems.check(repository_limits.PUBLIC_DESCRIPTION, "description", description)
        for argument, text in {"about": about, "usage": usage}.items():
            problems.check(repository_limits.PUBLIC_TEXT, argument, text)
        _check_platforms("architectures", architectures, problems)
        _check_platforms("operating_systems", operating_systems, problems)
        _check_logo(logo, problems)
        problems.raise_any()

        super().__init__(scope, construct_id)
        self._policy = iam.PolicyDocument()
        self.resource = ecr.CfnPublicRepository(
            self,
            "Resource",
            repository_name=name,
            repository_policy_text=self._policy,
            repository_catalog_data={
                key: value
                for key, value in {
                    "RepositoryDescription": description,
                    "AboutText": about,
                    "UsageText": usage,
                    "Architectures": list(architectures),
                    "OperatingSystems": list(operating_systems),
                }.items()
                if value
            }
            or None,
        )
        self.resource.apply_removal_policy(retained_except_on_create(removal_policy))
        self.repository_arn = self.resource.attr_arn
        self.repository_name = self.resource.ref
        if name is not None:
            claim_name(self, "AWS::ECR::PublicRepository", name)
        if logo is not None:
            self._output_logo_command(Path(logo))

    def grant_push(self, grantee: iam.IGrantable) -> iam.Grant:
        """Grant permission to push images.

        If the principal has no identity policy, as in the case of an account, a statement is added to the repository
        policy.

        Args:
            grantee: The principal that receives the permission.
        """
        iam.Grant.add_to_principal(grantee=grantee, actions=list(_LOGIN_ACTIONS), resource_arns=["*"])
        grant = iam.Grant.add_to_principal(
            grantee=grantee, actions=list(_PUSH_ACTIONS), resource_arns=[self.repository_arn]
        )
        if not grant.success:
            self.add_to_resource_policy(
                iam.PolicyStatement(principals=[grantee.grant_principal], actions=list(_PUSH_ACTIONS))
            )
        return grant

    def add_to_resource_policy(self, statement: iam.PolicyStatement) -> None:
        """Add a statement to the repository policy.

        Args:
            statement: The statement to add.

        Raises:
            ValueError: If the statement has no principal, or has a resource.
        """
        problems = Problems(lambda: self.node.path)
        check_repository_policy(problems, "statement", [statement])
        problems.raise_any()
        self._policy.add_statements(statement)

    def _output_logo_command(self, logo: Path) -> None:
        """Define an output with the command that sets the logo."""
        options = f"-repository-catalog-data --region us-east-1 --repository-name {self.repository_name}"
        logo_filter = "jq --rawfile logo logo.b64 'del(.logoUrl, .marketplaceCertified) + {logoImageBlob: $logo}'"
        cdk.CfnOutput(
            self,
            "Logo",
            description="Sets the logo, which CloudFormation cannot; ECR shows it for verified accounts",
            value=f"base64 < {logo.name} | tr -d '\\n' > logo.b64 && aws ecr-public get{options} --query catalogData "
            f"| {logo_filter} > catalog.json && aws ecr-public put{options} --catalog-data file://catalog.json",
        )


def _check_platforms(argument: str, platforms: Sequence[str], problems: Problems) -> None:
    problems.check(repository_limits.PUBLIC_PLATFORMS, f"the number of {argument}", len(platforms))
    for platform in platforms:
        problems.check(repository_limits.PUBLIC_PLATFORM, f"each item of {argument}", platform)


def _check_logo(logo: str | Path | None, problems: Problems) -> None:
    if logo is None:
        return
    if not Path(logo).is_file():
        problems.add(f"logo must be the path of a file (got {str(logo)!r}); use the path of an image file")
    else:
        problems.check(repository_limits.PUBLIC_LOGO, "logo", Path(logo).stat().st_size)
