#!/bin/sh
docker run -d -v /etc/localtime:/etc/localtime:ro nginx
