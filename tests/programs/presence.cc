// Objects that have a value or none: what each thread has in which.
//
// FILE.presence has a line of JSON for each thread: {"who", "lwp", "has": {NAME: true or false}}.
//
//   main      has set what is in everyone's
//   worker-1  has set all
//   worker-2  has set all, and taken it back
//   worker-3  has set nothing; with --mode abort it crashes, as `config` has no value there
//   worker-4  has set what is in everyone's, to zero
//   worker-5  likewise
#include "truth.h"

#include <any>
#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

constexpr unsigned WORKERS = 5;
int said;

struct Settings {
    long version;
    char text[400];
};

struct Config {
    long *limit;
};

}  // namespace

// Clang would split what only this file sees.
thread_local std::optional<int> number;
thread_local std::optional<std::string> text;
thread_local std::optional<Settings> settings;
thread_local std::optional<std::optional<bool>> nested;
thread_local std::function<long()> function;
thread_local std::any any;
thread_local std::unique_ptr<int> unique;
thread_local std::shared_ptr<int> shared;
thread_local bool flag;
thread_local std::optional<Config> config;
thread_local std::optional<long> only;

namespace {

void set(long value) {
    number = value;
    text = std::string(value, 'x');
    settings = Settings{value, ""};
    nested = std::optional<bool>();
    function = [value] { return value; };
    any = value;
    unique = std::make_unique<int>(value);
    shared = std::make_shared<int>(value);
}

void reset() {
    number.reset();
    text.reset();
    settings.reset();
    nested.reset();
    function = nullptr;
    any.reset();
    unique.reset();
    shared.reset();
    flag = false;
    only.reset();
}

void set_config() {
    static long limit = 7;
    config = Config{&limit};
}

void say(const char *who) {
    auto word = [](bool has) { return has ? "true" : "false"; };
    dprintf(said,
            "{\"who\": \"%s\", \"lwp\": %ld, \"has\": {\"number\": %s, \"text\": %s, \"settings\": %s, \"nested\": %s, "
            "\"function\": %s, \"any\": %s, \"unique\": %s, \"shared\": %s, \"flag\": %s, \"config\": %s, \"only\": %s}}\n",
            who, syscall(SYS_gettid), word(number.has_value()), word(text.has_value()), word(settings.has_value()),
            word(nested.has_value()), word(bool(function)), word(any.has_value()), word(bool(unique)), word(bool(shared)),
            word(flag), word(config.has_value()), word(only.has_value()));
}

void *worker(void *argument) {
    auto which = reinterpret_cast<long>(argument);
    if (which == 1 || which == 2) {
        set(which);
        flag = true;
        only = which;
    }
    if (which == 2)
        reset();
    if (which >= 4)
        set(0);
    if (which != 3)
        set_config();
    say(("worker-" + std::to_string(which)).c_str());
    truth_park();
}

void crash(int) {
    if (!config.has_value())
        signal(SIGABRT, SIG_DFL);
    *config->limit += 1;
}

}  // namespace

int main(int argc, char **argv) {
    truth_begin(argc, argv, WORKERS + 1);
    signal(SIGABRT, crash);
    for (int i = 1; i + 1 < argc; i++)
        if (std::string(argv[i]) == "--truth")
            said = open((std::string(argv[i + 1]) + ".presence").c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
    truth_require(said > 0);
    set(0);
    set_config();
    say("main");
    pthread_t threads[WORKERS + 1];
    for (long which = 1; which <= WORKERS; which++)
        threads[which] = truth_spawn(("worker-" + std::to_string(which)).c_str(), worker, reinterpret_cast<void *>(which));
    truth_ready(WORKERS, threads[3]);
}
