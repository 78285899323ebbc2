import Canonical

/// The values from which an M²RNN layer learns to follow a state, of a finite automaton say, without end.
///
/// A state that is to be replaced at every step must be forgotten at every step, and what replaces it
/// must be a function of it and of the newest token alone:
/// - The forget gate is near zero at first, from A in 8 ... 16 and dt in 0.3 ... 1, so that the
///   state is `tanh(S W + k vᵀ)` and nothing of what came before is added to it.
/// - The state weight is orthogonal: it turns states, of which none fades or grows faster than others.
/// - There is no convolution, which would mix in earlier tokens.
/// - Input projections keep the size of what they read, so that `k vᵀ` and the gates begin where tanh
///   and the gates bend; at a deviation of 0.02 training did not leave the nearly linear range.
///
/// Everything else is drawn as in `ReferenceInitialisation`.
enum TrackingInitialisation {
  /// The layer of these sizes without convolution, with the ranges of its gate.
  static func configuration(_ sizing: M2RNNSizing, replacing old: any ReplacedLayer, hidden: Int)
    throws -> M2RNN
  {
    var sizing = sizing
    sizing.taps = 0
    var mixer = try sizing.configuration(replacing: old, hidden: hidden)
    (mixer.initialisation.aMinimum, mixer.initialisation.aMaximum) = (8, 16)
    (mixer.initialisation.dtMinimum, mixer.initialisation.dtMaximum) = (0.3, 1)
    return mixer
  }

  /// The values that are not those of `fresh`, by role.
  static func values(_ mixer: M2RNN, _ fresh: ReferenceInitialisation) -> [String: [Float]] {
    let H = fresh.model.hidden
    let rows = [
      "q": mixer.queryHeads * mixer.keyDim, "k": mixer.keyHeads * mixer.keyDim,
      "v": mixer.valueHeads * mixer.valueDim, "f": mixer.forgetHeads,
      "g": mixer.gateHeads * mixer.valueDim,
    ]
    var values = ["m2rnn.W": stateWeight(mixer, fresh)]
    for (name, count) in rows {
      let role = "m2rnn." + name
      values[role] = fresh.normal(role, count * H, 1 / Double(H).squareRoot())
    }
    return values
  }

  private static func stateWeight(_ mixer: M2RNN, _ fresh: ReferenceInitialisation) -> [Float] {
    let size = mixer.valueDim * mixer.valueDim
    let normal = fresh.normal("m2rnn.W", mixer.weightHeads * size, 1)
    return (0..<mixer.weightHeads).flatMap { head in
      orthogonal(normal[head * size..<(head + 1) * size].map(Double.init), mixer.valueDim)
    }
  }

  /// The rows of a square matrix made orthonormal one after the other (Gram and Schmidt), each twice
  /// against rounding.
  private static func orthogonal(_ matrix: [Double], _ width: Int) -> [Float] {
    var rows: [[Double]] = []
    for start in stride(from: 0, to: width * width, by: width) {
      var row = Array(matrix[start..<start + width])
      for other in rows + rows {
        let share = dot(row, other)
        for i in row.indices { row[i] -= share * other[i] }
      }
      let length = dot(row, row).squareRoot()
      rows.append(row.map { $0 / length })
    }
    return rows.flatMap { $0.map { Float($0) } }
  }

  private static func dot(_ a: [Double], _ b: [Double]) -> Double {
    zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
  }
}
