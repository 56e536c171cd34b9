/**
 * The GPU backend. What is here needs no TornadoVM: a graph becomes launches of kernels over planned memory. The kernels
 * ({@code src/kernels}) and what hands them to TornadoVM ({@code src/sdk}) are part of builds with profile {@code tornado};
 * in all others the kernels are tested on the host. {@code TornadoBackend} is the only public class.
 */
@NullMarked
package org.telltale.kernels.tornado;

import org.jspecify.annotations.NullMarked;
