/** Pictures: decoding, resizing and the preprocessing chains of the models, to the bit of the original libraries. */
@NullMarked
package org.telltale.models.image;

import org.jspecify.annotations.NullMarked;
