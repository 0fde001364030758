"""Archives as people make them: by the usual tools, with many options."""

import gzip
import io
import os
import shutil
import subprocess
import tarfile
import zipfile

import formats

ENV = dict(os.environ, LC_ALL="C.UTF-8", TZ="UTC", SOURCE_DATE_EPOCH="1700000000")
SIZES = [0, 1, 100, 511, 512, 513, 1024, 4096, 5000, 70_000]
WORDS = ["bin", "lib", "README.md", "a", "main.rs", "Makefile", "data.json", "x" * 60, "z y",
         "v1.0", "-dash", ".hidden", "com+plus", "ünïcode", "日本語", "emoji-😀", "ς-final"]


def tree(rng, folder, unicode=True, longest=200):
    """Writes some files; gives their paths."""
    paths, taken = [], set()
    words = [w for w in WORDS if unicode or w.isascii()]
    for number in range(rng.randint(1, 8)):
        parts = [rng.choice(words) for _ in range(rng.choice([0, 0, 1, 2, 3, 6]))]
        path = "/".join(parts + [f"{rng.choice(words)}{number}"])
        if len(path.encode()) > longest or path.lower() in taken:
            continue
        taken.add(path.lower())
        full = os.path.join(folder, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        size = rng.choice(SIZES)
        data = rng.randbytes(size) if rng.random() < 0.5 else (b"line of text\n" * size)[:size]
        with open(full, "wb") as out:
            out.write(data)
        os.chmod(full, rng.choice([0o644, 0o755, 0o600]))
        paths.append(path)
    if rng.random() < 0.3:
        os.makedirs(os.path.join(folder, "empty-folder"), exist_ok=True)
    for root, _, names in os.walk(folder):
        for name in names + ["."]:
            os.utime(os.path.join(root, name), (1_700_000_000, 1_700_000_000))
    return paths or tree(rng, folder, unicode, longest)


class Unseekable(io.RawIOBase):
    """A pipe, to a writer."""

    def __init__(self):
        self.data = bytearray()

    def writable(self):
        return True

    def write(self, data):
        self.data += data
        return len(data)


def run(command, folder):
    done = subprocess.run(command, cwd=folder, env=ENV, capture_output=True, timeout=60)
    if done.returncode != 0:
        raise RuntimeError(f"{command}: {done.stderr.decode()[-300:]}")
    return done.stdout


def tool(*command):
    """An archive that a tool writes to its output, or to `OUT`."""
    def make(rng, folder, paths):
        out = folder + ".out"
        line = [out if word == "OUT" else word for word in command]
        for mark, names in (("PATHS", paths), ("ALL", sorted(os.listdir(folder)))):
            if mark in line:
                at = line.index(mark)
                line[at:at + 1] = [f"./{n}" if n.startswith("-") else n for n in names]
        data = run(line, folder)
        if "OUT" in command:
            with open(out, "rb") as made:
                data = made.read()
            os.remove(out)
        return data
    return command[0], make


def pipe(*words):
    """Through a shell, for pipelines."""
    return words[0], lambda rng, folder, paths: run(["sh", "-c", " ".join(words)], folder)


def python_zip(streamed, method, wide, comment=b""):
    def make(rng, folder, paths):
        out = Unseekable() if streamed else io.BytesIO()
        with zipfile.ZipFile(out, "w", method) as archive:
            archive.comment = comment
            for path in paths:
                info = zipfile.ZipInfo.from_file(os.path.join(folder, path), path)
                info.compress_type = method
                with open(os.path.join(folder, path), "rb") as data:
                    with archive.open(info, "w", force_zip64=wide) as entry:
                        shutil.copyfileobj(data, entry)
        return bytes(out.data) if streamed else out.getvalue()
    return "python3", make


def python_tar(form, mode):
    def make(rng, folder, paths):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode=mode, format=form) as archive:
            for path in paths:
                archive.add(os.path.join(folder, path), path)
        return out.getvalue()
    return "python3", make


def members(packer):
    """Compressed in two parts, one after the other."""
    def make(rng, folder, paths):
        data = run(["tar", "-cf", "-", "."], folder)
        middle = rng.randrange(len(data))
        return packer(data[:middle]) + packer(data[middle:])
    return "tar", make


def own(make):
    return "python3", lambda rng, folder, paths: make()


def info_zips():
    """It does not mark UTF-8 names, so that others take them for something else: plain ones only."""
    for options in ([], ["-0"], ["-9"], ["-X"], ["-D"], ["-fz"], ["-fz-"], ["-fd"], ["-fd", "-0"]):
        yield tool("zip", "-qr", *options, "OUT", ".")
    yield pipe("zip", "-qr - . | cat")
    yield pipe("zip", "-qr -fd - . | cat")
    yield pipe("zip", "-q - - <\"$(find . -type f | head -n 1)\" | cat")


def zips():
    yield tool("jar", "--create", "--file", "OUT", ".")
    yield tool("jar", "--create", "--no-compress", "--no-manifest", "--file", "OUT", ".")
    yield tool("bsdtar", "--format=zip", "-cf", "OUT", "ALL")
    yield tool("bsdtar", "--format=zip", "--options=zip:compression=store", "-cf", "OUT", "ALL")
    yield tool("7zz", "a", "-tzip", "-mcu=on", "-bd", "OUT", "ALL")
    for streamed in (False, True):
        for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            for wide in (False, True):
                yield python_zip(streamed, method, wide)
    yield python_zip(False, zipfile.ZIP_DEFLATED, False, b"a comment")
    yield own(lambda: formats.make_zip([]))
    yield own(lambda: formats.make_zip([], comment=b"nothing in here"))
    yield own(lambda: formats.make_zip([formats.Entry("b", b"1"), formats.Entry("a", b"2")], order=[1, 0]))
    yield own(lambda: formats.make_zip([formats.Entry("a", b"1" * 999)], zip64={}))
    yield own(lambda: formats.make_zip([formats.Entry("a", b"1")], zip64={}, end=dict(
        here=0xffff, total=0xffff, size=0xffffffff, start=0xffffffff)))
    yield own(lambda: formats.make_zip([formats.Entry("a", b"1" * 99, descriptor=formats.unsigned)]))


def tars():
    for form in ("gnu", "posix", "ustar", "oldgnu"):
        for more in ([], ["--numeric-owner"], ["-b", "1"]):
            yield tool("tar", f"--format={form}", *more, "-cf", "-", ".")
        yield tool("tar", f"--format={form}", "-cf", "-", "--no-recursion", "--", "PATHS")
    yield tool("tar", "--format=posix", "--pax-option=comment=hello", "-cf", "-", ".")
    yield tool("tar", "--format=posix", "--pax-option=globexthdr.name=g,comment:=x", "-cf", "-", ".")
    for letter in "zjJ":
        yield tool("tar", f"-c{letter}f", "-", ".")
    for form in ("pax", "ustar", "gnutar"):
        yield tool("bsdtar", f"--format={form}", "-cf", "-", ".")
    for letter in "zjJ":
        yield tool("bsdtar", "--format=pax", f"-c{letter}f", "-", ".")
        yield tool("bsdtar", "--format=pax", f"-c{letter}f", "OUT", ".")
    for form in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT):
        for mode in ("w", "w:gz", "w:bz2", "w:xz"):
            yield python_tar(form, mode)
    for packer in ("xz -0", "xz -6", "xz -9e", "xz -T2 --block-size=4096", "xz --check=none",
                   "xz --check=crc32", "xz --check=sha256", "bzip2 -1", "gzip -1", "gzip -9n",
                   "gzip -n --rsyncable"):
        yield pipe("tar", f"-cf - . | {packer} -c")
    yield members(lambda data: gzip.compress(data, mtime=0))
    yield members(formats.PACKERS["tar.bz2"])
    yield members(formats.PACKERS["tar.xz"])
    yield tool("7zz", "a", "-ttar", "-bd", "-so", "archive.tar", "ALL")
    yield pipe("git", "init -q . && git add . && git -c user.name=a -c user.email=b commit -qm c"
               " && git archive --format=tar HEAD && rm -rf .git")


def old_tars():
    """Formats that know short names only."""
    yield tool("tar", "--format=v7", "-cf", "-", ".")
    yield tool("bsdtar", "--format=v7tar", "-cf", "-", ".")
    yield tool("busybox", "tar", "-cf", "-", ".")


def archives(rng, work, rounds):
    """So many rounds of every maker: their kinds and bytes. Makers without tools are told."""
    makers = [("zip", 200, True, m) for m in zips()] + [("tar", 250, True, m) for m in tars()]
    makers += [("tar", 80, True, m) for m in old_tars()]
    makers += [("zip", 200, False, m) for m in info_zips()]
    missing = set()
    for turn in range(rounds):
        for number, (kind, longest, unicode, (name, make)) in enumerate(makers):
            if name != "python3" and not shutil.which(name):
                missing.add(name)
                continue
            folder = os.path.join(work, f"tree-{turn}-{number}")
            os.makedirs(folder)
            paths = tree(rng, folder, unicode, longest)
            try:
                yield f"{kind}-{name}-{number}", kind, make(rng, folder, paths)
            except (RuntimeError, ValueError) as error:
                # ustar has no room for some names.
                if "too long" not in str(error):
                    raise
            shutil.rmtree(folder)
    if missing:
        print("SKIPPED: makers without their tool: " + ", ".join(sorted(missing)))
