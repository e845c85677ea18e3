"""The data of EC2 instance types, and the types that meet requirements."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage import Architecture
from moorage.workload import ec2_instances
from moorage.workload.ec2_instances import (
    InstanceRequirements,
    InstanceType,
    instance_type,
    instance_types,
    nearest_names,
)
from tools.instance_types import TARGET, TRUNKING, families, row, trunk_tasks, written

ROOT = Path(__file__).resolve().parents[2]
NAMES = [type_.name for type_ in instance_types()]


def known(name: str) -> InstanceType:
    found = instance_type(name)
    assert found, name
    return found


def test_a_type_has_the_numbers_of_ec2() -> None:
    assert known("m7g.large") == InstanceType("m7g.large", 2, 8192, Architecture.ARM64, 0, 3, 10)
    assert known("g6e.48xlarge") == InstanceType(
        "g6e.48xlarge", 192, 1572864, Architecture.X86_64, 8, 40, 82, accelerated=True
    )
    assert known("m5.large").previous
    assert known("g4ad.xlarge") == InstanceType(
        "g4ad.xlarge", 4, 16384, Architecture.X86_64, 0, 2, 12, accelerated=True
    )
    assert known("p3.8xlarge").gpus == 4


def test_types_are_built_on_nitro_or_on_xen() -> None:
    assert [name for name in ("m4.large", "t2.micro", "i3.large", "p3.2xlarge") if known(name).nitro] == []
    assert all(known(name).nitro for name in ("m5.large", "t3.micro", "i3en.large", "m7g.large", "g4ad.xlarge"))


def test_a_bare_metal_type_of_a_xen_family_is_built_on_nitro(monkeypatch: pytest.MonkeyPatch) -> None:
    types = {"i3.metal": [72, 524288, "x86_64", 0, 15, None], "i3.large": [2, 15616, "x86_64", 0, 3, None]}
    data: Any = {"types": types, "previous": [], "accelerated": [], "xen": ["i3"]}
    monkeypatch.setattr(ec2_instances, "_load_data", lambda: data)
    assert [each and each.nitro for each in map(instance_type.__wrapped__, types)] == [True, False]


def test_the_interfaces_of_all_network_cards_count() -> None:
    assert known("p4d.24xlarge").interfaces == 60


@pytest.mark.parametrize(
    ("name", "tasks"),
    [
        ("c5.large", 10),
        ("m5.xlarge", 20),
        ("m5.2xlarge", 40),
        ("m5.4xlarge", 60),
        ("m5.16xlarge", 120),
        ("c6gd.4xlarge", 60),
        ("m6i.8xlarge", 90),
        ("inf2.xlarge", 20),
        ("inf2.48xlarge", 120),
        ("trn1n.32xlarge", 242),
    ],
)
def test_trunking_is_as_the_ecs_guide_documents_it(name: str, tasks: int) -> None:
    assert known(name).trunk_tasks == tasks


@pytest.mark.parametrize(
    ("name", "tasks"),
    [("m7i.large", 9), ("m8g.2xlarge", 38), ("c7i-flex.large", 3), ("m8a.xlarge", 18), ("c8id.large", 9)],
)
def test_types_missing_in_the_guide_have_the_lower_bound_of_eks(name: str, tasks: int) -> None:
    assert known(name).trunk_tasks == tasks


@pytest.mark.parametrize(
    "name", ["t2.micro", "t3.large", "t3a.large", "t4g.large", "c5n.large", "m5n.large", "m4.large"]
)
def test_types_without_trunking_have_no_trunk_tasks(name: str) -> None:
    assert known(name).trunk_tasks is None


def test_trunking_never_reduces_the_number_of_tasks() -> None:
    assert not [each for each in instance_types() if each.trunk_tasks and each.trunk_tasks < each.interfaces - 1]


def test_burstable_and_bare_metal_types_follow_from_their_names() -> None:
    assert {type_.family for type_ in instance_types() if type_.burstable} >= {"t2", "t3", "t3a", "t4g"}
    assert not known("trn1.2xlarge").burstable
    assert known("m7i.metal-24xl").bare_metal
    assert not known("m7i.24xlarge").bare_metal


def test_every_type_has_resources() -> None:
    for type_ in instance_types():
        assert type_.vcpus >= 1
        assert type_.memory_mib >= 512
        assert type_.interfaces >= 2
        assert type_.accelerated or not type_.gpus


def test_mac_types_are_left_out() -> None:
    assert not [name for name in NAMES if name.startswith("mac")]


def test_an_unknown_name_has_no_type_but_similar_names() -> None:
    assert instance_type("m7g.larg") is None
    assert nearest_names("m7g.larg")[0] == "m7g.large"
    assert nearest_names("M7G.LARGE")[0] == "m7g.large"
    assert len(nearest_names("m7g.larg")) == 3
    assert nearest_names("the moon") == ()


@given(st.sampled_from(NAMES), st.data())
def test_a_name_without_one_letter_has_similar_names(name: str, data: st.DataObject) -> None:
    missing = data.draw(st.integers(0, len(name) - 1))
    offered = nearest_names(name[:missing] + name[missing + 1 :])
    assert offered
    assert set(offered) <= set(NAMES)


def test_the_date_of_the_data_is_available() -> None:
    assert dt.date.fromisoformat(ec2_instances.DATE) > dt.date(2026, 1, 1)
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = ec2_instances.Nothing  # type: ignore[attr-defined]  # wrong on purpose


def test_the_data_is_loaded_on_first_use_without_cdk() -> None:
    code = (
        "import sys; from moorage.workload import ec2_instances, fit; "
        "print('aws_cdk' in sys.modules, ec2_instances._load_data.cache_info().currsize)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "0"]


def test_requirements_match_types_within_both_bounds() -> None:
    names = [type_.name for type_ in InstanceRequirements(vcpus=(2, 4), memory_mib=(8192, 16384))._matching_types()]
    assert {"m7i.large", "m7i.xlarge", "c7i.xlarge", "r7i.large"} <= set(names)
    assert not {"m7g.large", "c7i.large", "m7i.2xlarge", "t3.large", "g6.xlarge"} & set(names)


def test_requirements_include_burstable_types_and_gpus_on_request() -> None:
    burstable = InstanceRequirements(vcpus=[2, 2], memory_mib=(8192, 8192), burstable=True)  # type: ignore[arg-type]  # a list instead of a tuple
    assert known("t3.large") in burstable._matching_types()
    gpus = InstanceRequirements(vcpus=(0, None), memory_mib=(0, None), gpus=4)._matching_types()
    assert known("g6.12xlarge") in gpus
    assert all(type_.gpus >= 4 for type_ in gpus)


@given(
    least=st.integers(0, 256),
    more=st.integers(0, 256) | st.none(),
    architecture=st.sampled_from(Architecture),
    gpus=st.integers(0, 8),
    burstable=st.booleans(),
)
def test_requirements_never_match_types_outside_their_bounds(
    *, least: int, more: int | None, architecture: Architecture, gpus: int, burstable: bool
) -> None:
    most = None if more is None else least + more
    asked = InstanceRequirements(
        vcpus=(least, most), memory_mib=(0, None), architecture=architecture, gpus=gpus, burstable=burstable
    )
    for type_ in asked._matching_types():
        assert least <= type_.vcpus <= (most or type_.vcpus)
        assert type_.architecture is architecture
        assert type_.gpus >= gpus
        assert burstable or not type_.burstable
        assert not type_.bare_metal


def test_requirements_report_all_problems_together() -> None:
    with pytest.raises(ValueError, match="InstanceRequirements: 3 problems") as raised:
        InstanceRequirements(vcpus=(8, 2), memory_mib=(-1, None), gpus=-1)
    assert str(raised.value).splitlines()[1] == (
        "  - vcpus must be a pair of a minimum, 0 or more, and a maximum that is not lower (got (8, 2)); "
        "use a pair such as (2, 8), with 0 for no minimum or None for no maximum"
    )


@pytest.mark.parametrize("bounds", [4, (4,), (1, 2, 3), ("1", 2)])
def test_a_range_is_a_pair(bounds: Any) -> None:
    with pytest.raises(TypeError, match=r"vcpus must be of type tuple\[int, int | None\] \(got .*\); use a tuple"):
        InstanceRequirements(vcpus=bounds, memory_mib=(0, None))


def test_the_data_names_its_sources_and_is_as_the_tool_writes_it() -> None:
    text = TARGET.read_text()
    data = json.loads(text)
    assert len(data["sources"]) == 4
    assert written({key: data[key] for key in data if key != "types"}, data["types"]) == text


def test_the_data_agrees_with_the_transcribed_trunking() -> None:
    trunking = json.loads(TRUNKING.read_text())
    for type_ in instance_types():
        assert type_.trunk_tasks == trunk_tasks(type_.name, trunking), type_.name


def test_types_that_the_guide_lists_as_unsupported_have_no_trunking() -> None:
    trunking: Any = {
        "documented": {"unsupported": ["a", "b.large"], "types": {"a.large": 10, "b.xlarge": 20, "c.large": -2}},
        "branch_interfaces": {"types": {"b.large": 9, "d.large": 9}},
    }
    names = ["a.large", "b.large", "b.xlarge", "c.large", "d.large", "e.large"]
    assert [trunk_tasks(name, trunking) for name in names] == [None, None, 20, None, 9, None]


def test_only_complete_nvidia_gpus_count() -> None:
    described: Any = {
        "VCpuInfo": {"DefaultVCpus": 4},
        "MemoryInfo": {"SizeInMiB": 16384},
        "ProcessorInfo": {"SupportedArchitectures": ["i386", "x86_64"]},
        "NetworkInfo": {"MaximumNetworkInterfaces": 4},
        "GpuInfo": {"Gpus": [{"Count": 2, "Manufacturer": "NVIDIA"}, {"Count": 1, "Manufacturer": "AMD"}]},
    }
    assert row(described, None) == [4, 16384, "x86_64", 2, 4, None]
    assert families({"g4ad.xlarge": described}, lambda type_: "GpuInfo" in type_) == ["g4ad"]


@pytest.mark.slow
def test_the_wheel_contains_the_data(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    assert "moorage/workload/instance_types.json" in zipfile.ZipFile(wheel).namelist()
