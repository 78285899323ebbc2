import CPlatform
import Platform
import Synchronization

/// Threads that help one caller with its jobs, one job after the other.
///
/// The caller works too, and waits only for helpers that have begun: one that comes late finds the
/// job closed. Between jobs helpers first wait in a loop, because the next one mostly follows within
/// microseconds, and then sleep.
///
/// What the threads tell each other, and why the memory orders are what they are:
/// - A job (`body`, `tasks`, `next`) is written before `isOpen` becomes true and read after a helper saw it
///   true: releasing and acquiring.
/// - The caller closes the job and then reads `active`; a helper raises `active` and then reads `isOpen`.
///   Each writes one and reads the other, so that both could read the old value in any weaker order than the
///   sequentially consistent one: the caller would return, and its job vanish, while the helper begins it.
/// - The caller raises `jobs` and then reads `sleepers`; a helper raises `sleepers` and then reads `jobs`.
///   For the same reason: nobody would wake a helper that falls asleep on a new job.
/// - A helper lowers `active` (releasing) after its last task, and the caller reads 0 (acquiring) before it
///   uses what the tasks wrote.
/// - `next` only hands out numbers, each once: relaxed.
/// - `isDismissed` is set before `jobs` is raised and read after that was seen.
final class ThreadTeam: @unchecked Sendable {
  private typealias Body = (_ task: Int, _ worker: Int) -> Void

  /// Rounds of waiting before a helper sleeps, some tens of microseconds.
  private static let patience = 2_000

  private let helpers: Int
  /// Written by the caller while no helper is at work.
  private var body: UnsafePointer<Body>?
  private var tasks = 0
  private var handles: [pthread_t] = []

  private let next = Atomic<Int>(0)
  private let isOpen = Atomic<Bool>(false)
  private let active = Atomic<Int>(0)
  private let jobs = Atomic<Int>(0)
  private let sleepers = Atomic<Int>(0)
  private let isDismissed = Atomic<Bool>(false)
  private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

  init(helpers: Int) {
    self.helpers = helpers
    pthread_mutex_init(lock, nil)
    pthread_cond_init(condition, nil)
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(lock)
    condition.deallocate()
    lock.deallocate()
  }

  /// Calls `body` for every task and returns when all have ended.
  func run(_ tasks: Int, _ body: (_ task: Int, _ worker: Int) -> Void) {
    if handles.isEmpty { start() }
    withoutActuallyEscaping(body) { body in
      withUnsafePointer(to: body) { pointer in
        self.body = pointer
        self.tasks = tasks
        next.store(0, ordering: .relaxed)
        isOpen.store(true, ordering: .sequentiallyConsistent)
        jobs.wrappingAdd(1, ordering: .sequentiallyConsistent)
        if sleepers.load(ordering: .sequentiallyConsistent) > 0 { wake() }
        work(worker: 0)
        isOpen.store(false, ordering: .sequentiallyConsistent)
        var rounds = 0
        while active.load(ordering: .sequentiallyConsistent) > 0 { pause(&rounds) }
      }
    }
  }

  /// Ends the threads.
  func dismiss() {
    isDismissed.store(true, ordering: .relaxed)
    jobs.wrappingAdd(1, ordering: .sequentiallyConsistent)
    wake()
    for handle in handles { pthread_join(handle, nil) }
  }

  private func work(worker: Int) {
    guard let body else { return }
    while true {
      let task = next.wrappingAdd(1, ordering: .relaxed).oldValue
      if task >= tasks { return }
      body.pointee(task, worker)
    }
  }

  /// The life of a helper.
  private func help(worker: Int) {
    var seen = 0
    while true {
      seen = awaitJob(after: seen)
      if isDismissed.load(ordering: .relaxed) { return }
      active.wrappingAdd(1, ordering: .sequentiallyConsistent)
      if isOpen.load(ordering: .sequentiallyConsistent) { work(worker: worker) }
      active.wrappingSubtract(1, ordering: .releasing)
    }
  }

  /// Returns the number of the current job when it is another than `seen`.
  private func awaitJob(after seen: Int) -> Int {
    for _ in 0..<Self.patience {
      let job = jobs.load(ordering: .acquiring)
      if job != seen { return job }
      processor_pause()
    }
    pthread_mutex_lock(lock)
    defer { pthread_mutex_unlock(lock) }
    sleepers.wrappingAdd(1, ordering: .sequentiallyConsistent)
    // The lock is held from this look at `jobs` until the thread waits, so that `wake` comes before or after.
    while jobs.load(ordering: .sequentiallyConsistent) == seen {
      pthread_cond_wait(condition, lock)
    }
    sleepers.wrappingSubtract(1, ordering: .relaxed)
    return jobs.load(ordering: .acquiring)
  }

  private func wake() {
    pthread_mutex_lock(lock)
    pthread_cond_broadcast(condition)
    pthread_mutex_unlock(lock)
  }

  /// Waits a moment, and lets another thread have the core if that takes long.
  private func pause(_ rounds: inout Int) {
    rounds += 1
    if rounds < Self.patience { processor_pause() } else { sched_yield() }
  }
}

extension ThreadTeam {
  /// What a new thread is told: whom it helps, and as which worker.
  private final class Assignment {
    let team: ThreadTeam
    let worker: Int

    init(_ team: ThreadTeam, worker: Int) {
      self.team = team
      self.worker = worker
    }
  }

  private func start() {
    for worker in 1...helpers {
      let assignment = Unmanaged.passRetained(Assignment(self, worker: worker)).toOpaque()
      #if canImport(Darwin)
        var handle: pthread_t?
        let code = pthread_create(&handle, nil, { ThreadTeam.enter($0) }, assignment)
        if code == 0, let handle { handles.append(handle) }
      #else
        var handle = pthread_t()
        let code = pthread_create(&handle, nil, { $0.flatMap(ThreadTeam.enter) }, assignment)
        if code == 0 { handles.append(handle) }
      #endif
      // Where the system gives no more threads, the others do the work.
      if code != 0 { Unmanaged<Assignment>.fromOpaque(assignment).release() }
    }
  }

  private static func enter(_ pointer: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
    let assignment = Unmanaged<Assignment>.fromOpaque(pointer).takeRetainedValue()
    assignment.team.help(worker: assignment.worker)
    return nil
  }
}
