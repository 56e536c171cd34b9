package uk.ac.manchester.tornado.api.common;

/** Stands in for TornadoVM's interface of this name where kernels are tested on the host: as much of it as they use. */
public interface TornadoFunctions {
    /** A task of four arguments. */
    @FunctionalInterface
    interface Task4<A, B, C, D> {
        void apply(A a, B b, C c, D d);
    }

    /** A task of five arguments. */
    @FunctionalInterface
    interface Task5<A, B, C, D, E> {
        void apply(A a, B b, C c, D d, E e);
    }

    /** A task of six arguments. */
    @FunctionalInterface
    interface Task6<A, B, C, D, E, F> {
        void apply(A a, B b, C c, D d, E e, F f);
    }

    /** A task of seven arguments. */
    @FunctionalInterface
    interface Task7<A, B, C, D, E, F, G> {
        void apply(A a, B b, C c, D d, E e, F f, G g);
    }

    /** A task of eight arguments. */
    @FunctionalInterface
    interface Task8<A, B, C, D, E, F, G, H> {
        void apply(A a, B b, C c, D d, E e, F f, G g, H h);
    }
}
