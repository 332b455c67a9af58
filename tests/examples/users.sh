#!/usr/bin/env bash
# SPDX-License-Identifier: BSL-1.0
#
# users.sh USERS    prints what the README says
set -euo pipefail

said=$(awk '/^<!-- printed by examples\/users.cpp -->$/ { here = 1; next }
            here && /^```$/ { exit }
            here && !/^```/' "$(dirname "$0")/../../README.md")
[[ -n $said ]] || { echo "README.md has no output of users.cpp" >&2; exit 1; }
[[ $("$1") == "$said" ]] || { echo "README.md says: $said" >&2; exit 1; }
