"""The clock segment as other programs read it: the truth is always inside, whatever happens to the
daemon, and in containers."""
import json
import pathlib
import shutil
import signal
import struct
import subprocess
import sys
import time

from cases import FAST, SERVER, follows
from world import expect

READER = pathlib.Path(__file__).resolve().parent / "readclock.py"


def words(node, seconds):
    """Reader and library are taken from where everybody may read, wherever they were built."""
    paths = []
    for path in READER, pathlib.Path(node.world.programs["library"]):
        paths.append(node.folder / path.name)
        if not paths[-1].exists():  # else it may be in use
            shutil.copy(path, paths[-1])
    return [sys.executable, *paths, node.folder / "clock", seconds]


def judge(what, seen):
    """Bounded and true, every time, and near the truth."""
    expect("errno" not in seen, f"{what}: {seen}")
    expect(seen["reads"] > 50, f"{what}: {seen}")
    expect(seen["wrong"] == 0, f"{what}: the truth was outside: {seen}")
    expect(seen["unbounded"] == 0, f"{what}: unbounded: {seen}")


def read(node, what, *under, seconds=1):
    code, text, complaint = node.run(*under, *words(node, seconds))
    expect(code == 0, f"{what}: {code} {text}{complaint}")
    seen = json.loads(text)
    judge(what, seen)
    return seen


def synchronized(world):
    server, client = world.node("server"), world.node("client")
    server.chronyd(SERVER)
    config = f"server {server.ip4} {FAST}"
    daemon = client.timevisord(config, "-x")
    follows(client)
    return client, config, daemon


def test_the_segment_holds_the_truth(world):
    client, _, _ = synchronized(world)
    seen = read(client, "a reader", seconds=3)
    expect(set(seen["seen"]) == {"synchronized"}, f"its status: {seen}")
    expect(seen["widest"] < 4_000_000, f"wider than 4 ms: {seen}")
    expect(seen["worst"] < 2_000_000, f"further than 2 ms from the reference: {seen}")


def test_clients_of_clockbound(world):
    """By the layout that they know; the bound is of the kernel's clock, which is the truth here."""
    server, client = world.node("server"), world.node("client")
    server.chronyd(SERVER)
    path = client.folder / "bound" / "shm0"
    client.timevisord(f"server {server.ip4} {FAST}\nclockboundsegment {path}", "-x")
    follows(client)
    seen = set()
    for _ in range(30):
        page = path.read_bytes()
        fields = struct.unpack("<IIIHHqqqqqQIiB7x", page)
        first, second, size, version, generation, as_of, as_of_ns = fields[:7]
        expect((first, second, size, version) == (0x414D5A4E, 0x43420200, 80, 2), f"head: {fields}")
        expect(len(page) == 80 and not generation & 1, f"generation: {fields}")
        age = time.clock_gettime(time.CLOCK_MONOTONIC) - as_of - as_of_ns * 1e-9
        expect(-0.02 < age < 2.5, f"{age} s old: {fields}")
        expect(fields[7] == as_of + 1000, f"void after 1000 s: {fields}")
        expect(0 < fields[9] < 10_000_000, f"its bound: {fields}")
        expect(fields[12] == 1 and not fields[13], f"its status: {fields}")
        seen.add(as_of)
        time.sleep(0.1)
    expect(len(seen) >= 3, f"told every second: {seen}")


def test_the_segment_survives_its_daemon(world):
    client, config, daemon = synchronized(world)
    reader = subprocess.Popen([str(word) for word in client.words(words(client, 14))],
                              stdout=subprocess.PIPE, text=True)
    time.sleep(1)
    daemon.stop(signal.SIGKILL)
    time.sleep(2)
    (client.folder / "control").unlink()
    daemon = client.timevisord(config, "-x")
    time.sleep(5)
    daemon.stop()
    client.timevisord(config, "-x")
    text, _ = reader.communicate(timeout=60)
    seen = json.loads(text)
    judge("through a kill and two restarts", seen)
    expect(set(seen["seen"]) == {"synchronized"}, f"its status: {seen}")
    expect(seen["epoch"] == 0, f"no new epoch: {seen}")
    follows(client)


def two_containers(client):
    """At the same time, one of them in a time namespace: against the kernel's clock, which both see."""
    under = ([], ["unshare", "--time", "--monotonic", "5000", "--fork"])
    both = [subprocess.Popen([str(word) for word in client.words([*words_before, *words(client, 2)])],
                             stdout=subprocess.PIPE, text=True) for words_before in under]
    first, second = (json.loads(reader.communicate(timeout=60)[0]) for reader in both)
    judge("the first of two", first)
    judge("the second of two", second)
    apart = abs(first["offset"] - second["offset"])
    print(f"two containers: {apart} ns apart", file=sys.stderr)
    expect(apart < 1000 + first["bound"] + second["bound"], f"{apart} ns: {first} {second}")


def test_the_segment_in_containers(world):
    client, _, _ = synchronized(world)
    plain = read(client, "a plain reader")
    offset = read(client, "in a time namespace", "unshare", "--time", "--monotonic", "100000",
                  "--boottime", "200000", "--fork")
    expect(offset["raw"] - plain["raw"] > 99_000_000_000_000, "the namespace has its own counter")
    expect(0 < offset["monotonic"] - plain["monotonic"] < 60_000_000_000,
           f"the library's counter is the machine's: {offset} {plain}")
    two_containers(client)
    mounted = f"mount --bind {client.folder} {client.folder} && " \
              f"mount -o remount,ro,bind {client.folder} && " \
              f"! touch {client.folder}/x 2>/dev/null && exec \"$@\""
    inside = read(client, "mounted read-only", "unshare", "--mount", "sh", "-c", mounted, "sh")
    nobody = read(client, "as nobody", "setpriv", "--reuid", "65534", "--regid", "65534",
                  "--clear-groups")
    for seen in (plain, offset, inside, nobody):
        expect(seen["worst"] < 2_000_000, f"further than 2 ms from the reference: {seen}")


VMCLOCK = "mount -t tmpfs none /dev && mknod -m 666 /dev/null c 1 3 && mknod -m 666 /dev/urandom c 1 9 && " \
          "ln -s \"$0\" /dev/vmclock0 && exec \"$@\""


def test_a_vmclock_that_is_no_witness_is_none_for_readers(world):
    """A file stands in for the device, whose marker moves again and again."""
    server, client = world.node("server"), world.node("client")
    server.chronyd(SERVER)
    page = client.folder / "vmclock"
    page.write_bytes(struct.pack("<IIHBBIQ4072x", 0x4B4C4356, 104, 1, 0xFF, 0, 2, 5))
    under = ["unshare", "--mount", "sh", "-c", VMCLOCK, page]
    client.timevisord(f"server {server.ip4} {FAST}\nwitness vmclock off\n", "-x", under=under)
    follows(client)
    with open(page, "r+b") as file:
        file.seek(16)
        file.write(struct.pack("<Q", 6))
    seen = read(client, "after a move that is not to be heeded", *under, seconds=2)
    expect(set(seen["seen"]) == {"synchronized"}, f"its status: {seen}")
