#!/bin/sh
# sh drop.sh '{"id":"P1","status":"Complete"}' [SECONDS]
# Drops a fragment and waits for its fate. Exit codes: 0 applied, 3 rejected (the reason is on stderr), 4 not known yet.
set -euC # C: never write into a file that is there
drop=${SESSIONSYNC_DROP:-drop} recovery=${SESSIONSYNC_RECOVERY:-recovery} n=0

drop() { # FRAGMENT: sets name
	n=$((n + 1)) name=$(date +%s)-$$-$n.json
	printf '%s\n' "$1" > "$drop/.$name"
	ln "$drop/.$name" "$drop/$name" # whole at once, and never over another file
}

fate() { # SECONDS: of the fragment name
	trap 'rm -f "$drop/.$name"' EXIT
	end=$(($(date +%s) + $1))
	while :; do
		alone=$(find "$drop/.$name" -links 1) # first the link count,
		entry=
		for file in "$recovery"/*/fragments/"$name"; do # then the recovery folder
			[ ! -e "$file" ] || entry=${file%/fragments/*}/recovery.json
		done
		if [ "$entry" ]; then
			if grep '^  "retryable": ' "$entry" | tail -n 1 | grep -q false; then
				sed -n 's/^    "code": //p' "$entry" | head -n 1 >&2
				sed -n 's/^    "message": //p' "$entry" | head -n 1 >&2
				return 3
			fi
		elif [ "$alone" ]; then
			return 0
		fi
		[ "$(date +%s)" -lt "$end" ] || return 4
		sleep 0.1 2> /dev/null || sleep 1 # POSIX knows whole seconds only
	done
}

drop "${1:?give it a fragment}"
fate "${2:-30}"
