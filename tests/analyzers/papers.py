"""Papers that never were, as PDFs and texts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

TITLE = "QuickKV: Fast Low-Rank Caches for Language Models"
AUTHORS = "Ada Mora, Bela Kovacs"
ABSTRACT = (
    "Serving large language models is bound by memory. We present QuickKV, a key-value cache "
    "quantization method that needs no retraining and works as a drop-in replacement. QuickKV "
    "achieves up to 2.4× faster decoding compared to vLLM and reduces the memory footprint by 60% "
    "on an RTX 4090. Our code is available at https://github.com/example/quickkv and our kernels "
    "are small."
)
INTRODUCTION = (
    "Language models keep keys and values of all tokens. Prior work [3] achieves 9.5× speedup over "
    "a naive implementation but loses accuracy. The A100 has 80 GB of memory and Mixtral-8×7B does "
    "not fit. We propose QuickKV, which quantizes the cache to 2 bits per value, and measure it "
    "with batch size 1 on consumer GPUs."
)
RESULTS = (
    "We run all experiments on an NVIDIA RTX 4090. QuickKV yields 1.9× and 2.4× speedup over "
    "vLLM and xformers, respectively. Table rows are left out. Accuracy drops by 0.4% compared to "
    "the FP16 cache, and 85% of the tokens are kept. As a result, QuickKV cuts the time per token "
    "from 50 ms to 20 ms."
)
REFERENCES = (
    "[3] A. Nother. A method that is 7.7× faster than ours. In Proceedings of Nothing, 2020."
)


def make_pdf(
    path: Path,
    *,
    columns: int = 2,
    outline: bool = True,
    stamp: str | None = "arXiv:2412.91234v2 [cs.LG] 1 Oct 2024",
    **save: Any,
) -> Path:
    """Write a small paper: title, authors, abstract, three sections, references, running heads."""
    import pymupdf

    pdf = pymupdf.open()
    toc: list[list[Any]] = []
    page = pdf.new_page()
    page.insert_text((90, 90), TITLE, fontsize=17)
    page.insert_text((90, 120), AUTHORS, fontsize=11)
    if stamp:
        page.insert_text((30, 500), stamp, fontsize=14, rotate=90)
    page.insert_text((90, 160), "Abstract", fontsize=12)
    _box(page, (90, 168, 520, 260), ABSTRACT)
    if columns == 2:
        _section(page, toc, "1 Introduction", 60, 280, 285, INTRODUCTION + " " + FILLER)
        _section(page, toc, "2 Method", 320, 280, 550, METHOD + " " + FILLER)
    else:
        _section(page, toc, "1 Introduction", 60, 280, 550, INTRODUCTION + " " + METHOD)
    for number in (2, 3, 4):
        page = pdf.new_page()
        page.insert_text((60, 40), "QuickKV: Fast Low-Rank Caches", fontsize=9)
        page.insert_text((300, 810), str(number), fontsize=9)
        if number == 2:
            width = 285 if columns == 2 else 550
            _section(page, toc, "3 Results", 60, 80, width, RESULTS)
        elif number == 3:
            page.insert_text((60, 100), "Table 1: Speed of decoding.", fontsize=10)
            for row in range(6):
                for cell in range(5):
                    text = f"{1.1 + row + cell:.1f}×" if cell else f"Model-{row}"
                    page.insert_text((60 + 90 * cell, 130 + 14 * row), text, fontsize=10)
        else:
            _section(page, toc, "References", 60, 80, 550, REFERENCES)
    if outline:
        pdf.set_toc(toc)
    pdf.save(path, **save)
    pdf.close()
    return path


METHOD = (
    "Our method stores codes for pairs of channels and looks them up inside attention. It needs a "
    "small calibration set of text, and one kernel that decodes the pairs in registers."
)
FILLER = " ".join(
    f"This sentence {word} on with words only so that the column has lines enough to be one."
    for word in ("goes", "runs", "walks", "moves", "carries", "drags")
)


def _section(
    page: Any, toc: list[list[Any]], title: str, x0: float, y: float, x1: float, text: str
) -> None:
    page.insert_text((x0, y), title, fontsize=12)
    toc.append([1, title.split(" ", 1)[-1], page.number + 1])
    _box(page, (x0, y + 10, x1, 780), text)


def _box(page: Any, box: tuple[float, float, float, float], text: str) -> None:
    left = page.insert_textbox(box, text, fontsize=10, fontname="helv")
    assert left >= 0, "the text doesn't fit its box"


MARKDOWN = f"""---
title: "{TITLE}"
author: Ada Mora (Nowhere), Bela Kovacs (Elsewhere)
---

## Abstract

{ABSTRACT}

## Results

{RESULTS} See [the page](https://example.org/a) and ![chart of 99× speedup](x.png).

| Model | Speedup |
| --- | --- |
| A | 3.3× |

## References

{REFERENCES}
"""
