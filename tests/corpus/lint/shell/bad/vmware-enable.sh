#!/bin/sh
vmware-toolbox-cmd timesync enable
