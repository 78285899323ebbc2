import Kernels
import Tensors

/// The input of linear layers, packed once for all of them.
package struct Operand {
  /// `[tokens, depth]`
  let rows: UnsafePointer<Float>
  /// `[tokens / panel, depth, panel]`, or the parts of a `TiledProduct`, or for one token its forms: as
  /// `DotProducts.split` leaves it, and, where it is of whole blocks, as the kernels of each format of 256 values
  /// arrange it.
  let panels: UnsafeMutablePointer<Float>
  let tokens: Int
  let depth: Int
  /// How many threads share its products, which decides how many tasks they are cut into.
  let threads: Int

  /// An input that is still to be packed.
  package init(
    rows: UnsafePointer<Float>, panels: UnsafeMutablePointer<Float>, tokens: Int, depth: Int,
    threads: Int = 1
  ) {
    self.rows = rows
    self.panels = panels
    self.tokens = tokens
    self.depth = depth
    self.threads = threads
  }

  /// The values that `panels` needs.
  package static func panelCount(tokens: Int, depth: Int) -> Int {
    guard tokens > 1 else { return depth + blocks(depth) * formElements }
    return kernels.tileUnit == nil
      ? panels(tokens) * kernels.matrixMultiply.panelWidth * depth
      : TiledProduct.panelCount(tokens: tokens, depth: depth)
  }

  /// The number of panels for some tokens.
  package static func panels(_ tokens: Int) -> Int {
    kernels.tileUnit == nil
      ? (tokens + kernels.matrixMultiply.panelWidth - 1) / kernels.matrixMultiply.panelWidth
      : TiledProduct.panels(tokens)
  }

  /// Packs one panel, or all forms of the only vector.
  package func pack(panel: Int) {
    guard tokens > 1 else { return packVector() }
    guard kernels.tileUnit == nil else {
      return TiledProduct.pack(panel: panel, self, kernels.parts)
    }
    let first = panel * kernels.matrixMultiply.panelWidth
    kernels.matrixMultiply.pack(
      FloatRows(rows + first * depth, stride: depth),
      count: min(kernels.matrixMultiply.panelWidth, tokens - first),
      depth: depth, panel: panels + first * depth)
  }
}

// One token is put into all orders that kernels may want, which takes a thousandth of a product: so that an input
// need not know the layers that read it.
extension Operand {
  /// The values of the forms of a block of 256.
  private static var formElements: Int {
    kernels.blocks.q6K.arrangedElements + kernels.blocks.q4K.arrangedElements
  }

  /// The whole blocks of 256 of a vector; none where others are left.
  private static func blocks(_ depth: Int) -> Int { depth % 256 == 0 ? depth / 256 : 0 }

  /// - Precondition: the vector is of whole blocks of the format.
  private var q6K: UnsafeMutablePointer<Float> { panels + depth }
  private var q4K: UnsafeMutablePointer<Float> {
    q6K + depth / 256 * kernels.blocks.q6K.arrangedElements
  }

  private func packVector() {
    kernels.dotProducts.split(rows, count: depth, target: panels)
    let blocks = Self.blocks(depth)
    guard blocks > 0 else { return }
    kernels.blocks.q6K.arrange(rows, blocks: blocks, target: q6K)
    kernels.blocks.q4K.arrange(rows, blocks: blocks, target: q4K)
  }

  /// The only vector as the kernels for a type of blocks want it.
  func arranged(for type: ScalarType) -> UnsafePointer<Float> {
    switch type {
    case .q6K: UnsafePointer(q6K)
    case .q4K: UnsafePointer(q4K)
    default: rows
    }
  }
}
