/** Work on many pictures: read ahead, shown in progress, cancelled. */
@NullMarked
package org.telltale.app.pipeline;

import org.jspecify.annotations.NullMarked;
