"""The frame of the page: one HTML file that loads nothing, light and dark, for the screen at night and for paper."""

from collections.abc import Iterable, Sequence

from pipeline.report_svg import e

STYLE = """
:root{color-scheme:light dark;--page:#f9f9f7;--card:#fff;--ink:#14140f;--soft:#5c5b55;--rule:#e4e3dc;--grid:#ecebe5;
--good:#0b7a0b;--warn:#8a5a00;--bad:#c02b2b;--c0:#2a78d6;--c1:#eb6834;--c2:#1baf7a;--c3:#eda100;--c4:#e87ba4;
--c5:#008300;
--c6:#4a3aa7;--c7:#9b9a92;--c8:#cfcec6}
@media (prefers-color-scheme:dark){:root{--page:#0f0f0e;--card:#1a1a19;--ink:#eceae2;--soft:#a3a198;--rule:#32312e;
--grid:#272624;--good:#5cc05c;--warn:#e0a63a;--bad:#ec7474;--c0:#3987e5;--c1:#d95926;--c2:#199e70;--c3:#c98500;
--c4:#d55181;
--c5:#3d9a3d;--c6:#9085e9;--c7:#7d7b74;--c8:#4a4945}}
*{box-sizing:border-box}
body{margin:0 auto;padding:1.6rem 1.2rem 4rem;max-width:66rem;background:var(--page);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}
h1{font-size:1.45rem;margin:0 0 .1rem;letter-spacing:-.01em;overflow-wrap:anywhere}
h2{font-size:1.08rem;margin:2.2rem 0 .2rem}
h3{font-size:.95rem;margin:1.1rem 0 .2rem}
p{margin:.25rem 0 .7rem;max-width:48rem}
.soft,caption,.tick,th{color:var(--soft)}
.soft{font-size:.9rem}
section{background:var(--card);border:1px solid var(--rule);border-radius:8px;padding:.9rem 1.1rem;margin:.4rem 0 0}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(9rem,1fr));gap:.5rem;margin:1rem 0 0}
.figures div{background:var(--card);border:1px solid var(--rule);border-radius:8px;padding:.6rem .8rem}
.figures b{display:block;font-size:1.35rem;font-weight:600;font-variant-numeric:tabular-nums;line-height:1.25}
.figures span{color:var(--soft);font-size:.82rem}
nav{margin:.9rem 0 0;font-size:.88rem;line-height:1.9}
nav a{color:inherit;margin-right:1rem;white-space:nowrap}
svg{display:block;width:100%;height:auto;overflow:visible}
svg.spark{width:110px;height:22px}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(20rem,1fr));gap:1.2rem}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.86rem;font-variant-numeric:tabular-nums}
th{font-weight:500;text-align:left;border-bottom:1px solid var(--rule);padding:.25rem .6rem .25rem 0;
white-space:nowrap}
td{border-bottom:1px solid var(--grid);padding:.28rem .6rem .28rem 0;vertical-align:top}
tr:last-child td{border-bottom:0}
.r{text-align:right;white-space:nowrap}
.n{white-space:nowrap}
code{font:.92em/1.45 ui-monospace,"SF Mono",Menlo,Consolas,monospace;overflow-wrap:anywhere}
td code{display:block;min-width:15rem}
.good{color:var(--good)}.warn{color:var(--warn)}.bad{color:var(--bad)}
.tick{font-size:11px;fill:var(--soft)}
.axis{stroke:var(--soft);stroke-width:1}.grid{stroke:var(--grid);stroke-width:1}
.new{stroke:var(--c1);stroke-width:1.4}.mark{stroke:var(--ink);stroke-width:1.2;stroke-dasharray:4 3}
.empty{fill:var(--grid)}.hot{fill:var(--bad)}
.area{fill:var(--c0);fill-opacity:.16}.curve{fill:none;stroke:var(--c0);stroke-width:1.7;stroke-linejoin:round}
.dot{fill:var(--c0)}.point{stroke:var(--card);stroke-width:2}
.f0{fill:var(--c0)}.f1{fill:var(--c1)}.f2{fill:var(--c2)}.f3{fill:var(--c3)}.f4{fill:var(--c4)}.f5{fill:var(--c5)}
.f6{fill:var(--c6)}.f7{fill:var(--c7)}.f8{fill:var(--c8)}
polyline.f0{fill:none;stroke:var(--c0);stroke-width:4;stroke-opacity:.6}polyline.f1{fill:none;stroke:var(--c1)}
.legend{font-size:.84rem;color:var(--soft);margin:.5rem 0 0;max-width:none}
.legend span{display:inline-block;margin-right:1rem;white-space:nowrap}
.legend i{display:inline-block;width:.7rem;height:.7rem;border-radius:2px;margin-right:.35rem;vertical-align:-1px}
.bar{display:inline-block;height:.62rem;border-radius:2px;vertical-align:1px;min-width:1px}
.barbox{width:8rem}
.b0{background:var(--c0)}.b1{background:var(--c1)}.b2{background:var(--c2)}.b3{background:var(--c3)}
.b4{background:var(--c4)}
.b5{background:var(--c5)}.b6{background:var(--c6)}.b7{background:var(--c7)}.b8{background:var(--c8)}
.bnew{background:var(--c1);width:2px!important}
@media print{:root{--page:#fff;--card:#fff;--ink:#000;--soft:#444;--rule:#bbb;--grid:#ddd;--bad:#b02020}
body{max-width:none;padding:0;font-size:10pt}nav{display:none}section,.figures div{break-inside:avoid;border-radius:0}
section.long{break-inside:auto}tr{break-inside:avoid}h2{break-after:avoid}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}.scroll{overflow:visible}}"""


def page(title: str, head: str, sections: Iterable[tuple[str, str, str]]) -> str:
    """Put the page together: sections of (anchor, heading, body); a long one may break over pages."""
    found = list(sections)
    links = " ".join(f'<a href="#{anchor}">{e(heading)}</a>' for anchor, heading, _ in found)
    body = "".join(
        f'<h2 id="{anchor}">{e(heading)}</h2><section class="{"long" if "<table" in inner else ""}">{inner}</section>'
        for anchor, heading, inner in found
    )
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}"><meta name="referrer" content="no-referrer">'
        f"<title>{e(title)}</title><style>{STYLE}</style></head><body>{head}<nav>{links}</nav>{body}</body></html>\n"
    )


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[int] = ()) -> str:
    """Write a table; cells are HTML. `right`: columns that stand to the right."""
    css = ['class="r"' if i in right else "" for i in range(len(columns))]
    head = "".join(f"<th {css[i]}>{e(name)}</th>" for i, name in enumerate(columns))
    body = "".join("<tr>" + "".join(f"<td {css[i]}>{c}</td>" for i, c in enumerate(row)) + "</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def legend(entries: Iterable[tuple[str, str]]) -> str:
    """Write what colours mean: (class, name)."""
    return (
        '<p class="legend">' + "".join(f'<span><i class="{css}"></i>{e(name)}</span>' for css, name in entries) + "</p>"
    )


def bar(share: float, css: str) -> str:
    """Draw a share, 0 to 1, as a bar in a cell."""
    inner = f'<span class="bar {css}" style="width:{max(0.0, min(1.0, share)) * 100:.1f}%"></span>'
    return f'<div class="barbox">{inner if share else ""}</div>'


def figures(told: Iterable[tuple[str, str]]) -> str:
    """Write the few numbers that matter most: (number, what it is)."""
    return (
        '<div class="figures">'
        + "".join(f"<div><b>{e(n)}</b><span>{e(what)}</span></div>" for n, what in told)
        + "</div>"
    )


def soft(text: str) -> str:
    """Write a remark; text, not HTML."""
    return f'<p class="soft">{e(text)}</p>'
