import Canonical
import Diagnostics
import JSON

/// What checking a layout found: on how many generated models its laws hold.
///
/// A layout file is read in both directions, so that it can contradict itself. The check writes and reads
/// the config of random models, and takes every tensor of some of them apart and together again.
public struct LayoutCheck: Sendable {
  /// The layout, in its preferred form.
  public let layout: Layout
  /// The number of its forms.
  public private(set) var forms = 0
  /// The number of generated models.
  public private(set) var models = 0
  /// How many of them the layout holds, in all of its forms together.
  public private(set) var held = 0

  /// The models that are generated for each form, and how many of those that it holds have their tensors
  /// taken apart.
  private static let (modelCount, tensorCount) = (48, 4)

  /// Checks a layout file beside the layouts of a catalogue, which may be its own.
  /// - Throws: `Problem` of kind `invalid` with file and place.
  /// - Cost: seconds for a layout with many forms.
  public init(_ file: LayoutFile, in catalogue: LayoutCatalogue) throws {
    let forms = try catalogue.forms(of: file)
    self = try locating(.file(file.name), advising: FormatValue.remedy) {
      try LayoutCheck(forms)
    }
  }

  /// Checks the forms of one layout.
  /// - Throws: `Problem` of kind `invalid` with the place in the layout file.
  public init(_ forms: [Layout]) throws {
    try self.init(forms, models: Self.modelCount, tensors: Self.tensorCount)
  }

  /// Checks the forms of one layout.
  /// - Parameters:
  ///   - models: how many models are generated for each form.
  ///   - tensors: how many of those that it holds have their tensors taken apart.
  init(_ forms: [Layout], models count: Int, tensors: Int) throws {
    guard let first = forms.first else { preconditionFailure("a layout without forms") }
    layout = first
    for form in forms where form.inspectOnly == nil {
      held += try form.checkLaws(models: count, tensors: tensors)
      models += count
    }
    self.forms = forms.count
  }
}

extension LayoutCatalogue {
  /// The forms of a layout file, which is one of the catalogue's files or is read beside them.
  fileprivate func forms(of file: LayoutFile) throws -> [Layout] {
    let text = String(decoding: file.bytes, as: UTF8.self)
    guard FormatFiles.layouts.contains(where: { $0.text == text }) else {
      let own = outlines.filter { $0.record != nil && $0.record?.sha256 == file.record?.sha256 }
      guard own.isEmpty else { return try own.map { try $0.layout() } }
      let known = Set(ids)
      return try adding([file]).outlines.filter { !known.contains($0.id) }.map { try $0.layout() }
    }
    let id = try JSONValue(parsing: file.bytes)["layout"]?.string
    return try outlines.filter { $0.id == id }.map { try $0.layout() }
  }
}

extension Layout {
  /// Checks the laws of one form on generated models.
  /// - Parameter tensors: how many models have their tensors taken apart; of more, the shapes are checked.
  /// - Returns: how many models the form holds.
  fileprivate func checkLaws(models: Int, tensors: Int) throws -> Int {
    var (held, reasons): (Int, [Problem]) = (0, [])
    for seed in 0..<models {
      guard let wanted = SampleModel(seed: UInt64(seed), for: self).configuration else { continue }
      switch try holding(wanted) {
      case .success(let configuration):
        if held < 4 * tensors { try checkTensors(configuration, takesApart: held < tensors) }
        held += 1
      case .failure(let reason): reasons.append(reason)
      }
    }
    guard held == 0 else { return held }
    throw Problem(
      all: [
        Problem(
          .invalid, "the layout holds none of the models that the check generates",
          found: form.name.isEmpty ? nil : "form \(form.name)")
      ] + reasons.prefix(1))
  }
}
