#!/bin/sh
qm set 101 --args '-rtc base=utc,driftfix=slew'
qm guest cmd 101 get-time
