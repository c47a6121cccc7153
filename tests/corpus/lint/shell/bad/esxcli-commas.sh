#!/bin/sh
esxcli system ntp set --server=ntp1.lan,ntp2.lan,ntp3.lan
esxcli system ntp set --enabled=true
