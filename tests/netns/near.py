"""The heartbeat of near sources, counted by whom they ask."""
import time

from world import expect

# Answers as a server of stratum 1, or, from a request on, with a kiss-o'-death; when each request came.
ANSWER_AND_COUNT = """
import socket, struct, sys, time
kiss_from = int(sys.argv[1])
asked = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
asked.bind(("0.0.0.0", 123))
def stamp():
    now = time.time_ns()
    return struct.pack("!II", (now // 10**9 + 2208988800) % 2**32, (now % 10**9 << 32) // 10**9)
number = 0
while True:
    request, client = asked.recvfrom(1024)
    came, number = stamp(), number + 1
    kissed = number >= kiss_from
    head = bytes([0xe4 if kissed else 0x24, 0 if kissed else 1, request[2], 0xe9]) + bytes(8)
    asked.sendto(head + (b"RATE" if kissed else b"PPS\\0") + came + request[40:48] + came + stamp(), client)
    print(time.monotonic(), "kiss" if kissed else "-", flush=True)
"""


def asked(server):
    """[(when, kissed)] of all requests so far."""
    lines = [line.split() for line in server.text().split("\n")[:-1]]
    return [(float(when), kissed == "kiss") for when, kissed in lines]


def count(world, options, enough, kiss_from=10**9):
    server, client = world.node("server"), world.node("client")
    counting = server.start("count", "python3", "-c", ANSWER_AND_COUNT, kiss_from)
    client.timevisord(f"server {server.ip4} minpoll 6 maxpoll 6 iburst {options}", "-x")
    world.until(lambda: enough(asked(counting)), 60, "requests enough")
    return asked(counting)


def lasts(seconds):
    """Beyond the first burst."""
    return lambda all: len(all) > 3 and time.monotonic() - all[3][0] > seconds


def test_a_near_source_is_asked_once_a_second(world):
    later = count(world, "near", lasts(20))[4:]
    expect(14 <= len(later) <= 22, f"{len(later)} requests in 20 s")


def test_without_near_it_is_asked_by_its_poll_interval(world):
    later = count(world, "", lasts(20))[4:]
    expect(len(later) <= 3, f"{len(later)} requests in 20 s")


def test_a_kiss_ends_the_heartbeat(world):
    def is_over(all):
        kisses = [when for when, kissed in all if kissed]
        return kisses and time.monotonic() - kisses[0] > 20

    kisses = [when for when, kissed in count(world, "near", is_over, 16) if kissed]
    expect(len(kisses) <= 2, f"{len(kisses)} requests in the 20 s after a kiss-o'-death")
