#!/bin/bash
offset=$(chronyc -c tracking | cut -d, -f5)
limit=0.05
if awk -v o="$offset" -v l="$limit" 'BEGIN { exit !(o > l || o < -l) }'; then
    logger -p user.warning "offset $offset s"
    exit 1
fi
