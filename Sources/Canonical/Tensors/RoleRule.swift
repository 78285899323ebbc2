/// What is known of the values of a kind of tensor.
public struct RoleTraits: OptionSet, Sendable {
  /// The bits of the traits.
  public let rawValue: Int

  /// Traits from their bits.
  public init(rawValue: Int) { self.rawValue = rawValue }

  /// The weight of a norm.
  public static let norm = RoleTraits(rawValue: 1 << 0)
  /// The weight of a norm that a model may store around zero.
  public static let centred: RoleTraits = [.norm, RoleTraits(rawValue: 1 << 1)]
  /// A matrix that every consumer of an FP8 checkpoint takes to be quantised unless told otherwise.
  public static let quantised = RoleTraits(rawValue: 1 << 2)
  /// Values that are logarithms of what may be stored in their place.
  public static let logarithm = RoleTraits(rawValue: 1 << 3)
  /// Values that may all be one in a layer that a splice has just made.
  public static let ones = RoleTraits(rawValue: 1 << 4)
  /// Whole numbers that follow from the facts of the model.
  public static let implied = RoleTraits(rawValue: 1 << 5)
}

/// The declaration of one kind of tensor, beside the facts of what has it.
public struct RoleRule<Owner>: Sendable {
  let name: String
  let shape: [SizeExpression]
  let traits: RoleTraits
  let aspects: Set<FormAspect>
  /// Whether an owner has the tensor.
  let isPresent: @Sendable (Owner) -> Bool

  /// A declaration.
  /// - Parameters:
  ///   - name: the name of the role; of a mixer's without its kind.
  ///   - shape: the canonical shape, in symbols.
  ///   - aspects: what the stored tensor shows of the form of a checkpoint.
  ///   - isPresent: which owners have the tensor; all if left out.
  init(
    _ name: String, _ shape: [String], _ traits: RoleTraits = [],
    shows aspects: Set<FormAspect> = [],
    when isPresent: @escaping @Sendable (Owner) -> Bool = { _ in true }
  ) {
    (self.name, self.traits, self.aspects) = (name, traits, aspects)
    self.isPresent = isPresent
    self.shape = shape.map { text in
      guard let size = try? SizeExpression(text) else { preconditionFailure("role shape \(text)") }
      return size
    }
  }

  /// The number of values; 0 where it does not fit an `Int`.
  func count(_ symbols: [String: Int]) -> Int {
    shape.reduce(1) { product, size in
      let (count, overflow) = product.multipliedReportingOverflow(
        by: (try? size.value(symbols)) ?? 0)
      return overflow ? 0 : count
    }
  }
}
