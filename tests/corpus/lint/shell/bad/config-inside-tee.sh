#!/bin/sh
sudo tee /etc/chrony/chrony.conf <<'EOF'
server time1.google.com iburst
server time2.google.com iburst
server time3.google.com iburst
leapsectz right/UTC
driftfile /var/lib/chrony/drift
makestep 1.0 -1
rtcsync
EOF
