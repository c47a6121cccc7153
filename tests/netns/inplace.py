"""In chronyd's place: its commands, options and files, and what a daemon may find around it."""
import os
import pathlib
import pwd
import re
import signal
import time

from cases import FAST, SERVER, chronyc, follows
from world import WITHOUT_RIGHTS, expect


def test_a_second_daemon_refuses(world):
    node = world.node("node")
    first = node.timevisord("local stratum 5")
    code, _, complaint = node.run(node.world.timevisord, "-d", "-U", "--dry-run", "-f",
                                  node.folder / "timevisord.conf", "--socket", "", timeout=20)
    expect(code == 1, f"exit status {code}: {complaint}")
    expect(f"pid={first.popen.pid}" in complaint, complaint)
    expect(first.alive(), "the first goes on")


def test_of_daemons_started_at_once_one_remains(world):
    node = world.node("node")
    config = node.file("timevisord.conf", f"local stratum 5\npidfile {node.folder}/pid\n"
                       "clocksegment off\n")
    words = [*WITHOUT_RIGHTS, node.world.timevisord, "-d", "-U", "-f", config, "--socket", ""]
    for _ in range(5):
        group = [node.start(f"daemon{i}", *words) for i in range(4)]
        world.until(lambda: sum(daemon.alive() for daemon in group) == 1, 10, "one remains")
        time.sleep(0.3)
        left = [daemon for daemon in group if daemon.alive()]
        expect(len(left) == 1, "none or more than one daemon remains")
        for daemon in group:
            if daemon is not left[0]:
                expect(daemon.popen.returncode == 1, f"exit status {daemon.popen.returncode}")
                expect(f"pid={left[0].popen.pid}" in daemon.text(), daemon.text())
        expect(left[0].stop() == 0, "it ends when it is told to")


def test_without_the_right_to_set_the_clock(world):
    server, client = world.node("server"), world.node("client")
    server.chronyd(SERVER)
    daemon = client.timevisord(f"server {server.ip4} {FAST}\nmakestep 0 -1\n",
                               under=WITHOUT_RIGHTS)
    expect("The clock cannot be set (Operation not permitted): only observing it"
           in daemon.text(), daemon.text())
    status = follows(client)
    expect(status["mode"] == "discipline" and not status["clock_settable"], "it cannot be set")
    expect(status["tracking"]["steps"] == 0, "nothing was stepped")
    _, text, _ = client.timevisor("status")
    expect("has no right to set the clock and only observes it" in text, text)


def alone(node, *options, configuration="", preload="", timeout=60):
    """Runs our daemon to its end, always without the right to set the clock."""
    config = node.file("alone.conf", configuration + f"\npidfile {node.folder}/alone.pid\nclocksegment off\n")
    return node.run(*WITHOUT_RIGHTS, node.world.timevisord, "--socket", "", "-f", config, *options,
                    timeout=timeout, env={"LD_PRELOAD": str(preload)})


def test_options_that_measure_once(world):
    server, client, silent = (world.node(name) for name in ("server", "client", "silent"))
    server.chronyd(SERVER)
    source = f"server {server.ip4} iburst\ncmdport 0\nbindcmdaddress /\n"
    code, _, text = alone(client, "-Q", configuration=source)
    expect(code == 0 and re.search(r"System clock wrong by -?0\.0\d+ seconds \(ignored\)", text), text)
    # the library says that everything was done, and does nothing
    code, _, text = alone(client, "-q", configuration=source, preload=world.keepclock)
    expect(code == 0 and re.search(r"System clock wrong by -?0\.0\d+ seconds \(step\)", text), text)
    code, _, text = alone(client, "-Q", "-6", configuration=source)
    expect(code == 1 and "No suitable source for synchronisation" in text, f"-6: {code} {text}")
    code, _, text = alone(client, "-Q", "-t", "2", configuration=f"server {silent.ip4} iburst")
    expect(code == 1, f"-t: {code} {text}")
    code, text, _ = alone(client, "-Q", "-t", "4", configuration="port x")
    expect(code == 1, "a wrong configuration")


def test_options_of_chronyd(world):
    server, client = world.node("server"), world.node("client")
    server.chronyd(SERVER)
    log, config = client.folder / "messages", f"server {server.ip4} {FAST}\n"
    code, text, _ = alone(client, "-p", configuration=config)
    expect(code == 0 and text.splitlines()[0].startswith(f"server {server.ip4} "), text)
    for option, words in (("-v", "version"), ("-h", "Usage: ")):
        code, text, _ = client.run(client.world.timevisord, option)
        expect(code == 0 and words in text, f"{option}: {code} {text}")
    code, text, _ = alone(client, "-Z")
    expect(code == 1, f"an unknown option: {code}")

    # -l, -L, -n, -4, -P, -m, -r, -R, -s, -F in one long run; then what it was told shows
    daemon = client.timevisord(config + f"dumpdir {client.folder}\n", "-x", "-4", "-l", log, "-L", "0",
                               "-m", "-P", "1", "-r", "-R", "-F", "1")
    follows(client)
    expect("Selected source " + server.ip4 in log.read_text(), "messages go to the file")
    expect("Selected source" not in daemon.text(), "and not to the terminal")
    proc = pathlib.Path("/proc", str(daemon.popen.pid))
    facts = dict(line.split(":", 1) for line in (proc / "status").read_text().splitlines())
    expect(int(facts["VmLck"].split()[0]) > 0, "-m locks the memory")
    expect(int(facts["Seccomp"]) == 2, "-F filters system calls")
    expect(os.sched_getscheduler(daemon.popen.pid) == os.SCHED_FIFO, "-P sets the priority")
    expect(client.status()["mode"] == "observe", "-x observes")
    daemon.stop()
    dumped = client.folder / f"{server.ip4}.dat"
    expect(dumped.exists(), "samples are dumped")
    daemon = client.timevisord(config + f"dumpdir {client.folder}\n", "-x", "-r")
    expect(client.status()["sources"][0]["statistics"]["samples"] > 3, "-r reads them back")
    expect(not dumped.exists(), "and takes them away")
    daemon.stop()

    daemon = client.timevisord(config, "-x", "-u", "nobody")
    follows(client)
    facts = dict(line.split(":", 1) for line in
                 pathlib.Path("/proc", str(daemon.popen.pid), "status").read_text().splitlines())
    expect(facts["Uid"].split()[0] == str(pwd.getpwnam("nobody").pw_uid), "-u drops privileges")
    expect(int(facts["CapEff"], 16) == 1 << 10, f"all but one capability: {facts['CapEff']}")
    daemon.stop()

    # into the background; the directives may stand on the command line
    pid = client.folder / "back.pid"
    code, text, complaint = client.run(client.world.timevisord, "-x", "-U", "--socket",
                                       client.folder / "control", f"server {server.ip4} {FAST}",
                                       f"pidfile {pid}", "cmdport 0", "bindcmdaddress /", "clocksegment off")
    expect(code == 0, f"into the background: {code} {text}{complaint}")
    try:
        follows(client)
    finally:
        os.kill(int(pid.read_text()), signal.SIGTERM)
    world.until(lambda: not pid.exists(), 10, "it ends and takes its PID file away")


def test_files_are_those_of_chronyd(world):
    """Logs, drift file and dumps of both daemons, side by side; and each reads the other's."""
    server, ours, theirs = world.node("server"), world.node("ours"), world.node("theirs")
    server.chronyd(SERVER)
    device = "refclock SOCK {folder}/clock.sock refid GPS noselect\n"
    config = f"server {server.ip4} {FAST}\n" + device + """
log rawmeasurements measurements selection statistics tracking refclocks
logdir {folder}
dumpdir {folder}
driftfile {folder}/drift
"""
    for node in (ours, theirs):
        node.file("drift", "             1.500000             0.250000\n")
        node.folder.chmod(0o777)
    daemon = ours.timevisord(config.format(folder=ours.folder))
    peer = theirs.chronyd(config.format(folder=theirs.folder), "trixie")
    follows(ours)
    world.until(lambda: "*" in [row[1] for row in chronyc(theirs, "sources")], 20, "both follow")
    time.sleep(6)
    logs = ["measurements", "selection", "statistics", "tracking"]
    for name in logs:
        mine, other = ((node.folder / f"{name}.log").read_text().splitlines()
                       for node in (ours, theirs))
        expect(mine[:3] == other[:3], f"{name}: the banner is {mine[:3]}, not {other[:3]}")
        here, there = mine[-1], other[-1]  # chronyd's first one of tracking is about no source
        expect(columns(here) == columns(there), f"{name}: '{here}' is not like '{there}'")
    daemon.stop()
    peer.stop()
    mine, other = ((node.folder / "drift").read_text() for node in (ours, theirs))
    expect(columns(mine) == columns(other), f"drift: {mine!r} is not like {other!r}")
    dump = f"{server.ip4}.dat"
    mine, other = ((node.folder / dump).read_text().splitlines() for node in (ours, theirs))
    expect(mine[0] == other[0] and [len(line.split()) for line in mine[1:5]] ==
           [len(line.split()) for line in other[1:5]], f"dump: {mine[:5]} is not like {other[:5]}")
    for name in ("drift", dump):
        here, there = ours.folder / name, theirs.folder / name
        text = here.read_text()
        here.write_text(there.read_text())
        there.write_text(text)
    daemon = ours.timevisord(config.format(folder=ours.folder), "-r")
    peer = theirs.chronyd(config.format(folder=theirs.folder), "trixie", "-r")
    for node, process in ((ours, daemon), (theirs, peer)):
        world.until(lambda: re.search(f"Frequency .* ppm read from {node.folder}/drift",
                                      process.text()), 10, "the other's drift file is read")
    source = next(each for each in ours.status()["sources"] if each["address"] == server.ip4)
    expect(source["statistics"]["samples"] > 3, "and so are its samples")
    counts = {row[0]: int(row[1]) for row in chronyc(theirs, "sourcestats")}
    expect(counts[server.ip4] > 3, f"ours by chronyd, too: {counts}")


def columns(line):
    """Where the fields of a line end, and what kind each is."""
    return [(field.end(), bool(re.fullmatch(r"[-+]?\d+(\.\d+)?(e[-+]\d+)?", field.group())))
            for field in re.finditer(r"\S+", line)]


def test_initstepslew(world):
    server, client = world.node("server"), world.node("client")
    server.chronyd(SERVER)
    daemon = client.timevisord(f"initstepslew 10 {server.ip4}\nserver {server.ip4} {FAST}\n")
    world.until(lambda: re.search(r"System's initial offset : 0\.0\d+ seconds (fast|slow) of true "
                                  r"\(slew\)", daemon.text()), 20, "the offset is measured first")
    follows(client)


STATE = """
driftfile {state}/drift
dumpdir {state}/dump
logdir {state}/log
log measurements statistics tracking
record {state}/record
"""


def a_state_that_cannot_be_written(world, mount, fill, complaint):
    """The daemon goes on, says so, and leaves what is there as it is."""
    server, client = world.node("server"), world.node("client")
    server.chronyd(SERVER)
    state = client.folder / "state"
    state.mkdir()
    prepare = f"mount -t tmpfs {mount} tmpfs {state} && {fill} && exec \"$0\" \"$@\""
    daemon = client.timevisord(f"server {server.ip4} {FAST}\n" + STATE.format(state=state),
                               under=["unshare", "-m", "sh", "-c",
                                      prepare.format(state=state)])
    follows(client)
    time.sleep(3)
    view = f"/proc/{daemon.popen.pid}/root{state}"
    expect(pathlib.Path(view, "drift").read_text() == "1.5 0.25\n", "the old drift file is whole")
    expect(daemon.stop() == 0, f"exit status {daemon.popen.returncode}")
    expect(f"ppm read from {state}/drift\n" in daemon.text(), "it was read")
    for what in (f"{state}/drift", "measurements", "record"):
        expect(re.search(f"{what}.* : {complaint}", daemon.text()),
               f"no complaint about {what}: {daemon.text()}")


def test_a_full_disk(world):
    a_state_that_cannot_be_written(
        world, "-o size=32k,mode=777",
        "echo '1.5 0.25' >{state}/drift && mkdir -m 777 {state}/dump {state}/log && "
        "! cat /dev/zero >{state}/zeros 2>/dev/null", "No space left on device")


def test_a_state_directory_that_is_read_only(world):
    a_state_that_cannot_be_written(
        world, "-o mode=777", "echo '1.5 0.25' >{state}/drift && mkdir {state}/dump {state}/log && "
        "mount -o remount,ro {state}", "Read-only file system")


def chronyc_on_our_daemon(world, suite):
    server, client = world.node("server"), world.node("client")
    server.chronyd(SERVER)
    client.timevisord(f"server {server.ip4} {FAST}\nbindcmdaddress {client.private}/chronyd.sock\n")
    follows(client)
    world.until((client.private / "chronyd.sock").exists, 5, "the daemon opens chronyc's socket")
    for target in (client.private / "chronyd.sock", "127.0.0.1", "::1"):
        def ask(*words, target=target):
            code, text, complaint = client.run(world.peer("chronyc", suite), "-n", "-c", "-h",
                                               target, *words)
            expect(code == 0, f"chronyc {words} at {target}: {text}{complaint}")
            return [line.split(",") for line in text.splitlines()]

        before, tracking, status = client.status(), ask("tracking")[0], client.status()
        frequencies = sorted(-each["tracking"]["frequency_ppm"] for each in (before, status))
        expect(tracking[1] == server.ip4, f"tracking: {tracking}")
        expect(int(tracking[2]) == status["tracking"]["stratum"], f"stratum: {tracking}")
        expect(frequencies[0] - 0.1 <= float(tracking[7]) <= frequencies[1] + 0.1,
               f"frequency: {tracking}, {frequencies}")
        row = ask("sources")[0]
        source = status["sources"][0]
        expect(row[:3] == ["^", source["state_letter"], server.ip4], f"sources: {row}")
        expect(int(row[3]) == source["stratum"], f"stratum of the source: {row}")
        expect(ask("sourcestats")[0][0] == server.ip4, "sourcestats")
        expect(ask("activity")[0] == ["1", "0", "0", "0", "0"], "activity")
    code, text, complaint = client.run(world.peer("chronyc", suite), "-h",
                                       client.private / "chronyd.sock", "waitsync", "3", "0.1")
    expect(code == 0, f"waitsync: {text}{complaint}")
    code, _, complaint = client.run(world.peer("chronyc", suite), "-h", "127.0.0.1", "makestep")
    expect(code != 0, "makestep by UDP is refused")


def test_chronyc_on_our_daemon(world):
    chronyc_on_our_daemon(world, "local")


def test_chronyc_of_trixie_on_our_daemon(world):
    chronyc_on_our_daemon(world, "trixie")


class Remote:
    """chronyc at a node's daemon."""

    def __init__(self, world, node, suite):
        self.node, self.path = node, node.private / "chronyd.sock"
        self.program = world.peer("chronyc", suite)
        world.until(self.path.exists, 10, "the daemon opens chronyc's socket")

    def rows(self, *words):
        code, text, complaint = self.node.run(self.program, "-n", "-c", "-h", self.path, *words)
        expect(code == 0, f"chronyc {' '.join(map(str, words))}: {text}{complaint}")
        return [line.split(",") for line in text.splitlines()]

    def says(self, *words):
        return self.node.run(self.program, "-n", "-h", self.path, *words)[1].strip()

    def source(self, address):
        """What our own --json says of a source; None: there is none."""
        return next((source for source in self.node.status()["sources"]
                     if source["address"] == address), None)


def chronyc_commands(world, suite):
    """Each command's effect, seen in our own --json and in the files."""
    first, second, client, asker = map(world.node, ("first", "second", "client", "asker"))
    for node in (first, second):
        node.chronyd(SERVER)
    for name in ("dump", "log", "sources"):
        (client.folder / name).mkdir()
    daemon = client.timevisord(f"""
server {first.ip4} {FAST}
allow
dumpdir {client.folder}/dump
logdir {client.folder}/log
log tracking measurements
sourcedir {client.folder}/sources
bindcmdaddress {client.private}/chronyd.sock
""")
    remote = Remote(world, client, suite)
    expect(remote.says("waitsync", "20", "0.1", "0", "1").startswith("try: "), "waitsync")
    follows(client)

    expect(remote.says("add", "server", second.ip4, "minpoll", "0", "iburst") == "200 OK", "add")
    world.until(lambda: remote.source(second.ip4)["ntp"]["total_good"] > 3, 10, "it is measured")
    expect([row[2] for row in remote.rows("sources")] == [first.ip4, second.ip4], "two sources")
    expect(remote.says("offline", second.ip4) == "200 OK", "offline")
    expect(not remote.source(second.ip4)["online"], "it is offline")
    expect(remote.rows("activity") == [["1", "1", "0", "0", "0"]], "activity")
    quiet = remote.source(second.ip4)["ntp"]["total_tx"]
    time.sleep(2.5)
    expect(remote.source(second.ip4)["ntp"]["total_tx"] == quiet, "nothing is sent")
    expect(remote.says("burst", "2/4", second.ip4) == "200 OK", "burst")
    world.until(lambda: remote.source(second.ip4)["ntp"]["total_tx"] > quiet, 5, "the burst goes")
    expect(remote.says("online", second.ip4) == "200 OK", "online")
    expect(remote.source(second.ip4)["online"], "it is online")
    if suite != "local":  # chronyc 4.3 does not know it
        expect(remote.says("selectopts", second.ip4, "+noselect") == "200 OK", "selectopts")
        world.until(lambda: remote.rows("selectdata")[1][0] == "N", 10, "it is not selected")
        expect("noselect" in remote.source(second.ip4)["options"], "its options")
    expect(remote.says("delete", second.ip4) == "200 OK", "delete")
    expect(remote.source(second.ip4) is None, "it is gone")
    expect(remote.says("delete", second.ip4).startswith("503"), "deleted twice")

    steps = client.status()["tracking"]["steps"]
    expect(remote.says("makestep") == "200 OK", "makestep")
    expect(client.status()["tracking"]["steps"] == steps + 1, "the clock was stepped")

    (client.folder / "sources" / "a.sources").write_text(f"server {second.ip4} {FAST}\n")
    expect(remote.says("reload", "sources") == "200 OK", "reload")
    expect(remote.source(second.ip4), "the new source is there")
    expect(remote.source(first.ip4)["ntp"]["total_good"] > 3, "the old one has lost nothing")
    (client.folder / "sources" / "a.sources").unlink()
    expect(remote.says("reload", "sources") == "200 OK", "reload")
    expect(remote.source(second.ip4) is None, "it has gone again")

    expect(remote.says("refresh") == "200 OK", "refresh")
    expect(remote.says("dump") == "200 OK", "dump")
    dumped = (client.folder / "dump" / f"{first.ip4}.dat").read_text()
    expect(dumped.startswith("SRC0"), dumped[:40])
    moved = client.folder / "log" / "moved"
    (client.folder / "log" / "measurements.log").rename(moved)
    expect(remote.says("cyclelogs") == "200 OK", "cyclelogs")
    world.until((client.folder / "log" / "measurements.log").exists, 10, "a new log is written")

    asker.chronyd(f"server {client.ip4} {FAST}")
    world.until(lambda: any(row[0] == asker.ip4 and int(row[1]) > 3
                            for row in remote.rows("clients")), 20, "clients")
    expect(int(remote.rows("serverstats")[0][0]) > 3, "serverstats")
    expect(remote.says("rtcdata").startswith("513"), "rtcdata without a driver")
    expect(remote.says("deny", asker.ip4) == "200 OK", "deny")
    expect(remote.says("accheck", asker.ip4).startswith("209"), "accheck")
    expect(daemon.alive(), "the daemon lives")
    expect(remote.says("shutdown") == "200 OK", "shutdown")
    world.until(lambda: not daemon.alive(), 10, "the daemon ends")
    expect(daemon.popen.returncode == 0, f"exit status {daemon.popen.returncode}")


def test_chronyc_commands(world):
    chronyc_commands(world, "local")


def test_chronyc_commands_of_trixie(world):
    chronyc_commands(world, "trixie")
