#!/bin/sh
echo "server 10.0.0.1 iburst" >> /etc/chrony.conf
systemctl restart chronyd
