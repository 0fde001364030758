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
deadline=120

. "$(dirname "$0")/common.sh"
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

# The deploy goal of Maven itself, with the plugins that the system has.
mvn_deploy() {
  want 201 -u "$me" -X POST "$url/packages/$owner/jars" -d '{"name":"by-maven"}'
  printf '<settings><servers><server><id>packhouse</id><username>%s</username><password>%s</password></server></servers></settings>' \
    "$owner" "$key" >"$work/settings.xml"
  # A copy: Maven writes to its local repository, and that of the system are links.
  mkdir -p "$work/m2" && cp -rL /usr/share/maven-repo/. "$work/m2"
  mvn -B -s "$work/settings.xml" -Dmaven.repo.local="$work/m2" \
    "org.apache.maven.plugins:maven-deploy-plugin:$(ls "$deploy_plugin" | grep "^[0-9]" | sort -V | tail -n 1):deploy-file" \
    -Dfile="$jar" -DgroupId=org.example -DartifactId=by-maven -Dversion=2.0 -Dpackaging=jar \
    -DrepositoryId=packhouse -Durl="$url/maven/$owner/jars/by-maven/;publish=1" >"$work/log" 2>&1 ||
    fail "mvn deploy: $(tail -n 20 "$work/log")"
  want 200 "$url/$owner/jars/org/example/by-maven/2.0/by-maven-2.0.jar"
  [ "$(sha256 "$work/body")" = "$(sha256 "$jar")" ] || fail 'Maven deployed other bytes'
  say 'mvn deploy:deploy-file'
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

# --- A Maven layout ------------------------------------------------------------------------------

# To the address that publishers of Bintray gave to Maven: parameters, and then the path.
maven=$url/maven/$owner/jars/hello
want 201 -u "$me" -X POST "$url/repos/$owner/jars" -d '{"type":"maven"}'
want 201 -u "$me" -X POST "$url/packages/$owner/jars" -d '{"name":"hello"}'
artifact=org/example/hello/1.0/hello-1.0
jar=$(newest '*.jar')
printf '<project><modelVersion>4.0.0</modelVersion><groupId>org.example</groupId><artifactId>hello</artifactId><version>1.0</version></project>' >"$work/pom"
sha1sum "${jar:-$work/pom}" | cut -d' ' -f1 | tr -d '\n' >"$work/sha1"
for file in "${jar:-$work/pom}:$artifact.jar" "$work/pom:$artifact.pom" "$work/sha1:$artifact.jar.sha1"; do
  want 404 -u "$me" "$maven/;publish=1/${file#*:}"
  want 201 -u "$me" -T "${file%%:*}" "$maven/;publish=1/${file#*:}"
done
want 400 -u "$me" -T "$work/pom" "$maven/pom.xml;publish=1"
grep -q "does not comply with Maven's convention" "$work/body" || fail "a wrong layout said $(cat "$work/body")"
want 409 -u "$me" -T "$work/pom" "$maven/$artifact.jar"
want 200 "$url/$owner/jars/$artifact.jar"
[ "$(sha256 "$work/body")" = "$(sha256 "${jar:-$work/pom}")" ] || fail "other bytes of the jar"
want 200 "$url/file_version/$owner/jars/$artifact.pom"
grep -q '"name":"1.0".*"published":true' "$work/body" || fail "the version is $(cat "$work/body")"
want 200 -u "$me" -X PUT "$url/file_metadata/$owner/jars/$artifact.jar" -d '{"list_in_downloads":true}'
deploy_plugin=/usr/share/maven-repo/org/apache/maven/plugins/maven-deploy-plugin
if command -v mvn >/dev/null && [ -n "$jar" ] && [ -d "$deploy_plugin" ]; then
  mvn_deploy
else
  say 'SKIPPED: mvn deploy: no mvn, or not the plugins of the system'
fi

# --- An exploded site, its index page, and its listing -------------------------------------------

site=$work/site
mkdir -p "$site/css" "$site/api/v 1"
printf '<!doctype html><title>Hello</title><link rel="stylesheet" href="css/a.css"><p>Hello' >"$site/index.html"
printf 'p { color: green }' >"$site/css/a.css"
printf 'one' >"$site/api/v 1/ünï.txt"
printf 'two' >"$site/api/b&c.txt"
for kind in zip tar.gz tar.bz2 tar.xz tar; do
  case $kind in
    zip) if command -v jar >/dev/null; then jar cfM "$work/site.zip" -C "$site" .; else continue; fi ;;
    tar) tar -cf "$work/site.tar" -C "$site" . ;;
    tar.gz) tar -czf "$work/site.tar.gz" -C "$site" . ;;
    tar.bz2) tar -cjf "$work/site.tar.bz2" -C "$site" . ;;
    tar.xz) tar -cJf "$work/site.tar.xz" -C "$site" . ;;
  esac
  # Under its own name the files go beside it; to a folder they go into it.
  want 201 -u "$me" -T "$work/site.$kind" "$url/content/$owner/public/hello/1.0/$kind/named/site.$kind;explode=1;publish=1"
  want 201 -u "$me" -H 'X-Bintray-Explode: 1' -H 'X-Bintray-Publish: 1' -X PUT --data-binary @- \
    "$url/content/$owner/public/hello/1.0/$kind/into/" <"$work/site.$kind"
  for folder in named into; do
    want 200 "$url/$owner/public/$kind/$folder/"
    cmp -s "$work/body" "$site/index.html" || fail "the index page of $kind/$folder is $(cat "$work/body")"
    want 200 "$url/$owner/public/$kind/$folder/api/v%201/%C3%BCn%C3%AF.txt"
    [ "$(cat "$work/body")" = one ] || fail "another file in $kind/$folder"
  done
done
# All or none: they are there already.
want 409 -u "$me" -T "$work/site.tar" "$url/content/$owner/public/hello/1.0/tar/into/;explode=1"
printf 'no archive' >"$work/none"
want 422 -u "$me" -T "$work/none" "$url/content/$owner/public/hello/1.0/none/;explode=1"
want 404 "$url/$owner/public/none/"

# What a scraper does: anchors of a listing, without their colon, folder by folder.
walk() { # path
  want 200 "$url/$owner/public/$1"
  local names name
  names=$(grep -o 'onclick="navi(event)" href=":[^"]*"' "$work/body" | sed 's/.*href=":\(.*\)"/\1/')
  while read -r name; do
    case $name in
      '') ;;
      */) walk "$1$name" ;;
      *) say "$1$name" ;;
    esac
  done <<<"$names"
}
walked=$(walk tar/into/api/)
[ "$walked" = 'tar/into/api/b%26c.txt
tar/into/api/v%201/%C3%BCn%C3%AF.txt' ] || fail "walked $walked"
# Without a script a link of the listing leads there too.
want 200 -L "$url/$owner/public/tar/into/api/:b%26c.txt"
[ "$(cat "$work/body")" = two ] || fail "the link led to $(cat "$work/body")"
want 401 "$url/$owner/private/files/"
want 200 -u "$me" "$url/$owner/private/files/"
say "a Maven layout, an exploded site in several kinds of archives, and a walk of its listing"

# --- Interrupted, and in pieces --------------------------------------------------------------------

large=$url/$owner/public/files/path/large.bin
head -c 1234567 "$files/large.bin" >"$work/resumed"
curl -sS -f -C - -o "$work/resumed" "$large" || fail 'curl -C -'
cmp -s "$work/resumed" "$files/large.bin" || fail 'the resumed download has other bytes'
want 206 -r 0-99,1000000-1000099,-100 "$large"
case $(header content-type) in
  'multipart/byteranges; boundary='*) ;;
  *) fail "several ranges are $(header content-type)" ;;
esac
[ "$(wc -c <"$work/body")" = "$(header content-length)" ] || fail 'several ranges have another length'
for range in 0-99 1000000-1000099 2999900-2999999; do
  # The bytes of a part follow the empty line after its head.
  at=$(grep -a -b -o -i "content-range: bytes $range/3000000" "$work/body" | cut -d: -f1)
  [ -n "$at" ] || fail "no part for $range"
  tail -c "+$((at + 1))" "$work/body" | sed '1,/^\r$/d' >"$work/rest"
  head -c 100 "$work/rest" >"$work/part"
  dd if="$files/large.bin" of="$work/slice" bs=1 skip="${range%-*}" count=100 status=none
  cmp -s "$work/part" "$work/slice" || fail "other bytes in the part $range"
done
want 200 -r 0-99 -H 'If-Range: "other"' "$large"

# --- And gone -----------------------------------------------------------------------------------

want 200 -u "$me" -X DELETE "$url/content/$owner/public/files/path/$first"
want 404 "$url/$owner/public/files/path/$first"
want 200 -u "$admin" -X DELETE "$url/management/v1/users/$owner"
want 401 "$url/$owner/public/files/headers/$first"
say "the release is whole"
