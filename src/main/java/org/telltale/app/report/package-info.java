/** What an experiment found, as tables, figures and one page to read. */
@NullMarked
package org.telltale.app.report;

import org.jspecify.annotations.NullMarked;
