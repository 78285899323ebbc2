import Canonical
import Diagnostics
import Tensors

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
    guard quantisation != nil, layout.scales != nil else { return self }
    return scaled(by: quantisation, stored: stored, FoundTensors(self, in: stored))
  }

  /// The same where it is known which stored tensor each one is.
  public func scaled(
    by quantisation: Quantisation?, stored: StoredHeaders, _ found: FoundTensors
  ) -> LayoutBinding {
    guard let quantisation, let rule = layout.scales else { return self }
    let binder = ScaleBinder(rule: rule, quantisation: quantisation, stored: stored)
    var copy = self
    copy.tensors = tensors.indices.map { index in
      let tensor = tensors[index]
      return tensor.with(
        scales: tensor.isOnePiece
          ? found[index].flatMap { binder.scales($0, tensor.shape, parts: tensor.parts.count) }
          : binder.scale(ofPieces: tensor.pieces, tensor.shape))
    }
    for place in 0..<stored.count where carrier(of: stored.names[place]) != nil {
      copy.carriedScales[stored.names[place]] = binder.scales(
        place, stored.values[place].shape, parts: 1)
    }
    return copy
  }

  /// What is wrong with the types of scales, from headers alone.
  static func typeProblems(
    _ scales: [(scales: BoundScales, header: StoredHeaders.Header?)], _ file: String
  ) -> [Problem] {
    scales.compactMap { scales, header in
      guard let type = header?.type, !BlockScales.types.contains(type) else { return nil }
      return Problem(
        .invalid, "a scale has a type that no scale has", file: file, tensor: scales.name,
        expected: BlockScales.types.map(\.rawValue).joined(separator: ", "), found: type.rawValue,
        remedy: "check that the tensor holds the scales of these weights")
    }
  }

  /// Tensors that are quantised or not against what the config says.
  func claims(
    _ quantisation: Quantisation?, _ stored: StoredHeaders, _ found: FoundTensors, _ file: String
  ) -> [Problem] {
    guard let quantisation else { return [] }
    func type(_ index: Int) -> ScalarType? {
      found[index].map { stored.values[$0].type } ?? stored[tensors[index].name]?.type
    }
    func isExcepted(_ tensor: BoundTensor, unclear: Bool) -> Bool {
      quantisation.exceptions.covers(tensor.module) ?? unclear
    }
    let quantised = tensors.filter { $0.scales != nil }
    let plain =
      layout.scales?.isLoose == true
      ? []
      : tensors.indices.filter {
        type($0)?.isComputable == true && tensors[$0].isUsuallyQuantised
      }.map { tensors[$0] }
    let otherwise = tensors.indices.filter {
      quantisation.type != nil && tensors[$0].scales != nil && type($0) != quantisation.type
    }.map { tensors[$0] }
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
