"""The packaged model, on well-known kinds written for this test."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from classifiers.models_list import packaged
from classifiers.neighbours import Neighbours
from classifiers.tiny import Tiny
from schemas.registry import Kind
from schemas.taxonomy import domain_of

KNOWN = [
    ("sshd", "auth.login_failure", "Failed password for root from <*> port <*> ssh2"),
    ("sshd", "auth.login_failure", "Failed password for invalid user oracle from <*> port <*> ssh2"),
    ("sshd", "auth.login_success", "Accepted publickey for deploy from <*> port <*> ssh2: ED25519 <*>"),
    ("sshd", "auth.session", "pam_unix(sshd:session): session closed for user deploy"),
    ("sudo", "auth.privilege", "alice : TTY=<*> ; PWD=/home/alice ; USER=root ; COMMAND=/usr/bin/apt update"),
    ("useradd", "auth.account_change", "new user: name=backup, UID=<*>, GID=<*>, home=/home/backup, shell=/bin/bash"),
    ("kernel", "resource.memory", "Out of memory: Killed process <*> (java) total-vm:<*> anon-rss:<*> file-rss:<*>"),
    ("kernel", "storage.device", "blk_update_request: I/O error, dev sda, sector <*> op <*> flags <*>"),
    ("kernel", "storage.filesystem", "EXT4-fs (sdb): mounted filesystem with ordered data mode. Quota mode: none."),
    ("kernel", "system.kernel_fault", "INFO: task jbd2 blocked for more than <*> seconds."),
    ("kernel", "network.link", "e1000e: eth NIC Link is Down"),
    ("kernel", "resource.limit", "nf_conntrack: nf_conntrack: table full, dropping packet"),
    ("kernel", "firewall.denied", "[UFW BLOCK] IN=eth OUT= MAC=<*> SRC=<*> DST=<*> LEN=<*> PROTO=TCP SPT=<*> DPT=<*>"),
    ("rsyslogd", "storage.capacity", "file '/var/log/messages' write error: No space left on device"),
    ("nginx", "web.server_error", "GET /api/orders HTTP/1.1 502 Bad Gateway upstream prematurely closed connection"),
    ("nginx", "web.access", '<*> - - [<*> "GET <*> <*2xx>'),
    ("nginx", "web.client_error", '<*> - - [<*> "GET <*> <*4xx>'),
    ("nginx", "web.server_error", '<*> - - [<*> "POST <*> <*5xx>'),
    ("postfix/smtp", "mail.flow", "<*> to=<*>, relay=<*>, delay=<*>, delays=<*>, dsn=<*2xx>, status=sent (<*>"),
    ("postfix/smtpd", "mail.rejection", "NOQUEUE: reject: RCPT from <*> <*5xx> <*> Relay access denied; from=<*>"),
    ("systemd", "service.lifecycle", "Started OpenBSD Secure Shell server."),
    ("systemd", "service.crash", "nginx.service: Main process exited, code=exited, status=<*nonzero>"),
    ("CRON", "service.job_run", "(root) CMD (command -v debian-sa1 > /dev/null && debian-sa1 <*> <*>)"),
    ("postgres", "database.operation", "LOG: checkpoint complete: wrote <*> buffers (<*> <*> WAL file(s) added"),
    ("postgres", "database.error", 'ERROR: duplicate key value violates unique constraint "orders_pkey"'),
    ("chronyd", "system.time_sync", "Selected source <*>"),
    ("dhclient", "network.addressing", "DHCPACK of <*> from <*>"),
    ("named", "network.dns", "zone example.org/IN: loaded serial <*>"),
    ("ipmiseld", "hardware.environment", "SEL Event: Fan FAN3 ; Lower Critical going low"),
    ("openssl", "tls.certificate", "certificate verify failed: certificate has expired"),
    ("charon", "network.vpn", "IKE_SA tunnel <*> established between <*> and <*>"),
    ("dockerd", "platform.container", "Container failed to exit within <*> of signal <*> - using the force"),
    ("clamd", "security.malware", "/srv/upload/invoice.exe: Win.Trojan.Agent FOUND"),
    ("bgpd", "network.routing", "BGP neighbor <*> Down: hold timer expired"),
]
KINDS = [Kind("0" * 16, app, template) for app, _, template in KNOWN]


@pytest.fixture(scope="module")
def tiny() -> Tiny:
    return Tiny.load()


def test_domains_of_well_known_kinds_are_right_nine_times_in_ten(tiny: Tiny) -> None:
    labels = [v.label if v else "" for v in tiny.classify(KINDS)]
    right = [domain_of(label) == domain_of(leaf) for label, (_, leaf, _) in zip(labels, KNOWN, strict=True)]
    assert sum(right) >= 0.9 * len(KNOWN), [
        (k[2], label) for k, label, ok in zip(KNOWN, labels, right, strict=True) if not ok
    ]


def test_leaves_of_well_known_kinds_are_right_far_oftener_than_the_commonest_leaf(tiny: Tiny) -> None:
    labels = [v.label if v else "" for v in tiny.classify(KINDS)]
    right = sum(label == leaf for label, (_, leaf, _) in zip(labels, KNOWN, strict=True))
    assert right >= 0.8 * len(KNOWN)


def test_every_packaged_model_is_whole_and_small() -> None:
    listed = {model.name: model for model in packaged()}
    assert {"encoder", "large", "tiny"} <= set(listed) <= {"encoder", "exits", "large", "small", "tiny"}
    assert [model.fault for model in listed.values()] == [None] * len(listed)
    assert (listed["tiny"].folder / "model.onnx").stat().st_size <= 3_000_000
    assert (listed["tiny"].folder / "corpus.tsv.gz").stat().st_size <= 1_500_000
    assert listed["encoder"].size + listed["large"].size <= 30 << 20


def test_the_card_scores_programs_never_met_far_above_the_majority(tiny: Tiny) -> None:
    scores = tiny.card["scores_unseen_programs"]
    assert scores["leaf_accuracy"] > 5 * scores["majority_leaf_accuracy"]
    assert scores["leaf_precision_at_floor"] >= 0.75
    assert scores["ece"] <= 0.05


def test_five_thousand_kinds_take_less_than_a_cpu_second(tiny: Tiny) -> None:
    kinds = [Kind("", k.app, f"{k.template} {chr(97 + i % 26)}{chr(97 + i // 26)}") for i in range(200) for k in KINDS]
    tiny.scores(kinds[:300])
    start = time.process_time()
    tiny.scores(kinds[:5_000])
    assert time.process_time() - start < 1.0


def test_the_nearest_labelled_kind_of_a_failed_login_is_one() -> None:
    nearest = Neighbours.load().nearest([KINDS[0]], k=3)[0]
    assert nearest[0].label == "auth.login_failure"
    assert nearest[0].cosine > 0.5


def test_loading_imports_neither_sklearn_nor_onnx_nor_torch_and_is_cheap() -> None:
    code = (
        "import sys, time, onnxruntime, pyarrow; start = time.process_time(); from classifiers.tiny import Tiny; Tiny.load();"
        "took = time.process_time() - start;"
        "print(took < 0.15, [m for m in ('sklearn', 'scipy', 'onnx', 'torch') if m in sys.modules])"
    )
    root = Path(__file__).parents[2]
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert told.stdout.split(" ", 1) == ["True", "[]\n"]
