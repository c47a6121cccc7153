#!/bin/sh
timedatectl set-local-rtc 0
hwclock --systohc --utc
