@testable import Layouts

/// Checks layout files as `graft formats --check` does, on fewer models.
enum LayoutCheckReader {
  /// The check writes and reads models as the file says, whatever that is; the file stands alone, so that
  /// it may have the id of a layout of the build.
  static func check(_ input: UnsafeRawBufferPointer) throws {
    let catalogue = try LayoutCatalogue(files: [("input", Array(input))], parts: .builtIn)
    _ = try LayoutCheck(catalogue.layouts, models: 3, tensors: 1)
  }
}
