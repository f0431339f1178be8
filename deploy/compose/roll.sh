#!/bin/sh
# Replaces all nodes, then all gateways, of compose.yaml with scale.yaml, and no request fails. Use it after a new image
# was built, or after compose.yaml was changed:
#
#     deploy/compose/roll.sh
#
# For each service the script starts as many new containers as there are old ones, and waits until they are healthy. Then
# it stops the old ones, one after the other. If the new ones do not become healthy, or the script is interrupted before
# they are, they go and the old ones stay. If it is interrupted later, or killed, run it again: it notes in
# deploy/compose/.roll-SERVICE what has to go, and begins with that.
set -eu
cd "$(dirname "$0")/../.."

patience=${PATIENCE:-600} # seconds for new containers to become healthy
notes=${NOTES:-deploy/compose} # the folder of the notes

compose() { docker compose -f compose.yaml -f deploy/compose/scale.yaml "$@"; }

containers() { compose ps --all --quiet "$1"; }

scale() { compose up --detach --no-deps --no-build --no-recreate --scale "$1=$2" "$1"; }

# Those of the service that are among the ids in $1 (`in`), or are not (`out`).
those() {
  for id in $(containers "$service"); do
    case " $1 " in *" $id "*) is=in ;; *) is=out ;; esac
    [ "$is" != "$2" ] || echo "$id"
  done
}

healthy() {
  for id in $1; do
    [ "$(docker inspect --format '{{.State.Health.Status}}' "$id")" = healthy ] || return 1
  done
}

# Which containers are the old ones, and whether they stay or go.
note() {
  echo "$@" >"$notes/.roll-$service.new"
  mv "$notes/.roll-$service.new" "$notes/.roll-$service"
}

# Removes what has to go.
clean() {
  [ -f "$notes/.roll-$service" ] || return 0
  read -r old_ones old <"$notes/.roll-$service"
  if [ "$old_ones" = stay ]; then
    new=$(those "$old" out)
    [ -z "$new" ] || docker rm --force $new >&2
  else
    for id in $(those "$old" in); do
      echo "roll.sh: $service: stopping $(echo "$id" | cut -c 1-12)"
      docker stop "$id" >/dev/null
      docker rm "$id" >/dev/null
    done
  fi
  rm "$notes/.roll-$service"
}

# Before any old container was stopped.
give_up() {
  trap - INT TERM HUP
  echo "roll.sh: $service: $1; removing the new ones" >&2
  clean
  exit 1
}

roll() {
  service=$1
  clean
  old=$(containers "$service" | tr '\n' ' ')
  count=$(echo $old | wc -w)
  [ "$count" -gt 0 ] || { echo "roll.sh: no container of $service runs" >&2; exit 1; }
  echo "roll.sh: $service: starting $count new"
  note stay "$old"
  trap 'give_up interrupted' INT TERM HUP
  scale "$service" $((2 * count)) || give_up "Compose cannot start the new containers"
  waited=0
  new=$(those "$old" out)
  until [ "$(echo $new | wc -w)" -eq "$count" ] && healthy "$new"; do
    [ "$waited" -lt "$patience" ] || give_up "the new containers are not healthy after $patience s"
    sleep 1
    waited=$((waited + 1))
    new=$(those "$old" out)
  done
  trap 'echo "roll.sh: $service: interrupted; run it again, to stop the old ones that are left" >&2; exit 1' INT TERM HUP
  note go "$old"
  clean
  trap - INT TERM HUP
  scale "$service" "$count"
}

roll rpc
roll http
echo "roll.sh: done"
