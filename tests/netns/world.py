"""A small network of namespaces with real programs in it.

All nodes hang on one bridge; each has an IPv4 and an IPv6 address. Everything that a World starts or
makes it takes away again: namespaces by their names, processes by the ids that it was given.
"""
import fcntl
import json
import os
import pathlib
import pty
import re
import shutil
import signal
import struct
import subprocess
import tempfile
import termios
import time


# The kernel refuses to set the clock for what is run like this.
WITHOUT_RIGHTS = ("setpriv", "--bounding-set=-sys_time", "--inh-caps=-sys_time")


class Failed(Exception):
    """The test's finding."""


class Skipped(Exception):
    """Why a test cannot be made here."""


def ip(*words):
    subprocess.run(["ip", *words], check=True, stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=20)


class Process:
    def __init__(self, words, log, env):
        self.log = log
        with open(log, "w", encoding="utf-8") as out:
            self.popen = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out,
                                          stderr=subprocess.STDOUT, env=env)

    def text(self):
        return self.log.read_text(errors="replace")

    def alive(self):
        return self.popen.poll() is None

    def stop(self, number=signal.SIGTERM):
        if self.alive():
            self.popen.send_signal(number)
            try:
                self.popen.wait(10)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait(5)
        return self.popen.returncode


class Terminal:
    """A program on a terminal of its own; `frame` is what it shows, without colors."""

    def __init__(self, words, width, height):
        self.master, slave = pty.openpty()
        self.raw = b""
        self._size(width, height)
        self.slave = slave
        self.before = termios.tcgetattr(slave)
        self.popen = subprocess.Popen([str(word) for word in words], stdin=slave, stdout=slave,
                                      stderr=slave, start_new_session=True,
                                      env=dict(os.environ, TERM="xterm", LC_ALL="C.UTF-8"))
        os.set_blocking(self.master, False)

    def _size(self, width, height):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    def resize(self, width, height):
        self._size(width, height)
        self.popen.send_signal(signal.SIGWINCH)

    def read(self):
        try:
            while chunk := os.read(self.master, 65536):
                self.raw += chunk
        except (BlockingIOError, OSError):
            pass

    def frame(self):
        self.read()
        pictures = self.raw.split(b"\033[H")[1:]
        whole = [picture for picture in pictures if b"\033[J" in picture]
        if not whole:
            return ""
        text = whole[-1].split(b"\033[J")[0].decode(errors="replace")
        return re.sub(r"\033\[[0-9;]*[A-Za-z]|\r", "", text)

    def type(self, keys):
        os.write(self.master, keys.encode())

    def wait(self, seconds):
        code = self.popen.wait(seconds)
        self.read()
        return code

    def restored(self):
        return termios.tcgetattr(self.slave) == self.before

    def close(self):
        if self.popen.poll() is None:
            self.popen.kill()
            self.popen.wait(5)
        os.close(self.slave)
        os.close(self.master)


class Node:
    """One machine: a network namespace, and a folder for its files."""

    def __init__(self, world, number, name):
        self.world, self.name = world, name
        self.namespace = f"{world.prefix}-{name}"
        self.ip4, self.ip6 = f"10.99.0.{number}", f"fd99::{number}"
        self.folder = world.folder / name
        self.folder.mkdir()
        self.private = self.folder / "private"  # chronyd wants its socket's folder to itself
        self.private.mkdir(mode=0o750)
        self.processes = []
        ip("netns", "add", self.namespace)
        world.namespaces.append(self.namespace)
        link = f"v{number}"
        ip("link", "add", link, "netns", world.hub, "type", "veth", "peer", "name", "eth0",
           "netns", self.namespace)
        ip("-n", world.hub, "link", "set", link, "master", "bridge", "up")
        for words in (["link", "set", "lo", "up"], ["link", "set", "eth0", "up"],
                      ["addr", "add", f"{self.ip4}/24", "dev", "eth0"],
                      ["addr", "add", f"{self.ip6}/64", "dev", "eth0", "nodad"]):
            ip("-n", self.namespace, *words)

    def file(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path

    def words(self, command):
        return ["ip", "netns", "exec", self.namespace, *map(str, command)]

    def start(self, name, *command, env=None):
        process = Process(self.words(command), self.folder / f"{name}.log",
                          dict(os.environ, **(env or {})))
        self.processes.append(process)
        return process

    def run(self, *command, timeout=60, env=None):
        """Runs a program to its end: (status, output, complaints)."""
        done = subprocess.run(self.words(command), stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=timeout, check=False,
                              env=dict(os.environ, LC_ALL="C.UTF-8", TZ="UTC", **(env or {})))
        return done.returncode, done.stdout, done.stderr

    # our own programs

    def timevisord(self, configuration, *options, under=()):
        """The daemon, steering a copy of the clock, or observing with "-x"; `under` another program."""
        config = self.file("timevisord.conf", configuration + f"\npidfile {self.folder}/pid\n"
                           f"clocksegment {self.folder}/clock\n")
        clock = [] if "-x" in options or under is WITHOUT_RIGHTS else ["--dry-run"]
        process = self.start("timevisord", *under, self.world.timevisord, "-d", "-U", *clock, "-f", config,
                             "--socket", self.folder / "control", *options)
        self.world.until(lambda: (self.folder / "control").exists() or not process.alive(),
                         60 if under else 10, "timevisord opens its control socket")
        if not process.alive():
            raise Failed("timevisord has ended: " + process.text()[-400:])
        return process

    def timevisor(self, command, *options, timeout=120):
        return self.run(self.world.timevisor, command, "--socket", self.folder / "control",
                        *options, timeout=timeout)

    def status(self):
        code, text, complaint = self.timevisor("status", "--json")
        if code not in (0, 1):
            raise Failed(f"timevisor status: {code} {complaint}")
        return json.loads(text)

    # real peers

    def chronyd(self, configuration, suite="local", *options):
        config = self.file("chrony.conf", configuration + f"""
pidfile {self.folder}/chronyd.pid
bindcmdaddress {self.private}/chronyd.sock
bindcmdaddress 127.0.0.1
""")
        return self.start("chronyd", self.world.peer("chronyd", suite), "-d", "-x", "-U", "-u",
                          "root", "-f", config, *options)

    def ntpsec(self, configuration):
        config = self.file("ntp.conf", configuration + f"\ndriftfile {self.folder}/ntp.drift\n")
        return self.start("ntpd", self.world.peer("ntpd"), "-n", "-g", "-c", config,
                          env={"LD_PRELOAD": str(self.world.keepclock)})

    def ntpd_rs(self, configuration):
        config = self.file("ntp.toml", configuration)
        return self.start("ntpd-rs", self.world.peer("ntp-daemon", "trixie"), "-c", config,
                          env={"LD_PRELOAD": str(self.world.keepclock)})

    def ptp4l(self, configuration):
        """linuxptp with the kernel's software stamps; it cannot set the clock either. What it needs
        of the machine (veth's stamps) is always there: without it the test fails, not skips."""
        program = self.world.peers / "bin" / "ptp4l-linuxptp"
        if not program.exists():
            program = shutil.which("ptp4l") or shutil.which("ptp4l", path="/usr/sbin")
        if not program:
            raise Failed("there is no ptp4l (linuxptp), and it could not be downloaded")
        config = self.file("ptp4l.conf", "[global]\ntime_stamping software\n" + configuration +
                           f"\nuds_address {self.private}/ptp4l\n[eth0]\n")
        return self.start("ptp4l", program, "-m", "-f", config,
                          env={"LD_PRELOAD": str(self.world.keepclock)})


class World:
    def __init__(self, name, programs):
        self.prefix = f"visor{name}"
        self.hub = f"{self.prefix}-hub"
        self.programs = programs
        self.timevisord, self.timevisor = programs["timevisord"], programs["timevisor"]
        self.keepclock, self.peers = programs["keepclock"], programs["peers"]
        self.namespaces, self.nodes, self.settings = [], [], []
        self._folder = tempfile.TemporaryDirectory(prefix="visor-netns-")
        self.folder = pathlib.Path(self._folder.name)

    def __enter__(self):
        self.folder.chmod(0o755)
        ip("netns", "add", self.hub)
        self.namespaces.append(self.hub)
        ip("-n", self.hub, "link", "add", "bridge", "type", "bridge")
        # gPTP's peer delay messages are not forwarded by a bridge unless it is told to
        ip("-n", self.hub, "link", "set", "bridge", "type", "bridge", "group_fwd_mask", "0x4000")
        ip("-n", self.hub, "link", "set", "bridge", "up")
        return self

    def __exit__(self, *_):
        for node in self.nodes:
            for process in node.processes:
                process.stop()
        for namespace in self.namespaces:
            subprocess.run(["ip", "netns", "delete", namespace], check=False,
                           stderr=subprocess.DEVNULL)
        for folder in self.settings:
            shutil.rmtree(folder, ignore_errors=True)
        self._folder.cleanup()

    def etc(self, node, name, text):
        """Gives a node a file in /etc of its own, as "ip netns exec" puts it there."""
        folder = pathlib.Path("/etc/netns") / node.namespace
        if folder not in self.settings:
            folder.mkdir(parents=True)
            self.settings.append(folder)
        (folder / name).write_text(text)

    def node(self, name):
        node = Node(self, len(self.nodes) + 1, name)
        self.nodes.append(node)
        return node

    def peer(self, program, suite="local"):
        path = self.peers / "bin" / f"{program}-{suite}"
        if not path.exists():
            raise Skipped(f"{path.name} could not be downloaded")
        return path

    @staticmethod
    def until(holds, seconds, what):
        """Waits for something to become true, and returns it; it is a finding if it does not."""
        end = time.monotonic() + seconds
        while True:
            value = holds()
            if value:
                return value
            if time.monotonic() > end:
                raise Failed(f"not within {seconds} s: {what}")
            time.sleep(0.2)


def expect(condition, what):
    if not condition:
        raise Failed(what)
