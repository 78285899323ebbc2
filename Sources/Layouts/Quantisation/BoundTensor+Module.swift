import Canonical

extension BoundTensor {
  /// The module that consumers quantise or not: the name without `.weight`, or, for experts that
  /// share a tensor, the module that holds it.
  public var module: String {
    if name.hasSuffix(".weight") {
      return String(name[..<name.utf8.index(name.endIndex, offsetBy: -".weight".utf8.count)])
    }
    return name.utf8.lastIndex(of: UInt8(ascii: ".")).map { String(name[..<$0]) } ?? name
  }

  /// Whether the tensor holds matrices, the only tensors that are ever quantised.
  var isMatrix: Bool { parts.contains { $0.shape.count >= 2 } }

  /// Whether every consumer of an FP8 checkpoint takes the tensor to be quantised unless told
  /// otherwise; embeddings, heads, routers and the projections to single numbers are not.
  public var isUsuallyQuantised: Bool {
    parts.allSatisfy { Self.quantisedRoles.contains($0.role.name) }
  }

  private static let quantisedRoles = RoleTable.names(.quantised)
}
