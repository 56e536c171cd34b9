/** Foreign checkpoints read and written as folders in the layout of Hugging Face: Keras files in HDF5. */
@NullMarked
package org.telltale.convert;

import org.jspecify.annotations.NullMarked;
