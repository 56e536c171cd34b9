/** Text and pictures inside HTML, SVG and CSV. */
@NullMarked
package org.telltale.app.markup;

import org.jspecify.annotations.NullMarked;
