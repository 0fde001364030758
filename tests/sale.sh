#!/usr/bin/env bash
# An organization sells a product through a running server, with curl: two customers with access
# keys, rights that reach as far as they paid, a license agreement, a signed URL whose use is told
# to a listener, a key that expires and one that is used from a blocked network.
#
#   PACKHOUSE_URL=http://127.0.0.1:8080 PACKHOUSE_ADMIN_KEY=… tests/sale.sh
#
# The server must be allowed to call 127.0.0.1 (--allow-outbound-to 127.0.0.1/32).
set -euo pipefail

url=${PACKHOUSE_URL:?the address of the server}
admin=admin:${PACKHOUSE_ADMIN_KEY:?the key of the platform admin}
work=${SALE_WORK:-$(mktemp -d)}
mkdir -p "$work"
org=sale-$RANDOM
seller=seller-$RANDOM
deadline=60

. "$(dirname "$0")/common.sh"
# The body must hold this.
told() { grep -qF -- "$1" "$work/body" || fail "no '$1' in $(head -c 500 "$work/body")"; }
untold() { ! grep -qF -- "$1" "$work/body" || fail "'$1' in $(head -c 500 "$work/body")"; }
field() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" "$work/body"; }

# --- The organization and its product ---------------------------------------------------------

want 201 -u "$admin" -X PUT "$url/management/v1/users/$seller" -d '{"plan":"enterprise"}'
me=$seller:$(field api_key)
want 201 -u "$admin" -X PUT "$url/management/v1/orgs/$org" -d "{\"owner\":\"$seller\",\"plan\":\"enterprise\"}"
want 201 -u "$me" -X POST "$url/repos/$org/releases" -d '{"private":true}'
for package in tool plugin; do
  want 201 -u "$me" -X POST "$url/packages/$org/releases" -d "{\"name\":\"$package\"}"
done
for path in linux/tool.bin windows/tool.exe; do
  printf '%s' "$path" >"$work/file"
  want 201 -u "$me" -T "$work/file" "$url/content/$org/releases/tool/1.0/$path?publish=1"
done
printf plugin >"$work/file"
want 201 -u "$me" -T "$work/file" "$url/content/$org/releases/plugin/1.0/plugin.bin?publish=1"
want 201 -u "$me" -X POST "$url/products/$org" \
  -d '{"name":"suite","packages":["releases/tool"]}'
want 401 "$url/$org/releases/linux/tool.bin"

# --- Two customers ----------------------------------------------------------------------------

# The key of a customer, as curl takes it.
new_key() {
  want 201 -u "$me" -X POST "$url/orgs/$org/access_keys" -d "$1"
  printf '%s:%s' "$(field username)" "$(field password)"
}
one=$(new_key '{"id":"one"}')
two=$(new_key '{"id":"two"}')
want 404 -u "$one" "$url/$org/releases/linux/tool.bin"
want 201 -u "$me" -X POST "$url/products/$org/suite/entitlements" -d '{"access":"r","access_keys":["one"]}'
want 201 -u "$me" -X POST "$url/repos/$org/releases/entitlements" \
  -d '{"access":"r","access_keys":["two"],"path":"linux"}'
paid=$(field id)
want 200 -u "$one" "$url/$org/releases/linux/tool.bin"
told linux/tool.bin
want 200 -u "$one" "$url/$org/releases/windows/tool.exe"
want 404 -u "$one" "$url/$org/releases/plugin.bin"
want 200 -u "$two" "$url/$org/releases/linux/tool.bin"
want 404 -u "$two" "$url/$org/releases/windows/tool.exe"
want 403 -u "$two" -T "$work/file" "$url/content/$org/releases/tool/1.0/linux/mine.bin"
want 200 -u "$me" "$url/search/entitlements?access_key=two&scope=$org/releases"
told "$paid"
want 200 -u "$me" -X POST "$url/management/v1/explain" \
  -d "{\"caller\":\"two@$org\",\"action\":\"download\",\"resource\":{\"subject\":\"$org\",\"repo\":\"releases\",\"path\":\"linux/tool.bin\"}}"
told '"allowed":true'
told "$paid"
want 200 -u "$me" -X DELETE "$url/repos/$org/releases/entitlements/$paid"
want 404 -u "$two" "$url/$org/releases/linux/tool.bin"

# A partner who may write to a folder adds to a version, and makes none.
partner=$(new_key '{"id":"partner"}')
want 201 -u "$me" -X POST "$url/repos/$org/releases/entitlements" \
  -d '{"access":"rw","access_keys":["partner"],"path":"incoming"}'
want 201 -u "$partner" -T "$work/file" "$url/content/$org/releases/tool/1.0/incoming/more.bin?publish=1"
want 403 -u "$partner" -T "$work/file" "$url/content/$org/releases/tool/9999/incoming/x?publish=1"
told "Version '9999' is not there"
want 200 -u "$me" "$url/packages/$org/releases/tool/versions/_latest"
told '"name":"1.0"'
say 'two customers, and no more than they paid for'

# --- The license agreement --------------------------------------------------------------------

want 201 -u "$me" -X POST "$url/products/$org/suite/eulas" \
  -d '{"name":"terms","content":"Be <nice>.","versions":["1.0"]}'
want 403 -u "$one" "$url/$org/releases/linux/tool.bin"
told accept_eula
page="$url/$org/product/suite/1.0/accept_eula"
want 401 "$page"
want 200 -u "$one" "$page"
told 'Be &lt;nice&gt;.'
token=$(sed -n 's/.*name="token"[^>]*value="\([^"]*\)".*/\1/p' "$work/body")
[ -n "$token" ] || fail "no token in $(cat "$work/body")"
want 403 -u "$one" -X POST "$page" --data-urlencode "token=another"
want 200 -u "$one" -X POST "$page" --data-urlencode "token=$token"
want 200 -u "$one" "$url/$org/releases/linux/tool.bin"
want 200 -u "$me" "$url/products/$org/suite/signed_eulas"
told "one@$org"

# A customer who paid for one folder meets the same agreement, and can accept it.
three=$(new_key '{"id":"three"}')
want 201 -u "$me" -X POST "$url/repos/$org/releases/entitlements" \
  -d '{"access":"r","access_keys":["three"],"path":"linux"}'
want 403 -u "$three" "$url/$org/releases/linux/tool.bin"
told "$org/product/suite/1.0/accept_eula"
want 404 -u "$two" "$page"
want 200 -u "$three" "$page"
told "three@$org"
other=$(sed -n 's/.*name="token"[^>]*value="\([^"]*\)".*/\1/p' "$work/body")
want 403 -u "$three" -X POST "$page" --data-urlencode "token=$token"
want 200 -u "$three" -X POST "$page" --data-urlencode "token=$other"
want 200 -u "$three" "$url/$org/releases/linux/tool.bin"
want 404 -u "$three" "$url/$org/releases/windows/tool.exe"
say 'a license agreement, accepted'

# --- A signed URL and its callback ------------------------------------------------------------

python3 - "$work" <<'LISTENER' &
import http.server, sys
work = sys.argv[1]
class Listener(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        with open(work + "/called", "wb") as called:
            called.write(self.path.encode() + b"\n" + self.headers["X-Bintray-Callback-Hmac"].encode() + b"\n" + body)
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()
    def log_message(self, *_):
        pass
server = http.server.HTTPServer(("127.0.0.1", 0), Listener)
with open(work + "/port", "w") as port:
    port.write(str(server.server_port))
server.timeout = 60
server.handle_request()
LISTENER
listener=$!
trap 'kill $listener 2>/dev/null || true' EXIT
for _ in $(seq 100); do [ -s "$work/port" ] && break; sleep 0.1; done
want 200 -u "$me" -X POST "$url/signed_url/$org/releases/windows/tool.exe" \
  -d "{\"valid_for_secs\":600,\"callback_id\":\"buyer 7\",\"callback_url\":\"http://127.0.0.1:$(cat "$work/port")/used/%callback_id\"}"
signed=$(field url)
want 200 "$signed"
told windows/tool.exe
want 403 "${signed/tool.exe/tool.bin}"
wait "$listener" || fail 'the listener ended badly'
[ -s "$work/called" ] || fail 'nobody called'
grep -qx '/used/buyer%207' "$work/called" || fail "$(cat "$work/called")"
grep -q '"callback_id":"buyer 7"' "$work/called" || fail "$(cat "$work/called")"
want 201 -u "$me" -X POST "$url/subjects/$org/keypair"
want 403 "$signed"
say 'a signed URL, its callback, and its end'

# --- An expired key and a blocked network -----------------------------------------------------

soon=$(($(date +%s%3N) + 1500))
short=$(new_key "{\"id\":\"short\",\"expiry\":$soon}")
blocked=$(new_key '{"id":"blocked","black_cidrs":["127.0.0.0/8","::1/128"]}')
elsewhere=$(new_key '{"id":"elsewhere","white_cidrs":["192.0.2.0/24"]}')
want 201 -u "$me" -X POST "$url/repos/$org/releases/entitlements" \
  -d '{"access":"r","access_keys":["short","blocked","elsewhere"]}'
want 200 -u "$short" "$url/$org/releases/plugin.bin"
want 401 -u "$blocked" "$url/$org/releases/plugin.bin"
want 401 -u "$elsewhere" "$url/$org/releases/plugin.bin"
sleep 2
want 401 -u "$short" "$url/$org/releases/plugin.bin"
want 200 -u "$me" -X DELETE "$url/orgs/$org/access_keys/one"
want 401 -u "$one" "$url/$org/releases/linux/tool.bin"
say 'an expired key, a blocked network, a key taken back'

want 200 -u "$me" -X PUT "$url/repos/$org/releases/ip_restrictions" \
  -d '{"white_cidrs":["192.0.2.0/24"],"black_cidrs":[]}'
want 403 -u "$me" "$url/$org/releases/plugin.bin"
want 200 -u "$me" -X DELETE "$url/repos/$org/releases/ip_restrictions"
want 200 -u "$me" "$url/$org/releases/plugin.bin"
say 'a restricted repository'
say 'the product is sold'
