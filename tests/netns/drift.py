"""timevisor drift: other machines' clocks against references, and who is told."""
import json
import os

from cases import SERVER
from world import expect


def drift(node, *options):
    code, text, complaint = node.run(node.world.timevisor, "drift", "--timeout", "4s", *options)
    expect(text, f"drift: {code} {complaint}")
    return code, text


def test_drift_of_other_machines(world):
    servers = [world.node("one"), world.node("two"), world.node("three")]
    client = world.node("client")
    for server in servers:
        server.chronyd(SERVER)
    against = ["--against", ",".join(server.ip4 for server in servers)]
    ssh = client.file("ssh", "#!/bin/sh\nfor last; do :; done\nexec sh -c \"$last\"\n")
    late = client.file("late", "#!/bin/sh\nwhile read x; do echo $(($(date +%s%N) - 7000000000)); done\n")
    coarse = client.file("coarse", "#!/bin/sh\nwhile read x; do date +%sN; done\n")
    for program in (ssh, late, coarse):
        program.chmod(0o755)
    world.until(lambda: drift(client, *against)[0] == 0, 20, "the servers agree that this clock is right")

    code, text = drift(client, "--json", "--ssh", str(ssh), *against, "here", "db1", "ntp:" + servers[0].ip6)
    found = json.loads(text)
    expect(code == 0 and found["agreeing"] == 3, text)
    for machine in found["machines"]:
        error, doubt = machine["offset_s"], machine["uncertainty_s"]
        expect(machine["level"] == "fine" and abs(error) <= doubt < 0.5, text)

    expect([len(machine["zone"] or "") for machine in found["machines"]] == [5, 5, 0], "zones, but by NTP: " + text)

    code, text = drift(client, "--json", "--ssh", str(late), *against, "db1")
    late = json.loads(text)["machines"][0]
    expect(code == 2 and late["level"] == "red", f"{code} {text}")
    expect(abs(late["offset_s"] - 7) <= late["uncertainty_s"] < 1, text)
    code, text = drift(client, "--ssh", str(coarse), "--limit", "100ms", *against, "db1")
    expect(code == 3 and "too vaguely" in text, f"{code} {text}")
    code, text = drift(client, "--ssh", "/bin/false", *against, "db1", "here")
    expect(code == 3 and "ssh gives no time" in text, f"{code} {text}")
    code, text = drift(client, "--against", servers[0].ip4 + ",10.99.0.250")
    expect(code == 0, f"one of two has answered: {code} {text}")
    expect("no reply from its UDP port 123" in text or "cannot be asked" in text, text)


def test_drift_tells_of_changes_only(world):
    server, client = world.node("server"), world.node("client")
    server.chronyd(SERVER)
    folder = client.folder
    client.file("sendmail", f"#!/bin/sh\ncat >>{folder}/mail\n").chmod(0o755)
    client.file("curl", f"#!/bin/sh\necho \"$@\" >>{folder}/words; cat >>{folder}/posted; echo >>{folder}/posted\n"
                ).chmod(0o755)
    client.file("ssh", f"#!/bin/sh\nwhile read x; do echo $(($(date +%s%N) - $(cat {folder}/late))); done\n"
                ).chmod(0o755)
    client.file("late", "8000000000")
    world.until(lambda: drift(client, "--against", server.ip4)[0] == 0, 20, "the server is right")
    process = client.start("drift", world.timevisor, "drift", "--against", server.ip4, "--watch=0.3s",
                           "--rounds", "12", "--ssh", folder / "ssh", "--mail", "ops@example.com",
                           "--webhook", "https://example.com/hook", "--json", "db1",
                           env={"PATH": f"{folder}:{os.environ['PATH']}"})
    world.until(lambda: (folder / "posted").exists(), 20, "the web hook is told")
    client.file("late", "0")
    world.until(lambda: not process.alive(), 60, "the rounds end")
    posted = [json.loads(line) for line in (folder / "posted").read_text().splitlines()]
    expect([one["level"] for one in posted] == ["red", "fine"], str(posted))
    expect("behind" in posted[0]["text"] and posted[0]["name"] == "db1", str(posted))
    expect("https://example.com/hook" in (folder / "words").read_text(), "the URL")
    mail = (folder / "mail").read_text()
    expect(mail.count("To: ops@example.com") == 2 and "behind" in mail, mail)
    expect(process.popen.returncode == 0, process.text())
