"""Archives that break a rule each, and archives that are nearly right."""

import struct
import zlib

import formats
from formats import END, Entry, file, header, long_name, make_tar, make_zip, padded, pax, record

BAD_NAMES = [
    b"../a", b"a/../../b", b"a/..", b"..", b"/a", b"//a", b"/", b"C:/a", b"c:a", b"\\a", b"a\\b", b"..\\a",
    b"\\\\host\\a", b"a//b", b"a/./b", b"././a", b"./../a", b"a/.", b"a\0b", b"a\nb", b"a\x1b[0m", b"\x7f",
    "a\u0085b".encode(), b"a\xffb", b"\xc0\xae\xc0\xae/a", b"a\xed\xa0\x80", b"", b"./", b"a" * 5000,
    b"/".join([b"d"] * 300) + b"/f", b"./\\a", b".//a", b"./C:a",
]
CLASHES = [
    ["a", "a"], ["a", "A"], ["a/b", "A/B"], ["a", "a/b"], ["a/b", "a"], ["a/b/c", "a/b"], ["A", "a/b"],
    ["./a", "a"], ["ä", "a\u0308"], ["Ä", "ä"], ["a/", "a"], ["a", "a/"], ["σ", "ς"], ["K", "\u212a"],
    ["é/x", "e\u0301/X"], ["ſ", "s"],
]
MODES = [0o120777, 0o020644, 0o060644, 0o010644, 0o140644, 0o104755, 0o102755, 0o106755, 0o040755, 0o004755]


def archives():
    """Their labels, kinds and bytes."""
    for module in (zip_names, zip_entries, zip_layout, zip_ends):
        for label, data in module():
            yield f"zip-{label}", "zip", data
    plain = [*tar_names(), *tar_headers(), *tar_pax(), *tar_layout()]
    kinds = list(formats.PACKERS)
    for label, data in plain:
        # Each is compressed in one way as well: the same one, whatever is added to the others.
        for kind in ("tar", kinds[1 + zlib.crc32(label.encode()) % 3]):
            yield f"{kind}-{label}", kind, formats.PACKERS[kind](data)
    for label, kind, data in compressed():
        yield f"{kind}-{label}", kind, data


def zip_names():
    for number, name in enumerate(BAD_NAMES):
        entry = Entry(name, b"x", flags=0x800)
        yield f"name-{number}", make_zip([Entry("ok", b"1"), entry])
    for number, names in enumerate(CLASHES):
        yield f"clash-{number}", make_zip([Entry(n, b"" if n.endswith("/") else n.encode()) for n in names])
    yield "cp437", make_zip([Entry("ok"), Entry(b"caf\x82", central={"flags": 0}, local={"flags": 0})])
    utf8 = "é".encode()
    yield "utf8-unflagged", make_zip([Entry(utf8, central={"flags": 0}, local={"flags": 0})])
    for label, sum_of, other in (("differs", b"a", b"b"), ("stale", b"b", b"a"), ("agrees", b"a", b"a")):
        extra = formats.field(0x7075, b"\1" + struct.pack("<I", zlib.crc32(sum_of)) + other)
        yield f"unicode-path-{label}", make_zip([Entry("a", b"1", extra=(extra, extra))])
        yield f"unicode-path-local-{label}", make_zip([Entry("a", b"1", extra=(extra, b""))])
        yield f"unicode-path-central-{label}", make_zip([Entry("a", b"1", extra=(b"", extra))])


def zip_entries():
    for mode in MODES:
        for name in ("a", "a/"):
            data = b"" if name == "a/" else b"../target"
            yield f"mode-{mode:o}-{len(name)}", make_zip([Entry(name, data, 0, external=mode << 16)])
    yield "dos-folder", make_zip([Entry("a", b"1", external=0x10)])
    yield "folder-content", make_zip([Entry("a/", b"content", 0)])
    for bit in range(16):
        yield f"flag-{bit}", make_zip([Entry("a", b"123", flags=1 << bit)])
        yield f"local-flag-{bit}", make_zip([Entry("a", b"123", local={"flags": 1 << bit})])
        yield f"central-flag-{bit}", make_zip([Entry("a", b"123", central={"flags": 1 << bit})])
    for method in (1, 6, 9, 12, 14, 93, 95, 99, 0xffff):
        yield f"method-{method}", make_zip([Entry("a", b"123", method, packed=b"123")])
    for where in ("local", "central"):
        for key, values in dict(crc=[0, 1], packed=[0, 1, 2, 200, 0xffffffff], method=[0, 8, 12],
                                unpacked=[0, 1, 99, 101, 1 << 30, 0xffffffff], needed=[46, 63, 0x314],
                                name=[b"b", b"aa", b"", b"a/", b"A"]).items():
            for value in values:
                entry = Entry("a", b"x" * 100, **{where: {key: value}})
                yield f"{where}-{key}-{str(value)[:9]}", make_zip([entry, Entry("z", b"2")])
    for key, value in dict(disk=1, offset=1, comment=b"PK\1\2").items():
        yield f"central-{key}", make_zip([Entry("a", b"1", central={key: value})])
    for key in ("crc", "packed", "unpacked"):
        for value in (50, 150):
            both = {key: value}
            entry = Entry("a", b"x" * 100, local=both, central=both)
            yield f"both-{key}-{value}", make_zip([entry])
            entry.method = 0
            yield f"both-stored-{key}-{value}", make_zip([entry])
    packed = formats.deflate(b"x" * 100)
    yield "data-after-end", make_zip([Entry("a", b"x" * 100, packed=packed + b"more")])
    yield "data-unfinished", make_zip([Entry("a", b"x" * 100, packed=packed[:-1])])
    open_end = zlib.compressobj(9, zlib.DEFLATED, -15)
    half = open_end.compress(b"x" * 100) + open_end.flush(zlib.Z_SYNC_FLUSH)
    yield "data-without-end", make_zip([Entry("a", b"x" * 100, packed=half)])
    yield from zip_extras()


def zip_extras():
    sizes = struct.pack("<QQ", 3, 5)
    wide = formats.field(1, sizes)
    absent = {"packed": 0xffffffff, "unpacked": 0xffffffff}
    good = formats.field(1, struct.pack("<QQ", 3, len(formats.deflate(b"123"))))
    for label, extra, fields in (
        ("unneeded", wide, {}), ("short", formats.field(1, sizes[:8]), absent), ("missing", b"", absent),
        ("long", formats.field(1, sizes + b"\0" * 8), absent), ("twice", good + good, absent),
        ("lies", formats.field(1, struct.pack("<QQ", 3, 6)), absent), ("huge", formats.field(1, b"\xff" * 16), absent),
        ("cut", b"\x01\x00\xff\x00", {}), ("stub", b"\0\0\0", {}), ("right", good, absent),
        ("foreign", formats.field(0x5455, b"\1\0\0\0\0"), {}), ("empty", formats.field(0xcafe, b""), {}),
    ):
        for where in ("local", "central", "both"):
            extras = (extra if where != "central" else b"", extra if where != "local" else b"")
            more = {side: fields for side in ("local", "central") if where in (side, "both")}
            yield f"extra-{label}-{where}", make_zip([Entry("a", b"123", extra=extras, **more)])
    for label, descriptor in (
        ("signed", formats.signed), ("unsigned", formats.unsigned), ("wide", formats.wide_signed),
        ("wide-unsigned", formats.wide_unsigned), ("none", lambda **s: b""),
        ("wrong-crc", lambda crc, **s: formats.signed(crc ^ 1, **s)),
        ("wrong-packed", lambda packed, **s: formats.signed(packed=packed + 1, **s)),
        ("wrong-unpacked", lambda unpacked, **s: formats.unsigned(unpacked=unpacked + 1, **s)),
        ("long", lambda **s: formats.signed(**s) + b"\0"), ("zeros", lambda **s: b"\0" * 16),
    ):
        for method in (0, 8):
            entries = [Entry("a", b"123" * 9, method, descriptor=descriptor), Entry("b", b"4")]
            yield f"descriptor-{label}-{method}", make_zip(entries)
    for label, extra in (("field", formats.field(1, b"\0" * 16)), ("no-field", b"")):
        entry = Entry("a", b"123", descriptor=formats.wide_signed, extra=(extra, b""),
                      local=dict(packed=0xffffffff, unpacked=0xffffffff))
        yield f"descriptor-wide-{label}", make_zip([entry])


def zip_layout():
    a, b = Entry("a", b"1" * 50), Entry("b", b"2" * 50)
    junk = [b"\0", b"MZ" + b"\0" * 64, b"PK\3\4" + b"\0" * 26, make_zip([Entry("hidden", b"!")])]
    for number, bytes_ in enumerate(junk):
        yield f"prefix-{number}", make_zip([a, b], prefix=bytes_)
        yield f"prefix-unaware-{number}", bytes_ + make_zip([a, b])
        yield f"gap-{number}", make_zip([a, Entry("b", b"2", before=bytes_)])
        yield f"gap-at-end-{number}", make_zip([a, b], before_directory=bytes_)
        yield f"after-directory-{number}", make_zip([a, b], after_directory=bytes_)
        yield f"suffix-{number}", make_zip([a, b], suffix=bytes_)
        yield f"comment-{number}", make_zip([a, b], comment=bytes_)
        yield f"comment-short-{number}", make_zip([a, b], comment=bytes_, end={"comment": 0})
    hidden = make_zip([Entry("hidden", b"!")])
    yield "local-only", make_zip([a, Entry("b", b"2", before=hidden[:hidden.find(b"PK\1\2")])])
    body = make_zip([a])
    yield "two-zips", body + make_zip([b])
    yield "stub-start", b"PK\3\4" + body
    at = body.find(b"PK\1\2") + 32
    for length in (1, 22):
        yield f"record-over-end-{length}", body[:at] + bytes([length, 0]) + body[at + 2:]
    yield "no-entry-but-bytes", make_zip([], prefix=hidden[:hidden.find(b"PK\1\2")])
    # Two entries that share their content, and one that lies within another's.
    for offset in (0, 1):
        yield f"overlap-{offset}", make_zip([Entry("a", b"1"), Entry("b", b"1", central={"offset": offset})])
    inner = make_zip([Entry("in", b"1", 0)])
    local = inner[:inner.find(b"PK\1\2")]
    outer = Entry("a", local, 0)
    yield "overlap-within", make_zip([outer, Entry("in", b"1", 0, central={"offset": 31})])
    yield "order", make_zip([a, b, Entry("c", b"3")], order=[2, 0, 1])
    yield "same-record-twice", make_zip([a, b], order=[0, 0])
    yield "missing-record", make_zip([a, b], order=[1], end=dict(here=1, total=1))
    yield "missing-first", make_zip([a, b], order=[0], end=dict(here=1, total=1))
    tar = file("t", b"content")
    yield "tar-inside", make_zip([Entry("a", tar + END, 0)])
    # A sound zip, whose first block has the checksum of a tar header within an extra field.
    polyglot = make_zip([Entry("a", b"1", extra=(formats.field(0x6666, b"\0" * 600), b""))])
    yield "tar-at-once", formats.summed(polyglot[:512]) + polyglot[512:]


def zip_ends():
    a, b = Entry("a", b"1" * 50), Entry("b", b"2" * 50)
    whole = make_zip([a, b])
    for key, values in dict(disk=[1, 0xffff], start_disk=[1], here=[0, 1, 3], total=[0, 1, 3, 0xffff],
                            size=[0, 1, 0xffffffff], start=[0, 1, 0xffffffff],
                            comment=[1, 0xffff]).items():
        for value in values:
            yield f"end-{key}-{value}", make_zip([a, b], end={key: value})
    for value in (0, 1, 3):
        yield f"end-count-{value}", make_zip([a, b], end=dict(here=value, total=value))
    for key, values in dict(record=[0, 43, 45, 1 << 63], disk=[1], start_disk=[1], here=[1, 3],
                            total=[1, 3, 1 << 63], size=[0, 1 << 63], start=[0, 1, 1 << 63], located_disk=[1],
                            located=[0, 1, 1 << 63], disks=[0, 2], between=[b"x"]).items():
        for value in values:
            yield f"zip64-{key}-{value}", make_zip([a, b], zip64={key: value})
    for narrow in (dict(here=0xffff, total=0xffff), dict(size=0xffffffff), dict(start=0xffffffff),
                   dict(here=1, total=1), dict(size=1), dict(start=7)):
        yield f"zip64-narrow-{list(narrow)[0]}-{list(narrow.values())[0]}", make_zip([a, b], zip64={}, end=narrow)
    yield "zip64-other-directory", make_zip([a, b], zip64=dict(here=1, total=1))
    yield "end-alone-cut", b"PK\5\6" + b"\0" * 17
    yield "end-cut", whole[:-1]
    yield "end-twice", whole + whole[-22:]
    yield "end-in-comment", make_zip([a], comment=whole[-22:])
    yield "end-mark-in-comment", make_zip([a], comment=b"see PK\5\6 there")
    yield "end-in-data", make_zip([Entry("a", whole, 0)])


def tar_names():
    for number, name in enumerate(BAD_NAMES):
        if len(name) <= 100:
            yield f"name-{number}", make_tar(file("ok"), file(name))
            yield f"folder-name-{number}", make_tar(file("ok"), header(name + b"/", 0, b"5"))
        yield f"pax-name-{number}", make_tar(file("ok"), pax([("path", name)]), file("x"))
        yield f"long-name-{number}", make_tar(file("ok"), long_name(name + b"\0"), file("x", magic=b"ustar  \0"))
        yield f"prefix-name-{number}", make_tar(file("a", rest=name[:155]))
    for number, names in enumerate(CLASHES):
        parts = [header(n, 0, b"5") if n.endswith("/") else file(n, n.encode()) for n in names]
        yield f"clash-{number}", make_tar(*parts)
    yield "clash-pax", make_tar(file("a"), pax([("path", "a")]), file("b"))
    yield "folder-twice", make_tar(header("a/", 0, b"5"), header("a", 0, b"5"), file("a/b"))


def tar_headers():
    for kind in b"1234567ABDKLMNSVXIgxz\x01\xff":
        link = b"/etc/passwd" if kind in b"12" else b""
        yield f"kind-{kind}", make_tar(file("ok"), header("a", 0, bytes([kind]), link=link), file("b"))
        yield f"kind-{kind}-content", make_tar(file("ok"), file("a", kind=bytes([kind]), link=link), file("b"))
    for mode in (0o4755, 0o2755, 0o6755, 0o1755, 0o100644, 0o104755):
        for kind in (b"0", b"\0", b"5"):
            yield f"mode-{mode:o}-{kind[0]}", make_tar(header("a", 0, kind, mode=mode))
    numbers = [b"\0" * 12, b" " * 12, b"-0000000001\0", b"0000000009\0\0", b"77777777777\0", b"777777777777",
               b"\x80" + b"\0" * 10 + b"\x08", b"\x80" + b"\xff" * 11, b"\xff" * 12, b"\x80\0\0\0\xff" + b"\0" * 7,
               b"     000010\0", b"0x10\0\0\0\0\0\0\0\0", b"10 junk\0\0\0\0\0", b"\x0010\0\0\0\0\0\0\0\0\0",
               b"00000000010 ", b"+0000000010\0", b"0_10\0\0\0\0\0\0\0\0", b"\x81" + b"\0" * 10 + b"\x08"]
    for number, value in enumerate(numbers):
        yield f"size-{number}", make_tar(file("a", b"12345678", size=value), file("b"))
        yield f"mtime-{number}", make_tar(file("a", mtime=value))
        for key in ("mode", "uid", "gid"):
            yield f"{key}-{number}", make_tar(file("a", **{key: value[:7] + value[-1:]}))
    block = bytearray(file("a"))
    for value in (b"000000\0 ", b"      \0 ", b"\0" * 8, b"999999\0 ", b"\x80" + b"\0" * 7):
        yield f"sum-{value.hex()}", make_tar(file("ok"), bytes(block[:148]) + value + bytes(block[156:]))
    for magic in (b"ustar\x0011", b"ustar   ", b"USTAR\x0000", b"ustar\0\0\0", b"\0ustar00", b"ustar  \0", b"\0" * 8):
        yield f"magic-{magic.hex()}", make_tar(file("a", magic=magic))
        yield f"magic-rest-{magic.hex()}", make_tar(file("a", magic=magic, rest=b"elsewhere"))
        yield f"magic-far-{magic.hex()}", make_tar(file("a", magic=magic, rest=b"\0" * 160 + b"tar\0"))
    yield "hidden-name", make_tar(file(b"a\0../../b"))
    yield "hidden-prefix", make_tar(file("a", rest=b"p\0q"))
    star = b"p" * 5 + b"\0" * 126 + b"14000000000 14000000000 "
    yield "star", make_tar(file("a", rest=star))
    yield "slash-file", make_tar(file("a/"))
    yield "slash-old", make_tar(header("a/", 0, b"\0"), file("b"))
    yield "slash-old-content", make_tar(file("a/", kind=b"\0"), file("b"))
    yield "folder-smuggles", make_tar(header("a/", 1024, b"5"), file("smuggled"), file("b"))
    yield "folder-content", make_tar(file("a/", kind=b"5"), file("b"))


def tar_pax():
    f = file("a", b"12345678")
    for size in (0, 1, 7, 8, 9, 512, 1024, 1 << 33, 1 << 63, 1 << 64, -1):
        yield f"size-pax-{size}", make_tar(pax([("size", str(size))]), f, file("b"))
        yield f"size-pax-only-{size}", make_tar(pax([("size", str(size))]), header("a", 0), padded(b"x" * 8), file("b"))
    for number, raw in enumerate([
        b"11 path=xy\n\n", b"10 path=xy\n", b"12 path=xy\n", b"path=xy\n", b"11 path=xyz", b"0 path=xy\n",
        b" 11 path=xy\n", b"011 path=xy\n", b"11 pathxyz\n", b"9 =value\n", b"99999999999999999999 path=xy\n",
        b"-1 path=xy\n", b"11 path=xy\n\0\0\0", b"11\tpath=xy\n", b"8 path=\n", b"+11 path=xy\n", b"\n",
        b"11 path=xy\n" * 2, b"11 path=xy\n11 path=xz\n", b"11 PATH=xy\n", b"11 path=xy\n6 a=b\n",
    ]):
        yield f"pax-{number}", make_tar(pax(raw), f)
    for key, value in [("GNU.sparse.major", "1"), ("GNU.sparse.name", "b"), ("GNU.sparse.realsize", "99"),
                       ("GNU.sparse.map", "0,1"), ("GNU.sparse.size", "4"), ("GNU.dumpdir", "Ya"),
                       ("SCHILY.realsize", "4"), ("SCHILY.filetype", "sparse"), ("linkpath", "/etc/passwd"),
                       ("hdrcharset", "BINARY"), ("mtime", "x"), ("uid", "x"), ("unheard", "of"),
                       ("comment", "20 path=hidden/file\n"), ("SCHILY.xattr.user.a", "\n11 path=xy\n")]:
        yield f"key-{key}", make_tar(pax([(key, value)]), f)
        yield f"key-global-{key}", make_tar(pax([(key, value)], b"g"), f)
    for key in ("path", "size"):
        yield f"key-global-{key}", make_tar(pax([(key, "8")], b"g"), f, file("b"))
    yield "global-comment", make_tar(pax([("comment", "c")], b"g"), f)


def tar_layout():
    f, g, x = file("a"), pax([("comment", "c")], b"g"), pax([("path", "long")])
    l = long_name(b"long\0")
    gnu = file("a", magic=b"ustar  \0")
    for label, parts in dict(xx=[x, x, f], xg=[x, g, f], gx=[g, x, f], gg=[g, g, f], xl=[x, l, f], lx=[l, x, f],
                             ll=[l, l, gnu], gl=[g, l, gnu], lg=[l, g, gnu], x=[f, x], l=[f, l], g=[f, g], gm=[f, g, file("b")]).items():
        yield f"extensions-{label}", make_tar(*parts)
    # The size in the records is for the file: it does not move what follows the second header.
    smuggled = file("smuggled", b"!" * 100)
    desync = pax([("size", str(len(smuggled) + 1024))])
    inner = pax([("comment", "c")], name="PaxHeaders/b")
    yield "desync-x", make_tar(desync, inner, header("b", 0), smuggled, f)
    yield "desync-l", make_tar(desync, l, header("b", 0), smuggled, f)
    yield "desync-size", make_tar(pax([("size", "1024")]), header("b", 0), smuggled, f)
    for number, name in enumerate([b"", b"\0", b"a\0b\0", b"a\0\0", b"noend", b"\xff\0", b"dir/\0"]):
        yield f"long-{number}", make_tar(long_name(name), gnu)
    yield "long-folder", make_tar(long_name(b"dir/\0"), header("d/", 0, b"5", magic=b"ustar  \0"))
    yield "long-old", make_tar(long_name(b"dir/\0"), header("d/", 0, b"\0"), f)
    yield "long-old-file", make_tar(pax([("path", "dir")]), header("d/", 0, b"\0"), f)
    for size in (1 << 17, 1 << 30, 1 << 32):
        for kind in (b"x", b"g", b"L"):
            yield f"extension-{size}-{kind[0]}", make_tar(header("e", size, kind), f)
    big = pax([("comment", "c" * 100_000)])
    yield "extension-real", make_tar(big, f)
    for label, end in dict(none=b"", one=b"\0" * 512, half=b"\0" * 700, junk=END + b"x", entry=END + f + END,
                           single=b"\0" * 512 + f + END, late=END + b"\0" * 5000 + b"x", short=END + b"\0" * 100,
                           fine=END + b"\0" * 9216).items():
        yield f"end-{label}", make_tar(f, end=end)
    yield "cut-header", f[:300]
    yield "cut-content", file("a", b"x" * 2000)[:1500]
    yield "cut-padding", (f + f)[:1000]
    yield "zeros", b"\0" * 10240
    yield "zip-behind", make_tar(f) + make_zip([Entry("b", b"2")])


def compressed():
    tar = make_tar(file("a", b"some content" * 50))
    for kind, pack in list(formats.PACKERS.items())[1:]:
        data = pack(tar)
        for label, bytes_ in dict(junk=data + b"junk", zeros=data + b"\0" * 512, three_zeros=data + b"\0" * 3,
                                  zeros_twice=data + b"\0" * 512 + data, cut=data[:-1], half=data[:len(data) // 2],
                                  nested=pack(data), text=pack(b"just a text\n" * 99), empty=pack(b""), header=data[:10],
                                  zip=pack(make_zip([Entry("a", b"1")])), twice=data + data,
                                  zip_behind=data + make_zip([Entry("b", b"2")])).items():
            yield label, kind, bytes_
        for other in formats.PACKERS:
            if other != kind:
                yield f"behind-{other}", kind, data + formats.PACKERS[other](tar)
    for label, bytes_ in dict(text=b"hello", empty=b"", pk=b"PK", pk34=b"PK\3\4", seven=b"7z\xbc\xaf\x27\x1c" + b"\0" * 50,
                              zstd=b"\x28\xb5\x2f\xfd" + b"\0" * 20, elf=b"\x7fELF" + b"\0" * 600).items():
        yield f"unknown-{label}", "tar", bytes_
