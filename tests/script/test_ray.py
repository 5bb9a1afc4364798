"""Tests of batchTrain.py on a Ray cluster on this machine."""

import os
import re
import signal

import pytest

from tests.helpers.commands import TIMEOUT_S, wait_for
from tests.helpers.runs import newest_step
from tests.script.test_batch import SHORT, experiments, write

ray = pytest.importorskip("ray", reason="ray is not installed: pip install -r script/requirements-ray.txt")


@pytest.fixture
def cluster():
    """A cluster and its two nodes, which can run one training each; its head node runs none."""
    from ray.cluster_utils import Cluster

    head = {"num_cpus": 0, "include_dashboard": False}
    started = Cluster(initialize_head=True, head_node_args=head)
    nodes = [started.add_node(num_cpus=2) for _ in range(2)]
    started.wait_for_nodes()
    yield started, nodes
    started.shutdown()


@pytest.mark.slow
def test_trainings_survive_the_loss_of_a_node_and_resume_after_ctrl_c(commands, cluster):
    """Two trainings run and a third waits. One node is lost; two new nodes then run all trainings."""
    started, nodes = cluster
    endless = SHORT | {"max_global_steps": 10**9, "checkpoint_interval": 400}
    write(commands.folder, {f"toTrain/{name}.json": endless for name in ("a", "b", "c")})
    command = ["script/batchTrain.py", "--ray", started.address]
    batch = commands.start(*command)
    wait_for(lambda: [newest_step(run) >= 400 for run in commands.folder.glob("logs/*/*")].count(True) == 2)
    (folder,) = experiments(commands)
    runs = [folder / name for name in "abc"]
    started.remove_node(nodes[0], allow_graceful=False)
    for _ in range(2):
        started.add_node(num_cpus=2)
    before = {run: newest_step(run) for run in runs}
    wait_for(lambda: all(newest_step(run) > before[run] + 400 for run in runs))
    os.killpg(batch.pid, signal.SIGINT)
    out, err = batch.communicate(timeout=TIMEOUT_S)
    assert batch.returncode == 0, err
    assert len(re.findall(r"^toTrain/[abc] +[\d,]+ .* stopped$", out, re.M)) == 3, out
    for run in runs:
        args = run / "args.json"
        args.write_text(args.read_text().replace("1000000000", str(newest_step(run) + 100)))
    resumed = commands.run_alone(*command)
    assert len(re.findall(r"^toTrain/[abc] +[\d,]+ .* finished$", resumed.stdout, re.M)) == 3, resumed.stdout
    assert experiments(commands) == [folder]


@pytest.mark.slow
def test_a_missing_cluster_gives_a_one_line_error(commands):
    write(commands.folder, {"toTrain/a.json": SHORT})
    refused = commands.run_alone("script/batchTrain.py", "--ray", "127.0.0.1:1", code=2)
    assert "--ray 127.0.0.1:1: no cluster there" in refused.stderr.splitlines()[-1]
