/** Tokenizers: text to token ids and back, id for id as the reference implementations. */
@NullMarked
package org.telltale.models.text;

import org.jspecify.annotations.NullMarked;
