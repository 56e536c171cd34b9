/** The CLIP Interrogator (SPEC §12): which labels of long lists tell most of a picture, and the prompt made of them. */
@NullMarked
package org.telltale.models.interrogate;

import org.jspecify.annotations.NullMarked;
