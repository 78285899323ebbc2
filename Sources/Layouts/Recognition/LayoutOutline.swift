import Diagnostics
import JSON
import Synchronization

/// One form of a layout as far as recognising it needs; the rest is read when it is asked for.
public final class LayoutOutline: Sendable {
  /// The id of the layout.
  public let id: String
  /// The form.
  public let form: LayoutForm
  /// How the form is recognised.
  let detection: LayoutDetection
  private let make: @Sendable () throws -> Layout
  private let made = Mutex<Layout?>(nil)

  private init(
    id: String, form: LayoutForm, detection: LayoutDetection,
    make: @escaping @Sendable () throws -> Layout
  ) {
    self.id = id
    self.form = form
    self.detection = detection
    self.make = make
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

  /// Reads the forms of a layout file, the preferred one first.
  /// - Parameters:
  ///   - name: the name of the file, for messages.
  ///   - parts: the parts it may use.
  /// - Throws: `Problem` of kind `invalid` where id, forms or detection cannot be read.
  static func forms(parsing bytes: [UInt8], name: String, parts: LayoutParts) throws
    -> [LayoutOutline]
  {
    let value = try JSONValue(parsing: bytes)
    var file = try FormatObject(value, "the top level")
    let id = try file.string("layout")
    let named = try file.array("forms").map(LayoutForm.init)
    let detect = try file.required("detect")
    return try (named.isEmpty ? [.only] : named).map { form in
      let detection = try LayoutDetection(
        detect.replacing("{prefix}", with: form.prefix), form)
      return LayoutOutline(id: id, form: form, detection: detection) {
        try locating(.file(name), advising: FormatValue.remedy) {
          try Layout(
            parts.composed(value).replacing("{prefix}", with: form.prefix), form, of: named)
        }
      }
    }
  }
}
