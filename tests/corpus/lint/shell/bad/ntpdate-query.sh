#!/bin/bash
offset=$(ntpdate -q ntp.corp.lan | tail -1 | awk '{print $10}')
echo "$offset"
