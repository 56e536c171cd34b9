/** The command line: one class per command. */
@NullMarked
package org.telltale.app;

import org.jspecify.annotations.NullMarked;
