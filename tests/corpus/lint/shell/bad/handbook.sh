#!/bin/bash
# What a handbook of 2024 told its readers to type.
yum install -y ntp
cat > /etc/chrony.conf << EOF
server 169.254.169.123 prefer iburst
leapsectz right/UTC
EOF
chrony sources -v
echo nohz > /sys/devices/system/clocksource/clocksource0/current_clocksource
esxcli system ntp set --server=ntp1.aliyun.com,ntp2.aliyun.com
