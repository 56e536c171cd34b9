package org.telltale.models.text;

import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Character references of HTML, as CLIP's text clean-up resolves them: the numeric ones, and the 253 names of HTML 4 and
 * XHTML. The further names of HTML 5 stay as they are.
 */
final class HtmlEntities {
    /** In the order of U+00A0 to U+00FF. These, and the basic ones, are known without a semicolon too. */
    private static final String LATIN =
            "nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr"
                    + " deg plusmn sup2 sup3 acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute"
                    + " Acirc Atilde Auml Aring AElig Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve"
                    + " Oacute Ocirc Otilde Ouml times Oslash Ugrave Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde"
                    + " auml aring aelig ccedil egrave eacute ecirc euml igrave iacute icirc iuml eth ntilde ograve oacute ocirc"
                    + " otilde ouml divide oslash ugrave uacute ucirc uuml yacute thorn yuml";

    private static final String BASIC = "amp 26 lt 3C gt 3E quot 22 AMP 26 LT 3C GT 3E QUOT 22 COPY A9 REG AE";

    private static final String OTHERS = "apos 27 OElig 152 oelig 153 Scaron 160 scaron 161 Yuml 178 fnof 192 circ 2C6"
            + " tilde 2DC Alpha 391 Beta 392 Gamma 393 Delta 394 Epsilon 395 Zeta 396 Eta 397 Theta 398 Iota 399 Kappa 39A"
            + " Lambda 39B Mu 39C Nu 39D Xi 39E Omicron 39F Pi 3A0 Rho 3A1 Sigma 3A3 Tau 3A4 Upsilon 3A5 Phi 3A6 Chi 3A7"
            + " Psi 3A8 Omega 3A9 alpha 3B1 beta 3B2 gamma 3B3 delta 3B4 epsilon 3B5 zeta 3B6 eta 3B7 theta 3B8 iota 3B9"
            + " kappa 3BA lambda 3BB mu 3BC nu 3BD xi 3BE omicron 3BF pi 3C0 rho 3C1 sigmaf 3C2 sigma 3C3 tau 3C4"
            + " upsilon 3C5 phi 3C6 chi 3C7 psi 3C8 omega 3C9 thetasym 3D1 upsih 3D2 piv 3D6 ensp 2002 emsp 2003"
            + " thinsp 2009 zwnj 200C zwj 200D lrm 200E rlm 200F ndash 2013 mdash 2014 lsquo 2018 rsquo 2019 sbquo 201A"
            + " ldquo 201C rdquo 201D bdquo 201E dagger 2020 Dagger 2021 bull 2022 hellip 2026 permil 2030 prime 2032"
            + " Prime 2033 lsaquo 2039 rsaquo 203A oline 203E frasl 2044 euro 20AC image 2111 weierp 2118 real 211C"
            + " trade 2122 alefsym 2135 larr 2190 uarr 2191 rarr 2192 darr 2193 harr 2194 crarr 21B5 lArr 21D0 uArr 21D1"
            + " rArr 21D2 dArr 21D3 hArr 21D4 forall 2200 part 2202 exist 2203 empty 2205 nabla 2207 isin 2208 notin 2209"
            + " ni 220B prod 220F sum 2211 minus 2212 lowast 2217 radic 221A prop 221D infin 221E ang 2220 and 2227 or 2228"
            + " cap 2229 cup 222A int 222B there4 2234 sim 223C cong 2245 asymp 2248 ne 2260 equiv 2261 le 2264 ge 2265"
            + " sub 2282 sup 2283 nsub 2284 sube 2286 supe 2287 oplus 2295 otimes 2297 perp 22A5 sdot 22C5 lceil 2308"
            + " rceil 2309 lfloor 230A rfloor 230B lang 27E8 rang 27E9 loz 25CA spades 2660 clubs 2663 hearts 2665"
            + " diams 2666";

    private static final Pattern REFERENCE =
            Pattern.compile("&(#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[^\\t\\n\\f <&#;]{1,32};?)");
    private static final Pattern COMPLETE = Pattern.compile("&#?[0-9A-Za-z]{1,24};");

    private static final Map<String, String> NAMES = new HashMap<>();
    private static final Map<String, String> BARE_NAMES = new HashMap<>();

    static {
        String[] latin = LATIN.split(" ", -1);
        for (int i = 0; i < latin.length; i++) {
            BARE_NAMES.put(latin[i], Character.toString(0xA0 + i));
        }
        add(BASIC, BARE_NAMES);
        NAMES.putAll(BARE_NAMES);
        add(OTHERS, NAMES);
    }

    private HtmlEntities() {}

    private static void add(String table, Map<String, String> names) {
        String[] words = table.split(" ", -1);
        for (int i = 0; i < words.length; i += 2) {
            names.put(words[i], Character.toString(Integer.parseInt(words[i + 1], 16)));
        }
    }

    /** Python's {@code html.unescape}: references without a semicolon count too, names by their longest beginning. */
    static String unescape(String text) {
        return text.indexOf('&') < 0 ? text : REFERENCE.matcher(text).replaceAll(m -> quoted(resolve(m.group(1))));
    }

    /** References that end with a semicolon, as {@code ftfy} resolves them: what it does not know stays. */
    static String unescapeComplete(String text) {
        return text.indexOf('&') < 0 ? text : COMPLETE.matcher(text).replaceAll(m -> quoted(complete(m)));
    }

    private static String quoted(String replacement) {
        return Matcher.quoteReplacement(replacement);
    }

    private static String complete(MatchResult m) {
        String inner = m.group().substring(1);
        if (inner.startsWith("#")) {
            String resolved = unescape(m.group());
            return resolved.indexOf(';') >= 0 ? m.group() : resolved;
        }
        String name = inner.substring(0, inner.length() - 1);
        String known = NAMES.get(name);
        return known == null ? capitals(name, m.group()) : known;
    }

    /** A name of small letters may be written in capitals: its character is then the capital one. */
    private static String capitals(String name, String otherwise) {
        String lower = name.toLowerCase(Locale.ROOT);
        String known = name.equals(name.toUpperCase(Locale.ROOT)) ? NAMES.get(lower) : null;
        return known == null ? otherwise : known.toUpperCase(Locale.ROOT);
    }

    private static String resolve(String reference) {
        if (reference.startsWith("#")) {
            return number(reference);
        }
        boolean ended = reference.endsWith(";");
        String name = ended ? reference.substring(0, reference.length() - 1) : reference;
        String whole = (ended ? NAMES : BARE_NAMES).get(name);
        if (whole != null) {
            return whole;
        }
        for (int end = reference.length() - 1; end > 1; end--) {
            String known = BARE_NAMES.get(reference.substring(0, end));
            if (known != null) {
                return known + reference.substring(end);
            }
        }
        return "&" + reference;
    }

    private static String number(String reference) {
        boolean hex = reference.charAt(1) == 'x' || reference.charAt(1) == 'X';
        String digits = reference.substring(hex ? 2 : 1).replace(";", "");
        long code = 0;
        for (int i = 0; i < digits.length() && code <= Character.MAX_CODE_POINT; i++) {
            code = code * (hex ? 16 : 10) + Character.digit(digits.charAt(i), 16);
        }
        if (code >= 0x80 && code <= 0x9F) {
            return Character.toString(Windows1252.character((int) code));
        }
        if (code == 0 || code > Character.MAX_CODE_POINT || (code >= 0xD800 && code <= 0xDFFF)) {
            return "\uFFFD";
        }
        return isInvalid((int) code) ? "" : Character.toString((int) code);
    }

    /** Control characters but for tab and line ends, and what Unicode calls no characters. */
    private static boolean isInvalid(int c) {
        return (c < 0x20 && c != '\t' && c != '\n' && c != '\f' && c != '\r')
                || c == 0x7F
                || (c >= 0xFDD0 && c <= 0xFDEF)
                || (c & 0xFFFE) == 0xFFFE;
    }
}
