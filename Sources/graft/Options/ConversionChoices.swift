import ArgumentParser
import Containers
import Conversion
import Tensors

extension Container: ExpressibleByArgument {}

extension QuantisationKind: ExpressibleByArgument {
  /// The kind that a word of the command line names.
  public init?(argument: String) { self.init(name: argument) }
}

/// A dtype on the command line.
enum DTypeChoice: String, ExpressibleByArgument, CaseIterable {
  case keep, f32, bf16, f16
  case float32, bfloat16, float16
  case q8Zero = "q8_0"

  /// The stored type; nil to keep each.
  var type: ScalarType? {
    switch self {
    case .keep: nil
    case .f32, .float32: .f32
    case .bf16, .bfloat16: .bf16
    case .f16, .float16: .f16
    case .q8Zero: .q8Zero
    }
  }
}

/// What happens to the tensors of multi-token prediction.
enum MTPChoice: String, ExpressibleByArgument, CaseIterable {
  case keep, drop
}
