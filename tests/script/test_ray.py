"""A batch on a Ray cluster of two nodes on loopback."""

import os
import re
import signal
import sys

import pytest
from conftest import ROOT, wait_for
from test_batch import SHORT, experiments, write

ray = pytest.importorskip("ray", reason="ray is not installed: pip install -r script/requirements-ray.txt")
sys.path.insert(0, str(ROOT / "script"))


@pytest.fixture
def cluster():
    """A head that can train nothing, and two nodes with room for one training each."""
    from ray.cluster_utils import Cluster

    started = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    nodes = [started.add_node(num_cpus=2) for _ in range(2)]
    started.wait_for_nodes()
    yield started, nodes
    started.shutdown()


@pytest.mark.slow
def test_a_batch_outlives_the_loss_of_a_node_and_stops_and_goes_on(commands, cluster):
    started, nodes = cluster
    endless = SHORT | {"max_global_steps": 10**9, "checkpoint_interval": 400}
    write(commands.folder, {f"toTrain/{name}.json": endless for name in ("a", "b", "c")})
    asked = ["script/batchTrain.py", "--ray", started.address]
    batch = commands.start(*asked)
    runs = lambda: [path.parent.parent.name for path in commands.folder.glob("logs/*/*/checkpoints/400")]  # noqa: E731
    wait_for(lambda: len(runs()) >= 2, 180)
    started.remove_node(nodes[0], allow_graceful=False)
    (folder,) = experiments(commands)
    before = {path.parent: newest(path) for path in folder.glob("*/checkpoints")}
    wait_for(lambda: any(newest(run / "checkpoints") > step + 1000 for run, step in before.items()), 180)
    started.add_node(num_cpus=2)
    wait_for(lambda: sum(newest(run / "checkpoints") > step + 1000 for run, step in before.items()) >= 2, 180)
    os.killpg(batch.pid, signal.SIGINT)
    out, err = batch.communicate(timeout=180)
    assert batch.returncode == 0, err
    assert len(re.findall(r"^[abc] +[\d,]+ .* stopped$", out, re.M)) == 2, out
    assert re.search(r"^[abc] +0 .* not started$", out, re.M), out
    for run in folder.iterdir():
        args = run / "args.json"
        if args.exists():
            last = newest(run / "checkpoints") + 100
            args.write_text(args.read_text().replace("1000000000", str(last)))
    resumed = commands.run(*asked, seconds=240)
    assert len(re.findall(r"^[abc] +[\d,]+ .* finished$", resumed.stdout, re.M)) == 3, resumed.stdout
    assert experiments(commands) == [folder]


def newest(checkpoints) -> int:
    return max((int(path.name) for path in checkpoints.glob("[0-9]*")), default=0)


def test_a_cluster_that_is_not_there_is_one_line(commands):
    write(commands.folder, {"toTrain/a.json": SHORT})
    refused = commands.run("script/batchTrain.py", "--ray", "127.0.0.1:1", code=2)
    assert "--ray 127.0.0.1:1: no cluster there" in refused.stderr.splitlines()[-1]
