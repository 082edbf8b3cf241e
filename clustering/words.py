"""The word lists that decide which words of a message stay in its key: shared by the definition and the kernels.

Comparisons fold bytes with `| 0x20`, which lowers letters; both paths do the same.
"""

METHODS = tuple(b"GET POST HEAD PUT DELETE OPTIONS PATCH CONNECT TRACE MKCOL COPY MOVE LOCK UNLOCK".split())
"""HTTP methods of at most seven letters (with a quote they fill one machine word); the path after one is variable."""

DATES = tuple(b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec Mon Tue Wed Thu Fri Sat Sun".split())
"""Names that are part of a time when a number follows."""

_TELLING = (
    "level lvl severity priority pri action act status state result res outcome type subtype event eventtype reason "
    "op operation error err method code success msg message text desc cause stat class mode apparmor avc category cat "
    "kind logdesc subject-type auth denied allowed verdict response disposition phase changetype status_code "
    "exception event_type event_name eventname event_action error_code log_level loglevel levelname operationname "
).split()
TELLING = frozenset(_TELLING)
"""Field names whose value tells what happened: it stays in the key. The values of other fields are variable."""

_PROSE = (
    "msg message text desc description event error err reason cause logdesc exception detail error_message "
    "short_message full_message title summary name note "
).split()
PROSE = frozenset(_PROSE)
"""JSON fields whose text is masked word by word rather than kept or dropped."""

TELLING_ENDS = (
    *("type", "status", "state", "action", "result", "outcome", "reason", "level", "severity", "verdict", "event"),
    *("error", "exception", "message", "msg", "description", "operation", "method", "category"),
)
"""Ends of JSON names that tell, as in `operationType`."""

PROSE_ENDS = ("message", "msg", "description", "reason", "error", "exception", "text", "summary", "title")
"""Ends of JSON names whose text is prose, as in `errorMessage`."""

_SURVIVORS = (
    "ext2 ext3 ext4 ext2-fs ext3-fs ext4-fs jbd2 ipv4 ipv6 ip6 tlsv1 tlsv1.0 tlsv1.1 tlsv1.2 tlsv1.3 tls1.2 tls1.3 "
    "sslv2 sslv3 ssl3 md5 sha1 sha256 sha384 sha512 x509 x.509 oauth2 http/2 http2 http/3 nfsv3 nfsv4 nfs4 smb1 smb2 "
    "smb3 l2tp ikev1 ikev2 ospfv2 ospfv3 dhcpv4 dhcpv6 dhcp4 dhcp6 icmpv6 icmp6 bgp4 i2c i915 e1000 e1000e raid0 "
    "raid1 raid4 raid5 raid6 raid10 k8s s3 ec2 utf8 utf-8 utf-16 base64 p2p log4j win32 x86 x86_64 amd64 i386 arm64 "
    "aes128 aes256 krb5 db2 neo4j snmpv1 snmpv2 snmpv2c snmpv3 ntlmv1 ntlmv2 iso8601 v4l2 h2 mp4 pkcs7 pkcs11 pkcs12 "
    "rs232 usb2 usb3 sqlite3 python3 w3c b2b nat64 dns64 rfc3164 rfc5424 ps2 pm2 r8169 mlx4 mlx5 mlx4_core mlx5_core "
    "megaraid mpt2sas mpt3sas "
).split()
_LEADS = ("", "(", "[", '"', "'", "<")
_TRAILS = ("", ":", ",", ".", ")", "]", ";", '"', "'", "):", "]:", ">")

FOLD = 0x20


def fold(word: bytes) -> bytes:
    """Set bit 0x20 of every byte: letters become small, digits and most punctuation stay."""
    return bytes(b | FOLD for b in word)


SURVIVING = frozenset(
    fold((lead + word + trail).encode())
    for word in _SURVIVORS
    for lead in _LEADS
    for trail in _TRAILS
    if len(lead + word + trail) <= 16 and not word[0].isdigit()
)
"""Folded words that hold a digit and are names all the same (ext4, IPv6, TLSv1.3), with the punctuation they carry."""

NAME_TAIL = 8
"""Bytes of a field's name that are compared: its last eight."""

TELLING_TAILS = frozenset(fold(name.encode()[-NAME_TAIL:]) for name in TELLING)
"""Folded ends of the telling names."""

OPENERS = b"([{\"'<,;"
"""Bytes that may stand before a field's name and do not belong to it."""
