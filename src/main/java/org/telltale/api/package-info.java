/** Telltale for programs: a handle for each kind of model, safe to share between threads, closed when done. */
@NullMarked
package org.telltale.api;

import org.jspecify.annotations.NullMarked;
