"""Reads a clock segment through the library for some seconds, beside the kernel's clock, which is the
truth here; what it saw as JSON.

    readclock.py LIBRARY SEGMENT SECONDS
"""
import collections
import ctypes
import json
import sys
import time

NAMES = ["unknown", "synchronized", "holdover", "disrupted"]


class Interval(ctypes.Structure):
    _fields_ = [("earliest", ctypes.c_int64), ("latest", ctypes.c_int64),
                ("status", ctypes.c_int32), ("reserved", ctypes.c_int32)]


class Info(ctypes.Structure):
    _fields_ = [("status", ctypes.c_int32), ("flags", ctypes.c_uint32), ("epoch", ctypes.c_uint64),
                ("bound", ctypes.c_int64), ("growth", ctypes.c_double), ("rate", ctypes.c_double),
                ("verified_age", ctypes.c_int64), ("published_age", ctypes.c_int64),
                ("blind", ctypes.c_int64), ("tai", ctypes.c_int32), ("leap", ctypes.c_int32),
                ("more", ctypes.c_uint64 * 8)]


def main():
    library = ctypes.CDLL(sys.argv[1], use_errno=True)
    library.timevisor_open.restype = ctypes.c_void_p
    library.timevisor_monotonic.restype = ctypes.c_int64
    handle = ctypes.c_void_p(library.timevisor_open(sys.argv[2].encode()))
    if not handle:
        print(json.dumps({"errno": ctypes.get_errno()}))
        return
    seen = collections.Counter()
    now, info = Interval(), Info()
    reads = wrong = unbounded = 0
    widest = 0
    offsets = []
    end = time.monotonic() + float(sys.argv[3])
    while time.monotonic() < end:
        before = time.clock_gettime_ns(time.CLOCK_REALTIME)
        seen[NAMES[library.timevisor_now(handle, ctypes.byref(now))]] += 1
        after = time.clock_gettime_ns(time.CLOCK_REALTIME)
        reads += 1
        if now.latest == 2**63 - 1:
            unbounded += 1
        else:
            wrong += now.earliest > after or now.latest < before
            widest = max(widest, now.latest - now.earliest)
            if after - before < 100_000:  # nobody else had the processor in between
                offsets.append((now.latest + now.earliest) // 2 - (before + after) // 2)
        time.sleep(0.0005)
    library.timevisor_info(handle, ctypes.byref(info))
    print(json.dumps({"reads": reads, "wrong": wrong, "unbounded": unbounded, "seen": dict(seen),
                      "widest": widest, "worst": max(map(abs, offsets), default=None),
                      "offset": sorted(offsets)[len(offsets) // 2] if offsets else None, "epoch": info.epoch, "flags": info.flags,
                      "bound": info.bound, "monotonic": library.timevisor_monotonic(handle),
                      "raw": time.clock_gettime_ns(time.CLOCK_MONOTONIC_RAW)}))


main()
