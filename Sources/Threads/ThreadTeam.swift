import CPlatform
import Platform
import Synchronization

/// Threads that help one caller with its jobs, one job after the other.
///
/// The caller works too, and waits only for helpers that have begun: one that comes late finds the
/// job closed. Between jobs helpers first wait in a loop, because the next one mostly follows within
/// microseconds, and then sleep.
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
    isDismissed.store(true, ordering: .sequentiallyConsistent)
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
      if isDismissed.load(ordering: .sequentiallyConsistent) { return }
      active.wrappingAdd(1, ordering: .sequentiallyConsistent)
      if isOpen.load(ordering: .sequentiallyConsistent) { work(worker: worker) }
      active.wrappingSubtract(1, ordering: .sequentiallyConsistent)
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
    while jobs.load(ordering: .sequentiallyConsistent) == seen {
      pthread_cond_wait(condition, lock)
    }
    sleepers.wrappingSubtract(1, ordering: .sequentiallyConsistent)
    return jobs.load(ordering: .sequentiallyConsistent)
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
  /// What a thread is given.
  private final class Place {
    let team: ThreadTeam
    let worker: Int

    init(_ team: ThreadTeam, worker: Int) {
      self.team = team
      self.worker = worker
    }
  }

  private func start() {
    for worker in 1...helpers {
      let place = Unmanaged.passRetained(Place(self, worker: worker)).toOpaque()
      #if canImport(Darwin)
        var handle: pthread_t?
        let code = pthread_create(&handle, nil, { ThreadTeam.enter($0) }, place)
        if code == 0, let handle { handles.append(handle) }
      #else
        var handle = pthread_t()
        let code = pthread_create(&handle, nil, { $0.flatMap(ThreadTeam.enter) }, place)
        if code == 0 { handles.append(handle) }
      #endif
      // Without memory for another thread the others do its work.
      if code != 0 { Unmanaged<Place>.fromOpaque(place).release() }
    }
  }

  private static func enter(_ place: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
    let place = Unmanaged<Place>.fromOpaque(place).takeRetainedValue()
    place.team.help(worker: place.worker)
    return nil
  }
}
