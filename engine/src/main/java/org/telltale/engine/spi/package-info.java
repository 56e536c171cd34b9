/** What a backend implements: compiling a graph and running it. */
@NullMarked
package org.telltale.engine.spi;

import org.jspecify.annotations.NullMarked;
