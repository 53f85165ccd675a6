"""A real SLURM cluster of several nodes on one host, for tests, without systemd.

    python -m tests.slurm.cluster FOLDER [--nodes 2] [--cpus 1]

starts a cluster, prints the setting that selects it, and stops it at Ctrl-C. Each node is a
separate `slurmd`. Any user can start a cluster; its jobs run as the same user.
"""

import argparse
import getpass
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import psutil

COMMANDS = ("setpriv", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol", "scancel", "sinfo")
TIMEOUT = 30.0  # in seconds, until a node has the expected state

CONFIGURATION = """
ClusterName=vocalseg
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/none
CredType=cred/none
SlurmctldPort={port}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
ReturnToService=2
SlurmdTimeout=10
KillWait=5
UnkillableStepTimeout=10
MaxArraySize=2001
SchedulerParameters=sched_min_interval=100000,sched_interval=1,bf_interval=2,batch_sched_delay=0
{nodes}
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def missing_commands() -> list[str]:
    """SLURM commands that are not installed."""
    return [name for name in COMMANDS if shutil.which(name, path=_path()) is None]


class Cluster:
    """A controller and its nodes; the context manager starts and stops their daemons."""

    def __init__(self, folder: Path, nodes: int = 2, cpus: int = 1):
        self.folder = folder
        self.nodes = [f"node{number}" for number in range(1, nodes + 1)]
        self.processes: dict[str, subprocess.Popen] = {}
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "state").mkdir(exist_ok=True)
        self.configuration = folder / "slurm.conf"
        self.configuration.write_text(self._configuration(cpus))
        self.env = {"SLURM_CONF": str(self.configuration), "PATH": _path()}

    def _configuration(self, cpus: int) -> str:
        host = socket.gethostname().partition(".")[0]
        ports = _free_ports(len(self.nodes) + 1)
        nodes = "\n".join(
            f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs={cpus} "
            "State=UNKNOWN"
            for name, port in zip(self.nodes, ports[1:], strict=True)
        )
        return CONFIGURATION.format(
            host=host, user=getpass.getuser(), port=ports[0], folder=self.folder, nodes=nodes
        )

    def __enter__(self) -> "Cluster":
        self._start("controller", "slurmctld", "-D", "-i")
        for name in self.nodes:
            self.start(name)
        try:
            for name in self.nodes:
                self.wait_for(name, "idle")
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_) -> None:
        self.stop()

    def start(self, node: str) -> None:
        """Start the daemon of a node."""
        (self.folder / f"spool-{node}").mkdir(exist_ok=True)
        self._start(node, "slurmd", "-D", "-N", node)

    def _start(self, name: str, *command: str) -> None:
        log = (self.folder / f"{name}.out").open("a")
        self.processes[name] = subprocess.Popen(
            # The daemons end with this process, even if it is killed.
            ["setpriv", "--pdeathsig", "TERM", *command, "-f", str(self.configuration)],
            env={**os.environ, **self.env},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def crash(self, node: str) -> None:
        """Kill the daemon of a node and all processes on it, as a power failure does."""
        daemon = self.processes.pop(node)
        parents = [*self.steps(node), psutil.Process(daemon.pid)]
        for process in parents:
            process.suspend()  # so that it cannot report the end of its children to the controller
        for process in [p for parent in parents for p in parent.children(recursive=True)]:
            _kill(process)
        for process in parents:
            _kill(process)
        daemon.wait()
        self.call("scontrol", "update", f"NodeName={node}", "State=DOWN", "Reason=crashed")

    def steps(self, node: str) -> list[psutil.Process]:
        """The `slurmstepd` processes of a node, which outlive its daemon."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.name() != "slurmstepd":
                    continue
                if process.environ().get("SLURMD_NODENAME") == node or _runs_on(process, node):
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def wait_for(self, node: str, state: str) -> None:
        """Wait until a node reaches a state."""
        deadline = time.monotonic() + TIMEOUT
        while (now := self.state(node)) != state:
            if time.monotonic() > deadline:
                logs = "".join(log.read_text()[-1500:] for log in self.folder.glob("*.log"))
                raise TimeoutError(f"{node} is {now!r}, not {state}:\n{logs}")
            time.sleep(0.2)

    def state(self, node: str) -> str:
        done = self.call("sinfo", "--noheader", "--nodes", node, "--format=%T", check=False)
        return done.stdout.strip()

    def call(self, *command: str, check: bool = True) -> subprocess.CompletedProcess:
        """Run a SLURM command."""
        env = {**os.environ, **self.env}
        return subprocess.run(command, env=env, check=check, capture_output=True, text=True)

    def stop(self) -> None:
        """Cancel all jobs and stop all daemons."""
        if "controller" in self.processes:
            self.call("scancel", f"--user={getpass.getuser()}", check=False)
        steps = [step for node in self.nodes for step in self.steps(node)]
        for process in [p for step in steps for p in [*step.children(recursive=True), step]]:
            _kill(process)
        for daemon in self.processes.values():
            daemon.send_signal(signal.SIGTERM)
        for daemon in self.processes.values():
            try:
                daemon.wait(10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        self.processes.clear()


def _runs_on(step: psutil.Process, node: str) -> bool:
    return any(
        child.environ().get("SLURMD_NODENAME") == node for child in step.children(recursive=True)
    )


def _kill(process: psutil.Process) -> None:
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return


def _path() -> str:
    """PATH with this Python and the folders of daemons, which a user's PATH may lack."""
    python = str(Path(sys.executable).parent)
    return os.pathsep.join([python, os.environ["PATH"], "/usr/sbin", "/sbin"])


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for sock in sockets:
            sock.bind(("127.0.0.1", 0))
        return [sock.getsockname()[1] for sock in sockets]
    finally:
        for sock in sockets:
            with closing(sock):
                pass


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--nodes", type=int, default=2)
    parser.add_argument("--cpus", type=int, default=1)
    options = parser.parse_args()
    with Cluster(options.folder.absolute(), options.nodes, options.cpus) as cluster:
        print(f"export SLURM_CONF={cluster.configuration}", flush=True)
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            signal.pause()
        except KeyboardInterrupt:
            print("stopping")


if __name__ == "__main__":
    main()
