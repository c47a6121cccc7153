#!/bin/bash
echo "nohz=off" > /sys/devices/system/clocksource/clocksource0/current_clocksource
