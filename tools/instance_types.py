"""Update `constructs/moorage/workload/instance_types.json`: the resources of EC2 instance types for containers.

There are two sources, joined by the name of the type:

- moto's copy of EC2's DescribeInstanceTypes (`moto/ec2/resources/instance_types.json.gz`; moto is licensed under
  Apache-2.0). The newest moto is downloaded into a temporary environment, so the project does not depend on it. The
  date of the data is the build date of its wheel.
- `tools/trunking.json`, transcribed by hand from the Amazon ECS developer guide: the number of tasks with their own
  network interface on each type with `awsvpcTrunking`, and the types that do not support it. For types that are newer
  than the guide's table, it has the branch interfaces of aws/amazon-vpc-resource-controller-k8s (Apache-2.0). These are
  the numbers of Amazon EKS. If both are known, they are never higher than those of Amazon ECS, so they are safe. It
  also has a few types that moto lacks, in EC2's format.

Run it as `python -m tools.instance_types`; the diff then shows the changes by AWS.
"""

from __future__ import annotations

import datetime as dt
import gzip
import json
import re
import subprocess
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TRUNKING = ROOT / "tools" / "trunking.json"
TARGET = ROOT / "constructs" / "moorage" / "workload" / "instance_types.json"

ARCHITECTURES = ("x86_64", "arm64")
ACCELERATORS = ("GpuInfo", "FpgaInfo", "InferenceAcceleratorInfo", "MediaAcceleratorInfo", "NeuronInfo")


def main() -> None:
    """Download and join the sources, and write the file."""
    trunking = json.loads(TRUNKING.read_text())
    with tempfile.TemporaryDirectory() as folder:
        release, date, described = read(fetch(Path(folder)))
    described = trunking["absent"]["types"] | described
    kept = {name: type_ for name, type_ in described.items() if architecture(type_) and not name.startswith("mac")}
    text = written(
        {
            "date": date.isoformat(),
            "sources": [
                f"moto {release}, moto/ec2/resources/instance_types.json.gz (Apache-2.0), {date.isoformat()}",
                *(f"{part['source']}, {part['date']}" for part in trunking.values()),
            ],
            "previous": families(kept, lambda type_: not type_["CurrentGeneration"]),
            "xen": families(kept, lambda type_: type_.get("Hypervisor") == "xen"),
            "accelerated": families(kept, lambda type_: any(info in type_ for info in ACCELERATORS)),
        },
        {name: row(kept[name], trunk_tasks(name, trunking)) for name in sorted(kept, key=lambda n: order(n, kept[n]))},
    )
    TARGET.write_text(text)


def fetch(folder: Path) -> Path:
    """Download the newest wheel of moto into a folder, and return its path."""
    environment, wheels = folder / "environment", folder / "wheels"
    subprocess.run(["uv", "venv", "--quiet", "--seed", str(environment)], check=True)
    pip = [str(environment / "bin" / "python"), "-m", "pip", "--quiet", "download", "--only-binary", ":all:"]
    subprocess.run([*pip, "--no-deps", "--dest", str(wheels), "moto"], check=True)
    return next(wheels.glob("*.whl"))


def read(wheel: Path) -> tuple[str, dt.date, dict[str, Any]]:
    """Return the version and the build date of a wheel, and the types by name."""
    data = "moto/ec2/resources/instance_types.json.gz"
    with zipfile.ZipFile(wheel) as archive:
        built = dt.date(*archive.getinfo(data).date_time[:3])
        return wheel.name.split("-")[1], built, json.loads(gzip.decompress(archive.read(data)))


def architecture(described: Mapping[str, Any]) -> str | None:
    """Return the architecture that the containers of a type are built for; None for Mac."""
    supported = described["ProcessorInfo"]["SupportedArchitectures"]
    return next((name for name in ARCHITECTURES if name in supported), None)


def trunk_tasks(name: str, trunking: Mapping[str, Any]) -> int | None:
    """Return the number of tasks on a type with trunking; None if trunking is not supported or the number is unknown.

    The guide lists a few types both as not supported and with a number; not supported is the safe reading.
    """
    documented = trunking["documented"]
    if {name, name.partition(".")[0]} & set(documented["unsupported"]):
        return None
    tasks = documented["types"].get(name, trunking["branch_interfaces"]["types"].get(name, 0))
    return tasks if tasks > 0 else None


def row(described: Mapping[str, Any], trunk: int | None) -> list[Any]:
    """Return a type as [vcpus, memory_mib, architecture, gpus, interfaces, trunk_tasks]; gpus counts NVIDIA GPUs."""
    gpus = described.get("GpuInfo", {"Gpus": []})["Gpus"]
    return [
        described["VCpuInfo"]["DefaultVCpus"],
        described["MemoryInfo"]["SizeInMiB"],
        architecture(described),
        sum(gpu["Count"] for gpu in gpus if gpu["Manufacturer"] == "NVIDIA"),
        described["NetworkInfo"]["MaximumNetworkInterfaces"],
        trunk,
    ]


def families(described: Mapping[str, Any], accepts: Callable[[Any], bool]) -> list[str]:
    return sorted({name.partition(".")[0] for name, type_ in described.items() if accepts(type_)}, key=natural)


def natural(name: str) -> list[tuple[int, str]]:
    """Return a sort key that puts 2xlarge before 12xlarge."""
    return [(int(digits or 0), letters) for digits, letters in re.findall(r"(\d*)(\D+|$)", name)]


def order(name: str, described: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return a sort key for families in natural order, and for the types of each from small to large."""
    size = described["VCpuInfo"]["DefaultVCpus"], described["MemoryInfo"]["SizeInMiB"]
    return natural(name.partition(".")[0]), *size, natural(name)


def written(head: Mapping[str, Any], types: Mapping[str, list[Any]]) -> str:
    """Return JSON with one line for each type, for readable diffs."""
    lines = [f"  {json.dumps(key)}: {json.dumps(value)},\n" for key, value in head.items()]
    rows = ",\n".join(f"    {json.dumps(name)}: {json.dumps(values)}" for name, values in types.items())
    return "{\n" + "".join(lines) + '  "types": {\n' + rows + "\n  }\n}\n"


if __name__ == "__main__":
    main()
