# SPDX-License-Identifier: Apache-2.0
# Brings back what was there; right also when install.sh never began.
folder=/tmp/device-cloud-example
if [ -e "$folder/greeting.before" ]; then mv -f "$folder/greeting.before" "$folder/greeting"; fi
echo "undone"
