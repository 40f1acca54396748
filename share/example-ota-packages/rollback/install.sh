# SPDX-License-Identifier: Apache-2.0
set -e
cd /tmp/device-cloud-example
cp setting setting.before
echo new >setting
echo "the new setting does not work on this device" >&2
exit 7
