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
    guard let quantisation, let rule = layout.scales else { return self }
    let binder = ScaleBinder(rule: rule, quantisation: quantisation, stored: stored)
    var copy = self
    copy.tensors = tensors.map { tensor in
      tensor.with(
        scales: tensor.pieces.count > 1
          ? binder.scale(ofPieces: tensor.pieces, tensor.shape)
          : binder.scales(of: tensor.name, tensor.shape, parts: tensor.parts.count))
    }
    for (name, header) in stored where carrier(of: name) != nil {
      copy.carriedScales[name] = binder.scales(of: name, header.shape, parts: 1)
    }
    return copy
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
    let plain =
      layout.scales?.isLoose == true
      ? []
      : tensors.filter {
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
