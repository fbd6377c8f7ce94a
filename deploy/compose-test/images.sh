# shellcheck shell=bash disable=SC2154
# Read by run.sh. Makes the images that the engine has not and cannot pull, under their own names: the test then runs the same
# compose file and the same Dockerfile on Debian's packages and on what Temporal publishes as Go modules. Wants root, debootstrap,
# apt, Go and Node for that.

base=backstop-compose-test:debian # what each of them begins from
mark=backstop.compose-test        # their label, so that they are never taken for the real ones

# have_images IMAGE...: fails if one can be had in no way.
have_images() {
  local image
  for image; do
    if docker image inspect "$image" >"$work/inspect" 2>/dev/null; then
      if grep -q "\"$mark\"" "$work/inspect"; then say "$image is one that an earlier run has made"; else say "$image is here"; fi
    elif docker pull --quiet "$image" >"$work/pull" 2>&1; then
      say "$image pulled"
    else
      make_image "$image" || fail "$image cannot be pulled ($(tail -1 "$work/pull")) and cannot be made"
      made+=("$image")
    fi
  done
}

make_image() {
  case $1 in
  postgres:*) make_postgres "$1" ;;
  node:*) make_node "$1" ;;
  golang:*) make_golang "$1" ;;
  gcr.io/distroless/static-*) make_distroless "$1" ;;
  temporalio/server:* | temporalio/admin-tools:* | temporalio/ui:*) make_temporal "$1" ;;
  *) false ;;
  esac
}

# named IMAGE SOURCE: the line of the output that says what an image is made of.
named() { say "made $1 from $2, because it could not be pulled"; }

# build_image NAME CONTEXT <Dockerfile
build_image() {
  docker build --quiet --network host --label "$mark=1" --tag "$1" --file - "$2" >"$work/build.log" 2>&1 && return
  cat "$work/build.log" >&2
  return 1
}

# remove_stages removes what a build has left of its stages, if it began from an image that this run has made.
remove_stages() {
  local stage of
  of=$(docker image inspect --format '{{.Id}}' "${made[@]}" 2>/dev/null) || true
  [ -n "$of" ] || return 0
  for stage in $(docker image ls --quiet --no-trunc --filter dangling=true); do
    if docker history --quiet --no-trunc "$stage" | grep -qF "$of"; then docker image rm "$stage" >/dev/null 2>&1 || true; fi
  done
}

want() {
  local program
  for program; do
    command -v "$program" >/dev/null || fail "$program is missing: it is wanted to make images that cannot be pulled"
  done
}

# have_base makes the smallest Debian of this machine's release, with its mirror and the certificates that it trusts.
have_base() {
  docker image inspect "$base" >/dev/null 2>&1 && return
  want debootstrap apt-get tar
  [ "$(id -u)" -eq 0 ] || fail "only root can make images with debootstrap, and none can be pulled"
  local mirror release
  release=$(. /etc/os-release && echo "$VERSION_CODENAME")
  # shellcheck disable=SC2016
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Codename: $release" | head -1)
  debootstrap --variant=minbase --include=ca-certificates "$release" "$work/root" "$mirror" >"$work/debootstrap.log" 2>&1 ||
    fail "debootstrap: $(tail -1 "$work/debootstrap.log")"
  cp /etc/ssl/certs/ca-certificates.crt "$work/root/etc/ssl/certs/ca-certificates.crt"
  tar -C "$work/root" -c . | docker import --change "LABEL $mark=1" - "$base" >/dev/null
  rm -rf "$work/root"
  made+=("$base")
}

make_postgres() {
  have_base
  build_image "$1" "$here/postgres" <<EOF || return
FROM $base
RUN apt-get update && apt-get install --yes --no-install-recommends postgresql && ln -s /usr/lib/postgresql/*/bin /pg
ENV PATH=/pg:\$PATH PGDATA=/var/lib/postgresql/data
COPY entrypoint.sh /entrypoint.sh
VOLUME /var/lib/postgresql/data
STOPSIGNAL SIGINT
ENTRYPOINT ["/entrypoint.sh"]
EOF
  named "$1" "Debian's $(docker run --rm --entrypoint postgres "$1" --version)"
}

make_golang() {
  have_base && want go
  build_image "$1" "$(go env GOROOT)" <<EOF || return
FROM $base
COPY . /usr/local/go
ENV PATH=/usr/local/go/bin:\$PATH GOTOOLCHAIN=local
EOF
  named "$1" "this machine's $(go env GOVERSION)"
}

make_node() {
  have_base && want node npm
  mkdir -p "$work/node"
  cp "$(readlink -f "$(command -v node)")" "$work/node/node"
  cp -R "$(npm root --global)/npm" "$work/node/npm"
  build_image "$1" "$work/node" <<EOF || return
FROM $base
COPY node /usr/local/bin/node
COPY npm /usr/local/lib/node_modules/npm
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt
EOF
  named "$1" "this machine's Node $(node --version)"
}

make_distroless() {
  mkdir -p "$work/static"
  cp /etc/ssl/certs/ca-certificates.crt "$work/static/"
  echo 'nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin' >"$work/static/passwd"
  build_image "$1" "$work/static" <<EOF || return
FROM scratch
COPY ca-certificates.crt /etc/ssl/certs/
COPY passwd /etc/
USER nonroot
EOF
  named "$1" "certificates and a user alone"
}

# make_temporal makes the three images of Temporal as their own Dockerfiles do, from the modules that cmd/devstack has pinned.
make_temporal() {
  have_base && build_temporal || return
  case $1 in
  temporalio/server:*)
    build_image "$1" "$work/temporal" <<EOF || return
FROM $base
RUN apt-get update && apt-get install --yes --no-install-recommends netcat-openbsd
COPY temporal-server /usr/local/bin/
COPY entrypoint.sh /etc/temporal/
RUN sed -i 's|^#!/bin/sh|#!/bin/bash|' /etc/temporal/entrypoint.sh && useradd --uid 1000 temporal
WORKDIR /etc/temporal
USER temporal
CMD ["/etc/temporal/entrypoint.sh"]
EOF
    ;;
  temporalio/admin-tools:*)
    build_image "$1" "$work/temporal" <<EOF || return
FROM $base
RUN useradd --uid 1000 temporal
COPY temporal temporal-sql-tool /usr/local/bin/
USER temporal
EOF
    ;;
  temporalio/ui:*)
    build_image "$1" "$work/temporal" <<EOF || return
FROM $base
RUN useradd --uid 1000 temporal
WORKDIR /home/ui-server
COPY ui-server start-ui-server.sh ./
COPY docker.yaml config/
USER temporal
ENTRYPOINT ["./start-ui-server.sh"]
EOF
    ;;
  esac
  named "$1" "the Go modules of cmd/devstack ($(cat "$work/temporal/versions"))"
}

build_temporal() {
  [ -e "$work/temporal/versions" ] && return
  want go
  "$here/temporal.sh" "$root/cmd/devstack" "$work/temporal" >"$work/temporal.log" 2>&1 || { tail -5 "$work/temporal.log" >&2; return 1; }
}
