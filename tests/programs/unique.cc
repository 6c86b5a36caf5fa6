// Inline variables of several libraries: says in FILE.copies which address the code of each uses in which thread.
//
//   a, b          private (RTLD_LOCAL); STB_GNU_UNIQUE, if the compiler makes that: both use a's
//   weak_a, _b    private, and weak: each uses its own
//   global        opened last, with RTLD_GLOBAL
//   apart_a, _b   a and b once more, in another namespace
//
// main uses all; the worker only the counters of b, weak_b and apart_b.
#include "truth.h"

#include <cstdio>
#include <cstring>
#include <dlfcn.h>
#include <string>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

FILE *said;

struct Library {
    const char *who;
    const char *file;
    const char *name;
    void *handle;
} libraries[] = {
    {"a", "libunique_a.so", "a", nullptr},
    {"b", "libunique_b.so", "b", nullptr},
    {"weak_a", "libunique_weak_a.so", "weak_a", nullptr},
    {"weak_b", "libunique_weak_b.so", "weak_b", nullptr},
    {"global", "libunique_global.so", "global", nullptr},
    {"apart_a", "libunique_a.so", "a", nullptr},
    {"apart_b", "libunique_b.so", "b", nullptr},
};

void say(const Library &library, const char *variable) {
    auto function = reinterpret_cast<long *(*)()>(dlsym(library.handle, (std::string(library.name) + "_" + variable).c_str()));
    truth_require(function != nullptr);
    long *address = function();
    fprintf(said, "{\"who\": \"%s\", \"variable\": \"%s\", \"address\": \"%p\", \"lwp\": %ld}\n", library.who, variable,
            static_cast<void *>(address), syscall(SYS_gettid));
}

void *worker(void *) {
    for (const Library &one : libraries)
        if (one.who[strlen(one.who) - 1] == 'b')
            say(one, "counter");
    fclose(said);
    truth_park();
}

}  // namespace

int main(int argc, char **argv) {
    truth_begin(argc, argv, 2);
    for (int i = 1; i + 1 < argc; i++)
        if (strcmp(argv[i], "--truth") == 0)
            said = fopen((std::string(argv[i + 1]) + ".copies").c_str(), "w");
    truth_require(said != nullptr);
    Lmid_t space = LM_ID_NEWLM;
    for (Library &one : libraries) {
        if (strncmp(one.who, "apart", 5) == 0) {
            one.handle = dlmopen(space, truth_beside(one.file), RTLD_NOW | RTLD_LOCAL);
            truth_require(one.handle != nullptr && dlinfo(one.handle, RTLD_DI_LMID, &space) == 0);
        } else {
            one.handle = dlopen(truth_beside(one.file), RTLD_NOW | (strcmp(one.who, "global") == 0 ? RTLD_GLOBAL : RTLD_LOCAL));
            truth_require(one.handle != nullptr);
        }
        say(one, "counter");
        say(one, "object");
    }
    pthread_t thread = truth_spawn("worker", worker, nullptr);
    truth_ready(1, thread);
}
