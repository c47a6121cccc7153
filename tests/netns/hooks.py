"""What timevisord starts and freezes when something happens, by the real helper process and a real control group."""
import signal
import subprocess
import time

from cases import FAST, SERVER, follows
from world import Skipped, expect

class Group:
    """A control group of its own, with a process in it that writes a line every 10 ms. (The file system is mounted anew:
    what "ip netns exec" shows as /sys has none.)"""

    def __init__(self, node):
        self.mount = node.folder / "groups"
        self.mount.mkdir()
        if subprocess.run(["mount", "-t", "cgroup2", "none", self.mount], check=False, capture_output=True).returncode:
            raise Skipped("control groups of version 2 cannot be mounted here")
        self.path = self.mount / f"timevisor-test-{node.folder.parent.name}"
        self.work = None
        try:
            self.path.mkdir()
            (self.path / "cgroup.freeze").write_text("0")
        except OSError as reason:
            self.close()
            raise Skipped(f"no control group can be made here: {reason}") from reason
        self.ticks = node.folder / "ticks"
        self.work = node.start("work", "sh", "-c", f"echo $$ >{self.path}/cgroup.procs; "
                               f"while :; do date +%s.%N >>{self.ticks}; sleep 0.01; done")
        node.world.until(self.ticks.exists, 5, "the group works")

    def frozen(self):
        return "frozen 1" in (self.path / "cgroup.events").read_text()

    def works(self):
        before = self.ticks.stat().st_size
        time.sleep(0.2)
        return self.ticks.stat().st_size > before

    def close(self):
        if self.path.exists():
            (self.path / "cgroup.freeze").write_text("0")
            (self.path / "cgroup.kill").write_text("1")
        if self.work:
            self.work.stop()
        for _ in range(100):
            try:
                self.path.rmdir()
                break
            except FileNotFoundError:
                break
            except OSError:  # not empty yet
                time.sleep(0.05)
        subprocess.run(["umount", self.mount], check=False, capture_output=True)


def start(world, node, server, configuration):
    """The daemon, and the file that suspends its machine, as far as it can tell."""
    suspended = node.file("suspended", "0\n")
    daemon = node.timevisord(f"server {server.ip4} {FAST}\nmakestep 1 -1\n" + configuration,
                             under=["env", f"LD_PRELOAD={world.keepclock}", f"VISOR_SUSPENDED={suspended}"])
    follows(node)
    return daemon, suspended


def said(path):
    """The environments that a hook has written down: a dictionary each."""
    text = path.read_text() if path.exists() else ""
    return [dict(word.split("=", 1) for word in line.split()) for line in text.splitlines()]


def test_hooks_are_run(world):
    server, client = world.node("server"), world.node("client")
    server.chronyd(SERVER)
    out = client.folder / "said"
    daemon, suspended = start(world, client, server, f"""
hook disruption recovered shell env | grep TIMEVISOR_ | tr '\\n' ' ' >>{out}; echo >>{out}
hook disruption limit 1 run /bin/sleep 60
hook recovered run /bin/false
hook recovered run /nowhere/program
""")
    expect(said(out) == [], "nothing has happened yet")
    suspended.write_text("60\n")
    world.until(lambda: len(said(out)) >= 2, 30, "both events are told")
    first, last = said(out)[0], said(out)[-1]
    expect(first["TIMEVISOR_EVENT"] == "disruption" and last["TIMEVISOR_EVENT"] == "recovered", f"{first} {last}")
    expect(first["TIMEVISOR_KIND"] == "suspend", f"{first}")
    # nothing has really happened to the time: what it came to is 0, give or take
    expect(abs(float(last["TIMEVISOR_SIZE_S"])) < 1 and 0 < float(last["TIMEVISOR_ERROR_S"]) < 1, f"{last}")
    for each in (first, last):
        expect(each["TIMEVISOR_LEVEL"] in ("normal", "yellow", "orange"), f"{each}")
        expect(each["TIMEVISOR_CAUSE"] in ("none", "error", "limit", "sources", "stopped"), f"{each}")
    for sentence in ('Hook "/bin/false" ended', '"/nowhere/program" could not be run: No such file',
                     '"/bin/sleep 60" had not ended after 1 s and was killed'):
        world.until(lambda: sentence in daemon.text(), 20, f"the log says: {sentence}")
    expect(client.status()["tracking"]["trust"] == "synchronized", "and the daemon goes on")


def test_a_group_is_held(world):
    server, client = world.node("server"), world.node("client")
    server.chronyd(SERVER)
    group = Group(client)
    try:
        daemon, suspended = start(world, client, server, f"hold {group.path} limit 60\n")
        expect(group.works() and not group.frozen(), "at first it runs")
        suspended.write_text("60\n")
        world.until(lambda: "was held for" in daemon.text(), 40, "it was held and released")
        expect(not group.frozen() and group.works(), "and runs again")
    finally:
        group.close()


def test_a_held_group_is_released_when_the_daemon_dies(world):
    server, client = world.node("server"), world.node("client")
    peer = server.chronyd(SERVER)
    group = Group(client)
    try:
        daemon, suspended = start(world, client, server, f"hold {group.path} limit 300\n")
        peer.stop()  # nobody can tell the time again
        time.sleep(0.5)
        suspended.write_text("60\n")
        world.until(group.frozen, 20, "it is frozen")
        expect(not group.works(), "nothing runs in it")
        time.sleep(2)
        expect(group.frozen(), "it stays so while the time is not known")
        daemon.stop(signal.SIGKILL)
        world.until(lambda: not group.frozen(), 10, "it is released by the death of the daemon")
        expect(group.works(), "and runs again")
    finally:
        group.close()
