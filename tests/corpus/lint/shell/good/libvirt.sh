#!/bin/bash
for vm in $(virsh list --name); do
    virsh domtime "$vm" --sync
done
