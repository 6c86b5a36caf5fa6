/* Sends itself each signal whose number it is told. With OWN it has a thread-local variable; the C library has some in any
   case. */
#include <signal.h>
#include <stdlib.h>

#ifdef OWN
__thread void *signals_own;
#endif

int main(int argc, char **argv) {
#ifdef OWN
    signals_own = argv;
#endif
    for (int i = 1; i < argc; i++)
        raise(atoi(argv[i]));
    return 0;
}
