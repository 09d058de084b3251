#!/bin/sh
# deps.sh GROUP... installs the Debian packages of docs/dependencies.md that
# stand in these groups and are missing, and says which and why; silent when
# nothing is.  DEPS=no prints the line and installs nothing.
set -eu
cd "$(dirname "$0")/.."

if ! command -v dpkg-query >/dev/null 2>&1; then
  echo "deps: no dpkg here; docs/dependencies.md lists what the build needs" >&2
  exit 0
fi

missing=
why=
for group in "$@"; do
  for package in $(awk -F'|' -v g=" $group " '$3 == g { gsub(/[ `]/, "", $2); print $2 }' docs/dependencies.md); do
    case $(dpkg-query -W -f='${db:Status-Abbrev}' "$package" 2>/dev/null) in
      ii*) ;;
      *)
        missing="$missing $package"
        why="$why$(tr -d '`' <docs/dependencies.md | awk -F'|' -v p=" $package " '$2 == p { printf " %-26s%s", p, $4 }')
"
        ;;
    esac
  done
done
[ -n "$missing" ] || exit 0

as=
[ "$(id -u)" -eq 0 ] || as=sudo
line="$as apt-get install -y --no-install-recommends$missing"
line=${line# }
printf 'deps: missing on this machine\n%s' "$why" >&2
if [ "${DEPS:-yes}" = no ]; then
  echo "deps: not installed (DEPS=no); the line is" >&2
  echo "$line"
  exit 0
fi
if [ -n "$as" ] && ! command -v sudo >/dev/null 2>&1; then
  echo "deps: neither root nor sudo here; as root run: ${line#sudo }" >&2
  exit 1
fi
echo "deps: $line" >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# The lists may be old or absent: an install that fails is tried once more after an update.
install() { $as env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing >"$log" 2>&1 </dev/null; }
install || { $as apt-get update >/dev/null 2>&1 </dev/null && install; } || {
  tail -n 15 "$log" >&2
  echo "deps: apt-get failed; nothing can be built before these packages are there" >&2
  exit 1
}
echo "deps: installed" >&2
