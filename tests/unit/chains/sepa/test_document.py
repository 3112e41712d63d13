"""What arrives from outside and is no statement."""

import pytest

from chains.sepa.camt import MESSAGES
from chains.sepa.document import DOCUMENT_BYTES_MAX, DocumentRefused, parse_document
from tests.unit.chains.sepa.material import document, entry, statement

GOOD = document(statement("0.00", "1.00", entry("1.00")))
PROLOG, _, BODY = GOOD.partition(b"\n")
BOMB = b'<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>'


def refusal(raw: bytes) -> DocumentRefused:
    with pytest.raises(DocumentRefused) as caught:
        parse_document(raw, MESSAGES)
    return caught.value


@pytest.mark.parametrize("version", ["02", "03", "08"])
def test_a_schema_valid_statement_of_each_version_is_read(version: str) -> None:
    raw = document(statement("0.00", "1.00", entry("1.00", version=version)), version=version)
    assert parse_document(raw, MESSAGES) is not None


@pytest.mark.parametrize(
    "raw",
    [b"", b"   ", b"%PDF-1.7", b"{}", b"\x00\x01", b"<a><b></a>", b"<!-- only a comment -->", b"<?xml version='1.0'?>"],
)
def test_what_is_not_xml_is_refused(raw: bytes) -> None:
    assert "not" in refusal(raw).reason


@pytest.mark.parametrize("length", range(0, len(GOOD), 97))
def test_a_file_cut_anywhere_is_refused_as_possibly_unfinished(length: int) -> None:
    assert refusal(GOOD[:length]).cut


@pytest.mark.parametrize(
    "doctype",
    [
        BOMB,
        b'<!DOCTYPE l SYSTEM "file:///etc/passwd">',
        b'<!DOCTYPE l [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        b'<!DOCTYPE l [<!ENTITY % x SYSTEM "http://127.0.0.1:1/x"> %x;]>',
        b"<!DOCTYPE Document>",
    ],
)
def test_any_document_type_is_refused_before_it_is_read(doctype: bytes) -> None:
    assert "document type" in refusal(PROLOG + doctype + BODY).reason


def test_a_document_type_hidden_by_another_encoding_is_refused() -> None:
    text = '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE l [<!ENTITY a "b">]>' + BODY.decode()
    assert "document type" in refusal(text.encode("utf-16")).reason


def test_a_payer_cannot_stop_a_statement_by_writing_about_document_types() -> None:
    raw = document(statement("0.00", "1.00", entry("1.00", text="<![CDATA[<!DOCTYPE x [<!ENTITY a 'b'>]>]]>")))
    assert parse_document(raw, MESSAGES) is not None


def test_an_undefined_entity_is_refused() -> None:
    assert refusal(document(statement("0.00", "1.00", entry("1.00", text="&evil;")))).cut


@pytest.mark.parametrize(
    "raw",
    [
        GOOD.replace(b"camt.053.001.08", b"camt.053.001.07"),
        GOOD.replace(b"camt.053.001.08", b"camt.054.001.08"),
        GOOD.replace(b"Document", b"Dokument"),
        b"<html/>",
    ],
)
def test_another_message_is_refused_by_name(raw: bytes) -> None:
    assert "camt.053.001.08" in refusal(raw).reason


@pytest.mark.parametrize(
    ("found", "put"),
    [
        (b"<CdtDbtInd>CRDT</CdtDbtInd>", b""),
        (b"1.00</Amt>", b"1,00</Amt>"),
        (b"1.00</Amt>", b"-1.00</Amt>"),
        (b"1.00</Amt>", b"NaN</Amt>"),
        (b"1.00</Amt>", b"1e3</Amt>"),
        (b'Ccy="EUR"', b""),
        (b"<Ntry>", b"<Surprise/><Ntry>"),
    ],
)
def test_a_breach_of_the_schema_is_refused_and_named_without_the_text(found: bytes, put: bytes) -> None:
    reason = refusal(GOOD.replace(found, put)).reason
    assert "schema of camt.053.001.08" in reason
    assert "1,00" not in reason


def test_an_oversized_file_is_refused_unread() -> None:
    assert "larger" in refusal(b"<a>" + b" " * DOCUMENT_BYTES_MAX).reason


def test_deep_nesting_is_refused() -> None:
    deep = b"<a>" * 100_000 + b"</a>" * 100_000
    assert refusal(deep).cut
