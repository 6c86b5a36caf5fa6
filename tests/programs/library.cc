// What the C++ library has, in each other and with odd elements; one worker has all of it.
#include <array>
#include <atomic>
#include <deque>
#include <forward_list>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <set>
#include <stack>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <variant>
#include <vector>

#include "truth.h"

struct Empty {};

struct alignas(32) Weight {
    double kilos;
};

struct Book {
    std::string title;
    std::vector<std::string> words;
    int pages : 5;
    std::unique_ptr<int> price;
};

enum class Colour { red, green };

thread_local std::map<std::string, std::vector<int>> shelf_index;
thread_local std::map<char, Weight> shelf_weights;
thread_local std::map<Colour, std::optional<std::string>> shelf_colours;
thread_local std::multimap<short, Book> shelf_books;
thread_local std::vector<std::string> shelf_titles;
thread_local std::vector<std::vector<bool>> shelf_lent;
thread_local std::array<std::string, 12> shelf_labels;
thread_local std::array<int, 0> shelf_none;
thread_local std::u16string shelf_wide;
thread_local std::wstring shelf_signs;
thread_local std::string shelf_runs;
thread_local std::string_view shelf_view;
thread_local std::tuple<int, Empty, std::string> shelf_tuple;
thread_local std::variant<int, std::string, std::vector<int>> shelf_variant;
thread_local std::atomic<long> shelf_atomic;
thread_local std::forward_list<double> shelf_forward;
thread_local std::list<Book> shelf_list;
thread_local std::deque<std::string> shelf_deque;
thread_local std::stack<int> shelf_stack;
thread_local std::priority_queue<int> shelf_first;
thread_local std::unordered_map<std::string, std::shared_ptr<Book>> shelf_shared;
thread_local std::weak_ptr<Book> shelf_weak;
thread_local std::weak_ptr<Book> shelf_expired;
thread_local std::unique_ptr<char[]> shelf_owned;
thread_local std::optional<std::vector<int>> shelf_perhaps;
thread_local std::set<void *> shelf_places;

static void fill() {
    shelf_index = {{"a", {1, 2}}, {std::string(40, 'k'), {}}};
    shelf_weights = {{'x', {1.5}}, {'y', {2}}};
    shelf_colours[Colour::red] = "r";
    shelf_colours[Colour::green];
    Book book{"short", {"one", std::string(300, 'w')}, 7, nullptr};
    book.price = std::make_unique<int>(5);
    shelf_books.emplace(3, std::move(book));
    shelf_titles = {"", "a \"quote\"", std::string("a\0b", 3), std::string(150, 'a') + std::string(100, 'b'), "\x01\xff"};
    shelf_lent = {{true, false}, {}};
    shelf_labels.fill("same");
    shelf_wide = u"wide \u00e9\u20ac";
    shelf_signs = L"sign";
    for (int i = 0; i < 260; i++)
        shelf_runs += static_cast<char>('a' + i % 26);
    shelf_view = std::string_view(shelf_runs).substr(3, 4);
    shelf_tuple = {4, {}, "t"};
    shelf_variant = std::vector<int>{6};
    shelf_atomic = 8;
    shelf_forward = {0.5, 1e100};
    shelf_list.push_back({"listed", {}, -1, nullptr});
    shelf_deque.assign(40, "d");
    shelf_stack.push(9);
    shelf_first.push(10);
    shelf_first.push(11);
    shelf_shared["s"] = std::make_shared<Book>();
    shelf_shared["none"];
    shelf_weak = shelf_shared["s"];
    shelf_expired = std::make_shared<Book>();
    shelf_owned.reset(new char[3]{'h', 'i', 0});
    shelf_perhaps = std::vector<int>{12, 13};
    shelf_places = {nullptr};
}

static void *worker(void *) {
    fill();
    truth_park();
}

int main(int argc, char **argv) {
    truth_begin(argc, argv, 1);
    pthread_t first = truth_spawn("worker", worker, nullptr);
    // Main has touched all, and put nothing in.
    (void)shelf_index.size();
    truth_ready(1, first);
}
