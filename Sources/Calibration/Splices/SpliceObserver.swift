/// Watches a splice job, which can take long, at work; does nothing unless it says otherwise.
public protocol SpliceObserver {
  /// Lets a layer be fitted.
  /// - Parameter fit: calls what it is given with the share of the work that is done.
  func fitting<Result>(
    layer: Int, steps: Int, _ fit: (_ reach: (Double) -> Void) throws -> Result
  ) throws -> Result

  /// Lets a changed model be compared with the original.
  /// - Parameters:
  ///   - layer: the only layer that was replaced, where layers are compared with each other.
  ///   - measure: calls what it is given with the number of positions that are done.
  func measuring<Result>(
    layer: Int?, positions: Int, _ measure: (_ advance: (Int) -> Void) throws -> Result
  ) throws -> Result
}

extension SpliceObserver {
  /// Lets a layer be fitted, and looks at nothing.
  public func fitting<Result>(
    layer: Int, steps: Int, _ fit: (_ reach: (Double) -> Void) throws -> Result
  ) throws -> Result { try fit { _ in } }

  /// Lets a changed model be compared with the original, and looks at nothing.
  public func measuring<Result>(
    layer: Int?, positions: Int, _ measure: (_ advance: (Int) -> Void) throws -> Result
  ) throws -> Result { try measure { _ in } }
}

/// Looks at nothing.
struct NoObserver: SpliceObserver {}
