#!/bin/sh
timedatectl set-timezone Asia/Shanghai
timedatectl
