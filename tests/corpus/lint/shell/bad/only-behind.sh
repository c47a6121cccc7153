#!/bin/bash
remote=$(ssh db1 date +%s)
local=$(date +%s)
diff=$((remote - local))
if [ $diff -gt 5 ]; then
    echo "clock differs"
fi
