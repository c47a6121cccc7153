"""Beside a real chronyd (with -x: the clock is not ours): what timevisord asks it for after a
disruption, what it answers, and what timevisord says where it may not ask or nobody is there."""
import re
import signal

from cases import FAST, SERVER, chronyc, follows
from world import expect


def assist(world, node, configuration, *options):
    """timevisord beside the node's chronyd; the file that it returns suspends the machine, as far
    as the daemon can tell."""
    suspended = node.file("suspended", "0\n")
    daemon = node.timevisord(f"mode assist\nchronydsocket {node.private}/chronyd.sock\n" + configuration,
                             *options, under=["env", f"LD_PRELOAD={world.keepclock}",
                                              f"VISOR_SUSPENDED={suspended}"])
    return daemon, suspended


def assisted(node):
    return node.status()["assist"]


def is_ready(node):
    return assisted(node)["state"] == "ready"


def correction(node):
    """By chronyd's own word, s: + where its clock is slow."""
    return float(chronyc(node, "tracking")[0][4])


def test_assist_asks_chronyd_after_a_disruption(world):
    """Our source says what chronyd's own does not, so that it shows whose word chronyd took."""
    server, client = world.node("server"), world.node("client")
    server.chronyd(SERVER)
    peer = client.chronyd(f"server {server.ip4} iburst\n")
    world.until((client.private / "chronyd.sock").exists, 5, "chronyd opens its socket")
    daemon, suspended = assist(world, client, f"server {server.ip4} {FAST} offset 4\nmakestep 1 -1\n")
    code, text, _ = client.timevisor("wait", "--limit", "10s", "--timeout", "60")
    expect(code == 0, f"timevisor wait: {text}")
    world.until(lambda: chronyc(client, "sources")[0][1] == "*" and is_ready(client), 30,
                "chronyd follows its source, and answers us")
    status = client.status()
    expect(status["mode"] == "assist" and not status["clock_settable"], "the mode is assist")
    expect(assisted(client)["asked"] == [], "without a disruption nothing is asked for")
    expect(abs(correction(client)) < 0.1, "and chronyd goes by its own measurements")
    epoch = status["tracking"]["epoch"]

    suspended.write_text("60\n")
    asked = world.until(lambda: [each for each in assisted(client)["asked"] if each["what"] == "makestep"],
                        30, "chronyd is asked to step its clock")
    expect(asked[0]["answer"] == "failed", f"with -x it cannot: {asked}")
    asked = {each["what"]: each for each in assisted(client)["asked"]}
    for what in ("reset sources", "burst", "doffset"):
        expect(asked[what]["answer"] == "OK", f"{what}: {asked[what]}")
    expect(abs(abs(asked["doffset"]["offset_s"]) - 4) < 0.1, str(asked["doffset"]))
    sign = 1 if asked["doffset"]["offset_s"] < 0 else -1
    said = [float(number) for number in re.findall("Accumulated delta offset of (\\S+) s", peer.text())]
    expect(said and abs(said[0] - sign * 4) < 0.1, f"chronyd does not say so: {said}")
    expect("Could not step system clock" in peer.text(), "it was not asked to step")
    status = client.status()
    expect(status["tracking"]["epoch"] > epoch, "another epoch")
    expect(status["tracking"]["steps"] == 0, "nothing was stepped by us")
    expect("online" not in asked, "its offline sources are left alone, since all was well at once")
    for line in ("Asked chronyd to forget what it has measured (reset sources): OK",
                 "Asked chronyd to measure at once (burst): OK",
                 "Asked chronyd to step its clock there at once (makestep): failed"):
        expect(line in daemon.text(), line)
    for command in ("status", "events"):
        _, text, _ = client.timevisor(command)
        expect("reset sources: OK, refresh: OK, burst: OK, doffset" in text, f"{command}: {text}")
    world.until(lambda: chronyc(client, "sources")[0][1] == "*", 60, "chronyd has measured anew")
    world.until(lambda: assisted(client)["synchronized"], 30, "which it says to us")


def test_assist_asks_the_sources_of_chronyd(world):
    servers = [world.node(f"server{i}") for i in range(2)]
    client = world.node("client")
    for server in servers:
        server.file("keys", "1 SHA1 HEX:6162636465666768696a6b6c6d6e6f7071727374\n")
        server.chronyd(SERVER + f"keyfile {server.folder}/keys\n")
    client.file("keys", "1 SHA1 HEX:6162636465666768696a6b6c6d6e6f7071727374\n")
    client.chronyd(f"server {servers[0].ip4} iburst\nserver {servers[1].ip4} iburst key 1\n"
                   f"keyfile {client.folder}/keys\n")
    daemon, _ = assist(world, client, "")
    follows(client, 60)
    sources = client.status()["sources"]
    expect([each["address"] for each in sources] == [servers[0].ip4], str(sources))
    world.until(lambda: f"chronyd authenticates {servers[1].ip4}" in daemon.text(), 90,
                "a source that is authenticated is not taken over")
    # neither its ports nor its socket are ours
    rows = chronyc(client, "tracking")
    expect(rows[0][1] in [server.ip4 for server in servers], f"chronyc reaches chronyd: {rows}")


def test_assist_while_chronyd_is_away(world):
    server, client = world.node("server"), world.node("client")
    server.chronyd(SERVER)
    configuration = f"server {server.ip4} iburst\n"
    peer = client.chronyd(configuration)
    daemon, suspended = assist(world, client, f"server {server.ip4} {FAST}\n")
    follows(client)
    world.until(lambda: is_ready(client), 20, "chronyd answers")
    peer.stop(signal.SIGKILL)
    suspended.write_text("60\n")
    world.until(lambda: assisted(client)["state"] == "absent", 20, "it is found to be away")
    world.until(lambda: "Recovered: " in daemon.text(), 20, "a disruption meanwhile")
    follows(client)  # observing, as before
    expect("No chronyd answers at" in daemon.text() and "start it" in daemon.text(), daemon.text())
    _, text, _ = client.timevisor("status")
    expect("does not answer at" in text, text)
    client.chronyd(configuration)
    world.until(lambda: is_ready(client), 40, "it is back")
    world.until(lambda: any(each["what"] == "reset sources" and each["answer"] == "OK"
                            for each in assisted(client)["asked"]), 10, "and told what it missed")
    expect(daemon.alive(), "the daemon goes on")


def test_assist_without_the_right_to_ask(world):
    server, client = world.node("server"), world.node("client")
    server.chronyd(SERVER)
    client.chronyd(f"server {server.ip4} iburst\n")
    client.folder.chmod(0o777)
    daemon, _ = assist(world, client, f"server {server.ip4} {FAST}\n", "-u", "nobody")
    follows(client)
    world.until(lambda: assisted(client)["state"] == "refused", 10, "it may not ask")
    expect(re.search(r"chronyd cannot be asked at \S+ \(Permission denied\): run timevisord as root, "
                     "or with -u", daemon.text()), daemon.text())
    _, text, _ = client.timevisor("status")
    expect("cannot be asked at" in text, text)
