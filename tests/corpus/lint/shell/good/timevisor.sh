#!/bin/sh
timevisor status || exit 1
timevisor wait --limit 10ms --timeout 60
