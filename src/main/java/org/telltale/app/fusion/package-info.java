/** What pictures and captions say, together. Sees numbers only. */
@NullMarked
package org.telltale.app.fusion;

import org.jspecify.annotations.NullMarked;
