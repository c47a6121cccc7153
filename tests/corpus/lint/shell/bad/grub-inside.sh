#!/bin/bash
cat > /etc/default/grub <<EOF
GRUB_TIMEOUT=5
GRUB_CMDLINE_LINUX="notsc clocksource=hpet"
EOF
update-grub
