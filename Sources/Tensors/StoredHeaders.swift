/// The types and shapes of stored tensors, in the order of the files.
///
/// Checkpoints have hundreds of thousands of tensors. To find one by its name takes a hash; whoever asks for it again
/// keeps its place.
public struct StoredHeaders: Sendable {
  /// What is said of one tensor.
  public typealias Header = (type: ScalarType, shape: [Int])

  /// The names.
  public private(set) var names: [String] = []
  /// What is said of each of them.
  public private(set) var values: [Header] = []
  private var places: [String: Int] = [:]

  /// Headers of no tensor yet.
  /// - Parameter count: how many there will be.
  public init(reserving count: Int = 0) {
    names.reserveCapacity(count)
    values.reserveCapacity(count)
    places.reserveCapacity(count)
  }

  /// The number of tensors.
  public var count: Int { names.count }

  /// Adds a tensor behind the others.
  /// - Returns: the place of an earlier one of that name, which must not be; nil where there is none.
  public mutating func append(_ name: String, _ header: Header) -> Int? {
    defer {
      names.append(name)
      values.append(header)
    }
    return places.updateValue(count, forKey: name)
  }

  /// The place of a name; nil where no tensor has it.
  public func place(of name: String) -> Int? { places[name] }

  /// What is said of the tensor of that name; nil where there is none.
  public subscript(name: String) -> Header? { places[name].map { values[$0] } }

  /// The tensor at a place with another shape.
  public mutating func reshape(_ place: Int, _ shape: [Int]) { values[place].shape = shape }
}

extension StoredHeaders: ExpressibleByDictionaryLiteral {
  /// The headers of some tensors.
  /// - Precondition: no name occurs twice.
  public init(dictionaryLiteral headers: (String, Header)...) {
    self.init(reserving: headers.count)
    for (name, header) in headers {
      let earlier = append(name, header)
      precondition(earlier == nil)
    }
  }
}
