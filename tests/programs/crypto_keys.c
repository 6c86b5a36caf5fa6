/* Keys of a library that nobody here wrote: OpenSSL's libcrypto keeps them behind functions of its own, and has a long PLT. */
#include "truth.h"

#include <dlfcn.h>

static int (*random_bytes)(unsigned char *, int);

static void *body(void *unused) {
    unsigned char bytes[8];
    (void)unused;
    truth_require(random_bytes(bytes, sizeof bytes) == 1);
    truth_park();
}

int main(int argc, char **argv) {
    truth_begin(argc, argv, 2);
    void *library = dlopen("libcrypto.so.3", RTLD_NOW);
    truth_require(library != NULL);
    *(void **)&random_bytes = dlsym(library, "RAND_bytes");
    truth_require(random_bytes != NULL);
    truth_ready(1, truth_spawn("worker-1", body, NULL));
}
