#!/bin/bash
set -euo pipefail
apt-get update
apt-get install -y chrony
systemctl disable --now systemd-timesyncd
systemctl enable --now chrony
chronyc waitsync 30 0.1
