#!/usr/bin/env bash
# Publishes a real release through a running server with curl, in every form of upload, and
# downloads it again as its owner and as nobody in particular.
#
#   PACKHOUSE_URL=http://127.0.0.1:8080 PACKHOUSE_ADMIN_KEY=… tests/release.sh
#
# The files are a .deb, an .rpm, a .jar, a .tgz and a .whl: taken from the package registries by
# their own clients, or built by each ecosystem's own tool. A kind whose tools are not installed is
# skipped and said so; with RELEASE_STRICT=1 that is a failure.
set -euo pipefail

url=${PACKHOUSE_URL:?the address of the server}
admin=admin:${PACKHOUSE_ADMIN_KEY:?the key of the platform admin}
work=${RELEASE_WORK:-$(mktemp -d)}
files=$work/files
mkdir -p "$files"
owner=release-$RANDOM

say() { printf '%s\n' "$*"; }
fail() { say "FAILED: $*"; exit 1; }

# The status of a request; its body goes to $work/body, its headers to $work/headers.
ask() { curl -sS -o "$work/body" -D "$work/headers" -w '%{http_code}' --max-time 120 "$@"; }
# ask, and the status that must come.
want() {
  local status=$1 got
  shift
  got=$(ask "$@") || fail "curl $*"
  [ "$got" = "$status" ] || fail "expected $status, got $got: $* -> $(head -c 500 "$work/body")"
}
header() { tr -d '\r' <"$work/headers" | awk -F': ' -v name="$1" 'tolower($1) == name { print $2 }'; }
sha256() { sha256sum "$1" | cut -d' ' -f1; }

# --- Real files -------------------------------------------------------------------------------

from_registry() { (cd "$files" && timeout 60 "$@" >"$work/log" 2>&1); }
newest() { find "$files" -maxdepth 1 -name "$1" | head -n 1; }

make_deb() {
  command -v apt-get >/dev/null && from_registry apt-get download hostname && return
  command -v dpkg-deb >/dev/null || return
  local tree=$work/deb
  mkdir -p "$tree/DEBIAN" "$tree/usr/share/hello"
  printf 'Package: hello-packhouse\nVersion: 1.0\nArchitecture: all\nMaintainer: A <a@example.org>\nDescription: test\n' >"$tree/DEBIAN/control"
  date >"$tree/usr/share/hello/made"
  dpkg-deb --root-owner-group -b "$tree" "$files/hello-packhouse_1.0_all.deb" >"$work/log"
}
make_rpm() {
  command -v rpmbuild >/dev/null || return
  printf 'Name: hello\nVersion: 1.0\nRelease: 1\nSummary: test\nLicense: MIT\nBuildArch: noarch\n%%description\ntest\n%%files\n' >"$work/hello.spec"
  rpmbuild -bb --define "_topdir $work/rpm" "$work/hello.spec" >"$work/log" 2>&1
  cp "$work"/rpm/RPMS/noarch/*.rpm "$files/"
}
make_jar() {
  command -v jar >/dev/null || return
  mkdir -p "$work/jar" && date >"$work/jar/made"
  jar cf "$files/hello-1.0.jar" -C "$work/jar" made
}
make_tgz() {
  command -v npm >/dev/null || return
  from_registry npm pack is-number@7.0.0 && return
  mkdir -p "$work/npm" && printf '{"name":"hello-packhouse","version":"1.0.0"}' >"$work/npm/package.json"
  from_registry npm pack "$work/npm"
}
make_whl() {
  command -v pip >/dev/null || return
  from_registry pip download --quiet --no-deps --only-binary :all: six==1.16.0 && return
  mkdir -p "$work/py" && printf '[project]\nname = "hello-packhouse"\nversion = "1.0"\n' >"$work/py/pyproject.toml"
  from_registry pip wheel --no-build-isolation --no-deps "$work/py"
}

kinds=()
for kind in deb rpm jar tgz whl; do
  "make_$kind" || true
  if [ -n "$(newest "*.$kind")" ]; then
    kinds+=("$kind")
  else
    say "SKIPPED: no .$kind: neither a registry nor a tool to build one"
    [ -z "${RELEASE_STRICT:-}" ] || fail "every kind is wanted"
  fi
done
head -c 3000000 /dev/urandom >"$files/large.bin"
: >"$files/empty.txt"

# --- The publisher ----------------------------------------------------------------------------

want 201 -u "$admin" -X PUT "$url/management/v1/users/$owner" -d '{"plan":"enterprise"}'
key=$(sed -n 's/.*"api_key":"\([^"]*\)".*/\1/p' "$work/body")
[ ${#key} -ge 20 ] || fail "no API key in $(cat "$work/body")"
me=$owner:$key
want 201 -u "$me" -X POST "$url/repos/$owner/public" -d '{"type":"generic","desc":"A real release"}'
want 201 -u "$me" -X POST "$url/repos/$owner/private" -d '{"private":true}'
for repo in public private; do
  want 201 -u "$me" -X POST "$url/packages/$owner/$repo" -d '{"name":"hello"}'
done

# Package and version in the path, in headers, and in matrix parameters; the body sized or chunked.
upload() { # form repo file name more…
  local form=$1 repo=$2 file=$3 name=$4
  shift 4
  local base=$url/content/$owner/$repo
  case $form in
    path) want 201 -u "$me" "$@" -T "$file" "$base/hello/1.0/files/$name" ;;
    headers) want 201 -u "$me" "$@" -H 'X-Bintray-Package: hello' -H 'X-Bintray-Version: 1.0' \
      -T "$file" "$base/files/$name" ;;
    matrix) want 201 -u "$me" "$@" -T "$file" "$base/files/$name;bt_package=hello;bt_version=1.0" ;;
    # From standard input: with a name, curl leaves out the last chunk of an empty file.
    chunked) want 201 -u "$me" "$@" -H 'Transfer-Encoding: chunked' -T - \
      "$base/hello/1.0/files/$name" <"$file" ;;
    checked) want 201 -u "$me" "$@" -H "X-Checksum-Sha2: $(sha256 "$file")" -T "$file" \
      "$base/hello/1.0/files/$name" ;;
  esac
  [ "$(cat "$work/body")" = '{"message":"success"}' ] || fail "an upload said $(cat "$work/body")"
}

count=0
for form in path headers matrix chunked checked; do
  for file in "$files"/*; do
    for repo in public private; do
      upload "$form" "$repo" "$file" "$form/$(basename "$file")"
    done
    count=$((count + 1))
  done
done
say "uploaded $count files of ${#kinds[@]} kinds (${kinds[*]}) in 5 forms to 2 repositories"

# --- Before and after it is published -----------------------------------------------------------

first=$(ls "$files" | head -n 1)
want 401 "$url/$owner/public/files/path/$first"
want 200 -u "$me" "$url/$owner/public/files/path/$first"
want 409 -u "$me" -H "X-Checksum-Sha2: $(printf '%064d' 0)" -T "$files/$first" \
  "$url/content/$owner/public/hello/1.0/files/wrong"
want 404 -u "$me" "$url/$owner/public/files/wrong"

for repo in public private; do
  want 200 -u "$me" -X POST "$url/content/$owner/$repo/hello/1.0/publish" -d '{"publish_wait_for_secs":-1}'
  [ "$(cat "$work/body")" = "{\"files\":$count}" ] || fail "publishing said $(cat "$work/body")"
done
want 409 -u "$me" -T "$files/$first" "$url/content/$owner/public/hello/1.0/files/path/$first"
want 201 -u "$me" -T "$files/$first" "$url/content/$owner/public/hello/1.0/files/path/$first;override=1;publish=1"

# --- Everyone else ------------------------------------------------------------------------------

downloaded() { # repo form name curl-args…
  local repo=$1 form=$2 name=$3
  shift 3
  want 200 "$@" "$url/$owner/$repo/files/$form/$name"
  [ "$(sha256 "$work/body")" = "$(sha256 "$files/$name")" ] || fail "other bytes: $repo $form $name"
  [ "$(header x-checksum-sha2)" = "$(sha256 "$files/$name")" ] || fail "another checksum: $name"
}
for form in path headers matrix chunked checked; do
  for file in "$files"/*; do
    name=$(basename "$file")
    downloaded public "$form" "$name"
    downloaded public "$form" "$name" -u "$me"
    downloaded private "$form" "$name" -u "$me"
    want 401 "$url/$owner/private/files/$form/$name"
  done
done
want 206 -r 1000-1999 "$url/$owner/public/files/path/large.bin"
[ "$(sha256 "$work/body")" = "$(tail -c +1001 "$files/large.bin" | head -c 1000 | sha256sum | cut -d' ' -f1)" ] ||
  fail "other bytes in a range"
want 200 -I "$url/$owner/public/files/path/large.bin"
[ "$(header content-length)" = 3000000 ] || fail "HEAD gives another length"
want 304 -H "If-None-Match: $(header etag)" "$url/$owner/public/files/path/large.bin"
want 200 "$url/packages/$owner/public/hello/versions/1.0/files"
[ "$(header x-rangelimit-total)" = "$count" ] || fail "the list has $(header x-rangelimit-total) files"

# --- And gone -----------------------------------------------------------------------------------

want 200 -u "$me" -X DELETE "$url/content/$owner/public/files/path/$first"
want 404 "$url/$owner/public/files/path/$first"
want 200 -u "$admin" -X DELETE "$url/management/v1/users/$owner"
want 401 "$url/$owner/public/files/headers/$first"
say "the release is whole"
