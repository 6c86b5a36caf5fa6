// An object of a library that is loaded later.
namespace {

struct Remote {
    void (*ran)(const char *) = nullptr;
    Remote() {}
    ~Remote() {
        if (ran)
            ran("remote");
    }
};

}  // namespace

thread_local Remote remote;

extern "C" void use(void (*ran)(const char *)) {
    remote.ran = ran;
}
