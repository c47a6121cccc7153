#!/bin/bash
start=$(date +%s%N)
for i in $(seq 1000); do
    date +%s%N > /dev/null
done
end=$(date +%s%N)
echo $(((end - start) / 1000)) ns
