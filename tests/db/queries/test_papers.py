from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from db.errors import DuplicateError, NotFoundError
from db.models import Claim, Fact, Note, Paper, PrototypeLink, RemovedPaper
from db.queries import notes, papers, prototype_links
from tests.db.builders import add_claim, add_paper, stored_run


@pytest.fixture
def three(session: Session) -> Session:
    add_paper(
        session, "int_flash", title="INT-FlashAttention: Enabling INT8", arxiv_id="2409.16997"
    )
    add_paper(session, "kv_compress", title="KV-Compress: Paged Cache", arxiv_id="2410.00161")
    add_paper(session, "coupled_quant", title="KV Cache is 1 Bit Per Channel")
    return session


@pytest.mark.parametrize(
    "text",
    [
        "int_flash",
        " int_flash ",
        "INT_FLASH",
        "int-flash",
        "2409.16997",
        "2409.16997v3",
        "arXiv:2409.16997",
        "https://arxiv.org/abs/2409.16997v2",
        "http://arxiv.org/pdf/2409.16997.pdf",
        "INT-Flash",
        "int flashattention enabling",
    ],
)
def test_a_paper_is_found_by_whatever_a_person_types(three: Session, text: str) -> None:
    assert papers.get_by_any_id(three, text).id == "int_flash"


def test_a_title_that_fits_several_names_them(three: Session) -> None:
    with pytest.raises(NotFoundError, match="several") as caught:
        papers.get_by_any_id(three, "KV")
    assert set(caught.value.close) == {"kv_compress", "coupled_quant"}


def test_the_full_title_wins_over_longer_ones(three: Session) -> None:
    add_paper(three, "sequel", title="KV-Compress: Paged Cache Revisited")
    assert papers.get_by_any_id(three, "kv-compress paged cache").id == "kv_compress"


@pytest.mark.parametrize(
    ("text", "close"),
    [("int_flsh", "int_flash"), ("Paged Cache", "kv_compress"), ("coupledquant", "coupled_quant")],
)
def test_a_near_miss_names_what_was_meant(three: Session, text: str, close: str) -> None:
    with pytest.raises(NotFoundError, match=close) as caught:
        papers.get_by_any_id(three, text)
    assert close in caught.value.close


def test_an_unknown_arxiv_id_says_how_to_add_it(three: Session) -> None:
    with pytest.raises(NotFoundError, match=r"assay add 2501\.00001"):
        papers.get_by_any_id(three, "2501.00001v2")


@pytest.mark.parametrize("text", ["", "  ", "!!!", "%", "_", "zzzz", "\x00", "'; DROP TABLE paper"])
def test_nonsense_finds_nothing_and_says_what_to_do(three: Session, text: str) -> None:
    with pytest.raises(NotFoundError, match="assay list"):
        papers.get_by_any_id(three, text)


def test_hostile_titles_reach_no_terminal(session: Session) -> None:
    add_paper(session, "evil", title="KV \x1b[2J\u202egnp.exe")
    add_paper(session, "good", title="KV good")
    with pytest.raises(NotFoundError) as caught:
        papers.get_by_any_id(session, "KV")
    assert not {"\x1b", "\u202e"} & set(caught.value.message)


@pytest.mark.parametrize(
    ("text", "arxiv"),
    [
        ("2401.06706", "2401.06706"),
        ("2401.06706v12", "2401.06706"),
        ("https://arxiv.org/html/2401.06706v1?x=1#S2", "2401.06706"),
        ("hep-th/9901001v2", "hep-th/9901001"),
        ("cs.CL/0301001", "cs.cl/0301001"),
        ("24010.6706", None),
        ("FlatQuant", None),
    ],
)
def test_arxiv_ids_are_read_from_what_people_paste(text: str, arxiv: str | None) -> None:
    assert papers.parse_arxiv(text) == arxiv


def test_ids_come_from_arxiv_or_the_title(session: Session) -> None:
    named = papers.add(session, title="Anything", arxiv_id="2401.06706v2")
    assert (named.id, named.arxiv_id) == ("2401.06706", "2401.06706")
    first = papers.add(session, title="Fást Deçode: a study of decoding, in seven words")
    second = papers.add(session, title="Fast Decode, a Study of Decoding!!")
    assert first.id == "fast_decode_a_study_of_decoding"
    assert second.id == "fast_decode_a_study_of_decoding_2"
    chinese = papers.add(session, title="大模型推理加速")
    assert chinese.id.startswith("paper_")


def test_the_same_paper_is_not_added_twice(three: Session) -> None:
    papers.update(three, "coupled_quant", content_hash="abc")
    for values in (
        {"arxiv_id": "2409.16997v1"},
        {"content_hash": "abc"},
        {"paper_id": "int_flash"},
    ):
        with pytest.raises(DuplicateError, match="already") as caught:
            papers.add(three, title="Another name", **values)
        assert caught.value.existing in {"int_flash", "coupled_quant"}
    assert len(papers.list_papers(three)) == 3


def test_duplicates_are_found_the_surest_first(three: Session) -> None:
    papers.update(three, "coupled_quant", content_hash="abc")
    found = papers.find_duplicates(
        three,
        arxiv_id="2409.16997v9",
        content_hash="abc",
        title="KV—Compress:  PAGED cache",
    )
    assert [paper.id for paper in found] == ["int_flash", "coupled_quant", "kv_compress"]
    assert papers.find_duplicates(three, title="KV") == []
    assert papers.find_duplicates(three) == []


def test_a_changed_title_is_found_under_its_new_name(three: Session) -> None:
    papers.update(three, "kv_compress", title="Something else entirely")
    assert papers.get_by_any_id(three, "something else").id == "kv_compress"


def test_unknown_columns_are_a_bug(three: Session) -> None:
    with pytest.raises(TypeError, match="stars"):
        papers.update(three, "kv_compress", stars=5)
    with pytest.raises(TypeError, match="is_seed"):
        papers.add(three, title="x", is_seed=True)


def test_lists_filter_by_status(three: Session) -> None:
    papers.update(three, "kv_compress", status="archived")
    assert [row.id for row in papers.list_papers(three, status="archived")] == ["kv_compress"]
    assert len(papers.list_papers(three)) == 3


def test_removing_takes_what_belongs_to_the_paper_and_leaves_the_runs(session: Session) -> None:
    add_paper(session, source_path="/somewhere/paper.pdf")
    add_claim(session)
    notes.add(session, "fast", "look at page 3", "me")
    session.add(PrototypeLink(paper_id="fast", prototype="sampling"))
    stored_run(session)
    session.flush()
    assert papers.remove(session, "fast") == "/somewhere/paper.pdf"
    for table in (Paper, Claim, Note, Fact, PrototypeLink, RemovedPaper):
        assert session.query(table).count() == 0
    assert session.get_one(type(stored_run(session, id="other")), "run").prototype == "sampling"
    with pytest.raises(NotFoundError):
        papers.remove(session, "fast")


def test_prototypes_are_found_both_ways(three: Session) -> None:
    three.add_all(
        PrototypeLink(paper_id=paper_id, prototype=name)
        for paper_id, name in [
            ("int_flash", "int8"),
            ("int_flash", "half"),
            ("kv_compress", "int8"),
        ]
    )
    three.flush()
    assert prototype_links.prototypes(three) == {
        "int_flash": ["half", "int8"],
        "kv_compress": ["int8"],
    }
    assert [paper.id for paper in prototype_links.of_prototype(three, "int8")] == [
        "int_flash",
        "kv_compress",
    ]
