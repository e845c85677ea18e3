"""Push an image of each service into the company's registry of the local AWS, with the tag of the release."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from moorage.local.account import Account
from moorage.local.process import Home
from stacks.images import RELEASE, image_names, own
from stacks.settings import Description


def main() -> None:
    """Push the images. A new tag, given as an argument, gets images of its own."""
    server = Home(Path(".moorage")).running()
    if server is None:
        sys.exit("the local AWS must run (it does not); run: python -m moorage.local up 'tooling/*'")
    tooling = Description.read("environments.toml").tooling
    if tooling is None:
        sys.exit("environments.toml must have the table [tooling] (it does not); add the registry of the company")
    tag = sys.argv[1] if len(sys.argv) > 1 else RELEASE
    ecr = Account(server.access, tooling.account, tooling.region).client("ecr")
    for image in image_names():
        # no container runs in the local AWS, so the manifest needs no layers
        manifest = json.dumps({"schemaVersion": 2, "annotations": {"image": image, "release": tag}})
        pushed = ecr.put_image(repositoryName=own(image), imageManifest=manifest, imageTag=tag)
        print(f"{own(image)}:{tag} = {pushed['image']['imageId']['imageDigest']}")  # noqa: T201  # it says what it wrote


if __name__ == "__main__":
    main()
