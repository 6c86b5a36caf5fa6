// A library's objects, named with WHOSE before; what it has to say goes to whoever loads it.
namespace {

void (*made)(const char *), (*gone)(const char *);

struct Said {
    const char *name;
    long used = 0;
    explicit Said(const char *name) : name(name) { made(name); }
    ~Said() { gone(name); }
};

long numbered(const char *name) {
    made(name);
    return 7;
}

thread_local Said inner(WHOSE "inner");
thread_local long number_inside = numbered(WHOSE "number_inside");
thread_local long counted;  // not initialised dynamically

}  // namespace

thread_local Said exported(WHOSE "exported");

extern "C" void begin(void (*when_made)(const char *), void (*when_gone)(const char *)) {
    made = when_made;
    gone = when_gone;
}

extern "C" long use() {
    counted++;
    return exported.used += inner.used += number_inside;
}

extern "C" long use_counted() {
    return ++counted;
}

extern "C" long use_local() {
    static thread_local Said kept(WHOSE "kept");
    return kept.used++;
}
