/** What the tests of all modules share: reference values, comparisons, generated weights. */
@NullMarked
package org.telltale.engine.testing;

import org.jspecify.annotations.NullMarked;
