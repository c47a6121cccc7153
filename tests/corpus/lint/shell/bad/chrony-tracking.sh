#!/bin/bash
systemctl restart chronyd
chrony tracking
