#!/bin/sh
modprobe ptp_kvm
echo ptp_kvm > /etc/modules-load.d/ptp_kvm.conf
ls -l /dev/ptp*
