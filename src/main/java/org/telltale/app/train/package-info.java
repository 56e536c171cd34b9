/** Training and fine-tuning of the classifiers: recipes, the loop, run folders, and what a run leaves behind. */
@NullMarked
package org.telltale.app.train;

import org.jspecify.annotations.NullMarked;
