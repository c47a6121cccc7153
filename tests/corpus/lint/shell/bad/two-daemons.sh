#!/bin/sh
systemctl enable --now chronyd
systemctl enable --now ntpd
