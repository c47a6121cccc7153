#!/bin/bash
# 时间同步优化脚本
yum install -y ntp chrony
systemctl enable ntpd
systemctl enable chronyd
systemctl start ntpd
systemctl start chronyd
ntpdate ntp.aliyun.com
echo tsc > /sys/devices/system/clocksource/clocksource0/current_clocksource
