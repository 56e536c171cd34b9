/** Pictures, records and labels as files. */
@NullMarked
package org.telltale.app.data;

import org.jspecify.annotations.NullMarked;
