//! A thread ends, and the destructor of JOB writes to TRACE, which was made later and is destroyed by then: Rust aborts.
//! The other threads have both.
use std::cell::RefCell;
use std::thread;
use std::time::Duration;

struct Job(&'static str);

impl Drop for Job {
    fn drop(&mut self) {
        trace(self.0);
    }
}

thread_local! {
    static JOB: RefCell<Option<Job>> = RefCell::new(None);
    static TRACE: RefCell<Vec<String>> = RefCell::new(Vec::new());
}

fn trace(text: &str) {
    TRACE.with(|lines| lines.borrow_mut().push(text.to_string()));
}

fn work(ends: bool) {
    JOB.with(|job| *job.borrow_mut() = Some(Job("job")));
    trace("begins");
    if !ends {
        thread::sleep(Duration::from_secs(1000));
    }
}

fn main() {
    for _ in 0..2 {
        thread::spawn(|| work(false));
    }
    thread::sleep(Duration::from_millis(300));
    let _ = thread::spawn(|| work(true)).join();
}
