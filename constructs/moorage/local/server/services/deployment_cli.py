"""The commands of the AWS CLI that CDK's bucket deployment uses: `s3 cp`, `s3 sync` and `s3 rm`.

On AWS, a layer contains the CLI at `/opt/awscli/aws`. Here the function runs this file by its path, with only Lambda's
environment variables, so the file imports nothing from this package.
"""

from __future__ import annotations

import argparse
import fnmatch
import mimetypes
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session

_HEADERS = {
    "acl": "ACL",
    "cache_control": "CacheControl",
    "content_disposition": "ContentDisposition",
    "content_encoding": "ContentEncoding",
    "content_language": "ContentLanguage",
    "content_type": "ContentType",
    "expires": "Expires",
    "sse": "ServerSideEncryption",
    "sse_kms_key_id": "SSEKMSKeyId",
    "storage_class": "StorageClass",
    "website_redirect": "WebsiteRedirectLocation",
}


def main() -> None:
    """Run the command in the arguments; commands that configure the CLI itself have no effect here."""
    if sys.argv[1:2] != ["s3"]:
        return
    given = _arguments()
    client = botocore.session.get_session().create_client("s3")
    source, *rest = given.paths
    if given.action == "rm":
        bucket, prefix = _place(source)
        for key in _keys(client, bucket, prefix):
            client.delete_object(Bucket=bucket, Key=key)
    elif source.startswith("s3://"):
        bucket, _, key = source.removeprefix("s3://").partition("/")
        target = Path(rest[0])
        target = target / Path(key).name if target.is_dir() else target
        target.write_bytes(client.get_object(Bucket=bucket, Key=key)["Body"].read())
    else:
        _put(client, Path(source), rest[0], given)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="aws", allow_abbrev=False)
    parser.add_argument("service")
    parser.add_argument("action", choices=("cp", "rm", "sync"))
    parser.add_argument("paths", nargs="+")
    for flag in ("delete", "recursive"):
        parser.add_argument(f"--{flag}", action="store_true")
    parser.add_argument("--exclude", dest="filters", action="append", type=lambda pattern: (False, pattern), default=[])
    parser.add_argument("--include", dest="filters", action="append", type=lambda pattern: (True, pattern))
    parser.add_argument("--metadata", default="")
    parser.add_argument("--metadata-directive")
    for header in _HEADERS:
        parser.add_argument(f"--{header.replace('_', '-')}")
    return parser.parse_intermixed_args()


def _put(client: Any, folder: Path, target: str, given: argparse.Namespace) -> None:
    bucket, prefix = _place(target)
    files = {f"{prefix}{path.relative_to(folder).as_posix()}": path for path in folder.rglob("*") if path.is_file()}
    stated = {name: getattr(given, header) for header, name in _HEADERS.items() if getattr(given, header)}
    if given.metadata:
        stated["Metadata"] = dict(pair.split("=", 1) for pair in given.metadata.split(","))
    for key, path in files.items():
        if _chosen(key.removeprefix(prefix), given.filters):
            kind = mimetypes.guess_type(path.name)[0]
            headers = {**({"ContentType": kind} if kind else {}), **stated}
            client.put_object(Bucket=bucket, Key=key, Body=path.read_bytes(), **headers)
    for key in _keys(client, bucket, prefix) if given.delete else ():
        if key not in files and _chosen(key.removeprefix(prefix), given.filters):
            client.delete_object(Bucket=bucket, Key=key)


def _chosen(name: str, filters: list[tuple[bool, str]]) -> bool:
    """Return whether the filters include a file; the last matching filter decides."""
    chosen = [included for included, pattern in filters if fnmatch.fnmatch(name, pattern)]
    return not chosen or chosen[-1]


def _place(address: str) -> tuple[str, str]:
    """Return the bucket of an `s3://` address, and its folder with a slash at the end."""
    bucket, _, folder = address.removeprefix("s3://").partition("/")
    return bucket, folder if not folder or folder.endswith("/") else f"{folder}/"


def _keys(client: Any, bucket: str, prefix: str) -> Iterator[str]:
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        yield from (each["Key"] for each in page.get("Contents", ()))


if __name__ == "__main__":
    main()
