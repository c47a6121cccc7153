#!/bin/bash
cat > /etc/chrony/chrony.conf <<EOF
pool pool.ntp.org iburst
driftfile /var/lib/chrony/drift
makestep 1.0 -1
rtcsync
EOF
systemctl restart chrony
