// The style sheet of reports.
#pragma once

namespace gradus::train {

inline constexpr char kReportStyle[] = R"css(
:root{color-scheme:light dark;--page:#f6f7f9;--card:#fff;--ink:#1c2330;--faint:#657083;--line:#e2e6ec;--accent:37 99 235;--minus:217 115 13;--good:#15803d;--bad:#b91c1c;
--series-1:#2563eb;--series-2:#d9730d;--series-3:#0f8a5f;--series-4:#9333ea;--series-5:#be185d;--series-6:#0e7490;--series-7:#a16207;--series-8:#57606f;--strong-cell:#fff}
@media (prefers-color-scheme:dark){:root{--page:#11151c;--card:#1a202a;--ink:#e4e9f1;--faint:#94a0b3;--line:#2c3542;--accent:76 134 255;--minus:245 160 76;--good:#4ade80;
--bad:#fb7185;--series-1:#6ea0ff;--series-2:#f5a04c;--series-3:#3ecf97;--series-4:#c58bff;--series-5:#f472b6;--series-6:#22d3ee;--series-7:#facc15;--series-8:#a8b3c4;--strong-cell:#fff}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}
main{max-width:1180px;margin:0 auto;padding:32px 20px 64px}
h1{margin:0;font-size:28px;letter-spacing:-.01em}
h2{margin:0 0 14px;font-size:17px}
.subtitle{margin:4px 0 24px;color:var(--faint)}
.headlines{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;margin-bottom:20px}
.headline,.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:14px 18px}
.headline b{display:block;font-size:24px;font-weight:650;letter-spacing:-.02em;font-variant-numeric:tabular-nums}
.headline span{color:var(--faint);font-size:13px}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,440px),1fr));gap:16px;margin-bottom:16px;align-items:start}
.cards.three{grid-template-columns:repeat(auto-fit,minmax(min(100%,320px),1fr))}
.cards>*{min-width:0}
.card{padding:18px 20px;overflow-x:auto;margin-bottom:16px}
.cards>.card,.cards .card:last-child{margin-bottom:0}
.cards:empty{display:none}
svg.chart{width:100%;height:auto;display:block}
svg .bin{fill:var(--series-1)}
svg .grid{stroke:var(--line)}
svg .mark{fill:var(--faint);font-size:12px;font-variant-numeric:tabular-nums}
svg polyline{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}
svg polyline.s1{stroke:var(--series-1)}svg polyline.s2{stroke:var(--series-2)}svg polyline.s3{stroke:var(--series-3)}svg polyline.s4{stroke:var(--series-4)}
svg polyline.s5{stroke:var(--series-5)}svg polyline.s6{stroke:var(--series-6)}svg polyline.s7{stroke:var(--series-7)}svg polyline.s8{stroke:var(--series-8)}
svg circle.s1{fill:var(--series-1)}svg circle.s2{fill:var(--series-2)}svg circle.s3{fill:var(--series-3)}svg circle.s4{fill:var(--series-4)}
svg circle.s5{fill:var(--series-5)}svg circle.s6{fill:var(--series-6)}svg circle.s7{fill:var(--series-7)}svg circle.s8{fill:var(--series-8)}
.legend{display:flex;flex-wrap:wrap;gap:4px 16px;margin:-6px 0 8px;color:var(--faint);font-size:13px}
.legend i{display:inline-block;width:12px;height:12px;border-radius:3px;margin-right:6px;vertical-align:-1px}
.legend .s1{background:var(--series-1)}.legend .s2{background:var(--series-2)}.legend .s3{background:var(--series-3)}.legend .s4{background:var(--series-4)}
.legend .s5{background:var(--series-5)}.legend .s6{background:var(--series-6)}.legend .s7{background:var(--series-7)}.legend .s8{background:var(--series-8)}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
td,th{padding:5px 14px 5px 0;text-align:left;vertical-align:top;font-weight:400}
tr+tr td,thead+tbody td{border-top:1px solid var(--line)}
thead th{color:var(--faint);font-size:13px}
td{overflow-wrap:break-word}
td.key{color:var(--faint);width:1%;white-space:nowrap}
td:last-child,th:last-child{padding-right:0}
td.num,th.num{text-align:right}
.confusion{width:auto}
.confusion td,.confusion th{padding:0;border:0;font-size:13px}
.confusion th.row{padding-right:10px;text-align:right;vertical-align:middle;white-space:nowrap}
.confusion th.column{height:92px;vertical-align:bottom}
.confusion th.column span{display:inline-block;writing-mode:vertical-rl;transform:rotate(180deg);white-space:nowrap;padding-top:6px}
.confusion td{min-width:38px;height:34px;text-align:center;vertical-align:middle;border:1px solid var(--card);border-radius:4px;background:rgb(var(--accent)/var(--p))}
.confusion td.strong{color:var(--strong-cell)}
.confusion td.zero{color:transparent}
.confusion td.recall{white-space:nowrap;background:none;color:var(--faint);padding-left:10px}
.bars td{vertical-align:middle;border:0!important;padding:3px 10px 3px 0}
.bars td.key{max-width:180px;width:30%;overflow:hidden;text-overflow:ellipsis;color:var(--ink)}
.bars td.track{width:60%}.bars td.track div{position:relative;height:16px}
.bars i{position:absolute;display:block}
.bars .bar{top:2px;bottom:2px;border-radius:2px;background:rgb(var(--accent)/.75);min-width:1px}.bars .bar.minus{background:rgb(var(--minus)/.75)}
.bars .whisker{top:7px;height:2px;background:var(--ink)}
.bars .dot{top:4px;width:8px;height:8px;margin-left:-4px;border-radius:4px;background:rgb(var(--accent))}
.facts{color:var(--faint);font-size:13px;margin:-8px 0 8px}
.note{color:var(--faint);font-size:13px;margin:10px 0 0}
.samples{display:grid;grid-template-columns:repeat(auto-fill,minmax(80px,1fr));gap:14px 8px}
figure{margin:0;text-align:center;font-size:12.5px;line-height:1.35}
figure img{width:76px;height:76px;object-fit:contain;image-rendering:pixelated;border-radius:6px;background:#000}
.pictures{display:grid;grid-template-columns:repeat(auto-fit,minmax(130px,1fr));gap:16px 12px}
.pictures img{width:100%;max-width:260px;height:auto}
.good{color:var(--good)}.bad{color:var(--bad)}.faint{color:var(--faint)}
pre{margin:0;font:13px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;white-space:pre;overflow-x:auto}
summary{cursor:pointer;font-weight:600}
details pre{margin-top:12px}
.wide{overflow-x:auto}
.heat{width:auto}
.heat td,.heat th{padding:0;border:0;font-size:11px;font-weight:400}
.heat th.row{padding-right:6px;text-align:right;white-space:pre}
.heat th.column{height:46px;vertical-align:bottom}
.heat th.column span{display:inline-block;writing-mode:vertical-rl;transform:rotate(180deg);white-space:pre;padding-top:4px}
.heat td{min-width:13px;height:13px;border:1px solid var(--card);background:rgb(var(--accent)/var(--p))}
.heat td.minus{background:rgb(var(--minus)/var(--p))}
@media (max-width:600px){td,th{padding-right:9px}table{font-size:13.5px}thead th{font-size:12px}main{padding:20px 12px 40px}.card{padding:14px}.headline b{font-size:20px}.confusion td{min-width:26px;height:28px;font-size:11px}.confusion th{font-size:11.5px}}
@media print{body{background:#fff}.card,.headline{break-inside:avoid}}
)css";

}  // namespace gradus::train
