"""Write the table of the captured archives into the README, between its two markers."""

import bz2
import collections
import gzip
import lzma
import re
import subprocess
import sys
from pathlib import Path

FORMATS = [
    ("net5424|remote-", "RFC 5424"),
    ("firewall", "RFC 3339 stamp with PRI (rsyslog forward format)"),
    ("app.json", "rsyslog JSON (jsonmesg), one object a line"),
    ("journal.json", "journald `-o json`"),
    ("journal.short-iso", "journald `-o short-iso`"),
    ("shop_", "CRI, written by conmon"),
    ("file01/messages", "RFC 3164 with PRI"),
    ("messages", "ISO 8601 file format (RSYSLOG_FileFormat)"),
    ("(auth|kern|mail).log|/syslog", "RFC 3164 traditional file format"),
    ("nginx-error", "nginx error log"),
    ("(nginx|apache2)-.*(access|api)", "combined access log"),
    ("apache2-", "Apache error log"),
    ("db01/postgresql-", "PostgreSQL stderr, `%m [%p] %q%u@%d`"),
    ("mysql-", "MariaDB slow query log, several lines an event"),
    ("/frr", "ISO 8601 file format (RSYSLOG_FileFormat)"),
    ("squid-access", "squid native access log"),
    ("squid-", "squid cache log"),
    ("tomcat10-catalina", "java.util.logging, one line, stack traces"),
    ("tomcat10-localhost_access", "common access log"),
    ("tomcat10-", "java.util.logging, stack traces"),
    ("supervisor-", "supervisord's own"),
    ("dpkg", "dpkg's own"),
]
OWNERS = {
    "nginx": "nginx",
    "apache2": "apache2",
    "postgresql": "postgres",
    "mysql": "mariadbd",
    "squid": "squid",
    "tomcat10": "tomcat",
    "dpkg.log": "dpkg",
}
OWNERS |= {
    "supervisor": "supervisord",
    "shop_front": "gunicorn",
    "shop_cache": "redis",
    "shop_proxy": "nginx",
    "shop_job": "python",
}
HEAD = r"^(?:<\d+>)?(?:1 )?(?:\w{3} [ \d]\d [\d:]{8}|\d{4}-\d\d-\d\dT[\d:.,]+(?:[+-][\d:]+|Z)?) \S+ "
MARK = "<!-- table -->\n"
FIELDS = r"\"(?:SYSLOG_IDENTIFIER|syslogtag|programname)\": ?\"([\w./()-]+)"
TAG = re.compile(HEAD + r"([\w./()-]+)(?:\[| \S+ \S+ (?:-|\[)|:)|" + FIELDS)


def unpacked(path: Path) -> bytes:
    """The bytes of an archive, whatever packed it."""
    raw = path.read_bytes()
    if path.suffix == ".zst":
        return subprocess.run(["zstd", "-qdc"], input=raw, capture_output=True, check=True).stdout
    return {".gz": gzip.decompress, ".bz2": bz2.decompress, ".xz": lzma.decompress}.get(path.suffix, bytes)(raw)


def programs(path: Path, text: str) -> collections.Counter[str]:
    """How many lines each program wrote: by the syslog tag, or by the file where there is none."""
    owner = OWNERS.get(path.name.split("-")[0]) or OWNERS.get(path.name)
    if owner:
        return collections.Counter({owner: text.count("\n")})
    tags = (next(filter(None, match.groups())) for match in map(TAG.search, text.splitlines()) if match)
    return collections.Counter(tag.split("/")[0] or tag for tag in tags if not tag.startswith("("))


def rows(folder: Path) -> tuple[list[str], int, set[str]]:
    """Markdown rows, the number of lines, and the programs of all archives."""
    table, total, every = [], 0, set[str]()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        name = str(path.relative_to(folder))
        text = unpacked(path).decode("utf-8", "replace")
        counts, lines = programs(path, text), text.count("\n")
        style = next(style for pattern, style in FORMATS if re.search(pattern, name))
        codec = {".gz": "gzip", ".bz2": "bzip2", ".xz": "xz", ".zst": "zstd"}.get(path.suffix, "plain")
        most = ", ".join(tag for tag, _ in counts.most_common(8)) + (
            f" and {len(counts) - 8} more" if len(counts) > 8 else ""
        )
        table.append(f"| `{name}` | {most} | {style} | {codec} | {lines:,} |")
        total, every = total + lines, every | set(counts)
    return table, total, every


def main(folder: Path, readme: Path) -> None:
    """Replace what stands between the markers of the README."""
    table, total, every = rows(folder)
    head = "| archive | programs, most lines first | wire format | codec | lines |\n|---|---|---|---|---:|\n"
    foot = f"\n\n{total:,} lines in {len(table)} archives, by {len(every)} programs:\n{', '.join(sorted(every))}.\n"
    before, _, after = readme.read_text().split(MARK)
    readme.write_text(before + MARK + head + "\n".join(table) + foot + MARK + after)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
