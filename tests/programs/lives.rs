//! Which values of `thread_local!` each thread has made and destroyed.
//!
//! FILE.lives has a line of JSON for each of the threads, which all stay, as lives.cc has it.
//!
//!   main    has used the value of a function
//!   user    has used all values
//!   other   has used none
//!   ender   is ending: it is in the destructor of SLOW, after some others' and before LAZY_DROP's

use std::cell::{Cell, RefCell};
use std::fs::{read_link, File, OpenOptions};
use std::io::Write;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

const NAMES: [&str; 7] = ["LAZY_DROP", "LAZY_PLAIN", "EAGER_DROP", "TEXT", "SLOW", "LOCAL", "BOXED"];
const WORKERS: u32 = 3;
static FILE: Mutex<String> = Mutex::new(String::new());
static PARKED: AtomicU32 = AtomicU32::new(0);

// These are no objects with a destructor, and there at any time.
thread_local! {
    static MADE: Cell<u32> = const { Cell::new(0) };
    static GONE: Cell<u32> = const { Cell::new(0) };
    static WHO: Cell<&'static str> = const { Cell::new("") };
}

fn bit(name: &str) -> u32 {
    1 << NAMES.iter().position(|one| *one == name).unwrap()
}

fn made<T>(name: &str, value: T) -> T {
    MADE.with(|bits| bits.set(bits.get() | bit(name)));
    value
}

struct Noted(&'static str);

impl Drop for Noted {
    fn drop(&mut self) {
        GONE.with(|bits| bits.set(bits.get() | bit(self.0)));
    }
}

struct Slow(Cell<bool>);

impl Drop for Slow {
    fn drop(&mut self) {
        if self.0.get() {
            stay();
        }
    }
}

thread_local! {
    static LAZY_DROP: Noted = made("LAZY_DROP", Noted("LAZY_DROP"));
    static LAZY_PLAIN: Cell<u64> = Cell::new(made("LAZY_PLAIN", 41));
    static EAGER_DROP: RefCell<Option<Noted>> = const { RefCell::new(None) };
    static TEXT: String = made("TEXT", "text".to_string());
    static SLOW: Slow = made("SLOW", Slow(Cell::new(false)));
    static BOXED: Box<u32> = made("BOXED", Box::new(7));
}

fn use_local() {
    thread_local!(static LOCAL: Noted = made("LOCAL", Noted("LOCAL")));
    LOCAL.with(|local| assert!(!local.0.is_empty()));
}

fn use_eager() {
    EAGER_DROP.with(|value| *value.borrow_mut() = Some(made("EAGER_DROP", Noted("EAGER_DROP"))));
}

/// Writes the thread's line, and waits until the process ends.
fn stay() -> ! {
    let listed = |bits: u32| {
        let names: Vec<String> = NAMES.iter().filter(|name| bits & bit(name) != 0).map(|name| format!("\"{name}\"")).collect();
        names.join(", ")
    };
    let link = read_link("/proc/thread-self").unwrap();
    let (who, made, gone) = (WHO.with(Cell::get), MADE.with(Cell::get), GONE.with(Cell::get));
    let line = format!(
        "{{\"who\": \"{who}\", \"lwp\": {}, \"made\": [{}], \"gone\": [{}]}}\n",
        link.file_name().unwrap().to_str().unwrap(),
        listed(made),
        listed(gone)
    );
    {
        let name = FILE.lock().unwrap();
        let mut file = OpenOptions::new().append(true).open(&*name).unwrap();
        file.write_all(line.as_bytes()).unwrap();
    }
    PARKED.fetch_add(1, Ordering::SeqCst);
    loop {
        thread::sleep(Duration::from_secs(1000));
        if PARKED.load(Ordering::SeqCst) == 0 {
            unreachable!()
        }
    }
}

fn spawn(name: &'static str, body: fn()) {
    let named = move || {
        WHO.with(|who| who.set(name));
        body();
    };
    std::mem::forget(thread::Builder::new().name(name.to_string()).spawn(named).unwrap());
}

fn user() {
    LAZY_DROP.with(|value| assert!(!value.0.is_empty()));
    LAZY_PLAIN.with(|value| value.set(value.get() + 1));
    use_eager();
    TEXT.with(|text| assert_eq!(text.len(), 4));
    SLOW.with(|_| ());
    BOXED.with(|value| assert_eq!(**value, 7));
    use_local();
    stay();
}

fn ender() {
    LAZY_DROP.with(|value| assert!(!value.0.is_empty()));
    SLOW.with(|slow| slow.0.set(true));
    LAZY_PLAIN.with(|value| value.set(value.get() + 1));
    use_eager();
    use_local();
    TEXT.with(|text| assert_eq!(text.len(), 4));
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let option = |name: &str| arguments[1 + arguments.iter().position(|one| one == name).unwrap()].clone();
    let truth = option("--truth");
    File::create(&truth).unwrap();
    File::create(format!("{truth}.lives")).unwrap();
    *FILE.lock().unwrap() = format!("{truth}.lives");
    WHO.with(|who| who.set("main"));
    use_local();
    spawn("user", user);
    spawn("other", || stay());
    spawn("ender", ender);
    while PARKED.load(Ordering::SeqCst) < WORKERS {
        thread::sleep(Duration::from_millis(5));
    }
    if option("--mode") == "abort" {
        spawn("aborting", || {
            while PARKED.load(Ordering::SeqCst) <= WORKERS {
                thread::sleep(Duration::from_millis(5));
            }
            WHO.with(|who| who.set("aborting"));
            std::process::abort();
        });
    }
    println!("ready");
    stay();
}
