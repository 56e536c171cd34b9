/** Models from Hugging Face: into the layout of its cache, verified, continued after a kill, and never out of the cache. */
@NullMarked
package org.telltale.app.hub;

import org.jspecify.annotations.NullMarked;
