#!/bin/sh
cat /sys/devices/system/clocksource/clocksource0/current_clocksource
cat /sys/devices/system/clocksource/clocksource0/available_clocksource
grep -m1 ^flags /proc/cpuinfo | tr ' ' '\n' | grep tsc
