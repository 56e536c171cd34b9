/** Tensor expressions, the graph they form, and the types that describe them. */
@NullMarked
package org.telltale.engine;

import org.jspecify.annotations.NullMarked;
