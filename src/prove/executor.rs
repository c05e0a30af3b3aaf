//! One future at a time: polls tasks in the order in which they became ready, on the thread that owns it.
//!
//! A task stands still in two ways. It waits for the database: then the executor waits with it, so that a
//! store call is one step. Or it waits for an answer from outside, or for another task that does: then it is
//! left alone until somebody on this thread wakes it. Wakes from other threads (the database's) never decide
//! what runs next.

use std::{
    any::Any,
    cell::RefCell,
    collections::{BTreeMap, BTreeSet, VecDeque},
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    rc::Rc,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread, ThreadId},
    time::Duration,
};

/// Turns that are given to the database's thread before this one goes to sleep over its answer (see [`super::seat`]).
const TURNS: u32 = 40;
/// A database that does not answer after so many such waits never will.
const PATIENCE: Duration = Duration::from_millis(100);
const PATIENCE_TIMES: u32 = 600;

/// A task's number, rising.
pub type TaskId = u64;

/// What a task is polled as.
pub type Work = Pin<Box<dyn Future<Output = ()>>>;

/// How a task ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// It came to its end.
    Done,
    /// The simulation let the process die here (see [`Died`]).
    Died,
    /// The program panicked.
    Panicked(String),
    /// The database never answered.
    Stuck,
}

/// Thrown by the simulation's clock to end a process in the middle of its work.
pub struct Died;

/// What wakes leave behind.
struct Signal {
    home: ThreadId,
    thread: Thread,
    ready: Mutex<Ready>,
    answered: AtomicBool,
    waits: AtomicU64,
}

#[derive(Default)]
struct Ready {
    order: VecDeque<TaskId>,
    known: BTreeSet<TaskId>,
}

impl Signal {
    fn with<T>(&self, f: impl FnOnce(&mut Ready) -> T) -> T {
        f(&mut self.ready.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn ready(&self, id: TaskId) {
        self.with(|ready| {
            if ready.known.insert(id) {
                ready.order.push_back(id);
            }
        });
    }

    fn next(&self) -> Option<TaskId> {
        self.with(|ready| {
            let id = ready.order.pop_front()?;
            ready.known.remove(&id);
            Some(id)
        })
    }

    fn await_database(&self) -> bool {
        self.waits.fetch_add(1, Ordering::Relaxed);
        for _ in 0..TURNS {
            if self.answered.load(Ordering::Acquire) {
                return true;
            }
            thread::yield_now();
        }
        for _ in 0..PATIENCE_TIMES {
            if self.answered.load(Ordering::Acquire) {
                return true;
            }
            thread::park_timeout(PATIENCE);
        }
        self.answered.load(Ordering::Acquire)
    }
}

struct Bell {
    id: TaskId,
    signal: Arc<Signal>,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if thread::current().id() == self.signal.home {
            self.signal.ready(self.id);
        } else {
            self.signal.answered.store(true, Ordering::Release);
            self.signal.thread.unpark();
        }
    }
}

struct Task {
    /// Which process of the simulation it belongs to.
    host: usize,
    work: Work,
    waker: Waker,
}

/// The tasks of a world.
pub struct Executor {
    tasks: BTreeMap<TaskId, Task>,
    next: TaskId,
    signal: Arc<Signal>,
}

impl Default for Executor {
    fn default() -> Self {
        let signal = Signal {
            home: thread::current().id(),
            thread: thread::current(),
            ready: Mutex::default(),
            answered: AtomicBool::new(false),
            waits: AtomicU64::new(0),
        };
        // The number 0 is nobody's: it stands for what `block_on` runs.
        Self { tasks: BTreeMap::new(), next: 1, signal: Arc::new(signal) }
    }
}

impl Executor {
    fn bell(&self, id: TaskId) -> Waker {
        Waker::from(Arc::new(Bell { id, signal: Arc::clone(&self.signal) }))
    }

    /// Adds a task of a process; it is ready.
    pub fn spawn(&mut self, host: usize, work: Work) -> TaskId {
        let id = self.next;
        self.next += 1;
        let waker = self.bell(id);
        self.tasks.insert(id, Task { host, work, waker });
        self.signal.ready(id);
        id
    }

    /// How often the database was waited for.
    pub fn waits(&self) -> u64 {
        self.signal.waits.load(Ordering::Relaxed)
    }

    /// Whether a task has not ended.
    pub fn knows(&self, id: TaskId) -> bool {
        self.tasks.contains_key(&id)
    }

    /// How many tasks of a process have not ended.
    pub fn running(&self, host: usize) -> usize {
        self.tasks.values().filter(|task| task.host == host).count()
    }

    /// Polls the next ready task. `in_use` tells whether its process waits for the database.
    /// Gives the task's number, its process, and how it ended if it did; `None` when none is ready.
    pub fn step(&mut self, in_use: impl Fn(usize) -> bool) -> Option<(TaskId, usize, Option<End>)> {
        loop {
            let id = self.signal.next()?;
            // One that has ended meanwhile, or whose process died.
            let Some(task) = self.tasks.get_mut(&id) else { continue };
            let host = task.host;
            let end = poll(&self.signal, &task.waker, &mut task.work, || in_use(host));
            if end.is_some() {
                // Dropping may run code of the program: never inside the map's borrow.
                let ended = self.tasks.remove(&id);
                drop(ended);
            }
            return Some((id, host, end));
        }
    }

    /// Drops every task of a process, as its death does.
    pub fn kill(&mut self, host: usize) {
        let (gone, kept) = std::mem::take(&mut self.tasks).into_iter().partition(|(_, task)| task.host == host);
        self.tasks = kept;
        let gone: BTreeMap<TaskId, Task> = gone;
        drop(gone);
    }

    /// Runs something that waits for nothing but the database.
    ///
    /// # Errors
    /// How it ended when it did not come to its end.
    pub fn block_on<T: 'static>(&self, work: impl Future<Output = T> + 'static) -> Result<T, End> {
        let result = Rc::new(RefCell::new(None));
        let slot = Rc::clone(&result);
        let mut work: Work = Box::pin(async move {
            let value = work.await;
            *slot.borrow_mut() = Some(value);
        });
        let end = poll(&self.signal, &self.bell(0), &mut work, || true);
        match (result.take(), end) {
            (Some(value), _) => Ok(value),
            (None, Some(end)) => Err(end),
            (None, None) => Err(End::Stuck),
        }
    }
}

/// Polls once, and again for as long as only the database is waited for.
fn poll(signal: &Signal, waker: &Waker, work: &mut Work, in_use: impl Fn() -> bool) -> Option<End> {
    let mut context = Context::from_waker(waker);
    loop {
        signal.answered.store(false, Ordering::Release);
        match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(&mut context))) {
            Ok(Poll::Ready(())) => return Some(End::Done),
            Ok(Poll::Pending) if !in_use() => return None,
            Ok(Poll::Pending) => {
                if !signal.await_database() {
                    return Some(End::Stuck);
                }
            }
            Err(thrown) => return Some(thrown_as(thrown)),
        }
    }
}

fn thrown_as(thrown: Box<dyn Any + Send>) -> End {
    if thrown.is::<Died>() {
        return End::Died;
    }
    let text = thrown.downcast_ref::<&str>().map(|text| (*text).to_owned());
    End::Panicked(text.or_else(|| thrown.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic".to_owned()))
}
