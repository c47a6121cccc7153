#!/bin/sh
hwclock --systohc --localtime
