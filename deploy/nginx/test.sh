#!/usr/bin/env bash
# Tries backstop.conf for real: nginx with TLS from a CA made here, two API processes, two workers, and the sandbox, whose webhooks
# come through nginx too. Runs under devstack (make proxy-test). Wants nginx, openssl, curl and jq.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$(mktemp -d)
pids=()

say() { echo "proxy-test: $*"; }
fail() {
  say "FAILED: $*" >&2
  tail -n 5 "$work"/*.log >&2 || true
  exit 1
}
clean_up() {
  [ ${#pids[@]} -eq 0 ] || kill "${pids[@]}" 2>/dev/null || true
  wait
  rm -rf "$work"
}
trap clean_up EXIT
# shellcheck source=deploy/compose-test/api.sh
. "$here/../compose-test/api.sh"

for program in nginx openssl curl jq; do command -v "$program" >/dev/null || fail "$program is missing"; done
[ -n "${BACKSTOP_DATABASE_URL:-}" ] || fail 'run it by make proxy-test'

free_port() {
  local port
  while port=$((20000 + RANDOM % 12000)); (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
  echo "$port"
}
https=$(free_port) first=$(free_port) second=$(free_port) sandbox=$(free_port)

# A CA, and a certificate for the name in the file.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/ca.key" -out "$work/ca.crt" -days 2 \
  -subj '/CN=proxy-test' 2>"$work/openssl.log"
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/backstop.key" -out "$work/backstop.csr" \
  -subj '/CN=localhost' 2>>"$work/openssl.log"
openssl x509 -req -in "$work/backstop.csr" -CA "$work/ca.crt" -CAkey "$work/ca.key" -CAcreateserial -days 2 \
  -extfile <(echo 'subjectAltName=DNS:localhost') -out "$work/backstop.crt" 2>>"$work/openssl.log"

# The file as it is, but for the addresses: 127.0.0.1 is our own network, and every other address is outside.
sed -e "s|443 ssl|127.0.0.1:$https ssl|; s|127.0.0.1:8081|127.0.0.1:$first|; s|127.0.0.1:8082|127.0.0.1:$second|" \
  -e "s|/etc/nginx/backstop|$work/backstop|; s|backstop.example.com|localhost|; s|10.0.0.0/8|127.0.0.1|" \
  "$here/backstop.conf" >"$work/backstop.conf"
cat >"$work/nginx.conf" <<EOF
daemon off;
pid $work/nginx.pid;
error_log $work/nginx.log warn;
events {}
http {
	access_log $work/access.log;
	client_body_temp_path $work/body;
	proxy_temp_path $work/proxy;
	fastcgi_temp_path $work/fastcgi;
	uwsgi_temp_path $work/uwsgi;
	scgi_temp_path $work/scgi;
	include $work/backstop.conf;
}
EOF
chmod 755 "$work" # nginx's own user must reach its folders
nginx -t -q -c "$work/nginx.conf" -e "$work/nginx.log" || fail 'nginx refuses the file'

export BACKSTOP_PUBLIC_URL=https://localhost:$https SSL_CERT_FILE=$work/ca.crt BACKSTOP_SANDBOX_LISTEN=127.0.0.1:$sandbox
export BACKSTOP_META_BASE_URL=http://127.0.0.1:$sandbox BACKSTOP_META_PHONE_NUMBER_ID=100000000000001 BACKSTOP_META_ACCESS_TOKEN=local
export BACKSTOP_META_APP_SECRET=local BACKSTOP_META_VERIFY_TOKEN=local BACKSTOP_TWILIO_BASE_URL=http://127.0.0.1:$sandbox
export BACKSTOP_TWILIO_ACCOUNT_SID=AC00000000000000000000000000000001 BACKSTOP_TWILIO_AUTH_TOKEN=local
# shellcheck disable=SC2034 # for api.sh
api_url=$BACKSTOP_PUBLIC_URL sandbox_url=http://127.0.0.1:$sandbox api_key=$BACKSTOP_API_KEY
export CURL_CA_BUNDLE=$work/ca.crt

# run NAME COMMAND...: in the background, with a log of its own; pid has the id.
run() {
  local log=$work/$1.log
  shift
  "$@" >"$log" 2>&1 &
  pid=$!
  pids+=("$pid")
}

"$root/bin/backstop" migrate >"$work/migrate.log" 2>&1 || fail 'backstop migrate'
run sandbox "$root/bin/backstop" sandbox
run api-1 env "BACKSTOP_LISTEN=127.0.0.1:$first" "$root/bin/backstop" api
stopped=$pid
run api-2 env "BACKSTOP_LISTEN=127.0.0.1:$second" "$root/bin/backstop" api
run worker-1 "$root/bin/backstop" worker
worker=$pid
run worker-2 "$root/bin/backstop" worker
run nginx nginx -c "$work/nginx.conf" -e "$work/nginx.log"
wait_ready
say 'ready, by TLS'

make_policy
check_sends 'through the proxy, with webhooks through it'

# status PATH ARGUMENT...: the status that a caller from outside gets.
status() {
  local path=$1
  shift
  curl -s --interface 127.0.0.2 -o /dev/null -w '%{http_code}' "$@" "$api_url$path"
}
for path in /v1/rules /console/ /readyz /docs "/v1/sends/$(uuidgen 2>/dev/null || echo 0)/watch"; do
  [ "$(status "$path")" = 403 ] || fail "$path can be reached from outside"
done
[ "$(status /webhooks/meta -d '{}')" = 401 ] || fail 'a webhook without a signature got no 401 of Backstop'
say 'from outside: webhooks only'

curl -sSf -o /dev/null -D - -X POST "$api_url/console/session" -H 'Content-Type: application/json' -H "Origin: $api_url" \
  -d "{\"api_key\": \"$api_key\"}" | grep -qi '^set-cookie: __Host-backstop_session=.*; Secure' || fail "the console's cookie is not Secure"
say "the console's cookie is Secure"

# A list of 1.4 MB is more than nginx takes by default.
awk 'BEGIN { print "to"; for (i = 0; i < 99999; i++) print "+447400999901" }' >"$work/numbers.csv"
curl -sSf -o /dev/null --max-time 60 "$api_url/v1/opt-outs.csv" -H "Authorization: Bearer $api_key" -H 'Content-Type: text/csv' \
  --data-binary "@$work/numbers.csv" || fail 'a large body does not arrive'
say "a body of $(wc -c <"$work/numbers.csv") bytes arrives"

# The first event of a stream comes at once.
id=$(send watched +447400300102)
timeout 2 curl -sN "$api_url/v1/sends/$id/watch" -H "Authorization: Bearer $api_key" >"$work/stream" || true
grep -q '^data:' "$work/stream" || fail 'no event of a stream came within 2 s'
say "a stream is not buffered: $(grep -c '^data:' "$work/stream") events within 2 s"

# A stop of an API process and of a worker, while sends go on.
kill "$stopped" "$worker"
send_during "$stopped"
await_all
[ "$refused" -eq 0 ] || fail "$refused requests failed while one of two API processes stopped"
wait "$stopped" || fail 'backstop api did not end with 0'
wait "$worker" || fail 'backstop worker did not end with 0'
say 'one of two API processes and one of two workers stopped meanwhile, each with 0'
say 'all as it should be'
