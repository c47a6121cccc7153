#!/bin/sh
yum install -y ntp
systemctl start ntpd
