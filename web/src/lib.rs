//! The compiler for a web page: questions and answers are JSON, in one buffer.
//!
//! A page writes a question into the buffer that [`buffer`] makes, calls [`ask`], and reads
//! the answer at [`answer`]. The state between questions is a [`Session`]. A panic is a trap:
//! the page then starts another instance.

mod answer;
mod messages;
mod model;
mod parts;
mod place;
mod session;

pub use model::answer as model_answer;
pub use session::{Question, Session};

use std::cell::RefCell;

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static ANSWER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static SESSION: RefCell<Session> = RefCell::new(Session::default());
}

/// Makes room for a question of that many bytes, and says where.
#[unsafe(no_mangle)]
pub extern "C" fn buffer(bytes: usize) -> *mut u8 {
    BUFFER.with_borrow_mut(|buffer| {
        *buffer = vec![0; bytes];
        buffer.as_mut_ptr()
    })
}

/// Takes what is in the buffer as the bytes of a weights file; of no bytes, forgets the file.
#[unsafe(no_mangle)]
pub extern "C" fn weights() {
    let bytes = BUFFER.take();
    SESSION.with_borrow_mut(|session| session.set_weights(bytes));
}

/// Takes what is in the buffer as a `.tflite` file, which is planned alone: the answer's length
/// in bytes.
#[unsafe(no_mangle)]
pub extern "C" fn model() -> usize {
    keep(model::answer(&BUFFER.take()))
}

/// Answers the question in the buffer: the answer's length in bytes.
#[unsafe(no_mangle)]
pub extern "C" fn ask() -> usize {
    let question = BUFFER.take();
    keep(SESSION.with_borrow_mut(|session| session.answer(&question)))
}

fn keep(answer: Vec<u8>) -> usize {
    let length = answer.len();
    ANSWER.set(answer);
    length
}

/// Where the last answer is.
#[unsafe(no_mangle)]
pub extern "C" fn answer() -> *const u8 {
    ANSWER.with_borrow(|answer| answer.as_ptr())
}
