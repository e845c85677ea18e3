"""Write the ARN of a new certificate into the local AWS, for each environment that reads it from a parameter.

An environment with a recovery region has a certificate in both regions.
"""

from __future__ import annotations

import sys
from pathlib import Path

from moorage.local.account import Account
from moorage.local.process import Home
from stacks.settings import Description


def main() -> None:
    """Request the certificates in the local AWS that runs, and write their ARNs into the parameters."""
    server = Home(Path(".moorage")).running()
    if server is None:
        sys.exit("the local AWS must run (it does not); run: python -m moorage.local up 'dev/*'")
    for name, settings in Description.read("environments.toml").environments.items():
        parameter = settings.entrance.certificate_parameter
        for here in (settings, settings.in_recovery_region):
            if here and parameter:
                account = Account(server.access, here.account, here.region)
                domain = here.entrance.domain or f"{name}.example.com"
                acm = account.client("acm")
                arn = acm.request_certificate(DomainName=domain, ValidationMethod="DNS")["CertificateArn"]
                account.client("ssm").put_parameter(Name=parameter, Type="String", Value=arn, Overwrite=True)
                print(f"{parameter} = {arn}")  # noqa: T201  # it says what it wrote


if __name__ == "__main__":
    main()
