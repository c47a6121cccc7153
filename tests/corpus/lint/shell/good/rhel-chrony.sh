#!/bin/sh
dnf install -y chrony
install -m 644 chrony.conf /etc/chrony.conf
systemctl restart chronyd
chronyc tracking
