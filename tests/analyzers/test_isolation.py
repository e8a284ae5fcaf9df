"""Hostile files cost themselves only; the children die when they should."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import zlib
from pathlib import Path

import pytest

from analyzers.isolation import analyze_files
from analyzers.targets import TargetError
from tests.analyzers.papers import ABSTRACT, TITLE, make_pdf
from tests.conftest import PROJECT


def content_bomb(path: Path, operators: bytes, times: int) -> Path:
    """Write a one-page PDF whose content stream repeats `operators`."""
    stream = zlib.compress(operators * times, 1)
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R"
        b"/Resources<</Font<</F 5 0 R>>>>>>",
        b"<</Length %d/Filter/FlateDecode>>stream\n%s\nendstream" % (len(stream), stream),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    body = b"%PDF-1.4\n"
    for number, item in enumerate(objects, 1):
        body += b"%d 0 obj\n%s\nendobj\n" % (number, item)
    path.write_bytes(body + b"trailer<</Root 1 0 R>>\n%%EOF")
    return path


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    import pymupdf

    folder = tmp_path_factory.mktemp("hostile")
    good = make_pdf(folder / "good.pdf")
    whole = good.read_bytes()
    make_pdf(
        folder / "encrypted.pdf",
        encryption=pymupdf.PDF_ENCRYPT_AES_256,
        user_pw="secret",
        owner_pw="secret",
    )
    scan = pymupdf.open()
    scan.new_page()
    scan.save(folder / "scan.pdf")
    long = pymupdf.open()
    for _ in range(401):
        long.new_page()
    long.save(folder / "long.pdf")
    (folder / "empty.pdf").write_bytes(b"")
    (folder / "header.pdf").write_bytes(b"%PDF-1.7\n")
    (folder / "cut.pdf").write_bytes(whole[: len(whole) // 3])
    (folder / "noise.pdf").write_bytes(b"%PDF-1.7\n" + os.urandom(20_000))
    (folder / "page.pdf").write_text("<html><body>Not found</body></html>")
    (folder / "zip.md").write_bytes(b"PK\x03\x04" + bytes(100))
    (folder / "paper.docx").write_text("words")
    (folder / "nulls.txt").write_bytes(
        f"{TITLE}\n\n{ABSTRACT}".encode().replace(b"memory", b"mem\0ry")
    )
    (folder / "latin.txt").write_bytes(
        "Über-Caches\n\nWe present QuickKV, which is 2.4× faster than vLLM at 3 µs.".encode(
            "latin-1"
        )
    )
    (folder / "long.txt").write_text((ABSTRACT + "\n\n") * (10_000_000 // len(ABSTRACT)))
    (folder / "deep.html").write_text("<html>" + "<div>" * 100_000 + ABSTRACT)
    (folder / "markup.md").write_text(
        f"# <script>alert(1)</script>\n\n{ABSTRACT} <img src=x>{{{{7*7}}}}"
    )
    with (folder / "huge.pdf").open("wb") as stream:
        stream.write(b"%PDF-1.7\n")
        stream.truncate((64 << 20) + 1)
    content_bomb(folder / "words.pdf", b"BT /F 9 Tf 9 9 Td (fast ) Tj ET\n", 60_000)
    return {path.name: path for path in folder.iterdir()}


EXPECTED = {
    "encrypted.pdf": "encrypted",
    "scan.pdf": "no_text",
    "long.pdf": "too_many_pages",
    "empty.pdf": "empty",
    "header.pdf": ("unreadable", "empty"),
    "noise.pdf": ("unreadable", "empty"),
    "page.pdf": "not_a_pdf",
    "zip.md": "unsupported",
    "paper.docx": "unsupported",
    "nulls.txt": "unsupported",
    "huge.pdf": "too_large",
}


def test_each_hostile_file_costs_itself_only(hostile: dict[str, Path]) -> None:
    names = sorted(hostile)
    start = time.monotonic()
    results = list(analyze_files([hostile[name] for name in names], workers=2, timeout_s=30))
    assert [result["source"] for result in results] == [str(hostile[name]) for name in names]
    for name, result in zip(names, results, strict=True):
        error = result.get("error", {})
        if expected := EXPECTED.get(name):
            assert error.get("kind") in expected, (name, error)
            assert error["message"].endswith(".")
            assert "\n" not in error["message"]
        elif name in ("good.pdf", "latin.txt", "markup.md", "long.txt"):
            assert not error, (name, error)
            assert result["claims"], name
    assert time.monotonic() - start < 60
    by_name = dict(zip(names, results, strict=True))
    assert by_name["long.txt"]["read"] == "partial"
    assert by_name["latin.txt"]["claims"][0]["value"] == 2.4


def test_time_and_memory_have_an_end(hostile: dict[str, Path], tmp_path: Path) -> None:
    # 30 million operators take MuPDF some ten seconds; the file has 60 kB
    slow = content_bomb(tmp_path / "slow.pdf", b"BT /F 9 Tf (fast) Tj ET\n", 3_000_000)
    start = time.monotonic()
    stopped, good = analyze_files([slow, hostile["good.pdf"]], workers=1, timeout_s=2.5)
    assert stopped["error"]["kind"] in ("timeout", "memory", "crash"), stopped["error"]
    assert "error" not in good
    assert time.monotonic() - start < 20
    grown, good = analyze_files(
        [slow, hostile["good.pdf"]], workers=1, timeout_s=60, memory_bytes=700 << 20
    )
    assert grown["error"]["kind"] in ("memory", "crash", "timeout"), grown["error"]
    assert "error" not in good


def test_closing_kills_at_once(hostile: dict[str, Path], tmp_path: Path) -> None:
    slow = content_bomb(tmp_path / "slow.pdf", b"BT /F 9 Tf (fast) Tj ET\n", 3_000_000)
    others = set(children_of(os.getpid()))  # of tests that ran before in this process
    results = analyze_files([hostile["good.pdf"], slow, slow, slow], workers=2, timeout_s=60)
    next(results)
    start = time.monotonic()
    results.close()  # type: ignore[attr-defined]
    assert time.monotonic() - start < 2.5
    assert set(children_of(os.getpid())) <= others


def test_a_stop_ends_it(hostile: dict[str, Path]) -> None:
    seen: list[str] = []
    files = [hostile["good.pdf"]] * 5
    for result in analyze_files(files, workers=1, should_stop=lambda: len(seen) >= 2):
        seen.append(result["source"])
    assert len(seen) == 2


def test_children_die_with_their_parent(tmp_path: Path) -> None:
    slow = content_bomb(tmp_path / "slow.pdf", b"BT /F 9 Tf (fast) Tj ET\n", 3_000_000)
    script = tmp_path / "parent.py"
    script.write_text(
        "import sys\nfrom analyzers.isolation import analyze_files\n"
        "if __name__ == '__main__':\n"
        "    list(analyze_files([sys.argv[1]] * 2, workers=2, timeout_s=60))\n"
    )
    parent = subprocess.Popen(
        [sys.executable, str(script), str(slow)],
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 20
    while len(children := children_of(parent.pid)) < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(0.5)
    children = children_of(parent.pid)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    assert children
    deadline = time.monotonic() + 5
    while any(is_alive(child) for child in children) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not [child for child in children if is_alive(child)]


def test_nothing_and_an_unknown_target(hostile: dict[str, Path]) -> None:
    assert list(analyze_files([])) == []
    with pytest.raises(TargetError):
        analyze_files([hostile["good.pdf"]], target="no-such-engine")


def children_of(pid: int) -> list[int]:
    import psutil

    if not psutil.pid_exists(pid):
        return []
    found = psutil.Process(pid).children(recursive=True)
    return [child.pid for child in found if "resource_tracker" not in " ".join(child.cmdline())]


def is_alive(pid: int) -> bool:
    import psutil

    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
