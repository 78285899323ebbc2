import Diagnostics
import Packing
import Tensors
import Testing

/// Parts that are missing, of another type or shape, or full of other bytes are refused by name.
struct PackedFaultTests {
  @Test(arguments: PackedCase.all)
  func everyPartIsNeeded(packed: PackedCase) throws {
    try forEachPart(of: packed) { entry, parts, name in
      if ["g_idx", "weight_format", "global_scale"].contains(where: name.hasSuffix) { return }
      var fewer = parts
      fewer[name] = nil
      #expect(throws: Problem.self, "\(packed) without \(name)") {
        if try packed.open(entry, fewer) == nil { throw Problem(.invalid, "of another method") }
      }
    }
  }

  @Test(arguments: PackedCase.all)
  func shapesMustFit(packed: PackedCase) throws {
    try forEachPart(of: packed) { entry, parts, name in
      // Codes of a byte each have the shape of the weight, of which scales may know nothing.
      if let type = parts[name]?.type, type == .i8 || type == .f8E4M3, name.hasSuffix(".weight") {
        return
      }
      for shape in otherShapes(try #require(parts[name])) {
        // Where all inputs share a scale, only the model knows how many there are.
        if name.hasSuffix("qweight"), shape.count == 2, shape[0] > parts[name]?.shape[0] ?? 0 {
          continue
        }
        var others = parts
        others[name] = try filled(name, parts[name]?.type, shape)
        let problem = #expect(throws: Problem.self, "\(packed) with \(name) \(shape)") {
          let weight = try packed.open(entry, others)
          if weight == nil { throw Problem(.invalid, "of another method", tensor: name) }
        }
        #expect(problem?.tensor?.hasPrefix(entry.module) != false, "\(problem?.text ?? "")")
      }
    }
  }

  @Test(arguments: PackedCase.all)
  func noTypeAndNoBytesTrap(packed: PackedCase) throws {
    var random = SystemRandomNumberGenerator()
    try forEachPart(of: packed) { entry, parts, name in
      let part = try #require(parts[name])
      for type in ScalarType.plain where type.byteWidth != nil && type != part.type {
        guard part.region.count % (type.byteWidth ?? 1) == 0 else { continue }
        var others = parts
        others[name] = try filled(name, type, part.shape)
        _ = try? packed.open(entry, others)?.values()
      }
      for fill: UInt8? in [0, 0xff, 0x7f, 0x80, nil] {
        let bytes = (0..<part.region.count).map { _ in fill ?? .random(in: 0...255, using: &random)
        }
        var others = parts
        others[name] = PackedPart(
          name: name, type: part.type, shape: part.shape, region: ByteRegion(OwnedBytes(bytes)))
        _ = try? packed.open(entry, others)?.values()
      }
    }
  }

  private func forEachPart(
    of packed: PackedCase,
    _ body: (PackedCase.Weight, [String: PackedPart], String) throws -> Void
  ) throws {
    let parts = try packed.parts()
    for entry in packed.weights {
      for name in parts.keys.sorted() where name.hasPrefix(entry.module + ".") {
        try body(entry, parts, name)
      }
    }
  }

  /// Shapes that are wrong for a part, whatever the others are.
  private func otherShapes(_ part: PackedPart) -> [[Int]] {
    var shapes = part.shape.indices.flatMap { axis in
      [part.shape[axis] + 1, 0].map { extent in
        var shape = part.shape
        shape[axis] = extent
        return shape
      }
    }
    shapes += [part.shape + [2], [Int.max], [1 << 62, 0], [0, 1 << 62]]
    return shapes.filter { TensorShape.byteCount($0, part.type).map { $0 < 1 << 24 } ?? false }
  }

  private func filled(_ name: String, _ type: ScalarType?, _ shape: [Int]) throws -> PackedPart {
    let type = try #require(type)
    let bytes = [UInt8](repeating: 0, count: try #require(TensorShape.byteCount(shape, type)))
    return PackedPart(name: name, type: type, shape: shape, region: ByteRegion(OwnedBytes(bytes)))
  }
}
