"""Archives with something changed by chance, where it hurts."""

import struct

import formats

SIGNATURES = [b"PK\3\4", b"PK\1\2", b"PK\5\6", b"PK\7\x08", b"PK\6\6", b"PK\6\7"]
RECORD = {b"PK\3\4": 30, b"PK\1\2": 46, b"PK\5\6": 22, b"PK\7\x08": 16, b"PK\6\6": 56, b"PK\6\7": 20}


def mutate(rng, kind, data, others):
    """One or a few changes."""
    data = bytearray(data)
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        general = [flip, truncate, append, cut_out, repeat, concatenate]
        special = {"zip": [zip_field, zip_field, zip_field, zip_copy], "tar": [tar_field, tar_field, tar_pax, tar_blocks]}
        choose = special.get(kind, [flip, flip]) * 2 + general
        data = bytearray(rng.choice(choose)(rng, data, others))
        if not data:
            break
    return bytes(data)


def flip(rng, data, others):
    at = rng.randrange(len(data))
    if rng.random() < 0.5:
        at = min(at, rng.randrange(min(600, len(data))))
    data[at] = rng.choice([data[at] ^ (1 << rng.randrange(8)), 0, 0xff, rng.randrange(256)])
    return data


def truncate(rng, data, others):
    return data[:rng.randrange(len(data) + 1)]


def append(rng, data, others):
    return data + rng.choice([b"\0", b"\0" * 512, b"junk", rng.randbytes(rng.randrange(1, 600)), data[-22:]])


def cut_out(rng, data, others):
    start = rng.randrange(len(data))
    return data[:start] + data[start + rng.randrange(1, 600):]


def repeat(rng, data, others):
    start = rng.randrange(len(data))
    return data[:start] + data[start:start + rng.randrange(1, 600)] * 2 + data[start:]


def concatenate(rng, data, others):
    return data + rng.choice(others)


def places(data, signature):
    found, at = [], data.find(signature)
    while at >= 0:
        found.append(at)
        at = data.find(signature, at + 1)
    return found


def zip_field(rng, data, others):
    """Another value in a field of a record."""
    signature = rng.choice([s for s in SIGNATURES if s in data] or [b""])
    if not signature:
        return data
    at = rng.choice(places(data, signature)) + 4 + 2 * rng.randrange(RECORD[signature] // 2 - 2)
    width = rng.choice([2, 2, 4])
    near = int.from_bytes(data[at:at + width], "little") + rng.choice([-2, -1, 1, 2, 46, 30])
    value = rng.choice([0, 1, near, near, (1 << 8 * width) - 1, rng.getrandbits(8 * width), len(data)])
    data[at:at + width] = (value % (1 << 8 * width)).to_bytes(width, "little")
    return data


def zip_copy(rng, data, others):
    """A field of one record in the place of another's."""
    signature = rng.choice([s for s in SIGNATURES[:2] if s in data] or [b""])
    if not signature:
        return data
    source, target = rng.choice(places(data, signature)), rng.choice(places(data, signature))
    at, width = 4 + 2 * rng.randrange(RECORD[signature] // 2 - 2), rng.choice([2, 4, 8])
    data[target + at:target + at + width] = data[source + at:source + at + width]
    return data


def headers(data):
    """Where headers are: blocks with a right checksum."""
    found = []
    for at in range(0, len(data) - 511, 512):
        block = bytes(data[at:at + 512])
        try:
            if any(block) and int(block[148:156].strip(b" \0") or b"0", 8) == sum(block) - sum(block[148:156]) + 256:
                found.append(at)
        except ValueError:
            pass
    return found


FIELDS = [(0, 100), (100, 8), (108, 8), (116, 8), (124, 12), (124, 12), (124, 12), (136, 12), (156, 1), (156, 1),
          (257, 8), (157, 100), (345, 155), (500, 12), (265, 64)]


def tar_field(rng, data, others):
    """Another value in a field of a header, with the checksum put right."""
    found = headers(data)
    if not found:
        return data
    at, (start, width) = rng.choice(found), rng.choice(FIELDS)
    old = data[at + start:at + start + width]
    digits = b"%0*o\0" % (width - 1, rng.choice([0, 1, 7, 8, 511, 512, 513, 1024, 0o4755, 1 << 33])) if width > 2 else b"0"
    choices = [rng.randbytes(width), b"\0" * width, digits[-width:], bytes(rng.choice(b"0157xgLKS\0") for _ in range(1)),
               old[:3] + bytes([rng.randrange(256)]) + old[4:], b"\x80" + old[1:],
               data[(o := rng.choice(found)) + start:o + start + width]]
    value = bytes(rng.choice(choices))[:width].ljust(width, b"\0")
    data[at + start:at + start + width] = value
    data[at:at + 512] = formats.summed(data[at:at + 512])
    return data


def tar_pax(rng, data, others):
    """Records before a header, or a change to records that are there."""
    found = headers(data)
    if not found:
        return data
    at = rng.choice(found)
    key = rng.choice(["path", "size", "mtime", "comment", "linkpath", "GNU.sparse.realsize", "uid", "SCHILY.xattr.a"])
    value = rng.choice(["", "a", "0", "512", "8", "../x", "dir/", "x" * 200, "1.5", "new-name"])
    block = rng.choice([
        formats.pax([(key, value)], rng.choice([b"x", b"x", b"g"])),
        formats.pax([(key, value), (key, "other")]),
        formats.long_name(value.encode() + b"\0"),
    ])
    return data[:at] + block + data[at:]


def tar_blocks(rng, data, others):
    """Blocks repeated, removed, exchanged or zeroed."""
    count = len(data) // 512
    if count < 2:
        return data
    one, two = rng.randrange(count) * 512, rng.randrange(count) * 512
    block = data[one:one + 512]
    return rng.choice([
        data[:one] + data[one + 512:], data[:one] + block + data[one:],
        data[:two] + block + data[two + 512:], data[:one] + bytes(512) + data[one + 512:],
        data[:one] + bytes(512) + data[one:],
    ])
