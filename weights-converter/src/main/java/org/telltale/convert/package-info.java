/** Checkpoints of PyTorch, Keras, timm and open_clip, read without trust and written as folders in the layout of Hugging Face. */
@NullMarked
package org.telltale.convert;

import org.jspecify.annotations.NullMarked;
