"""What the key keeps apart and what it does not: the claims of the product, one by one."""

import pytest

from clustering.key import has_word, key_of, key_text, mask_app

ACCESS = '{ip} - - [20/Nov/2026:11:59:58 +0100] "{method} {url} HTTP/1.1" {status} {size} "-" "{agent}"'


def template(message: str, app: str | None = "x") -> str:
    return key_of(app, message).kind.template


def access(status: int, url: str = "/", agent: str = "curl/8.1", method: str = "GET", ip: str = "192.0.2.1") -> str:
    return ACCESS.format(ip=ip, method=method, url=url, status=status, size=status * 7, agent=agent)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (access(200), access(404)),
        (access(404), access(502)),
        (access(200), access(301)),
        ("EventID: 4624 An account was examined", "EventID: 4625 An account was examined"),
        ("EventID=4624 logon", "EventID=4625 logon"),
        ('{"EventID":4624,"Channel":"Security"}', '{"EventID":4625,"Channel":"Security"}'),
        ("job 7 finished with exit code 0", "job 7 finished with exit code 1"),
        (
            "x.service: Main process exited, code=exited, status=0/SUCCESS",
            "x.service: Main process exited, code=exited, status=1/FAILURE",
        ),
        ("backup done rc=0", "backup done rc=12"),
        ("connection from 10.0.0.1 denied", "connection from 10.0.0.1 permitted"),
        (
            "%LINK-3-UPDOWN: Interface Gi0/1, changed state to up",
            "%LINK-5-CHANGED: Interface Gi0/1, changed state to up",
        ),
        (
            "%LINK-3-UPDOWN: Interface Gi0/1, changed state to up",
            "%LINK-3-UPDOWN: Interface Gi0/1, changed state to down",
        ),
        ("open failed: errno 2", "open failed: errno 13"),
        ("query failed, SQLSTATE 42P01", "query failed, SQLSTATE 23505"),
        ("reply from mx1: 550 5.7.1 refused RCPT", "reply from mx1: 250 2.1.5 refused RCPT"),
        (
            "4F1B2: to=<a@b.org>, dsn=2.0.0, status=sent (250 ok)",
            "4F1B2: to=<a@b.org>, dsn=5.1.1, status=bounced (550 no)",
        ),
        ('{"level":"info","msg":"user 7 in"}', '{"level":"error","msg":"user 7 in"}'),
        ('{"level":"info","msg":"user 7 in"}', '{"level":"info","msg":"user 7 out"}'),
        ("CEF:0|V|P|1|100|Login ok|3|src=10.0.0.1 act=allow", "CEF:0|V|P|1|100|Login ok|3|src=10.0.0.1 act=block"),
        ("CEF:0|V|P|1|100|Login ok|3|src=10.0.0.1", "CEF:0|V|P|1|101|Login ok|3|src=10.0.0.1"),
        (
            "1,2026/11/20 11:59:58,007,TRAFFIC,end,2049,10.0.0.1,allow",
            "1,2026/11/20 11:59:58,007,TRAFFIC,end,2049,10.0.0.1,deny",
        ),
        (
            "squid 1666854189.800 68 10.0.0.1 TCP_DENIED/403 0 GET http://a/",
            "squid 1666854189.800 68 10.0.0.1 TCP_MISS/200 0 GET http://a/",
        ),
        ("VM Started", "VM Paused"),
        ("200 GET /a (127.0.0.1) 1.2ms", "404 GET /a (127.0.0.1) 1.2ms"),
        ('{"operationType":"DELETE","id":7}', '{"operationType":"UPDATE","id":7}'),
        ('{"errorMessage":"user 7 unknown"}', '{"errorMessage":"user 7 locked"}'),
    ],
)
def test_what_decides_a_label_makes_another_kind(one: str, other: str) -> None:
    assert key_of("x", one).kind.key != key_of("x", other).kind.key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            access(404, "/a/b", "curl/8.1"),
            access(403, "/login?user=x", "Mozilla/5.0 (X11; Linux) Gecko Firefox", ip="2001:db8::1"),
        ),
        (access(500), access(503)),
        (
            "Failed password for root from 10.0.0.1 port 4242 ssh2",
            "Failed password for root from 192.0.2.77 port 1 ssh2",
        ),
        ("rebooted at Nov 20 11:59:58 2026", "rebooted at Mar  1 01:02:03 2027"),
        ("last seen Fri, 20 Nov 2026 11:59:58 GMT", "last seen Mon, 2 Feb 2027 01:00:00 GMT"),
        ("session 0a1b2c opened", "session 77f3aa opened"),
        ("exit code 1", "exit code 137"),
        ("fetched https://a.example/x in 3 ms", "fetched http://b.example/y?z=1 in 27 ms"),
        ("mail from <ann@example.org> queued", "mail from <bob@example.net> queued"),
        ("type=USER uid=0 user=ann exe=/bin/a res=success", "type=USER uid=7 user=bob exe=/bin/b res=success"),
        ('{"user":"ann","n":1,"level":"info"}', '{"user":"bob","n":2,"level":"info"}'),
        ("a  b   c 1", "a b c 2"),
        ("tab\tsplit 1", "tab split 1"),
    ],
)
def test_addresses_ports_times_and_ids_make_no_other_kind(one: str, other: str) -> None:
    assert key_of("x", one).kind.key == key_of("x", other).kind.key


def test_a_status_shows_its_class_and_its_value_is_a_param() -> None:
    keyed = key_of("nginx", access(404, "/missing"))
    assert '"GET <*> <*> <*4xx> <*>' in keyed.kind.template
    assert keyed.params.split(" ")[5] == "404"


def test_params_and_template_give_the_message_back() -> None:
    keyed = key_of("sshd", "Failed password for ann from 10.0.0.1 port 4242 ssh2")
    filled = keyed.kind.template
    for word in keyed.params.split(" "):
        filled = filled.replace("<*>", word, 1)
    assert filled == "Failed password for ann from 10.0.0.1 port 4242 ssh2"


def test_the_key_is_the_same_for_ever() -> None:
    # A lake holds these: a change here needs a new format version.
    assert key_of("sshd", "Failed password for ann from 10.0.0.1 port 4242 ssh2").kind.key == "f432900809dc7ac7"
    assert key_of(None, "up").kind.key == key_of("", "up").kind.key


def test_names_that_hold_digits_stay() -> None:
    assert template("EXT4-fs (sda1): mounted over IPv6, TLSv1.3") == "EXT4-fs <*> mounted over IPv6, TLSv1.3"


def test_the_app_is_masked_too() -> None:
    assert mask_app("nginx-7f9c6d-x2zq8") == "nginx-<*>-<*>"
    assert mask_app("postfix/smtpd") == "postfix/smtpd"
    assert key_of("worker-1", "up").kind == key_of("worker-2", "up").kind


def test_of_several_lines_the_first_counts_and_of_a_traceback_the_last_as_well() -> None:
    assert key_text("boom\n at a\n at b") == "boom"
    assert key_text("Traceback (most recent call last):\n  File a\nValueError: no") == (
        "Traceback (most recent call last): ValueError: no"
    )


def test_a_key_without_a_constant_word_is_told() -> None:
    assert not has_word(template("10.0.0.1 42 [7]"))
    assert has_word(template("10.0.0.1 up"))
    assert has_word("Подключено <*>")


def test_a_text_without_end_makes_a_short_template() -> None:
    assert len(template("word " * 20_000)) < 2_100


@pytest.mark.parametrize(
    "text",
    ['{"a":' * 2000 + "1" + "}" * 2000, "{", '{"a":NaN}', "CEF:0|", "LEEF:1.0|||", "<*> <*>", ",,,,,,,", "\x00\x01"],
)
def test_odd_texts_have_a_key(text: str) -> None:
    assert len(key_of("x", text).kind.key) == 16
