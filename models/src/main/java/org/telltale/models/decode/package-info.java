/** Decoding of token sequences from next-token logits: greedy, beam search, sampling. Knows no model and no backend. */
@NullMarked
package org.telltale.models.decode;

import org.jspecify.annotations.NullMarked;
