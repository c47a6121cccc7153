#!/bin/bash
apt-get install -y chrony
systemctl start chrony
systemctl start systemd-timesyncd
