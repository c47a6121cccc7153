"""The tests: one function each, named after what it shows."""
import json
import os
import pathlib
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

from world import Terminal, expect

SERVER = """
local stratum 3
allow
"""
FAST = "iburst minpoll 0 maxpoll 2"


def true_error(status):
    """(ns, how well it is known): the estimate against the kernel's clock, which is the truth here."""
    def read():
        before = time.clock_gettime_ns(time.CLOCK_MONOTONIC_RAW)
        real = time.clock_gettime_ns(time.CLOCK_REALTIME)
        return time.clock_gettime_ns(time.CLOCK_MONOTONIC_RAW) - before, before, real

    width, before, real = min(read() for _ in range(20))
    elapsed = before + width // 2 - status["raw_ns"]
    rate = status["tracking"]["frequency_ppm"] * 1e-6
    grown = abs(elapsed) * status["tracking"]["bound_growth_ppb"] * 1e-9
    return status["utc_ns"] + elapsed + round(elapsed * rate) - real, width + grown + 1000


def follows(client, seconds=30, limit="5ms"):
    """Our client synchronises, and its error bound contains the true error, which is zero."""
    code, text, complaint = client.timevisor("wait", "--limit", limit, "--timeout", str(seconds))
    expect(code == 0, f"timevisor wait: {code} {text}{complaint}")
    for _ in range(3):
        status = client.status()
        tracking = status["tracking"]
        expect(tracking["trust"] == "synchronized", f"trust is {tracking['trust']}")
        error, slack = true_error(status)
        expect(abs(error) <= tracking["estimate_bound_ns"] + slack,
               f"error {error} ns, bound {tracking['estimate_bound_ns']} ns")
        if limit == "5ms":
            expect(abs(error) < 2_000_000, f"error {error} ns")
        time.sleep(1)
    return client.status()


def client_on_chronyd(world, suite, family):
    server, client = world.node("server"), world.node("client")
    server.chronyd(SERVER, suite)
    address = server.ip4 if family == 4 else server.ip6
    client.timevisord(f"server {address} {FAST}", "-x")
    status = follows(client)
    expect(status["tracking"]["stratum"] == 4, "stratum is one more than the server's")
    expect(status["mode"] == "observe", "mode is observe")


def test_client_on_chronyd(world):
    client_on_chronyd(world, "local", 4)


def test_client_on_chronyd_by_ipv6(world):
    client_on_chronyd(world, "local", 6)


def test_client_on_chronyd_of_trixie(world):
    client_on_chronyd(world, "trixie", 4)


def test_client_on_chronyd_interleaved(world):
    server, client = world.node("server"), world.node("client")
    server.chronyd(SERVER)
    client.timevisord(f"server {server.ip4} {FAST} xleave", "-x")
    follows(client)
    world.until(lambda: client.status()["sources"][0]["ntp"]["interleaved"], 20,
                "replies are interleaved")


def ntpd_rs(node, address, server=False):
    """ntpd-rs as the client of an address and, if wished, a server itself."""
    listen = '[[server]]\nlisten = "0.0.0.0:123"\n' if server else ""
    return node.ntpd_rs(f"""
[observability]
log-level = "info"
observation-path = "{node.folder}/observe"
{listen}
[[source]]
mode = "server"
address = "{address}"
[synchronization]
minimum-agreeing-sources = 1
[source-defaults]
poll-interval-limits = {{ min = 4, max = 4 }}
""")


def test_client_on_ntpd_rs(world):
    root, server, client = world.node("root"), world.node("server"), world.node("client")
    root.chronyd(SERVER)
    ntpd_rs(server, root.ip4, server=True)
    client.timevisord(f"server {server.ip4} {FAST}", "-x")
    status = follows(client, 60, "50ms")  # ntpd-rs's own root dispersion
    expect(status["tracking"]["address"] == server.ip4, "it follows ntpd-rs")
    expect(status["tracking"]["stratum"] == 5, "ntpd-rs is at stratum 4")


def test_client_on_ntpsec(world):
    root, server, client = world.node("root"), world.node("server"), world.node("client")
    root.chronyd(SERVER)
    server.ntpsec(f"server {root.ip4} iburst minpoll 3 maxpoll 3\nrestrict default\n")
    client.timevisord(f"server {server.ip4} {FAST}", "-x")
    status = follows(client, 90, "1s")
    expect(status["tracking"]["stratum"] == 5, "NTPsec is at stratum 4")


def our_server(node, extra=""):
    return node.timevisord(f"local stratum 5\nallow\n{extra}")


def test_chronyd_on_our_server(world):
    server, client = world.node("server"), world.node("client")
    our_server(server)
    client.chronyd(f"server {server.ip4} {FAST}\nserver {server.ip6} {FAST}\n")
    chronyd_follows(world, client, [server.ip4, server.ip6])


def chronyc(node, *words, suite="local"):
    code, text, complaint = node.run(node.world.peer("chronyc", suite), "-n", "-c", "-h",
                                     node.private / "chronyd.sock", *words)
    expect(code == 0, f"chronyc {words}: {text} {complaint}")
    return [line.split(",") for line in text.splitlines()]


def chronyd_follows(world, client, addresses):
    def rows():
        found = {row[2]: row for row in chronyc(client, "sources") if row[1] in "*+"}
        return found if all(address in found for address in addresses) else None

    world.until((client.private / "chronyd.sock").exists, 5, "chronyd opens its socket")
    for row in world.until(rows, 30, f"chronyd selects {addresses}").values():
        expect(abs(float(row[7])) < 2e-3, f"chronyd measures {row[7]} s")
        expect(row[3] == "5", f"chronyd sees stratum {row[3]}")


def test_chronyd_on_our_server_interleaved(world):
    server, client = world.node("server"), world.node("client")
    our_server(server)
    client.chronyd(f"server {server.ip4} {FAST} xleave\n")
    chronyd_follows(world, client, [server.ip4])

    def interleaved():
        row = chronyc(client, "ntpdata", server.ip4)[0]
        return "Yes" in row or "Y" in row

    world.until(interleaved, 20, "chronyd's replies are interleaved")


def test_ntpsec_on_our_server(world):
    server, client = world.node("server"), world.node("client")
    our_server(server)
    client.ntpsec(f"server {server.ip4} iburst minpoll 3 maxpoll 3\ntos mindist 0.001\n"
                  f"statsdir {client.folder}/\nfilegen peerstats file peerstats type none enable\n"
                  "statistics peerstats\n")

    def offset():
        path = client.folder / "peerstats"
        rows = [line.split() for line in path.read_text().splitlines()] if path.exists() else []
        rows = [row for row in rows if row[2] == server.ip4]
        return rows[-1] if len(rows) >= 4 else None

    row = world.until(offset, 60, "NTPsec measures our server four times")
    expect(abs(float(row[4])) < 2e-3, f"NTPsec measures {row[4]} s")


def test_ntpd_rs_on_our_server(world):
    server, client = world.node("server"), world.node("client")
    our_server(server)
    ntpd_rs(client, server.ip4)
    control = world.peer("ntp-ctl", "trixie")

    def line():
        _, text, _ = client.run(control, "-c", client.folder / "ntp.toml", "status")
        found = [row for row in text.splitlines() if server.ip4 in row]
        return found[0] if found and "±" in found[0] else None

    world.until(line, 40, "ntpd-rs measures our server")


def cause(world, source, words):
    """What `timevisor status` and `sources` say of a source that cannot answer."""
    client = world.nodes[0] if world.nodes else world.node("client")
    client.timevisord(f"server {source} {FAST}", "-x")

    def said():
        code, text, _ = client.timevisor("status")
        expect(code == 1, f"exit status {code} without any time: {text}")
        return words in text.splitlines()[0] and text

    text = world.until(said, 20, f"status says \"{words}\"")
    expect(text.startswith("This clock cannot be trusted: "), text)
    _, text, _ = client.timevisor("sources")
    return text


def test_status_says_that_dns_does_not_answer(world):
    client = world.node("client")
    world.etc(client, "resolv.conf", f"nameserver {client.ip4}\noptions timeout:1 attempts:1\n")
    client.run("ip", "route", "add", "default", "dev", "eth0")
    cause(world, "ntp.example", "ntp.example: its name cannot be resolved: the name servers do not")


def test_status_says_that_there_is_no_route(world):
    text = cause(world, "203.0.113.1", "this machine has no default route")
    expect("this machine has no default route" in text, text)


def test_status_says_that_port_123_does_not_reply(world):
    world.node("client")
    silent = world.node("silent")
    text = cause(world, silent.ip4, "no reply from port 123")
    expect("no reply from port 123 (asked" in text, text)


def test_exit_statuses_and_json(world):
    server, client = world.node("server"), world.node("client")
    server.chronyd(SERVER)
    code, _, complaint = client.timevisor("status")
    expect(code == 3 and "no daemon answers" in complaint, f"without a daemon: {code} {complaint}")
    code, _, _ = client.timevisor("wait", "--timeout", "0.5", "--quiet")
    expect(code == 3, f"wait without a daemon: {code}")
    code, _, complaint = client.timevisor("status", "--nonsense")
    expect(code == 2 and "Usage:" in complaint, f"wrong usage: {code}")
    client.timevisord(f"server {server.ip4} {FAST}", "-x")
    follows(client)
    code, text, _ = client.timevisor("status")
    expect(code == 0 and text.startswith("This clock is right to within ±"), text)
    expect("(synchronized, 1 of 1 sources agree)." in text, text)
    expect("\033" not in text, "no color where there is no terminal")
    code, _, _ = client.timevisor("status", "--limit", "1ns")
    expect(code == 1, "beyond the limit")
    code, text, _ = client.timevisor("sources")
    expect(code == 0 and text.splitlines()[1].startswith("*  " + server.ip4), text)


def test_respond_walks_through_the_steps(world):
    server, client = world.node("server"), world.node("client")
    server.chronyd(SERVER)
    client.timevisord(f"server {server.ip4} {FAST} offline\nserver 203.0.113.9 backup", "-x")

    def respond(answers, *options):
        words = " ".join(["respond", "--socket", str(client.folder / "control"), *options])
        return client.run("sh", "-c", f"printf '{answers}' | {world.programs['timevisor']} {words}")

    world.until(lambda: client.timevisor("status")[0] == 1, 20, "the daemon answers")
    code, text, _ = respond("", "--list", "--json")
    listed = json.loads(text)
    expect(code == 1 and not listed["right"], text)
    expect([step["verb"] for step in listed["steps"]] == ["online", None], text)
    code, text, _ = respond("n\\n")
    expect(code == 1 and "Use the sources that are offline? [y/N/q]" in text, text)
    expect("No source can be followed." in text, text)
    expect(client.status()["activity"]["offline"] == 2, "what was not wanted was not done")
    code, text, _ = respond("q\\n")
    expect(code == 1 and "No source can be followed." not in text, text)
    code, text, _ = respond("y\\n", "--timeout", "60s")
    expect(code == 0 and "This clock is right to within" in text, text)
    code, text, _ = respond("")
    expect(code == 0 and "Nothing is to be done." in text, text)


def test_observing_binds_nothing(world):
    server, client = world.node("server"), world.node("client")
    server.chronyd(SERVER)
    client.timevisord(f"mode observe\nserver {server.ip4} {FAST}\nallow\n")
    follows(client)
    _, text, _ = client.run("ss", "-H", "-l", "-u", "-n")
    bound = [line.split()[3] for line in text.splitlines()]
    expect(not any(address.endswith((":123", ":323")) for address in bound), str(bound))
    _, text, _ = client.run("ss", "-H", "-l", "-x")
    ours = [line for line in text.splitlines() if "timevisord" in line or "chrony" in line]
    expect(not any("/run/" in line for line in ours), str(ours))


def test_symmetric_peers_with_chronyd(world):
    server, ours, theirs = world.node("server"), world.node("ours"), world.node("theirs")
    server.chronyd(SERVER)
    # ours knows the time by the server, theirs only by us; and in the reverse direction it is heard
    ours.timevisord(f"server {server.ip4} {FAST}\npeer {theirs.ip4} minpoll 0 maxpoll 2 xleave\n")
    theirs.chronyd(f"peer {ours.ip4} minpoll 0 maxpoll 2 xleave\nport 123\n")
    follows(ours)
    world.until(lambda: "*" in [row[1] for row in chronyc(theirs, "sources")], 40,
                "chronyd follows its peer")

    def heard():
        peer = next(source for source in ours.status()["sources"] if source["kind"] == "peer")
        return peer["ntp"]["interleaved"] and peer["ntp"]["total_good"] > 3 and peer

    peer = world.until(heard, 40, "we hear our peer, in interleaved mode")
    expect(abs(peer["last_offset_s"]) < 0.01, f"by {peer['last_offset_s']} s")


def test_broadcasts_arrive(world):
    server, hearer = world.node("server"), world.node("hearer")
    server.run("ip", "addr", "add", "10.99.0.200/24", "broadcast", "10.99.0.255", "dev", "eth0")
    listener = hearer.start("listener", sys.executable, "-c", """
import socket, time
hole = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
hole.bind(("", 123))
for _ in range(3):
    data, peer = hole.recvfrom(100)
    print(time.time() + 2208988800 - int.from_bytes(data[40:48], "big") / 2**32, data[0] & 7, len(data),
          data[1], peer[1], flush=True)
""")
    server.timevisord("local stratum 3\nbroadcast 1 10.99.0.255\n")
    world.until(lambda: not listener.alive(), 20, "three packets are heard")
    for line in listener.text().splitlines():
        late, *rest = line.split()
        expect(rest == ["5", "48", "3", "123"] and 0 <= float(late) < 0.1, line)
    expect(len(listener.text().splitlines()) == 3, listener.text())


def test_ratelimit_on_a_real_client(world):
    server, polite, rude = (world.node(name) for name in ("server", "polite", "rude"))
    server.timevisord("local stratum 3\nallow\nratelimit interval 1 burst 2 leak 4 kod 1\n"
                      f"bindcmdaddress {server.private}/chronyd.sock\n")
    polite.chronyd(f"server {server.ip4} minpoll 2 maxpoll 2\n")
    client = rude.timevisord(f"server {server.ip4} minpoll -3 maxpoll -3 version 3\n", "-x")
    world.until((server.private / "chronyd.sock").exists, 10, "the daemon opens chronyc's socket")

    def drops(node):
        return sum(int(row[2]) for row in chronyc(server, "clients") if row[0] == node.ip4)

    world.until(lambda: drops(rude) > 3, 20, "the rude client is not always answered")
    expect(drops(polite) == 0, "the polite one is")
    world.until(lambda: f"Received KoD RATE from {server.ip4}" in client.text(), 20, "and told so")


def test_orphans_follow_the_one_with_the_least_address(world):
    nodes = [world.node(f"orphan{i}") for i in range(3)]
    daemons = [node.timevisord(
        "local stratum 8 orphan waitunsynced 2 distance 0.001\nallow\n" +
        "".join(f"peer {other.ip4} minpoll 0 maxpoll 0\n" for other in nodes if other is not node))
        for node in nodes]

    def follow(leader, others):
        """All others have selected the leader, who follows nobody."""
        chosen = [node.status()["tracking"] for node in others]
        return leader.status()["tracking"]["refid"] == "7F7F0101" and \
            all(each["address"] == leader.ip4 and each["stratum"] == 9 for each in chosen)

    world.until(lambda: follow(nodes[0], nodes[1:]), 60, "the first one leads")
    daemons[0].stop(signal.SIGKILL)
    world.until(lambda: follow(nodes[1], nodes[2:]), 90, "then the second one does")


def test_access_by_host_name(world):
    server, friend, stranger = (world.node(name) for name in ("server", "friend", "stranger"))
    world.etc(server, "hosts", f"127.0.0.1 localhost\n{friend.ip4} friend.example\n")
    world.etc(server, "resolv.conf", f"nameserver {server.ip4}\noptions timeout:1 attempts:1\n")
    daemon = server.timevisord("local stratum 3\nallow friend.example\nallow nobody.example\n")
    world.until(lambda: f"Allowed NTP access from {friend.ip4}" in daemon.text(), 10,
                "the name's address is allowed")
    for node in (friend, stranger):
        node.timevisord(f"server {server.ip4} {FAST}", "-x")
    follows(friend)
    expect(stranger.status()["sources"][0]["reach"] == 0, "nobody else is served")
    world.until(lambda: "Could not resolve nobody.example of 'allow'" in daemon.text(), 20,
                "a name without an address is complained of")


def test_failover_within_three_seconds(world):
    servers = [world.node(f"server{i}") for i in range(3)]
    client = world.node("client")
    for server in servers:
        server.chronyd(SERVER)
    client.timevisord("\n".join(f"server {server.ip4} iburst minpoll 0 maxpoll 0"
                                for server in servers), "-x")
    follows(client)
    time.sleep(5)
    chosen = client.status()["tracking"]["address"]
    victim = next(server for server in servers if server.ip4 == chosen)
    victim.processes[0].stop(signal.SIGKILL)
    # 3 s from the first request that stays unanswered, which may be sent a poll after the death
    world.until(lambda: client.status()["tracking"]["address"] not in (None, chosen), 4.0,
                f"another source than {chosen} is followed")
    follows(client)


KEYS = """
1 MD5 HEX:6162636465666768696a6b6c6d6e6f70
2 SHA1 HEX:6162636465666768696a6b6c6d6e6f7071727374
3 SHA256 HEX:6162636465666768696a6b6c6d6e6f70
4 AES128 HEX:6162636465666768696a6b6c6d6e6f70
"""


def test_keys_with_chronyd_both_ways(world):
    ours, theirs, wrong = world.node("ours"), world.node("theirs"), world.node("wrong")
    for node in (ours, theirs):
        node.file("keys", KEYS)
    wrong.file("keys", KEYS.replace("6162", "6163"))
    theirs.chronyd(SERVER + f"keyfile {theirs.folder}/keys\n")
    ours.timevisord("allow\nlocal stratum 8\n" + f"keyfile {ours.folder}/keys\n" +
                    f"server {theirs.ip4} {FAST} key 4\nserver {theirs.ip6} {FAST} key 3\n")
    follows(ours)
    world.until(lambda: all(source["ntp"]["total_good"] > 2 and source["authenticated"]
                            for source in ours.status()["sources"]), 20, "both keys are good")
    wrong.timevisord(f"keyfile {wrong.folder}/keys\nserver {theirs.ip4} {FAST} key 4\n", "-x")
    client = world.node("client")
    client.file("keys", KEYS)
    client.chronyd(f"keyfile {client.folder}/keys\nserver {ours.ip4} {FAST} key 1\n"
                   f"server {ours.ip6} {FAST} key 2\n")
    world.until((client.private / "chronyd.sock").exists, 5, "chronyd opens its socket")
    world.until(lambda: sum(row[1] in "*+" for row in chronyc(client, "sources")) == 2, 30,
                "chronyd takes our keyed replies")
    expect(wrong.status()["tracking"]["trust"] == "unknown", "a wrong key is not believed")


# One request from each of COUNT addresses after the FIRST of a routed network, 64 at a time, and
# another to those whose answer a busy machine has dropped; prints how many were answered.
ASK_FROM_MANY = """
import socket, struct, sys
server, first, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
asking = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
asking.setsockopt(socket.IPPROTO_IPV6, 78, 1)  # IPV6_FREEBIND
asking.bind(("::", 0))
asking.settimeout(5)
asking.sendto(bytes([0x23]) + bytes(47), (server, 123))  # finds the neighbour
asking.recv(100)
asking.settimeout(0.2)
asking.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
network = socket.inet_pton(socket.AF_INET6, "fd98::")[:12]
answers = 0
for at in range(first, first + count, 64):
    waiting = set(range(at, min(at + 64, first + count)))
    answers += len(waiting)
    for attempt in range(5):
        for number in waiting:
            info = network + struct.pack("!I", number) + struct.pack("i", 0)
            asking.sendmsg([bytes([0x23]) + bytes(47)],
                           [(socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, info)], 0, (server, 123))
        try:
            while waiting:
                packet, ancillary, _, _ = asking.recvmsg(100, 64)
                if len(packet) == 48:
                    waiting.discard(struct.unpack("!I", ancillary[0][2][12:16])[0])
        except TimeoutError:
            pass
    answers -= len(waiting)
print(answers)
"""


def test_memory_with_100000_client_addresses(world):
    server, client = world.node("server"), world.node("client")
    daemon = our_server(server)
    client.run("ip", "-6", "route", "add", "local", "fd98::/96", "dev", "lo")
    server.run("ip", "-6", "route", "add", "fd98::/96", "via", client.ip6)

    def ask(first, count):
        code, text, complaint = client.run("python3", "-c", ASK_FROM_MANY, server.ip6, first, count)
        expect(code == 0, complaint[-400:])
        expect(int(text) == count, f"{text.strip()} of {count} were answered")
        status = pathlib.Path(f"/proc/{daemon.popen.pid}/status").read_text()
        return int(re.search(r"^VmRSS:\s+(\d+)", status, re.M)[1])

    before = ask(1, 20000)
    after = ask(20001, 80000)
    expect(after <= before + 64, f"resident memory went from {before} to {after} kB")


# Asks again and again, every other time with the key; prints the answers, and those whose transmit time is later than
# their arrival by this machine's clock, which the server serves.
ASK_WHEN_IT_LEFT = """
import hashlib, socket, struct, sys
server, key, asked = sys.argv[1], bytes.fromhex(sys.argv[2]), int(sys.argv[3])
asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
asking.setsockopt(socket.SOL_SOCKET, 35, 1)  # SO_TIMESTAMPNS
asking.settimeout(5)
answers = early = 0
for number in range(asked):
    request = bytes([0x23]) + bytes(47)
    if number % 2:
        request += struct.pack("!I", 1) + hashlib.md5(key + request).digest()
    asking.sendto(request, (server, 123))
    packet, ancillary, _, _ = asking.recvmsg(100, 64)
    seconds, fraction = struct.unpack("!II", packet[40:48])
    left = (seconds - 2208988800) * 10**9 + (fraction * 10**9 >> 32)
    arrived, rest = struct.unpack("ll", ancillary[0][2])
    answers += len(packet) == len(request)
    early += left > arrived * 10**9 + rest
print(answers, early)
"""


def test_no_reply_claims_to_leave_after_it_arrives(world):
    server = world.node("server")
    server.file("keys", "1 MD5 HEX:6162636465666768696a\n")
    our_server(server, f"keyfile {server.folder}/keys\n")
    code, text, complaint = server.run("python3", "-c", ASK_WHEN_IT_LEFT, "127.0.0.1", "6162636465666768696a", 400)
    expect(code == 0, complaint[-400:])
    expect(text.split() == ["400", "0"], f"of 400 requests so many were answered, and by times to come: {text}")


def test_the_daemon_under_valgrind(world):
    server, client = world.node("server"), world.node("client")
    server.chronyd(SERVER)
    daemon = client.timevisord(f"""
server {server.ip4} {FAST}
server {server.ip6} {FAST} xleave
allow
bindcmdaddress {client.private}/chronyd.sock
sourcedir {client.folder}/sources.d
""", "-x", "-F", "0", under=["valgrind", "-q", "--error-exitcode=9", "--leak-check=full",
                             "--errors-for-leak-kinds=definite,indirect,possible"])
    follows(client, 60, "1s")
    for words in (["tracking"], ["sources"], ["sourcestats"], ["selectdata"], ["ntpdata"],
                  ["activity"], ["serverstats"], ["clients"], ["authdata"], ["offline"],
                  ["online"], ["burst", "1/2"], ["reselect"], ["refresh"], ["reload", "sources"],
                  ["add", "server", server.ip4, "port", "1123"], ["delete", server.ip4]):
        client.run(client.world.peer("chronyc"), "-n", "-h", client.private / "chronyd.sock", *words)
    time.sleep(3)
    code = daemon.stop()
    expect(code == 0, f"exit status {code}: {daemon.text()[-800:]}")


def test_watch_on_a_terminal(world):
    server, client = world.node("server"), world.node("client")
    server.chronyd(SERVER)
    client.timevisord(f"server {server.ip4} {FAST}", "-x")
    follows(client)
    terminal = Terminal(client.words([world.timevisor, "watch", "--interval", "200ms", "--socket",
                                      client.folder / "control"]), 100, 30)
    try:
        first = world.until(terminal.frame, 10, "a first picture")
        expect("This clock is right to within" in first, first)
        expect(server.ip4 in first and "Clocksource" in first, first)
        expect(all(len(line) <= 100 for line in first.split("\n")), "nothing is wider than 100")
        terminal.resize(40, 10)
        world.until(lambda: len(terminal.frame().split("\n")) <= 10
                    and all(len(line) <= 40 for line in terminal.frame().split("\n")), 5,
                    "the picture follows the window")
        expect("Clocksource" not in terminal.frame(), "the window is too small")

        def below():
            terminal.type("j\033[B")
            return "Clocksource" in terminal.frame()

        world.until(below, 15, "the arrows move the picture")
        terminal.type("k" * 99)
        world.until(lambda: "This clock" in terminal.frame(), 5, "and back")
        terminal.type("q")
        expect(terminal.wait(5) == 0, "q ends it")
        expect(terminal.raw.endswith(b"\033[?25h\033[?1049l"), "the terminal is given back")
        expect(terminal.restored(), "with its settings")
    finally:
        terminal.close()


def test_a_recording_replays_to_the_same_decisions(world):
    """`record FILE` with real peers, then every action again, bit for bit; a changed byte is seen."""
    servers = [world.node(f"server{i}") for i in range(3)]
    client = world.node("client")
    for server in servers:
        server.chronyd(SERVER)
    record = client.folder / "record"
    daemon = client.timevisord(f"record {record}\n" + "\n".join(
        f"server {server.ip4} {FAST}" for server in servers))
    follows(client)
    servers[0].processes[0].stop(signal.SIGKILL)
    time.sleep(8)
    client.status()
    expect(daemon.stop() == 0, "the daemon ends well")
    code, text, complaint = client.run(world.timevisor, "sim", "--replay", record)
    expect(code == 0, f"replay: {code} {text}{complaint}")
    data = record.read_bytes()
    expect(len(data) > 10000, f"{len(data)} bytes of recording")
    differ = 0
    for place in range(1, 11):
        changed = bytearray(data)
        changed[len(data) * place // 11] ^= 1
        record.write_bytes(changed)
        differ += client.run(world.timevisor, "sim", "--replay", record)[0] != 0
    expect(differ > 0, "no change of a recording is seen")


GPTP = """
gmCapable 1
logAnnounceInterval 0
logSyncInterval -3
syncReceiptTimeout 3
min_neighbor_prop_delay -20000000
neighborPropDelayThresh 20000000
assume_two_step 1
path_trace_enabled 1
follow_up_info 1
transportSpecific 0x1
ptp_dst_mac 01:80:C2:00:00:0E
network_transport L2
delay_mechanism P2P
"""


def ptp_by_shm(world, profile):
    """A grandmaster, and a ptp4l that tells our daemon through shared memory what it measures. Both
    are this machine's clock: whatever the daemon believes must be zero within its bound."""
    master, slave = world.node("master"), world.node("slave")
    unit = 1000 + os.getpid() % 100000 * 10 + int(master.namespace.split("-")[1])
    master.ptp4l(profile + "\npriority1 10\n")
    ptp = slave.ptp4l(profile + "\npriority1 255\nclock_servo ntpshm\n"
                      f"ntpshm_segment {unit}\n")
    try:
        world.until(lambda: " rms " in ptp.text() or not ptp.alive(), 40,
                    "ptp4l measures the grandmaster")
        expect(ptp.alive(), "ptp4l has ended: " + ptp.text()[-400:])
        slave.timevisord(f"refclock SHM {unit} refid PTP poll 1 dpoll -1 delay 1e-3\n")
        status = follows(slave)
        source = status["sources"][0]
        expect(source["kind"] == "refclock" and source["name"] == "PTP", str(source))
        expect(status["tracking"]["stratum"] == 1, "a reference clock of stratum 0")
        ptp.stop(signal.SIGKILL)
        world.until(lambda: slave.status()["tracking"]["trust"] == "holdover", 60,
                    "holdover without the clock")
        error = abs(status["utc_ns"] - status["realtime_ns"])
        expect(error < 1_000_000, f"error {error} ns")
    finally:
        subprocess.run(["ipcrm", "-M", str(0x4e545030 + unit)], check=False,
                       stdin=subprocess.DEVNULL, capture_output=True)


class Sender(threading.Thread):
    """A program that has a clock, as gpsd hands over its own: a datagram a second, and nonsense between."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.path, self.sent, self.refused, self.ends = path, 0, 0, threading.Event()

    def run(self):
        out = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        while not self.ends.wait(0.5):
            seconds, rest = divmod(time.time_ns(), 1_000_000_000)
            good = struct.pack("=qqdiiii", seconds, rest // 1000, 0.0, 0, 0, 0, 0x534f434b)
            for datagram in (good, b"", good[:-1], good + b"x", good[:-4] + bytes(4), os.urandom(40),
                             struct.pack("=qqdiiii", seconds, 0, float("nan"), 0, 0, 0, 0x534f434b)):
                try:
                    out.sendto(datagram, str(self.path))
                    self.sent += datagram is good
                except OSError:
                    self.refused += 1


def test_samples_in_datagrams(world):
    """SOCK: what fits is followed, what does not is left out, who sends may be there first, and last."""
    node = world.node("gps")
    path = node.folder / "gps.sock"
    sender = Sender(path)
    sender.start()
    configuration = f"refclock SOCK {path} refid GPS poll 1 delay 1e-3\n"
    try:
        world.until(lambda: sender.refused > 0, 5, "the sender is first")
        daemon = node.timevisord(configuration)
        status = follows(node)
        source = status["sources"][0]
        expect(source["kind"] == "refclock" and source["name"] == "GPS", str(source))
        expect(status["tracking"]["stratum"] == 1, "a reference clock of stratum 0")
        daemon.stop()
        expect(not path.exists(), "the socket is removed")
        node.file("gps.sock", "")
        daemon = node.timevisord(configuration)
        world.until(lambda: "GPS cannot be read" in daemon.text(), 10, "the trouble is told")
        expect("is no socket; remove it" in daemon.text(), daemon.text()[-400:])
        expect(path.exists() and daemon.alive(), "it is left where it is: " + daemon.text()[-400:])
        path.unlink()
        follows(node, 60)
    finally:
        sender.ends.set()
    world.until(lambda: node.status()["tracking"]["trust"] == "holdover", 60,
                "holdover without samples")


def test_ptp4l_by_shared_memory(world):
    ptp_by_shm(world, "delay_mechanism E2E\nlogSyncInterval -2\nlogMinDelayReqInterval -2\n")


def test_ptp4l_of_gptp_by_shared_memory(world):
    ptp_by_shm(world, GPTP)
