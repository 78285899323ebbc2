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

    func plant(in directory: inout TorchDistLiteral) {
      let place = "decoder.layers.0."
      switch self {
      case .chunksOfRanks:
        directory.exchanged = [("\(place)self_attention.in_proj.weight.value", 0, 1)]
      case .halvesOfRanks:
        directory.exchanged = [("\(place)self_attention.out_proj.weight", 0, 1)]
      case .gateAndUp:
        directory.exchanged = (0..<6).flatMap { expert in
          (0..<2).map {
            ("\(place)mlp.experts.experts.linear_fc1.weight", 4 * expert + $0, 4 * expert + 2 + $0)
          }
        }
      case .expertsRotated:
        directory.edit("\(place)mlp.experts.experts.linear_fc2.weight") { tensor in
          let expert = tensor.bytes.count / tensor.shape[0]
          tensor.bytes = Array(tensor.bytes[expert...] + tensor.bytes[..<expert])
        }
      case .normNotShifted:
        directory.edit("\(place)self_attention.out_norm.weight") { tensor in
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

  private static let model = Fixtures.path("huggingface/qwen3_next/bf16")

  private func verify(_ fault: Fault?) throws -> CommandResult {
    let folder = try TemporaryDirectory()
    var directory = try MegatronLiteral.directory(
      of: Self.model, MegatronLiteral.Form(tensorParallel: 2))
    fault?.plant(in: &directory)
    let path = folder.path.appending("run")
    try directory.write(to: path)
    let ids = (0..<24).map { "\($0 * 37 % 320)" }.joined(separator: " ")
    let tokens = try folder.write("tokens.txt", ids.utf8)
    return try GraftCommand.run([
      "verify", path.string, Self.model.string, "--tokens", tokens.string,
    ])
  }

  @Test func theSoundDirectoryIsTheSame() throws {
    let result = try verify(nil)
    #expect(result.exitCode == 0, "\(result)")
  }

  @Test(arguments: Fault.allCases) func everyFaultIsSeen(_ fault: Fault) throws {
    let result = try verify(fault)
    #expect(result.exitCode == 1 && result.output.contains("differs"), "\(result)")
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
