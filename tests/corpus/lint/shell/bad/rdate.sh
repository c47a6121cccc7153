#!/bin/sh
rdate -s time.lan
hwclock --systohc
