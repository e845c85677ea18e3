"""The findings of policy engines in any CDK app: cfn-lint, the Control Tower Guard rules, checkov, and CDK's plugins.

`pip install moorage[review]` installs cfn-lint and the Guard engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import aws_cdk as cdk

__all__ = ["acknowledge"]


def acknowledge(app: cdk.App) -> None:
    """Acknowledge the policy findings that moorage's constructs accept in their own resources, each with a reason.

    cdk-nag and `moorage policy` then do not report them. Findings in your own resources are still reported. So are
    findings in statements and rules that you add to moorage's resources, for example a wildcard in a statement of a
    task role.

    Call this function once, before or after you define the constructs and the plugins. It does not change templates.

    Args:
        app: The app.

    Raises:
        TypeError: `app` is not a `cdk.App`.
    """
    from moorage.policy.own_acknowledgements import hand_over  # noqa: PLC0415  # loads aws_cdk, which no reader needs

    hand_over(app)
