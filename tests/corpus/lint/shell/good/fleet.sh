#!/bin/bash
for host in web1 web2 db1; do
    ssh "$host" chronyc -c tracking | awk -F, -v h="$host" '{print h, $5}'
done
