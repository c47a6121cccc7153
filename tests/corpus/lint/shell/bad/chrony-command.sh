#!/bin/sh
apt-get install -y chrony
chrony sources -v
