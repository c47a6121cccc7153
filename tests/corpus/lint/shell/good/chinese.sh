#!/bin/bash
# 安装并启动 chrony
yum install -y chrony
systemctl enable --now chronyd
chronyc sources -v
