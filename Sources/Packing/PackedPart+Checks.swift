import Diagnostics
import Tensors

extension PackedPart {
  /// What to do about parts that do not fit each other.
  static let remedy = "take the checkpoint as the tool that packed it wrote it"

  /// The part, where it is there.
  /// - Throws: `Problem` of kind `invalid` where it is not.
  static func required(_ part: PackedPart?, _ name: String) throws -> PackedPart {
    guard let part else {
      throw Problem(
        .invalid, "a packed weight lacks one of its parts", tensor: name, found: "no such tensor",
        remedy: "take a complete copy of the checkpoint")
    }
    return part
  }

  /// The part, if its type is one of some.
  func of(_ types: ScalarType...) throws -> PackedPart {
    guard types.contains(type) else {
      throw Problem(
        .invalid, "a part of a packed weight has the wrong type", tensor: name,
        expected: types.map(\.rawValue).joined(separator: " or "), found: type.rawValue,
        remedy: Self.remedy)
    }
    return self
  }

  /// The part, if its shape is one of some.
  func shaped(_ shapes: [Int]...) throws -> PackedPart {
    guard shapes.contains(shape) else {
      throw Problem(
        .invalid, "a part of a packed weight has the wrong shape", tensor: name,
        expected: Set(shapes).sorted { $0.count < $1.count }.map(TensorShape.text).joined(
          separator: " or "),
        found: TensorShape.shortText(shape), remedy: Self.remedy)
    }
    return self
  }

  /// The part, if it has one number for each matrix of a weight, or one for all, in any shape.
  /// - Parameter outer: the extents of the weight before those of a matrix.
  func ofMatrices(_ outer: [Int]) throws -> PackedPart {
    shape.allSatisfy { $0 == 1 } ? self : try shaped([1], outer, outer + [1], outer + [1, 1])
  }

  /// The part, if it has so many axes and elements along all of them, so that what is computed from its
  /// shape stays near the number of its bytes.
  func filled(axes: ClosedRange<Int>) throws -> PackedPart {
    guard axes.contains(shape.count), !shape.contains(0) else {
      throw Problem(
        .invalid, "a part of a packed weight has the wrong shape", tensor: name,
        expected: (axes.count == 1 ? "\(axes.lowerBound)" : "from \(axes.lowerBound)")
          + " axes, none of them empty",
        found: TensorShape.shortText(shape), remedy: Self.remedy)
    }
    return self
  }

  /// The clash of what the config and the parts say.
  func disagreement(expected: String, found: String) -> Problem {
    Problem(
      .invalid, "the config and the parts of a packed weight disagree", tensor: name,
      expected: expected, found: found,
      remedy: "take config and weights from the same checkpoint")
  }

  /// The shape without its last axis.
  var outer: [Int] { Array(shape.dropLast()) }
}
