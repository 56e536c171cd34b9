/** What {@code telltale demo} learns and tells: drawn scenes with captions, and small versions of the models. */
@NullMarked
package org.telltale.app.demo;

import org.jspecify.annotations.NullMarked;
