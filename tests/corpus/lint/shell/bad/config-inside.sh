#!/bin/bash
cat > /etc/chrony.conf <<EOF
server ntp.aliyun.com iburst
minsources 2
driftfile /var/lib/chrony/drift
makestep 1.0 -1
rtcsync
EOF
