"""Two other readers of archives: Python's own, and libarchive (zip) or GNU tar (tar).

Nothing is written: what would be extracted is hashed as it comes. An answer is
`{"files": [[name, sha256], ...]}`, sorted, or `{"error": why}`. A leading `./` of a name is left
out; folders are.
"""

import hashlib
import io
import os
import re
import subprocess
import tarfile
import zipfile

MOST = 256 << 20
ENV = dict(os.environ, LC_ALL="C.UTF-8", TZ="UTC")


def hashed(stream):
    digest, left = hashlib.sha256(), MOST
    while chunk := stream.read(1 << 16):
        left -= len(chunk)
        if left < 0:
            raise ValueError("too large")
        digest.update(chunk)
    return digest.hexdigest()


def answer(files):
    # A name that is no text is kept apart from every text.
    plain = lambda name: name.removeprefix("./").encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return {"files": sorted([plain(name), digest] for name, digest in files)}


def python_zip(path):
    files = []
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            with archive.open(info) as data:
                digest = hashed(data)
            if not info.is_dir():
                files.append((info.orig_filename, digest))
    return answer(files)


def python_tar(path):
    files = []
    with tarfile.open(path, "r:*") as archive:
        for info in archive:
            if info.isreg() and not info.issparse():
                files.append((info.name, hashed(archive.extractfile(info))))
            elif not info.isdir():
                return {"error": "not a plain file"}
    return answer(files)


def run(command):
    done = subprocess.run(command, env=ENV, stdin=subprocess.DEVNULL, capture_output=True, timeout=20)
    if done.returncode != 0:
        return None, done.stderr.decode("utf-8", "replace")[-200:]
    return done, ""


def libarchive(path):
    """Turned into a tar, which is then read."""
    done, why = run(["bsdtar", "--format=pax", "-cf", "-", f"@{path}"])
    if done is None:
        return {"error": why}
    files = []
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        for info in archive:
            if info.isreg():
                files.append((info.name, hashed(archive.extractfile(info))))
            elif not info.isdir():
                return {"error": "not a plain file"}
    return answer(files)


LINE = re.compile(rb"^(.)\S{9} \S+ +(\d+) \d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d(?:\.\d+)?)? (.*)$")
ESCAPE = re.compile(rb"\\([0-7]{3}|.)")
ESCAPES = dict(zip(b"abfnrtv\\", b"\a\b\f\n\r\t\v\\"))


def gnu_tar(path):
    """The contents in a row, and a list of the names with their sizes."""
    command = ["tar", "-xvvOf", path, "--numeric-owner", "--quoting-style=escape", "--no-same-owner"]
    done, why = run(command)
    if done is None:
        return {"error": why}
    files, at = [], 0
    # It tells of zeros behind the data, and reads on.
    said = done.stderr.replace(b"\nbzip2: (stdin): trailing garbage after EOF ignored\n", b"")
    for line in said.splitlines():
        parts = LINE.match(line)
        if not parts:
            return {"error": f"unexpected: {line[:100]}"}
        kind, size, name = parts.groups()
        if kind == b"d":
            continue
        if kind != b"-":
            return {"error": "not a plain file"}
        content = done.stdout[at:at + int(size)]
        at += int(size)
        name = ESCAPE.sub(unescape, name).decode("utf-8", "surrogateescape")
        files.append((name, hashlib.sha256(content).hexdigest()))
    if at != len(done.stdout):
        return {"error": "sizes and contents do not agree"}
    return answer(files)


def unescape(found):
    text = found.group(1)
    return bytes([int(text, 8) if len(text) == 3 else ESCAPES.get(text[0], text[0])])


def read(kind, path):
    answers = {}
    pair = [("python", python_zip), ("libarchive", libarchive)]
    if kind != "zip":
        pair = [("python", python_tar), ("gnu-tar", gnu_tar)]
    for name, reader in pair:
        try:
            answers[name] = reader(path)
        # Readers fail in many ways on what is broken.
        except Exception as error:
            answers[name] = {"error": f"{type(error).__name__}: {error}"[:200]}
    return answers
