"""Small loads for the daemons of the capture: visitors, senders, scanners and nonsense."""

import base64
import http.client
import imaplib
import poplib
import random
import smtplib
import socket
import ssl
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress

OUTSIDE = "203.0.113.7 203.0.113.45 203.0.113.99 198.51.100.23 198.51.100.77 192.0.2.44 192.0.2.150".split()
BROKEN = (
    OSError,
    EOFError,
    ssl.SSLError,
    http.client.HTTPException,
    smtplib.SMTPException,
    imaplib.IMAP4.error,
    poplib.error_proto,
)
AGENTS = [
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1",
    "curl/7.88.1",
    "python-requests/2.32.3",
    "ExampleBot/2.1 (+https://bot.example.org/about)",
    "-",
]
PAGES = [
    "/",
    "/",
    "/index.html",
    "/img/3.png",
    "/img/17.png",
    "/img/24.png",
    "/img/29.png",
    "/robots.txt",
    "/favicon.ico",
    "/metrics",
]
PAGES += [
    "/api/items/%d",
    "/api/items/%d",
    "/api/items/%d",
    "/old/page%d",
    "/reports/q%d",
    "/private/notes.txt",
    "/admin/",
    "/.htaccess",
]
PAGES += [
    "/wp-admin/setup.php",
    "/wp-login.php",
    "/.env",
    "/cgi-bin/luci",
    "/dead/%d",
    "/api/fail",
    "/api/nothing/%d",
    "/login?u=user%d",
]
STAFF = [
    "/",
    "/index.html",
    "/private/",
    "/private/",
    "/admin",
    "/cgi/ok.cgi",
    "/cgi/broken.cgi",
    "/cgi/plain.cgi",
    "/order.php",
    "/order.php?e=%d",
]
STAFF += [
    "/dead/x",
    "/nothing/%d",
    "/icons/../../etc/passwd",
    "/index.html?page=%d",
    "/old%d.html",
    "/cgi/none.cgi",
    "/none.php",
]
ORDER = '{"id": "A-%d", "customer": "c%d", "what": "%s", "count": %d, "total": %d.50}'


def source(host: str) -> tuple[str, int] | None:
    """An outside address to come from; None on the host itself."""
    return None if host.startswith("127.") else (random.choice(OUTSIDE), 0)


def visit(host: str, port: int, pages: list[str]) -> None:
    """One visitor: a few requests over one connection, some of them orders, some with a password."""
    connection = http.client.HTTPConnection(host, port, timeout=6, source_address=source(host))
    agent = random.choice(AGENTS)
    for _ in range(random.randint(1, 6)):
        page = random.choice(pages)
        page = page % random.randint(1, 400) if "%d" in page else page
        headers = {"User-Agent": agent, "Referer": random.choice(["https://www.example.net/", "-"])}
        method, body = random.choices(["GET", "HEAD", "POST", "BREW"], [30, 3, 4, 1])[0], None
        if page.startswith("/private"):
            word = random.choice(["alice:Blue-Kettle-7", "alice:wrong", "mallory:x"])
            headers["Authorization"] = "Basic " + base64.b64encode(word.encode()).decode()
        if method == "POST":
            page, number = "/api/orders", random.randint(1, 9999)
            body = ORDER % (
                number,
                number % 97,
                random.choice(["lamp", "kettle", "boat", "plough"]),
                random.randint(0, 3),
                number,
            )
            body = random.choice([body, body, body[:30], body + " " * 9000])
        try:
            connection.request(method, page, body, headers)
            connection.getresponse().read()
        except BROKEN:
            connection.close()
    connection.close()


def rounds(times: int, job: Callable[[], None], workers: int = 6) -> None:
    """Do a job many times in a few threads; what breaks is what the log is for."""

    def work() -> None:
        for _ in range(times // workers):
            with suppress(*BROKEN):
                job()

    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def do_http(host: str, port: str, requests: str) -> None:
    """Visit the shop; a few requests are slow on purpose."""
    rounds(int(requests) // 3, lambda: visit(host, int(port), PAGES))
    rounds(6, lambda: visit(host, int(port), ["/api/slow", "/api/timeout", "/login"]))


def do_apache(host: str, port: str, requests: str) -> None:
    """Visit the intranet."""
    rounds(int(requests) // 3, lambda: visit(host, int(port), STAFF))


def do_crash(host: str, port: str) -> None:
    """Ask for the page that aborts its worker."""
    with suppress(*BROKEN):
        visit(host, int(port), ["/api/crash", "/api/timeout"])


def speak(host: str, port: int, words: bytes, wait: bool = True) -> None:
    """Send bytes, perhaps read the answer, and hang up."""
    with suppress(*BROKEN), socket.create_connection((host, port), 4, source(host)) as sock:
        sock.settimeout(1.5)
        if words:
            sock.sendall(words)
        if wait:
            sock.recv(400)


def do_garbage(host: str, port: str) -> None:
    """Speak the wrong protocol, half a protocol, or nothing."""
    hello = bytes.fromhex("16030100a1010000")
    for words in (
        b"GET / HTTP/1.0\r\n\r\n",
        b"\x00\x01\xff" * 20,
        hello,
        b"SSH-2.0-scan\r\n",
        b"EHLO x\r\n",
        b"GET /%s HTTP/1.1\r\n" % (b"a" * 9000),
        b"",
    ):
        speak(host, int(port), words)
        speak(host, int(port), words, wait=False)
    with suppress(*BROKEN), socket.create_connection((host, int(port)), 4, source(host)) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # hang up with a reset


def do_tls(host: str, port: str) -> None:
    """Handshakes that succeed, and those that fail: old protocol, unknown authority, plain HTTP, wrong cipher."""
    options = [
        [],
        ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"],
        ["-tls1_2", "-cipher", "NULL:@SECLEVEL=0"],
        ["-verify_return_error"],
        ["-tls1_3"],
    ]
    for option in options * 2:
        command = ["openssl", "s_client", "-connect", f"{host}:{port}", *option]
        subprocess.run(command, input=b"GET / HTTP/1.0\r\n\r\n", capture_output=True, timeout=8, check=False)
    do_garbage(host, port)


LETTERS = [
    ("newsletter@news.example.org", "alice@example.net", "News %d"),
    ("carol@example.net", "bob@example.net", "Lunch %d"),
]
LETTERS += [
    ("anna@example.com", "nobody%d@example.net", "Hello"),
    ("spammer@example.org", "alice@example.net", "Buy %d"),
]
LETTERS += [
    ("x@bulk.example.org", "alice@example.net", "Bulk"),
    ("anna@example.com", "someone@example.com", "Relay %d"),
]
LETTERS += [
    ("winner@example.com", "alice@example.net", "You won the lottery %d"),
    ("billing@example.com", "carol@example.net", "invoice %d"),
]
LETTERS += [
    ("anna@example.com", "team@example.net", "Team %d"),
    ("not-an-address", "alice@example.net", "Bad %d"),
    ("", "alice@example.net", "Bounce %d"),
]
AWAY = [
    "user%d@refused.example.org",
    "user%d@dead.example.org",
    "user%d@partner.example.org",
    "user%d@nodns.example.org",
    "alice@example.net",
]
AWAY += ["bob@example.net", "loop@example.net", "full@example.net", "carol@example.net", "user%d@unknown.invalid"]


def letter(host: str, sender: str, to: str, subject: str, size: int) -> None:
    """Send one mail, sometimes over TLS, sometimes with a wrong password, sometimes hanging up in the middle."""
    number, address = random.randint(1, 9999), source(host)
    to, subject = (text % number if "%d" in text else text for text in (to, subject))
    with smtplib.SMTP(host, 25, f"client{number % 50}.example.com", 20, address) as server:
        if number % 5 == 0:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            server.starttls(context=context)
        if number % 9 == 0:
            server.login(random.choice(["alice", "mallory"]), random.choice(["Blue-Kettle-7", "wrong"]))
        if number % 23 == 0:
            server.docmd("DATA" if number % 2 else "HELP", "")
        server.sendmail(
            sender,
            to,
            f"From: {sender}\nTo: {to}\nSubject: {subject}\nMessage-ID: <{number}.{size}@example.com>\n\n"
            + "text " * size,
        )


def do_smtp(host: str, _round: str) -> None:
    """Mail from the outside."""
    rounds(48, lambda: letter(host, *random.choice(LETTERS), random.choice([20, 50, 200, 9000])), 6)
    do_garbage(host, "25")


def do_smtp_local(host: str, number: str) -> None:
    """Mail that leaves the site."""
    rounds(
        36 if int(number) < 4 else 12,
        lambda: letter(host, "alice@example.net", random.choice(AWAY), "Order %d", random.choice([10, 100])),
        4,
    )


def do_partner(port: str) -> None:
    """Be a partner's mail server with moods: it takes, greylists, refuses and hangs up."""
    listener = socket.create_server(("0.0.0.0", int(port)))
    while True:
        sock, _ = listener.accept()
        threading.Thread(target=partner_session, args=(sock, random.random()), daemon=True).start()


def partner_session(sock: socket.socket, mood: float) -> None:
    """One conversation of the partner's server."""
    with suppress(*BROKEN), sock, sock.makefile("rwb") as wire:
        wire.write(
            b"220 mx.partner.example.org ESMTP\r\n" if mood > 0.1 else b"421 4.3.2 mx.partner.example.org too busy\r\n"
        )
        wire.flush()
        data = False
        for line in wire:
            word = line[:4].upper().strip()
            if data and line != b".\r\n":
                continue
            reply = (
                b"250 2.0.0 Ok: queued as 4F7C2\r\n"
                if data or word != b"RCPT" or mood > 0.5
                else b"550 5.1.1 No such user here\r\n"
            )
            reply = b"450 4.7.1 Greylisted, try again later\r\n" if word == b"RCPT" and 0.3 < mood <= 0.5 else reply
            data = word == b"DATA"
            wire.write(b"354 go on\r\n" if data else reply)
            wire.flush()
            if word == b"QUIT" or (data and mood > 0.93):
                return


def mailbox(host: str) -> None:
    """One mail reader: right and wrong passwords, plain, TLS and lost connections."""
    user, word = (
        random.choice(["alice", "carol", "bob", "ghost"]),
        random.choice(["Blue-Kettle-7", "Blue-Kettle-7", "wrong"]),
    )
    if random.random() < 0.3:
        pop = poplib.POP3(host, 110, timeout=8)
        pop.user(user)
        pop.pass_(word)
        pop.stat()
        pop.quit()
        return
    imap = imaplib.IMAP4(host, 143, 8)
    if random.random() < 0.2:
        imap.starttls(ssl._create_unverified_context())
    imap.login(user, word)
    imap.select("INBOX")
    imap.search(None, "ALL")
    if random.random() < 0.8:
        imap.logout()
    imap.shutdown()


def do_imap(host: str) -> None:
    """Mail readers."""
    rounds(24, lambda: mailbox(host), 6)
    do_garbage(host, "143")
    do_garbage(host, "110")


def do_dns(host: str, queries: str) -> None:
    """Queries from the outside: answers, refusals, transfers, floods."""
    names = [
        "www.example.net",
        "example.net",
        "nosuch%d.example.net",
        "mail01.example.net",
        "www.somewhere.test",
        "broken.example",
        "version.bind",
    ]
    for number in range(int(queries)):
        name, kind = random.choice(names), random.choice(["A", "AAAA", "MX", "TXT", "ANY", "AXFR", "SOA"])
        name = name % number if "%d" in name else name
        command = ["dig", "+tries=1", "+time=1", "-b", random.choice(OUTSIDE), f"@{host}", name, kind]
        subprocess.run(command, capture_output=True, timeout=8, check=False)
    for _ in range(25):
        query = bytes.fromhex("abcd01000001000000000000") + b"\x07example\x03net\x00\x00\xff\x00\x01"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind((OUTSIDE[3], 0))
            sock.sendto(query, (host, 53))


def do_proxy(host: str, port: str, requests: str) -> None:
    """Browse through the proxy: pages, blocked and unknown names, dead origins, tunnels."""
    urls = [
        "http://10.20.30.11:8080/img/7.png",
        "http://10.20.30.11:8080/",
        "http://10.20.30.15/",
        "http://www.blocked.example/",
        "http://10.20.30.250/",
    ]
    urls += [
        "http://nosuch.invalid/x",
        "http://10.20.30.11:8080/none/%d",
        "http://10.20.30.11:9/",
        "http://10.20.30.11:8080/api/items/%d",
    ]

    def one() -> None:
        connection = http.client.HTTPConnection(host, int(port), timeout=5, source_address=source(host))
        if random.random() < 0.15:
            connection.set_tunnel("10.20.30.11", random.choice([8443, 22]))
            connection.connect()
        else:
            url = random.choice(urls)
            connection.request(
                "GET",
                url % random.randint(1, 99) if "%d" in url else url,
                headers={"User-Agent": random.choice(AGENTS)},
            )
            connection.getresponse().read()
        connection.close()

    rounds(int(requests), one, 5)


def do_mqtt(host: str, port: str) -> None:
    """MQTT clients that are refused, speak another version, or vanish."""
    for number in range(12):
        name = b"probe%d" % number
        words = (
            b"\x00\x04MQTT" + bytes([random.choice([3, 4, 9])]) + b"\x02\x00\x0a" + struct.pack(">H", len(name)) + name
        )
        speak(host, int(port), b"\x10" + bytes([len(words)]) + words, wait=number % 3 > 0)


if __name__ == "__main__":
    random.seed()
    globals()[f"do_{sys.argv[1]}"](*sys.argv[2:])
