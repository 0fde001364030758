# What the scripts of users share: sourced, with $work set to a folder of their own and $deadline
# to the seconds that a request may take.

say() { printf '%s\n' "$*"; }
fail() { say "FAILED: $*"; exit 1; }

# The status of a request; its body goes to $work/body, its headers to $work/headers.
ask() { curl -sS -o "$work/body" -D "$work/headers" -w '%{http_code}' --max-time "$deadline" "$@"; }
# ask, and the status that must come.
want() {
  local status=$1 got
  shift
  got=$(ask "$@") || fail "curl $*"
  [ "$got" = "$status" ] || fail "expected $status, got $got: $* -> $(head -c 500 "$work/body")"
}
