/** The paper's experiment: a plan, the jobs it comes to, and the folder that they fill. */
@NullMarked
package org.telltale.app.experiment;

import org.jspecify.annotations.NullMarked;
