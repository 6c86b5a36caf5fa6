/* Keys in variables of all kinds; says in FILE.keys which variable holds which key.
 *
 * `never` and `idle` are keys that nobody has created: their number is 0, which is `first`'s.  With `crash` a thread follows what
 * pthread_getspecific gives for it; with `deleted` what it gives for a key that was deleted; with `unset` what it
 * gives for `second` in the only thread that has not set it; with `exhausted` for one that could not be created.
 */
#include "key_owners.h"
#include "truth.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <threads.h>

#ifdef __clang__
#define APART __attribute__((noinline))
#else
#define APART __attribute__((noinline, noclone))
#endif

namespace {

void free_first(void *value) {
    std::free(value);
}

void free_never(void *value) {
    std::free(value);
}

/* A class that wraps a key: `this` is passed in a register, and the key is behind another member. */
class Slot {
  public:
    APART void make() { truth_require(pthread_key_create(&key, nullptr) == 0); }
    APART void *get() const { return pthread_getspecific(key); }
    APART void set(void *value) { pthread_setspecific(key, value); }
    pthread_key_t number() const { return key; }

  private:
    long padding = 0;
    pthread_key_t key = 0;
};

pthread_key_t first, by_value, never, removed, refused, wrapped, idle;
struct {
    long other;
    pthread_key_t key;
} pair;
Slot second, third;
lazy lonely;
tss_t eleven;
FILE *said;

pthread_key_t &own_key() {
    static pthread_key_t inner;
    return inner;
}

struct Pool {
    pthread_key_t key;
    long used;
};

APART Pool *make_pool() {
    auto *pool = static_cast<Pool *>(std::calloc(1, sizeof(Pool)));
    truth_require(pool && pthread_key_create(&pool->key, free_never) == 0);
    return pool;
}

/* A key as an argument. */
APART void *find(pthread_key_t key) {
    return pthread_getspecific(key);
}

APART void keep(pthread_key_t key, void *value) {
    pthread_setspecific(key, value);
}

APART void make_never() {
    pthread_key_create(&never, free_never);
}

APART long *of_never() {
    return static_cast<long *>(pthread_getspecific(never));
}

APART long *of_removed() {
    return static_cast<long *>(pthread_getspecific(removed));
}

APART long *of_refused() {
    return static_cast<long *>(pthread_getspecific(refused));
}

/* Its second argument is not what the key gets. */
APART int make_for(pthread_key_t *key, void (*reason)(void *)) {
    return reason == nullptr ? 1 : pthread_key_create(key, free_never);
}

APART void *make_idle() {
    make_for(&idle, free_first);
    return pthread_getspecific(idle);
}

const char *crash = "";
long something;

void *worker(void *argument) {
    auto number = reinterpret_cast<long>(argument);
    if (number == 1 && std::strcmp(crash, "crash") == 0)
        return reinterpret_cast<void *>(*of_never());
    pthread_setspecific(first, std::malloc(1));
    if (number == 1)
        second.set(&something);
    if (number == 2 && std::strcmp(crash, "unset") == 0)
        return reinterpret_cast<void *>(*static_cast<long *>(second.get()));
    if (number == 1 && std::strcmp(crash, "deleted") == 0)
        return reinterpret_cast<void *>(*of_removed());
    if (number == 1 && std::strcmp(crash, "exhausted") == 0)
        return reinterpret_cast<void *>(*of_refused());
    if (!find(by_value))
        keep(by_value, &something);
    owners_lazy_set(&lonely, owners_lazy_get(&lonely) ? nullptr : &something);
    owners_use(&something);
    tss_set(eleven, tss_get(eleven) ? nullptr : &something);
    pthread_setspecific(pair.key, &something);
    pthread_setspecific(own_key(), &something);
    if (!third.get())
        third.set(&something);
    truth_park();
}

void say(const char *variable, const char *file, pthread_key_t key) {
    std::fprintf(said, "{\"variable\": \"%s\", \"file\": \"%s\", \"key\": %u}\n", variable, file, key);
}

} // namespace

int main(int argc, char **argv) {
    pthread_t aborting;
    truth_begin(argc, argv, 3);
    for (int i = 1; i < argc; i++) {
        if (std::strcmp(argv[i], "--truth") == 0 && i + 1 < argc)
            said = std::fopen((std::string(argv[i + 1]) + ".keys").c_str(), "w");
        crash = argv[i];
    }
    truth_require(said != nullptr);
    truth_require(pthread_key_create(&first, free_first) == 0 && first == 0);
    truth_require(pthread_key_create(&by_value, nullptr) == 0);
    truth_require(pthread_key_create(&removed, free_never) == 0);
    truth_require(pthread_key_create(&pair.key, nullptr) == 0);
    truth_require(pthread_key_create(&own_key(), nullptr) == 0);
    truth_require(tss_create(&eleven, nullptr) == thrd_success);
    second.make();
    third.make();
    owners_make();
    owners_lazy_get(&lonely);
    Pool *pool = make_pool();
    pthread_setspecific(pool->key, nullptr);
    truth_require(make_for(&wrapped, free_first) == 0);
    pthread_setspecific(wrapped, nullptr);
    if (argc > 100) {
        make_never();
        make_idle();
    }
    say("first", "program", first);
    say("by_value", "program", by_value);
    say("pair", "program", pair.key);
    say("own_key()::inner", "program", own_key());
    say("eleven", "program", eleven);
    say("second", "program", second.number());
    say("third", "program", third.number());
    /* The linker has put a copy of it into the program, which all use. */
    say("owners_shared", "program", owners_shared);
    say("hidden", "library", owners_hidden());
    say("*lonely", "program", *lonely.number);
    say("", "", pool->key);
    say("wrapped", "program", wrapped);
    say("removed", "program", removed);
    std::fclose(said);
    pthread_key_delete(removed);
    second.set(&something);
    if (std::strcmp(crash, "exhausted") == 0)
        for (int i = 0; i < 2000; i++)
            if (pthread_key_create(&refused, nullptr) != 0)
                refused = 1024;
    aborting = truth_spawn("worker-1", worker, reinterpret_cast<void *>(1));
    truth_spawn("worker-2", worker, reinterpret_cast<void *>(2));
    truth_ready(2, aborting);
}
