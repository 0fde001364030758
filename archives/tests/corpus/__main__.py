"""Archives and what two other readers make of them.

    python3 archives/tests/corpus DIRECTORY [COUNT [SEED]]

writes at least COUNT archives (2,500 if not said) into the directory, and `verdicts.jsonl`: a
line for each with `file`, `kind` (zip, tar, tar.gz, tar.bz2, tar.xz), `group` (benign, hostile,
mutant), `label`, and `readers`, the answers of the two (see readers.py). The archives depend on
the seed and on the tools that are installed; a tool that is missing is said on the output. Exits
with 3 if one of the readers is missing.

Tests make a corpus of their own, or share the one in the folder that `PACKHOUSE_ARCHIVE_CORPUS`
names (made by the first of them); `PACKHOUSE_ARCHIVES` and `PACKHOUSE_ARCHIVES_SEED` are its count
and seed.
"""

import json
import os
import random
import shutil
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor

import benign
import hostile
import mutants
import readers


def specimens(count, seed, work):
    """Groups, labels, kinds and bytes."""
    rng = random.Random(seed)
    good = []
    for label, kind, data in benign.archives(rng, work, rounds=max(3, count // 700)):
        good.append((kind_of(kind, data), data))
        yield "benign", label, good[-1][0], data
    bad = []
    for label, kind, data in hostile.archives():
        bad.append((kind, data))
        yield "hostile", label, kind, data
    small = [(kind, data) for kind, data in good + bad if 0 < len(data) < 40_000]
    by_kind = {kind: [data for k, data in small if k == kind] for kind, _ in small}
    # The containers are what we read ourselves.
    weights = {"zip": 5, "tar": 5, "tar.gz": 1, "tar.bz2": 1, "tar.xz": 2}
    kinds = sorted(by_kind)
    for number in range(max(count - len(good) - len(bad), count // 4)):
        kind = rng.choices(kinds, [weights[kind] for kind in kinds])[0]
        data = rng.choice(by_kind[kind])
        yield "mutant", f"{kind}-mutant-{number}", kind, mutants.mutate(rng, kind, data, by_kind[kind])


def kind_of(kind, data):
    """A tar by how it is compressed."""
    packed = {b"\x1f\x8b": "tar.gz", b"BZ": "tar.bz2", b"\xfd7": "tar.xz"}
    return packed.get(data[:2], kind)


def write(directory, count, seed):
    with tempfile.TemporaryDirectory() as work:
        for number, (group, label, kind, data) in enumerate(specimens(count, seed, work)):
            name = f"{number:06}-{group}.{kind}"
            with open(os.path.join(directory, name), "wb") as out:
                out.write(data)
            yield dict(file=name, kind=kind, group=group, label=label)


def judge(task):
    directory, line = task
    line["readers"] = readers.read(line["kind"], os.path.join(directory, line["file"]))
    return json.dumps(line)


def main(directory, count=2500, seed=1):
    missing = [tool for tool in ("tar", "bsdtar") if not shutil.which(tool)]
    if missing:
        print("SKIPPED: no " + ", ".join(missing))
        return 3
    os.makedirs(directory, exist_ok=True)
    lines = list(write(directory, int(count), int(seed)))
    verdicts = os.path.join(directory, "verdicts.jsonl")
    with ProcessPoolExecutor() as pool, open(verdicts + ".part", "w") as out:
        for verdict in pool.map(judge, [(directory, line) for line in lines], chunksize=20):
            print(verdict, file=out)
    # There when it is whole.
    os.rename(verdicts + ".part", verdicts)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
