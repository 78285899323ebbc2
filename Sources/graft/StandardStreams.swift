import Platform
import SystemPackage

/// The three descriptors that every process is handed.
enum StandardStreams {
  /// Gives those that are closed a file in which nothing can be read or written.
  ///
  /// Else the next file or pipe that is opened takes their numbers, and what is meant for the terminal is
  /// written into it. Nothing is opened for what the stream is for, so that using it still fails.
  static func holdPlaces() {
    for number in Int32(0)...2 where fcntl(number, F_GETFD) == -1 && errno == EBADF {
      _ = try? FileDescriptor.open("/dev/null", number == 0 ? .writeOnly : .readOnly)
    }
  }
}
