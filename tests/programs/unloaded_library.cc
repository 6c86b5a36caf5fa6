// A class whose virtual table goes with this library.
#include "unloaded.h"

#include <new>

namespace {
struct Plugged : Worker {
    ~Plugged() override {}
    int work() override { return 42; }
};
}  // namespace

extern "C" Worker *make_worker() { return new Plugged; }
extern "C" void make_worker_at(void *place) { new (place) Plugged; }
