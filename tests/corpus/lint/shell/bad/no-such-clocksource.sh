#!/bin/sh
echo kvmclock > /sys/devices/system/clocksource/clocksource0/current_clocksource
