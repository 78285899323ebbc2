import GraftTestSupport
import SystemPackage
import Testing

/// Faults of tools that write or read checkpoints of parallel ranks, planted in directories of Megatron: each
/// is seen against the checkpoint that the directory was made of.
@Suite struct MegatronFaultTests {
  /// What is wrong.
  enum Fault: String, CaseIterable, CustomTestStringConvertible {
    /// Parts of one tensor stand in the files of each other's rank.
    case chunksOfRanks
    /// The halves of two tensor-parallel ranks are joined in the wrong order.
    case halvesOfRanks
    /// Gate and up of the experts have changed places.
    case gateAndUp
    /// Every expert stands in the place of the next one.
    case expertsRotated
    /// The norm of the output is stored as it is, not less one.
    case normNotShifted
    /// Query and gate of a group have changed places.
    case queryAndGate

    var testDescription: String { rawValue }

    func plant(in directory: inout TorchDistLiteral, _ shape: Shape) {
      let (place, feedForward) = (shape.mixer, shape.feedForward)
      let ranks = shape.form.tensorParallel
      switch self {
      case .chunksOfRanks:
        directory.exchanged = [("\(place)in_proj.weight.value", ranks - 2, ranks - 1)]
      case .halvesOfRanks:
        directory.exchanged = [("\(place)out_proj.weight", 0, ranks - 1)]
      case .gateAndUp:
        let name = shape.hasExperts ? "experts.experts.linear_fc1" : "linear_fc1"
        directory.exchanged = (0..<(shape.hasExperts ? 6 : 1)).flatMap { expert in
          (0..<ranks).map {
            let first = 2 * ranks * expert + $0
            return ("\(feedForward)\(name).weight", first, first + ranks)
          }
        }
      case .expertsRotated:
        directory.edit("\(feedForward)experts.experts.linear_fc2.weight") { tensor in
          let expert = tensor.bytes.count / tensor.shape[0]
          tensor.bytes = Array(tensor.bytes[expert...] + tensor.bytes[..<expert])
        }
      case .normNotShifted:
        directory.edit("\(place)out_norm.weight") { tensor in
          tensor.bytes = (0..<tensor.shape[0]).flatMap { index in
            let bits = tensor.bytes[4 * index..<4 * index + 4].reversed()
            let value = Float(bitPattern: bits.reduce(UInt32(0)) { $0 << 8 | UInt32($1) })
            return GGUFLiteral.number((value + 1).bitPattern)
          }
        }
      case .queryAndGate:
        let name = directory.tensors.first { $0.tensor.name.hasSuffix("linear_qkv.weight") }
        directory.edit(name?.tensor.name ?? "") { tensor in
          let group = tensor.bytes.count / 2
          let heads = 2
          let part = group / (2 * heads + 2) * heads
          for start in [0, group] {
            let (query, gate) = (
              Array(tensor.bytes[start..<start + part]),
              Array(tensor.bytes[start + part..<start + 2 * part])
            )
            tensor.bytes.replaceSubrange(start..<start + 2 * part, with: gate + query)
          }
        }
      }
    }
  }

  /// A model and how it was spread over ranks.
  struct Shape: Sendable, CustomTestStringConvertible {
    let model: String
    let form: MegatronLiteral.Form
    /// The number of ranks over which pieces, such as those of experts, are spread.
    let ranks: Int

    var hasExperts: Bool { !model.contains("qwen3_5/") }
    var mixer: String { "decoder.layers.0.self_attention." }
    var feedForward: String { "decoder.layers.\(form.kind == .hybrid ? 1 : 0).mlp." }
    var testDescription: String { "\(model), \(form.kind), TP \(form.tensorParallel)" }

    /// The faults that it can have.
    var faults: [Fault] { Fault.allCases.filter { hasExperts || $0 != .expertsRotated } }

    static let all = [
      Shape(model: "qwen3_next/bf16", form: .init(tensorParallel: 2), ranks: 2),
      Shape(model: "qwen3_next/bf16", form: .init(tensorParallel: 4, padding: 64), ranks: 4),
      Shape(model: "qwen3_next/bf16", form: .init(.hybrid, tensorParallel: 2), ranks: 3),
      Shape(model: "qwen3_5/text-bf16", form: .init(tensorParallel: 4), ranks: 4),
    ]
  }

  private func verify(_ shape: Shape, _ fault: Fault?) throws -> CommandResult {
    let folder = try TemporaryDirectory()
    let model = Fixtures.path("huggingface/\(shape.model)")
    var directory = try MegatronLiteral.directory(of: model, shape.form)
    directory.ranks = shape.ranks
    fault?.plant(in: &directory, shape)
    let path = folder.path.appending("run")
    try directory.write(to: path)
    let ids = (0..<12).map { "\($0 * 37 % 320)" }.joined(separator: " ")
    let tokens = try folder.write("tokens.txt", ids.utf8)
    return try GraftCommand.run([
      "verify", path.string, model.string, "--tokens", tokens.string,
    ])
  }

  @Test(arguments: Shape.all) func everyFaultIsSeen(_ shape: Shape) throws {
    let sound = try verify(shape, nil)
    #expect(sound.exitCode == 0, "\(sound)")
    for fault in shape.faults {
      let result = try verify(shape, fault)
      #expect(result.exitCode == 1 && result.output.contains("differs"), "\(fault) \(result)")
    }
  }
}

extension TorchDistLiteral {
  /// Changes a tensor.
  fileprivate mutating func edit(
    _ name: String, _ body: (inout PlainCheckpointFile.Tensor) -> Void
  ) {
    guard let place = tensors.firstIndex(where: { $0.tensor.name == name }) else { return }
    body(&tensors[place].tensor)
  }
}
