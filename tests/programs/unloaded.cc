// Objects of a library's class that are still there when the library is not.  PROGRAM MODE; a line of JSON says where the virtual
// table was: {"table", "lwp"}.
//
//   pointer, storage, member, owner   a thread crashes on an object of such a class, by that variable
//   none                              it aborts; the objects are there all the same
//   deleted                           it crashes on an object that was deleted, of the program's own class
#include "unloaded.h"

#include <dlfcn.h>
#include <memory>
#include <new>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

Worker::~Worker() {}
int Worker::work() { return 1; }

static thread_local Worker *pointer;
alignas(Worker) static thread_local char storage[sizeof(Worker)];
static thread_local struct {
    long before;
    Worker *member;
} holder;
static thread_local std::unique_ptr<Worker> owner;
static thread_local Worker *healthy;

static const char *mode;
static pthread_barrier_t barrier;

__attribute__((noinline)) static int by_pointer() { return pointer->work() + 1; }
__attribute__((noinline)) static int by_storage() { return reinterpret_cast<Worker *>(storage)->work() + 1; }
__attribute__((noinline)) static int by_member() { return holder.member->work() + 1; }
__attribute__((noinline)) static int by_owner() { return owner->work() + 1; }

static void *body(void *argument) {
    bool is_bad = argument != nullptr && strcmp(mode, "deleted") != 0;
    void *library = dlopen("./libunloaded.so", RTLD_NOW);
    if (library == nullptr)
        return nullptr;
    auto make = reinterpret_cast<Worker *(*)()>(dlsym(library, "make_worker"));
    auto make_at = reinterpret_cast<void (*)(void *)>(dlsym(library, "make_worker_at"));
    healthy = new Worker;
    pointer = is_bad ? make() : new Worker;
    holder.member = is_bad ? make() : new Worker;
    owner.reset(is_bad ? make() : new Worker);
    if (is_bad)
        make_at(storage);
    else
        new (storage) Worker;
    int sum = by_pointer() + by_storage() + by_member() + by_owner() + healthy->work();
    if (argument != nullptr)
        printf("{\"table\": \"%p\", \"lwp\": %ld, \"sum\": %d}\n", *reinterpret_cast<void **>(pointer),
               static_cast<long>(syscall(SYS_gettid)), sum);
    fflush(stdout);
    dlclose(library);
    pthread_barrier_wait(&barrier);
    while (argument == nullptr)
        pause();
    if (strcmp(mode, "pointer") == 0)
        sum += by_pointer();
    if (strcmp(mode, "storage") == 0)
        sum += by_storage();
    if (strcmp(mode, "member") == 0)
        sum += by_member();
    if (strcmp(mode, "owner") == 0)
        sum += by_owner();
    if (strcmp(mode, "deleted") == 0) {
        Worker *gone = pointer;
        delete gone;
        sum += by_pointer();
    }
    if (sum != 0)
        abort();
    return nullptr;
}

int main(int count, char **words) {
    mode = count > 1 ? words[1] : "none";
    pthread_barrier_init(&barrier, nullptr, 3);
    pthread_t threads[3];
    for (long i = 0; i < 3; i++)
        pthread_create(&threads[i], nullptr, body, reinterpret_cast<void *>(i == 1 ? 1L : 0L));
    for (pthread_t one : threads)
        pthread_join(one, nullptr);
}
