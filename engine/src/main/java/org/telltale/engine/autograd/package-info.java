/** Gradients as more expression. */
@NullMarked
package org.telltale.engine.autograd;

import org.jspecify.annotations.NullMarked;
