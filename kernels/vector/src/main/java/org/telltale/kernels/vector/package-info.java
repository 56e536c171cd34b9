/** The CPU backend: kernels in the Vector API on a small crew of threads. {@code VectorBackend} is its only public class. */
@NullMarked
package org.telltale.kernels.vector;

import org.jspecify.annotations.NullMarked;
