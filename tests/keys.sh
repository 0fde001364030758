#!/usr/bin/env bash
# A user gives a running server an OpenPGP key pair that gpg makes, and others verify with the public
# key that the server shows.
#
#   PACKHOUSE_URL=http://127.0.0.1:8080 PACKHOUSE_ADMIN_KEY=… tests/keys.sh
set -euo pipefail

url=${PACKHOUSE_URL:?the address of the server}
admin=admin:${PACKHOUSE_ADMIN_KEY:?the key of the platform admin}
work=${RELEASE_WORK:-$(mktemp -d)}
mkdir -p "$work"
user=signer-$RANDOM
deadline=60

. "$(dirname "$0")/common.sh"

export GNUPGHOME=$work/gnupg
trap 'gpgconf --kill all' EXIT
mkdir -m 700 "$GNUPGHOME"
gpg="gpg --batch --quiet --no-tty --pinentry-mode loopback --passphrase secret"
# A text as a JSON string.
quoted() { printf '"%s"' "$(awk '{ printf "%s\\n", $0 }')"; }
fingerprint() { $gpg --with-colons --list-keys | awk -F: '$1 == "fpr" { print $10; exit }'; }

# --- The key pair -----------------------------------------------------------------------------

$gpg --gen-key - <<'KEY'
Key-Type: RSA
Key-Length: 3072
Key-Usage: sign
Name-Real: Signer
Name-Email: signer@example.com
Expire-Date: 1y
%commit
KEY
made=$(fingerprint)
printf '{"public_key":%s,"private_key":%s}' \
  "$($gpg --armor --export | quoted)" "$($gpg --armor --export-secret-keys | quoted)" >"$work/pair"
printf 'a release' >"$work/file"
$gpg --armor --detach-sign --output "$work/file.asc" "$work/file"

# --- The server takes it, and shows the public half to everyone ---------------------------------

want 201 -u "$admin" -X PUT "$url/management/v1/users/$user" -d '{"plan":"premium"}'
me=$user:$(sed -n 's/.*"api_key":"\([^"]*\)".*/\1/p' "$work/body")
keys=$url/management/v1/users/$user/keys/gpg
want 404 "$url/users/$user/keys/gpg/public.key"
want 401 -X PUT "$keys" -d "@$work/pair"
want 201 -u "$me" -X PUT "$keys" -d "@$work/pair"
for said in "\"fingerprint\":\"$made\"" '"algorithm":"rsa3072"' '"private_key_protected":true'; do
  grep -qF -- "$said" "$work/body" || fail "no $said in $(head -c 300 "$work/body")"
done
! grep -q 'PRIVATE KEY' "$work/body" || fail "the private key is shown"
want 200 "$url/users/$user/keys/gpg/public.key"
cp "$work/body" "$work/public.key"

# --- Somebody else verifies with it -------------------------------------------------------------

gpgconf --kill all
export GNUPGHOME=$work/elsewhere
mkdir -m 700 "$GNUPGHOME"
$gpg --import "$work/public.key"
[ "$(fingerprint)" = "$made" ] || fail "gpg imports another key than $made"
$gpg --verify "$work/file.asc" "$work/file" 2>"$work/verified" || fail "$(cat "$work/verified")"

want 200 -u "$me" -X DELETE "$keys"
want 404 "$url/users/$user/keys/gpg/public.key"
echo 'the key is known'
