"""Writers of zip and tar that write exactly what they are told, right or wrong."""

import bz2
import gzip
import lzma
import struct
import zlib


class Entry:
    """An entry of a zip. `local` and `central` override fields of the one header or the other."""

    def __init__(self, name, data=b"", method=8, flags=0, **more):
        self.name = name if isinstance(name, bytes) else name.encode()
        if not self.name.isascii():
            flags |= 0x800
        self.data, self.method, self.flags = data, method, flags
        self.local = more.get("local", {})
        self.central = more.get("central", {})
        self.external = more.get("external", 0)
        self.extra = more.get("extra", (b"", b""))
        self.descriptor = more.get("descriptor")
        self.before = more.get("before", b"")
        self.after = more.get("after", b"")
        self.packed = more.get("packed")


def deflate(data):
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


def field(number, content):
    return struct.pack("<HH", number, len(content)) + content


def make_zip(entries, comment=b"", end=None, prefix=b"", before_directory=b"",
             after_directory=b"", zip64=None, suffix=b"", order=None):
    out, records = bytearray(prefix), []
    for entry in entries:
        out += entry.before
        packed = entry.packed
        if packed is None:
            packed = deflate(entry.data) if entry.method == 8 else entry.data
        sums = dict(crc=zlib.crc32(entry.data), packed=len(packed), unpacked=len(entry.data))
        both = dict(needed=20, flags=entry.flags, method=entry.method, time=0, date=0x5821, **sums)
        offset = len(out)
        local = dict(both, name=entry.name, extra=entry.extra[0])
        if entry.descriptor is not None:
            both["flags"] |= 8
            local.update(flags=both["flags"], crc=0, packed=0, unpacked=0)
        local.update(entry.local)
        out += struct.pack("<IHHHHHIIIHH", 0x04034b50, local["needed"], local["flags"], local["method"],
                           local["time"], local["date"], local["crc"], local["packed"],
                           local["unpacked"], len(local["name"]), len(local["extra"]))
        out += local["name"] + local["extra"] + packed
        if entry.descriptor is not None:
            out += entry.descriptor(**sums)
        out += entry.after
        records.append(central_record(entry, dict(both, offset=offset)))
    out += before_directory
    start = len(out)
    for record in [records[i] for i in order] if order else records:
        out += record
    size = len(out) - start
    out += after_directory
    fields = dict(disk=0, start_disk=0, here=len(records), total=len(records), size=size,
                  start=start, comment=len(comment))
    if zip64 is not None:
        out += zip64_records(len(out), fields, zip64)
    fields.update(end or {})
    out += struct.pack("<IHHHHIIH", 0x06054b50, fields["disk"], fields["start_disk"], fields["here"],
                       fields["total"], fields["size"], fields["start"], fields["comment"])
    return bytes(out) + comment + suffix


def central_record(entry, both):
    central = dict(both, made=0x031e, name=entry.name, extra=entry.extra[1], comment=b"", disk=0,
                   internal=0, external=entry.external)
    central.update(entry.central)
    packed = struct.pack("<IHHHHHHIIIHHHHHII", 0x02014b50, central["made"], central["needed"],
                         central["flags"], central["method"], central["time"], central["date"],
                         central["crc"], central["packed"], central["unpacked"],
                         len(central["name"]), len(central["extra"]), len(central["comment"]),
                         central["disk"], central["internal"], central["external"],
                         central["offset"])
    return packed + central["name"] + central["extra"] + central["comment"]


def zip64_records(at, fields, override):
    wide = dict(record=44, made=45, needed=45, disk=0, start_disk=0, here=fields["here"],
                total=fields["total"], size=fields["size"], start=fields["start"],
                located_disk=0, located=at, disks=1, between=b"")
    wide.update(override)
    record = struct.pack("<IQHHIIQQQQ", 0x06064b50, wide["record"], wide["made"], wide["needed"],
                         wide["disk"], wide["start_disk"], wide["here"], wide["total"],
                         wide["size"], wide["start"])
    locator = struct.pack("<IIQI", 0x07064b50, wide["located_disk"], wide["located"], wide["disks"])
    return record + wide["between"] + locator


def signed(crc, packed, unpacked):
    return struct.pack("<IIII", 0x08074b50, crc, packed, unpacked)


def unsigned(crc, packed, unpacked):
    return struct.pack("<III", crc, packed, unpacked)


def wide_signed(crc, packed, unpacked):
    return struct.pack("<IIQQ", 0x08074b50, crc, packed, unpacked)


def wide_unsigned(crc, packed, unpacked):
    return struct.pack("<IQQ", crc, packed, unpacked)


def header(name, size=0, kind=b"0", **more):
    """A header block of a tar; a field may be given as a number or as its very bytes."""
    def number(value, width):
        return value if isinstance(value, bytes) else b"%0*o\0" % (width - 1, value)
    name = name if isinstance(name, bytes) else name.encode()
    fields = [
        name.ljust(100, b"\0"), number(more.get("mode", 0o644), 8), number(more.get("uid", 0), 8),
        number(more.get("gid", 0), 8), number(size, 12), number(more.get("mtime", 1 << 30), 12),
        b" " * 8, kind, more.get("link", b"").ljust(100, b"\0"), more.get("magic", b"ustar\x0000"),
        more.get("owner", b"").ljust(64, b"\0"), b"0000000\0" * 2 if "magic" not in more else b"\0" * 16,
        more.get("rest", b"").ljust(167, b"\0"),
    ]
    block = b"".join(fields)
    assert len(block) == 512, len(block)
    return block if more.get("unsummed") else summed(block)


def summed(block):
    block = bytes(block)
    total = sum(block) - sum(block[148:156]) + 8 * 32
    return block[:148] + b"%06o\0 " % total + block[156:]


def padded(data):
    return data + b"\0" * (-len(data) % 512)


def file(name, data=b"content\n", **more):
    return header(name, more.pop("size", len(data)), **more) + padded(data)


def record(key, value):
    key = key if isinstance(key, bytes) else key.encode()
    value = value if isinstance(value, bytes) else value.encode()
    body = b" " + key + b"=" + value + b"\n"
    length = len(body)
    while len(b"%d" % length) + len(body) != length:
        length = len(b"%d" % length) + len(body)
    return b"%d" % length + body


def pax(records, kind=b"x", name="PaxHeaders/a", **more):
    data = records if isinstance(records, bytes) else b"".join(record(*r) for r in records)
    return file(name, data, kind=kind, **more)


def long_name(name, **more):
    return file("././@LongLink", name, kind=b"L", magic=b"ustar  \0", **more)


END = b"\0" * 1024


def make_tar(*parts, end=END):
    return b"".join(parts) + end


PACKERS = {
    "tar": lambda data: data,
    "tar.gz": lambda data: gzip.compress(data, 6, mtime=0),
    "tar.bz2": lambda data: bz2.compress(data, 1),
    "tar.xz": lambda data: lzma.compress(data, preset=1),
}
