# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# What every stage shares; sourced. A stage calls `check NAME COMMAND...` for each of its tests and
# ends with `finish`, whose last line "N passed, N failed" ci/all adds up.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
export LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1
logs=build/logs
cores=$(nproc)
mkdir -p "$logs"
passed=0
failed=0
stage=$(basename "$0")

# count NAME STATUS
count() {
	if [ "$2" -eq 0 ]; then
		passed=$((passed + 1))
		echo "ok - $1"
	else
		failed=$((failed + 1))
		echo "not ok - $1"
	fi
}

# check NAME COMMAND...: one test; its output is shown if it fails, and kept in build/logs.
check() {
	local name=$1 log=$logs/$stage-${1//[^A-Za-z0-9_.-]/_}.log status
	shift
	"$@" >"$log" 2>&1
	status=$?
	[ $status -eq 0 ] || tail -n 60 "$log" | sed 's/^/    /'
	count "$name" $status
}

# add PASSED FAILED: what a runner that counts by itself has found.
add() {
	passed=$((passed + $1))
	failed=$((failed + $2))
}

# add_from LOG: the same, from the runner's own last line "N passed, N failed"; none is a failure.
add_from() {
	local line
	line=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$1" | tail -n 1)
	if [ -n "$line" ]; then
		# shellcheck disable=SC2086
		set -- ${line//[^0-9 ]/}
		add "$1" "$2"
	else
		count "$1 ended without a result" 1
	fi
}

finish() {
	echo "$passed passed, $failed failed"
	[ "$failed" -eq 0 ]
	exit
}
