/** Checkpoint files: safetensors, read and written. */
@NullMarked
package org.telltale.engine.io;

import org.jspecify.annotations.NullMarked;
