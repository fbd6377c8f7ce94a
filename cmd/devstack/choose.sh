#!/bin/sh
# Prints which devstack make run and make demo take. With Temporal's CLI on PATH it is one without a server in it, which builds in
# seconds: bin/devstack-cli. TEMPORAL=embedded or cli chooses by hand.
set -eu
oldest=29 # of the server 1.x in the CLI; no older one has been tried

case ${TEMPORAL:-} in
embedded) echo bin/devstack && exit ;;
cli) echo bin/devstack-cli && exit ;;
'') ;;
*) echo "TEMPORAL=$TEMPORAL is none of embedded, cli" >&2 && exit 1 ;;
esac

if ! command -v temporal >/dev/null; then
  echo bin/devstack
  exit
fi

version=$(temporal --version 2>/dev/null) || version=
minor=$(echo "$version" | sed -n 's/.*(Server 1\.\([0-9][0-9]*\)\..*/\1/p')
if [ "${minor:-0}" -ge "$oldest" ]; then
  echo "temporal is on PATH: its dev server is taken, and none is compiled (TEMPORAL=embedded compiles one)" >&2
  echo bin/devstack-cli
else
  echo "the temporal on PATH is not taken: ${version:-its version is not known}; wanted is one with server 1.$oldest or later" >&2
  echo bin/devstack
fi
