"""Keep the templates of a cloud assembly, from which tests/upgrade deploys the environments of this repository.

python -m tools.kept_assembly cdk.out tests/upgrade/kept
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path


def keep(assembly: Path, into: Path) -> None:
    """Copy what a deployment reads: manifests, templates and asset manifests, without the code of assets and traces.

    Args:
        assembly: The folder that `cdk synth` wrote.
        into: The folder to write. Its content is replaced.
    """
    shutil.rmtree(into, ignore_errors=True)
    for file in [assembly / "manifest.json", *sorted(assembly.glob("assembly-*/*.json"))]:
        if file.name.endswith(".metadata.json"):
            continue
        content = json.loads(file.read_text())
        if file.name == "manifest.json":
            content.pop("missing", None)
            artifacts = content["artifacts"]
            content["artifacts"] = {name: each for name, each in artifacts.items() if each["type"] != "cdk:tree"}
            for each in content["artifacts"].values():
                each.pop("metadata", None)
                each.get("properties", {}).pop("additionalMetadataFile", None)
                each.pop("additionalMetadataFile", None)
        kept = into / file.relative_to(assembly)
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(content, sort_keys=True, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    keep(Path(sys.argv[1]), Path(sys.argv[2]))
