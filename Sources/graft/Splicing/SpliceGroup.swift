import ArgumentParser
import Calibration
import Canonical
import Diagnostics
import Opening
import Splicing
import SystemPackage
import Verification

/// How a new layer gets its values, as the command line and recipes name it.
enum SpliceStrategy: String, ExpressibleByArgument, CaseIterable, Sendable {
  case reference, zero, transfer, calibrate, donor

  /// What of a layer is fitted on tokens.
  var extent: Calibration.Extent? {
    switch self {
    case .reference, .zero, .donor: nil
    case .transfer: .scale
    case .calibrate: .everything
    }
  }
}

/// Layers that are replaced in the same way.
struct SpliceGroup {
  var layers: [Int]
  var strategy = SpliceStrategy.reference
  var sizing = M2RNNSizing()
  var seed: UInt64 = 0
  /// The steps of optimisation; nil for the usual number.
  var steps: Int?
  /// The checkpoint whose layer is taken.
  var donor: String?
  /// Which layer of it; nil for its first M²RNN layer.
  var donorLayer: Int?

  /// The replacement before anything is fitted.
  func splice() throws -> Splice {
    Splice(layers: layers, sizing: sizing, initialisation: try initialisation())
  }

  private func initialisation() throws -> Splice.Initialisation {
    switch strategy {
    case .reference: return .reference(seed: seed)
    case .zero: return .zero(seed: seed)
    case .transfer, .calibrate: return .transfer(seed: seed)
    case .donor:
      guard let donor else {
        throw Problem(.usage, "--init donor needs a donor", remedy: "add --donor PATH")
      }
      let model = try OpenedModel(FilePath(donor), catalogue: .builtIn())
      let first = model.configuration.layers.firstIndex {
        if case .m2rnn = $0.mixer { true } else { false }
      }
      return .donor(model.canonical, layer: donorLayer ?? first ?? 0, file: donor)
    }
  }
}
