#!/bin/sh
set -eu
dnf install -y chrony
cat >/etc/chrony.d/site.conf <<'EOF'
makestep 1.0 -1
EOF
systemctl disable --now systemd-timesyncd
systemctl enable --now chronyd
chronyc waitsync 10 0.1
for host in a b; do
    ssh "$host" uptime
done
