"""Reads mails back with Python's parser: NAME.eml beside NAME.to, .address, .subject and .text.

Run by notify_mime_test.c with a folder as the only argument; exits 1 with a sentence for the first
mail that says anything else than it should.
"""
import email
import email.header
import email.policy
import pathlib
import sys

ONCE = ("Date", "From", "To", "Subject", "Message-ID", "MIME-Version", "Content-Type",
        "Auto-Submitted", "Content-Language")


def check(path):
    raw = path.read_bytes()
    assert b"\n" not in raw.replace(b"\r\n", b""), "a line does not end with CR LF"
    assert b"\r" not in raw.replace(b"\r\n", b""), "a CR stands alone"
    assert max(len(line) for line in raw.split(b"\r\n")) <= 78, "a line is too long"
    raw.decode("ascii")
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    assert not mail.defects, mail.defects
    assert sorted(mail.keys()) == sorted(ONCE), mail.keys()
    expected = {e: path.with_suffix("." + e).read_bytes().decode()
                for e in ("to", "address", "subject", "text")}
    to = mail["To"].addresses
    assert len(to) == 1 and to[0].addr_spec == expected["address"], to
    # The parser keeps the blanks between two encoded words of a name (RFC 2047 6.2 drops them) and
    # draws others together; decode_header does as the RFC says.
    words = email.message_from_bytes(raw)["To"].rpartition("<")[0]
    name = str(email.header.make_header(email.header.decode_header(words)))
    assert name.split() == expected["to"].split(), (name, expected["to"])
    assert to[0].display_name.replace(" ", "") == expected["to"].replace(" ", ""), to
    assert not mail["To"].defects and not mail["From"].defects, (mail["To"].defects)
    assert mail["Subject"] == expected["subject"], (mail["Subject"], expected["subject"])
    assert mail["From"].addresses[0].addr_spec == "shop@example.com"
    assert mail["Date"].datetime.utcoffset().total_seconds() == 8 * 3600
    assert mail["Message-ID"] == "<0192f0c1-0000-7000-8000-000000000001@example.com>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_content_type() == "multipart/alternative"
    text, html = mail.iter_parts()
    assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    for part in (text, html):
        assert not part.defects, part.defects
        got = part.get_content().replace("\r\n", "\n")
        assert got == expected["text"], (got, expected["text"])


def main():
    mails = sorted(pathlib.Path(sys.argv[1]).glob("*.eml"))
    assert mails, "no mails"
    for path in mails:
        try:
            check(path)
        except Exception as wrong:
            sys.exit(f"{path.name}: {type(wrong).__name__}: {wrong}")


main()
