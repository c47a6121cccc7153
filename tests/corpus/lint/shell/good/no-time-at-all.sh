#!/bin/sh
set -e
cd /srv/app
git pull
npm ci
systemctl restart app
