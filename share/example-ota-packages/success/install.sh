# SPDX-License-Identifier: Apache-2.0
# Each step may be done twice without harm, and the new file takes its place in one step.
set -e
folder=/tmp/device-cloud-example
mkdir -p "$folder"
if [ -e "$folder/greeting" ]; then cp -p "$folder/greeting" "$folder/greeting.before"; fi
cp ./greeting "$folder/greeting.new"
mv -f "$folder/greeting.new" "$folder/greeting"
echo "installed $folder/greeting"
