#!/bin/sh
systemctl start chronyd
timedatectl timesync-status
