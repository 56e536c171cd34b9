package org.telltale.models.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HexFormat;
import org.junit.jupiter.api.Test;

class PythonStringsTest {
    @Test
    void aSigmaIsFinalAfterACasedLetterAndBeforeNone() {
        assertThat(PythonStrings.lower("ΣΙΣΥΦΟΣ")).isEqualTo("σισυφος");
        assertThat(PythonStrings.lower("Σ")).isEqualTo("σ");
        assertThat(PythonStrings.lower("ΑΣ.")).isEqualTo("ας.");
        assertThat(PythonStrings.lower("ΑΣ.Β")).isEqualTo("ασ.β");
        assertThat(PythonStrings.lower("ΑΣ-Β")).isEqualTo("ας-β");
        assertThat(PythonStrings.lower("Α\u0301Σ\u0301")).isEqualTo("α\u0301ς\u0301");
        assertThat(PythonStrings.lower("1Σ")).isEqualTo("1σ");
    }

    @Test
    void aDottedCapitalIBecomesTwoCodePoints() {
        assertThat(PythonStrings.lower("İI")).isEqualTo("i\u0307i");
    }

    @Test
    void lettersBeyondTheBasicPlaneAreLowerCased() {
        assertThat(PythonStrings.lower("𐐀")).isEqualTo("𐐨");
    }

    @Test
    void noBreakSpacesAndSeparatorsAreWhiteSpace() {
        assertThat(PythonStrings.split("\u00a0a\u2028b\u0085\u001cc\u3000")).containsExactly("a", "b", "c");
        assertThat(PythonStrings.split(" \t")).isEmpty();
        assertThat(PythonStrings.strip("\u00a0 a b\n")).isEqualTo("a b");
    }

    /** Expected values are those of CPython 3.11. */
    @Test
    void brokenUtf8IsReplacedAsPythonDoes() {
        assertThat(decoded("61 C3 A4 E2 82 AC F0 9F 9A 92")).isEqualTo("aä€🚒");
        assertThat(decoded("47 65 6D E4 6C 64 65")).isEqualTo("Gem\ufffdlde");
        assertThat(decoded("E2 82 62")).isEqualTo("\ufffdb");
        assertThat(decoded("E2 82")).isEqualTo("\ufffd");
        assertThat(decoded("ED A0 80")).isEqualTo("\ufffd\ufffd\ufffd");
        assertThat(decoded("C0 AF E0 80 AF")).isEqualTo("\ufffd\ufffd\ufffd\ufffd\ufffd");
        assertThat(decoded("F0 90 80 C3 A4")).isEqualTo("\ufffdä");
        assertThat(decoded("F4 90 80 80 F8 FF")).isEqualTo("\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd");
        assertThat(decoded("EF BB BF 61")).isEqualTo("\ufeffa");
        assertThat(decoded("")).isEmpty();
    }

    private static String decoded(String hex) {
        return PythonStrings.decode(HexFormat.ofDelimiter(" ").parseHex(hex));
    }

    @Test
    void zeroWidthSpacesAreNotWhiteSpace() {
        assertThat(PythonStrings.split("a\u200bb\ufeff")).containsExactly("a\u200bb\ufeff");
    }
}
