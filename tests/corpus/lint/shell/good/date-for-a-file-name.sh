#!/bin/sh
tar czf "backup-$(date +%Y%m%d-%H%M%S).tar.gz" /srv
