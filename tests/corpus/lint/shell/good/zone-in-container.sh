#!/bin/sh
docker run -e TZ=Asia/Shanghai --rm debian:12 date
