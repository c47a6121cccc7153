#!/bin/sh
esxcli system ntp set --server=ntp1.corp.internal --server=ntp2.corp.internal --server=ntp3.corp.internal
esxcli system ntp set --enabled=true
esxcli system ntp get
