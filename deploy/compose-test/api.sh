# shellcheck shell=bash disable=SC2154,SC2034
# Read by run.sh, and by deploy/nginx/test.sh. Calls the API as a service does, and checks what came out. Wants $api_url, $api_key,
# $sandbox_url and fail.

# call PATH ARGUMENT...: the arguments are curl's.
call() {
  local path=$1
  shift
  curl -sS --fail-with-body --max-time 30 "$api_url$path" \
    -H "Authorization: Bearer $api_key" -H 'Content-Type: application/json' "$@"
}

# until_true SECONDS COMMAND...
until_true() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    [ "$SECONDS" -lt "$deadline" ] || return 1
    sleep 0.5
  done
}

is_ready() { curl -sf --max-time 5 "$api_url/readyz" | jq -e '.checks.temporal == "ok"' >/dev/null; }

wait_ready() { until_true 180 is_ready || fail "not ready: $(curl -sS "$api_url/readyz" 2>&1)"; }

make_policy() {
  local rule
  rule=$(call /v1/rules -d '{"name": "Undelivered 6 s", "type": "undelivered", "wait_seconds": 6, "send_id": "MyShop"}' | jq -r .id)
  policy=$(call /v1/policies -d '{"name": "Compose test", "rule_ids": ["'"$rule"'"]}' | jq -r .id)
}

# send KEY NUMBER: prints the id. The last two digits of the number choose a scenario of docs/sandbox.md.
send() {
  call /v1/sends -H "Idempotency-Key: $1" -d '{"to": "'"$2"'", "whatsapp": {"text": "Your parcel comes today."},
    "fallback": {"policy_id": "'"$policy"'", "text": "Your parcel comes today."}}' | jq -er .id
}

has_ended() { call "/v1/sends/$1" | jq -e '.outcome | IN("whatsapp", "sms", "failed", "expired")' >/dev/null; }

# check_end ID NUMBER OUTCOME CAUSE: the cause says why the rule fired.
check_end() {
  local calls found
  until_true 90 has_ended "$1" || fail "the send to $2 has not ended: $(call "/v1/sends/$1")"
  found=$(call "/v1/sends/$1" | jq -r '"\(.outcome) \(.fired.cause // "none")"')
  [ "$found" = "$3 $4" ] || fail "the send to $2 ended with $found, not $3 $4"
  calls=$(curl -sS "$sandbox_url/messages" | jq --arg to "$2" '[.[] | select(.to == $to and .channel == "sms")] | length')
  [ "$calls" -eq "$([ "$3" = sms ] && echo 1 || echo 0)" ] || fail "$calls SMS went to $2"
}

# check_sends WHEN: a message that is delivered, a fallback at once because of a failure, and one when the time is over.
check_sends() {
  local delivered failed late
  series=$((${series:-10} + 1))
  delivered=$(send "delivered-$series" "+4474001${series}101") || fail "a send $1: $delivered"
  failed=$(send "failed-$series" "+4474001${series}104") || fail "a send $1: $failed"
  late=$(send "late-$series" "+4474001${series}103") || fail "a send $1: $late"
  check_end "$delivered" "+4474001${series}101" whatsapp none
  check_end "$failed" "+4474001${series}104" sms failed
  check_end "$late" "+4474001${series}103" sms not_delivered
  say "three sends $1: delivered, fallback by failure, fallback by time"
}

# send_during PID: sends, one after another, until the process has ended and 10 sends are accepted. As a service does, it repeats a
# request that had no answer, with the same key.
send_during() {
  local count=0 id number
  during=() refused=0
  while kill -0 "$1" 2>/dev/null || [ "$count" -lt 10 ]; do
    count=$((count + 1))
    number="+4474002$(printf %03d "$count")01"
    until id=$(send "during-$count" "$number" 2>/dev/null); do
      refused=$((refused + 1))
      [ "$refused" -lt 600 ] || fail 'no send was accepted during the restart'
      sleep 0.1
    done
    during+=("$id")
    sleep 0.1
  done
}

# await_all checks the sends of send_during: all are there, each with one WhatsApp message and no SMS besides a fallback's.
await_all() {
  local id
  for id in "${during[@]}"; do until_true 90 has_ended "$id" || fail "the send $id of the restart has not ended: $(call "/v1/sends/$id")"; done
  [ "$(printf '%s\n' "${during[@]}" | sort -u | wc -l)" -eq "${#during[@]}" ] || fail 'two sends of the restart have one id'
  curl -sS "$sandbox_url/messages" | jq -e '[.[] | select(.to | startswith("+4474002"))]
    | group_by([.to, .channel]) | all(length == 1) and ([.[][] | select(.channel == "whatsapp")] | length == '"${#during[@]}"')' >/dev/null ||
    fail 'a send of the restart went out twice, or not at all'
  say "${#during[@]} sends meanwhile, $refused requests repeated: none lost, none twice"
}
