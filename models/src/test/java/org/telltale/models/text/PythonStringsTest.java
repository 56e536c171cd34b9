package org.telltale.models.text;

import static org.assertj.core.api.Assertions.assertThat;

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

    @Test
    void zeroWidthSpacesAreNotWhiteSpace() {
        assertThat(PythonStrings.split("a\u200bb\ufeff")).containsExactly("a\u200bb\ufeff");
    }
}
