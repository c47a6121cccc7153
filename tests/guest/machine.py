"""A guest: one QEMU, or two where it moves, its link to the host, and the fault that it is given."""
import ctypes
import json
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import time
from dataclasses import dataclass

from packages import QEMU, Missing, output

DAY_S = 86400
PRIORITY = -10
KVM_SECONDS = 5  # a kernel says its name within one, where KVM works
# An emulated TSC looks unstable to the kernel, which on a busy host also measures its rate wrongly, and
# then finds that its timer does not work and ends.
TSC = "tsc=reliable clocksource=tsc tsc_early_khz={} no_timer_check"
QUIET = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
_libc = ctypes.CDLL(None)


class Failed(Exception):
    """A guest did not do what every guest does."""


@dataclass
class Machine:
    """What guests run on, made ready."""
    kernel: pathlib.Path
    initramfs: pathlib.Path
    qemu: list
    accelerator: str
    words: str = ""  # for the kernel
    processors: int = 1
    generation: bool = False  # vmclock, and a VMGENID


# name: processors, of the newer QEMU and kernel?, title
MACHINES = {
    "rtc": (1, False, ""),
    "vmclock": (1, True, "with vmclock and VMGENID"),
    "two": (2, False, "with two processors"),
}


def precede():
    """A guest is a machine, and who measures it must not wait: what else runs here is not its affair."""
    try:
        os.setpriority(os.PRIO_PROCESS, 0, PRIORITY)
    except OSError:
        pass


def die_with_parent():
    # the parent is the thread, not the process
    _libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    precede()


def start(words, log):
    with open(log, "wb") as out:
        return subprocess.Popen([str(word) for word in words], stdin=subprocess.DEVNULL, stdout=out,
                                stderr=subprocess.STDOUT, preexec_fn=die_with_parent)


def now():
    return time.time_ns()


class Shift:
    """How much further on than the host the world of a cell is (shift.c), ns."""

    def __init__(self, library, path):
        path.write_bytes(bytes(8))
        self.path, self.ns = path, 0
        self.words = ["env", f"LD_PRELOAD={library}", f"LAB_SHIFT={path}"]

    def set(self, ns):
        self.ns = ns
        with open(self.path, "r+b", buffering=0) as file:
            file.write(struct.pack("=q", ns))


class Monitor:
    """QEMU's machine protocol; events are kept with the time that QEMU gives them."""

    def __init__(self, path, process):
        self.events = []
        self.socket = socket.socket(socket.AF_UNIX)
        end = time.monotonic() + 60
        while True:
            try:
                self.socket.connect(str(path))
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > end:
                    raise Failed(f"QEMU does not run (see its log beside {path})") from None
                time.sleep(0.05)
        self.socket.settimeout(120)
        self.stream = self.socket.makefile("rw", encoding="utf-8")
        self._next()
        self.do("qmp_capabilities")

    def _next(self):
        line = self.stream.readline()
        if not line:
            raise Failed("QEMU has ended")
        message = json.loads(line)
        if "event" in message:
            stamp = message["timestamp"]
            self.events.append((message["event"],
                                stamp["seconds"] * 10**9 + stamp["microseconds"] * 1000))
        return message

    def do(self, command, **arguments):
        self.stream.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.stream.flush()
        while True:
            message = self._next()
            if "error" in message:
                raise Failed(f"QEMU's {command}: {message['error']['desc']}")
            if "return" in message:
                return message["return"]

    def human(self, line):
        said = self.do("human-monitor-command", **{"command-line": line})
        if said.strip():
            raise Failed(f"QEMU's {line}: {said.strip()}")

    def first(self, event, since=0):
        """When it first happened, ns; waits for it if it has not yet."""
        while True:
            for name, at in self.events:
                if name == event and at >= since:
                    return at
            self._next()


class Guest:
    """Runs a daemon; its address is 10.77.N.2 and the host's, on its link, 10.77.N.1."""

    def __init__(self, lab, machine, number, daemon, shift=None):
        self.lab, self.machine, self.number, self.daemon = lab, machine, number, daemon
        self.shift, self.generation = shift, 1
        self.folder = lab.folder / daemon
        self.folder.mkdir(parents=True, exist_ok=True)
        for path in self.folder.glob("*.serial"):
            path.unlink()  # of a former cell
        self.address, self.host = f"10.77.{number}.2", f"10.77.{number}.1"
        self.bridge, self.taps, self.processes = f"lab{number}", [], []
        ip("link", "add", self.bridge, "type", "bridge")
        ip("link", "set", self.bridge, "up")
        ip("addr", "add", f"{self.host}/24", "dev", self.bridge)

    def _tap(self, name):
        try:
            ip("tuntap", "add", name, "mode", "tap")
        except Failed as error:
            raise Missing(f"no tap device can be made: {error}") from None
        self.taps.append(name)
        ip("link", "set", name, "master", self.bridge, "up")
        return name

    def _generation(self):
        return ["-device", "vmclock",
                "-device", f"vmgenid,guid=77777777-7777-7777-7777-{self.generation:012}"]

    def _run(self, role, *more):
        tap = self._tap(f"{self.bridge}{role}")
        on = self.machine
        memory = 512 if self.daemon.endswith("-asked") else 192  # the command line is large
        words = [*(self.shift.words if self.shift else []), *on.qemu, "-machine", "pc,hpet=off",
                 "-accel", on.accelerator, "-m", memory, "-smp", on.processors, "-nodefaults", "-display", "none", "-no-reboot",
                 "-rtc", "base=utc,clock=host,driftfix=slew",
                 "-kernel", on.kernel, "-initrd", on.initramfs, "-append",
                 f"console=ttyS0 panic=-1 lab.daemon={self.daemon} lab.address={self.address} "
                 f"lab.server={self.host} {on.words}"
                 + " lab.busy=1" * self.daemon.endswith("-busy")
                 + " lab.asked=1" * self.daemon.endswith("-asked"),
                 "-netdev", f"tap,id=link,ifname={tap},script=no,downscript=no",
                 "-device", f"virtio-net-pci,netdev=link,romfile=,mac=52:54:00:77:00:0{self.number}",
                 "-serial", f"file:{self.folder}/{role}.serial",
                 "-qmp", f"unix:{self.folder}/{role}.qmp,server=on,wait=off", *more]
        if on.accelerator == "kvm":
            words += ["-cpu", "host"]
        if on.generation:
            words += self._generation()
        self.processes.append(start(words, self.folder / f"{role}.log"))
        return Monitor(self.folder / f"{role}.qmp", self.processes[-1])

    def _scratch(self):
        return "-drive", f"file={self.folder}/scratch.qcow2,if=none,id=scratch,format=qcow2"

    def boot(self, fault):
        more = ()
        if fault == "snapshot":  # lives on a disk that the guest does not see
            output("qemu-img", "create", "-q", "-f", "qcow2", self.folder / "scratch.qcow2", "1G")
            more = self._scratch()
        self.monitor = self._run("a", *more)
        if fault == "migrate":
            self.there = self._run("b", "-incoming", f"unix:{self.folder}/migration")

    def serial(self):
        return "".join(path.read_text(errors="replace")
                       for path in sorted(self.folder.glob("*.serial")))

    def said(self):
        """What its daemon logged, without the kernel's lines."""
        return [line for line in self.serial().splitlines() if not line.startswith("[")]

    def processor_s(self):
        """What QEMU has used of the host's processors, s."""
        fields = pathlib.Path(f"/proc/{self.processes[-1].pid}/stat").read_text().rsplit(")", 1)[1]
        return sum(map(int, fields.split()[11:13])) / os.sysconf("SC_CLK_TCK")

    def close(self):
        for process in self.processes:
            process.kill()
            process.wait()
        for path in self.folder.glob("scratch*"):
            path.unlink()
        for name in (*self.taps, self.bridge):
            ip("link", "delete", name)

    # ---- faults: each gives when the guest was last right, and when it went on again, ns ----

    def stop(self, seconds):
        since = now()
        self.monitor.do("stop")
        began = self.monitor.first("STOP", since)
        time.sleep(seconds)
        self.monitor.do("cont")
        return began, self.monitor.first("RESUME", began)

    def day(self, seconds):
        """What the guest has of the world, its RTC and its source, is a day later when it goes on."""
        since = now()
        self.monitor.do("stop")
        began = self.monitor.first("STOP", since)
        time.sleep(seconds / 2)  # by now all guests stand still
        self.shift.set(round((DAY_S - seconds) * 1e9))
        time.sleep(seconds / 2)
        self.monitor.do("cont")
        self.lab.watch.shift(self, self.shift.ns)
        return began, self.monitor.first("RESUME", began + self.shift.ns) - self.shift.ns

    def snapshot(self, seconds):
        """Into a new QEMU: an emulated TSC of the old one would never go back."""
        self.monitor.human("savevm before")  # which stops it for a second, too
        time.sleep(seconds)
        self.lab.watch.mute(self, True)
        time.sleep(0.1)
        began = now()
        self.processes[-1].kill()
        self.processes[-1].wait()
        self.generation += 1  # as whoever restores a machine gives it a new one
        self.monitor = self._run("b", *self._scratch(), "-loadvm", "before")
        while not self.monitor.do("query-status")["running"]:
            time.sleep(0.01)
        return began, now()

    def migrate(self, _):
        since = now()
        self.monitor.do("migrate", uri=f"unix:{self.folder}/migration")
        began = self.monitor.first("STOP", since)
        end = time.monotonic() + 120
        while self.monitor.do("query-migrate")["status"] != "completed":
            if time.monotonic() > end:
                raise Failed("the migration does not end")
            time.sleep(0.02)
        return began, self.there.first("RESUME", began)

    def freeze(self, seconds):
        began = now()
        self.processes[-1].send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        self.processes[-1].send_signal(signal.SIGCONT)
        return began, now()

    def starve(self, seconds):
        """Nine tenths of its processor are taken away, 90 ms at a time."""
        began, end = now(), time.monotonic() + seconds
        while time.monotonic() < end:
            self.processes[-1].send_signal(signal.SIGSTOP)
            time.sleep(0.09)
            self.processes[-1].send_signal(signal.SIGCONT)
            time.sleep(0.01)
        return began, now()


# name: method, seconds, does the host go on hearing the guest meanwhile?, title
FAULTS = {
    "stop-0.3": ("stop", 0.3, False, "stopped for 0.3 s"),
    "stop-5": ("stop", 5, False, "stopped for 5 s"),
    "stop-60": ("stop", 60, False, "stopped for 60 s"),
    "day": ("day", 5, False, "stopped for 5 s, in which a day passes"),
    "snapshot": ("snapshot", 60, True, "set back to a snapshot of 60 s ago"),
    "migrate": ("migrate", 0, True, "migrated to another QEMU"),
    "freeze": ("freeze", 5, False, "its QEMU stopped for 5 s"),
    "starve": ("starve", 20, True, "nine tenths of its processor taken away for 20 s"),
}


def ip(*words):
    done = subprocess.run(["ip", *words], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          check=False)
    if done.returncode:
        raise Failed(f"ip {' '.join(words)}: {done.stderr.strip()}")


def accelerator(kernel, initramfs, folder):
    """KVM where a guest really boots with it, within seconds; else software emulation."""
    if not shutil.which(QEMU):
        raise Missing(f"there is no {QEMU} (package qemu-system-x86)")
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return "tcg"
    serial = folder / "kvm.serial"
    serial.write_bytes(b"")
    process = start([QEMU, "-accel", "kvm", "-cpu", "host", "-m", "192", "-nodefaults", "-display",
                     "none", "-no-reboot", "-kernel", kernel, "-initrd", initramfs, "-append",
                     "console=ttyS0 panic=-1 earlyprintk=serial lab.daemon=none", "-serial",
                     f"file:{serial}"], folder / "kvm.log")
    end, works = time.monotonic() + KVM_SECONDS, False
    while not works and process.poll() is None and time.monotonic() < end:
        time.sleep(0.1)
        works = b"Linux version" in serial.read_bytes()
    process.kill()
    process.wait()
    return "kvm" if works else "tcg"
