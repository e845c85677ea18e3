"""The check of versions tells which templates have other logical ids."""

from __future__ import annotations

import json
from pathlib import Path

from tools.compat import differences, logical_ids, lowest


def test_logical_ids_are_those_of_every_template(tmp_path: Path) -> None:
    (tmp_path / "assembly-Stage").mkdir()
    topic = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "orders"}}}}
    (tmp_path / "Shop.template.json").write_text(json.dumps(topic))
    (tmp_path / "assembly-Stage" / "Empty.template.json").write_text("{}")
    assert logical_ids(tmp_path) == {"Shop.template.json": {"Topic": "AWS::SNS::Topic"}, "Empty.template.json": {}}


def test_a_changed_an_added_and_a_removed_id_are_differences() -> None:
    first = {"a": {"Topic": "AWS::SNS::Topic"}, "b": {}, "c": {}}
    assert differences(first, first) == []
    assert differences(first, {"a": {"Topic": "AWS::SQS::Queue"}, "b": {"Queue": "AWS::SQS::Queue"}}) == ["a", "b", "c"]


def test_the_lowest_versions_are_pins_of_each_dependency() -> None:
    assert [pin.partition("==")[0] for pin in lowest()] == ["aws-cdk-lib", "constructs", "attrs"]
    assert not [pin for pin in lowest() if "<" in pin or ">" in pin]
