"""The tests: one function each, named after what it shows."""
import time

from world import expect

SERVER = """
local stratum 3
allow
"""
FAST = "iburst minpoll 0 maxpoll 2"


def follows(client, seconds=30, limit="5ms"):
    """Our client synchronises, and its error bound contains the true error, which is zero."""
    code, text, complaint = client.timevisor("wait", "--limit", limit, "--timeout", str(seconds))
    expect(code == 0, f"timevisor wait: {code} {text}{complaint}")
    for _ in range(3):
        status = client.status()
        tracking = status["tracking"]
        expect(tracking["trust"] == "synchronized", f"trust is {tracking['trust']}")
        error = abs(status["utc_ns"] - status["realtime_ns"])
        expect(error <= tracking["estimate_bound_ns"],
               f"error {error} ns, bound {tracking['estimate_bound_ns']} ns")
        if limit == "5ms":
            expect(error < 2_000_000, f"error {error} ns")
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
