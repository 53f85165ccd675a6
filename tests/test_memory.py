"""Available memory and limits of control groups, with folders as in Linux."""

import psutil
import pytest

from vocalseg import memory

MIB = 2**20
UNLIMITED_V1 = 9223372036854771712


def system(root, membership, groups):
    """Bytes left if this process has these groups: {folder: (limit, used, stat), ...}."""
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(membership)
    for folder, (limit, used, stat) in groups.items():
        group = root / "sys/fs/cgroup" / folder
        group.mkdir(parents=True, exist_ok=True)
        v1 = folder.split("/")[0] == "memory"
        limit_file, used_file = memory.CGROUP_FILES[1 if v1 else 2]
        (group / limit_file).write_text(f"{limit}\n")
        (group / used_file).write_text(f"{used}\n")
        (group / "memory.stat").write_text("".join(f"{k} {v}\n" for k, v in stat.items()))
    return memory.cgroup_bytes_left(root)


def test_there_is_no_limit_without_control_groups(tmp_path):
    assert memory.cgroup_bytes_left(tmp_path) == []


def test_container_with_version_2(tmp_path):
    group = {"": (1000 * MIB, 400 * MIB, {"anon": 5, "active_file": 30, "inactive_file": 70})}
    assert system(tmp_path, "0::/\n", group) == [600 * MIB + 100]


def test_limits_of_parent_groups_apply_and_max_is_no_limit(tmp_path):
    groups = {
        "user.slice": (900 * MIB, 800 * MIB, {}),
        "user.slice/job": (500 * MIB, 100 * MIB, {}),
        "user.slice/job/step": ("max", 50 * MIB, {}),
        "user.slice/other": (1, 1, {}),
    }
    assert sorted(system(tmp_path, "0::/user.slice/job/step\n", groups)) == [100 * MIB, 400 * MIB]


def test_version_1_has_other_folders_and_file_names(tmp_path):
    stat = {"active_file": 1, "total_active_file": 30, "total_inactive_file": 70}
    groups = {
        "memory": (UNLIMITED_V1, 10**12, {}),
        "memory/docker/abc": (1000 * MIB, 400 * MIB, stat),
    }
    left = system(tmp_path, "5:cpu,cpuacct:/x\n4:memory:/docker/abc\n0::/\n", groups)
    assert min(left) == 600 * MIB + 100


def test_group_visible_to_the_host_only_is_read_from_the_top_folder(tmp_path):
    groups = {"memory": (700 * MIB, 200 * MIB, {})}
    assert system(tmp_path, "4:memory:/docker/abc\n", groups) == [500 * MIB]


@pytest.mark.parametrize(("left", "expected"), [([], 900), ([2000, 500], 500), ([-5], 0)])
def test_available_memory_is_the_smallest_limit(monkeypatch, left, expected):
    available = type("Memory", (), {"available": 900})
    monkeypatch.setattr(psutil, "virtual_memory", available)
    monkeypatch.setattr(memory, "cgroup_bytes_left", lambda root: left)
    assert memory.available_bytes() == expected


def test_this_machine_has_some_free_memory():
    assert 0 < memory.available_bytes() <= psutil.virtual_memory().total
