/// The style that all pages share: for narrow and wide windows, light and dark, and paper.
enum PageStyle {
  static let rules = [colours, text, tables, figures, paper].joined(separator: "\n")

  private static let colours = """
    :root{color-scheme:light dark;--paper:#fff;--ink:#1b1f23;--soft:#57606a;--line:#d3d9df;
    --panel:#f3f5f7;--good:#0a6b42;--bad:#b3261e;--mark:#fbe9e7;
    --attention:#1f5fa8;--on-attention:#fff;--gdn:#3c93b4;--on-gdn:#04222e;
    --m2rnn:#c24e00;--on-m2rnn:#fff;--other:#6b7075;--on-other:#fff}
    @media screen and (prefers-color-scheme:dark){
    :root{--paper:#14171a;--ink:#e4e7ea;--soft:#a0a9b2;--line:#373e45;--panel:#1e2327;
    --good:#5fd39b;--bad:#ff8a80;--mark:#43211f;--attention:#86aef0;--on-attention:#0a1a33;
    --gdn:#2f7f9c;--on-gdn:#fff;--m2rnn:#f28c3c;--on-m2rnn:#2a1200;--other:#8d949b;--on-other:#111}}
    """

  private static let text = """
    *{box-sizing:border-box}
    html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
    body{margin:0;background:var(--paper);color:var(--ink);
    font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}
    main,footer{max-width:68rem;margin:0 auto;padding:1rem}
    h1{font-size:1.35rem;line-height:1.3;margin:.5rem 0 1rem;overflow-wrap:anywhere}
    h2{font-size:1.15rem;margin:2.2rem 0 .6rem;padding-top:.8rem;border-top:1px solid var(--line)}
    h3{font-size:1rem;margin:1.2rem 0 .3rem}
    p,dd,li{overflow-wrap:anywhere}
    a{color:var(--attention)}
    nav{display:flex;flex-wrap:wrap;gap:.3rem 1rem}
    .verdict{padding:.8rem 1rem;border-left:.4rem solid var(--soft);background:var(--panel);
    font-size:1.05rem;margin:0 0 1rem}
    .verdict strong{font-size:1.3rem;margin-right:.4rem}
    .verdict.good{border-color:var(--good)}.verdict.good strong{color:var(--good)}
    .verdict.bad{border-color:var(--bad)}.verdict.bad strong{color:var(--bad)}
    dl{display:grid;grid-template-columns:minmax(6rem,max-content) minmax(0,1fr);gap:.15rem 1rem;margin:0}
    dt{color:var(--soft)}dd{margin:0}
    pre{background:var(--panel);padding:.8rem;overflow:auto;margin:.6rem 0;
    font:.85rem/1.45 ui-monospace,"SF Mono",Menlo,"DejaVu Sans Mono",monospace}
    footer{color:var(--soft);font-size:.85rem}
    """

  private static let tables = """
    .scroll{overflow-x:auto;margin:.6rem 0}
    table{border-collapse:collapse;font-size:.88rem;font-variant-numeric:tabular-nums}
    caption{text-align:left;color:var(--soft);padding:.2rem 0}
    th,td{padding:.2rem .9rem .2rem 0;text-align:left;vertical-align:top;
    border-bottom:1px solid var(--line);white-space:nowrap}
    th{color:var(--soft);font-weight:600}
    .number{text-align:right}
    tr.marked td{background:var(--mark);font-weight:600}
    code{font:.92em ui-monospace,"SF Mono",Menlo,"DejaVu Sans Mono",monospace}
    .wrap{white-space:normal;overflow-wrap:anywhere;min-width:11rem}
    @media(max-width:40rem){table{font-size:.8rem}th,td{padding-right:.6rem}
    td code{display:block;min-width:9rem;white-space:normal;overflow-wrap:anywhere}}
    .cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,20rem),1fr));gap:1rem}
    .card{border:1px solid var(--line);padding:.6rem .8rem}.card h3{margin:0 0 .2rem}
    .card p{margin:.1rem 0;color:var(--soft);font-size:.88rem}.card table{width:100%}
    """

  private static let figures = """
    figure{margin:1rem 0 1.4rem}
    figcaption{font-weight:600;margin-bottom:.3rem}
    figcaption span{font-weight:400;color:var(--soft)}
    .plot{display:grid;grid-template-columns:3.6rem minmax(0,1fr)}
    .plot svg{display:block;width:100%;overflow:visible}
    svg text{fill:var(--soft);font-size:11px;font-family:inherit}
    .grid{stroke:var(--line)}.axis{stroke:var(--soft)}
    .limit{stroke:var(--bad);stroke-width:2;stroke-dasharray:5 4;
    filter:drop-shadow(0 1px 0 var(--paper)) drop-shadow(0 -1px 0 var(--paper))}
    svg .note{fill:var(--bad);font-weight:600}
    .bar,.attention{fill:var(--attention)}.gdn{fill:var(--gdn)}.m2rnn{fill:var(--m2rnn)}
    .other{fill:var(--other)}.agree{fill:var(--line)}.disagree,.invalid{fill:var(--bad)}
    .legend{display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;list-style:none;padding:0;margin:.3rem 0;
    font-size:.88rem;color:var(--soft)}
    .legend i{display:inline-block;width:.8em;height:.8em;margin-right:.4em;border-radius:2px}
    i.attention,.map .attention{background:var(--attention);color:var(--on-attention)}
    i.gdn,.map .gdn{background:var(--gdn);color:var(--on-gdn)}
    i.m2rnn,.map .m2rnn{background:var(--m2rnn);color:var(--on-m2rnn)}
    i.other,.map .other{background:var(--other);color:var(--on-other)}
    i.agree{background:var(--line)}i.disagree{background:var(--bad)}
    .map{display:grid;grid-template-columns:repeat(8,minmax(0,3.4rem));gap:3px;list-style:none;
    padding:0;margin:.6rem 0}
    .map li{border-radius:3px;text-align:center;padding:.15rem 0;line-height:1.2}
    .map b{display:block;font-size:1.05rem}.map small{font-size:.7rem}
    .map .marked{outline:3px solid var(--bad);outline-offset:-1px}
    @media(min-width:48rem){.map{grid-template-columns:repeat(16,minmax(0,3.4rem))}}
    details summary{cursor:pointer;color:var(--soft);font-size:.88rem}
    """

  private static let paper = """
    @page{margin:15mm}
    @media print{body{font-size:10pt}main,footer{max-width:none;padding:0}nav,details{display:none}
    .scroll{overflow:visible}table{font-size:8pt}th,td{white-space:normal;overflow-wrap:anywhere}
    pre{white-space:pre-wrap;overflow:visible}figure,.card,tr,.verdict{break-inside:avoid}
    h2,h3,figcaption{break-after:avoid}thead{display:table-header-group}
    *{-webkit-print-color-adjust:exact;print-color-adjust:exact}}
    """
}
