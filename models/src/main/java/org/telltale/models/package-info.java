/** The models: one file each, as expressions over the engine's tensors; none compiles or runs itself. */
@NullMarked
package org.telltale.models;

import org.jspecify.annotations.NullMarked;
