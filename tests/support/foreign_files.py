"""Files that are no text, each of a kind that readers tell by name; written by what writes such.

`FOREIGN` has for each kind the bytes of a file and a pattern of what messages call it.
`BEGINNINGS` are the first bytes alone, which fuzzers put where they do not belong.
"""

import bz2
import gzip
import io
import lzma
import pickle
import sqlite3
import tarfile
import zipfile

import numpy as np
import zstandard

from fastw2v.formats.fasttext_binary import MAGIC as FASTTEXT

__all__ = ["BEGINNINGS", "FOREIGN", "HOLDS_VECTORS", "PLAIN", "PLAIN_VECTORS", "tarred"]

PLAIN = "the cat sat on the mat\nthe end\n" * 20
PLAIN_VECTORS = "".join(f"w{k} 0.{k + 1} 0.25 -1.5\n" for k in range(20))


def tarred(form=tarfile.GNU_FORMAT, text=PLAIN):
    """Return a tar archive of a text; `form` None for that of Unix's seventh edition."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=form or tarfile.USTAR_FORMAT) as archive:
        member = tarfile.TarInfo("text.txt")
        member.size = len(text)
        archive.addfile(member, io.BytesIO(text.encode()))
    data = bytearray(file.getvalue())
    if form is None:  # without what came later: magic, version, names of owners
        data[257:512] = bytes(255)
        data[148:156] = b" " * 8
        data[148:156] = b"%06o\0 " % sum(data[:512])
    return bytes(data)


def zipped(name="text.txt", data=b"the cat sat", method=zipfile.ZIP_DEFLATED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr(name, data)
    return file.getvalue()


def empty_zip():
    file = io.BytesIO()
    zipfile.ZipFile(file, "w").close()
    return file.getvalue()


def saved(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def npz():
    file = io.BytesIO()
    np.savez(file, values=np.arange(500))
    return file.getvalue()


def database():
    with sqlite3.connect(":memory:") as made:
        made.execute("create table magnitude (key text, dim_0 integer)")
        return made.serialize()


def arrow(kind):
    import pyarrow as pa
    from pyarrow import parquet

    table, file = pa.table({"text": ["the cat", "sat"]}), io.BytesIO()
    if kind == "parquet":
        parquet.write_table(table, file)
        return file.getvalue()
    make = pa.ipc.new_file if kind == "file" else pa.ipc.new_stream
    with make(file, table.schema) as writer:
        writer.write_table(table)
    return file.getvalue()


def safetensors():
    from safetensors.numpy import save

    return save({"vectors": np.ones((3, 2), np.float32)})


PAGE = "<!DOCTYPE html>\n<html lang='en'><head><title>404</title></head><body>No such file</body>"
POINTER = (
    "version https://git-lfs.github.com/spec/v1\n"
    "oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"
)
FOREIGN = {
    "gzip": (gzip.compress(PLAIN.encode()), "gzip data"),
    "bzip2": (bz2.compress(PLAIN.encode()), "bzip2 data"),
    "bzip2 of nothing": (bz2.compress(b""), "bzip2 data"),
    "xz": (lzma.compress(PLAIN.encode()), "xz data"),
    "zstandard": (zstandard.compress(PLAIN.encode()), "Zstandard data"),
    "lz4": (b"\x04\x22\x4d\x18\x64\x40\xa7" + bytes(40), "lz4 data"),
    "lzip": (b"LZIP\x01\x0c" + bytes(40), "lzip data"),
    "compress": (b"\x1f\x9d\x90" + b"the cat", r"compress \(\.Z\)"),
    "7z": (b"7z\xbc\xaf\x27\x1c\0\4" + bytes(40), "a 7z archive"),
    "rar": (b"Rar!\x1a\x07\x01\0" + bytes(40), "a RAR archive"),
    "ar": (b"!<arch>\ndebian-binary   1342943816  0     0     100644  4         `\n", "an ar arch"),
    "zip": (zipped(), "a zip archive"),
    "zip, stored": (zipped(method=zipfile.ZIP_STORED), "a zip archive"),
    "zip of nothing": (empty_zip(), "a zip archive"),
    "torch": (zipped("archive/data.pkl", pickle.dumps([1])), "a zip archive"),
    "npz": (npz(), r"numpy's arrays \(\.npz\)"),
    "tar, GNU": (tarred(), "a tar archive"),
    "tar, POSIX": (tarred(tarfile.PAX_FORMAT), "a tar archive"),
    "tar, ustar": (tarred(tarfile.USTAR_FORMAT), "a tar archive"),
    "tar, old": (tarred(None), "a tar archive"),
    "HDF5": (b"\x89HDF\r\n\x1a\n" + bytes(40), r"an HDF5 file \(\.h5\)"),
    "SQLite": (database(), "an SQLite database"),
    "pickle": (pickle.dumps({"a": [0.5]}, protocol=2), "a Python pickle"),
    "pickle, now": (pickle.dumps({"a": [0.5]}), "a Python pickle"),
    "npy": (saved(np.ones((9, 3), np.float32)), r"numpy's \(\.npy\)"),
    "parquet": (arrow("parquet"), "a Parquet file"),
    "arrow": (arrow("file"), "an Arrow file"),
    "arrow, stream": (arrow("stream"), "a stream of Arrow's|an Arrow file"),
    "feather 1": (b"FEA1\0\0\0\0" + bytes(40), "Feather file of version 1"),
    "finalfusion": (b"FiFu\0\0\0\0\2\0\0\0" + bytes(40), "embeddings of finalfusion; .*ffp-conv"),
    "fastText": (FASTTEXT + b"\x0c\0\0\0" + bytes(60), "a model of fastText"),
    "GGUF": (b"GGUF\3\0\0\0" + bytes(40), "a GGUF model"),
    "safetensors": (safetensors(), "a file of safetensors"),
    "page": (PAGE.encode(), r"a page of the web \(HTML\)"),
    "page, old": (b"\n<HTML>\n<HEAD><TITLE>302 Found</TITLE>", r"a page of the web \(HTML\)"),
    "git-lfs": (POINTER.encode(), "a pointer of git-lfs; .* git lfs pull"),
    "git-annex": (b"/annex/objects/SHA256E-s31390--f50d.txt\n", "a pointer of git-annex"),
    "PDF": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "a PDF file"),
    "RTF": (b"{\\rtf1\\ansi the cat}", "an RTF file"),
    "Word": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(40), "Microsoft Office"),
    "PNG": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), r"a picture \(PNG\)"),
    "JPEG": (b"\xff\xd8\xff\xe0\0\x10JFIF\0", r"a picture \(JPEG\)"),
    "GIF": (b"GIF89a\1\0\1\0\x80\0\0" + bytes(40), r"a picture \(GIF\)"),
    "program": (b"\x7fELF\2\1\1" + bytes(40), "a program"),
    "UTF-16": (PLAIN.encode("utf-16"), "UTF-16; .*iconv -f UTF-16 -t"),
    "UTF-16, no mark": (PLAIN.encode("utf-16-le"), r"UTF-16 without.*iconv -f UTF-16LE"),
    "UTF-16, no mark, BE": (PLAIN.encode("utf-16-be"), r"UTF-16 without.*iconv -f UTF-16BE"),
    "UTF-32": (PLAIN.encode("utf-32"), "UTF-32; .*iconv -f UTF-32"),
    "noise": (np.random.default_rng(1).bytes(9999), "binary data"),
    "vectors": (np.random.default_rng(1).normal(size=999).astype("<f4").tobytes(), "binary data"),
    "numbers": (np.arange(500, dtype="<i4").tobytes(), "binary data"),
}
HOLDS_VECTORS = ("npz", "pickle", "pickle, now", "parquet", "arrow", "fastText")
"""Of these some files hold vectors, so that readers of vectors look further."""
BEGINNINGS = (*(content[:16] for content, _ in FOREIGN.values()), tarred()[:512])
