#!/bin/sh
# Makes the keys of this folder anew, with gpg 2.2 or later. They are nobody's, and all but the
# protected ones (their passphrase is "passphrase") are without a passphrase: for tests alone.
set -eu
cd "$(dirname "$0")"
GNUPGHOME=$(mktemp -d)
export GNUPGHOME
trap 'gpgconf --kill all; rm -rf "$GNUPGHOME"' EXIT
passphrase=

run() {
    at=$1
    shift
    gpg --batch --quiet --no-tty --pinentry-mode loopback --passphrase "$passphrase" \
        --faked-system-time "$at!" --no-permission-warning --allow-weak-digest-algos "$@"
}
then=20250601T000000
fingerprint() {
    gpg --batch --with-colons --list-keys "=$1" | awk -F: '$1 == "fpr" { print $10; exit }'
}
# A key of a user id: its name, its algorithm, its use, its end, and more options.
make() {
    user=$1 algorithm=$2 use=$3 end=$4
    shift 4
    run $then "$@" --quick-gen-key "$user" "$algorithm" "$use" "$end"
}
public() { run $then --armor --export "=$2" >"$1.pub"; }
private() { run $then --armor --export-secret-keys "=$2" >"$1.key"; }
both() { public "$1" "$2" && private "$1" "$2"; }

# Good ones. The first has an encryption subkey, as gpg makes keys if nothing is said.
run $then --quick-gen-key 'Ed <ed@example.com>' future-default default never
both ed25519 'Ed <ed@example.com>'
for algorithm in rsa3072 rsa2048 nistp256 nistp384 nistp521; do
    make "$algorithm <k@example.com>" $algorithm sign never
    both $algorithm "$algorithm <k@example.com>"
done
passphrase=passphrase
make 'Guarded <g@example.com>' ed25519 sign 10y
both protected 'Guarded <g@example.com>'
passphrase=

# The primary key is kept elsewhere, and a subkey signs.
make 'Offline <o@example.com>' ed25519 cert never
run $then --quick-add-key "$(fingerprint 'Offline <o@example.com>')" ed25519 sign never
both offline 'Offline <o@example.com>'
run $then --armor --export-secret-subkeys '=Offline <o@example.com>' >offline.subkeys.key

# Two user ids, of which one was revoked.
make 'New <new@example.com>' ed25519 sign never
run $then --quick-add-uid '=New <new@example.com>' 'Old <old@example.com>'
run 20250701T000000 --quick-revoke-uid '=New <new@example.com>' 'Old <old@example.com>'
public two-users 'New <new@example.com>'

# What is not to be taken.
make 'Gone <gone@example.com>' ed25519 sign 1y
public ends-in-2026 'Gone <gone@example.com>'
make 'Revoked <r@example.com>' ed25519 sign never
private revoked 'Revoked <r@example.com>'
sed 's/^:-----BEGIN/-----BEGIN/' \
    "$GNUPGHOME/openpgp-revocs.d/$(fingerprint 'Revoked <r@example.com>').rev" >"$GNUPGHOME/rev"
run $then --import "$GNUPGHOME/rev"
public revoked 'Revoked <r@example.com>'
make 'Weak <w@example.com>' rsa1024 sign never
both rsa1024 'Weak <w@example.com>'
make 'Dsa <d@example.com>' dsa2048 sign never
public dsa 'Dsa <d@example.com>'
make 'Koblitz <k@example.com>' secp256k1 sign never
public secp256k1 'Koblitz <k@example.com>'
make 'Sha <s@example.com>' ed25519 sign never --cert-digest-algo SHA1
public sha1 'Sha <s@example.com>'
run 20250701T000000 --cert-digest-algo SHA512 \
    --quick-set-expire "$(fingerprint 'Sha <s@example.com>')" 0
public sha1-then-sha512 'Sha <s@example.com>'
make 'Md <m@example.com>' rsa2048 sign never --cert-digest-algo MD5
public md5 'Md <m@example.com>'
make 'Silent <q@example.com>' ed25519 cert never
run $then --quick-add-key "$(fingerprint 'Silent <q@example.com>')" cv25519 encr never
public encrypts-only 'Silent <q@example.com>'
make 'Short <x@example.com>' ed25519 cert never
run $then --quick-add-key "$(fingerprint 'Short <x@example.com>')" ed25519 sign 1m
public subkey-expired 'Short <x@example.com>'
make 'Lost <l@example.com>' ed25519 cert never
run $then --quick-add-key "$(fingerprint 'Lost <l@example.com>')" ed25519 sign never
printf 'key 1\nrevkey\ny\n1\n\ny\nsave\n' | gpg --command-fd 0 --quiet --no-tty \
    --pinentry-mode loopback --passphrase '' --edit-key '=Lost <l@example.com>' 2>/dev/null
public subkey-revoked 'Lost <l@example.com>'
run $then --armor --export '=Ed <ed@example.com>' '=New <new@example.com>' >two-keys.pub
run $then --armor --export-secret-keys '=Ed <ed@example.com>' '=New <new@example.com>' >two-keys.key
run $then --export '=Ed <ed@example.com>' >binary.pub

# Somebody else may revoke it: a signature of the key that does not say what the key is for.
make 'Heir <h@example.com>' ed25519 cert never
printf 'addrevoker\n%s\ny\nsave\n' "$(fingerprint 'Ed <ed@example.com>')" |
    gpg --command-fd 0 --quiet --no-tty --pinentry-mode loopback --passphrase '' \
        --edit-key '=Heir <h@example.com>' 2>/dev/null
public may-be-revoked 'Heir <h@example.com>'
