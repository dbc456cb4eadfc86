#!/bin/sh
# Asks the daemon through its mailbox and prints the result's path: no OSC, no port.
#   ./ask.sh "dub techno, 124 bpm" [SECONDS]
# MAILBOX names the folder where it is not the usual one (`inspire settings` shows state_folder; the mailbox is in it).
set -eu
mailbox=${MAILBOX:-${XDG_STATE_HOME:-$HOME/.local/state}/inspire/mailbox}
prompt=$(printf '%s' "${1:?what to play}" | sed 's/[\\"]/\\&/g')
id=shell-$(date +%s)-$$
box=$mailbox/shell
mkdir -p "$box/requests" "$box/replies"
printf '["/inspire/generate", "%s", "duration_s", %s]\n' "$prompt" "${2:-8}" > "$box/requests/$id.part"
mv "$box/requests/$id.part" "$box/requests/$id.json"
replies=$box/replies/$id.jsonl
waited=0
until [ -e "$replies" ]; do # an answer comes within 0.2 s
    waited=$((waited + 1))
    if [ $waited -gt 50 ]; then
        rm -f "$box/requests/$id.json"
        echo "no daemon answers in $mailbox: start one with  inspire serve" >&2
        exit 1
    fi
    sleep 0.1
done
until grep -q '^\["/inspire/\(done\|fail\|cancelled\)".*\]$' "$replies"; do
    sleep 0.1
done
end=$(tail -n 1 "$replies")
rm "$replies"
case $end in
    '["/inspire/done"'*) printf '%s\n' "$end" | cut -d '"' -f 6 ;;
    *) printf '%s\n' "$end" >&2; exit 1 ;;
esac
