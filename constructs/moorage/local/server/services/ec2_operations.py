"""Amazon EC2: resources that one API operation creates and another API operation deletes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from botocore.parsers import create_parser
from botocore.serialize import create_serializer

from moorage.local.server.core.adapter import ec2, provisioners
from moorage.local.server.core.calls import RefusedError, model, request
from moorage.local.server.core.resource import Made, Properties, Resource


def invoke(operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Call an EC2 API operation and return its output, in the format of boto3.

    Args:
        operation: The operation, such as `CreateNetworkAcl`.
        parameters: The operation's input.

    Raises:
        RefusedError: The operation fails; the message contains the API's code and message.
    """
    described = model("ec2").operation_model(operation)
    body = create_serializer("ec2").serialize_to_request(dict(parameters), described)["body"]
    status, headers, content = ec2.ACTION_MAP[operation]({name: [str(value)] for name, value in body.items()})
    answer: dict[str, Any] = create_parser("ec2").parse(
        {"status_code": status, "headers": headers, "body": content}, described.output_shape
    )
    if "Error" in answer:
        raise RefusedError(f"{answer['Error']['Code']}: {answer['Error']['Message']}")
    return answer


class Operated(Resource):
    """A resource that one operation creates from the properties, and another operation deletes.

    An update changes only the tags, unless a subclass changes more.
    """

    made_by: ClassVar[str]
    removed_by: ClassVar[str]
    record: ClassVar[str]
    """The member of the output that describes the resource."""
    identifier: ClassVar[str]
    """The member of the description that identifies the resource, and the parameter of `removed_by`."""
    renamed: ClassVar[Mapping[str, str]] = {}
    attributes: ClassVar[tuple[str, ...]] = ()
    """The members of the description that `Fn::GetAtt` returns besides the identifier."""

    def create(self, properties: Properties, name: str) -> Made:
        made = invoke(self.made_by, self._stated(properties)).get(self.record, {})
        provisioners.ec2_apply_tags(made[self.identifier], properties)
        return self._made(made)

    def update(self, physical_id: str, old: Properties, new: Properties) -> Made:
        self._stated(new)
        provisioners.ec2_apply_tags(physical_id, new, old)
        return Made(physical_id, {self.identifier: physical_id})

    def delete(self, physical_id: str, properties: Properties) -> None:
        try:
            invoke(self.removed_by, {self.identifier: physical_id})
        except RefusedError as error:
            if ".NotFound" not in str(error):
                raise
        ec2.tags.pop(physical_id, None)

    def _stated(self, properties: Properties) -> dict[str, Any]:
        kept = {name: properties[name] for name in properties if name != "Tags"}
        return request("ec2", self.made_by, kept, renamed=self.renamed)

    def _made(self, record: Mapping[str, Any]) -> Made:
        names = (self.identifier, *self.attributes)
        found = {name: record[name] for name in names if name in record}
        return Made(record[self.identifier], {"Id": record[self.identifier], **found})
