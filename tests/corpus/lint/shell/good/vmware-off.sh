#!/bin/sh
vmware-toolbox-cmd timesync disable
vmware-toolbox-cmd timesync status
systemctl enable --now chronyd
