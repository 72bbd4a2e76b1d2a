from datetime import UTC, datetime
from email import message_from_bytes
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import default
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.notifications.mail import AddressError, compose, plain_name
from services.notifications.notification_table import Notification, State
from services.notifications.recipient_table import Recipient

SENDER = Address("Causeway", addr_spec="no-reply@causeway.example")


def notification(title: str = "Your order", body: str = "State: CONFIRMED") -> Notification:
    return Notification(
        id="n1",
        recipient="users/u1",
        channel="email",
        title=title,
        body=body,
        state=State.PENDING,
        cause_event_id="0198c0de-0000-7000-8000-000000000001",
        subject="orders/o1",
        create_time=datetime(2026, 11, 23, tzinfo=UTC),
    )


def test_a_mail_has_text_and_html_and_an_id_made_from_the_events_id() -> None:
    mail = compose(notification(), Recipient("Ann", "ann@example.org"), SENDER)
    read = message_from_bytes(mail.as_bytes(), policy=default)
    assert read["Message-ID"] == "<0198c0de-0000-7000-8000-000000000001@causeway.example>"
    assert read["To"] == "Ann <ann@example.org>"
    assert read.get_content_type() == "multipart/alternative"
    for kind in ("plain", "html"):
        part = read.get_body((kind,))
        assert part is not None
        assert "State: CONFIRMED" in part.get_content()
        assert "Ann" in part.get_content()


def test_the_same_notification_makes_the_same_headers_again() -> None:
    first, second = (
        compose(notification(), Recipient("Ann", "ann@example.org"), SENDER) for _ in range(2)
    )
    assert first.items()[:-1] == second.items()[:-1]  # all but the random boundary of its parts


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\x00", "\u2028", "\x85"])
def test_a_name_begins_no_header_of_its_own(end: str) -> None:
    name = f"Ann{end}Bcc: all@example.org{end}{end}<p>body"
    mail = compose(notification(title=f"Hi{end}Bcc: x@y.z"), Recipient(name, "a@b.example"), SENDER)
    read = message_from_bytes(mail.as_bytes(), policy=default)
    assert "Bcc" not in read
    assert [address.addr_spec for address in read["To"].addresses] == ["a@b.example"]
    assert read["Subject"] == "Hi Bcc: x@y.z"


HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</title><style>",
    "{{ 7 * 7 }} {% include 'mail.txt.jinja' %}",
    "&lt;b&gt; & 'quoted'",
]


class Page(HTMLParser):
    """The tags and the text of a page, as a reader's program sees them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def part_of(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content())


@pytest.mark.parametrize("hostile", HOSTILE)
def test_what_a_user_wrote_is_text_in_html_wherever_it_stands(hostile: str) -> None:
    plain = compose(notification(), Recipient("Ann", "a@b.example"), SENDER)
    mail = compose(notification(hostile, hostile), Recipient(hostile, "a@b.example"), SENDER)
    page = Page(part_of(mail, "html"))
    assert page.tags == Page(part_of(plain, "html")).tags
    assert page.text.count(hostile) == 3  # title, heading, body
    assert part_of(mail, "plain").count(hostile) == 1


@pytest.mark.parametrize(
    "name",
    [
        "Win at https://evil.example/now",
        "evil.example",
        "call:0900",
        "a@evil.example",
        "a\\b",
        "[x](y)",
        "evil。example",
        "x" * 41,
        *HOSTILE,
    ],
)
def test_a_name_that_is_more_than_a_name_is_told_to_nobody(name: str) -> None:
    recipient = Recipient(name, "ann@b.example")
    mail = compose(notification(), recipient, SENDER)
    assert mail["To"] == "ann <ann@b.example>"
    assert part_of(mail, "plain").startswith("Hello ann,")
    page = Page(part_of(mail, "html"))
    assert "Hello ann," in page.text
    assert name not in mail.as_string() + page.text


@pytest.mark.parametrize(
    "name", ["Ann", "Jean-Luc O’Neil", "María d'Arc", "कमला देवी", "李小龙", "Tour 2", ""]
)
def test_a_plain_name_is_kept_in_any_script(name: str) -> None:
    assert plain_name(Recipient(name, "ann@b.example")) == name


@pytest.mark.parametrize(
    "local",
    [
        "bob+www.evil.example/your-account-is-locked?go",
        "evil.example",
        "x" * 41,
        '"call:0900"',
    ],
)
def test_who_has_no_plain_name_and_no_plain_address_is_called_by_none(local: str) -> None:
    recipient = Recipient("evil.example", f"{local}@b.example")
    mail = compose(notification(), recipient, SENDER)
    assert mail["To"].addresses[0].display_name == ""
    assert part_of(mail, "plain").startswith("Hello,")
    assert "Hello," in Page(part_of(mail, "html")).text


def test_paragraphs_and_lines_of_a_body_are_those_of_the_page() -> None:
    body = "Order: orders/o1\nState: CONFIRMED\n\nWe prepare it now."
    page = part_of(compose(notification(body=body), Recipient("", "a@b.example"), SENDER), "html")
    assert "<p>Order: orders/o1<br>State: CONFIRMED</p>" in page
    assert "<p>We prepare it now.</p>" in page
    assert "<p>Hello,</p>" in page


@pytest.mark.parametrize("address", ["", "ann", "a@b\r\nBcc: c@d", "a@b, c@d", "<a@b>", "a b@c"])
def test_what_is_no_single_address_is_refused(address: str) -> None:
    with pytest.raises(AddressError):
        compose(notification(), Recipient("Ann", address), SENDER)


@settings(deadline=None)  # the first one reads the templates
@given(st.text(max_size=100), st.text(max_size=200))
def test_any_name_and_title_make_a_mail_that_reads_back(name: str, title: str) -> None:
    mail = compose(notification(title=title), Recipient(name, "ann@example.org"), SENDER)
    read = message_from_bytes(mail.as_bytes(), policy=default)
    assert [address.addr_spec for address in read["To"].addresses] == ["ann@example.org"]
    assert set(read.keys()) == {
        "From",
        "To",
        "Subject",
        "Date",
        "Message-ID",
        "Auto-Submitted",
        "MIME-Version",
        "Content-Type",
    }
