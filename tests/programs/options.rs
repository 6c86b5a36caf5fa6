// Values of Rust that are there or not: Option in cells, by a tag and without one; enums; a RefCell that is borrowed.
use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;
use std::sync::{Arc, Barrier};

#[derive(Clone, Copy)]
#[allow(dead_code)]
enum Color {
    Red,
    Green,
    Blue,
}
#[allow(dead_code)]
enum Shape {
    Empty,
    Circle(f64),
    Rect { w: u32, h: u32 },
}

thread_local! {
    static BOXED: RefCell<Option<Box<u64>>> = const { RefCell::new(None) };
    static NUMBER: Cell<Option<u32>> = const { Cell::new(None) };
    static FLAG: Cell<Option<bool>> = const { Cell::new(None) };
    static TEXT: RefCell<Option<String>> = const { RefCell::new(None) };
    static NESTED: Cell<Option<Option<u8>>> = const { Cell::new(None) };
    static ONCE: OnceCell<u32> = const { OnceCell::new() };
    static LAZY: RefCell<Option<Vec<u8>>> = RefCell::new(None);
    static COUNTED: RefCell<Option<Rc<u32>>> = const { RefCell::new(None) };
    static COLOR: Cell<Option<Color>> = const { Cell::new(None) };
    static HUE: Cell<Color> = const { Cell::new(Color::Red) };
    static SHAPE: RefCell<Shape> = const { RefCell::new(Shape::Empty) };
    static RESULT: RefCell<Result<u32, i8>> = const { RefCell::new(Ok(1)) };
    static SEVEN: RefCell<u32> = const { RefCell::new(7) };
}

// So that an optimiser leaves them in.
macro_rules! keep {
    ($($name:ident)*) => { $($name.with(|one| { std::hint::black_box(one); });)* };
}

extern "C" {
    fn gettid() -> i32;
}

// What is shown of each, "-" where there is no value, "?" where nothing has used it.
fn say(values: [&str; 13]) {
    let names = ["BOXED", "NUMBER", "FLAG", "TEXT", "NESTED", "ONCE", "LAZY", "COUNTED", "COLOR", "HUE", "SHAPE", "RESULT", "SEVEN"];
    for (name, value) in names.iter().zip(values) {
        println!("truth {} {} {}", unsafe { gettid() }, name, value);
    }
}

#[inline(never)]
fn fill(barrier: &Barrier) {
    BOXED.set(Some(Box::new(5)));
    NUMBER.set(Some(11));
    FLAG.set(Some(true));
    TEXT.set(Some("text".to_string()));
    NESTED.set(Some(Some(9)));
    ONCE.with(|once| once.set(5).unwrap());
    LAZY.with(|lazy| *lazy.borrow_mut() = Some(vec![1, 2]));
    COUNTED.set(Some(Rc::new(4)));
    COLOR.set(Some(Color::Blue));
    HUE.set(Color::Green);
    SHAPE.set(Shape::Rect { w: 3, h: 4 });
    RESULT.set(Err(-3));
    SEVEN.with(|seven| {
        let _borrowed = seven.borrow_mut();
        say(["Some(0x", "Some(11)", "Some(true)", "Some(", "Some(Some(9))", "Some(5)", "Some(", "Some(", "Some(Blue)", "Green",
            "Rect{w: 3, h: 4}", "Err(-3)", "7 (borrowed mutably)"]);
        barrier.wait();
        loop {
            std::thread::park();
        }
    });
}

#[inline(never)]
fn touch(barrier: &Barrier) {
    keep!(BOXED NUMBER FLAG TEXT NESTED ONCE COUNTED COLOR HUE SHAPE RESULT SEVEN);
    FLAG.set(Some(false));
    NESTED.set(Some(None));
    LAZY.with(|lazy| assert!(lazy.borrow().is_none()));
    SHAPE.set(Shape::Circle(1.5));
    SEVEN.with(|seven| {
        let _one = seven.borrow();
        let _two = seven.borrow();
        say(["-", "-", "Some(false)", "-", "Some(None)", "-", "-", "-", "-", "Red", "Circle(1.5)", "Ok(1)", "7 (borrowed, 2 times)"]);
        barrier.wait();
        loop {
            std::thread::park();
        }
    });
}

fn main() {
    let barrier = Arc::new(Barrier::new(3));
    for number in 0..2 {
        let own = barrier.clone();
        std::thread::spawn(move || if number == 0 { fill(&own) } else { touch(&own) });
    }
    barrier.wait();
    say(["-", "-", "-", "-", "-", "-", "?", "-", "-", "Red", "Empty", "Ok(1)", "7"]);
    std::process::abort();
}
