#!/bin/sh
lsmod | grep kvm-clock
