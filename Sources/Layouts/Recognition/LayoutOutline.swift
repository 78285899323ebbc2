import Diagnostics
import JSON
import Synchronization

/// One form of a layout as far as recognising it needs; the rest is read when it is asked for.
public final class LayoutOutline: Sendable {
  /// The id of the layout.
  public let id: String
  /// The form.
  public let form: LayoutForm
  /// Which file it was read from; nil for a layout that is part of the build.
  public let record: LayoutFile.Record?
  /// How the form is recognised.
  let detection: LayoutDetection
  private let make: @Sendable () throws -> Layout
  private let made = Mutex<Layout?>(nil)

  private init(
    id: String, form: LayoutForm, detection: LayoutDetection, record: LayoutFile.Record?,
    make: @escaping @Sendable () throws -> Layout
  ) {
    self.id = id
    self.form = form
    self.record = record
    self.detection = detection
    self.make = make
  }

  /// What speaks for and against the form.
  func evidence(config: JSONValue?, has: (String) -> Bool) -> (pro: [String], against: [String]) {
    var found = detection.evidence(config: config, has: has)
    guard form.modelClass == .other else { return found }
    if let clause = OtherHead.evidence(config: config, has: has) {
      found.pro.append(clause)
    } else {
      found.against.append("nothing says that there is no language head")
    }
    return found
  }

  /// The whole layout.
  /// - Throws: `Problem` of kind `invalid` for anything its file should not say.
  /// - Cost: reads the file once.
  public func layout() throws -> Layout {
    try made.withLock { made in
      if let made { return made }
      let layout = try make()
      made = layout
      return layout
    }
  }

  /// The keys of a layout file that say how its forms are recognised.
  private static let head: Set<String> = ["layout", "forms", "headless", "detect"]

  /// What recognising needs of a layout file: of one of the build, whose rest is known to be sound, nothing else is
  /// kept.
  private static func head(of text: LayoutFile) throws -> JSONValue {
    text.record == nil
      ? try JSONValue(parsing: text.bytes, members: head) : try JSONValue(parsing: text.bytes)
  }

  /// Reads the forms of a layout file, the preferred one first.
  /// - Parameter parts: the parts it may use.
  /// - Throws: `Problem` of kind `invalid` where id, forms or detection cannot be read.
  static func forms(parsing text: LayoutFile, parts: LayoutParts) throws -> [LayoutOutline] {
    try FormatLimits.check(text.bytes.count, .file)
    var file = try FormatObject(head(of: text), "the top level")
    let id = try file.string("layout")
    let named = try file.list("forms", LayoutForm.init)
    try FormatLimits.check(named.count, .forms, at: "forms")
    let headless = try HeadlessForms(&file)
    let whole = WholeLayoutFile.Once(text, parts)
    return try headless.all(of: named.isEmpty ? [.only] : named).map { form in
      let detection = try file.required("detect") {
        try LayoutDetection(headless.filled($0, form), form)
      }
      return LayoutOutline(id: id, form: form, detection: detection, record: text.record) {
        try locating(.file(text.name), advising: FormatValue.remedy) {
          let whole = try whole.read()
          return try Layout(
            headless.filled(whole.value, form), whole, form, of: named, record: text.record)
        }
      }
    }
  }
}
