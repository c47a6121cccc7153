"""The truth: the host asks each guest's probe for its time, forty times a second.

A reading was taken after its question left and before its answer came, so the guest's error lies in a
known interval; its width is what the link and the emulation cost. Nothing is asked while a guest
stands still: a question that waits tells nothing of when it was read.
"""
import selectors
import socket
import threading
import time
from dataclasses import dataclass

PORT = 9999
PERIOD_S = 0.025
SYNCHRONIZED, HOLDOVER = 1, 2  # timevisor.h
WAIT_NS = 10**9  # an answer that takes longer tells nothing


@dataclass
class Reading:
    """ns, on the host's clock where nothing else is said."""
    asked: int
    came: int
    real: int  # guest's CLOCK_REALTIME
    raw: int   # guest's CLOCK_MONOTONIC_RAW
    unsynchronised: bool
    maxerror: int
    unsynchronised_at: int  # raw; 0: never
    synchronised_at: int
    stepped_at: int
    now_status: int  # what timevisor_now() says
    earliest: int
    latest: int
    left_at: int  # raw; of its last change to no interval, and to synchronized
    back_at: int
    epoch: int
    unsynchronised_ns: int  # in all; of the kernel, and of timevisor_now()
    away_ns: int
    late: int  # how much later than it wished the probe ran, in all
    processor: int

    def shift(self, ns):
        """The guest's world is so much further on than the host."""
        self.real, self.earliest, self.latest = (t - ns for t in (self.real, self.earliest, self.latest))

    @property
    def at(self):
        return (self.asked + self.came) // 2

    @property
    def low(self):
        return self.real - self.came

    @property
    def high(self):
        return self.real - self.asked

    @property
    def error(self):
        return (self.low + self.high) // 2

    def host_time(self, raw):
        """Of a moment on the guest's counter, which has not stood still since."""
        return self.at - (self.raw - raw)

    def false(self):
        """Does the kernel promise a time that the true one certainly lies outside of?"""
        return not self.unsynchronised and (self.low > self.maxerror or self.high < -self.maxerror)

    def bounded(self):
        """Does timevisor_now() give an interval?"""
        return self.now_status in (SYNCHRONIZED, HOLDOVER)

    def outside(self):
        """One that the true time certainly lies outside of?"""
        return self.bounded() and (self.latest < self.asked or self.earliest > self.came)


class Watch(threading.Thread):
    def __init__(self):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.readings, self.asked, self.muted, self.shifts = {}, {}, {}, {}
        self.number, self.ending = 0, False
        self.lock = threading.Lock()

    def add(self, guest):
        with self.lock:
            self.readings[guest.address], self.muted[guest.address] = [], False
            self.shifts[guest.address] = 0

    def mute(self, guest, quiet):
        with self.lock:
            self.muted[guest.address] = quiet
            self.asked = {key: value for key, value in self.asked.items()
                          if value[1] != guest.address}

    def shift(self, guest, ns):
        """So much further on than the host is the world of this guest from now on."""
        with self.lock:
            self.shifts[guest.address] = ns

    def of(self, guest):
        with self.lock:
            return list(self.readings[guest.address])

    def last(self, guest):
        with self.lock:
            return (self.readings[guest.address] or [None])[-1]

    def _ask(self, turn):
        for address in [name for name, quiet in self.muted.items() if not quiet]:
            self.number += 1
            words = f"{self.number}{' c' if turn % 40 == 0 else ''}"
            self.asked[self.number] = (time.time_ns(), address)
            try:
                self.socket.sendto(words.encode(), (address, PORT))
            except OSError:
                pass  # its address is not known yet
        if len(self.asked) > 10000:
            old = time.time_ns() - WAIT_NS
            self.asked = {key: value for key, value in self.asked.items() if value[0] > old}

    def _take(self):
        try:
            data, _ = self.socket.recvfrom(1024)
        except OSError:
            return False
        came = time.time_ns()
        number, real, raw, unsynchronised, maxerror_us, *rest = map(int, data.split())
        asked, address = self.asked.pop(number, (0, None))
        if address in self.readings and not self.muted[address] and came - asked < WAIT_NS:
            reading = Reading(asked, came, real, raw, bool(unsynchronised), maxerror_us * 1000, *rest)
            reading.shift(self.shifts[address])
            self.readings[address].append(reading)
        return True

    def run(self):
        selector, due, turn = selectors.DefaultSelector(), time.monotonic(), 0
        selector.register(self.socket, selectors.EVENT_READ)
        while not self.ending:
            selector.select(max(0.0, due - time.monotonic()))
            with self.lock:
                while self._take():
                    pass
                if time.monotonic() >= due:
                    self._ask(turn)
                    turn, due = turn + 1, max(due + PERIOD_S, time.monotonic())

    def end(self):
        self.ending = True
        self.join(5)
        self.socket.close()
