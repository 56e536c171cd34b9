package org.telltale.app.report;

/** How the page looks: for light and dark ground, for print, and from 360 pixels on. */
final class PageStyle {
    static final String CSS = """
            :root{color-scheme:light dark;--ground:#fff;--ink:#1d2126;--soft:#5b646e;--rule:#d9dde2;--faint:#f4f6f8;\
            --link:#0b5cad;--right:#0a7a4b;--wrong:#b3261e}
            @media(prefers-color-scheme:dark){:root{--ground:#14171b;--ink:#e8ebee;--soft:#a3adb8;--rule:#30363d;--faint:#1c2127;\
            --link:#7db7ff;--right:#5bd39a;--wrong:#ff8f85}}
            *{box-sizing:border-box}
            html{-webkit-text-size-adjust:100%}
            body{margin:0 auto;max-width:74rem;padding:0 clamp(1rem,4vw,2.5rem) 4rem;background:var(--ground);color:var(--ink);\
            font:1.0625rem/1.6 Charter,"Bitstream Charter","Iowan Old Style",Cambria,Georgia,serif}
            header{padding:3rem 0 1rem}
            h1,h2,h3,.kicker,nav,table,small,figcaption,.caption,dl,details,.card,.strip{font-family:system-ui,-apple-system,"Segoe UI",\
            Roboto,"Noto Sans",sans-serif}
            h1{font-size:clamp(1.8rem,5vw,2.6rem);line-height:1.15;letter-spacing:-.02em;margin:.2rem 0 1rem}
            h2{font-size:1.4rem;line-height:1.25;letter-spacing:-.01em;margin:3rem 0 .8rem;padding-top:1rem;border-top:1px solid\
             var(--rule)}
            h3{font-size:1rem;margin:2rem 0 .5rem}
            p{max-width:46rem;margin:.6rem 0 1rem}
            .kicker{color:var(--soft);text-transform:uppercase;letter-spacing:.08em;font-size:.8rem;margin:0}
            .lead{font-size:1.15rem}
            nav{display:flex;flex-wrap:wrap;gap:.3rem 1.1rem;font-size:.92rem}
            a{color:var(--link);text-decoration:none}a:hover{text-decoration:underline}
            .cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,24rem),1fr));gap:1rem}
            .card{background:var(--faint);border-radius:10px;padding:1.1rem 1.3rem;font-size:.95rem;line-height:1.5}
            .card h2{border:0;margin:0 0 .5rem;padding:0;font-size:1.1rem}
            .n{white-space:nowrap}.card ul{margin:0;padding-left:1.1rem}.card li{margin:.4rem 0}
            .pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,27rem),1fr));gap:1rem 2rem;align-items:start}
            .maps{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,15.5rem),1fr));gap:1.2rem 1.4rem}
            .pair>*,.maps>*{min-width:0}.pair th,.pair td{padding-left:.4rem;padding-right:.4rem}
            .pair th:first-child{padding-left:0}.pair td:last-child,.pair th:last-child{padding-right:0}
            svg{display:block;width:100%;height:auto}
            figure{margin:1.2rem 0 2rem}
            figcaption,.caption{color:var(--soft);font-size:.88rem;line-height:1.45;text-align:left}
            figcaption{margin-top:.6rem;max-width:52rem}figcaption b,.caption b{color:var(--ink)}
            .caption{margin:1.4rem 0 .4rem;max-width:52rem}
            .scroll{overflow-x:auto;margin:0 0 1.4rem}
            table{border-collapse:collapse;font-size:.88rem;line-height:1.35;font-variant-numeric:tabular-nums;min-width:100%}
            th,td{padding:.34rem .55rem;text-align:right;vertical-align:top;white-space:nowrap}
            th:first-child{text-align:left;padding-left:0}td:last-child,th:last-child{padding-right:0}
            thead th{font-weight:600;color:var(--soft);border-bottom:1.5px solid var(--ink);vertical-align:bottom}
            tbody th{font-weight:400;white-space:normal;min-width:6.5rem}
            tbody tr:last-child>*{border-bottom:1px solid var(--rule)}
            tbody tr:hover>*{background:var(--faint)}
            .best>*{font-weight:650}
            .rule>*{border-top:1px solid var(--rule)}
            .group th{color:var(--soft);font-style:italic;padding-top:.7rem}
            .wide td:last-child{white-space:normal;text-align:left;min-width:19rem}
            small{color:var(--soft);font-size:.8rem;font-weight:400}
            details{font-size:.92rem;margin:0 0 1.4rem}summary{cursor:pointer;color:var(--link)}
            .example{display:grid;grid-template-columns:minmax(0,15rem) minmax(0,1fr);gap:.4rem 1.6rem;padding:1.1rem 0;\
            border-bottom:1px solid var(--rule)}
            .example:first-child{border-top:1px solid var(--rule)}
            .example p{margin:.4rem 0 0;font-family:system-ui,sans-serif;font-size:.92rem;line-height:1.4;overflow-wrap:anywhere}
            img{display:block;max-width:100%;border-radius:6px}
            .example img{width:100%;height:auto}
            .none{display:grid;place-items:center;min-height:7rem;padding:1rem;text-align:center;border:1px dashed var(--rule);\
            border-radius:6px;color:var(--soft);font:.85rem system-ui,sans-serif}
            dl{margin:0;font-size:.92rem;line-height:1.45}
            dl>div{display:grid;grid-template-columns:6.5rem minmax(0,1fr);gap:.2rem 1rem;padding:.28rem 0}
            dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
            q{quotes:"“" "”";font-style:italic}
            .right{color:var(--right);font-weight:600;white-space:nowrap}.wrong{color:var(--wrong);font-weight:600;white-space:nowrap}
            .strip{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,13rem),1fr));gap:1.2rem;font-size:.88rem;\
            line-height:1.4}
            .strip img{width:100%;aspect-ratio:4/3;object-fit:cover}.strip p{margin:.35rem 0;overflow-wrap:anywhere}
            .facts>div{grid-template-columns:minmax(9rem,22rem) minmax(0,1fr);border-bottom:1px solid var(--rule)}
            .facts dd{font-family:ui-monospace,SFMono-Regular,Menlo,monospace;font-size:.82rem}
            @media(max-width:40rem){body{font-size:1rem}header{padding-top:1.6rem}.example{grid-template-columns:1fr}\
            .facts>div,dl>div{grid-template-columns:1fr;gap:0}th,td{padding:.34rem .4rem}thead th{white-space:normal}table{font-size:.84rem}\
            .scroll tbody th:first-child,.scroll thead th:first-child{position:sticky;left:0;background:var(--ground)}\
            .strip{grid-template-columns:1fr 1fr}}
            @media print{body{max-width:none;font-size:10pt}nav{display:none}.scroll{overflow:visible}\
            .example,.strip article,figure div,tr{break-inside:avoid}}
            """;

    private PageStyle() {}
}
