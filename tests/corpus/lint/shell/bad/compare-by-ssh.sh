#!/bin/bash
for h in a b c; do
    remote=$(ssh $h date +%s)
    local=$(date +%s)
    echo $((remote - local))
done
