#!/usr/bin/env bash
# Runs docker-compose.yml and the Dockerfile on a Docker engine: builds the image, starts everything under a project name and on
# ports of its own, sends through the API to the simulated providers, restarts Temporal and Backstop meanwhile, stops all, and looks
# at the exit codes. Removes what it has made; KEEP_IMAGES=1 keeps the images for the next run.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
made=() # images

say() { echo "compose-test: $*"; }
fail() {
  say "FAILED: $*" >&2
  exit 1
}

# shellcheck source=deploy/compose-test/images.sh
. "$here/images.sh"
# shellcheck source=deploy/compose-test/api.sh
. "$here/api.sh"

free_port() {
  local port
  while port=$((20000 + RANDOM % 12000)); (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
  echo "$port"
}

if docker compose version >/dev/null 2>&1; then compose=(docker compose); else compose=(docker-compose); fi
for program in docker curl jq; do command -v "$program" >/dev/null || fail "$program is missing"; done
"${compose[@]}" version >/dev/null 2>&1 || fail 'Docker Compose is missing'
docker info >/dev/null 2>"$work/info" || fail "no Docker engine answers: start one, or set DOCKER_HOST ($(tail -1 "$work/info"))"

project=backstop-compose-test-$$
export BACKSTOP_IMAGE=$project
API_PORT=$(free_port) SANDBOX_PORT=$(free_port) UI_PORT=$(free_port)
export API_PORT SANDBOX_PORT UI_PORT
# shellcheck disable=SC2034 # for api.sh
api_url=http://127.0.0.1:$API_PORT sandbox_url=http://127.0.0.1:$SANDBOX_PORT api_key=local-key-for-trying-backstop
compose+=(--project-name "$project" --project-directory "$root" -f "$root/docker-compose.yml" -f "$here/override.yml")
# The values of docker-compose.yml alone: nothing from .env, nothing of the caller's.
unset "${!BACKSTOP_@}" POSTGRES_PASSWORD
export BACKSTOP_IMAGE=$project
: >"$work/env"
compose+=(--env-file "$work/env")

clean_up() {
  local code=$?
  [ "$code" -eq 0 ] || "${compose[@]}" logs --no-color --tail 10 2>/dev/null | cut -c 1-300 || true
  "${compose[@]}" down --volumes --remove-orphans >"$work/down.log" 2>&1 || cat "$work/down.log" >&2
  docker image rm --force "$project" >/dev/null 2>&1 || true
  if [ "${KEEP_IMAGES:-0}" != 1 ]; then
    remove_stages
    for image in "${made[@]}"; do docker image rm --force "$image" >/dev/null 2>&1 || true; done
  fi
  rm -rf "$work"
}
trap clean_up EXIT

# shellcheck disable=SC2046 # names of images have no spaces
have_images $(sed -n 's/^FROM \([^ ]*\).*/\1/p' "$root/Dockerfile") \
  $(sed -n 's/^ *image: \([^$ ]*\)$/\1/p' "$root/docker-compose.yml" | sort -u)

say 'building the image of Backstop'
begun=$SECONDS
"${compose[@]}" build backstop >"$work/build.log" 2>&1 || { tail -30 "$work/build.log" >&2; fail 'the image cannot be built'; }
say "built in $((SECONDS - begun)) s, $(docker image inspect --format '{{.Size}}' "$project" | awk '{printf "%.0f MB", $1 / 1e6}')"

begun=$SECONDS
"${compose[@]}" up --detach >"$work/up.log" 2>&1 || { tail -30 "$work/up.log" >&2; fail 'docker-compose up'; }
wait_ready
say "ready $((SECONDS - begun)) s after the start"

make_policy
check_sends 'at first'

begun=$SECONDS
"${compose[@]}" restart temporal >"$work/restart.log" 2>&1
check_sends "after a restart of Temporal"
say "restarted Temporal, and all sends ended, in $((SECONDS - begun)) s"

begun=$SECONDS
"${compose[@]}" restart backstop >"$work/restart.log" 2>&1 &
restart=$!
send_during "$restart"
wait "$restart" || fail 'docker-compose restart backstop'
wait_ready
await_all
say "restarted Backstop, and all sends ended, in $((SECONDS - begun)) s"

"${compose[@]}" stop >"$work/stop.log" 2>&1
for container in $(docker ps --all --quiet --filter "label=com.docker.compose.project=$project"); do
  read -r service code killed < <(docker inspect --format '{{index .Config.Labels "com.docker.compose.service"}} {{.State.ExitCode}} {{.State.OOMKilled}}' "$container")
  # Temporal's UI has no orderly stop: as process 1 of a container it ends with 2.
  [ "$code $killed" = '0 false' ] || [ "$service $code" = 'temporal-ui 2' ] || fail "$service ended with $code"
  ended="${ended:-}$service $code, "
done
say "stopped, with these exit codes: ${ended%, }"
say 'all as it should be'
