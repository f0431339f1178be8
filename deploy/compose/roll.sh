#!/bin/sh
# Replaces all nodes, then all gateways, of compose.yaml with scale.yaml, and no request fails. Use it after a new image
# was built, or after compose.yaml was changed:
#
#     deploy/compose/roll.sh
#
# For each service the script starts as many new containers as there are old ones, and waits until they are healthy. Then
# it stops the old ones, one after the other. If the new ones do not become healthy, or the script is interrupted before
# they are, they go and the old ones stay.
set -eu
cd "$(dirname "$0")/../.."

patience=${PATIENCE:-600} # seconds for new containers to become healthy

compose() { docker compose -f compose.yaml -f deploy/compose/scale.yaml "$@"; }

containers() { compose ps --all --quiet "$1"; }

scale() { compose up --detach --no-deps --no-build --no-recreate --scale "$1=$2" "$1"; }

# Which containers of the service are not among the ids in $2.
others() {
  for id in $(containers "$1"); do
    case " $2 " in *" $id "*) ;; *) echo "$id" ;; esac
  done
}

healthy() {
  for id in $1; do
    [ "$(docker inspect --format '{{.State.Health.Status}}' "$id")" = healthy ] || return 1
  done
}

# Before any old container was stopped.
give_up() {
  trap - INT TERM HUP
  echo "roll.sh: $service: $1; removing the new ones" >&2
  new=$(others "$service" "$old")
  [ -z "$new" ] || docker rm --force $new >&2
  exit 1
}

roll() {
  service=$1
  old=$(containers "$service" | tr '\n' ' ')
  count=$(echo $old | wc -w)
  [ "$count" -gt 0 ] || { echo "roll.sh: no container of $service runs" >&2; exit 1; }
  echo "roll.sh: $service: starting $count new"
  trap 'give_up interrupted' INT TERM HUP
  scale "$service" $((2 * count)) || give_up "Compose cannot start the new containers"
  waited=0
  new=$(others "$service" "$old")
  until [ "$(echo $new | wc -w)" -eq "$count" ] && healthy "$new"; do
    [ "$waited" -lt "$patience" ] || give_up "the new containers are not healthy after $patience s"
    sleep 1
    waited=$((waited + 1))
    new=$(others "$service" "$old")
  done
  trap - INT TERM HUP
  for id in $old; do
    echo "roll.sh: $service: stopping $(echo "$id" | cut -c 1-12)"
    docker stop "$id" >/dev/null
    docker rm "$id" >/dev/null
  done
  scale "$service" "$count"
}

roll rpc
roll http
echo "roll.sh: done"
