#!/bin/sh
while true; do
    ntpdate -u ntp.lan
    sleep 3600
done
