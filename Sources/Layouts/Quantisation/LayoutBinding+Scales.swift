import Canonical
import Diagnostics
import Tensors

/// The scales of a quantised stored tensor, as layout and config prescribe them.
public struct BoundScales: Hashable, Sendable {
  /// The stored name.
  public let name: String
  /// The stored shape.
  public let shape: [Int]
  /// The size of a block.
  public let size: BlockSize
  /// Whether the config asks for one scale per tensor and not for blocks.
  public let isPerTensor: Bool
}

/// The type and shape of stored tensors by name.
public typealias StoredHeaders = [String: (type: ScalarType, shape: [Int])]

extension LayoutBinding {
  /// The scales of all quantised tensors, carried ones among them.
  public var allScales: [BoundScales] {
    tensors.compactMap(\.scales) + carriedScales.values.sorted { $0.name < $1.name }
  }

  /// The names of all quantised tensors, carried ones among them.
  public var allScaled: [String] {
    tensors.filter { $0.scales != nil }.map(\.name) + carriedScales.keys
  }

  /// The same binding with scales for every tensor that is stored as FP8.
  public func scaled(by quantisation: Quantisation?, stored: StoredHeaders) -> LayoutBinding {
    guard let quantisation, let rule = layout.scales else { return self }
    var copy = self
    copy.tensors = tensors.map { tensor in
      tensor.with(
        scales: Self.scales(
          of: tensor.name, tensor.shape, parts: tensor.parts.count, rule, quantisation, stored))
    }
    for (name, header) in stored where carrier(of: name) != nil {
      copy.carriedScales[name] = Self.scales(
        of: name, header.shape, parts: 1, rule, quantisation, stored)
    }
    return copy
  }

  private static func scales(
    of weight: String, _ shape: [Int], parts: Int, _ rule: ScaleRule, _ quantisation: Quantisation,
    _ stored: StoredHeaders
  ) -> BoundScales? {
    guard let header = stored[weight], header.type.isScaled, shape.count >= 2,
      shape.allSatisfy({ $0 > 0 })
    else { return nil }
    let names = rule.names(of: weight)
    let name = names.first { stored[$0] != nil } ?? names[0]
    if let block = quantisation.block {
      return BoundScales(
        name: name, shape: block.grid(of: shape), size: block, isPerTensor: false)
    }
    return perTensor(name, shape, parts: parts, stored: stored[name]?.shape)
  }

  /// One scale for a matrix, or, where experts share a tensor, one for each expert or for each part
  /// of each expert.
  private static func perTensor(_ name: String, _ shape: [Int], parts: Int, stored: [Int]?)
    -> BoundScales
  {
    let experts = shape.dropLast(2).reduce(1, *)
    let (rows, columns) = (shape[shape.count - 2], shape[shape.count - 1])
    let count = stored.flatMap(TensorShape.elementCount) ?? experts
    let share = experts > 0 && parts % experts == 0 ? parts / experts : 1
    let isHalved = shape.count > 2 && share > 1 && count == experts * share && rows % share == 0
    let size = BlockSize(rows: isHalved ? rows / share : rows, columns: columns)
    let expected = shape.count == 2 ? [] : size.grid(of: shape)
    let fits = stored.map { $0.count <= shape.count && count == expected.reduce(1, *) } ?? false
    return BoundScales(
      name: name, shape: fits ? stored ?? expected : expected, size: size, isPerTensor: true)
  }

  /// What is wrong with the types of quantised weights and their scales, from headers alone.
  func scaleProblems(_ quantisation: Quantisation?, stored: StoredHeaders, file: String)
    -> [Problem]
  {
    guard let quantisation else { return [] }
    let wrongTypes = allScales.compactMap { scales -> Problem? in
      guard let type = stored[scales.name]?.type, !BlockScales.types.contains(type) else {
        return nil
      }
      return Problem(
        .invalid, "a scale has a type that no scale has", file: file, tensor: scales.name,
        expected: BlockScales.types.map(\.rawValue).joined(separator: ", "), found: type.rawValue,
        remedy: "check that the tensor holds the scales of these weights")
    }
    return wrongTypes + claims(quantisation, stored, file)
  }

  /// Tensors that are quantised or not against what the config says.
  private func claims(_ quantisation: Quantisation, _ stored: StoredHeaders, _ file: String)
    -> [Problem]
  {
    func isExcepted(_ tensor: BoundTensor, unclear: Bool) -> Bool {
      quantisation.exceptions.covers(tensor.module) ?? unclear
    }
    let quantised = tensors.filter { $0.scales != nil }
    let plain = tensors.filter {
      $0.isUsuallyQuantised && stored[$0.name]?.type.isComputable == true
    }
    let otherwise = quantised.filter {
      quantisation.type != nil && stored[$0.name]?.type != quantisation.type
    }
    return Self.claim(
      quantised.filter { isExcepted($0, unclear: false) }, "is not quantised, but it is", file,
      remedy: "take it off modules_to_not_convert")
      + Self.claim(
        plain.filter { !isExcepted($0, unclear: true) }, "is quantised, but it is not", file,
        remedy: "list it in modules_to_not_convert")
      + Self.claim(
        otherwise, "has type \(quantisation.type?.rawValue ?? ""), but it has not", file,
        remedy: "correct fmt in config.json")
  }

  private static func claim(
    _ tensors: [BoundTensor], _ what: String, _ file: String, remedy: String
  ) -> [Problem] {
    NameFolding.fold(tensors.map(\.name)).map { name in
      Problem(
        .invalid, "the config says that a weight \(what)", file: file, tensor: name, remedy: remedy)
    }
  }
}
