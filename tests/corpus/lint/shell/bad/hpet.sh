#!/bin/sh
echo hpet > /sys/devices/system/clocksource/clocksource0/current_clocksource
