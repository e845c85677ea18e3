"""The codes of regions that moorage knows are those of botocore."""

from __future__ import annotations

import botocore.session

from moorage.prices.regions import REGION, region_doubt

PARTITIONS = ("aws", "aws-cn", "aws-us-gov", "aws-eusc")  # the others are not on the internet


def test_no_region_of_aws_is_unknown_and_each_has_the_form_of_a_code() -> None:
    session = botocore.session.get_session()
    regions = [each for partition in PARTITIONS for each in session.get_available_regions("ec2", partition)]
    assert len(regions) > 30
    for region in regions:
        assert REGION.fullmatch(region)
        assert "knows no region" not in (region_doubt(region) or ""), region
