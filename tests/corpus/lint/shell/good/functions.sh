#!/bin/bash
log() { printf '%s %s\n' "$(date -Is)" "$*"; }
log started
sleep 1
log ended
