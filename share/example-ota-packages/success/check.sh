# SPDX-License-Identifier: Apache-2.0
# Everything that can be known before is checked before: nothing is changed yet.
echo "parameters of the operator: $HDC_EXTRA_PARAMS"
test -s ./greeting || { echo "the package has no greeting"; exit 1; }
test -w /tmp || { echo "/tmp is not writable"; exit 1; }
