import Canonical
import JSON

/// A program that loads checkpoints in a layout as they are.
public struct LoadingProgram: Hashable, Sendable {
  /// The name of the program.
  public let name: String
  /// How it loads a checkpoint; DIR stands for its directory or file.
  public let call: String
  private let forms: [String]
  private let condition: Condition

  init(_ value: JSONValue) throws {
    var object = try FormatObject(value, "a program that loads the layout")
    name = try object.string("program")
    call = try object.string("call")
    forms = try object.strings("forms")
    condition = try object.condition()
    try object.finish()
  }
}

extension Layout {
  /// The programs that load a model which is stored in this form of the layout, unpacked.
  public func loadingPrograms(for configuration: ModelConfiguration) -> [LoadingProgram] {
    let layers = configuration.factsByLayer
    guard form.isWritten, form.modelClass == .language else { return [] }
    return loads.filter { $0.loads(form.name, layers) }
  }
}

extension LoadingProgram {
  fileprivate func loads(_ form: String, _ layers: [Facts]) -> Bool {
    (forms.isEmpty || forms.contains(form)) && layers.allSatisfy(condition.holds)
  }
}
