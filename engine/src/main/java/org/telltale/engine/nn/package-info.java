/** Layers: a few lines of tensor expressions and the names of their parameters. */
@NullMarked
package org.telltale.engine.nn;

import org.jspecify.annotations.NullMarked;
